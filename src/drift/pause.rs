//! Pauses of corrections: reads what a person asked for on a live object, and says whether it holds.
//!
//! Only a time to come, and one that is not too far, is a pause: one that nobody ends would be a policy that nobody
//! declared. It never reads a clock.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::api::condition::PAUSED;
use crate::api::gitsync::DriftPolicy;
use crate::api::names::{PAUSE_REASON, PAUSE_UNTIL, PAUSED_BY};
use crate::model::pause::{Asked, Pause, PauseMarks, REFUSED};

/// The longest pause.
pub const LONGEST: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Clocks of people's machines go wrong by as much.
const SKEW: SignedDuration = SignedDuration::from_mins(5);
/// Characters that are kept of what somebody wrote.
const UNTIL: usize = 64;
const REASON: usize = 1024;
const WHO: usize = 253;

/// What the annotations of a live object ask for; `None` where they do not speak of a pause.
pub fn marks(live: &Value) -> Option<PauseMarks> {
    let annotation = |key: &str| live["metadata"]["annotations"][key].as_str();
    let until = bounded(annotation(PAUSE_UNTIL)?, UNTIL);
    let setter = manager_of(live, PAUSE_UNTIL);
    // Who paused before says nothing of one that somebody else has asked for since.
    let same_hand = setter.is_none() || setter == manager_of(live, PAUSED_BY);
    let by = annotation(PAUSED_BY).filter(|_| same_hand).or(setter);
    Some(PauseMarks {
        refused: is_refused(live, &until),
        reason: annotation(PAUSE_REASON).map(str::trim).filter(|why| !why.is_empty()).map(|why| bounded(why, REASON)),
        by: by.map(|who| bounded(who, WHO)),
        until,
    })
}

/// What is made of it at that time.
pub fn asked(marks: &PauseMarks, now: Timestamp) -> Asked {
    let Ok(until) = marks.until.trim().parse::<Timestamp>() else {
        return Asked::Refused(format!(
            "{PAUSE_UNTIL} is {:?}, which is no time such as 2026-03-01T12:00:00Z; corrections go on",
            marks.until
        ));
    };
    // Status has whole seconds.
    let until = Timestamp::from_second(until.as_second()).unwrap_or(until);
    let left = until.duration_since(now);
    if left > LONGEST + SKEW || (marks.refused && left.is_positive()) {
        let days = LONGEST.as_hours() / 24;
        return Asked::Refused(format!(
            "{PAUSE_UNTIL} is {:?}, more than {days} days ahead of when it was set; corrections go on",
            marks.until
        ));
    }
    let pause = Pause { until, reason: marks.reason.clone(), by: marks.by.clone() };
    if left.is_positive() { Asked::Holds(pause) } else { Asked::Over(pause) }
}

/// The pause that holds for an object by its own annotations or by those of its GitSync: the one that ends later.
pub fn holding<'a>(marks: impl IntoIterator<Item = Option<&'a PauseMarks>>, now: Timestamp) -> Option<Pause> {
    let holding = marks.into_iter().flatten().filter_map(|marks| asked(marks, now).holding());
    holding.max_by_key(|pause| pause.until)
}

/// The policy while a pause holds: what would be put back is only reported. What is ignored stays so.
pub fn policy(policy: DriftPolicy, paused: bool) -> DriftPolicy {
    match policy {
        DriftPolicy::Correct if paused => DriftPolicy::Report,
        policy => policy,
    }
}

/// Whether status says of just this time that it is no pause.
fn is_refused(live: &Value, until: &str) -> bool {
    let conditions = live["status"]["conditions"].as_array();
    conditions.is_some_and(|all| {
        all.iter().any(|one| {
            one["type"] == PAUSED
                && one["reason"] == REFUSED
                && one["message"].as_str().is_some_and(|said| said.contains(&format!("{until:?}")))
        })
    })
}

/// The field manager that set an annotation; the latest of several.
fn manager_of<'a>(live: &'a Value, annotation: &str) -> Option<&'a str> {
    let entries = live["metadata"]["managedFields"].as_array()?;
    let field = format!("f:{annotation}");
    let owners = entries.iter().filter(|entry| entry["fieldsV1"]["f:metadata"]["f:annotations"].get(&field).is_some());
    owners.max_by_key(|entry| entry["time"].as_str())?["manager"].as_str()
}

