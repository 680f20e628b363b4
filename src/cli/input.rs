//! Manifests from paths on the command line.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

use super::inert::inert;
use super::print_diagnostics::Sources;
use crate::manifest::{Scope, assemble, parse};
use crate::model::{Declared, ParsedFile};

/// What was read, and what could not be.
#[derive(Debug, Default)]
pub struct Input {
    /// Contents, by name.
    pub sources: Sources,
    /// What could not be read, by name.
    pub failures: Vec<Failure>,
}

/// Something that could not be read.
#[derive(Debug, Serialize)]
pub struct Failure {
    /// The path.
    pub file: String,
    /// The operating system's words.
    pub message: String,
}

impl Failure {
    /// Prints failures, each followed by an empty line.
    pub fn print(out: &mut dyn Write, failures: &[Self]) -> io::Result<()> {
        failures.iter().try_for_each(|failure| {
            writeln!(out, "error: failed to read {}: {}\n", inert(&failure.file), inert(&failure.message))
        })
    }
}

impl Input {
    /// Reads files, folders, and the standard input where a path is `-`.
    pub fn read(paths: &[PathBuf]) -> Self {
        let mut input = Self::default();
        paths.iter().for_each(|path| input.add(path));
        input.failures.sort_by(|a, b| a.file.cmp(&b.file));
        input
    }

    /// What all of it declares.
    pub fn declared(&self, scope: &Scope) -> Declared {
        let parsed: BTreeMap<&Arc<str>, ParsedFile> =
            self.sources.iter().map(|(name, bytes)| (name, parse(bytes))).collect();
        assemble(parsed.iter().map(|(name, file)| (*name, file)), scope)
    }

    fn add(&mut self, path: &Path) {
        let result = if path == Path::new("-") { self.read_stdin() } else { self.read_path(path) };
        self.note(path, result);
    }

    fn read_stdin(&mut self) -> io::Result<()> {
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes)?;
        self.sources.insert("<stdin>".into(), bytes);
        Ok(())
    }

    fn read_path(&mut self, path: &Path) -> io::Result<()> {
        if fs::metadata(path)?.is_dir() {
            return self.read_folder(path);
        }
        self.sources.insert(path.to_string_lossy().into(), fs::read(path)?);
        Ok(())
    }

    /// Like the daemon: regular files only, and no folder whose name starts with a dot.
    fn read_folder(&mut self, folder: &Path) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let (path, kind) = (entry.path(), entry.file_type()?);
            let hidden = entry.file_name().to_string_lossy().starts_with('.');
            let yaml = path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml");
            if kind.is_dir() && !hidden {
                let result = self.read_folder(&path);
                self.note(&path, result);
            } else if kind.is_file() && yaml {
                let result = self.read_path(&path);
                self.note(&path, result);
            }
        }
        Ok(())
    }

    fn note(&mut self, path: &Path, result: io::Result<()>) {
        if let Err(error) = result {
            self.failures.push(Failure { file: path.display().to_string(), message: error.to_string() });
        }
    }
}
