//! Episodes: one drift of one field of one object, from its begin to its end. The same for both levels.
//!
//! Between two looks it says what began, what changed (another value, or another hand) and what ended, and how. What is
//! told of them, each of these once, follows from it. Nothing is concluded from what was not looked at.

use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde_json::Value;

use super::drift::{Subject, difference, hand, same, same_place, sentence, shown, text};
use super::shorten;
use crate::api::condition::truncate_to_seconds;
use crate::api::drift::{DriftEpisode, Ended};
use crate::api::gitsync::DriftPolicy;
use crate::api::names::{CONTROLLER_MANAGER, SYNC_MANAGER};
use crate::api::status::DriftedField;
use crate::model::ChangeKind;
use crate::model::pointer::Pointer;

/// What became of drift between two looks.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Turn {
    /// What stands, with what was known of it before.
    pub standing: Vec<DriftedField>,
    /// What was not there before.
    pub began: Vec<DriftedField>,
    /// What is another value, or by another hand, than before.
    pub changed: Vec<Changed>,
    /// What is over.
    pub ended: Vec<DriftEpisode>,
}

/// One drift that became another one.
#[derive(Debug, Clone, PartialEq)]
pub struct Changed {
    /// As it was.
    pub before: DriftedField,
    /// As it is.
    pub now: DriftedField,
}

/// Compares what stood with what is seen. `why` says how one ended that is not seen any more; none where nobody looked:
/// then it stands.
pub fn turn(
    before: &[DriftedField],
    seen: Vec<DriftedField>,
    now: jiff::Timestamp,
    why: impl Fn(&DriftedField) -> Option<Ended>,
) -> Turn {
    let mut turn = Turn::default();
    let mut left: Vec<Option<&DriftedField>> = before.iter().map(Some).collect();
    let mut found: Vec<Option<&DriftedField>> = vec![None; seen.len()];
    // What is the same first: a pointer into a list may be that of two fields.
    let rules: [fn(&DriftedField, &DriftedField) -> bool; 3] =
        [same, |a, b| same_place(a, b) && a.change == b.change, same_place];
    for fits in rules {
        for (field, found) in seen.iter().zip(&mut found).filter(|(_, found)| found.is_none()) {
            let one = left.iter_mut().find(|one| one.is_some_and(|before| fits(before, field)));
            *found = one.and_then(Option::take);
        }
    }
    for (field, earlier) in seen.into_iter().zip(found) {
        let Some(earlier) = earlier else {
            turn.began.push(field.clone());
            turn.standing.push(field);
            continue;
        };
        if is_taken_back(earlier, &field) {
            turn.ended.push(episode(earlier, Ended::Reverted, now));
            turn.began.push(field.clone());
            turn.standing.push(field);
            continue;
        }
        let field = followed(earlier, field);
        if !same(earlier, &field) || earlier.manager != field.manager {
            turn.changed.push(Changed { before: earlier.clone(), now: field.clone() });
        }
        turn.standing.push(field);
    }
    for gone in left.into_iter().flatten() {
        match why(gone) {
            Some(how) => turn.ended.push(episode(gone, how, now)),
            None => turn.standing.push(gone.clone()),
        }
    }
    turn
}

impl Turn {
    /// Those that stand and were put back just now are over.
    pub fn put_back(&mut self, now: jiff::Timestamp, is: impl Fn(&DriftedField) -> bool) {
        let (corrected, standing) = std::mem::take(&mut self.standing).into_iter().partition(|field| is(field));
        let corrected: Vec<DriftedField> = corrected;
        self.ended.extend(corrected.iter().map(|field| episode(field, Ended::Corrected, now)));
        self.standing = standing;
    }

    /// Tells nothing of some fields: they were told, and come and go.
    pub fn leave_untold(&mut self, is: impl Fn(&DriftedField) -> bool) {
        self.began.retain(|field| !is(field));
        self.changed.retain(|changed| !is(&changed.now));
        self.ended.retain(|episode| !is(&episode.field));
    }

    /// Whether there is nothing to tell.
    pub fn is_quiet(&self) -> bool {
        self.began.is_empty() && self.changed.is_empty() && self.ended.is_empty()
    }
}

/// An end of a drift.
pub fn episode(field: &DriftedField, ended: Ended, now: jiff::Timestamp) -> DriftEpisode {
    DriftEpisode { field: field.clone(), until: Time(now), ended }
}

/// How a drift ended that nobody of ours put back, of an object that is still declared and there. `now` finds the declared
/// place of a pointer, and what is declared there now.
pub fn how<'v>(
    field: &DriftedField,
    subject: &Subject<'v>,
    now: impl Fn(&Pointer, ChangeKind) -> Option<(Pointer, &'v Value)>,
) -> Ended {
    let place = Pointer::parse(&field.path).zip(ChangeKind::parse(&field.change));
    let Some((pointer, change)) = place.filter(|(_, change)| *change != ChangeKind::Deleted) else {
        // It is there again, and we did not make it.
        return Ended::Reverted;
    };
    let declared = now(&pointer, change).map(|(place, value)| shown(subject, subject.declared, &place, value));
    if field.declared == declared { Ended::Reverted } else { Ended::Declared }
}

/// Since when a field has differed.
pub fn began(field: &DriftedField) -> jiff::Timestamp {
    field.began.as_ref().unwrap_or(&field.observed).0
}

/// How long a drift lasted. To the millisecond where one process saw all of it, else to the second.
pub fn lasted(episode: &DriftEpisode) -> Duration {
    episode.until.0.duration_since(began(&episode.field)).try_into().unwrap_or_default()
}

