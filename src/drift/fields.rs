//! Who owns which field: `metadata.managedFields`, merged into one tree and resolved against the
//! live value. Names of managers are what clients call themselves; they attribute, they prove nothing.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::items::part;
use crate::api::names;
use crate::model::Attribution;
use crate::model::pointer::{Pointer, index};

/// Field managers of Kubernetes' own controllers, beside `vpa-*`.
const CONTROLLERS: &[&str] = &[
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "cloud-controller-manager",
    "cluster-autoscaler",
    "horizontal-pod-autoscaler",
];

/// What a manager is to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Our apply of this object. An update under our name is somebody else's: we do not update.
    Ours,
    /// The apply of our other manager.
    Sibling,
    /// A controller of Kubernetes.
    Controller,
    /// Anybody else.
    Foreign,
}

/// One entry of the managed fields.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    manager: &'a str,
    operation: &'a str,
    subresource: &'a str,
    time: Option<&'a str>,
    pub(super) role: Role,
}

/// All entries but those of status, and their fields as one tree.
#[derive(Debug)]
pub(super) struct Owners<'a> {
    entries: Vec<Entry<'a>>,
    pub(super) root: Node<'a>,
}

/// A field, and what is owned below it. Its steps are as written: `f:name`, `k:{…}`, `v:…`, `i:0`.
#[derive(Debug, Default)]
pub(super) struct Node<'a> {
    /// Who owns the field itself.
    owners: Vec<Owner>,
    pub(super) children: BTreeMap<Cow<'a, str>, Node<'a>>,
    /// Whether a foreign manager owns this or something below.
    pub(super) foreign: bool,
    /// Whether anybody else owns this or something below.
    pub(super) others: bool,
}

#[derive(Debug, Clone, Copy)]
struct Owner {
    entry: usize,
    /// Whether the entry knows nothing below, so that it owns all that is.
    whole: bool,
}

/// One step of a path in managed fields.
#[derive(Debug, PartialEq)]
pub(super) enum Step<'a> {
    /// A field of a map.
    Field(&'a str),
    /// An item of a list by its key.
    Key(Map<String, Value>),
    /// An item of a list by its value.
    Value(Value),
    /// An item of a list by its place.
    Index(usize),
}

impl<'a> Step<'a> {
    /// Reads a step; `None` for what no Kubernetes writes.
    pub(super) fn parse(raw: &'a str) -> Option<Self> {
        let (prefix, rest) = raw.split_once(':')?;
        match prefix {
            "f" => Some(Self::Field(rest)),
            "k" => serde_json::from_str(rest).ok().map(Self::Key),
            "v" => serde_json::from_str(rest).ok().map(Self::Value),
            "i" => index(rest).map(Self::Index),
            _ => None,
        }
    }
}

/// What the API takes for an absent field of a key.
pub(super) fn default_of(key: &str) -> Option<&'static str> {
    (key == "protocol").then_some("TCP")
}

/// Whether anybody but us and the exempt has written to an object: without one, nothing was added.
pub(super) fn has_foreign(live: &Value, manager: &str) -> bool {
    entries(live, manager).any(|(entry, _)| entry.role == Role::Foreign)
}

impl<'a> Owners<'a> {
    /// Reads the managed fields of a live object, as seen by one of our managers.
    pub(super) fn of(live: &'a Value, manager: &str) -> Self {
        let mut owners = Self { entries: Vec::new(), root: Node::default() };
        for (entry, fields) in entries(live, manager) {
            owners.root.merge(fields, owners.entries.len(), entry.role);
            owners.entries.push(entry);
        }
        owners
    }

    /// Whether our apply owns the field or the value that it is a part of.
    pub(super) fn ours(&self, live: &Value, pointer: &Pointer) -> bool {
        self.any(live, pointer, Role::Ours)
    }

    /// Whether some owner of the field has this role.
    pub(super) fn any(&self, live: &Value, pointer: &Pointer, role: Role) -> bool {
        self.of_field(live, pointer).iter().any(|entry| self.entries[*entry].role == role)
    }

    /// Whether the field was written by a foreign manager, and not also by us or the exempt.
    pub(super) fn only_foreign(&self, live: &Value, pointer: &Pointer) -> bool {
        let owners = self.of_field(live, pointer);
        !owners.is_empty() && owners.iter().all(|entry| self.entries[*entry].role == Role::Foreign)
    }

    /// Whether an owner of the node itself has this role.
    pub(super) fn owned_by(&self, node: &Node<'_>, role: Role) -> bool {
        node.owners.iter().any(|owner| self.entries[owner.entry].role == role)
    }

    /// Who is behind a live field: a foreign owner before others, then the latest.
    pub(super) fn attribution(&self, live: &Value, pointer: &Pointer) -> Attribution {
        let owners = self.of_field(live, pointer).into_iter().map(|entry| {
            let entry = &self.entries[entry];
            (entry.role == Role::Foreign, entry.time.and_then(|time| time.parse::<jiff::Timestamp>().ok()), entry)
        });
        // The first of equals, so that the answer does not depend on luck.
        let best = owners.reduce(|best, next| if (next.0, next.1) > (best.0, best.1) { next } else { best });
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        best.map_or_else(Attribution::default, |(_, time, entry)| Attribution {
            manager: text(entry.manager),
            operation: text(entry.operation),
            subresource: text(entry.subresource),
            time,
        })
    }

