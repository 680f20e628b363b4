//! Manifests: bytes to findings, each with its place; what is accepted means what another reader of YAML makes of it, and is
//! rendered.

use std::sync::Arc;

use gitmoor::api::MicroService;
use gitmoor::manifest::{Allowed, Scope, assemble, locate, parse, places};
use gitmoor::model::pointer::Pointer;
use gitmoor::model::{Diagnostic, Document, Kind, ParsedFile, Severity};
use gitmoor::workload::{Surroundings, render};
use serde::Deserialize;
use serde_json::{Value, json};

pub fn run(data: &[u8]) {
    let file = parse(data);
    assert_eq!(file, parse(data), "the same bytes are understood the same");
    let text = String::from_utf8_lossy(data);
    file.diagnostics.iter().for_each(|finding| is_within(finding, &text));
    let errors = file.diagnostics.iter().any(|finding| finding.severity == Severity::Error);
    assert!(errors || (!file.unreadable && file.quarantined.is_empty()), "what is not taken has a finding");
    file.documents.iter().for_each(goes_all_the_way);
    file.documents.iter().for_each(|document| is_found(data, document, &text));
    means_the_same(&text, &file);
    assert!(places(data).len() <= data.len() / 4 + 1, "documents are bounded by what there is");

    let (name, scope): (Arc<str>, _) = (
        "a.yaml".into(),
        Scope { target_namespace: "shop".into(), allowed: Allowed::Only(vec!["shop".into()]), gitsyncs: false },
    );
    let declared = assemble([(&name, &file)], &scope);
    assert!(declared.objects.len() + declared.quarantined.len() <= file.documents.len() + file.quarantined.len());
    for target in declared.objects.keys() {
        assert_eq!((target.kind, &*target.key.namespace), (Kind::MicroService, "shop"), "nothing leaves its scope");
    }
}

fn is_within(finding: &Diagnostic, text: &str) {
    let place = finding.position;
    assert!(place.line >= 1 && place.column >= 1 && place.width >= 1, "{finding:?}");
    // Form feeds and the like end no line for YAML, so its lines are at most those that any reader counts.
    let lines = text.split(['\n', '\r']).count();
    assert!(place.line as usize <= lines, "{finding:?} of {lines} lines");
    assert!(place.column as usize <= text.chars().count() + 1, "{finding:?}");
    let said = [Some(&finding.message), finding.hint.as_ref()];
    for said in said.into_iter().flatten() {
        assert!(!said.is_empty() && said.len() <= 4_096, "{} bytes are said: {said:.200}", said.len());
        assert!(!said.chars().any(|letter| letter.is_control() && letter != '\n'), "{said:?}");
    }
}

/// Each field of a document has a place in it.
fn is_found(data: &[u8], document: &Document, text: &str) {
    let lines = text.split(['\n', '\r']).count();
    for pointer in
        ["/metadata/name", "/spec/image", "/spec/url", "/spec/ports/0/containerPort", "/spec/env/0", "/no/such"]
    {
        let pointer = Pointer::parse(pointer).expect("it is a pointer");
        if let Some(place) = locate(data, document.start.line, &pointer) {
            assert!(place.line >= document.start.line && place.line as usize <= lines, "{pointer} is at {place:?}");
        }
    }
    let name = Pointer::parse("/metadata/name").expect("it is a pointer");
    assert!(locate(data, document.start.line, &name).is_some(), "a document that has a name has a place for it");
}

/// Another reader of YAML, which is no relative of ours, reads the same. Where it refuses, nobody can be misled.
fn means_the_same(text: &str, file: &ParsedFile) {
    // YAML 1.1 ends lines with these, and JSON has no bound where it is.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if !file.diagnostics.is_empty() || text.contains(['\u{85}', '\u{2028}', '\u{2029}', '\u{feff}']) {
        return;
    }
    let read = serde_yaml::Deserializer::from_str(text).map(Value::deserialize).collect::<Result<Vec<_>, _>>();
    let Ok(theirs) = read else { return };
    // Of a key that is there twice it takes the last here, and nothing where its own value is asked for.
    let strict = serde_yaml::Deserializer::from_str(text).map(serde_yaml::Value::deserialize);
    let twice = strict.map(|read| read.err().is_some_and(|error| error.to_string().contains("duplicate entry")));
    let is_ours = |(value, _): &(&Value, bool)| {
        value["apiVersion"] == "gitmoor.dev/v1alpha1"
            && ["MicroService", "GitSync"].iter().any(|kind| value["kind"] == *kind)
    };
    let theirs: Vec<_> = theirs.iter().zip(twice).filter(is_ours).collect();
    assert_eq!(theirs.len(), file.documents.len(), "another reader finds other documents: {theirs:?}");
    assert!(theirs.iter().all(|(_, twice)| !twice), "a key is there twice, and readers take either: {theirs:?}");
    for ((theirs, _), document) in theirs.into_iter().zip(&file.documents) {
        let ours: Value = serde_json::from_str(&document.body).expect("a body is JSON");
        assert_eq!(plain(&ours["spec"]), plain(&theirs["spec"]), "another reader reads something else");
        assert_eq!(ours["metadata"]["name"], theirs["metadata"]["name"]);
    }
}

/// Numbers as an API server keeps them.
fn plain(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(plain).collect(),
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), plain(value))).collect(),
        Value::Number(number) => number.as_f64().map_or(Value::Null, |number| json!(number)),
        other => other.clone(),
    }
}

fn goes_all_the_way(document: &Document) {
    let again = parse(document.body.as_bytes());
    let [same] = &*again.documents else { panic!("what was taken is not taken again: {}", document.body) };
    assert_eq!((&same.body, &same.hash), (&document.body, &document.hash), "it is canonical");
    if document.kind != Kind::MicroService {
        return;
    }
    let mut service: MicroService = serde_json::from_str(&document.body).expect("what is valid can be read");
    service.metadata.namespace.get_or_insert_with(|| "shop".into());
    let surroundings = Surroundings::default();
    let children = render(&service, &surroundings);
    assert_eq!(children, render(&service, &surroundings), "rendering is deterministic");
    let rendered: usize = children.iter().map(|child| child.body.to_string().len()).sum();
    assert!(rendered <= 40 * document.body.len() + 100_000, "{rendered} bytes of {}", document.body.len());
    for child in &children {
        assert!(!child.name.is_empty() && child.name.len() <= 253, "{}", child.name);
        assert_eq!(child.body["metadata"]["namespace"], service.metadata.namespace.as_deref().unwrap_or_default());
    }
}
