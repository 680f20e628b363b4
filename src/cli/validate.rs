//! `gitmoor validate`: what the daemon would say about manifests, without a cluster.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use serde::Serialize;

use super::Output;
use super::inert::{inert, print_json};
use super::print_diagnostics::{self, Sources};
use crate::manifest::{Allowed, Scope, assemble, parse};
use crate::model::{Declared, Diagnostic, ParsedFile, Severity};

/// Checks manifests without a cluster, as the daemon does.
///
/// Exits with 0 when all are valid, 1 when some are not, 2 when something could not be read.
#[derive(Debug, Clone, Args)]
pub struct ValidateArgs {
    /// Files, folders (all *.yaml and *.yml below them), or - for the standard input.
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Namespace for manifests that name none.
    #[arg(long, value_name = "NAME", default_value = "default")]
    pub namespace: String,
    /// A namespace that manifests may name; can be repeated. Default: every namespace.
    #[arg(long, value_name = "NAME")]
    pub allow_namespace: Vec<String>,
    /// How to print.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub output: Output,
}

/// Checks the manifests and prints what was found.
pub fn run(args: &ValidateArgs, out: &mut dyn Write, color: bool) -> anyhow::Result<ExitCode> {
    let mut input = Input::default();
    args.paths.iter().for_each(|path| input.add(path));
    input.failures.sort_by(|a, b| a.file.cmp(&b.file));
    let parsed: BTreeMap<&Arc<str>, ParsedFile> =
        input.sources.iter().map(|(name, bytes)| (name, parse(bytes))).collect();
    let declared = assemble(parsed.iter().map(|(name, file)| (*name, file)), &scope(args));
    let report = Report::of(&declared, &input.failures);
    match args.output {
        Output::Json => print_json(out, &report)?,
        Output::Text => {
            print_diagnostics::print(out, report.diagnostics, &input.sources, color)?;
            for failure in report.failures {
                writeln!(out, "error: failed to read {}: {}\n", inert(&failure.file), inert(&failure.message))?;
            }
            writeln!(out, "{}", report.summary.sentence())?;
        }
    }
    Ok(match (report.failures.is_empty(), report.summary.errors) {
        (false, _) => ExitCode::from(2),
        (true, 0) => ExitCode::SUCCESS,
        (true, _) => ExitCode::from(1),
    })
}

fn scope(args: &ValidateArgs) -> Scope {
    let target: Arc<str> = args.namespace.as_str().into();
    let named = args.allow_namespace.iter().map(|name| name.as_str().into());
    let allowed = match args.allow_namespace.as_slice() {
        [] => Allowed::Any,
        // The target namespace is the author's own choice.
        _ => Allowed::Only(named.chain([target.clone()]).collect::<BTreeSet<_>>().into_iter().collect()),
    };
    Scope { target_namespace: target, allowed }
}

/// What was read, and what could not be.
#[derive(Debug, Default)]
struct Input {
    sources: Sources,
    failures: Vec<Failure>,
}

/// Something that could not be read.
#[derive(Debug, Serialize)]
struct Failure {
    file: String,
    message: String,
}

impl Input {
    fn add(&mut self, path: &Path) {
        let result = if path == Path::new("-") { self.read_stdin() } else { self.read(path) };
        self.note(path, result);
    }

    fn read_stdin(&mut self) -> io::Result<()> {
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes)?;
        self.sources.insert("<stdin>".into(), bytes);
        Ok(())
    }

    fn read(&mut self, path: &Path) -> io::Result<()> {
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
                let result = self.read(&path);
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

/// What is printed for machines.
#[derive(Debug, Serialize)]
struct Report<'a> {
    diagnostics: &'a [Diagnostic],
    failures: &'a [Failure],
    summary: Summary,
}

#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    errors: usize,
    warnings: usize,
    files: usize,
    files_with_findings: usize,
    micro_services: usize,
    other_documents: u32,
}

impl<'a> Report<'a> {
    fn of(declared: &'a Declared, failures: &'a [Failure]) -> Self {
        let found = &declared.diagnostics;
        let errors = found.iter().filter(|found| found.severity == Severity::Error).count();
        let summary = Summary {
            errors,
            warnings: found.len() - errors,
            files: declared.files,
            files_with_findings: found.iter().map(|found| &found.file).collect::<BTreeSet<_>>().len(),
            micro_services: declared.objects.len() + declared.quarantined.len(),
            other_documents: declared.ignored,
        };
        Self { diagnostics: found, failures, summary }
    }
}

impl Summary {
    /// `3 errors, 1 warning in 2 of 7 files; 12 MicroServices, 3 other documents`.
    fn sentence(&self) -> String {
        let mut text = String::new();
        let findings: Vec<_> = [(self.errors, "error"), (self.warnings, "warning")]
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| counted(count, what))
            .collect();
        let files = counted(self.files, "file");
        let _ = match findings.as_slice() {
            [] => write!(text, "no findings in {files}"),
            findings => write!(text, "{} in {} of {files}", findings.join(", "), self.files_with_findings),
        };
        let others = counted(usize::try_from(self.other_documents).unwrap_or(usize::MAX), "other document");
        let _ = write!(text, "; {}, {others}", counted(self.micro_services, "MicroService"));
        text
    }
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

#[cfg(test)]
mod tests;
