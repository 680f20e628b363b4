//! Rules about drift in a GitSync: what the schema cannot say, so that a mistake is found before it is committed.

use super::node::{Kind, Node};
use super::say;
use crate::model::pattern::PathPattern;
use crate::model::{Code, Diagnostic, Position, Severity};

/// Fields of every object that are compared by nobody: the API server or controllers write them.
const NEVER_COMPARED: [&[&str]; 13] = [
    &["apiVersion"],
    &["kind"],
    &["status"],
    &["metadata", "name"],
    &["metadata", "generateName"],
    &["metadata", "namespace"],
    &["metadata", "uid"],
    &["metadata", "resourceVersion"],
    &["metadata", "generation"],
    &["metadata", "creationTimestamp"],
    &["metadata", "deletionTimestamp"],
    &["metadata", "managedFields"],
    &["metadata", "finalizers"],
];

/// Checks the rules of a GitSync whose structure is valid. Nothing of it is an error: a rule that decides nothing does
/// no harm but to whoever thinks that it does.
pub(super) fn check(root: &Node<'_>, found: &mut Vec<Diagnostic>) {
    let rules = ["spec", "drift", "rules"].into_iter().try_fold(root, |node, name| Some(&node.field(name)?.value));
    let Some(Kind::List(rules)) = rules.map(|rules| &rules.kind) else { return };
    let mut everything: Option<usize> = None;
    for (at, rule) in rules.iter().enumerate() {
        if let Some(first) = everything {
            let message = format!("spec.drift.rules[{at}] decides nothing: rules[{first}] before it fits everything");
            found.push(useless(rule.at, message, "move it up, or remove it"));
        } else if is_for_everything(rule) {
            everything = Some(at);
        }
        for path in items(rule, "paths") {
            let Some(text) = path.as_str() else { continue };
            if let Ok(pattern) = PathPattern::parse(text)
                && is_never_compared(&pattern)
            {
                let message = format!("{} is never compared, so it never drifts", say::word(text));
                found.push(useless(path.at, message, "remove the path"));
            }
        }
    }
}

/// Whether no rule after this one is ever asked.
fn is_for_everything(rule: &Node<'_>) -> bool {
    let target = rule.field("target").map(|target| &target.value);
    let whole = |value: &Node<'_>| matches!(value.as_str(), Some("*"));
    let any_object = target.and_then(Node::as_map).is_none_or(|target| {
        target.entries.iter().all(|entry| matches!(&*entry.key, "name" | "namespace") && whole(&entry.value))
    });
    // A manager must be known for a pattern of its name to fit, even `*`.
    let any_path =
        items(rule, "paths").next().is_none() || items(rule, "paths").any(|path| path.as_str() == Some("/**"));
    any_object && any_path && items(rule, "managers").next().is_none()
}

fn is_never_compared(pattern: &PathPattern) -> bool {
    let names: Vec<&str> = pattern.names().collect();
    NEVER_COMPARED.iter().any(|never| names.starts_with(never))
}

fn items<'n, 'a>(rule: &'n Node<'a>, field: &str) -> impl Iterator<Item = &'n Node<'a>> {
    let items = match rule.field(field).map(|entry| &entry.value.kind) {
        Some(Kind::List(items)) => items.as_slice(),
        _ => &[],
    };
    items.iter()
}

fn useless(at: Position, message: String, hint: &str) -> Diagnostic {
    Diagnostic { severity: Severity::Warning, ..Diagnostic::error(Code::UselessRule, at, message).hint(hint) }
}
