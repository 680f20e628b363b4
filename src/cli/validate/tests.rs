//! `gitmoor validate` on small folders.

use std::fs;
use std::path::Path;

use super::*;

fn check(args: &[&str]) -> (ExitCode, String) {
    #[derive(clap::Parser)]
    struct Command {
        #[command(flatten)]
        args: ValidateArgs,
    }
    let command = <Command as clap::Parser>::try_parse_from([&["validate"], args].concat()).unwrap();
    let mut out = Vec::new();
    let code = run(&command.args, &mut out, false).unwrap();
    (code, String::from_utf8(out).unwrap())
}

/// Every folder of `tests/golden/diagnostics` is a case: what `validate` prints about it is in its
/// `expected.txt`. `UPDATE_GOLDEN=1` rewrites them.
#[test]
fn what_is_printed_is_as_agreed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/diagnostics");
    let mut cases: Vec<_> = fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    let mut stale = Vec::new();
    for case in &cases {
        let (_, printed) = check(&[case.to_str().unwrap()]);
        let printed = printed.replace(&format!("{}/", case.display()), "");
        let expected = case.join("expected.txt");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&expected, &printed).unwrap();
        } else if fs::read_to_string(&expected).unwrap_or_default() != printed {
            stale.push(format!("--- {}\n{printed}", case.display()));
        }
    }
    assert!(!cases.is_empty());
    assert!(stale.is_empty(), "run with UPDATE_GOLDEN=1 and read the difference\n{}", stale.join("\n"));
}

#[test]
fn the_exit_code_tells_invalid_from_unreadable() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let path = folder.path().to_str().unwrap().to_owned();
    write(
        "a/good.yaml",
        "apiVersion: gitmoor.dev/v1alpha1\nkind: MicroService\nmetadata: {name: a}\nspec: {image: a}\n",
    );
    write("other.yml", "kind: ConfigMap\napiVersion: v1\n");
    write(".hidden/bad.yaml", "a: [");
    write("notes.txt", "a: [");
    let (code, text) = check(&[&path]);
    assert_eq!(text, "no findings in 2 files; 1 MicroService, 1 other document\n");
    assert_eq!(code, ExitCode::SUCCESS);

    let (code, text) = check(&[&path, "--allow-namespace", "shop", "--namespace", "shop", "--output", "json"]);
    let report: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(report["summary"]["microServices"], 1);
    assert_eq!(code, ExitCode::SUCCESS);

    write("bad.yaml", "a: [");
    assert_eq!(check(&[&path]).0, ExitCode::from(1));

    let missing = format!("{path}/missing.yaml");
    let (code, text) = check(&[&path, &missing]);
    assert!(text.contains(&format!("failed to read {missing}: ")), "{text}");
    assert_eq!(code, ExitCode::from(2));
}

/// Git keeps these names, and a checkout on Windows cannot have them: they are read like any other.
#[test]
fn names_that_windows_does_not_have_are_read_like_any_other() {
    let folder = tempfile::tempdir().unwrap();
    let names =
        ["CON.yaml", "aux.yml", "nul.tar.yaml", "C:\\apps\\a.yaml", "a|b?.yaml", "trailing .yaml", "..\\..\\up.yaml"];
    for name in names {
        let text = "apiVersion: gitmoor.dev/v1alpha1\nkind: MicroService\nmetadata: {name: a}\nspec: {imgae: a}\n";
        fs::write(folder.path().join(name), text).unwrap();
    }
    let (code, text) = check(&[folder.path().to_str().unwrap(), "--output", "json"]);
    let report: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, &report["summary"]["files"]), (ExitCode::from(1), &names.len().into()));
    for name in names {
        let place = folder.path().join(name).display().to_string();
        let found = report["diagnostics"].as_array().unwrap().iter().filter(|found| found["file"] == *place);
        assert!(found.count() >= 1, "{name}: {text}");
    }
}

#[test]
fn an_operator_s_defaults_are_checked_as_strictly_as_manifests() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("defaults.yaml");
    let path = path.to_str().unwrap();
    fs::write(path, "defaults: {replicas: 3}\n").unwrap();
    assert_eq!(
        check(&["--defaults", path]),
        (ExitCode::SUCCESS, "no findings in 1 file; 0 MicroServices, 0 other documents\n".into())
    );
    fs::write(path, "defaults:\n  replica: 3\nprofiles: [{name: a}]\n").unwrap();
    let (code, text) = check(&["--defaults", path]);
    assert_eq!(code, ExitCode::from(1));
    for said in ["error[GM203]", "defaults.yaml:2:3", "did you mean replicas?", "error[GM205]", "2 errors"] {
        assert!(text.contains(said), "{said}: {text}");
    }
    let (code, text) = check(&["--defaults", "/no/such.yaml"]);
    assert_eq!(code, ExitCode::from(2));
    assert!(text.contains("failed to read /no/such.yaml"), "{text}");
}