/// A duration for people: `0.12s`, `3m20s`, `2h5m`.
pub fn duration(of: Duration) -> String {
    let seconds = of.as_secs();
    match seconds {
        0..60 if of.subsec_millis() < 10 => format!("{seconds}s"),
        0..60 => format!("{seconds}.{:02}s", of.subsec_millis() / 10),
        60..3600 => format!("{}m{}s", seconds / 60, seconds % 60),
        _ => format!("{}h{}m", seconds / 3600, seconds % 3600 / 60),
    }
}

/// Whether somebody wrote what is declared again, and left no more of a drift than whose the field is.
fn is_taken_back(earlier: &DriftedField, field: &DriftedField) -> bool {
    let disowned = ChangeKind::Disowned.as_str();
    field.change == disowned && earlier.change != disowned && !field.path.is_empty()
}

/// What follows from the earlier finding: when it began, and who it was where Kubernetes has forgotten that by now.
fn followed(earlier: &DriftedField, field: DriftedField) -> DriftedField {
    let ours = [SYNC_MANAGER, CONTROLLER_MANAGER];
    let forgotten = field.manager.as_deref().is_none_or(|manager| ours.contains(&manager));
    let value = same(earlier, &field);
    let mut followed = if value && (forgotten || earlier.manager == field.manager) {
        let DriftedField { path, keyed_path, user, declared_at, policy, .. } = field;
        DriftedField {
            path,
            keyed_path,
            user: user.or_else(|| earlier.user.clone()),
            declared_at: declared_at.or_else(|| earlier.declared_at.clone()),
            policy: policy.or(earlier.policy),
            ..earlier.clone()
        }
    } else {
        let began = Some(earlier.began.clone().unwrap_or_else(|| earlier.observed.clone()));
        DriftedField { began, ..field }
    };
    if followed.declared_at.is_none() && earlier.declared == followed.declared {
        followed.declared_at.clone_from(&earlier.declared_at);
    }
    followed
}

/// Adds what ended to a history, newest first, and keeps as much as fits. What is there already is not added again: the
/// answer to a write may be lost.
pub fn add(history: &mut Vec<DriftEpisode>, ended: &[DriftEpisode], most: usize, bytes: usize) {
    for episode in ended {
        let episode = DriftEpisode { until: Time(truncate_to_seconds(episode.until.0)), ..episode.clone() };
        let is_there = |known: &DriftEpisode| {
            known.ended == episode.ended && known.until == episode.until && same(&known.field, &episode.field)
        };
        if !history.iter().any(is_there) {
            history.insert(0, episode);
        }
    }
    history.truncate(most);
    let (mut left, mut kept) = (bytes, 0);
    for episode in history.iter_mut() {
        let mut size = size_of(episode);
        if size > bytes / 2 {
            let DriftedField { path, declared, live, declared_at, .. } = &mut episode.field;
            (*path, *declared, *live, *declared_at) = (shorten(path, bytes / 4), None, None, None);
            size = size_of(episode);
        }
        let Some(rest) = left.checked_sub(size) else { break };
        (left, kept) = (rest, kept + 1);
    }
    history.truncate(kept);
}

fn size_of(episode: &DriftEpisode) -> usize {
    serde_json::to_string(episode).map_or(usize::MAX, |text| text.len() + 1)
}

/// An Event about an episode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// CamelCase word.
    pub reason: &'static str,
    /// Whether a person should look.
    pub warning: bool,
    /// What it is about within the object: Events about one field are counted together.
    pub field: String,
    /// Sentence.
    pub text: String,
}

/// Which of the two comparisons found it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Between {
    /// Git and the MicroService.
    Source,
    /// The MicroService and its children.
    Workload,
}

/// Bytes of the name of a field in an Event.
const FIELD: usize = 256;

/// The Events of a turn.
pub fn notes(turn: &Turn, between: Between) -> Vec<Note> {
    let (differs, over) = match between {
        Between::Source => ("SourceDrift", "SourceDriftEnded"),
        Between::Workload => ("WorkloadDrift", "WorkloadDriftEnded"),
    };
    let note = |field: &DriftedField, reason: &'static str, text: String| {
        let of = match between {
            Between::Source => field.path.clone(),
            Between::Workload => format!("{}{}", field.kind, field.path),
        };
        Note { reason, warning: reason == differs, field: shorten(&of, FIELD), text }
    };
    let began = turn.began.iter().map(|field| note(field, differs, format!("{}{}", sentence(field), about(field))));
    let changed = turn.changed.iter().map(|Changed { before, now }| {
        let was = format!("; before that {} ({})", text(before.live.as_ref()), hand(before));
        note(now, differs, format!("{}{was}{}", sentence(now), about(now)))
    });
    let ended = turn.ended.iter().map(|episode| note(&episode.field, over, over_after(episode)));
    began.chain(changed).chain(ended).collect()
}

/// How an episode ended, as a sentence.
pub fn over_after(episode: &DriftEpisode) -> String {
    let field = &episode.field;
    let how = match episode.ended {
        Ended::Corrected => "put back",
        Ended::Reverted => "reverted by somebody",
        Ended::Declared => "settled by a commit",
        Ended::Ignored => "ignored by policy from now on",
        Ended::Gone => "over, as the object is gone or no longer declared",
    };
    let lasted = duration(lasted(episode));
    format!(
        "{} {}: {how} after {lasted}; it had been: {} ({})",
        field.kind,
        field.object,
        difference(field),
        hand(field)
    )
}

fn about(field: &DriftedField) -> String {
    field.policy.map(|policy| format!("; policy {}", DriftPolicy::as_str(policy))).unwrap_or_default()
}

#[cfg(test)]
mod tests;
