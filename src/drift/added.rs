//! Walks what others own and finds what nobody declares.

use serde_json::{Map, Value};

use super::equal::{is_absent, is_vacant};
use super::fields::{Node, Owners, Role, Step, default_of};
use super::items::{ItemKey, Items, Part, key_by, key_of, value_key};
use super::shape::{Key, Shape};
use super::trail::{Name, Seg, Trail};
use crate::api::names;
use crate::model::{ChangeKind, FieldDrift};

/// Labels and annotations of tools that wish something rather than change it.
const TOOL_MARKS: &[&str] =
    &[names::RESTARTED_AT, "deployment.kubernetes.io/revision", "kubectl.kubernetes.io/last-applied-configuration"];

/// A search under way.
pub(super) struct Search<'a, 'o> {
    pub(super) live: &'a Value,
    pub(super) owners: &'o Owners<'o>,
    pub(super) trail: Trail<'a>,
    pub(super) drifts: Vec<FieldDrift>,
}

/// A live value, what owns it and what is declared of it.
struct Place<'a, 'o> {
    node: &'o Node<'o>,
    declared: Option<&'a Value>,
    live: &'a Value,
    shape: &'static Shape,
    /// The key of the undeclared item that this is, whose fields are not added one by one.
    key: Option<&'o Map<String, Value>>,
}

impl<'a, 'o> Search<'a, 'o> {
    /// Searches a whole object.
    pub(super) fn object(&mut self, declared: &'a Value, shape: &'static Shape) {
        let owners = self.owners;
        self.below(&Place { node: &owners.root, declared: Some(declared), live: self.live, shape, key: None });
    }

    fn below(&mut self, place: &Place<'a, '_>) {
        match (place.live, place.declared) {
            (Value::Object(map), None | Some(Value::Null | Value::Object(_))) => self.fields(place, map),
            (Value::Array(list), None | Some(Value::Null | Value::Array(_))) => self.items(place, list),
            // Another type than declared: the value is modified as a whole.
            _ => {}
        }
    }

    fn fields(&mut self, place: &Place<'a, '_>, map: &'a Map<String, Value>) {
        for (raw, node) in place.node.children.iter().filter(|(_, node)| node.foreign) {
            let Some(Step::Field(name)) = Step::parse(raw) else { continue };
            let Some((name, live)) = map.get_key_value(name) else { continue };
            let undeclared_key = place.declared.is_none() && place.key.is_some_and(|key| key.contains_key(name));
            let tool_mark = matches!(place.shape, Shape::Marks) && is_tool_mark(name);
            let declared = place.declared.and_then(|declared| declared.get(name)).filter(|value| !value.is_null());
            let shape = place.shape.field(name);
            let wish = tool_mark
                || matches!(shape, Shape::Wish | Shape::WishOf(_))
                || is_contextual_default(map, place.declared, live, shape);
            if undeclared_key || (declared.is_none() && wish) {
                continue;
            }
            self.trail.push(Seg::Field(name));
            self.value(&Place { node, declared, live, shape, key: None });
            self.trail.pop();
        }
    }

