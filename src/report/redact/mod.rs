//! What of a declared or live value is shown: where it looks like a secret, or the operator lists its path, a keyed digest
//! stands in its place.
//!
//! Equal values of one namespace have equal digests, so that a person still sees whether something changed or is the same
//! elsewhere. Who does not have the key cannot try values until one fits, and namespaces have nothing in common. Without a
//! key nothing but a word is shown. It reads no Secret and keeps no value.

mod names;
mod paths;
#[cfg(test)]
mod tests;
mod text;

use std::fmt;

use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use names::{is_flag, is_secret};
pub use paths::RedactPath;

use crate::model::pointer::{Pointer, index};

/// Name of the Secret in the operator's namespace that has the key.
pub const SECRET: &str = "gitmoor-redaction";
/// Why there are no digests.
pub const KEY_MISSING: &str = "RedactionKeyMissing";
/// What stands for a value where there is no key.
pub const HIDDEN: &str = "(hidden)";
/// Bytes of a key.
pub const KEY: usize = 32;
/// Hexadecimal digits of a digest: enough to tell values apart, and not the whole of it.
const DIGITS: usize = 12;
/// Maps of text that people name the entries of.
const FREE: [&str; 5] = ["labels", "annotations", "data", "stringData", "binaryData"];
/// A whole manifest as text, variables and all.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Decides what of a value is shown.
#[derive(Clone, Default)]
pub struct Redactor {
    key: Option<[u8; KEY]>,
    paths: Vec<RedactPath>,
}

impl Redactor {
    /// One whose digests follow from `key`; without one there are no digests. What is at `paths` is hidden, too.
    pub fn new(key: Option<[u8; KEY]>, paths: Vec<RedactPath>) -> Self {
        Self { key, paths }
    }

    /// A value at `pointer` of `root`, less its secrets. Digests are those of `namespace`.
    pub fn shown(&self, namespace: &str, root: &Value, pointer: &Pointer, value: &Value) -> Value {
        let mut walk = Walk { redactor: self, namespace, of_secret: root["kind"] == "Secret", steps: Vec::new() };
        let mut at = Some(root);
        let last = pointer.segments().len().saturating_sub(1);
        for (depth, segment) in pointer.segments().iter().enumerate() {
            let inner = at.and_then(|at| match at {
                Value::Object(map) => map.get(segment),
                Value::Array(list) => list.get(index(segment)?),
                _ => None,
            });
            walk.steps.push(Step { name: segment.clone(), container: at.unwrap_or(&Value::Null) });
            let reached = if depth == last { Some(value) } else { inner };
            if walk.is_hidden(reached.unwrap_or(&Value::Null)) {
                return walk.hidden(value);
            }
            at = inner;
        }
        walk.value(value)
    }

    /// What stands for a text.
    fn word(&self, namespace: &str, secret: &str) -> String {
        let mac = self.key.as_ref().and_then(|key| Hmac::<Sha256>::new_from_slice(key).ok());
        let Some(mac) = mac else { return HIDDEN.to_owned() };
        let digest = mac.chain_update(namespace).chain_update([0]).chain_update(secret).finalize().into_bytes();
        format!("(hidden {})", &HEXLOWER.encode(&digest)[..DIGITS])
    }
}

/// A key is never printed.
impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redactor").field("keyed", &self.key.is_some()).field("paths", &self.paths).finish()
    }
}

/// One step into a value.
struct Step<'a> {
    /// The field, or the index of an item.
    name: String,
    /// What it leads out of; null where that is not known.
    container: &'a Value,
}

struct Walk<'a> {
    redactor: &'a Redactor,
    namespace: &'a str,
    of_secret: bool,
    steps: Vec<Step<'a>>,
}

impl<'a> Walk<'a> {
    fn value(&mut self, value: &'a Value) -> Value {
        match value {
            Value::Object(map) => map
                .iter()
                .map(|(name, inner)| (name.clone(), self.step(name.clone(), value, inner)))
                .collect::<serde_json::Map<_, _>>()
                .into(),
            Value::Array(items) => {
                items.iter().enumerate().map(|(at, inner)| self.step(at.to_string(), value, inner)).collect()
            }
            Value::String(text) => {
                text::without_secrets(text, &|secret| self.redactor.word(self.namespace, secret)).into()
            }
            other => other.clone(),
        }
    }

    fn step(&mut self, name: String, container: &'a Value, inner: &'a Value) -> Value {
        self.steps.push(Step { name, container });
        let shown = if self.is_hidden(inner) { self.hidden(inner) } else { self.value(inner) };
        self.steps.pop();
        shown
    }

    fn hidden(&self, value: &Value) -> Value {
        let word = |text: &str| json!(self.redactor.word(self.namespace, text));
        match value {
            Value::Null => Value::Null,
            Value::String(text) => word(text),
            other => word(&other.to_string()),
        }
    }

    /// Whether what the steps lead to is not shown, whatever is in it.
    fn is_hidden(&self, value: &Value) -> bool {
        let Some((last, before)) = self.steps.split_last() else { return false };
        let within = before.last().map(|step| step.name.as_str());
        let text = value.as_str().unwrap_or_default();
        // A variable or a header: its name says what it is.
        let says = |of: &str, by: &str| {
            last.name == of && last.container[by].as_str().is_some_and(|name| is_secret(name, text))
        };
        let named = says("value", "name") || says("content", "path");
        let entry = within.is_some_and(|within| FREE.contains(&within))
            && !value.is_object()
            && (is_secret(&last.name, text) || last.name == LAST_APPLIED);
        let of_secret = self.of_secret && ["data", "stringData"].contains(&last.name.as_str());
        named || entry || of_secret || self.follows_flag(last, text) || self.is_listed()
    }

    /// `--token` and its value are two items of a command line.
    fn follows_flag(&self, step: &Step<'_>, text: &str) -> bool {
        let before = index(&step.name).and_then(|at| step.container.as_array()?.get(at.checked_sub(1)?)?.as_str());
        !text.is_empty() && !text.starts_with('-') && before.is_some_and(|before| is_flag(before, text))
    }

    fn is_listed(&self) -> bool {
        let steps: Vec<_> = self.steps.iter().map(|step| (step.name.as_str(), step.container)).collect();
        self.redactor.paths.iter().any(|path| path.fits(&steps))
    }
}
