//! Failures of single objects, and when each is tried again.

use std::collections::HashSet;
use std::time::Duration;

use tokio::time::Instant;

use super::State;
use crate::model::Target;

/// Pauses after failures of one object.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
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
            failure.again = Instant::now() + LONGEST_PAUSE;
        }
    }

    /// When the next try is due.
    pub fn next_try(&self) -> Option<Instant> {
        self.failures.values().map(|failure| failure.again).min()
    }
}

/// Doubles with each failure, less up to half by chance; a lost race is tried again at once.
pub(super) fn pause(times: u32, race: bool) -> Duration {
    if race && times <= 3 {
        return RACE;
    }
    let full = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(times.saturating_sub(1).min(20))).min(LONGEST_PAUSE);
    full.mul_f64(0.5 + fastrand::f64() / 2.0)
}
