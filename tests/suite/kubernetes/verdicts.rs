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

/// Fields that may be a number or a string, and stand without a value in the corpus.
const NULL_INSTEAD_OF_A_NUMBER: [&str; 1] = ["spec.prune.budget"];

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
                // The server takes a null for a field that may be a number or a string, and means nothing by it.
                (Ok(()), false) if NULL_INSTEAD_OF_A_NUMBER.iter().any(|field| says_nothing(&offline, field)) => {}
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

/// Whether all that is wrong with a document is that a field has no value.
fn says_nothing(parsed: &ParsedFile, field: &str) -> bool {
    parsed.diagnostics.iter().all(|finding| finding.message == format!("{field} has no value"))
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
async fn judge(kube: &Kube, namespace: &str, plural: &str, text: &str) -> Result<(), String> {
    let text = Regex::new(r"(?m)^(  )namespace: [-\w]+$").unwrap().replace_all(text, "${1}namespace: NAMESPACE");
    let text =
        Regex::new(r"(metadata: \{[^}]*)namespace: [-\w]+").unwrap().replace_all(&text, "${1}namespace: NAMESPACE");
    let body = text.replace("NAMESPACE", namespace).into_bytes();
    let path = format!("/apis/{GROUP}/{VERSION}/namespaces/{namespace}/{plural}");
    let request = http::Request::post(format!("{path}?dryRun=All&fieldValidation=Strict"))
        .header(http::header::CONTENT_TYPE, "application/yaml")
        .header(http::header::ACCEPT, "application/json")
        .body(body)
        .unwrap();
    kube.client.request::<Value>(request).await.map(drop).map_err(|error| error.to_string())
}
