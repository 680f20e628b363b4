//! Walks what is declared and finds it modified or removed in live.

use std::cell::OnceCell;

use serde_json::{Map, Value};

use super::Comparison;
use super::equal::{Extras, demands, is_absent, same, same_scalar};
use super::fields::{Owners, Role, has_foreign};
use super::held::Holdings;
use super::items::{Items, key_of};
use super::shape::{Key, Shape};
use super::trail::{Name, Seg, Trail};
use crate::model::pointer::Pointer;
use crate::model::{Attribution, ChangeKind, FieldDrift};

/// A comparison under way.
pub(super) struct Walk<'a> {
    live: &'a Value,
    manager: &'a str,
    /// Read when the first difference asks for it: most objects have none.
    owners: OnceCell<Owners<'a>>,
    /// Whether anybody else wrote to the object.
    foreign: bool,
    trail: Trail<'a>,
    found: Comparison,
}

impl<'a> Walk<'a> {
    /// Finds declared values that our manager no longer has, though they are as declared; see [`super::held`].
    pub(super) fn lost(&mut self, declared: &'a Value, shape: &'static Shape) {
        let excused = |pointer: &Pointer| {
            let told = |drift: &FieldDrift| drift.change == ChangeKind::Modified && drift.pointer == *pointer;
            // What a controller of Kubernetes or our other manager keeps is as it should be.
            let kept = |role| self.owners().any(self.live, pointer, role);
            self.found.drifts.iter().any(told) || [Role::Controller, Role::Sibling].into_iter().any(kept)
        };
        let mut holdings = Holdings::of(self.live, self.manager, &excused);
        holdings.value(declared, Some(self.live), shape, &[]);
        for place in holdings.lost {
            let pointer = place.live;
            let attribution = self.owners().attribution(self.live, &pointer);
            let at = |value: &Value| (!pointer.segments().is_empty()).then(|| value.clone());
            self.found.drifts.push(FieldDrift {
                keyed: place.keyed,
                change: ChangeKind::Disowned,
                declared: place.declared.and_then(at),
                live: pointer.get(self.live).and_then(at),
                attribution,
                co_owned: false,
                pointer,
            });
        }
    }

    /// A walk at the root.
    pub(super) fn new(live: &'a Value, manager: &'a str) -> Self {
        let foreign = has_foreign(live, manager);
        Self { live, manager, owners: OnceCell::new(), foreign, trail: Trail::default(), found: Comparison::default() }
    }

    /// What was found, and who owns what if anybody else wrote to the object.
    pub(super) fn finish(self) -> (Comparison, Option<Owners<'a>>) {
        let owners =
            self.foreign.then(|| self.owners.into_inner().unwrap_or_else(|| Owners::of(self.live, self.manager)));
        (self.found, owners)
    }