    fn items(&mut self, place: &Place<'a, '_>, list: &'a [Value]) {
        let declared = place.declared.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let keys: &'static [Key] = match place.shape {
            Shape::Keyed(keys, _) => keys,
            Shape::Set => &[],
            // A list that is one field; what is declared of it was compared as a whole.
            _ if declared.is_empty() => &[],
            _ => return,
        };
        let declared_places = Items::of(declared, keys);
        let mut lookup = Lookup::default();
        for (raw, node) in place.node.children.iter().filter(|(_, node)| node.foreign) {
            let Some(step) = Step::parse(raw) else { continue };
            for (copy, at) in (1..).zip(lookup.places(&step, list)) {
                let live = &list[at];
                let same = match place.shape {
                    Shape::Keyed(..) => key_of(live, keys)
                        .zip(declared_places.as_ref())
                        .and_then(|(key, places)| places.find(&key).next()),
                    _ => declared.iter().position(|item| item == live),
                };
                let key = if let Step::Key(key) = &step { Some(key) } else { None };
                let declared = same.map(|same| &declared[same]);
                let name = match (place.shape, &step) {
                    (Shape::Keyed(..), _) => Name::Keys { item: live, keys, copy },
                    (_, Step::Value(_)) => Name::Value(live),
                    _ => Name::Place,
                };
                self.trail.push(Seg::Item { declared: same.unwrap_or(at), live: at, name });
                self.value(&Place { node, declared, live, shape: place.shape.item(), key });
                self.trail.pop();
            }
        }
    }

    /// One value that a foreign manager owns something of.
    fn value(&mut self, place: &Place<'a, '_>) {
        let one_field = !matches!(place.shape, Shape::Keyed(..) | Shape::Set);
        let declared = place.declared.filter(|value| !(one_field && value.as_array().is_some_and(Vec::is_empty)));
        if matches!(place.shape, Shape::Ignored) || is_absent(place.live) {
            return;
        }
        if declared.is_none() && (is_vacant(place.live, place.shape) || self.is_exempt(place.node)) {
            return;
        }
        // Of what is there anyway or partly somebody else's, only what is foreign was added.
        let shared = place.node.others && !place.node.children.is_empty();
        if declared.is_some() || place.shape.is_always_there() || shared {
            self.below(place);
        } else {
            let pointer = self.trail.live();
            let attribution = self.owners.attribution(self.live, &pointer);
            let live = Some(place.live.clone());
            self.drifts.push(FieldDrift {
                pointer,
                keyed: self.trail.keyed(),
                change: ChangeKind::Added,
                declared: None,
                live,
                attribution,
                co_owned: false,
            });
        }
    }

    fn is_exempt(&self, node: &Node<'_>) -> bool {
        node.children.is_empty()
            && [Role::Controller, Role::Sibling].iter().any(|role| self.owners.owned_by(node, *role))
    }
}

/// Finds the places that steps lead to, in one list. Steps of one list have the same fields, so
/// that one index serves all.
#[derive(Default)]
struct Lookup<'a> {
    names: Vec<String>,
    items: Option<Items<'a>>,
}

impl<'a> Lookup<'a> {
    fn places(&mut self, step: &Step<'_>, list: &'a [Value]) -> Vec<usize> {
        match step {
            Step::Field(_) => Vec::new(),
            Step::Index(at) => (*at < list.len()).then_some(*at).into_iter().collect(),
            Step::Value(value) => self.find(value_key(value), Vec::new(), list, value_key),
            Step::Key(key) => {
                let names: Vec<_> = key.keys().cloned().collect();
                self.find(key_in(key, key), names, list, |item| item.as_object().and_then(|item| key_in(item, key)))
            }
        }
    }

    fn find(
        &mut self,
        wanted: Option<ItemKey<'_>>,
        names: Vec<String>,
        list: &'a [Value],
        read: impl Fn(&'a Value) -> Option<ItemKey<'a>>,
    ) -> Vec<usize> {
        let Some(wanted) = wanted else { return Vec::new() };
        if self.names != names {
            self.items = None;
        }
        self.names = names;
        // What has no such key equals no key that was asked for.
        let index = || Items::new(list.iter().map(|item| read(item).unwrap_or([Part::Absent; _])).collect());
        self.items.get_or_insert_with(index).find(&wanted).collect()
    }
}

/// The fields of an item that a key names.
fn key_in<'a>(item: &'a Map<String, Value>, key: &Map<String, Value>) -> Option<ItemKey<'a>> {
    key_by(item, key.keys().map(|name| (name.as_str(), default_of(name))))
}

fn is_tool_mark(name: &str) -> bool {
    name.starts_with(names::PREFIX) || TOOL_MARKS.contains(&name)
}

/// Whether a value is what the API server derives from a field beside it.
fn is_contextual_default(siblings: &Map<String, Value>, declared: Option<&Value>, live: &Value, shape: &Shape) -> bool {
    match shape {
        // Where somebody else set the affinity, its details go with it: the API server refuses them alone.
        Shape::AffinityConfig => {
            declared.is_some_and(|declared| declared["sessionAffinity"] == "ClientIP")
                && live.pointer("/clientIP/timeoutSeconds").is_some_and(|seconds| *seconds == 10800)
        }
        Shape::TargetPort => siblings.get("port") == Some(live),
        Shape::PullPolicy => {
            let image = siblings.get("image").and_then(Value::as_str).unwrap_or_default();
            let name = image.rsplit('/').next().unwrap_or_default();
            let tag = name.split_once(':').map_or("latest", |(_, tag)| tag);
            let fixed = image.contains('@') || tag != "latest";
            *live == if fixed { "IfNotPresent" } else { "Always" }
        }
        _ => false,
    }
}
