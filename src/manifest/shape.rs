//! A CRD's OpenAPI schema, compiled once into what checking a value needs.

use std::collections::BTreeMap;

use regex::Regex;
use serde_json::{Map, Value};

/// What a value must be.
#[derive(Debug, Default)]
pub(super) struct Shape {
    /// Its type.
    pub kind: Type,
    /// Allowed texts; empty: all.
    pub allowed: Vec<Box<str>>,
    /// What a text must match.
    pub pattern: Option<Regex>,
    /// Bounds of a number.
    pub range: Bounds<f64>,
    /// Bounds of a text's length, in characters.
    pub length: Bounds<usize>,
    /// Bounds of how many items or fields there are.
    pub count: Bounds<usize>,
    /// Whether an integer must fit into 32 bits.
    pub int32: bool,
}

/// An optional smallest and an optional greatest.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Bounds<T> {
    /// Smallest.
    pub min: Option<T>,
    /// Greatest.
    pub max: Option<T>,
}

/// The type of a value.
#[derive(Debug, Default)]
pub(super) enum Type {
    /// Anything at all.
    #[default]
    Any,
    /// A mapping.
    Object(Object),
    /// A sequence.
    List(Box<Shape>, ListType),
    /// Text.
    String,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// true or false.
    Boolean,
    /// A whole number or text.
    IntOrString,
}

/// The fields of a mapping.
#[derive(Debug, Default)]
pub(super) struct Object {
    /// Known fields.
    pub properties: BTreeMap<Box<str>, Shape>,
    /// Those that must be there.
    pub required: Vec<Box<str>>,
    /// What the values of other fields must be; none: there may be no other fields.
    pub additional: Option<Box<Shape>>,
    /// Fields that there may not be, although others that are not known may.
    pub forbidden: Vec<Box<str>>,
    /// Fields that are refused with a hint of their own.
    pub elsewhere: &'static [(&'static str, &'static str)],
}

/// How the API server merges a list, which says what must be unique.
#[derive(Debug, Default)]
pub(super) enum ListType {
    /// As a whole.
    #[default]
    Atomic,
    /// By its items.
    Set,
    /// By these fields of its items.
    Map(Vec<Box<str>>),
}

/// What compiling did not understand. It is empty, and a test sees to that.
pub(super) type Problems = Vec<String>;

impl Shape {
    /// What the value of a field must be, where the shape is a mapping that has it.
    pub fn property(&self, name: &str) -> Option<&Self> {
        match &self.kind {
            Type::Object(object) => object.properties.get(name),
            _ => None,
        }
    }

    /// Compiles a schema.
    pub fn compile(schema: &Value, problems: &mut Problems) -> Self {
        let Value::Object(schema) = schema else { return Self::default() };
        report_unknown(schema, problems);
        let kind = Type::compile(schema, problems);
        let list = matches!(kind, Type::List(..));
        Self {
            allowed: strings(schema, "enum"),
            pattern: schema.get("pattern").and_then(Value::as_str).and_then(|pattern| {
                Regex::new(pattern).map_err(|error| problems.push(format!("pattern {pattern}: {error}"))).ok()
            }),
            range: Bounds { min: number(schema, "minimum"), max: number(schema, "maximum") },
            length: Bounds { min: size(schema, "minLength"), max: size(schema, "maxLength") },
            count: Bounds {
                min: size(schema, if list { "minItems" } else { "minProperties" }),
                max: size(schema, if list { "maxItems" } else { "maxProperties" }),
            },
            int32: schema.get("format").and_then(Value::as_str) == Some("int32"),
            kind,
        }
    }
}

impl Type {
    fn compile(schema: &Map<String, Value>, problems: &mut Problems) -> Self {
        if schema.get("x-kubernetes-int-or-string") == Some(&Value::Bool(true)) {
            return Self::IntOrString;
        }
        match schema.get("type").and_then(Value::as_str) {
            Some("object") => Self::Object(Object::compile(schema, problems)),
            Some("array") => {
                let items = Shape::compile(schema.get("items").unwrap_or(&Value::Null), problems);
                Self::List(Box::new(items), ListType::compile(schema))
            }
            Some("string") => Self::String,
            Some("integer") => Self::Integer,
            Some("number") => Self::Number,
            Some("boolean") => Self::Boolean,
            _ => Self::Any,
        }
    }
}

