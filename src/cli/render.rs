//! `gitmoor render`: prints the objects that MicroServices become, without a cluster.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::print_diagnostics::{self, Sources};
use crate::api::{API_VERSION, MicroService};
use crate::manifest::{self, Allowed, Scope};
use crate::model::{Kind, Severity};
use crate::workload::{self, Child};

/// Arguments of `gitmoor render`.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 all is rendered, 2 a file cannot be read or a manifest is invalid; then nothing is."
)]
pub struct RenderArgs {
    /// YAML files with MicroServices; `-` is standard input. Documents of other kinds are left out.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Namespace of MicroServices that name none.
    #[arg(long, short, default_value = "default")]
    pub namespace: String,
    /// yaml: a stream of documents. json: one List.
    #[arg(long, short, value_enum, default_value_t = Output::Yaml)]
    pub output: Output,
}

/// How objects are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// A stream of YAML documents, each under a comment with its kind and name.
    Yaml,
    /// One List as JSON.
    Json,
}

/// Renders all files, or nothing when one of them cannot be read or is invalid. Findings go to `err`.
pub fn run(args: &RenderArgs, out: &mut dyn Write, err: &mut dyn Write, color: bool) -> Result<ExitCode> {
    let (mut sources, mut parsed) = (Sources::new(), Vec::new());
    for file in &args.files {
        let bytes = read(file).with_context(|| display(file))?;
        let name: Arc<str> = display(file).into();
        parsed.push((name.clone(), manifest::parse(&bytes)));
        sources.insert(name, bytes);
    }
    let scope = Scope { target_namespace: args.namespace.as_str().into(), allowed: Allowed::Any, gitsyncs: true };
    let found = manifest::assemble(parsed.iter().map(|(name, file)| (name, file)), &scope).diagnostics;
    print_diagnostics::print(err, &found, &sources, color)?;
    if found.iter().any(|found| found.severity == Severity::Error) {
        return Ok(ExitCode::from(2));
    }
    let mut children = Vec::new();
    let documents = parsed.iter().flat_map(|(name, file)| file.documents.iter().map(move |one| (name, one)));
    for (name, document) in documents.filter(|(_, document)| document.kind == Kind::MicroService) {
        let mut service: MicroService = serde_json::from_str(&document.body)
            .with_context(|| format!("{name}:{} cannot be read", document.start.line))?;
        service.metadata.namespace.get_or_insert_with(|| args.namespace.clone());
        children.extend(workload::render(&service, &workload::Surroundings::default()));
    }
    if children.is_empty() {
        let files: Vec<_> = args.files.iter().map(|file| display(file)).collect();
        bail!("{}: no document is a MicroService of {API_VERSION}; name a file that has one", files.join(", "));
    }
    match args.output {
        Output::Yaml => children.iter().try_for_each(|child| print_yaml(child, out))?,
        Output::Json => {
            let items: Vec<&Value> = children.iter().map(|child| &child.body).collect();
            serde_json::to_writer_pretty(&mut *out, &json!({"apiVersion": "v1", "kind": "List", "items": items}))?;
            writeln!(out)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn print_yaml(child: &Child, out: &mut dyn Write) -> Result<()> {
    let namespace = child.body["metadata"]["namespace"].as_str().unwrap_or_default();
    let yaml = serde_yaml::to_string(&child.body)?;
    write!(out, "---\n# {} {namespace}/{}\n{yaml}", child.kind.kind, child.name)?;
    Ok(())
}

fn read(file: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if is_stdin(file) {
        std::io::stdin().lock().read_to_end(&mut bytes).context("cannot be read; pipe a file into it")?;
    } else if file.is_dir() {
        bail!("is a folder; name the files in it");
    } else {
        bytes = std::fs::read(file).context("cannot be read; check the path and its permissions")?;
    }
    Ok(bytes)
}

fn is_stdin(file: &Path) -> bool {
    file == Path::new("-")
}

fn display(file: &Path) -> String {
    if is_stdin(file) { "standard input".into() } else { file.display().to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HELLO: &str =
        "apiVersion: gitmoor.dev/v1alpha1\nkind: MicroService\nmetadata: {name: hello}\nspec: {image: a:1}\n";

    fn render(text: &str, output: Output) -> Result<String> {
        let mut file = tempfile::NamedTempFile::new()?;
        file.write_all(text.as_bytes())?;
        let args = RenderArgs { files: vec![file.path().into()], namespace: "team".into(), output };
        let mut out = Vec::new();
        let mut err = Vec::new();
        if run(&args, &mut out, &mut err, false)? != ExitCode::SUCCESS {
            bail!(String::from_utf8(err)?);
        }
        Ok(String::from_utf8(out)?)
    }

    #[test]
    fn every_object_is_a_document_under_its_name() {
        let text = render(HELLO, Output::Yaml).unwrap();
        let comments: Vec<_> = text.lines().filter(|line| line.starts_with('#')).collect();
        assert_eq!(
            comments,
            ["# ServiceAccount team/hello", "# Deployment team/hello", "# PodDisruptionBudget team/hello"]
        );
    }

    #[test]
    fn json_is_one_list() {
        let list: Value = serde_json::from_str(&render(HELLO, Output::Json).unwrap()).unwrap();
        assert_eq!((list["kind"].as_str(), list["items"].as_array().map(Vec::len)), (Some("List"), Some(3)));
    }

    #[test]
    fn documents_of_other_kinds_are_left_out() {
        let other = "---\nkind: ConfigMap\nmetadata: {name: c}\n---\n# nothing\n---\n";
        assert_eq!(render(&format!("{other}{HELLO}"), Output::Yaml).unwrap(), render(HELLO, Output::Yaml).unwrap());
        let error = render(other, Output::Yaml).unwrap_err().to_string();
        assert!(
            error.ends_with("no document is a MicroService of gitmoor.dev/v1alpha1; name a file that has one"),
            "{error}"
        );
    }

    #[test]
    fn an_invalid_manifest_is_shown_as_validate_shows_it_and_nothing_is_rendered() {
        let unknown = HELLO.replace("image: a:1", "image: a:1, extra: 1");
        let error = render(&format!("{HELLO}---\n{unknown}"), Output::Yaml).unwrap_err().to_string();
        assert!(error.contains("error[GM203]") && error.contains(":9:"), "{error}");
        let error = render(&format!("{HELLO}---\n{HELLO}"), Output::Yaml).unwrap_err().to_string();
        assert!(error.contains("is declared twice"), "{error}");
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named() {
        let args = RenderArgs { files: vec!["/no/such.yaml".into()], namespace: "a".into(), output: Output::Yaml };
        let error = format!("{:#}", run(&args, &mut Vec::new(), &mut Vec::new(), false).unwrap_err());
        assert!(error.starts_with("/no/such.yaml: cannot be read; check the path"), "{error}");
    }
}
