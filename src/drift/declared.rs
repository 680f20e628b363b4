//! What is declared now where a drift was found earlier.

use serde_json::Value;

use super::declared_pointer;
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
