//! One document of ours: checked as a whole, and put into the form in which it is applied.

use std::sync::Arc;

use data_encoding::HEXLOWER;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::check::Checker;
use super::drift_rules;
use super::identify::OurKind;
use super::kinds::{KindSchema, schema_of};
use super::node::{Entry, Kind, Node};
use super::overrides;
use super::settings::{self, Settings};
use super::yaml::Tree;
use crate::api::API_VERSION;
use crate::model::{Code, Diagnostic, Document, Position, Quarantined, Severity};

/// What a document of ours came to.
#[derive(Debug)]
pub(super) struct Judged {
    /// The document, when it is valid.
    pub document: Option<Document>,
    /// Its name, when it is invalid and has one.
    pub quarantined: Option<Quarantined>,
    /// Whether it cannot be said which object it declares.
    pub unidentified: bool,
    /// All findings.
    pub findings: Vec<Diagnostic>,
}

/// Checks a document of ours; `most` findings are kept, errors first.
pub(super) fn judge(tree: Tree<'_>, kind: OurKind, most: usize) -> Judged {
    let Tree { root, mut findings } = tree;
    let schema = schema_of(kind);
    findings.extend(Checker::check(&root, &schema.shape, most));
    let metadata = root.field("metadata");
    let identity = Identity::read(metadata);
    findings.extend(unnamed(&root, metadata));
    findings.extend(root.field("status").map(status));
    if let Some(metadata) = metadata {
        settings::check(&metadata.value, kind, &mut findings);
    }
    if !has_errors(&findings) {
        findings.extend(schema.rules.check(&root));
        if kind == OurKind::GitSync {
            drift_rules::check(&root, &mut findings);
        }
    }
    let valid = !has_errors(&findings);
    if valid && kind == OurKind::MicroService {
        findings.extend(overrides::unmatched(&root, &object(kind, &root)));
    }
    findings.sort_by_key(|found| found.severity == Severity::Warning);
    findings.truncate(most);

    let mut judged = Judged { document: None, quarantined: None, unidentified: identity.is_none(), findings };
    match identity {
        Some(identity) if valid => {
            let settings = Settings::of(metadata.map(|entry| &entry.value));
            judged.document = Some(identity.document(kind, &root, &object(kind, &root), settings));
        }
        Some(identity) => {
            judged.unidentified = !identity.is_possible(schema, &root);
            judged.quarantined = Some(identity.quarantined(kind, &root));
        }
        None => {}
    }
    judged
}

fn has_errors(findings: &[Diagnostic]) -> bool {
    findings.iter().any(|found| found.severity == Severity::Error)
}

/// Which object a document declares.
struct Identity<'n> {
    namespace: Option<(&'n str, Position)>,
    name: (&'n str, Position),
}

impl<'n> Identity<'n> {
    fn read(metadata: Option<&'n Entry<'_>>) -> Option<Self> {
        let metadata = metadata?.value.as_map()?;
        let text = |entry: &'n Entry<'_>| {
            let name = entry.value.as_str().filter(|name| is_readable(name))?;
            Some((name, entry.value.at))
        };
        let name = text(metadata.get("name")?)?;
        let namespace = match metadata.get("namespace") {
            Some(entry) => Some(text(entry)?),
            None => None,
        };
        Some(Self { namespace, name })
    }

    /// Whether an object can have this name. If none can, another one was meant.
    fn is_possible(&self, schema: &KindSchema, root: &Node<'_>) -> bool {
        let metadata = schema.shape.property("metadata");
        let fits = |field: &str, text: &str, at| {
            let node = Node { at, end: at.line, kind: Kind::String(text.into()) };
            metadata
                .and_then(|shape| shape.property(field))
                .is_none_or(|shape| Checker::check(&node, shape, 1).is_empty())
        };
        let (name, at) = self.name;
        let alone = json!({"metadata": {"name": name}});
        fits("name", name, at)
            && self.namespace.is_none_or(|(namespace, at)| fits("namespace", namespace, at))
            && !schema.rules.check_value(&alone, root).iter().any(|found| found.position == at)
    }

    fn document(&self, kind: OurKind, root: &Node<'_>, value: &Value, settings: Settings) -> Document {
        let body = value.to_string();
        let mut hash = HEXLOWER.encode(&Sha256::digest(body.as_bytes()));
        hash.truncate(32);
        Document {
            kind,
            namespace: self.namespace.map(|(name, _)| name.into()),
            name: self.name.0.into(),
            start: root.at,
            namespace_at: self.namespace.map_or(self.name.1, |(_, at)| at),
            body: body.into(),
            hash: hash.into(),
            drift_policy: settings.drift_policy,
            prune: settings.prune,
            wave: settings.wave,
        }
    }

    fn quarantined(&self, kind: OurKind, root: &Node<'_>) -> Quarantined {
        let namespace: Option<Arc<str>> = self.namespace.map(|(name, _)| name.into());
        Quarantined { kind, namespace, name: self.name.0.into(), start: root.at }
    }
}

/// Whether a text can stand for an object, even an invalid one: it goes into messages and keys.
fn is_readable(name: &str) -> bool {
    const LONGEST: usize = 253;
    (1..=LONGEST).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/')
}

/// A name that is not there; one of the wrong type is told by its schema.
fn unnamed(root: &Node<'_>, metadata: Option<&Entry<'_>>) -> Option<Diagnostic> {
    let at = match metadata {
        None => root.field("kind").map_or(root.at, |entry| entry.key_at),
        Some(Entry { value: Node { kind: Kind::Map(mapping), .. }, key_at, .. })
            if mapping.get("name").is_none() && !mapping.partial =>
        {
            *key_at
        }
        Some(_) => return None,
    };
    Some(Diagnostic::error(Code::Unidentified, at, "the document has no metadata.name").hint("give it a name"))
}

fn status(entry: &Entry<'_>) -> Diagnostic {
    let found =
        Diagnostic::error(Code::UnknownField, entry.key_at, "status is left out: it is not declared, but observed");
    Diagnostic { severity: Severity::Warning, ..found.hint("remove it") }
}

/// The object as it is applied. Empty labels and annotations are left out, as the API server does.
fn object(kind: OurKind, root: &Node<'_>) -> Value {
    let mut metadata = Map::new();
    let fields = root.field("metadata").and_then(|entry| entry.value.as_map());
    for entry in fields.iter().flat_map(|mapping| &mapping.entries) {
        if !matches!(&entry.value.kind, Kind::Map(mapping) if mapping.entries.is_empty()) {
            metadata.insert(entry.key.clone().into_owned(), entry.value.to_json());
        }
    }
    let mut object = Map::new();
    object.insert("apiVersion".into(), API_VERSION.into());
    object.insert("kind".into(), kind.as_str().into());
    object.insert("metadata".into(), metadata.into());
    if let Some(spec) = root.field("spec") {
        object.insert("spec".into(), spec.value.to_json());
    }
    object.into()
}
