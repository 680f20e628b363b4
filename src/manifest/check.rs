//! Does a value have the shape that its schema asks for? Every difference, each with its place.

use std::collections::HashMap;
use std::fmt::Write as _;

use serde_json::Number;

use super::node::{Entry, Kind, Mapping, Node};
use super::say;
use super::shape::{Bounds, ListType, Object, Shape, Type};
use super::suggest::nearest;
use crate::model::diagnostic::Related;
use crate::model::{Code, Diagnostic, Position};

/// Walks a value along its schema.
#[derive(Debug)]
pub(super) struct Checker<'n> {
    path: Vec<Step<'n>>,
    /// How many findings are kept; what is over it is not even worded.
    most: usize,
    found: Vec<Diagnostic>,
}

#[derive(Debug, Clone, Copy)]
enum Step<'n> {
    Field(&'n str),
    Item(usize),
}

impl<'n> Checker<'n> {
    /// Checks a whole document, and says at most so much about it.
    pub fn check(root: &'n Node<'_>, shape: &Shape, most: usize) -> Vec<Diagnostic> {
        let mut checker = Self { path: Vec::new(), most, found: Vec::new() };
        checker.value(root, shape, root.at);
        checker.found
    }

    fn full(&self) -> bool {
        self.found.len() >= self.most
    }

    fn field(&mut self, entry: &'n Entry<'_>, shape: &Shape) {
        self.path.push(Step::Field(&entry.key));
        self.value(&entry.value, shape, entry.key_at);
        self.path.pop();
    }

    /// The path of where the walk is, as `spec.ports[0].name`.
    fn path(&self) -> String {
        let mut text = String::new();
        for step in &self.path {
            let _ = match step {
                Step::Item(index) => write!(text, "[{index}]"),
                Step::Field(name) if name.contains(['.', '/']) => write!(text, "[{}]", say::word(name)),
                Step::Field(name) if text.is_empty() => write!(text, "{}", say::word(name)),
                Step::Field(name) => write!(text, ".{}", say::word(name)),
            };
        }
        text
    }

    fn error(&mut self, code: Code, at: Position, message: impl FnOnce(&str) -> String, hint: Option<String>) {
        if !self.full() {
            let found = Diagnostic::error(code, at, message(&self.path()));
            self.found.push(Diagnostic { hint, ..found });
        }
    }

    /// `owner_at` is where the finding goes that something is missing in it.
    fn value(&mut self, node: &'n Node<'_>, shape: &Shape, owner_at: Position) {
        match (&node.kind, &shape.kind) {
            (Kind::Unclear, _) | (_, Type::Any) => {}
            (Kind::Null, _) => self.error(
                Code::WrongType,
                node.at,
                |path| format!("{path} has no value"),
                Some("give it a value, or remove it".into()),
            ),
            (Kind::Map(mapping), Type::Object(object)) => {
                self.count(mapping.entries.len(), "fields", node.at, shape.count);
                self.object(mapping, object, owner_at);
            }
            (Kind::List(items), Type::List(item, list)) => {
                self.count(items.len(), "items", node.at, shape.count);
                self.list(items, item, list);
            }
            (Kind::String(text), Type::String | Type::IntOrString) => self.text(text, shape, node.at),
            (Kind::Number(number), Type::Integer | Type::Number | Type::IntOrString)
                if matches!(shape.kind, Type::Number) || !number.is_f64() =>
            {
                self.number(number, shape, node.at);
            }
            (Kind::Bool(_), Type::Boolean) => {}
            _ => self.wrong_type(node, shape),
        }
    }

    fn wrong_type(&mut self, node: &Node<'_>, shape: &Shape) {
        let hint = say::type_hint(node, shape);
        self.error(
            Code::WrongType,
            node.at,
            |path| format!("{path} must be {}, and this is {}", say::expected(shape), node.describe()),
            hint,
        );
    }

    fn object(&mut self, mapping: &'n Mapping<'_>, object: &Object, owner_at: Position) {
        let mut meant = Vec::new();
        for entry in &mapping.entries {
            if object.forbidden.iter().any(|name| **name == entry.key) {
                let name = say::word(&entry.key);
                self.error(
                    Code::InvalidValue,
                    entry.key_at,
                    |path| format!("{path}.{name} cannot be overridden"),
                    Some("remove it: it says what the object is and whose".into()),
                );
                continue;
            }
            match (object.properties.get(&*entry.key), &object.additional) {
                (Some(shape), _) => self.field(entry, shape),
                (None, Some(shape)) => self.field(entry, shape),
                (None, None) => meant.extend(self.unknown(entry, mapping, object)),
            }
        }
        if mapping.partial {
            return;
        }
        for name in &object.required {
            // A misspelt field is one mistake, not two.
            if mapping.get(name).is_none() && !meant.contains(&&**name) {
                self.error(
                    Code::MissingField,
                    owner_at,
                    |path| if path.is_empty() { format!("{name} is missing") } else { format!("{path} needs {name}") },
                    None,
                );
            }
        }
    }

