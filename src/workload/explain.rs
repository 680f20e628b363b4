//! Where each field of a child comes from: found out, not looked up. Each field of the service is changed and left out in
//! turn and the service rendered again; whatever differs then was decided by that field. So it cannot say what is not so,
//! whatever a renderer does.
//!
//! It costs some renderings for each field, which is nothing for a person who asks and too much for a loop. Which layer a
//! field of the service came from is [`super::defaults`]' to say.

mod leaves;
mod vary;

use std::collections::BTreeMap;

use serde_json::Value;

use super::defaults::{ChildMetadata, Completed};
use super::{Child, Surroundings, render};
use crate::api::names::RENDERED_HASH;
use crate::model::pointer::Pointer;
use leaves::{Leaf, Path, leaves, same};
use vary::{Variation, variations};

/// A child, and where its fields come from.
#[derive(Debug, Clone, PartialEq)]
pub struct Explained {
    /// The child.
    pub child: Child,
    /// All of its fields that hold a value, in the order of their paths.
    pub fields: Vec<Explanation>,
}

/// Where a field of a child comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The field, in the child.
    pub field: Pointer,
    /// What decides it, what decides most first; nothing where the service has no say in it.
    pub causes: Vec<Cause>,
    /// Whether it is computed from all that is rendered.
    pub computed: bool,
}

/// A field of the service that decides a field of a child.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cause {
    /// How.
    pub how: How,
    /// Which.
    pub field: Pointer,
}

/// How a field of the service decides one of a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum How {
    /// It is the value.
    Value,
    /// The value follows from it.
    Derived,
    /// With another value, the field would not be there; its value is Gitmoor's own.
    Chosen,
    /// Without it, the field would not be there, or have another value; its value is Gitmoor's own.
    Present,
}

impl Explanation {
    /// What gives the field its value; none where that is built in.
    pub fn origin(&self) -> Option<&Cause> {
        self.causes.first().filter(|cause| matches!(cause.how, How::Value | How::Derived))
    }
}

/// What was found of a field of a child: each cause once, with what it decides most.
type Found = BTreeMap<Pointer, How>;

/// Renders a service, as it was written and completed, and says of each field where it comes from. None where it cannot
/// be read.
pub fn explain(service: &Value) -> Option<Vec<Explained>> {
    let children = rendered(service)?;
    let base: Vec<BTreeMap<Path, Leaf>> = children.iter().map(|child| leaves(&child.body)).collect();
    let mut found: Vec<BTreeMap<&Path, Found>> = vec![BTreeMap::new(); children.len()];
    for variation in variations(service) {
        // What cannot be read decides nothing: no service is like that.
        let Some(others) = rendered(&variation.service) else { continue };
        for (place, child) in children.iter().enumerate() {
            let other = counterpart(&children, place, &others);
            // Most fields are about one child.
            if other.is_some_and(|other| other.hash == child.hash) {
                continue;
            }
            let other = other.map(|other| leaves(&other.body)).unwrap_or_default();
            let values = variation.values.as_ref().map(|(from, to)| (from, to));
            for (path, leaf) in &base[place] {
                if let Some(how) = judge(leaf, same(&other, path, values), &variation) {
                    let known = found[place].entry(path).or_default().entry(variation.field.clone()).or_insert(how);
                    *known = how.min(*known);
                }
            }
        }
    }
    let explained = children.iter().zip(&base).zip(&found).map(|((child, leaves), found)| {
        let fields = leaves.iter().map(|(path, leaf)| explanation(leaf, found.get(path)));
        let mut fields: Vec<_> = fields.collect();
        fields.sort_by(|one, other| one.field.cmp(&other.field));
        Explained { child: child.clone(), fields }
    });
    Some(explained.collect())
}

fn rendered(service: &Value) -> Option<Vec<Child>> {
    let completed = Completed { service: service.clone(), taken: Vec::new() };
    let (service, metadata): (_, ChildMetadata) = completed.read().ok()?;
    Some(render(&service, &Surroundings { metadata, ..Surroundings::default() }))
}

/// The same child of another rendering: by its place among those of its kind, which stays when a name changes; by its name
/// where there are more of them, or fewer.
fn counterpart<'o>(children: &[Child], place: usize, others: &'o [Child]) -> Option<&'o Child> {
    let child = &children[place];
    let of_kind = |all: &[Child]| all.iter().filter(|one| one.kind == child.kind).count();
    let mut same = others.iter().filter(|other| other.kind == child.kind);
    if of_kind(children) == of_kind(others) {
        let before = children[..place].iter().filter(|one| one.kind == child.kind).count();
        return same.nth(before);
    }
    same.find(|other| other.name == child.name)
}

/// What it says that a variation leaves a leaf as it is in `other`, or takes it away.
fn judge(leaf: &Leaf, other: Option<&Leaf>, variation: &Variation) -> Option<How> {
    if other.is_some_and(|other| other.value == leaf.value) {
        return None;
    }
    let Some((from, to)) = &variation.values else { return Some(How::Present) };
    let was_it = text(from) == text(&leaf.value);
    Some(match other {
        Some(other) if was_it && text(to) == text(&other.value) => How::Value,
        // The key of an item: with another one it is another item.
        None if was_it && leaf.is_key => How::Value,
        Some(_) => How::Derived,
        None => How::Chosen,
    })
}

/// A number and a text are the same to whoever wrote a quantity.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn explanation(leaf: &Leaf, found: Option<&Found>) -> Explanation {
    let computed = leaf.field.last() == Some(RENDERED_HASH);
    if computed {
        return Explanation { field: leaf.field.clone(), causes: Vec::new(), computed };
    }
    let found: Vec<_> = found.into_iter().flatten().collect();
    // That a field must be there says nothing beside what its own value, or a part of it, says.
    let is_told = |field: &Pointer| found.iter().any(|(other, _)| *other != field && other.starts_with(field));
    let kept = found.iter().filter(|(field, how)| **how != How::Present || !is_told(field));
    let mut causes: Vec<_> = kept.map(|(field, how)| Cause { how: **how, field: (*field).clone() }).collect();
    // Of equals, the one that says most: the deepest.
    causes.sort_by(|one, other| {
        let depth = |cause: &Cause| std::cmp::Reverse(cause.field.segments().len());
        one.how.cmp(&other.how).then(depth(one).cmp(&depth(other))).then(one.field.cmp(&other.field))
    });
    Explanation { field: leaf.field.clone(), causes, computed }
}

#[cfg(test)]
mod tests;
