//! Pauses in words and in status: the condition Paused, and the record of who paused, why, and what differed meanwhile.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use super::drift::{LISTED, same_place};
use super::shorten;
use crate::api::condition::{self, Finding, PAUSED, truncate_to_seconds};
use crate::api::drift::{FightStatus, PauseStatus};
use crate::api::names::PAUSE_UNTIL;
use crate::api::status::{DriftStatus, DriftedField};
use crate::model::pause::{Asked, Pause, REFUSED};

/// Reason of the condition while corrections are paused.
pub const HOLDS: &str = "Paused";
/// Reason of the condition after that.
pub const ENDED: &str = "PauseEnded";
/// Bytes of a reason in a sentence.
const REASON: usize = 256;

/// The record that follows. `drifts` are the fields that differ now, and `before` those that status said to differ.
pub fn record(
    previous: Option<&PauseStatus>,
    holds: Option<&Pause>,
    drifts: &[DriftedField],
    before: &[DriftedField],
    now: jiff::Timestamp,
) -> Option<PauseStatus> {
    let now = Time(truncate_to_seconds(now));
    let Some(pause) = holds else {
        let mut record = previous?.clone();
        // One that was taken back has ended before its time.
        record.until = record.until.min(now);
        return Some(record);
    };
    // What was paused before it ended is the same pause, however it was changed since.
    let goes_on = previous.filter(|previous| previous.until > now);
    let mut record = goes_on.cloned().unwrap_or(PauseStatus {
        since: now,
        until: Time(pause.until),
        reason: None,
        by: None,
        drifted: 0,
        fields: Vec::new(),
    });
    record.until = Time(pause.until);
    (record.reason, record.by) = (pause.reason.clone(), pause.by.clone());
    for field in drifts {
        let is_same = |known: &&DriftedField| same_place(known, field);
        let Some(known) = record.fields.iter_mut().find(|known| same_place(known, field)) else {
            // Beyond what is listed, what differed a moment ago was counted then.
            let counted = record.fields.len() >= LISTED && before.iter().any(|known| is_same(&known));
            record.drifted = record.drifted.saturating_add(u32::from(!counted));
            if record.fields.len() < LISTED {
                record.fields.push(field.clone());
            }
            continue;
        };
        known.clone_from(field);
    }
    record.drifted = record.drifted.max(u32::try_from(drifts.len()).unwrap_or(u32::MAX));
    Some(record)
}

/// The drift of one level with its fight and with the record of its pause.
pub fn with_record(
    drift: Option<DriftStatus>,
    previous: Option<&DriftStatus>,
    (fight, holds): (Option<FightStatus>, Option<&Pause>),
    drifts: &[DriftedField],
    now: jiff::Timestamp,
) -> Option<DriftStatus> {
    let before = previous.filter(|previous| previous.count > 0).map_or(&[][..], |previous| &previous.fields);
    let pause = record(previous.and_then(|previous| previous.pause.as_ref()), holds, drifts, before, now);
    if drift.is_none() && fight.is_none() && pause.is_none() {
        return None;
    }
    Some(DriftStatus { fight, pause, ..drift.unwrap_or_default() })
}

/// The pause that is recorded with the drift of an object that did not ask for it itself: where something differs, and
/// from then on.
pub fn relevant<'a>(
    holds: Option<&'a Pause>,
    previous: Option<&DriftStatus>,
    drifts: &[DriftedField],
    now: jiff::Timestamp,
) -> Option<&'a Pause> {
    let recorded = previous.and_then(|drift| drift.pause.as_ref()).is_some_and(|pause| pause.until.0 > now);
    holds.filter(|_| recorded || !drifts.is_empty())
}

/// What the condition Paused says; nothing where nobody ever asked.
pub fn finding(asked: Option<&Asked>, record: Option<&PauseStatus>) -> Option<Finding> {
    let seen = |pause: &Pause| record.is_some_and(|record| record.until.0 >= pause.until);
    Some(match (asked, record) {
        (Some(Asked::Holds(pause)), _) => Finding::new(PAUSED, true, HOLDS, sentence(pause)),
        (Some(Asked::Refused(why)), _) => Finding::new(PAUSED, false, REFUSED, why.as_str()),
        (Some(Asked::Over(pause)), _) if !seen(pause) => {
            let why = format!(
                "{PAUSE_UNTIL} is {:?}, which was over already when it was seen; corrections go on",
                pause.until.to_string()
            );
            Finding::new(PAUSED, false, REFUSED, why)
        }
        (_, Some(record)) => Finding::new(PAUSED, false, ENDED, ended(record)),
        (_, None) => return None,
    })
}

/// What is paused until when, by whom and why.
pub fn sentence(pause: &Pause) -> String {
    let by = pause.by.as_deref().unwrap_or("unknown");
    let why = pause.reason.as_deref().map(|why| format!(": {}", shorten(why, REASON))).unwrap_or_default();
    format!("corrections are paused until {} by {by}{why}", pause.until)
}

/// What is added to a sentence about drift that is not put back for a pause.
pub fn meanwhile(until: jiff::Timestamp) -> String {
    format!("; corrections are paused until {until}")
}

fn ended(record: &PauseStatus) -> String {
    let by = record.by.as_deref().unwrap_or("unknown");
    let why = record.reason.as_deref().map(|why| format!(" ({})", shorten(why, REASON))).unwrap_or_default();
    let fields = match record.drifted {
        0 => "nothing differed meanwhile".to_owned(),
        1 => "1 field differed meanwhile".to_owned(),
        count => format!("{count} fields differed meanwhile"),
    };
    format!("corrections were paused by {by}{why} from {} until {}; {fields}", record.since.0, record.until.0)
}

/// What a change of the condition is worth telling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// A pause began.
    Began,
    /// It is another than before: longer, shorter, or for another reason.
    Changed,
    /// It ended.
    Ended,
    /// What was asked for is no pause.
    Refused,
}

/// What is to be told of a change from one set of conditions to the next; nothing where the same was told before.
pub fn news<'a>(before: &[Condition], after: &'a [Condition]) -> Option<(Told, &'a Condition)> {
    let after = condition::find(after, PAUSED)?;
    let before = condition::find(before, PAUSED);
    let same = before.is_some_and(|before| before.reason == after.reason && before.message == after.message);
    if same {
        return None;
    }
    let held = before.is_some_and(|before| before.reason == HOLDS);
    match after.reason.as_str() {
        HOLDS if held => Some((Told::Changed, after)),
        HOLDS => Some((Told::Began, after)),
        REFUSED => Some((Told::Refused, after)),
        _ if held => Some((Told::Ended, after)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
