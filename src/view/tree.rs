//! From live objects to a tree: GitSyncs, what they declare, and the children of that. Pure.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Marks, Seen, Verdict, declared_by, key, provenance};
use crate::api::status::ChildStatus;
use crate::api::{GitSync, MicroService};
use crate::model::ObjectKey;

/// GitSyncs that stand below each other; one that would stand deeper is a tree of its own.
const DEEPEST: usize = 32;

/// One object and what is below it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Node {
    /// `GitSync`, `MicroService`, or the kind of a child.
    pub kind: String,
    /// `namespace/name`; the name alone for a child, which is in the namespace of its MicroService.
    pub name: String,
    /// Whether it is ready; children do not say.
    #[serde(flatten)]
    pub verdict: Option<Verdict>,
    /// What else is to be known of it.
    #[serde(flatten)]
    pub marks: Marks,
    /// What is below it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<Node>,
}

impl Node {
    /// Whether it, or something below it, says that it is not ready.
    pub fn is_unready(&self) -> bool {
        self.verdict.as_ref().is_some_and(|verdict| !verdict.is_ready()) || self.children.iter().any(Self::is_unready)
    }
}

/// What to keep of a tree.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cut {
    /// Levels; none for all.
    pub depth: Option<usize>,
    /// Only what is not ready, with what leads to it.
    pub not_ready: bool,
}

/// Everything that was seen, as trees. What nobody declared, or somebody who was not seen, is a tree of its own.
pub fn grow(seen: &Seen) -> Vec<Node> {
    let syncs: BTreeMap<ObjectKey, &GitSync> = seen.gitsyncs.iter().map(|gitsync| (key(gitsync), gitsync)).collect();
    let mut parents: BTreeMap<ObjectKey, ObjectKey> = BTreeMap::new();
    for (name, gitsync) in &syncs {
        let parent = declared_by(*gitsync).and_then(|sync| ObjectKey::parse(&sync));
        // The one that an installation begins with declares itself.
        if let Some(parent) = parent.filter(|parent| parent != name && syncs.contains_key(parent)) {
            parents.insert(name.clone(), parent);
        }
    }
    break_circles(&mut parents);
    let mut below: BTreeMap<ObjectKey, Vec<Node>> = BTreeMap::new();
    let mut alone = Vec::new();
    for service in &seen.services {
        let sync = provenance(service).and_then(|source| ObjectKey::parse(&source.sync));
        match sync.filter(|sync| syncs.contains_key(sync)) {
            Some(sync) => below.entry(sync).or_default().push(of_service(service)),
            None => alone.push(of_service(service)),
        }
    }
    let mut nested: BTreeMap<&ObjectKey, Vec<&ObjectKey>> = BTreeMap::new();
    for (child, parent) in &parents {
        nested.entry(parent).or_default().push(child);
    }
    let roots = syncs.keys().filter(|name| !parents.contains_key(*name));
    let mut trees: Vec<Node> = roots.map(|name| of_sync(name, &syncs, &nested, &mut below)).collect();
    trees.extend(alone);
    trees
}

/// GitSyncs that declare each other in a circle: one of them must stand at the top to be seen at all.
fn break_circles(parents: &mut BTreeMap<ObjectKey, ObjectKey>) {
    for start in parents.keys().cloned().collect::<Vec<_>>() {
        let mut at = parents.get(&start);
        let mut above = 0;
        while let Some(next) = at.filter(|next| **next != start && above < DEEPEST) {
            at = parents.get(next);
            above += 1;
        }
        if at.is_some() {
            parents.remove(&start);
        }
    }
}

fn of_sync(
    name: &ObjectKey,
    syncs: &BTreeMap<ObjectKey, &GitSync>,
    nested: &BTreeMap<&ObjectKey, Vec<&ObjectKey>>,
    below: &mut BTreeMap<ObjectKey, Vec<Node>>,
) -> Node {
    let declared = nested.get(name).into_iter().flatten();
    let mut children: Vec<Node> = declared.map(|child| of_sync(child, syncs, nested, below)).collect();
    children.extend(below.remove(name).unwrap_or_default());
    let gitsync = syncs.get(name);
    Node {
        kind: "GitSync".into(),
        name: name.to_string(),
        verdict: gitsync.map(|gitsync| Verdict::of_sync(gitsync)),
        marks: gitsync.map(|gitsync| Marks::of_sync(gitsync)).unwrap_or_default(),
        children,
    }
}

fn of_service(service: &MicroService) -> Node {
    let children = service.status.as_ref().map_or(&[][..], |status| &status.children);
    Node {
        kind: "MicroService".into(),
        name: key(service).to_string(),
        verdict: Some(Verdict::of_service(service)),
        marks: Marks::of_service(service),
        children: children.iter().map(|child| child_of(service, child)).collect(),
    }
}

/// A child of a service, as the service's status knows it.
pub fn child_of(service: &MicroService, child: &ChildStatus) -> Node {
    let drift = service.status.as_ref().and_then(|status| status.workload_drift.as_ref());
    let drift = drift.filter(|drift| drift.count > 0);
    let namespace = service.metadata.namespace.as_deref().unwrap_or_default();
    let name = format!("{namespace}/{}", child.name);
    let fields = drift.into_iter().flat_map(|drift| &drift.fields);
    let drifted = fields.filter(|field| field.kind == child.kind && field.object == name).count();
    let drifted_fields = u32::try_from(drifted).unwrap_or(u32::MAX);
    Node {
        kind: child.kind.clone(),
        name: child.name.clone(),
        verdict: None,
        marks: Marks { drifted_fields, ..Marks::default() },
        children: Vec::new(),
    }
}

/// The tree of one GitSync, wherever it stands.
pub fn find(trees: Vec<Node>, wanted: &ObjectKey) -> Option<Node> {
    for tree in trees {
        if tree.kind == "GitSync" && wanted.is(&tree.name) {
            return Some(tree);
        }
        if let Some(found) = find(tree.children, wanted) {
            return Some(found);
        }
    }
    None
}

/// Keeps what is asked for.
pub fn cut(trees: Vec<Node>, how: Cut) -> Vec<Node> {
    if how.depth == Some(0) {
        return Vec::new();
    }
    let below = Cut { depth: how.depth.map(|depth| depth - 1), ..how };
    let kept = trees.into_iter().filter(|tree| !how.not_ready || tree.verdict.is_none() || tree.is_unready());
    kept.map(|tree| Node { children: cut(tree.children, below), ..tree }).collect()
}

#[cfg(test)]
mod tests;