fn bounded(text: &str, characters: usize) -> String {
    text.chars().take(characters).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NOW: &str = "2026-03-01T12:00:00Z";

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn live(until: &str) -> Value {
        json!({"metadata": {"annotations": {PAUSE_UNTIL: until, PAUSE_REASON: " incident 12 ", PAUSED_BY: "ann"}}})
    }

    #[test]
    fn only_a_time_to_come_that_is_not_too_far_is_a_pause() {
        #[track_caller]
        fn check(until: &str, expected: Result<bool, &str>) {
            let asked = asked(&marks(&live(until)).unwrap(), at(NOW));
            match (&asked, expected) {
                (Asked::Holds(_), Ok(true)) | (Asked::Over(_), Ok(false)) => {}
                (Asked::Refused(said), Err(words)) if said.contains(words) && said.contains(PAUSE_UNTIL) => {}
                _ => panic!("{until}: {asked:?}"),
            }
        }
        check("2026-03-01T12:00:01Z", Ok(true));
        check("2026-03-01T14:00:00+01:00", Ok(true));
        check("2026-03-08T12:00:00Z", Ok(true));
        // A clock that is ahead by a little.
        check("2026-03-08T12:05:00Z", Ok(true));
        check("2026-03-08T12:06:00Z", Err("more than 7 days"));
        check("9999-01-01T00:00:00Z", Err("more than 7 days"));
        check(NOW, Ok(false));
        // What is less than a second is not in status.
        check("2026-03-01T12:00:00.9Z", Ok(false));
        check("2026-03-01T13:00:00+01:00", Ok(false));
        check("1970-01-01T00:00:00Z", Ok(false));
        for bad in ["", "2h", "tomorrow", "2026-03-01", "2026-13-01T00:00:00Z", "2026-03-01T12:00:00", &"9".repeat(999)]
        {
            check(bad, Err("no time"));
        }
    }

    #[test]
    fn nothing_is_asked_for_without_a_time() {
        assert_eq!(marks(&json!({})), None);
        let annotations = json!({PAUSE_REASON: "lunch", PAUSED_BY: "ann"});
        assert_eq!(marks(&json!({"metadata": {"annotations": annotations}})), None);
    }

    #[test]
    fn what_was_too_far_is_no_pause_when_its_time_comes_near() {
        let mut live = live("2026-06-01T00:00:00Z");
        let Asked::Refused(said) = asked(&marks(&live).unwrap(), at(NOW)) else { panic!("it is too far") };
        live["status"] =
            json!({"conditions": [{"type": "Paused", "status": "False", "reason": REFUSED, "message": said}]});
        let near = at("2026-05-31T00:00:00Z");
        assert!(matches!(asked(&marks(&live).unwrap(), near), Asked::Refused(_)));
        // Another time is another question.
        live["metadata"]["annotations"][PAUSE_UNTIL] = json!("2026-05-31T02:00:00Z");
        assert!(matches!(asked(&marks(&live).unwrap(), near), Asked::Holds(_)));
    }

    #[test]
    fn who_it_was_is_told_by_the_hand_that_set_the_time() {
        let entry = |manager: &str, time: &str, keys: &[&str]| {
            let fields: serde_json::Map<_, _> = keys.iter().map(|key| (format!("f:{key}"), json!({}))).collect();
            json!({"manager": manager, "time": time, "fieldsV1": {"f:metadata": {"f:annotations": fields}}})
        };
        let check = |entries: &[Value], by: Option<&str>, expected: Option<&str>| {
            let mut live = live("2026-03-01T13:00:00Z");
            live["metadata"]["managedFields"] = json!(entries);
            live["metadata"]["annotations"][PAUSED_BY] = json!(by);
            assert_eq!(marks(&live).unwrap().by.as_deref(), expected, "{entries:?}");
        };
        let both = entry("gitmoor-cli", "2026-03-01T11:00:00Z", &[PAUSE_UNTIL, PAUSED_BY]);
        check(&[both], Some("ann"), Some("ann"));
        let who = entry("gitmoor-cli", "2026-03-01T11:00:00Z", &[PAUSED_BY]);
        let later = entry("kubectl-edit", "2026-03-01T11:30:00Z", &[PAUSE_UNTIL]);
        check(&[who, later.clone()], Some("ann"), Some("kubectl-edit"));
        check(&[later], None, Some("kubectl-edit"));
        check(&[], Some("ann"), Some("ann"));
        check(&[], None, None);
    }

    #[test]
    fn the_pause_that_ends_later_counts_and_what_is_none_does_not() {
        let marks = |until: &str| marks(&live(until)).unwrap();
        let (short, long) = (marks("2026-03-01T13:00:00Z"), marks("2026-03-01T14:00:00Z"));
        let (over, far) = (marks("2026-03-01T11:00:00Z"), marks("2027-01-01T00:00:00Z"));
        let check = |all: [Option<&PauseMarks>; 2], expected: Option<&str>| {
            assert_eq!(holding(all, at(NOW)).map(|pause| pause.until), expected.map(at));
        };
        check([Some(&short), Some(&long)], Some("2026-03-01T14:00:00Z"));
        check([Some(&long), Some(&short)], Some("2026-03-01T14:00:00Z"));
        check([Some(&far), Some(&short)], Some("2026-03-01T13:00:00Z"));
        check([None, Some(&over)], None);
        check([None, None], None);
        let pause = holding([Some(&short), None], at(NOW)).unwrap();
        assert_eq!((pause.reason.as_deref(), pause.by.as_deref()), (Some("incident 12"), Some("ann")));
    }

    #[test]
    fn a_pause_turns_corrections_into_reports_and_nothing_else() {
        for one in DriftPolicy::ALL {
            assert_eq!(policy(one, false), one);
            let paused = if one == DriftPolicy::Correct { DriftPolicy::Report } else { one };
            assert_eq!(policy(one, true), paused);
        }
    }
}
