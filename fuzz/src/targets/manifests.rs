//! Manifests: bytes to findings, each with its place; and what is accepted is rendered.

use std::sync::Arc;

use gitmoor::api::MicroService;
use gitmoor::manifest::{Allowed, Scope, assemble, parse, places};
use gitmoor::model::{Diagnostic, Document, Kind, Severity};
use gitmoor::workload::{Surroundings, render};

pub fn run(data: &[u8]) {
    let file = parse(data);
    assert_eq!(file, parse(data), "the same bytes are understood the same");
    let text = String::from_utf8_lossy(data);
    file.diagnostics.iter().for_each(|finding| is_within(finding, &text));
    let errors = file.diagnostics.iter().any(|finding| finding.severity == Severity::Error);
    assert!(errors || (!file.unreadable && file.quarantined.is_empty()), "what is not taken has a finding");
    file.documents.iter().for_each(goes_all_the_way);
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
