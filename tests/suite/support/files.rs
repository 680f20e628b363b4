//! Files of the repository: its manifests and its sources.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use super::plane::root;

/// Every YAML file below a folder of the repository, in order of path.
pub fn yaml_files(folder: &str) -> Vec<PathBuf> {
    files(folder, "yaml")
}

/// Every Rust file below a folder of the repository, in order of path.
pub fn rust_files(folder: &str) -> Vec<PathBuf> {
    files(folder, "rs")
}

fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    collect(&root().join(folder), extension, &mut found);
    found.sort();
    assert!(!found.is_empty(), "no .{extension} in {folder}");
    found
}

/// The documents of a YAML file.
pub fn documents(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap();
    let documents = serde_yaml::Deserializer::from_str(&text).map(|document| Value::deserialize(document).unwrap());
    documents.filter(|document| !document.is_null()).collect()
}

fn collect(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            // What npm has put there is nobody's here.
            if path.file_name().is_some_and(|name| name != "node_modules") {
                collect(&path, extension, found);
            }
        } else if path.extension().is_some_and(|end| end == extension) {
            found.push(path);
        }
    }
}
