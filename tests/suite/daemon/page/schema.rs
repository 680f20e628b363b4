//! Holds JSON against docs/openapi.yaml: as much of JSON Schema as the document uses. What the document does not mention is
//! wrong, too: it is to be complete.

use std::collections::BTreeSet;

use regex::Regex;
use serde_json::Value;

use crate::support::plane::root;

/// The document.
pub struct OpenApi(pub Value);

impl OpenApi {
    pub fn read() -> Self {
        let text = std::fs::read_to_string(root().join("docs/openapi.yaml")).unwrap();
        Self(serde_yaml::from_str(&text).unwrap())
    }

    /// The schema of what a path answers with a status.
    pub fn answer(&self, path: &str, method: &str, status: u16) -> &Value {
        let answer = &self.0["paths"][path][method]["responses"][status.to_string()];
        let answer = self.resolved(answer);
        let schema = &answer["content"]["application/json"]["schema"];
        assert!(schema.is_object(), "{method} {path} {status} is not described");
        schema
    }

    /// What is wrong with a value, each with its place.
    pub fn check(&self, schema: &Value, value: &Value) -> Vec<String> {
        let mut wrong = Vec::new();
        self.value(schema, value, "", &mut wrong);
        wrong
    }

    fn resolved<'a>(&'a self, schema: &'a Value) -> &'a Value {
        match schema["$ref"].as_str() {
            Some(reference) => {
                let pointer = reference.strip_prefix('#').unwrap();
                self.resolved(self.0.pointer(pointer).unwrap_or_else(|| panic!("{reference} leads nowhere")))
            }
            None => schema,
        }
    }

    /// The parts that a schema is made of.
    fn parts<'a>(&'a self, schema: &'a Value) -> Vec<&'a Value> {
        let schema = self.resolved(schema);
        match schema["allOf"].as_array() {
            Some(all) => all.iter().flat_map(|part| self.parts(part)).collect(),
            None => vec![schema],
        }
    }

    fn value(&self, schema: &Value, value: &Value, at: &str, wrong: &mut Vec<String>) {
        let parts = self.parts(schema);
        if value.is_null() {
            wrong.push(format!("{at}: null"));
        }
        let mut known = BTreeSet::new();
        let mut open = true;
        for part in &parts {
            if let Some(kind) = part["type"].as_str()
                && !is(kind, value)
            {
                wrong.push(format!("{at}: {value} is not of type {kind}"));
                return;
            }
            if let Some(words) = part["enum"].as_array()
                && !words.contains(value)
            {
                wrong.push(format!("{at}: {value} is none of {words:?}"));
            }
            if let (Some(pattern), Some(text)) = (part["pattern"].as_str(), value.as_str())
                && !Regex::new(pattern).unwrap().is_match(text)
            {
                wrong.push(format!("{at}: {text:?} is not like {pattern}"));
            }
            if part["format"] == "date-time"
                && value.as_str().is_none_or(|text| text.parse::<jiff::Timestamp>().is_err())
            {
                wrong.push(format!("{at}: {value} is no time"));
            }
            for name in part["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                if value.get(name).is_none() {
                    wrong.push(format!("{at}: {name} is missing"));
                }
            }
            for (name, inner) in part["properties"].as_object().into_iter().flatten() {
                open = false;
                known.insert(name.as_str());
                if let Some(found) = value.get(name) {
                    self.value(inner, found, &format!("{at}/{name}"), wrong);
                }
            }
            if part["items"].is_object() {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    self.value(&part["items"], item, &format!("{at}/{index}"), wrong);
                }
            }
            if part["additionalProperties"].is_object() {
                for (name, inner) in value.as_object().into_iter().flatten() {
                    self.value(&part["additionalProperties"], inner, &format!("{at}/{name}"), wrong);
                }
            }
        }
        if !open {
            let unknown = value.as_object().into_iter().flatten().map(|(name, _)| name);
            wrong.extend(
                unknown
                    .filter(|name| !known.contains(name.as_str()))
                    .map(|name| format!("{at}: {name} is not described")),
            );
        }
    }
}

fn is(kind: &str, value: &Value) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        other => panic!("the type {other} is not checked here"),
    }
}

#[test]
fn a_value_is_held_against_all_parts_of_its_schema() {
    let openapi = OpenApi(serde_json::json!({"components": {"schemas": {
        "A": {"type": "object", "required": ["a"], "properties": {"a": {"enum": ["x"]}}},
        "B": {"allOf": [{"$ref": "#/components/schemas/A"}, {"type": "object", "properties": {
            "b": {"type": "array", "items": {"type": "integer"}}, "t": {"type": "string", "format": "date-time"}}}]}
    }}}));
    let check = |value: Value, expected: &[&str]| {
        assert_eq!(openapi.check(&openapi.0["components"]["schemas"]["B"], &value), expected);
    };
    check(serde_json::json!({"a": "x", "b": [1], "t": "2026-01-02T00:00:00Z"}), &[]);
    check(serde_json::json!({"b": ["1"]}), &[": a is missing", "/b/0: \"1\" is not of type integer"]);
    check(serde_json::json!({"a": "x", "c": 1}), &[": c is not described"]);
    check(serde_json::json!({"a": "x", "t": "soon"}), &["/t: \"soon\" is no time"]);
}
