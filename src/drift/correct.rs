//! What is sent to the API server: the apply body that leaves kept drift alone, and the patch
//! that takes away what an apply cannot.

use json_patch::Patch;
use serde_json::Value;

use crate::model::FieldDrift;
use crate::model::pointer::Pointer;

/// Where in the declared object a drifted field is declared; for an added field, the closest
/// declared ancestor. This is the place to blame a line of Git for.
pub fn declared_pointer(_declared: &Value, _live: &Value, drift: &FieldDrift) -> Pointer {
    drift.pointer.clone()
}

/// The apply body that keeps some drift as it is.
///
/// A kept field goes in with its live value if `manager` owns it, since omitting it would delete it,
/// and is left out if another manager owns it or it is gone. Yielded fields are left out.
pub fn declared_for_apply(
    declared: &Value,
    _live: &Value,
    _keep: &[FieldDrift],
    _yielded: &[Pointer],
    _manager: &str,
) -> Value {
    declared.clone()
}

/// A patch that removes the added fields among `drifts`, which an apply leaves in place; `None` when there are none.
///
/// It holds only for this UID and resourceVersion, and only while each value is the one that was seen.
pub fn removal_patch(_live: &Value, _drifts: &[FieldDrift]) -> Option<Patch> {
    None
}
