//! `gitmoor validate`: what the daemon would say about manifests, without a cluster.

mod github;
mod junit;
mod sarif;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::defaults::DefaultsArgs;
use super::inert::print_json;
use super::input::{Failure, Input};
use super::print_diagnostics;
use crate::manifest::{Allowed, Scope};
use crate::model::{Code, Declared, Diagnostic, Kind, Severity, codes};

/// Arguments of `gitmoor validate`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Exit codes: 0 all manifests are valid, 1 some are not, 2 something could not be read.")]
pub struct ValidateArgs {
    /// Files, folders (all *.yaml and *.yml below them), or - for the standard input.
    #[arg(required_unless_present = "defaults", value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Namespace for manifests that name none.
    #[arg(long, value_name = "NAME", default_value = "default")]
    pub namespace: String,
    /// A namespace that manifests may name; can be repeated. Default: every namespace.
    #[arg(long, value_name = "NAME")]
    pub allow_namespace: Vec<String>,
    /// How to print.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub output: Format,
    /// What holds where a manifest does not say it.
    #[command(flatten)]
    pub defaults: DefaultsArgs,
}

/// How to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[value(alias = "human")]
    Text,
    /// For machines.
    Json,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// Workflow commands: annotations of a job on GitHub.
    Github,
    /// JUnit XML: a test case for each file.
    Junit,
}

/// Checks the manifests and prints what was found.
pub fn run(args: &ValidateArgs, out: &mut dyn Write, color: bool) -> anyhow::Result<ExitCode> {
    let mut input = Input::read(&args.paths);
    let mut declared = input.declared(&scope(args));
    match args.defaults.read() {
        Ok(None) => {}
        Ok(Some(file)) => {
            declared.files += 1;
            declared.diagnostics.extend(file.findings);
            input.sources.insert(file.name, file.bytes);
        }
        Err(error) => {
            let file = args.defaults.defaults.as_deref().unwrap_or(std::path::Path::new("")).display().to_string();
            input.failures.push(Failure { file, message: error.to_string() });
        }
    }
    let report = Report::of(&declared, &input.failures);
    match args.output {
        Format::Json => print_json(out, &report)?,
        Format::Sarif => sarif::print(out, &report)?,
        Format::Github => github::print(out, &report)?,
        Format::Junit => junit::print(out, &report, input.sources.keys().map(AsRef::as_ref))?,
        Format::Text => {
            print_diagnostics::print(out, report.diagnostics, &input.sources, color)?;
            Failure::print(out, report.failures)?;
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
    Scope { target_namespace: target, allowed, gitsyncs: true }
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
    git_syncs: usize,
    other_documents: u32,
}

impl<'a> Report<'a> {
    fn of(declared: &'a Declared, failures: &'a [Failure]) -> Self {
        let found = &declared.diagnostics;
        let errors = found.iter().filter(|found| found.severity == Severity::Error).count();
        let count = |kind| {
            let all = declared.objects.keys().chain(declared.quarantined.keys());
            all.filter(|target| target.kind == kind).count()
        };
        let summary = Summary {
            errors,
            warnings: found.len() - errors,
            files: declared.files,
            files_with_findings: found.iter().map(|found| &found.file).collect::<BTreeSet<_>>().len(),
            micro_services: count(Kind::MicroService),
            git_syncs: count(Kind::GitSync),
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
        let syncs = if self.git_syncs > 0 { counted(self.git_syncs, "GitSync") + ", " } else { String::new() };
        let _ = write!(text, "; {}, {syncs}{others}", counted(self.micro_services, "MicroService"));
        text
    }
}

/// `GM203 UnknownField`.
fn title(code: Code) -> String {
    let name = codes::by_code(code.as_str()).map_or("", |entry| entry.name());
    format!("{code} {name}")
}

/// `1 file`, `2 files`.
pub fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

#[cfg(test)]
mod tests;
