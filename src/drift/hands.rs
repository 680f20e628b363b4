//! Which user drifted a field, where the API server put a name to the changes of an object. A field manager is what a
//! client calls itself; a user is who it was. Several hands on one object are told apart by replaying their changes.

use serde_json::Value;

use super::{Compare, compare};
use crate::model::FieldDrift;

/// One change of an object by a user, as the watch delivered it.
#[derive(Debug, Clone, Copy)]
pub struct Hand<'a> {
    /// The object before it.
    pub before: &'a Value,
    /// The object after it.
    pub after: &'a Value,
    /// Who made it.
    pub user: &'a str,
}

/// Who drifted each of these fields: the user whose change brought it, if it is there ever since. `hands` are in their
/// order, and may have gaps: what came in a gap is nobody's that is known.
///
/// A change through a subresource, as a scale, is never stamped: what it changed has no user.
pub fn users(declared: &Value, manager: &str, drifts: &[FieldDrift], hands: &[Hand<'_>]) -> Vec<Option<String>> {
    if hands.is_empty() {
        return vec![None; drifts.len()];
    }
    let of = |live: &Value| compare(declared, live, &Compare { manager }).drifts;
    let seen: Vec<_> = hands.iter().map(|hand| (of(hand.before), of(hand.after), hand.user)).collect();
    let user = |drift: &FieldDrift| {
        let has = |drifts: &[FieldDrift]| drifts.iter().any(|one| is_same(one, drift));
        let last = seen.iter().rposition(|(before, after, _)| !has(before) && has(after))?;
        let stayed = seen[last + 1..].iter().all(|(before, after, _)| has(before) && has(after));
        let stamped = drift.attribution.subresource.is_none();
        (stayed && stamped).then(|| seen[last].2.to_owned())
    };
    drifts.iter().map(user).collect()
}

/// The same difference, whoever Kubernetes says wrote it, and wherever an item of a list stands.
fn is_same(one: &FieldDrift, other: &FieldDrift) -> bool {
    let place = one.keyed == other.keyed && (one.keyed.is_some() || one.pointer == other.pointer);
    place && (one.change, &one.declared, &one.live) == (other.change, &other.declared, &other.live)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::api::names::SYNC_MANAGER;

    /// A MicroService with a spec, of which `kubectl-edit` wrote what is not as declared.
    fn live(spec: Value) -> Value {
        let declared = declared();
        let names = ["image", "replicas", "command"].into_iter().filter(|name| spec.get(name).is_some());
        let (ours, theirs): (Vec<_>, Vec<_>) = names.partition(|name| spec[name] == declared["spec"][name]);
        let entry = |manager: &str, operation: &str, names: Vec<&str>| {
            let fields: Value = names.iter().map(|name| (format!("f:{name}"), json!({}))).collect();
            json!({"manager": manager, "operation": operation, "fieldsV1": {"f:spec": fields}})
        };
        let entries = [entry("kubectl-edit", "Update", theirs), entry(SYNC_MANAGER, "Apply", ours)];
        let metadata = json!({"name": "a", "managedFields": entries});
        json!({"apiVersion": "gitmoor.dev/v1alpha1", "kind": "MicroService", "metadata": metadata, "spec": spec})
    }

    fn declared() -> Value {
        let spec = json!({"image": "a:1", "replicas": 2, "command": ["a"]});
        json!({"apiVersion": "gitmoor.dev/v1alpha1", "kind": "MicroService", "metadata": {"name": "a"}, "spec": spec})
    }

    /// Versions of the spec, each with who made it of the one before; none where nobody was stamped.
    fn check(versions: &[(Option<&str>, Value)], expected: &[(&str, Option<&str>)]) {
        let versions: Vec<_> = versions.iter().map(|(user, spec)| (*user, live(spec.clone()))).collect();
        let hands: Vec<_> = versions
            .windows(2)
            .filter_map(|pair| Some(Hand { before: &pair[0].1, after: &pair[1].1, user: pair[1].0? }))
            .collect();
        let last = &versions.last().unwrap().1;
        let drifts = compare(&declared(), last, &Compare { manager: SYNC_MANAGER }).drifts;
        let users = users(&declared(), SYNC_MANAGER, &drifts, &hands);
        let found: Vec<_> =
            drifts.iter().zip(&users).map(|(drift, user)| (drift.pointer.to_string(), user.as_deref())).collect();
        let expected: Vec<_> = expected.iter().map(|(path, user)| ((*path).to_owned(), *user)).collect();
        assert_eq!(found, expected);
    }

    fn spec(image: &str, replicas: u32) -> Value {
        json!({"image": image, "replicas": replicas, "command": ["a"]})
    }

    #[test]
    fn one_hand_is_named_for_all_that_it_changed() {
        check(
            &[(None, spec("a:1", 2)), (Some("ann"), spec("a:7", 5))],
            &[("/spec/image", Some("ann")), ("/spec/replicas", Some("ann"))],
        );
    }

    #[test]
    fn several_hands_are_told_apart() {
        check(
            &[(None, spec("a:1", 2)), (Some("ann"), spec("a:7", 2)), (Some("ben"), spec("a:7", 5))],
            &[("/spec/image", Some("ann")), ("/spec/replicas", Some("ben"))],
        );
        // The one who wrote the value that is there, not the one who wrote another one before.
        check(
            &[(None, spec("a:1", 2)), (Some("ann"), spec("a:7", 2)), (Some("ben"), spec("a:8", 2))],
            &[("/spec/image", Some("ben"))],
        );
    }

    #[test]
    fn whoever_wrote_before_or_between_is_not_named() {
        let image = [("/spec/image", None)];
        check(&[(None, spec("a:1", 2)), (None, spec("a:7", 2)), (Some("ann"), spec("a:7", 2))], &image);
        check(
            &[(None, spec("a:1", 2)), (None, spec("a:7", 2)), (Some("ann"), spec("a:7", 5))],
            &[("/spec/image", None), ("/spec/replicas", Some("ann"))],
        );
        check(
            &[
                (None, spec("a:1", 2)),
                (Some("ann"), spec("a:7", 2)),
                (None, spec("a:1", 2)),
                (Some("ben"), spec("a:1", 5)),
                (None, spec("a:7", 5)),
            ],
            &[("/spec/image", None), ("/spec/replicas", Some("ben"))],
        );
    }

    #[test]
    fn what_was_removed_has_a_hand_too() {
        let without = json!({"image": "a:1", "replicas": 2});
        check(&[(None, spec("a:1", 2)), (Some("ann"), without)], &[("/spec/command", Some("ann"))]);
    }

    #[test]
    fn a_scale_is_never_the_hand_of_the_last_stamp() {
        let before = live(spec("a:1", 2));
        let mut after = live(spec("a:1", 5));
        after["metadata"]["managedFields"][0]["subresource"] = json!("scale");
        let drifts = compare(&declared(), &after, &Compare { manager: SYNC_MANAGER }).drifts;
        let hands = [Hand { before: &before, after: &after, user: "ann" }];
        assert_eq!(users(&declared(), SYNC_MANAGER, &drifts, &hands), [None]);
        assert_eq!(users(&declared(), SYNC_MANAGER, &drifts, &[]), [None]);
    }
}
