//! What is sent to the API server: the apply body that leaves kept drift alone, and the patch
//! that takes away what an apply cannot.

use json_patch::{Patch, PatchOperation, RemoveOperation, TestOperation};
use serde_json::Value;

use super::fields::Owners;
use super::items::{Items, key_of};
use super::shape::Shape;
use super::shape_of;
use super::trail::by_place;
use crate::api::names;
use crate::model::pointer::{Pointer, index};
use crate::model::{ChangeKind, FieldDrift};

/// Where in the declared object a drifted field is declared; for an added field, the closest
/// declared ancestor. This is the place to blame a line of Git for.
pub fn declared_pointer(declared: &Value, live: &Value, drift: &FieldDrift) -> Pointer {
    match drift.change {
        ChangeKind::Modified | ChangeKind::Added | ChangeKind::Disowned => translate(declared, live, &drift.pointer),
        ChangeKind::Removed | ChangeKind::Deleted | ChangeKind::Recreated | ChangeKind::Terminating => {
            drift.pointer.clone()
        }
    }
}

/// The apply body that keeps some drift as it is.
///
/// A kept field goes in with its live value if `manager` owns it, since omitting it would delete it,
/// and is left out if another manager owns it or it is gone. Yielded fields are left out. A map or
/// list that has nothing left in it is left out, too: applied empty, it would be created where it
/// is gone. Added fields are not mentioned, so they stay.
///
/// `keep` and `yielded` must come from comparing just this `declared` with just this `live`.
pub fn declared_for_apply(
    declared: &Value,
    live: &Value,
    keep: &[FieldDrift],
    yielded: &[Pointer],
    manager: &str,
) -> Value {
    let mut body = declared.clone();
    let mut left_out: Vec<Pointer> = yielded.to_vec();
    let owners = Owners::of(live, manager);
    for drift in keep.iter().filter(|drift| !is_own_mark(&drift.pointer)) {
        match drift.change {
            // What has the declared value keeps it, and becomes ours again.
            ChangeKind::Added
            | ChangeKind::Disowned
            | ChangeKind::Deleted
            | ChangeKind::Recreated
            | ChangeKind::Terminating => {}
            ChangeKind::Removed => left_out.push(drift.pointer.clone()),
            ChangeKind::Modified => {
                let place = translate(declared, live, &drift.pointer);
                let kept = drift.pointer.get(live).filter(|_| owners.ours(live, &drift.pointer));
                match (kept, get_mut(&mut body, place.segments())) {
                    (Some(kept), Some(slot)) => *slot = kept.clone(),
                    _ => left_out.push(place),
                }
            }
        }
    }
    // The last items of a list first, so that the indices of the others stay right.
    left_out.sort_by(|one, other| by_place(other, one));
    left_out.dedup();
    for pointer in &left_out {
        leave_out(&mut body, pointer.segments());
    }
    body
}

/// A patch that removes the added fields among `drifts`, which an apply leaves in place; `None` when there are none.
///
/// It holds only for this UID and resourceVersion, and only while each value is the one that was
/// seen. What is not in `live` as it was reported is left alone.
pub fn removal_patch(live: &Value, drifts: &[FieldDrift]) -> Option<Patch> {
    let seen = |drift: &&FieldDrift| {
        drift.change == ChangeKind::Added && !drift.pointer.segments().is_empty() && {
            let found = drift.pointer.get(live);
            found.is_some() && found == drift.live.as_ref()
        }
    };
    let mut added: Vec<&Pointer> = drifts.iter().filter(seen).map(|drift| &drift.pointer).collect();
    added.sort_by(|one, other| by_place(one, other));
    // What is within another goes with it.
    added.dedup_by(|next, kept| next.starts_with(kept));

    let identity = ["/metadata/uid", "/metadata/resourceVersion"].iter().filter_map(|text| Pointer::parse(text));
    let mut operations: Vec<_> = identity.map(|pointer| test(live, &pointer)).collect::<Option<_>>()?;
    for pointer in added.iter().rev() {
        operations.push(test(live, pointer)?);
        operations.push(PatchOperation::Remove(RemoveOperation { path: pointer.to_string().parse().ok()? }));
    }
    (!added.is_empty()).then_some(Patch(operations))
}

/// Our marks say what was applied: what others make of them is never kept.
pub fn is_own_mark(pointer: &Pointer) -> bool {
    match pointer.segments() {
        [metadata, map, key, ..] if metadata == "metadata" && (map == "annotations" || map == "labels") => {
            key.starts_with(names::PREFIX) || key == names::PART_OF
        }
        _ => false,
    }
}

fn test(live: &Value, pointer: &Pointer) -> Option<PatchOperation> {
    let value = pointer.get(live)?.clone();
    Some(PatchOperation::Test(TestOperation { path: pointer.to_string().parse().ok()?, value }))
}

/// Finds the declared place of a live one, as far as it is declared.
fn translate(declared: &Value, live: &Value, pointer: &Pointer) -> Pointer {
    let (mut declared, mut live, mut shape) = (Some(declared), Some(live), shape_of(declared));
    let mut segments = Vec::new();
    for segment in pointer.segments() {
        let step = match (declared, live) {
            (Some(Value::Object(declared)), Some(Value::Object(live))) => {
                let next = declared.get(segment).map(|value| (segment.clone(), value, live.get(segment)));
                shape = shape.field(segment);
                next
            }
            (Some(Value::Array(declared)), Some(Value::Array(live))) => {
                let item = index(segment).and_then(|at| live.get(at));
                let place = item.and_then(|item| counterpart(declared, item, shape)).or_else(|| {
                    let by_index = !matches!(shape, Shape::Keyed(..) | Shape::Set);
                    index(segment).filter(|at| by_index && *at < declared.len())
                });
                shape = shape.item();
                place.map(|place| (place.to_string(), &declared[place], item))
            }
            _ => None,
        };
        let Some((segment, next, next_live)) = step else { break };
        segments.push(segment);
        (declared, live) = (Some(next), next_live);
    }
    segments.into_iter().collect()
}

/// The declared item that a live one is.
fn counterpart(declared: &[Value], item: &Value, shape: &Shape) -> Option<usize> {
    match shape {
        Shape::Keyed(keys, _) => Items::of(declared, keys)?.find(&key_of(item, keys)?).next(),
        Shape::Set => declared.iter().position(|declared| declared == item),
        _ => None,
    }
}

fn get_mut<'v>(value: &'v mut Value, path: &[String]) -> Option<&'v mut Value> {
    path.iter().try_fold(value, |value, segment| match value {
        Value::Object(map) => map.get_mut(segment),
        Value::Array(list) => list.get_mut(index(segment)?),
        _ => None,
    })
}

/// Takes a field or an item out, and what it leaves empty.
fn leave_out(value: &mut Value, path: &[String]) {
    let Some((segment, rest)) = path.split_first() else { return };
    let Some(child) = get_mut(value, std::slice::from_ref(segment)) else { return };
    if !rest.is_empty() {
        leave_out(child, rest);
        let empty =
            child.as_object().is_some_and(serde_json::Map::is_empty) || child.as_array().is_some_and(Vec::is_empty);
        if !empty {
            return;
        }
    }
    match value {
        Value::Object(map) => {
            map.remove(segment);
        }
        Value::Array(list) => {
            if let Some(at) = index(segment).filter(|at| *at < list.len()) {
                list.remove(at);
            }
        }
        _ => {}
    }
}
