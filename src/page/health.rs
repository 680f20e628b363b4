//! How an object is, in one word out of six.

use std::fmt;

use serde::Serialize;

use crate::api::GitSync;
use crate::api::condition::{self, RECONCILING, STALLED};
use crate::report::turns::{Tone, tone};
use crate::view::Verdict;

/// How an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Health {
    /// As it was asked to be.
    Ready,
    /// On its way there.
    Progressing,
    /// Somebody should look.
    NotReady,
    /// Somebody wants that nothing is written for it.
    Suspended,
    /// It is being deleted.
    Terminating,
    /// Not observed.
    Unknown,
}

impl Health {
    /// Every word.
    pub const ALL: [Self; 6] =
        [Self::Ready, Self::Progressing, Self::NotReady, Self::Suspended, Self::Terminating, Self::Unknown];

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "Ready",
            Self::Progressing => "Progressing",
            Self::NotReady => "NotReady",
            Self::Suspended => "Suspended",
            Self::Terminating => "Terminating",
            Self::Unknown => "Unknown",
        }
    }

    /// Reads what is written.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }

    /// Of a MicroService.
    pub fn of_service(verdict: &Verdict, suspended: bool) -> Self {
        Self::of(verdict, suspended, tone(&verdict.ready, &verdict.reason) == Tone::UnderWay)
    }

    /// Of a GitSync: one that works on it says so, and one that waits for a person is not on its way.
    pub fn of_sync(verdict: &Verdict, gitsync: &GitSync) -> Self {
        let conditions = gitsync.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
        let works = condition::is_true(conditions, RECONCILING) && !condition::is_true(conditions, STALLED);
        Self::of(verdict, gitsync.spec.suspended(), works)
    }

    fn of(verdict: &Verdict, suspended: bool, under_way: bool) -> Self {
        match verdict.ready.as_str() {
            "False" if verdict.reason == "Terminating" => Self::Terminating,
            _ if suspended => Self::Suspended,
            "True" => Self::Ready,
            "False" if under_way => Self::Progressing,
            "False" => Self::NotReady,
            _ => Self::Unknown,
        }
    }
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn one_word_says_how_it_is() {
        let check = |ready: &str, reason: &str, suspended: bool, expected: Health| {
            let verdict = Verdict { ready: ready.into(), reason: reason.into(), message: String::new() };
            assert_eq!(Health::of_service(&verdict, suspended), expected, "{ready} {reason}");
            assert_eq!(Health::parse(expected.as_str()), Some(expected));
        };
        check("True", "Ready", false, Health::Ready);
        check("False", "ReplicasUpdating", false, Health::Progressing);
        check("False", "CrashLoopBackOff", false, Health::NotReady);
        check("Unknown", "NotObserved", false, Health::Unknown);
        check("False", "Terminating", true, Health::Terminating);
        check("True", "Ready", true, Health::Suspended);
        assert_eq!(Health::parse("ready"), None);
    }

    #[test]
    fn a_gitsync_that_waits_for_a_person_is_not_on_its_way() {
        let check = |conditions: &[&str], expected: Health| {
            let conditions: Vec<_> = conditions
                .iter()
                .map(|kind| {
                    let status = if *kind == "Ready" { "False" } else { "True" };
                    json!({
                        "type": kind, "status": status, "reason": "R", "message": "m",
                        "lastTransitionTime": "2026-01-02T00:00:00Z"
                    })
                })
                .collect();
            let gitsync: GitSync = serde_json::from_value(json!({
                "metadata": {"name": "a"}, "spec": {"url": "https://example.com"}, "status": {"conditions": conditions}
            }))
            .unwrap();
            assert_eq!(Health::of_sync(&Verdict::of_sync(&gitsync), &gitsync), expected, "{conditions:?}");
        };
        check(&["Ready", "Reconciling"], Health::Progressing);
        check(&["Ready", "Reconciling", "Stalled"], Health::NotReady);
        check(&["Ready"], Health::NotReady);
        check(&[], Health::Unknown);
    }
}
