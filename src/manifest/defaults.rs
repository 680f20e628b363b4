//! An operator's defaults as they are written: one YAML document, read as strictly as a manifest. Each field has the
//! schema that it has in a MicroService, so what passes here is what the API server takes of a child.

use std::sync::OnceLock;

use serde_json::{Map, Value, json};

use super::check::Checker;
use super::file::{bound, text_of};
use super::kinds::{KindSchema, compile};
use super::limits::MAX_FINDINGS;
use super::shape::Problems;
use super::yaml::{Documents, Read, Tree};
use crate::api::crds;
use crate::model::{Code, Diagnostic, Position, Severity};
use crate::workload::defaults::{
    ACCESS_POLICY, CHILD_METADATA, DENIED, Defaults, OPEN, POD_METADATA, RESOURCES, WHOLE,
};

/// A namespace's name in which `*` stands for any text.
const NAMESPACES: &str = r"^([a-z0-9*]|[a-z0-9*][-a-z0-9*]*[a-z0-9*])$";
/// A name, as Kubernetes has them.
const NAME: &str = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$";
/// The key of a label or an annotation.
const KEY: &str = r"^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$";

/// Reads defaults: what they are, where nothing is wrong with them, and all that is. The findings have no file name.
pub fn defaults(bytes: &[u8]) -> (Option<Defaults>, Vec<Diagnostic>) {
    let mut findings = Vec::new();
    let read = text_of(bytes).map_err(|found| findings.push(*found)).ok();
    let defaults = read.and_then(|text| document(text, &mut findings));
    bound(&mut findings);
    let wrong = findings.iter().any(|found| found.severity == Severity::Error);
    (defaults.filter(|_| !wrong), findings)
}

fn document(text: &str, findings: &mut Vec<Diagnostic>) -> Option<Defaults> {
    let mut documents = Documents::of(text);
    let Tree { root, findings: found } = match documents.next() {
        Some(Read::Document(tree)) => tree,
        Some(Read::Broken(found)) => {
            findings.push(found);
            return None;
        }
        Some(Read::Foreign) => {
            findings.push(Diagnostic::error(Code::Limit, Position::default(), "the document is larger than is read"));
            return None;
        }
        None => {
            let found = Diagnostic::error(Code::MissingField, Position::default(), "there is nothing in it");
            findings.push(found.hint("write {} for no defaults at all"));
            return None;
        }
    };
    findings.extend(found);
    match documents.next() {
        Some(Read::Document(second)) => {
            let found = Diagnostic::error(Code::Unsupported, second.root.at, "this is a second document");
            findings.push(found.hint("write all defaults into one document"));
        }
        Some(Read::Broken(found)) => findings.push(found),
        Some(Read::Foreign) | None => {}
    }
    let schema = schema();
    findings.extend(Checker::check(&root, &schema.shape, MAX_FINDINGS));
    if findings.is_empty() {
        findings.extend(schema.rules.check(&root));
    }
    Some(Defaults::from_json(&root.to_json()))
}

fn schema() -> &'static KindSchema {
    static SCHEMA: OnceLock<KindSchema> = OnceLock::new();
    SCHEMA.get_or_init(|| compile(open_api_schema(), &mut Problems::new()))
}

/// The schema of the document.
pub(super) fn open_api_schema() -> Value {
    let layer = layer();
    let mut profile = layer.clone();
    profile.insert("name".into(), json!({"type": "string", "minLength": 1, "maxLength": 63, "pattern": NAME}));
    profile.insert(
        "namespaces".into(),
        json!({
            "type": "array", "minItems": 1, "maxItems": 256, "x-kubernetes-list-type": "set",
            "items": {"type": "string", "minLength": 1, "maxLength": 63, "pattern": NAMESPACES}
        }),
    );
    json!({
        "type": "object",
        "properties": {
            "defaults": {"type": "object", "properties": layer},
            "profiles": {
                "type": "array", "maxItems": 64,
                "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
                "items": {"type": "object", "required": ["name", "namespaces"], "properties": profile}
            }
        }
    })
}

/// The fields of one layer: those of a MicroService, and what no MicroService has.
fn layer() -> Map<String, Value> {
    let mut spec = crds::open_api_schema(&crds::microservice())["properties"]["spec"]["properties"].take();
    let mut layer = Map::new();
    for field in WHOLE.into_iter().chain([RESOURCES, POD_METADATA]) {
        let mut schema = spec[field].take();
        rules(&mut schema, field);
        layer.insert(field.to_owned(), schema);
    }
    layer.insert(CHILD_METADATA.to_owned(), layer[POD_METADATA].clone());
    layer.insert(ACCESS_POLICY.to_owned(), json!({"type": "string", "enum": [OPEN, DENIED]}));
    layer
}

/// Rules beside the field's own: of a MicroService, the API server says so when it gets the child.
fn rules(schema: &mut Value, field: &str) {
    let key = KEY.replace('\\', r"\\");
    let more = match field {
        RESOURCES => json!([{
            "rule": "!has(self.requests) || !has(self.limits) || self.requests.all(r, !(r in self.limits) || \
                !quantity(string(self.requests[r])).isGreaterThan(quantity(string(self.limits[r]))))",
            "message": "a request is greater than the limit of the same resource"
        }]),
        POD_METADATA => ["labels", "annotations"]
            .map(|of| {
                json!({
                    "rule": format!("!has(self.{of}) || self.{of}.all(k, k.matches('{key}') && !k.startsWith('gitmoor.dev/'))"),
                    "message": format!("{of} have a key that is none, or one of Gitmoor's own"), "fieldPath": format!(".{of}")
                })
            })
            .into(),
        "nodeSelector" => json!([{
            "rule": format!("self.all(k, k.matches('{key}'))"), "message": "a key is no label's"
        }]),
        _ => return,
    };
    let mut all = schema["x-kubernetes-validations"].as_array().cloned().unwrap_or_default();
    all.extend(more.as_array().cloned().unwrap_or_default());
    schema["x-kubernetes-validations"] = Value::Array(all);
}
