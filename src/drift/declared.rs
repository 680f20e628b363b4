//! What became of a drift that was found earlier: what is declared there now, and whether it is let be.

use serde_json::Value;

use super::{Compare, Forms, Learned, Policies, compare, declared_pointer};
use crate::api::gitsync::DriftPolicy;
use crate::model::pointer::Pointer;
use crate::model::{Attribution, ChangeKind, FieldDrift};

/// The declared place of a field that had drifted, and what is declared there; none where nothing is. `pointer` leads to
/// it as it was found: into the declared object for one that was removed, else into the live one.
pub fn declared_now<'v>(
    declared: &'v Value,
    live: &Value,
    pointer: &Pointer,
    change: ChangeKind,
) -> Option<(Pointer, &'v Value)> {
    let drift = FieldDrift {
        pointer: pointer.clone(),
        keyed: None,
        change,
        declared: None,
        live: None,
        attribution: Attribution::default(),
        co_owned: false,
    };
    let place = declared_pointer(declared, live, &drift);
    // The closest that is declared around it is not the field.
    let value = place.get(declared).filter(|_| place.segments().len() == pointer.segments().len())?;
    Some((place, value))
}

/// Whether a field that was told to differ still does, and nothing is said of it now: a rule or a policy says so, or the
/// API server itself makes it so.
pub fn is_let_be(path: &str, forms: &Forms<'_>, manager: &str, learned: &Learned, policies: &Policies) -> bool {
    let ignored = |drift: &FieldDrift| policies.of(drift, forms).policy == DriftPolicy::Ignore;
    let compared = compare(forms.declared, forms.live, &Compare { manager });
    let there = compared.drifts.iter().filter(|drift| drift.pointer.to_string() == path);
    there.into_iter().any(|drift| learned.is_injected(drift) || ignored(drift))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_field_is_found_where_its_list_has_another_order() {
        let object = |env: Value| json!({"apiVersion": "gitmoor.dev/v1alpha1", "kind": "MicroService", "spec": {"image": "a:2", "env": env}});
        let declared = object(json!([{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]));
        let live =
            object(json!([{"name": "B", "value": "9"}, {"name": "A", "value": "1"}, {"name": "C", "value": "3"}]));
        let check = |pointer: &str, change: ChangeKind, expected: Option<Value>| {
            let found = declared_now(&declared, &live, &Pointer::parse(pointer).unwrap(), change);
            assert_eq!(found.map(|(_, value)| value.clone()), expected, "{pointer}");
        };
        check("/spec/image", ChangeKind::Modified, Some(json!("a:2")));
        check("/spec/env/0/value", ChangeKind::Modified, Some(json!("2")));
        check("/spec/env/1/value", ChangeKind::Removed, Some(json!("2")));
        check("/spec/env/2", ChangeKind::Added, None);
        check("/spec/replicas", ChangeKind::Modified, None);
    }
}
