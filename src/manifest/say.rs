//! How findings about values are worded. A value itself is not repeated: it may be a secret.

use std::borrow::Cow;

use super::kinds::LABEL_VALUE;
use super::node::{Kind, Node};
use super::shape::{Shape, Type};
use super::suggest::nearest;
use crate::api::drift::PATH_PATTERN;

/// A word of the author's, made fit for a message: short, on one line, without control characters.
pub(super) fn word(text: &str) -> Cow<'_, str> {
    const LONGEST: usize = 80;
    if text.len() <= LONGEST && !text.chars().any(char::is_control) {
        return text.into();
    }
    let inert = |c: char| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c };
    let mut short: String = text.chars().map(inert).take(LONGEST).collect();
    if text.chars().nth(LONGEST).is_some() {
        short.push('…');
    }
    short.into()
}

/// What a value should have been.
pub(super) fn expected(shape: &Shape) -> &'static str {
    match shape.kind {
        Type::Any => "a value",
        Type::Object(_) => "a mapping",
        Type::List(..) => "a list",
        Type::String => "a string",
        Type::Integer => "a whole number",
        Type::Number => "a number",
        Type::Boolean => "true or false",
        Type::IntOrString => "a whole number or a string",
    }
}

/// What to do about a value of the wrong type.
pub(super) fn type_hint(node: &Node<'_>, shape: &Shape) -> Option<String> {
    let hint = match (&node.kind, &shape.kind) {
        (Kind::Number(_) | Kind::Bool(_), Type::String) | (Kind::Number(_), Type::IntOrString) => "put it in quotes",
        (Kind::String(text), Type::Integer | Type::Number) if text.parse::<f64>().is_ok() => "remove the quotes",
        (Kind::String(text), Type::Boolean) if matches!(&**text, "true" | "false") => "remove the quotes",
        (Kind::Map(_), Type::List(..)) => "start each item with a dash",
        (Kind::List(_), Type::Object(_)) => "write its fields, not a list",
        (_, Type::List(..)) => "write each item on a line of its own, after a dash",
        _ => return None,
    };
    Some(hint.to_owned())
}

/// The fields that there are.
pub(super) fn known<'a>(names: impl ExactSizeIterator<Item = &'a Box<str>>) -> String {
    const SHOWN: usize = 12;
    let (count, mut names): (usize, Vec<&str>) = (names.len(), names.take(SHOWN).map(|name| &**name).collect());
    if count > SHOWN {
        names.push("…");
    }
    if names.is_empty() { "it has no fields".into() } else { format!("it has: {}", names.join(", ")) }
}

/// The words that a text may be.
pub(super) fn choices(text: &str, shape: &Shape) -> String {
    let words: Vec<&str> = shape.allowed.iter().map(|word| &**word).collect();
    let all = words.join(", ");
    match nearest(text, words) {
        Some(word) => format!("did you mean {word}? It can be: {all}"),
        None => format!("it can be: {all}"),
    }
}

/// What does not match a pattern, and what would.
pub(super) fn pattern(pattern: &str) -> (&'static str, String) {
    const QUANTITY: &str = "[numkMGTPE]";
    let (what, hint) = if pattern.contains(QUANTITY) {
        ("is not a quantity", "write one like 250m, 0.5, 128Mi or 2Gi")
    } else if pattern.ends_with("%$") {
        ("is neither a number nor a percentage", "write one like 1 (without quotes) or \"25%\"")
    } else if pattern.contains("ms|s|m|h") {
        ("is not a duration above zero", "write one like 30s, 5m or 1h30m")
    } else if pattern == LABEL_VALUE {
        let hint = "use letters, digits, dashes, underscores and dots; start and end with a letter or a digit";
        ("is not a valid label value", hint)
    } else if pattern.starts_with("^([0-9]-?)*[a-z]") {
        let hint = "use lower-case letters, digits and single dashes between them, and at least one letter";
        ("is not a valid port name", hint)
    } else if pattern == PATH_PATTERN {
        let hint = "write one like /spec/replicas, /spec/env/[name=LOG]/value or /**/image; ~1 stands for a slash \
            within a step, and a path has no more than 32 of them";
        ("is not a path into an object", hint)
    } else if pattern.ends_with(r"|\*)$") {
        ("is neither a namespace's name nor \"*\"", "write a namespace's name, or \"*\" for every namespace")
    } else if pattern.starts_with("^[a-z0-9]([") {
        let hint = "use lower-case letters, digits and dashes; start and end with a letter or a digit";
        ("is not a valid name", hint)
    } else {
        return ("has characters, or an order of them, that are not allowed", format!("it must match {pattern}"));
    };
    (what, hint.to_owned())
}
