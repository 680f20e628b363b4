//! Where a walk through both objects is, without building a path at every step.

use std::cmp::Ordering;
use std::fmt::Write;

use serde_json::Value;

use super::items::{Part, key_of};
use super::shape::Key;
use crate::model::pointer::{Pointer, index};

/// The steps from the root to the current place, in both objects.
#[derive(Debug, Default)]
pub(super) struct Trail<'a>(Vec<Seg<'a>>);

/// One step.
#[derive(Debug, Clone, Copy)]
pub(super) enum Seg<'a> {
    /// A field.
    Field(&'a str),
    /// An item, whose places in the two lists may differ.
    Item {
        /// Its index in the declared list.
        declared: usize,
        /// Its index in the live list.
        live: usize,
        /// What it is known by.
        name: Name<'a>,
    },
}

/// What an item of a list is known by.
#[derive(Debug, Clone, Copy)]
pub(super) enum Name<'a> {
    /// Its merge keys; of several with the same ones, which it is, from 1.
    Keys { item: &'a Value, keys: &'static [Key], copy: usize },
    /// Its value.
    Value(&'a Value),
    /// Its place alone.
    Place,
}

impl<'a> Trail<'a> {
    /// Goes one step down.
    pub(super) fn push(&mut self, seg: Seg<'a>) {
        self.0.push(seg);
    }

    /// Goes one step up.
    pub(super) fn pop(&mut self) {
        self.0.pop();
    }

    /// The place in the live object.
    pub(super) fn live(&self) -> Pointer {
        self.pointer(|_, live| live)
    }

    /// The place in the declared object.
    pub(super) fn declared(&self) -> Pointer {
        self.pointer(|declared, _| declared)
    }

    /// The place wherever the items of its lists stand: `/spec/ports/[containerPort=80]/name`. None where no such item is
    /// on the way, and the pointer says as much. Equal texts are equal places: a text that could be taken for something
    /// else stands in quotes.
    pub(super) fn keyed(&self) -> Option<String> {
        let named = |seg: &Seg<'_>| matches!(seg, Seg::Item { name: Name::Keys { .. } | Name::Value(_), .. });
        if !self.0.iter().any(named) {
            return None;
        }
        let mut path = String::new();
        for seg in &self.0 {
            path.push('/');
            match *seg {
                Seg::Field(name) => path += &escaped(name),
                Seg::Item { live, name: Name::Place, .. } => {
                    // Writing to a String never fails.
                    let _ = write!(path, "{live}");
                }
                Seg::Item { name: Name::Value(value), .. } => path += &escaped(&format!("[={}]", word(value))),
                Seg::Item { name: Name::Keys { item, keys, copy }, .. } => {
                    path += &escaped(&format!("[{}]", keys_of(item, keys, copy)));
                }
            }
        }
        Some(path)
    }

    fn pointer(&self, place: impl Fn(usize, usize) -> usize) -> Pointer {
        let text = |seg: &Seg<'_>| match *seg {
            Seg::Field(name) => name.to_owned(),
            Seg::Item { declared, live, .. } => place(declared, live).to_string(),
        };
        self.0.iter().map(text).collect()
    }
}

fn keys_of(item: &Value, keys: &[Key], copy: usize) -> String {
    let parts = key_of(item, keys).into_iter().flatten();
    let named = keys.iter().zip(parts).filter(|(_, part)| *part != Part::Absent);
    let mut all: Vec<_> = named.map(|(key, part)| format!("{}={}", key.name, word(&part.into()))).collect();
    if copy > 1 {
        all.push(format!("#{copy}"));
    }
    all.join(",")
}

/// A scalar as it is, or in quotes where it could be read in another way.
fn word(value: &Value) -> String {
    match value {
        Value::String(text) => {
            let plain = !text.is_empty()
                && text.chars().all(|letter| letter.is_alphanumeric() || "-_.:/~@*+".contains(letter))
                && !serde_json::from_str::<Value>(text).is_ok_and(|read| !read.is_string());
            if plain { text.clone() } else { value.to_string() }
        }
        other => other.to_string(),
    }
}

/// One step of a path, as RFC 6901 wants it.
fn escaped(step: &str) -> String {
    step.replace('~', "~0").replace('/', "~1")
}

/// The order of places: fields by name, items by number.
pub(super) fn by_place(one: &Pointer, other: &Pointer) -> Ordering {
    let steps = one.segments().iter().zip(other.segments());
    let mut by_step = steps.map(|(one, other)| match (index(one), index(other)) {
        (Some(one), Some(other)) => one.cmp(&other),
        _ => one.cmp(other),
    });
    by_step
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
        .then_with(|| one.segments().len().cmp(&other.segments().len()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const MOUNT: &[Key] = &[Key { name: "mountPath", default: None }];
    const PORT: &[Key] = &[Key { name: "port", default: None }, Key { name: "protocol", default: Some("TCP") }];

    fn path(item: &Value, keys: &'static [Key], copy: usize) -> String {
        let mut trail = Trail::default();
        trail.push(Seg::Field("a/b"));
        trail.push(Seg::Item { declared: 0, live: 3, name: Name::Keys { item, keys, copy } });
        trail.keyed().unwrap()
    }

    #[test]
    fn an_item_is_named_by_its_keys() {
        assert_eq!(path(&json!({"port": 80}), PORT, 1), "/a~1b/[port=80,protocol=TCP]");
        assert_eq!(path(&json!({"port": "80"}), PORT, 2), "/a~1b/[port=\"80\",protocol=TCP,#2]");
        assert_eq!(path(&json!({"mountPath": "/tmp"}), MOUNT, 1), "/a~1b/[mountPath=~1tmp]");
        assert_eq!(path(&json!({"mountPath": "a,#2"}), MOUNT, 1), "/a~1b/[mountPath=\"a,#2\"]");
        assert_eq!(path(&json!({"mountPath": "true"}), MOUNT, 1), "/a~1b/[mountPath=\"true\"]");
    }

    #[test]
    fn a_place_without_items_is_named_by_its_pointer_alone() {
        let mut trail = Trail::default();
        trail.push(Seg::Field("spec"));
        assert_eq!(trail.keyed(), None);
        trail.push(Seg::Item { declared: 0, live: 0, name: Name::Place });
        assert_eq!(trail.keyed(), None);
        let value = json!("x y");
        trail.push(Seg::Item { declared: 0, live: 0, name: Name::Value(&value) });
        assert_eq!(trail.keyed().as_deref(), Some("/spec/0/[=\"x y\"]"));
    }
}