impl Object {
    fn compile(schema: &Map<String, Value>, problems: &mut Problems) -> Self {
        let none = Map::new();
        let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&none);
        let open = schema.get("x-kubernetes-preserve-unknown-fields") == Some(&Value::Bool(true));
        Self {
            properties: properties
                .iter()
                .map(|(name, schema)| (name.as_str().into(), Shape::compile(schema, problems)))
                .collect(),
            required: strings(schema, "required"),
            forbidden: forbidden(schema),
            additional: match schema.get("additionalProperties") {
                Some(Value::Bool(false)) | None if !open => None,
                Some(schema @ Value::Object(_)) => Some(Box::new(Shape::compile(schema, problems))),
                _ => Some(Box::default()),
            },
            elsewhere: &[],
        }
    }
}

impl ListType {
    fn compile(schema: &Map<String, Value>) -> Self {
        match schema.get("x-kubernetes-list-type").and_then(Value::as_str) {
            Some("set") => Self::Set,
            Some("map") => Self::Map(strings(schema, "x-kubernetes-list-map-keys")),
            _ => Self::Atomic,
        }
    }
}

/// The fields of `not: {anyOf: [{required: [field]}, …]}`, the only form of a `not` that is understood.
fn forbidden(schema: &Map<String, Value>) -> Vec<Box<str>> {
    let fields = schema.get("not").and_then(|not| not.get("anyOf")).and_then(Value::as_array);
    let fields = fields.into_iter().flatten().filter_map(|one| one["required"].as_array()?.first()?.as_str());
    fields.map(Into::into).collect()
}

fn strings(schema: &Map<String, Value>, keyword: &str) -> Vec<Box<str>> {
    let items = schema.get(keyword).and_then(Value::as_array);
    items.into_iter().flatten().filter_map(Value::as_str).map(Into::into).collect()
}

fn number(schema: &Map<String, Value>, keyword: &str) -> Option<f64> {
    schema.get(keyword).and_then(Value::as_f64)
}

fn size(schema: &Map<String, Value>, keyword: &str) -> Option<usize> {
    schema.get(keyword).and_then(Value::as_u64).and_then(|size| usize::try_from(size).ok())
}

/// A keyword that is not checked here would make us accept what the API server refuses.
fn report_unknown(schema: &Map<String, Value>, problems: &mut Problems) {
    const UNDERSTOOD: [&str; 27] = [
        "additionalProperties",
        "default",
        "description",
        "enum",
        "format",
        "items",
        "maxItems",
        "maxLength",
        "maxProperties",
        "maximum",
        "minItems",
        "minLength",
        "minProperties",
        "minimum",
        "not",
        "pattern",
        "properties",
        "required",
        "title",
        "type",
        "x-kubernetes-embedded-resource",
        "x-kubernetes-int-or-string",
        "x-kubernetes-list-map-keys",
        "x-kubernetes-list-type",
        "x-kubernetes-map-type",
        "x-kubernetes-preserve-unknown-fields",
        "x-kubernetes-validations",
    ];
    // The pair of types beside `x-kubernetes-int-or-string` says nothing more.
    let twofold = schema.contains_key("x-kubernetes-int-or-string");
    let understood = |keyword: &str| UNDERSTOOD.contains(&keyword) || twofold && keyword == "anyOf";
    problems.extend(schema.keys().filter(|keyword| !understood(keyword)).map(|keyword| format!("keyword {keyword}")));
    if schema.get("enum").and_then(Value::as_array).is_some_and(|words| !words.iter().all(Value::is_string)) {
        problems.push("an enum of other values than strings".into());
    }
    let alternatives = schema.get("not").map(|not| not["anyOf"].as_array().map_or(0, Vec::len));
    if alternatives.is_some_and(|count| count == 0 || count != forbidden(schema).len()) {
        problems.push("a not that is no list of required fields".into());
    }
}
