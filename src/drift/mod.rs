//! Drift: compares declared and live in one form, attributes each difference, and says how to correct it.
//!
//! The same code serves both levels: a manifest and its MicroService, and a rendered child and
//! what the cluster has of it. Nothing here reads a clock, calls a server or decides a policy's
//! consequences; it turns two JSON values into findings and into request bodies.
//!
//! What is one field here is what is one field to server-side apply: a scalar, an atomic list or
//! an atomic map is reported whole; an item of a keyed list is matched by its keys.

mod added;
mod changed;
mod correct;
mod declared;
mod equal;
mod fields;
mod fixed;
mod hands;
mod held;
mod items;
mod kinds;
mod learned;
mod overlay;
mod pace;
pub mod pause;
mod policy;
mod quantity;
mod rules;
mod shape;
#[cfg(test)]
mod tests;
mod trail;
mod usage;

pub use correct::{declared_for_apply, declared_pointer, is_own_mark, removal_patch};
pub use declared::{declared_now, is_let_be};
pub use fixed::{is_fixed, remedy};
pub use hands::{Hand, users};
pub use learned::{Learned, came_back};
pub use overlay::overlay;
pub use pace::{Pace, Turn, merged};
pub use policy::{effective, own_policy};
pub use rules::{Forms, Policies, RuleBook, RuleError, Ruled, RuledField, Ruling};
pub use usage::{Unused, Usage};

use serde_json::Value;

use added::Search;
use changed::Walk;
use shape::Shape;
use trail::{Trail, by_place};

use crate::model::pointer::Pointer;
use crate::model::{ChangeKind, FieldDrift};

/// What a comparison needs to know beside the two objects.
#[derive(Debug, Clone, Copy)]
pub struct Compare<'a> {
    /// The field manager that we apply this object as.
    pub manager: &'a str,
}

/// What a comparison found, in the order of the fields.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Comparison {
    /// Differences that no commit caused.
    pub drifts: Vec<FieldDrift>,
    /// Declared fields that Kubernetes' own controllers have changed and therefore keep, as replicas
    /// under an autoscaler; into the declared object. They do not belong into an apply.
    pub yielded: Vec<Pointer>,
}

/// Finds what differs between declared and live.
///
/// - *Modified*: declared, and live has another value. Where the owner of that value is one of
///   Kubernetes' own controllers, the field is yielded instead.
/// - *Removed*: declared, and live has nothing there.
/// - *Added*: not declared, and owned by a manager that is neither ours nor Kubernetes' own; reported
///   at the highest place that is theirs. Defaults of the API server are nobody's, and no drift.
/// - *Disowned*: declared, live has that value, and our manager does not own it any more; reported at the highest place
///   of which nothing is left to us. An apply makes it ours again. What we own beside others is nobody's drift: when
///   Git no longer declares it, and the others keep it, it is added.
///
/// What an apply under `options.manager` still has to remove or to change, since Git changed, is
/// the caller's to know: compare with what was last applied.
pub fn compare(declared: &Value, live: &Value, options: &Compare<'_>) -> Comparison {
    let shape = shape_of(declared);
    let mut walk = Walk::new(live, options.manager);
    walk.value(declared, Some(live), shape);
    walk.lost(declared, shape);
    let (mut found, owners) = walk.finish();
    if let Some(owners) = owners {
        let mut search = Search { live, owners: &owners, trail: Trail::default(), drifts: Vec::new() };
        search.object(declared, shape);
        found.drifts.append(&mut search.drifts);
    }
    found.drifts.sort_by(|one, other| by_place(&one.pointer, &other.pointer).then(one.change.cmp(&other.change)));
    drop_covered(&mut found.drifts);
    found
}

/// What was added within a value that is reported already is a part of that drift.
fn drop_covered(drifts: &mut Vec<FieldDrift>) {
    let mut top: Option<Pointer> = None;
    drifts.retain(|drift| {
        if matches!(drift.change, ChangeKind::Removed | ChangeKind::Disowned) {
            return true;
        }
        let covered =
            drift.change == ChangeKind::Added && top.as_ref().is_some_and(|top| drift.pointer.starts_with(top));
        if !covered {
            top = Some(drift.pointer.clone());
        }
        !covered
    });
}

/// What is known of a place of a kind.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    /// How its values merge and are written: `plain`, `set`, `map by name`, `atomic map`, `quantity` or `int-or-string`.
    pub word: String,
    /// What the API server fills in where nothing is declared.
    pub default: Option<Value>,
}

/// What is known of a place of a kind; `*` is any item of a list, and any key of a map. It is there to be compared with
/// what an API server says of itself.
pub fn known(api_version: &str, kind: &str, path: &[&str]) -> Known {
    let mut shape = kinds::of(api_version, kind);
    for step in path {
        shape = match shape.declared() {
            Shape::Keyed(..) | Shape::List(_) | Shape::Given(..) | Shape::Set => shape.declared().item(),
            Shape::Atomic(inner) if *step == "*" => inner.item(),
            other => other.field(step),
        };
    }
    Known { word: shape.word(), default: shape.default() }
}

fn shape_of(declared: &Value) -> &'static Shape {
    let text = |field| declared.get(field).and_then(Value::as_str).unwrap_or_default();
    kinds::of(text("apiVersion"), text("kind"))
}
