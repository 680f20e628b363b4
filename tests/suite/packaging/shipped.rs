//! What is told of a release: which crates are in the program and under which licences, what changed, and the plugin's manifest.

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Output};

use regex::Regex;
use serde_json::Value;

use crate::support::plane::root;

fn script(name: &str, arguments: &[&str]) -> Output {
    let output = Command::new(root().join("hack/release").join(name)).args(arguments).current_dir(root()).output();
    output.unwrap_or_else(|error| panic!("hack/release/{name} needs python3: {error}"))
}

fn said(name: &str, arguments: &[&str]) -> String {
    let output = script(name, arguments);
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn no_crate_is_used_whose_licence_is_not_allowed() {
    said("licences", &[]);
}

#[test]
fn a_licence_a_crate_or_an_exception_that_is_not_wanted_is_named() {
    let rules = fs::read_to_string(root().join("deny.toml")).unwrap();
    let check = |from: &str, to: &str, expected: &[&str]| {
        assert!(rules.contains(from), "{from}");
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), rules.replace(from, to)).unwrap();
        let output = script("licences", &["--rules", file.path().to_str().unwrap()]);
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{to}: {told}");
        for words in expected {
            assert!(told.contains(words), "{words}: {told}");
        }
        assert!(!told.contains("Traceback"), "{told}");
    };
    // A choice of licences is met by the other one, and what is under one alone is named.
    check("  \"MIT\",\n", "", &["is under MIT, which deny.toml does not allow"]);
    check("  \"Unicode-3.0\",\n", "", &["is under (MIT OR Apache-2.0) AND Unicode-3.0"]);
    check("{ crate = \"notify\",", "{ crate = \"no-such-crate\",", &["notify ", "no-such-crate, which nothing uses"]);
    check("crate = \"openssl-sys\"", "crate = \"serde\"", &["serde 1", "is not wanted: rustls is used"]);
}

#[test]
fn the_bill_of_materials_is_of_the_program_and_the_same_each_time() {
    let text = said("sbom", &[]);
    assert_eq!(text, said("sbom", &[]), "there is neither time nor chance in it");
    let bom: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&bom["bomFormat"], &bom["specVersion"]), (&"CycloneDX".into(), &"1.5".into()));
    let serial = Regex::new("^urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$").unwrap();
    assert!(serial.is_match(bom["serialNumber"].as_str().unwrap()), "{}", bom["serialNumber"]);
    let root = &bom["metadata"]["component"];
    assert_eq!((&root["name"], &root["version"]), (&"gitmoor".into(), &env!("CARGO_PKG_VERSION").into()));

    let components = bom["components"].as_array().unwrap();
    for component in components {
        assert!(component["licenses"][0]["expression"].is_string(), "{component}");
        assert_eq!(component["hashes"][0]["content"].as_str().map(str::len), Some(64), "of a registry: {component}");
    }
    let names: BTreeSet<_> = components.iter().map(|one| one["name"].as_str().unwrap()).collect();
    for there in ["kube", "gix", "ring", "tokio"] {
        assert!(names.contains(there), "{there}");
    }
    // What tests, other systems and build scripts need is not in the program.
    for elsewhere in ["proptest", "pulldown-cmark", "windows-sys", "cc"] {
        assert!(!names.contains(elsewhere), "{elsewhere}");
    }
    let refs =
        |list: &Value| list.as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned()).collect::<Vec<_>>();
    let known: BTreeSet<_> =
        components.iter().chain([root]).map(|one| one["bom-ref"].as_str().unwrap().to_owned()).collect();
    assert_eq!(known.len(), components.len() + 1, "each is named once");
    for one in bom["dependencies"].as_array().unwrap() {
        assert!(refs(&one["dependsOn"]).iter().all(|reference| known.contains(reference)), "{one}");
    }
    let report = said("sbom", &["--licenses"]);
    assert!(report.starts_with(&format!("{} crates are in the program", known.len())), "{report}");
}