    fn owners(&self) -> &Owners<'a> {
        self.owners.get_or_init(|| Owners::of(self.live, self.manager))
    }

    /// Compares one declared value with what live has of it.
    pub(super) fn value(&mut self, declared: &'a Value, live: Option<&'a Value>, shape: &'static Shape) {
        if matches!(shape, Shape::Ignored) || is_absent(declared) {
            return;
        }
        let shape = shape.declared();
        let Some(live) = live.filter(|live| !is_absent(live)) else {
            match declared {
                Value::Object(fields) if shape.is_always_there() => self.map(fields, None, shape),
                _ if demands(declared, shape) => self.removed(declared),
                _ => {}
            }
            return;
        };
        match (declared, live, shape) {
            (_, _, Shape::Atomic(_) | Shape::List(_) | Shape::Given(..)) => self.whole(declared, live, shape),
            (Value::Object(fields), Value::Object(live), _) => self.map(fields, Some(live), shape),
            (Value::Array(items), Value::Array(live_items), Shape::Keyed(keys, item)) => {
                match Items::of(live_items, keys).filter(|_| items.iter().all(|item| key_of(item, keys).is_some())) {
                    Some(places) => self.keyed(items, live_items, keys, &places, item),
                    None => self.whole(declared, live, shape),
                }
            }
            (Value::Array(items), Value::Array(live), Shape::Set) => self.set(items, live),
            (Value::Array(_), Value::Array(_), _) => self.whole(declared, live, shape),
            _ if same_scalar(declared, live, shape) => {}
            _ => self.modified(declared, live),
        }
    }

    fn map(&mut self, declared: &'a Map<String, Value>, live: Option<&'a Map<String, Value>>, shape: &'static Shape) {
        for (name, value) in declared {
            self.trail.push(Seg::Field(name));
            self.value(value, live.and_then(|live| live.get(name)), shape.field(name));
            self.trail.pop();
        }
    }

    /// Matches items by key, whatever their order. Of duplicates in live, which a forced apply
    /// collapses, the first ones count and the others are extra.
    fn keyed(
        &mut self,
        declared: &'a [Value],
        live: &'a [Value],
        keys: &'static [Key],
        places: &Items<'a>,
        shape: &'static Shape,
    ) {
        let mut taken = vec![false; live.len()];
        for (at, item) in declared.iter().enumerate() {
            let Some(key) = key_of(item, keys) else { continue };
            let place = places.find(&key).find(|place| !taken[*place]);
            let name = Name::Keys { item, keys, copy: 1 };
            self.trail.push(Seg::Item { declared: at, live: place.unwrap_or(at), name });
            match place {
                Some(place) => {
                    taken[place] = true;
                    self.value(item, Some(&live[place]), shape);
                }
                None => self.removed(item),
            }
            self.trail.pop();
        }
        for (at, item) in declared.iter().enumerate() {
            let Some(key) = key_of(item, keys) else { continue };
            for (copy, place) in (1..).zip(places.find(&key)) {
                if !std::mem::replace(&mut taken[place], true) {
                    self.trail.push(Seg::Item { declared: at, live: place, name: Name::Keys { item, keys, copy } });
                    self.live_drift(ChangeKind::Added, None, &live[place]);
                    self.trail.pop();
                }
            }
        }
    }

    /// Finds the items that are gone. Those that only live has are found by who owns them.
    fn set(&mut self, declared: &'a [Value], live: &'a [Value]) {
        for (at, item) in declared.iter().enumerate() {
            if !live.contains(item) {
                self.trail.push(Seg::Item { declared: at, live: at, name: Name::Value(item) });
                self.removed(item);
                self.trail.pop();
            }
        }
    }

    /// Compares what belongs to one manager as a whole. What only live has in it is a default
    /// where we own the value, and somebody's work where another does.
    fn whole(&mut self, declared: &'a Value, live: &'a Value, shape: &'static Shape) {
        let differs = !same(declared, live, shape, Extras::Allowed)
            || self.foreign
                && !same(declared, live, shape, Extras::Counted)
                && self.owners().only_foreign(self.live, &self.trail.live());
        if differs {
            self.modified(declared, live);
        }
    }

    fn modified(&mut self, declared: &Value, live: &Value) {
        if self.owners().any(self.live, &self.trail.live(), Role::Controller) {
            self.found.yielded.push(self.trail.declared());
        } else {
            self.live_drift(ChangeKind::Modified, Some(declared), live);
        }
    }

    fn live_drift(&mut self, change: ChangeKind, declared: Option<&Value>, live: &Value) {
        let pointer = self.trail.live();
        let attribution = self.owners().attribution(self.live, &pointer);
        let co_owned = change == ChangeKind::Modified && self.owners().ours(self.live, &pointer);
        let (declared, live) = (declared.cloned(), Some(live.clone()));
        let keyed = self.trail.keyed();
        self.found.drifts.push(FieldDrift { pointer, keyed, change, declared, live, attribution, co_owned });
    }

    /// Kubernetes records nowhere who removed something.
    fn removed(&mut self, declared: &Value) {
        self.found.drifts.push(FieldDrift {
            pointer: self.trail.declared(),
            keyed: self.trail.keyed(),
            change: ChangeKind::Removed,
            declared: Some(declared.clone()),
            live: None,
            attribution: Attribution::default(),
            co_owned: false,
        });
    }
}