    /// The owners of a field; where it has none, of what is below it; else of the value around it that has one owner.
    fn of_field(&self, live: &Value, pointer: &Pointer) -> Vec<usize> {
        let (mut node, mut value) = (Some(&self.root), Some(live));
        let mut around: Vec<usize> = Vec::new();
        for segment in pointer.segments() {
            if let Some(node) = node {
                let whole: Vec<_> = node.owners.iter().filter(|owner| owner.whole).map(|owner| owner.entry).collect();
                if !whole.is_empty() {
                    around = whole;
                }
            }
            (node, value) = match value {
                Some(Value::Object(map)) => {
                    (node.and_then(|node| node.children.get(format!("f:{segment}").as_str())), map.get(segment))
                }
                Some(Value::Array(list)) => {
                    let place = index(segment);
                    let item = place.and_then(|place| list.get(place));
                    (node.zip(place).zip(item).and_then(|((node, place), item)| node.item(place, item)), item)
                }
                _ => (None, None),
            };
        }
        match node {
            Some(node) if !node.owners.is_empty() => node.owners.iter().map(|owner| owner.entry).collect(),
            Some(node) if node.foreign || node.others => node.below(),
            _ => around,
        }
    }
}

impl<'a> Node<'a> {
    /// Adds the fields of one entry.
    fn merge(&mut self, fields: &'a Map<String, Value>, entry: usize, role: Role) {
        let whole = fields.is_empty();
        if whole || fields.contains_key(".") {
            self.owners.push(Owner { entry, whole });
        }
        if role == Role::Foreign {
            self.foreign = true;
        } else {
            self.others = true;
        }
        for (step, below) in fields {
            if let Some(below) = below.as_object().filter(|_| step != ".") {
                self.children.entry(canonical(step)).or_default().merge(below, entry, role);
            }
        }
    }

    /// The node of an item of a list, without a search: each of its possible names is looked up.
    fn item(&self, place: usize, item: &Value) -> Option<&Self> {
        let by_key = || {
            let (first, _) = self.children.range(Cow::Borrowed("k:")..).next()?;
            let Some(Step::Key(names)) = Step::parse(first) else { return None };
            let fields = names.keys().map(|name| {
                let found = item.get(name).filter(|value| !value.is_null());
                let value =
                    found.map_or_else(|| default_of(name).map(Value::from), |found| part(found).map(Value::from));
                value.map(|value| (name.clone(), value))
            });
            let key: Map<String, Value> = fields.collect::<Option<_>>()?;
            self.children.get(format!("k:{}", Value::from(key)).as_str())
        };
        let by_value = || self.children.get(format!("v:{item}").as_str()).filter(|_| !item.is_object());
        by_key().or_else(by_value).or_else(|| self.children.get(format!("i:{place}").as_str()))
    }

    /// All owners of what is below.
    fn below(&self) -> Vec<usize> {
        let mut owners: Vec<_> = self.owners.iter().map(|owner| owner.entry).collect();
        for node in self.children.values() {
            owners.extend(node.below());
        }
        owners.sort_unstable();
        owners.dedup();
        owners
    }
}

/// A step as we would write it, where it has escapes that can be written in several ways.
pub(super) fn canonical(step: &str) -> Cow<'_, str> {
    let rewritten = || match Step::parse(step)? {
        Step::Key(key) => Some(format!("k:{}", Value::from(key))),
        Step::Value(value) => Some(format!("v:{value}")),
        Step::Field(_) | Step::Index(_) => None,
    };
    let ambiguous = step.contains(['\\', ' ']);
    ambiguous.then(rewritten).flatten().map_or(Cow::Borrowed(step), Cow::Owned)
}

/// The entries of an object with their fields, but for those of status, which nobody declares.
pub(super) fn entries<'a>(live: &'a Value, manager: &str) -> impl Iterator<Item = (Entry<'a>, &'a Map<String, Value>)> {
    let all = live.pointer("/metadata/managedFields").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    all.iter().filter_map(move |value| {
        let text = |field| value.get(field).and_then(Value::as_str);
        let mut entry = Entry {
            manager: text("manager").unwrap_or_default(),
            operation: text("operation").unwrap_or_default(),
            subresource: text("subresource").unwrap_or_default(),
            time: text("time"),
            role: Role::Foreign,
        };
        entry.role = role(&entry, manager);
        let fields = value.get("fieldsV1").and_then(Value::as_object)?;
        (entry.subresource != "status").then_some((entry, fields))
    })
}

fn role(entry: &Entry<'_>, ours: &str) -> Role {
    let applied = entry.operation == "Apply" && entry.subresource.is_empty();
    match entry.manager {
        manager if applied && manager == ours => Role::Ours,
        names::SYNC_MANAGER | names::CONTROLLER_MANAGER | names::APPLYSET_MANAGER | names::HAND_OVER_MANAGER
            if applied =>
        {
            Role::Sibling
        }
        manager if CONTROLLERS.contains(&manager) || manager.starts_with("vpa-") => Role::Controller,
        _ => Role::Foreign,
    }
}
