//! The changes to which the API server put a user's name, between one look at an object and the next. A stamp counts only
//! in the event that brought it, and only while the admission policy that makes stamps is installed: before, anybody could
//! write one.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::bounded::Bounded;
use super::lock;
use crate::api::names::{CHANGED_BY, CHANGED_FROM};
use crate::drift::{Hand, users};
use crate::model::{FieldDrift, LiveObject, ObjectKey};

/// Objects whose changes are kept until they are looked at.
const OBJECTS: usize = 2_048;
/// Changes of one object.
const CHANGES: usize = 8;
/// Characters of a name.
const NAME: usize = 253;

/// Who changed what since it was last looked at.
pub struct Hands {
    trusted: AtomicBool,
    seen: Mutex<Bounded<(&'static str, ObjectKey), Vec<Change>>>,
}

struct Change {
    before: LiveObject,
    after: LiveObject,
    user: Arc<str>,
}

impl Default for Hands {
    fn default() -> Self {
        Self { trusted: AtomicBool::new(false), seen: Mutex::new(Bounded::new(OBJECTS, usize::MAX)) }
    }
}

impl Hands {
    /// Whether stamps are made by the API server alone.
    pub fn trust(&self, trusted: bool) {
        self.trusted.store(trusted, Ordering::Relaxed);
    }

    /// An object changed. What nobody stamped costs a look for the stamp's name, and nothing where stamps are not trusted.
    pub fn saw(&self, kind: &'static str, before: Option<&LiveObject>, after: Option<&LiveObject>) {
        if !self.trusted.load(Ordering::Relaxed) {
            return;
        }
        let (Some(before), Some(after)) = (before, after) else { return };
        let Some(user) = stamp(before, after) else { return };
        let change = Change { before: before.clone(), after: after.clone(), user };
        let mut seen = lock(&self.seen);
        let key = (kind, after.key.clone());
        match seen.get_mut(&key) {
            Some(changes) => {
                if changes.len() >= CHANGES {
                    changes.remove(0);
                }
                changes.push(change);
            }
            None => seen.put(key, vec![change], 1),
        }
    }

