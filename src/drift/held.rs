//! What our apply still owns of what is declared. Managers lose fields: to somebody who changes a value and back, to
//! whoever rewrites the managed fields, to whoever makes the object anew. Then the value is as declared, but would stay
//! when Git no longer declares it. Nothing here compares values; what differs is found by the other walks.

use std::fmt::Write;

use serde_json::{Map, Value};

use super::equal::is_absent;
use super::fields::{Role, canonical, entries};
use super::items::{Items, Part, key_of};
use super::shape::{Key, Shape};
use super::trail::{Name, Seg, Trail};
use crate::model::pointer::Pointer;

/// A walk over what is declared, beside the managed fields of our apply.
pub(super) struct Holdings<'a, 'e> {
    /// Our fields at the current place, as the managed fields have them; an entry of ours for each API version.
    at: Vec<&'a Map<String, Value>>,
    trail: Trail<'a>,
    /// Where nothing is left to us.
    pub(super) lost: Vec<Lost<'a>>,
    /// The name of a step in the managed fields, kept for its memory.
    step: String,
    /// Whether a place that is not ours is none the less as it should be, or told otherwise.
    excused: &'e dyn Fn(&Pointer) -> bool,
}

/// A declared value that is not ours.
pub(super) struct Lost<'a> {
    pub(super) live: Pointer,
    pub(super) keyed: Option<String>,
    pub(super) declared: Option<&'a Value>,
}

impl<'a, 'e> Holdings<'a, 'e> {
    /// At the root of a live object.
    pub(super) fn of(live: &'a Value, manager: &str, excused: &'e dyn Fn(&Pointer) -> bool) -> Self {
        let ours = entries(live, manager).filter(|(entry, _)| entry.role == Role::Ours).map(|(_, fields)| fields);
        Self { at: ours.collect(), trail: Trail::default(), lost: Vec::new(), step: String::new(), excused }
    }

    /// Looks at one declared value that live has, too. Returns whether something of it is ours.
    /// `keys` are those of the item that it is.
    pub(super) fn value(
        &mut self,
        declared: &'a Value,
        live: Option<&'a Value>,
        shape: &'static Shape,
        keys: &[Key],
    ) -> bool {
        let Some(live) = live.filter(|live| !is_absent(live)) else { return false };
        if matches!(shape, Shape::Ignored) || is_absent(declared) {
            return false;
        }
        let before = self.lost.len();
        let ours = match (declared, live, shape.declared()) {
            (_, _, Shape::Atomic(_) | Shape::List(_) | Shape::Given(..)) => return self.field(declared),
            (Value::Object(fields), Value::Object(live), shape) if fields.keys().any(|name| !is_key(keys, name)) => {
                self.map(fields, live, shape, keys)
            }
            (Value::Array(declared), Value::Array(live), Shape::Keyed(keys, item)) => {
                self.keyed(declared, live, keys, item)
            }
            (Value::Array(declared), Value::Array(live), Shape::Set) => self.set(declared, live),
            _ => return self.field(declared),
        };
        if !ours && self.lost.len() > before + 1 {
            self.lost.truncate(before);
            self.lose(declared);
        }
        ours
    }

    /// What is one field to server-side apply: it is ours or lost.
    fn field(&mut self, declared: &'a Value) -> bool {
        let ours = !self.at.is_empty();
        if !ours && !(self.excused)(&self.trail.live()) {
            self.lose(declared);
        }
        ours
    }

    fn lose(&mut self, declared: &'a Value) {
        self.lost.push(Lost { live: self.trail.live(), keyed: self.trail.keyed(), declared: Some(declared) });
    }

    fn map(
        &mut self,
        declared: &'a Map<String, Value>,
        live: &'a Map<String, Value>,
        shape: &'static Shape,
        keys: &[Key],
    ) -> bool {
        let mut ours = false;
        for (name, value) in declared {
            // Whoever owns the rest of an item owns its name.
            if is_key(keys, name) {
                continue;
            }
            self.step.clear();
            self.step.push_str("f:");
            self.step.push_str(name);
            ours |= self.below(Seg::Field(name), value, live.get(name), shape.field(name), &[]);
        }
        ours
    }

    fn keyed(&mut self, declared: &'a [Value], live: &'a [Value], keys: &'static [Key], shape: &'static Shape) -> bool {
        let Some(places) = Items::of(live, keys) else { return false };
        let mut ours = false;
        for (at, item) in declared.iter().enumerate() {
            let Some(key) = key_of(item, keys) else { continue };
            let Some(place) = places.find(&key).next() else { continue };
            let named = keys.iter().zip(key).filter(|(_, part)| *part != Part::Absent);
            let named: Map<_, _> = named.map(|(key, part)| (key.name.to_owned(), part.into())).collect();
            self.step.clear();
            // Writing to a String never fails.
            let _ = write!(self.step, "k:{}", Value::from(named));
            let name = Name::Keys { item, keys, copy: 1 };
            ours |= self.below(Seg::Item { declared: at, live: place, name }, item, Some(&live[place]), shape, keys);
        }
        ours
    }

    fn set(&mut self, declared: &'a [Value], live: &'a [Value]) -> bool {
        let mut ours = false;
        for (at, item) in declared.iter().enumerate() {
            let Some(place) = live.iter().position(|live| live == item) else { continue };
            self.step.clear();
            let _ = write!(self.step, "v:{item}");
            let seg = Seg::Item { declared: at, live: place, name: Name::Value(item) };
            ours |= self.below(seg, item, Some(&live[place]), &Shape::Any, &[]);
        }
        ours
    }

    /// Goes to the field or item that `step` names, and looks there.
    fn below(
        &mut self,
        seg: Seg<'a>,
        declared: &'a Value,
        live: Option<&'a Value>,
        shape: &'static Shape,
        keys: &[Key],
    ) -> bool {
        let around = std::mem::take(&mut self.at);
        let step = &self.step;
        // Of what has no fields below it, all is owned.
        let next = |fields: &&'a Map<String, Value>| if fields.is_empty() { Some(*fields) } else { find(fields, step) };
        self.at = around.iter().filter_map(next).collect();
        self.trail.push(seg);
        let ours = self.value(declared, live, shape, keys);
        self.trail.pop();
        self.at = around;
        ours
    }
}

fn is_key(keys: &[Key], name: &str) -> bool {
    keys.iter().any(|key| key.name == name)
}

/// What is below a step. A key can be written in several ways, so that what is not found at once is searched.
fn find<'a>(fields: &'a Map<String, Value>, step: &str) -> Option<&'a Map<String, Value>> {
    let found = fields.get(step).or_else(|| {
        let odd = |raw: &&String| raw.starts_with(['k', 'v']) && canonical(raw) == step;
        let raw = (!step.starts_with("f:")).then(|| fields.keys().find(odd)).flatten()?;
        fields.get(raw)
    });
    found.and_then(Value::as_object)
}
