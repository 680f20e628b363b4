//! What should be found: who owns what after each edit, as facts about server-side apply have it.

use std::collections::{BTreeMap, BTreeSet};

use gitmoor::model::{ChangeKind, FieldDrift};
use serde_json::Value;

use super::place;
use super::subjects::{Place, Step};

/// Our name in the model.
const US: &str = "us";

/// The state of every place.
pub struct Model {
    pub states: Vec<State>,
    /// What each manager applies, since an apply without it would take it away.
    pub applied: BTreeMap<&'static str, BTreeMap<usize, Value>>,
}

/// The state of one place.
#[derive(Debug, Clone)]
pub struct State {
    declared: Option<Value>,
    pub value: Option<Value>,
    pub owners: BTreeSet<&'static str>,
    /// Whoever wrote it since it was not there.
    hands: BTreeSet<&'static str>,
}

/// A drift that should be found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Expected {
    pub path: String,
    pub change: ChangeKind,
}

impl Model {
    pub fn new(declared: &Value, places: &[Place]) -> Self {
        let state = |place: &Place| {
            let declared = place.value(declared).cloned();
            let owners = declared.iter().map(|_| US).collect::<BTreeSet<_>>();
            State { value: declared.clone(), declared, hands: owners.clone(), owners }
        };
        Self { states: places.iter().map(state).collect(), applied: BTreeMap::new() }
    }

    /// Somebody's update: what it changes is theirs alone.
    pub fn updated(&mut self, at: usize, manager: &'static str, value: Option<Value>) {
        let state = &mut self.states[at];
        if state.value == value {
            return;
        }
        state.owners = value.iter().map(|_| manager).collect();
        if state.value.is_none() || value.is_none() {
            state.hands.clear();
        }
        state.hands.extend(&state.owners);
        state.value = value;
    }

    /// Whether an unforced apply is refused.
    pub fn conflicts(&self, manager: &'static str, fields: &BTreeMap<usize, Value>) -> bool {
        fields.iter().any(|(at, value)| {
            let state = &self.states[*at];
            let differs = state.value.as_ref().is_some_and(|is| is != value);
            differs && state.owners.iter().any(|owner| *owner != manager)
        })
    }

    /// Somebody's apply: what it says is theirs, too.
    pub fn applied(&mut self, manager: &'static str, fields: BTreeMap<usize, Value>) {
        for (at, value) in &fields {
            if self.states[*at].value.as_ref() == Some(value) {
                self.states[*at].owners.insert(manager);
                self.states[*at].hands.insert(manager);
            } else {
                self.updated(*at, manager, Some(value.clone()));
            }
        }
        self.applied.insert(manager, fields);
    }

    /// Holds what was found against what should be.
    pub fn check(&self, found: &[FieldDrift], places: &[Place]) -> Result<(), String> {
        let expected: BTreeMap<_, _> =
            self.states.iter().zip(places).filter_map(|(state, place)| Some((state.expected(place)?, state))).collect();
        let seen: Vec<_> = found.iter().map(|drift| Expected { path: place(drift), change: drift.change }).collect();
        let wanted: BTreeSet<_> = expected.keys().cloned().collect();
        if seen.len() != wanted.len() || seen.iter().cloned().collect::<BTreeSet<_>>() != wanted {
            return Err(format!("expected {wanted:#?}\nfound {found:#?}"));
        }
        for (drift, seen) in found.iter().zip(seen) {
            let state = expected[&seen];
            let by = drift.attribution.manager.as_deref();
            let known = match drift.change {
                // Who removed something is recorded nowhere.
                ChangeKind::Removed => by.is_none(),
                ChangeKind::Added => by.is_some_and(|by| state.hands.contains(by)),
                _ => by.is_some_and(|by| state.owners.contains(by)),
            };
            // A scale entry has no time.
            let dated = by.is_none_or(|by| by == "kubectl") || drift.attribution.time.is_some();
            let values = match drift.change {
                ChangeKind::Modified => drift.declared == state.declared && drift.live == state.value,
                ChangeKind::Removed => drift.live.is_none(),
                ChangeKind::Added => drift.declared.is_none() && drift.live.is_some(),
                _ => true,
            };
            if !known || !dated || !values {
                return Err(format!("expected {state:#?}\nfound {drift:#?}"));
            }
        }
        Ok(())
    }
}

impl State {
    pub fn declared(&self) -> Option<&Value> {
        self.declared.as_ref()
    }

    fn expected(&self, place: &Place) -> Option<Expected> {
        let change = match (&self.declared, &self.value) {
            (Some(_), None) => ChangeKind::Removed,
            (None, Some(_)) => ChangeKind::Added,
            (Some(declared), Some(value)) if declared != value => ChangeKind::Modified,
            (Some(_), Some(_)) if !self.owners.contains(US) => ChangeKind::Disowned,
            _ => return None,
        };
        // Of an item that is there, the field that has the value differs.
        let within = matches!(change, ChangeKind::Modified | ChangeKind::Disowned);
        let leaf = place.leaf.filter(|_| within).map(|leaf| format!("/{leaf}")).unwrap_or_default();
        Some(Expected { path: place.keyed() + &leaf, change })
    }
}

impl Expected {
    pub fn path(drift: &FieldDrift) -> String {
        place(drift)
    }
}

impl Place {
    /// Where it is in an object; none where it is not there.
    pub fn pointer(&self, object: &Value) -> Option<String> {
        pointer(object, &self.steps)
    }

    /// Where the map or list is that it is in.
    pub fn parent(&self, object: &Value) -> Option<String> {
        pointer(object, &self.steps[..self.steps.len() - 1])
    }

    fn value<'v>(&self, object: &'v Value) -> Option<&'v Value> {
        let value = object.pointer(&self.pointer(object)?)?;
        match self.leaf {
            Some(leaf) => value.get(leaf),
            None => Some(value),
        }
    }

    fn keyed(&self) -> String {
        let step = |step: &Step| match step {
            Step::Field(name) => escaped(name),
            Step::Item(key) => {
                let keys = key.as_object().unwrap().iter();
                let keys: Vec<_> = keys.map(|(name, value)| format!("{name}={}", word(value))).collect();
                escaped(&format!("[{}]", keys.join(",")))
            }
            Step::Value(value) => escaped(&format!("[={}]", word(value))),
        };
        self.steps.iter().map(|one| format!("/{}", step(one))).collect()
    }
}

fn pointer(object: &Value, steps: &[Step]) -> Option<String> {
    let (mut path, mut value) = (String::new(), object);
    for step in steps {
        let name = match step {
            Step::Field(name) => escaped(name),
            Step::Item(key) => value.as_array()?.iter().position(|item| has(item, key))?.to_string(),
            Step::Value(wanted) => value.as_array()?.iter().position(|item| item == wanted)?.to_string(),
        };
        path = format!("{path}/{name}");
        value = object.pointer(&path)?;
    }
    Some(path)
}

fn has(item: &Value, key: &Value) -> bool {
    let default = |name: &str| (name == "protocol").then(|| Value::from("TCP"));
    let same =
        |(name, wanted): (&String, &Value)| item.get(name).cloned().or_else(|| default(name)).as_ref() == Some(wanted);
    key.as_object().unwrap().iter().all(same)
}

fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

fn word(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
