//! A YAML document as a tree that knows where everything stands.

use std::borrow::Cow;

use serde_json::{Map, Number, Value};

use crate::model::Position;
use crate::model::pointer::index;

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Node<'a> {
    /// Where it starts.
    pub at: Position,
    /// The line where it ends, for a scalar; what else there is ends with the last of what is in it.
    pub end: u32,
    /// What it is.
    pub kind: Kind<'a>,
}

/// What a node is.
#[derive(Debug, Clone)]
pub(super) enum Kind<'a> {
    /// Nothing, `~` or `null`.
    Null,
    /// true or false.
    Bool(bool),
    /// A number.
    Number(Number),
    /// Text.
    String(Cow<'a, str>),
    /// A sequence.
    List(Vec<Node<'a>>),
    /// A mapping.
    Map(Mapping<'a>),
    /// There is a finding about it already, so nothing more is said about it.
    Unclear,
}

/// A mapping in the order of the text.
#[derive(Debug, Clone, Default)]
pub(super) struct Mapping<'a> {
    /// Its fields; no key twice.
    pub entries: Vec<Entry<'a>>,
    /// Whether an entry could not be understood and was left out: then nothing can be said to be missing.
    pub partial: bool,
    /// Fields whose key is there more than once, all of them; among the entries one of them is unclear.
    pub repeated: Vec<Entry<'a>>,
}

/// A field of a mapping.
#[derive(Debug, Clone)]
pub(super) struct Entry<'a> {
    /// Its name.
    pub key: Cow<'a, str>,
    /// Where its name stands.
    pub key_at: Position,
    /// Its value.
    pub value: Node<'a>,
}

impl<'a> Mapping<'a> {
    /// Every value that the field of that name has in the text.
    pub fn all<'n>(&'n self, key: &'n str) -> impl Iterator<Item = &'n Node<'a>> {
        let clear = |entry: &&Entry<'_>| !matches!(entry.value.kind, Kind::Unclear);
        let entries = self.entries.iter().filter(clear).chain(&self.repeated);
        entries.filter(move |entry| entry.key == key).map(|entry| &entry.value)
    }

    /// The field of that name.
    pub fn get(&self, key: &str) -> Option<&Entry<'a>> {
        self.entries.iter().find(|entry| entry.key == key)
    }
}

impl<'a> Node<'a> {
    /// The fields, when it is a mapping.
    pub fn as_map(&self) -> Option<&Mapping<'a>> {
        match &self.kind {
            Kind::Map(mapping) => Some(mapping),
            _ => None,
        }
    }

    /// The text, when it is text.
    pub fn as_str(&self) -> Option<&str> {
        match &self.kind {
            Kind::String(text) => Some(text),
            _ => None,
        }
    }

    /// The field of that name, when it is a mapping that has it.
    pub fn field(&self, key: &str) -> Option<&Entry<'a>> {
        self.as_map()?.get(key)
    }

    /// What it is, for people.
    pub fn describe(&self) -> &'static str {
        match &self.kind {
            Kind::Null => "null",
            Kind::Bool(_) => "a boolean",
            Kind::Number(number) if number.is_f64() => "a number with a fraction",
            Kind::Number(_) => "a number",
            Kind::String(_) => "a string",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a mapping",
            Kind::Unclear => "unclear",
        }
    }

    /// Where it has what a JSON pointer names: the key of a field, an item itself.
    pub fn locate(&self, segments: &[String]) -> Option<Position> {
        let (mut node, mut at) = (self, self.at);
        for segment in segments {
            (node, at) = match &node.kind {
                Kind::Map(mapping) => mapping.get(segment).map(|entry| (&entry.value, entry.key_at))?,
                Kind::List(items) => items.get(index(segment)?).map(|item| (item, item.at))?,
                _ => return None,
            };
        }
        Some(at)
    }

    /// As JSON, with sorted keys and numbers as the API server stores them.
    pub fn to_json(&self) -> Value {
        match &self.kind {
            Kind::Null | Kind::Unclear => Value::Null,
            Kind::Bool(value) => Value::Bool(*value),
            Kind::Number(number) => Value::Number(number.clone()),
            Kind::String(text) => Value::String(text.clone().into_owned()),
            Kind::List(items) => Value::Array(items.iter().map(Node::to_json).collect()),
            Kind::Map(mapping) => Value::Object(mapping.to_json()),
        }
    }

    /// How much memory it may take, roughly: what an alias to it costs.
    pub fn weight(&self) -> usize {
        const NODE: usize = 64;
        NODE + match &self.kind {
            Kind::String(text) => text.len(),
            Kind::List(items) => items.iter().map(Node::weight).sum(),
            Kind::Map(mapping) => mapping.entries.iter().map(|entry| entry.key.len() + entry.value.weight()).sum(),
            _ => 0,
        }
    }

    /// How many levels it has.
    pub fn height(&self) -> usize {
        let below = match &self.kind {
            Kind::List(items) => items.iter().map(Node::height).max(),
            Kind::Map(mapping) => mapping.entries.iter().map(|entry| entry.value.height()).max(),
            _ => return 0,
        };
        1 + below.unwrap_or(0)
    }
}

impl Mapping<'_> {
    /// As JSON, with sorted keys.
    pub fn to_json(&self) -> Map<String, Value> {
        self.entries.iter().map(|entry| (entry.key.clone().into_owned(), entry.value.to_json())).collect()
    }
}