    /// Who drifted each of these fields of a live object. Its changes are told once: what was drifted by them is known from
    /// then on.
    pub fn users(
        &self,
        object: (&'static str, &ObjectKey),
        declared: &Value,
        live: &Value,
        manager: &str,
        drifts: &[FieldDrift],
    ) -> Vec<Option<String>> {
        let key = (object.0, object.1.clone());
        let version = live["metadata"]["resourceVersion"].as_str().and_then(|version| version.parse().ok());
        let version: u64 = version.unwrap_or_default();
        let changes = {
            let mut seen = lock(&self.seen);
            let Some(changes) = seen.remove(&key) else { return vec![None; drifts.len()] };
            let (now, later): (Vec<_>, Vec<_>) =
                changes.into_iter().partition(|change| change.after.resource_version <= version);
            if !later.is_empty() {
                seen.put(key, later, 1);
            }
            now
        };
        if drifts.is_empty() {
            return Vec::new();
        }
        let values: Vec<_> = changes.iter().map(|change| (change.before.value(), change.after.value())).collect();
        let hands = values.iter().zip(&changes);
        let hands: Vec<_> = hands.map(|((before, after), change)| Hand { before, after, user: &change.user }).collect();
        users(declared, manager, drifts, &hands)
    }
}

/// The user of a change, where it was stamped.
fn stamp(before: &LiveObject, after: &LiveObject) -> Option<Arc<str>> {
    if before.uid != after.uid || !after.json().contains(CHANGED_FROM) {
        return None;
    }
    let value = after.value();
    let annotations = &value["metadata"]["annotations"];
    let from: u64 = annotations[CHANGED_FROM].as_str()?.parse().ok()?;
    let user = annotations[CHANGED_BY].as_str().filter(|user| !user.is_empty())?;
    let user: String = user.chars().filter(|letter| !letter.is_control()).take(NAME).collect();
    (from == before.resource_version).then(|| user.into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::api::names::SYNC_MANAGER;
    use crate::drift::{Compare, compare};

    const KIND: &str = "MicroService";

    fn object(version: u64, image: &str, stamp: Option<(&str, u64)>) -> LiveObject {
        object_of("u", version, image, stamp)
    }

    fn object_of(uid: &str, version: u64, image: &str, stamp: Option<(&str, u64)>) -> LiveObject {
        let (manager, operation) = if image == "a:1" { (SYNC_MANAGER, "Apply") } else { ("kubectl-edit", "Update") };
        let annotations = stamp.map(|(user, from)| json!({CHANGED_BY: user, CHANGED_FROM: from.to_string()}));
        LiveObject::from_json(json!({
            "apiVersion": "gitmoor.dev/v1alpha1", "kind": KIND, "spec": {"image": image},
            "metadata": {
                "namespace": "shop", "name": "a", "uid": uid, "resourceVersion": version.to_string(), "annotations": annotations,
                "managedFields": [{"manager": manager, "operation": operation, "fieldsV1": {"f:spec": {"f:image": {}}}}]
            }
        }))
        .unwrap()
    }

    fn look(hands: &Hands, live: &LiveObject) -> Vec<Option<String>> {
        let declared =
            json!({"apiVersion": "gitmoor.dev/v1alpha1", "kind": KIND, "metadata": {}, "spec": {"image": "a:1"}});
        let value = live.value();
        let drifts = compare(&declared, &value, &Compare { manager: SYNC_MANAGER }).drifts;
        hands.users((KIND, &live.key), &declared, &value, SYNC_MANAGER, &drifts)
    }

    #[test]
    fn a_stamp_is_believed_once_and_only_of_the_change_that_it_was_made_for() {
        let trusted = Hands::default();
        trusted.trust(true);
        let check = |hands: &Hands, before: &LiveObject, after: &LiveObject, expected: Option<&str>| {
            hands.saw(KIND, Some(before), Some(after));
            assert_eq!(look(hands, after), [expected.map(str::to_owned)]);
            assert_eq!(look(hands, after), [None], "told once");
        };
        let clean = object(10, "a:1", None);
        let edited = object(11, "a:7", Some(("ann", 10)));
        check(&trusted, &clean, &edited, Some("ann"));
        check(&Hands::default(), &clean, &edited, None);
        check(&trusted, &clean, &object(12, "a:7", Some(("ann", 9))), None);
        check(&trusted, &clean, &object(12, "a:7", None), None);
        check(&trusted, &clean, &object(12, "a:7", Some(("", 10))), None);
        check(&trusted, &object_of("other", 10, "a:1", None), &edited, None);
    }

    #[test]
    fn what_was_not_seen_yet_is_kept_for_the_next_look() {
        let hands = Hands::default();
        hands.trust(true);
        let (clean, edited) = (object(10, "a:1", None), object(11, "a:7", Some(("ann", 10))));
        hands.saw(KIND, Some(&clean), Some(&edited));
        assert_eq!(look(&hands, &clean), Vec::new());
        assert_eq!(look(&hands, &edited), [Some("ann".to_owned())]);
        hands.saw(KIND, None, Some(&edited));
        hands.saw(KIND, Some(&edited), None);
        assert_eq!(look(&hands, &edited), [None]);
    }

    #[test]
    fn a_flood_of_changes_keeps_the_last_ones() {
        let hands = Hands::default();
        hands.trust(true);
        let version = |at: u64| object(10 + at, &format!("a:{}", at + 1), (at > 0).then_some(("ann", 9 + at)));
        (1..=100).for_each(|at| hands.saw(KIND, Some(&version(at - 1)), Some(&version(at))));
        assert_eq!(lock(&hands.seen).get(&(KIND, ObjectKey::new("shop", "a"))).map(Vec::len), Some(CHANGES));
        assert_eq!(look(&hands, &version(100)), [Some("ann".to_owned())]);
    }
}
