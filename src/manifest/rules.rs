//! The rules of a kind that its structure cannot say: CEL, as the API server evaluates it.

use kube::core::cel::{CompiledSchema, ErrorKind, ValidationError, compile_schema, validate_compiled};
use serde_json::Value;

use super::needed::Needed;
use super::node::{Kind, Node};
use crate::model::{Code, Diagnostic, Position};

/// The rules of a kind.
#[derive(Debug)]
pub(super) struct Rules {
    /// The rules themselves, and where they stand.
    pub compiled: CompiledSchema,
    needed: Needed,
}

impl Rules {
    /// Compiles the rules of a schema.
    pub fn compile(schema: &Value) -> Self {
        Self { compiled: compile_schema(schema), needed: Needed::by(schema) }
    }

    /// Evaluates the rules on a document whose structure is valid. Rules about a change are left to the API server.
    pub fn check(&self, root: &Node<'_>) -> Vec<Diagnostic> {
        self.check_value(&self.needed.of(root), root)
    }

    /// The same on another value; `root` says where things stand.
    pub fn check_value(&self, value: &Value, root: &Node<'_>) -> Vec<Diagnostic> {
        let Err(errors) = validate_compiled(&self.compiled, value, None) else { return Vec::new() };
        errors.into_iter().map(|error| say(&error, root)).collect()
    }
}

fn say(error: &ValidationError, root: &Node<'_>) -> Diagnostic {
    let path = error.field_path.trim_start_matches('.');
    let message = match error.kind {
        ErrorKind::ValidationFailure => format!("{path}: {}", error.message),
        // The API server refuses such an object, too.
        _ => format!("{path}: a rule could not be evaluated: {}", error.message),
    };
    Diagnostic::error(Code::RuleViolated, place(root, path), message)
}

/// The place of a path like `spec.ports[0].name`, or of as much of it as there is.
fn place(root: &Node<'_>, path: &str) -> Position {
    let (mut node, mut at, mut rest) = (root, root.at, path);
    while let Some((next, next_at, behind)) = step(node, rest) {
        (node, at, rest) = (next, next_at, behind);
    }
    at
}

/// One step along a path: the node, where it is shown, and what is left of the path.
fn step<'n, 'a, 'p>(node: &'n Node<'a>, path: &'p str) -> Option<(&'n Node<'a>, Position, &'p str)> {
    match &node.kind {
        Kind::List(items) => {
            let (index, rest) = path.strip_prefix('[')?.split_once(']')?;
            let item = items.get(index.parse::<usize>().ok()?)?;
            Some((item, item.at, rest))
        }
        Kind::Map(mapping) => {
            let path = path.strip_prefix('.').unwrap_or(path);
            // A key may have dots in it, so the longest one that fits is it.
            let fits =
                |key: &str| path.strip_prefix(key).filter(|rest| rest.is_empty() || rest.starts_with(['.', '[']));
            let entries = mapping.entries.iter().filter_map(|entry| Some((entry, fits(&entry.key)?)));
            let (entry, rest) = entries.max_by_key(|(entry, _)| entry.key.len())?;
            let value = &entry.value;
            let shown = if matches!(value.kind, Kind::Map(_) | Kind::List(_)) { entry.key_at } else { value.at };
            Some((value, shown, rest))
        }
        _ => None,
    }
}
