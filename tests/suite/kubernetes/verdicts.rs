//! One corpus, two judges: a manifest that `gitmoor validate` lets through must not be refused by the API server, and
//! what the API server can judge must not be refused by `gitmoor validate` alone.

use std::path::Path;

use gitmoor::api::{GROUP, VERSION};
use gitmoor::manifest;
use gitmoor::model::{Code, ParsedFile, Severity};
use regex::Regex;
use serde_json::Value;

use crate::support::Kube;
use crate::support::files::yaml_files;

/// Findings that the schema or its rules lead to: the API server must refuse such a document, too.
const JUDGED_BY_THE_SERVER: [Code; 6] = [
    Code::DuplicateKey,
    Code::UnknownField,
    Code::WrongType,
    Code::MissingField,
    Code::InvalidValue,
    Code::RuleViolated,
];

#[tokio::test]
async fn the_api_server_and_the_validation_without_it_agree_on_every_golden_manifest() {
    let Some(kube) = Kube::shared().await else { return };
    let namespace = kube.namespace("verdicts").await;
    let mut differences = Vec::new();
    let (mut accepted, mut refused) = (0, 0);
    for file in yaml_files("tests/golden/diagnostics").into_iter().chain(yaml_files("tests/golden/render")) {
        for text in split(&file) {
            let Some(kind) = our_kind(&text) else { continue };
            let offline = manifest::parse(text.as_bytes());
            let findings = errors(&offline);
            let server = judge(&kube, &namespace, kind, &text).await;
            match (&server, findings.is_empty()) {
                (Ok(()), true) => accepted += 1,
                (Err(_), false) => refused += 1,
                (Ok(()), false) if !findings.iter().any(|code| JUDGED_BY_THE_SERVER.contains(code)) => {}
                // The server takes a null where the schema has no one type, as for a number or a text, and means nothing by it.
                (Ok(()), false) if offline.diagnostics.iter().all(|found| found.message.ends_with(" has no value")) => {
                }
                _ => differences.push(format!(
                    "{}\nserver: {server:?}\nvalidate: {:#?}\n{text}",
                    file.display(),
                    offline.diagnostics
                )),
            }
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n----\n"));
    assert!(accepted >= 35 && refused >= 45, "a corpus with both: {accepted} accepted, {refused} refused");
}

/// The golden corpus breaks many things at once. Here each rule is broken alone, by a manifest that differs from a good one in
/// nothing else; so a rule that the API server does not have cannot hide behind another.
#[tokio::test]
async fn the_api_server_refuses_by_each_rule_alone_what_breaks_it_and_takes_what_keeps_it() {
    let Some(kube) = Kube::shared().await else { return };
    let namespace = kube.namespace("rules").await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/rules");
    let mut differences = Vec::new();
    let mut count = 0;
    for case in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let read = |name: &str| std::fs::read_to_string(case.join(name)).unwrap();
        let message = read("message.txt");
        for (name, broken) in [("breaks.yaml", true), ("keeps.yaml", false)] {
            let text = read(name);
            let server = judge(&kube, &namespace, our_kind(&text).unwrap(), &text).await;
            let agreed = match &server {
                Ok(()) => !broken,
                // Several causes come in brackets.
                Err(said) => broken && said.contains(message.trim()) && !said.contains("is invalid: ["),
            };
            if !agreed {
                differences.push(format!("{}\nserver: {server:?}\n{text}", case.join(name).display()));
            }
        }
        count += 1;
    }
    assert!(differences.is_empty(), "{}", differences.join("\n----\n"));
    assert!(count >= 14, "{count} rules have cases");
}

/// The documents of a file, as text: the server reads the YAML itself.
fn split(file: &Path) -> Vec<String> {
    let text = String::from_utf8_lossy(&std::fs::read(file).unwrap()).into_owned();
    let separator = Regex::new(r"(?m)^---\s*(#.*)?$").unwrap();
    separator.split(&text).map(str::to_owned).collect()
}

/// The plural of the kind, for a document of our group and version that can be sent to its URL.
fn our_kind(text: &str) -> Option<&'static str> {
    let ours = Regex::new(&format!(r#"(?m)^"?apiVersion"?:\s*"?{GROUP}/{VERSION}"?\s*$"#)).unwrap().is_match(text);
    let kind = |kind: &str| Regex::new(&format!(r#"(?m)^"?kind"?:\s*"?{kind}"?\s*$"#)).unwrap().is_match(text);
    match ours {
        true if kind("MicroService") => Some("microservices"),
        true if kind("GitSync") => Some("gitsyncs"),
        _ => None,
    }
}

fn errors(parsed: &ParsedFile) -> Vec<Code> {
    let errors = parsed.diagnostics.iter().filter(|finding| finding.severity == Severity::Error);
    errors.map(|finding| finding.code).collect()
}

/// A strict dry run with the text as it is.
pub async fn judge(kube: &Kube, namespace: &str, plural: &str, text: &str) -> Result<(), String> {
    // The object's own, and no other: two blanks deep, or on the line of its metadata.
    let text = Regex::new(r"(?m)^  namespace: [-\w]+$").unwrap().replace_all(text, "  namespace: NAMESPACE");
    let flow = Regex::new(r"(?m)^(metadata: \{[^}]*)namespace: [-\w]+").unwrap();
    let text = flow.replace_all(&text, "${1}namespace: NAMESPACE");
    let body = text.replace("NAMESPACE", namespace).into_bytes();
    let path = format!("/apis/{GROUP}/{VERSION}/namespaces/{namespace}/{plural}");
    let request = http::Request::post(format!("{path}?dryRun=All&fieldValidation=Strict"))
        .header(http::header::CONTENT_TYPE, "application/yaml")
        .header(http::header::ACCEPT, "application/json")
        .body(body)
        .unwrap();
    kube.client.request::<Value>(request).await.map(drop).map_err(|error| error.to_string())
}
