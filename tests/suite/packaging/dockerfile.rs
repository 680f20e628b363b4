//! The Dockerfile, as far as it can be looked at without an engine: its stages, what it copies, and who it runs as.

use std::fs;
use std::path::Path;
use std::process::Command;

use regex::Regex;

use crate::support::plane::root;

fn lines() -> Vec<String> {
    let text = fs::read_to_string(root().join("Dockerfile")).unwrap().replace("\\\n", " ");
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect()
}

/// Whether .dockerignore lets a path in. It names what is let in, and nothing else is.
fn is_sent(path: &str) -> bool {
    let text = fs::read_to_string(root().join(".dockerignore")).unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("*"), "nothing is sent that is not named");
    let named: Vec<_> =
        lines.map(|line| line.strip_prefix('!').unwrap_or_else(|| panic!("{line} takes away"))).collect();
    named.iter().any(|one| Path::new(path).starts_with(one))
}

#[test]
fn what_is_copied_is_there_and_sent_to_the_builder() {
    let mut stages = Vec::new();
    let mut copied = 0;
    for line in lines() {
        if let Some(from) = line.strip_prefix("FROM ") {
            stages.extend(from.split_once(" AS ").map(|(_, name)| name.to_owned()));
        }
        let Some(copy) = line.strip_prefix("COPY ") else { continue };
        let words: Vec<_> = copy.split_whitespace().collect();
        match words[0].strip_prefix("--from=") {
            Some(stage) => assert!(stages.iter().any(|known| known == stage), "{line}: there is no stage {stage}"),
            None => {
                for path in &words[..words.len() - 1] {
                    assert!(root().join(path).exists() && is_sent(path), "{line}: {path} is not there, or not sent");
                    copied += 1;
                }
            }
        }
    }
    assert!(copied >= 3);
}

/// What the sources take in at compile time must be in the image that compiles them.
#[test]
fn what_the_sources_include_is_copied() {
    let include = Regex::new(r#"include_(?:str|bytes)!\(\s*"([^"]+)"\s*\)"#).unwrap();
    let copies: Vec<_> =
        lines().into_iter().filter(|line| line.starts_with("COPY ") && !line.contains("--from")).collect();
    let mut found = 0;
    visit(&root().join("src"), &mut |file| {
        // What only tests read is not compiled there.
        if file.components().any(|part| part.as_os_str() == "tests")
            || file.file_stem().is_some_and(|stem| stem == "tests")
        {
            return;
        }
        let text = fs::read_to_string(file).unwrap();
        for capture in include.captures_iter(&text) {
            let path = file.parent().unwrap().join(&capture[1]).canonicalize().unwrap();
            let path = path.strip_prefix(root().canonicalize().unwrap()).unwrap().to_str().unwrap().to_owned();
            let is_copied =
                copies.iter().any(|line| line.split_whitespace().skip(1).any(|one| Path::new(&path).starts_with(one)));
            assert!(
                is_copied && is_sent(&path),
                "{} includes {path}, which the Dockerfile does not copy",
                file.display()
            );
            found += 1;
        }
    });
    assert!(found >= 6, "the includes were not found");
}

fn visit(folder: &Path, each: &mut impl FnMut(&Path)) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            visit(&path, each);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            each(&path);
        }
    }
}

#[test]
fn it_runs_as_nobody_and_for_each_platform() {
    let lines = lines();
    let last = |word: &str| lines.iter().rfind(|line| line.starts_with(word)).unwrap_or_else(|| panic!("no {word}"));
    assert_eq!(last("USER "), "USER 65532:65532", "as the manifests say it");
    assert!(last("ENTRYPOINT ").contains("gitmoor"));
    for from in lines.iter().filter_map(|line| line.strip_prefix("FROM ")) {
        let image = from.split_whitespace().find(|word| !word.starts_with("--")).unwrap();
        assert!(image.starts_with("${"), "{image} can be chosen by an argument");
    }
    for default in lines.iter().filter_map(|line| line.strip_prefix("ARG ")?.split_once('=')) {
        // The first part of a name with a slash is a host where it has a dot.
        let host = default.1.split_once('/').map(|(host, _)| host.contains('.'));
        assert_ne!(host, Some(true), "{}={} names a registry", default.0, default.1);
    }
    let crossing = lines.iter().any(|line| line.contains("--platform=$BUILDPLATFORM"))
        && lines.iter().any(|line| line == "ARG TARGETARCH");
    assert!(crossing, "it is built on the builder's own platform, for the target's");
}

/// What the program is linked with is in every Debian, whatever else the image lacks.
#[test]
fn the_program_needs_the_c_library_alone() {
    let output = Command::new("ldd").arg(env!("CARGO_BIN_EXE_gitmoor")).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(!said.contains("not found"), "{said}");
    let known = ["linux-vdso", "libgcc_s", "libm.", "libc.", "ld-linux", "libpthread", "libdl", "librt"];
    for line in said.lines() {
        assert!(known.iter().any(|name| line.contains(name)), "the image must carry {line}");
    }
}