#[test]
fn the_plugins_manifest_has_the_sums_of_its_archives() {
    let folder = tempfile::tempdir().unwrap();
    for (arch, content) in [("amd64", "a"), ("arm64", "b")] {
        fs::write(folder.path().join(format!("gitmoor-linux-{arch}.tar.gz")), content).unwrap();
    }
    let manifest: Value = serde_yaml::from_str(&said("krew", &[folder.path().to_str().unwrap()])).unwrap();
    assert_eq!(manifest["spec"]["version"], format!("v{}", env!("CARGO_PKG_VERSION")));
    let sums = manifest["spec"]["platforms"].as_array().unwrap().iter().map(|one| one["sha256"].as_str().unwrap());
    let sums: Vec<_> = sums.map(|sum| &sum[..8]).collect();
    assert_eq!(sums, ["ca978112", "3e23e816"], "of a and of b");
}

/// As [Keep a Changelog](https://keepachangelog.com) has it: whoever upgrades finds their version, and what changed since.
#[test]
fn the_changelog_has_the_form_that_it_says() {
    let text = fs::read_to_string(root().join("CHANGELOG.md")).unwrap();
    changelog(&text, env!("CARGO_PKG_VERSION")).unwrap_or_else(|why| panic!("CHANGELOG.md: {why}"));
}

#[test]
fn a_changelog_that_is_out_of_form_is_found() {
    let check = |text: &str, expected: Result<(), &str>| {
        assert_eq!(changelog(&format!("# Changelog\n{text}"), "0.2.0"), expected.map_err(str::to_owned), "{text}");
    };
    let released = "## [0.2.0] - 2026-02-01\n### Added\n- b\n## [0.1.0] - 2026-01-01\n### Added\n- a\n";
    check(&format!("## [Unreleased]\n{released}"), Ok(()));
    check("## [Unreleased]\n### Added\n- a\n  and more\n### Fixed\n- b\n", Ok(()));
    check(released, Err("it begins with [Unreleased]"));
    check("## [Unreleased]\n## [0.2.0]\n### Added\n- a\n", Err("[0.2.0] has no day"));
    check("## [Unreleased]\n## [0.1.0] - 2026-01-01\n## [0.2.0] - 2026-02-01\n", Err("0.2.0 is below 0.1.0"));
    check("## [Unreleased]\n## [0.3.0] - 2026-01-01\n", Err("0.3.0 is released, and this is 0.2.0"));
    check("## [Unreleased]\n### New\n- a\n", Err("New is no kind of change"));
    check("## [Unreleased]\n### Fixed\n- a\n### Added\n- b\n", Err("Added comes before Fixed"));
    check("## [Unreleased]\n### Added\n### Fixed\n- b\n", Err("Added says nothing"));
}

fn changelog(text: &str, present: &str) -> Result<(), String> {
    const KINDS: [&str; 6] = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"];
    let present = semver::Version::parse(present).unwrap();
    let version =
        Regex::new(r"^\[([0-9]+\.[0-9]+\.[0-9]+(?:-[0-9A-Za-z.]+)?)\](?: - ([0-9]{4}-[0-9]{2}-[0-9]{2}))?$").unwrap();
    let headings: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    if headings.first() != Some(&"[Unreleased]") {
        return Err("it begins with [Unreleased]".into());
    }
    let mut last: Option<semver::Version> = None;
    for heading in &headings[1..] {
        let found = version.captures(heading).ok_or_else(|| format!("{heading} is no version"))?;
        let day = found.get(2).ok_or_else(|| format!("{heading} has no day"))?;
        day.as_str().parse::<jiff::civil::Date>().map_err(|error| format!("{heading}: {error}"))?;
        let this = semver::Version::parse(&found[1]).map_err(|error| format!("{heading}: {error}"))?;
        match &last {
            Some(last) if this >= *last => return Err(format!("{this} is below {last}")),
            None if this > present => return Err(format!("{this} is released, and this is {present}")),
            _ => last = Some(this),
        }
    }
    for part in text.split("\n## ").skip(1) {
        let mut before = None;
        for section in part.split("\n### ").skip(1) {
            let (kind, said) = section.split_once('\n').unwrap_or((section, ""));
            let at =
                KINDS.iter().position(|known| *known == kind).ok_or_else(|| format!("{kind} is no kind of change"))?;
            if let Some(before) = before.filter(|before| *before >= at) {
                return Err(format!("{kind} comes before {}", KINDS[before]));
            }
            if !said.trim_start().starts_with("- ") {
                return Err(format!("{kind} says nothing"));
            }
            before = Some(at);
        }
    }
    Ok(())
}
