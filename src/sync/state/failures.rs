//! Failures of single objects, and when each is tried again.

use std::collections::HashSet;
use std::time::Duration;

use tokio::time::Instant;

use super::State;
use crate::model::{Backoff, Target};

/// Pauses after failures of one object.
const PAUSES: Backoff = Backoff { first: Duration::from_millis(500), longest: Duration::from_secs(300) };
/// After a lost race: the watch has the newer object in a moment.
const RACE: Duration = Duration::from_millis(50);

/// How often an object failed, and when it is tried again.
pub(super) struct Failure {
    pub(super) times: u32,
    pub(super) again: Instant,
}

impl State {
    /// Forgets that an object failed: there is nothing to be done about it any more.
    pub fn forget_failure(&mut self, key: &Target) {
        self.failures.remove(key);
        self.failed.remove(key);
    }

    /// Whether the next try of an object is not due yet. `due` are those whose time has just come.
    pub fn is_put_off(&self, key: &Target, due: &HashSet<Target>) -> bool {
        let later = self.failures.get(key).is_some_and(|failure| failure.again > Instant::now());
        later && !due.contains(key)
    }

    /// Objects whose next try is due.
    pub fn due(&self, now: Instant) -> Vec<Target> {
        self.failures.iter().filter(|(_, failure)| failure.again <= now).map(|(key, _)| key.clone()).collect()
    }

    /// Puts off the next try of an object that is being looked at now.
    pub fn trying(&mut self, key: &Target) {
        if let Some(failure) = self.failures.get_mut(key) {
            failure.again = Instant::now() + PAUSES.longest;
        }
    }

    /// When the next try is due.
    pub fn next_try(&self) -> Option<Instant> {
        self.failures.values().map(|failure| failure.again).min()
    }
}

/// Longer with each failure; a lost race is tried again at once.
pub(super) fn pause(times: u32, race: bool) -> Duration {
    if race && times <= 3 {
        return RACE;
    }
    PAUSES.pause(times, fastrand::f64())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use super::*;
    use crate::api::{GitSync, GitSyncStatus};
    use crate::model::{ObjectKey, Outcome, OutcomeKind};
    use crate::sync::settings::Settings;
    use crate::sync::work::{Item, Task};

    fn state() -> State {
        let gitsync = serde_json::json!({
            "apiVersion": "gitmoor.dev/v1alpha1", "kind": "GitSync", "metadata": {"namespace": "shop", "name": "main"},
            "spec": {"url": "https://git.example.com/a.git"}
        });
        let gitsync: GitSync = serde_json::from_value(gitsync).unwrap();
        State::new(Arc::new(Settings::of(&gitsync, "gitmoor-system")), &GitSyncStatus::default())
    }

    fn item(name: &str) -> Item {
        Item { key: Target::service(ObjectKey::new("shop", name)), task: Task::Update { uid: "u".into() } }
    }

    /// An object fails for that reason, so often.
    fn fails(state: &mut State, name: &str, reason: &str, times: usize) {
        for _ in 0..times {
            let kind = OutcomeKind::Failed { reason: reason.into(), message: "the words".into() };
            let item = item(name);
            let outcome = Outcome { key: item.key.clone(), kind };
            state.done(&item, &outcome.kind);
        }
    }

    fn problems(state: &State) -> BTreeMap<String, String> {
        state.failed.iter().map(|(key, problem)| (key.to_string(), problem.reason.clone())).collect()
    }

    /// How long the next try of an object is away.
    fn away(state: &State, name: &str) -> Duration {
        state.failures[&item(name).key].again.saturating_duration_since(Instant::now())
    }

    #[test]
    fn pauses_grow_to_five_minutes_and_vary_by_chance() {
        let check = |times: u32, race: bool, least: u64, most: u64| {
            let (least, most) = (Duration::from_millis(least), Duration::from_millis(most));
            let found = pause(times, race);
            assert!((least..=most).contains(&found), "{times} {race}: {found:?}");
        };
        for (times, full) in
            [(1, 500), (2, 1_000), (3, 2_000), (5, 8_000), (10, 256_000), (11, 300_000), (4_000, 300_000)]
        {
            check(times, false, full / 2, full);
        }
        // A race is lost three times at no cost; then it is a failure like any other.
        (1..=3).for_each(|times| check(times, true, 50, 50));
        check(4, true, 2_000, 4_000);
        check(11, true, 150_000, 300_000);
    }

    #[test]
    fn who_loses_each_race_is_told_and_put_off_alone() {
        let mut state = state();
        fails(&mut state, "a", "Conflict", 3);
        assert_eq!(problems(&state), BTreeMap::new(), "a race or two are nobody's problem");
        assert!(away(&state, "a") <= RACE);
        fails(&mut state, "a", "Conflict", 1);
        assert_eq!(problems(&state), [("shop/a".to_owned(), "Conflict".to_owned())].into());
        let first = away(&state, "a");
        assert!(first > Duration::from_secs(1), "{first:?}");
        fails(&mut state, "a", "Conflict", 4);
        assert!(away(&state, "a") > first * 4, "{:?} after {first:?}", away(&state, "a"));
        // Another one is neither told of nor put off.
        let none = HashSet::new();
        assert!(state.is_put_off(&item("a").key, &none) && !state.is_put_off(&item("b").key, &none));
        fails(&mut state, "b", "Conflict", 1);
        assert!(away(&state, "b") <= RACE && !problems(&state).contains_key("shop/b"));
        // Once it is applied, nothing of it is left.
        state.done(&item("a"), &OutcomeKind::Updated);
        assert_eq!((problems(&state), state.failures.contains_key(&item("a").key)), (BTreeMap::new(), false));
    }
}
