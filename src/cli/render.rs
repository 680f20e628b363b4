//! `gitmoor render`: prints the objects that MicroServices become, without a cluster, and where each field comes from.

mod explained;

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::defaults::{DefaultsArgs, FromFile};
use super::inert::print_json;
use super::print_diagnostics::{self, Sources};
use crate::api::{API_VERSION, MicroService};
use crate::manifest::Places;
use crate::manifest::{self, Allowed, Scope};
use crate::model::{Document, Kind, Severity};
use crate::workload::explain::{Explained, explain};
use crate::workload::{self, Child, Surroundings};
use explained::Texts;

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
    /// What holds where a manifest does not say it.
    #[command(flatten)]
    pub defaults: DefaultsArgs,
    /// Say of each field where it comes from: the manifest, by its line; a profile or default of the operator; an override;
    /// or what is built in. yaml: as comments. json: as a list of fields.
    #[arg(long)]
    pub explain: bool,
}

/// What is coloured.
#[derive(Debug, Clone, Copy)]
pub struct Colors {
    /// Objects.
    pub out: bool,
    /// Findings.
    pub err: bool,
}

/// A rendered MicroService.
struct Rendered<'a> {
    children: Vec<Child>,
    /// The same, where it was asked where they come from.
    explained: Vec<Explained>,
    texts: Texts<'a>,
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
pub fn run(args: &RenderArgs, out: &mut dyn Write, err: &mut dyn Write, colors: Colors) -> Result<ExitCode> {
    let (mut sources, mut parsed) = (Sources::new(), Vec::new());
    for file in &args.files {
        let bytes = read(file).with_context(|| display(file))?;
        let name: Arc<str> = display(file).into();
        parsed.push((name.clone(), manifest::parse(&bytes)));
        sources.insert(name, bytes);
    }
    let scope = Scope { target_namespace: args.namespace.as_str().into(), allowed: Allowed::Any, gitsyncs: true };
    let mut found = manifest::assemble(parsed.iter().map(|(name, file)| (name, file)), &scope).diagnostics;
    let path = args.defaults.defaults.as_deref().map(display).unwrap_or_default();
    let mut defaults = args.defaults.read().with_context(|| format!("{path}: cannot be read"))?;
    if let Some(file) = &mut defaults {
        found.append(&mut file.findings);
        sources.insert(file.name.clone(), file.bytes.clone());
    }
    print_diagnostics::print(err, &found, &sources, colors.err)?;
    if found.iter().any(|found| found.severity == Severity::Error) {
        return Ok(ExitCode::from(2));
    }
    let mut rendered = Vec::new();
    let documents = parsed.iter().flat_map(|(name, file)| file.documents.iter().map(move |one| (name, one)));
    for (name, document) in documents.filter(|(_, document)| document.kind == Kind::MicroService) {
        let bytes = sources.get(name).map(Vec::as_slice).unwrap_or_default();
        let one = render(args, name, bytes, document, defaults.as_ref());
        rendered.push(one.with_context(|| format!("{name}:{} cannot be read", document.start.line))?);
    }
    if rendered.is_empty() {
        let files: Vec<_> = args.files.iter().map(|file| display(file)).collect();
        bail!("{}: no document is a MicroService of {API_VERSION}; name a file that has one", files.join(", "));
    }
    match (args.output, args.explain) {
        (Output::Yaml, false) => {
            rendered.iter().flat_map(|one| &one.children).try_for_each(|child| print_yaml(child, out))?;
        }
        (Output::Json, false) => {
            let items: Vec<&Value> = rendered.iter().flat_map(|one| &one.children).map(|child| &child.body).collect();
            serde_json::to_writer_pretty(&mut *out, &json!({"apiVersion": "v1", "kind": "List", "items": items}))?;
            writeln!(out)?;
        }
        (Output::Yaml, true) => {
            for one in &rendered {
                one.explained.iter().try_for_each(|child| one.texts.print(child, out, colors.out))?;
            }
        }
        (Output::Json, true) => {
            let objects = rendered.iter().flat_map(|one| one.explained.iter().map(|child| one.texts.object(child)));
            print_json(out, &json!({"objects": objects.collect::<Vec<_>>()}))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Renders a service as the controller would, with the same defaults.
fn render<'a>(
    args: &RenderArgs,
    file: &'a str,
    bytes: &[u8],
    document: &Document,
    defaults: Option<&FromFile>,
) -> Result<Rendered<'a>> {
    let mut raw: Value = serde_json::from_str(&document.body)?;
    let namespace_given = document.namespace.is_none();
    if namespace_given {
        raw["metadata"]["namespace"] = json!(args.namespace);
    }
    let service: MicroService = serde_json::from_value(raw.clone())?;
    let none = FromFile::default();
    let decided = &defaults.unwrap_or(&none).defaults;
    let (whole, metadata) = decided.apply(&raw, &service)?;
    let children = workload::render(&whole, &Surroundings { metadata, ..Surroundings::default() });
    let completed = decided.complete(&raw);
    let explained = match (args.explain, &completed) {
        (false, _) => Vec::new(),
        (true, completed) => {
            let service = completed.as_ref().map_or(&raw, |completed| &completed.service);
            explain(service).context("it cannot be explained")?
        }
    };
    let first = |bytes: &[u8]| manifest::places(bytes).into_iter().next();
    let texts = Texts {
        file,
        places: manifest::places(bytes).into_iter().find(|places: &Places| places.start() == document.start.line),
        namespace_given,
        defaults: defaults.and_then(|file| Some((file.name.clone(), first(&file.bytes)?))),
        taken: completed.map(|completed| completed.taken).unwrap_or_default(),
    };
    Ok(Rendered { children, explained, texts })
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

    const PLAIN: Colors = Colors { out: false, err: false };

    fn args() -> RenderArgs {
        let (namespace, output, defaults) = ("team".to_owned(), Output::Yaml, DefaultsArgs::default());
        RenderArgs { files: Vec::new(), namespace, output, defaults, explain: false }
    }

    fn render(text: &str, output: Output) -> Result<String> {
        let mut file = tempfile::NamedTempFile::new()?;
        file.write_all(text.as_bytes())?;
        let args = RenderArgs { files: vec![file.path().into()], output, ..args() };
        let mut out = Vec::new();
        let mut err = Vec::new();
        if run(&args, &mut out, &mut err, PLAIN)? != ExitCode::SUCCESS {
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

    /// What is printed of a text with these defaults, or what is said of the defaults.
    fn explained(text: &str, defaults: &str, output: Output) -> Result<String> {
        let folder = tempfile::tempdir()?;
        let (file, with) = (folder.path().join("a.yaml"), folder.path().join("defaults.yaml"));
        std::fs::write(&file, text)?;
        std::fs::write(&with, defaults)?;
        let defaults = DefaultsArgs { defaults: Some(with) };
        let args = RenderArgs { files: vec![file], output, defaults, explain: true, ..args() };
        let (mut out, mut err) = (Vec::new(), Vec::new());
        if run(&args, &mut out, &mut err, PLAIN)? != ExitCode::SUCCESS {
            bail!(String::from_utf8(err)?);
        }
        Ok(String::from_utf8(out)?.replace(&format!("{}/", folder.path().display()), ""))
    }

    const DECIDED: &str = "\
defaults:
  securityProfile: Baseline
  childMetadata: {labels: {cost: '7'}}
profiles:
- name: teams
  namespaces: [team*]
  replicas: 3
";
    const PATCHED: &str = "\
apiVersion: gitmoor.dev/v1alpha1
kind: MicroService
metadata: {name: hello}
spec:
  image: a:1
  ports: [{containerPort: 80}]
  overrides:
  - target: {apiVersion: apps/v1, kind: Deployment}
    patch: {spec: {paused: true}}
";

    #[test]
    fn each_value_has_a_comment_with_where_it_comes_from_and_it_is_still_yaml() {
        let text = explained(PATCHED, DECIDED, Output::Yaml).unwrap();
        let deployment = text.split("---\n").find(|one| one.starts_with("# Deployment")).unwrap();
        let check = |start: &str, comment: &str| {
            let line = deployment
                .lines()
                .find(|line| line.trim_start_matches([' ', '-']).starts_with(start))
                .unwrap_or_else(|| panic!("{start}"));
            assert_eq!(line.split_once(" # ").map(|(_, comment)| comment), Some(comment), "{deployment}");
        };
        check("replicas:", "profile teams: replicas (defaults.yaml:7)");
        check("cost:", "operator default: childMetadata.labels.cost (defaults.yaml:3)");
        check("namespace:", "--namespace");
        check("paused:", "override 1: spec.paused (a.yaml:9)");
        check("image:", "spec.image (a.yaml:5)");
        check("enableServiceLinks:", "built in");
        check("gitmoor.dev/rendered-hash:", "computed");
        check("containerPort:", "spec.ports[0].containerPort (a.yaml:6)");
        for line in deployment.lines().skip(1).filter(|line| !line.ends_with(':')) {
            assert!(line.contains(" # "), "{line}");
        }
        let read: Value = serde_yaml::from_str(deployment).unwrap();
        assert_eq!((&read["spec"]["replicas"], &read["metadata"]["labels"]["cost"]), (&json!(3), &json!("7")));
    }

    #[test]
    fn machines_read_the_same_as_people() {
        let json: Value = serde_json::from_str(&explained(PATCHED, DECIDED, Output::Json).unwrap()).unwrap();
        let objects = json["objects"].as_array().unwrap();
        let deployment = objects.iter().find(|object| object["kind"] == "Deployment").unwrap();
        let field =
            |path: &str| deployment["fields"].as_array().unwrap().iter().find(|field| field["path"] == path).unwrap();
        assert_eq!(
            *field("/spec/replicas"),
            json!({
                "path": "/spec/replicas", "value": 3, "from": "profile", "how": "value", "field": "replicas",
                "profile": "teams", "file": "defaults.yaml", "line": 7
            })
        );
        assert_eq!(field("/spec/paused")["override"], 1);
        assert_eq!(field("/spec/template/spec/enableServiceLinks")["from"], "built-in");
        assert_eq!(field("/spec/template/spec/securityContext/seccompProfile/type")["from"], "built-in");
    }

    #[test]
    fn defaults_with_a_mistake_are_shown_with_its_place_and_nothing_is_rendered() {
        let error = explained(HELLO, "defaults:\n  replica: 3\n", Output::Yaml).unwrap_err().to_string();
        assert!(error.contains("error[GM203]") && error.contains("defaults.yaml:2:3"), "{error}");
        assert!(error.contains("did you mean replicas?"), "{error}");
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
        let args = RenderArgs { files: vec!["/no/such.yaml".into()], ..args() };
        let error = format!("{:#}", run(&args, &mut Vec::new(), &mut Vec::new(), PLAIN).unwrap_err());
        assert!(error.starts_with("/no/such.yaml: cannot be read; check the path"), "{error}");
    }
}
