//! The last revisions that a GitSync applied, as its status keeps them.

use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::api::condition::truncate_to_seconds;
use crate::api::gitsync_status::{AppliedRevision, HistoryEntry, HistoryResult};
use crate::model::{CommitId, Revision, Snapshot};

/// Entries that a status keeps.
pub const LISTED: usize = 10;

/// How an apply of a whole revision ended.
#[derive(Debug, Clone, Default)]
pub struct Ended {
    /// Whether a newer revision came before its end.
    pub superseded: bool,
    /// How long it took.
    pub took: Duration,
    /// Objects created or updated.
    pub changed: usize,
    /// Objects deleted.
    pub pruned: usize,
    /// Objects that are invalid or were refused.
    pub quarantined: usize,
    /// Objects that a rule holds back.
    pub held: usize,
    /// The held plan that a person had approved.
    pub approved: Option<String>,
    /// Whether a person had pinned the GitSync to it.
    pub pinned: bool,
}

/// Adds what ended, unless it is the newest entry's revision again and changed nothing. Returns whether it did.
///
/// The last revision that was applied without a pin stays in the list: rewritten history is measured by it.
pub fn add(history: &mut Vec<HistoryEntry>, snapshot: &Snapshot, ended: &Ended, now: jiff::Timestamp) -> bool {
    let same = history.first().is_some_and(|newest| newest.revision == snapshot.revision.as_str());
    if same && ended.changed + ended.pruned == 0 {
        return false;
    }
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let AppliedRevision { revision, author, subject, committed, .. } = super::gitsync::applied(snapshot, now);
    let entry = HistoryEntry {
        revision,
        author,
        subject,
        committed,
        applied: Time(truncate_to_seconds(now)),
        took: words(ended.took),
        result: match (ended.superseded, ended.quarantined + ended.held) {
            (true, _) => HistoryResult::Superseded,
            (false, 0) => HistoryResult::Applied,
            (false, _) => HistoryResult::Partial,
        },
        changed: number(ended.changed),
        pruned: number(ended.pruned),
        quarantined: number(ended.quarantined),
        held: number(ended.held),
        approved: ended.approved.clone(),
        pinned: ended.pinned,
    };
    history.insert(0, entry);
    let is_mark = |entry: &HistoryEntry| !entry.pinned && entry.result != HistoryResult::Superseded;
    if history.len() > LISTED && !history[..LISTED].iter().any(is_mark) {
        history.remove(LISTED - 1);
    }
    history.truncate(LISTED);
    true
}

/// The commits that a person may want to go back to: those of the history, and the applied one.
pub fn commits(history: &[HistoryEntry], applied: Option<&AppliedRevision>) -> Vec<CommitId> {
    let revisions = history.iter().map(|entry| &entry.revision).chain(applied.map(|applied| &applied.revision));
    let mut commits: Vec<CommitId> = revisions.filter_map(|text| Revision(text.as_str().into()).commit()).collect();
    commits.sort_unstable();
    commits.dedup();
    commits
}

/// As in `1.25s`, `3m20s`.
fn words(took: Duration) -> String {
    let seconds = took.as_secs();
    match seconds {
        0..60 => format!("{}.{:02}s", seconds, took.subsec_millis() / 10),
        _ => format!("{}m{}s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(number: usize) -> Snapshot {
        let revision = Revision::of_commit("main", &format!("{number:040x}"));
        Snapshot { revision, commit: None, files: vec![], missing_paths: vec![], unread: vec![], excluded: 0 }
    }

    fn changed(changed: usize) -> Ended {
        Ended { changed, ..Ended::default() }
    }

    fn numbers(history: &[HistoryEntry]) -> Vec<usize> {
        let hex = |entry: &HistoryEntry| usize::from_str_radix(&entry.revision["main@sha1:".len()..], 16).unwrap();
        history.iter().map(hex).collect()
    }

    #[test]
    fn what_changes_something_or_is_another_revision_is_added() {
        let mut history = Vec::new();
        let mut check = |number: usize, ended: &Ended, expected: &[usize]| {
            add(&mut history, &snapshot(number), ended, jiff::Timestamp::UNIX_EPOCH);
            assert_eq!(numbers(&history), expected, "{ended:?}");
        };
        check(1, &changed(0), &[1]);
        check(1, &changed(0), &[1]);
        check(1, &changed(1), &[1, 1]);
        check(2, &changed(0), &[2, 1, 1]);
        check(2, &Ended { pruned: 1, ..changed(0) }, &[2, 2, 1, 1]);
        check(1, &changed(0), &[1, 2, 2, 1, 1]);
    }

    #[test]
    fn an_entry_says_how_it_ended() {
        let check = |ended: Ended, expected: HistoryResult| {
            let mut history = Vec::new();
            add(&mut history, &snapshot(1), &ended, jiff::Timestamp::UNIX_EPOCH);
            assert_eq!(history[0].result, expected, "{ended:?}");
        };
        check(changed(1), HistoryResult::Applied);
        check(Ended { held: 1, ..changed(1) }, HistoryResult::Partial);
        check(Ended { quarantined: 1, ..changed(1) }, HistoryResult::Partial);
        check(Ended { superseded: true, held: 1, ..changed(1) }, HistoryResult::Superseded);
    }

    #[test]
    fn the_list_is_bounded_and_keeps_the_last_revision_without_a_pin() {
        let mut history = Vec::new();
        for number in 0..20 {
            add(&mut history, &snapshot(number), &changed(1), jiff::Timestamp::UNIX_EPOCH);
        }
        assert_eq!(numbers(&history), (10..20).rev().collect::<Vec<_>>());
        for number in 20..40 {
            let pinned = Ended { pinned: true, ..changed(1) };
            add(&mut history, &snapshot(number), &pinned, jiff::Timestamp::UNIX_EPOCH);
        }
        assert_eq!(numbers(&history), (31..40).rev().chain([19]).collect::<Vec<_>>());
        assert_eq!(commits(&history, None).len(), 10);
    }

    #[test]
    fn durations_are_short() {
        let check = |millis: u64, expected: &str| assert_eq!(words(Duration::from_millis(millis)), expected);
        check(4, "0.00s");
        check(1_259, "1.25s");
        check(59_999, "59.99s");
        check(200_000, "3m20s");
    }
}