    /// Returns the field that was probably meant.
    fn unknown<'o>(&mut self, entry: &Entry<'_>, mapping: &Mapping<'_>, object: &'o Object) -> Option<&'o str> {
        if let Some((name, hint)) = object.elsewhere.iter().find(|(name, _)| *name == entry.key) {
            let message = |path: &str| format!("{path}.{name} does not belong into Git");
            self.error(Code::UnknownField, entry.key_at, message, Some((*hint).to_owned()));
            return None;
        }
        if self.full() {
            return None;
        }
        let free = object.properties.keys().map(|name| &**name).filter(|name| mapping.get(name).is_none());
        let meant = nearest(&entry.key, free);
        let hint = match meant {
            Some(name) => format!("did you mean {name}?"),
            None => say::known(object.properties.keys()),
        };
        let message = |path: &str| match path {
            "" => format!("there is no field {}", say::word(&entry.key)),
            path => format!("{path} has no field {}", say::word(&entry.key)),
        };
        self.error(Code::UnknownField, entry.key_at, message, Some(hint));
        meant
    }

    fn list(&mut self, items: &'n [Node<'_>], shape: &Shape, list: &ListType) {
        for (index, item) in items.iter().enumerate() {
            self.path.push(Step::Item(index));
            self.value(item, shape, item.at);
            self.path.pop();
        }
        if items.len() < 2 || matches!(list, ListType::Atomic) {
            return;
        }
        let mut seen = HashMap::new();
        for item in items {
            let Some((identity, at)) = identity(item, list) else { continue };
            if let Some(first) = seen.insert(identity, at) {
                self.twice(at, first, list);
            }
        }
    }

    fn twice(&mut self, at: Position, first: Position, list: &ListType) {
        let what = match list {
            ListType::Map(keys) => keys.join(" and "),
            ListType::Set | ListType::Atomic => "value".into(),
        };
        let message = format!("{} has two items with this {what}", self.path());
        let mut found = Diagnostic::error(Code::InvalidValue, at, message);
        found.related = Some(Related { file: "".into(), position: first, message: "the other one is here".into() });
        if !self.full() {
            self.found.push(found);
        }
    }

    fn count(&mut self, count: usize, what: &str, at: Position, bounds: Bounds<usize>) {
        if let Some(max) = bounds.max.filter(|max| count > *max) {
            self.error(Code::InvalidValue, at, |path| format!("{path} has {count} {what}; at most {max} fit"), None);
        }
        if let Some(min) = bounds.min.filter(|min| count < *min) {
            self.error(Code::InvalidValue, at, |path| format!("{path} has {count} {what}; it needs {min}"), None);
        }
    }

    fn text(&mut self, text: &str, shape: &Shape, at: Position) {
        if !shape.allowed.is_empty() {
            if !shape.allowed.iter().any(|word| **word == *text) {
                let hint = say::choices(text, shape);
                self.error(Code::InvalidValue, at, |path| format!("{path} cannot be {}", say::word(text)), Some(hint));
            }
            return;
        }
        // Bytes are never fewer than characters, so most texts need no counting.
        let length = |bound: usize| if text.len() <= bound { text.len() } else { text.chars().count() };
        if let Some(max) = shape.length.max.filter(|max| length(*max) > *max) {
            let count = text.chars().count();
            let message = |path: &str| format!("{path} is {count} characters long; at most {max} are allowed");
            return self.error(Code::InvalidValue, at, message, None);
        }
        if let Some(min) = shape.length.min.filter(|min| text.chars().count() < *min) {
            let message = |path: &str| match min {
                1 => format!("{path} is empty"),
                min => format!("{path} needs at least {min} characters"),
            };
            return self.error(Code::InvalidValue, at, message, None);
        }
        if let Some(pattern) = shape.pattern.as_ref().filter(|pattern| !pattern.is_match(text)) {
            let (what, hint) = say::pattern(pattern.as_str());
            self.error(Code::InvalidValue, at, |path| format!("{path} {what}"), Some(hint));
        }
    }

    fn number(&mut self, number: &Number, shape: &Shape, at: Position) {
        let value = number.as_f64().unwrap_or(f64::NAN);
        let width = if shape.int32 { "32" } else { "64" };
        let fits = match shape.kind {
            Type::Number => true,
            _ if shape.int32 => number.as_i64().is_some_and(|value| i32::try_from(value).is_ok()),
            _ => number.is_i64(),
        };
        if let Some(min) = shape.range.min.filter(|min| value < *min) {
            self.error(Code::InvalidValue, at, |path| format!("{path} must be at least {min}"), None);
        } else if let Some(max) = shape.range.max.filter(|max| value > *max) {
            self.error(Code::InvalidValue, at, |path| format!("{path} must be at most {max}"), None);
        } else if !fits {
            self.error(Code::InvalidValue, at, |path| format!("{path} does not fit into {width} bits"), None);
        }
    }
}

/// What makes an item one of its own, and where it says so; none when that cannot be told.
fn identity(item: &Node<'_>, list: &ListType) -> Option<(String, Position)> {
    match list {
        ListType::Atomic => None,
        ListType::Set => (!matches!(item.kind, Kind::Unclear)).then(|| (item.to_json().to_string(), item.at)),
        ListType::Map(keys) => {
            let values: Vec<_> = keys.iter().map(|key| item.field(key)).collect::<Option<_>>()?;
            let clear = values.iter().all(|entry| !matches!(entry.value.kind, Kind::Unclear));
            let text = values.iter().map(|entry| entry.value.to_json().to_string()).collect::<Vec<_>>().join(",");
            clear.then_some((text, values.first()?.value.at))
        }
    }
}
