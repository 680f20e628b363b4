//! What a GitSync depends on: other GitSyncs that must be ready before it begins with a revision.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::model::ObjectKey;

/// A live GitSync, as those that depend on it see it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dependent {
    /// GitSyncs that it depends on itself.
    pub depends_on: Vec<ObjectKey>,
    /// Whether it is ready at its current generation.
    pub ready: bool,
}

/// Whether a GitSync may begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing is waited for.
    Free,
    /// It names GitSyncs of namespaces that it may not depend on.
    NotAllowed(Vec<ObjectKey>),
    /// It depends on itself, through these; the first is not repeated at the end.
    Cycle(Vec<ObjectKey>),
    /// It waits.
    Waits {
        /// GitSyncs that do not exist.
        missing: Vec<ObjectKey>,
        /// GitSyncs that are not ready.
        unready: Vec<ObjectKey>,
    },
}

impl Verdict {
    /// Whether somebody must change a spec before it can be otherwise.
    pub fn is_fault(&self) -> bool {
        matches!(self, Self::NotAllowed(_) | Self::Cycle(_))
    }

    /// Whether a revision may begin.
    pub fn is_free(&self) -> bool {
        *self == Self::Free
    }
}

/// Whether a GitSync may begin, and why not. `live` answers for all GitSyncs that there are.
pub fn judge(
    own: &ObjectKey,
    depends_on: &[ObjectKey],
    operator_namespace: &str,
    live: impl Fn(&ObjectKey) -> Option<Dependent>,
) -> Verdict {
    let wanted: BTreeSet<&ObjectKey> = depends_on.iter().collect();
    let (allowed, forbidden): (Vec<_>, Vec<_>) =
        wanted.into_iter().partition(|other| may_depend(own, other, operator_namespace));
    if !forbidden.is_empty() {
        return Verdict::NotAllowed(forbidden.into_iter().cloned().collect());
    }
    let edges = |of: &ObjectKey| -> Vec<ObjectKey> {
        let others = if of == own { depends_on.to_vec() } else { live(of).unwrap_or_default().depends_on };
        others.into_iter().filter(|other| may_depend(of, other, operator_namespace)).collect()
    };
    if let Some(cycle) = cycle(own, edges) {
        return Verdict::Cycle(cycle);
    }
    let (mut missing, mut unready) = (Vec::new(), Vec::new());
    for other in allowed {
        match live(other) {
            None => missing.push(other.clone()),
            Some(found) if !found.ready => unready.push(other.clone()),
            Some(_) => {}
        }
    }
    if missing.is_empty() && unready.is_empty() { Verdict::Free } else { Verdict::Waits { missing, unready } }
}

/// A GitSync may depend on those of its own namespace and on the operator's: others are none of its business.
fn may_depend(own: &ObjectKey, other: &ObjectKey, operator_namespace: &str) -> bool {
    other.namespace == own.namespace || *other.namespace == *operator_namespace
}

/// The shortest way from a GitSync back to itself, where there is one. It begins with the smallest name, so that all
/// of a ring say the same.
pub fn cycle(own: &ObjectKey, edges: impl Fn(&ObjectKey) -> Vec<ObjectKey>) -> Option<Vec<ObjectKey>> {
    // By whom each was first reached. Breadth first, and each once: a ring elsewhere does not make this one endless.
    let mut reached_by: BTreeMap<ObjectKey, ObjectKey> = BTreeMap::new();
    let mut next = VecDeque::from([own.clone()]);
    while let Some(at) = next.pop_front() {
        let others: BTreeSet<ObjectKey> = edges(&at).into_iter().collect();
        for other in others {
            if reached_by.contains_key(&other) {
                continue;
            }
            reached_by.insert(other.clone(), at.clone());
            if other == *own {
                return Some(ring(own, &reached_by));
            }
            next.push_back(other);
        }
    }
    None
}

fn ring(own: &ObjectKey, reached_by: &BTreeMap<ObjectKey, ObjectKey>) -> Vec<ObjectKey> {
    let mut ring = vec![own.clone()];
    let mut at = &reached_by[own];
    while at != own {
        ring.push(at.clone());
        at = &reached_by[at];
    }
    ring.reverse();
    let first = ring.iter().enumerate().min_by_key(|(_, key)| *key).map_or(0, |(index, _)| index);
    ring.rotate_left(first);
    ring
}
