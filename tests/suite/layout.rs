//! A file that no module names is never compiled, and its tests pass for ever.

use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn every_file_of_the_suite_is_a_module_of_it() {
    let suite = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite");
    let mut forgotten = Vec::new();
    visit(&suite, &suite.join("main.rs"), &mut forgotten);
    assert!(forgotten.is_empty(), "add `mod …;` for {forgotten:?}");
}

/// Every file of `folder` must be named by `parent`.
fn visit(folder: &Path, parent: &Path, forgotten: &mut Vec<PathBuf>) {
    let declared = fs::read_to_string(parent).unwrap();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        let module = path.file_stem().and_then(|stem| stem.to_str()).unwrap();
        if path.is_dir() {
            let inside = [path.join("mod.rs"), path.with_extension("rs")].into_iter().find(|file| file.exists());
            match inside {
                Some(parent) => visit(&path, &parent, forgotten),
                None => forgotten.push(path),
            }
        } else if path != parent && !names(&declared, module) && module != "mod" && module != "main" {
            forgotten.push(path);
        }
    }
}

fn names(declared: &str, module: &str) -> bool {
    declared.lines().any(|line| line.trim_start_matches("pub ").trim() == format!("mod {module};"))
}
