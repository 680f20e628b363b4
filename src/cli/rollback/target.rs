//! Which revision a GitSync goes back to. Pure.

use serde::Serialize;

use crate::api::GitSyncStatus;
use crate::api::gitsync_status::{HistoryEntry, HistoryResult};
use crate::cli::say::commit;

/// Digits of a commit that name one of the history.
const SHORTEST: usize = 4;

/// A revision that is gone from or to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Point {
    /// Its commit, in full.
    pub commit: String,
    /// Author's name, where the history knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// First line of the message, where the history knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
}

/// Why there is nothing to go back to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoTarget {
    /// It is not written like a commit.
    #[error("{0:?} is not a commit: write {SHORTEST} or more digits of one of the history, or all 40 of any")]
    NotACommit(String),
    /// No commit of the history begins so.
    #[error("no commit of the history begins with {0}; name one of these, or any other by all of its 40 digits")]
    Unknown(String),
    /// Several do.
    #[error("{0} begins {1} commits of the history; write more digits")]
    Ambiguous(String, usize),
    /// What is synced is a folder.
    #[error("it syncs a local folder, which has no revisions to go back to")]
    Folder,
    /// Nothing was applied in full before.
    #[error("the history has no revision before the present one that was applied in full; name one")]
    NothingBefore,
    /// Nothing was applied at all.
    #[error("nothing was applied yet, so there is nothing to go back from")]
    NothingApplied,
}

impl Point {
    fn of(entry: &HistoryEntry) -> Self {
        let HistoryEntry { revision, author, subject, .. } = entry;
        Self { commit: commit(revision).to_lowercase(), author: author.clone(), subject: subject.clone() }
    }
}

/// What the cluster has now: the revision whose apply is under way, else the newest of the history, else the applied one.
pub fn present(status: &GitSyncStatus) -> Option<Point> {
    let newest = status.history.first().map(Point::of);
    let applied = status.last_applied_revision.as_ref().map(|applied| Point {
        commit: commit(&applied.revision).to_lowercase(),
        author: applied.author.clone(),
        subject: applied.subject.clone(),
    });
    // A held revision was tried, and nothing of it is in the cluster.
    let tried =
        status.last_attempted_revision.as_deref().filter(|_| status.hold.is_none() && status.progress.is_some());
    let under_way =
        tried.map(|revision| Point { commit: commit(revision).to_lowercase(), author: None, subject: None });
    match (under_way, newest) {
        (Some(under_way), Some(newest)) if under_way.commit == newest.commit => Some(newest),
        (Some(under_way), _) => Some(under_way),
        (None, newest) => newest.or(applied),
    }
}

/// The revision that is gone to: the one that is named, or the last one before the present that was applied in full.
pub fn target(status: &GitSyncStatus, named: Option<&str>) -> Result<Point, NoTarget> {
    let tried = status.last_attempted_revision.as_deref();
    if tried.is_some_and(|revision| revision.starts_with("folder@sha256:")) {
        return Err(NoTarget::Folder);
    }
    match named {
        Some(named) => by_name(status, named),
        None => before(status),
    }
}

/// Going back once more goes further back: what was applied before the present one was applied for the first time.
fn before(status: &GitSyncStatus) -> Result<Point, NoTarget> {
    let present = present(status).ok_or(NoTarget::NothingApplied)?;
    let is_present = |entry: &HistoryEntry| commit(&entry.revision).eq_ignore_ascii_case(&present.commit);
    let older = status.history.iter().rposition(is_present).map_or(0, |first| first + 1);
    let mut older = status.history.iter().skip(older);
    older.find(|entry| entry.result == HistoryResult::Applied).map(Point::of).ok_or(NoTarget::NothingBefore)
}

fn by_name(status: &GitSyncStatus, named: &str) -> Result<Point, NoTarget> {
    let digits = commit(named.trim()).trim_end_matches('…').to_lowercase();
    let is_hex = digits.chars().all(|c| c.is_ascii_hexdigit());
    if !is_hex || digits.len() < SHORTEST || digits.len() > 64 {
        return Err(NoTarget::NotACommit(named.to_owned()));
    }
    let mut found: Vec<Point> = Vec::new();
    for point in status.history.iter().map(Point::of).filter(|point| point.commit.starts_with(&digits)) {
        if !found.iter().any(|known| known.commit == point.commit) {
            found.push(point);
        }
    }
    match (found.len(), digits.len()) {
        (1, _) => Ok(found.remove(0)),
        (0, 40 | 64) => Ok(Point { commit: digits, author: None, subject: None }),
        (0, _) => Err(NoTarget::Unknown(digits)),
        (several, _) => Err(NoTarget::Ambiguous(digits, several)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Newest first, each `commit result`, as in `c partial`; a commit is its letter forty times, unless it is longer.
    fn status(history: &[&str], more: serde_json::Value) -> GitSyncStatus {
        let entry = |text: &&str| {
            let (name, result) = text.split_once(' ').unwrap_or((text, "Applied"));
            json!({"revision": format!("main@sha1:{}", full(name)), "applied": "2026-01-02T00:00:00Z", "took": "1s",
                   "result": result, "changed": 0, "pruned": 0, "quarantined": 0, "held": 0, "subject": name})
        };
        let mut status = json!({"history": history.iter().map(entry).collect::<Vec<_>>()});
        json_patch::merge(&mut status, &more);
        serde_json::from_value(status).unwrap()
    }

    fn full(name: &str) -> String {
        if name.len() == 1 { name.repeat(40) } else { format!("{name:0<40}") }
    }

    fn check(history: &[&str], named: Option<&str>, expected: Result<&str, NoTarget>) {
        let found = target(&status(history, json!({})), named).map(|point| point.commit);
        assert_eq!(found, expected.map(full), "{history:?} {named:?}");
    }

    #[test]
    fn without_a_name_it_is_the_last_one_that_was_applied_in_full() {
        check(&["c", "b", "a"], None, Ok("b"));
        check(&["c", "b Partial", "a"], None, Ok("a"));
        check(&["c Partial", "b Superseded", "a"], None, Ok("a"));
        check(&["c Superseded", "b"], None, Ok("b"));
        check(&["c"], None, Err(NoTarget::NothingBefore));
        check(&["c", "b Partial"], None, Err(NoTarget::NothingBefore));
        check(&[], None, Err(NoTarget::NothingApplied));
    }

    #[test]
    fn going_back_again_goes_further_back() {
        check(&["b", "c", "b", "a"], None, Ok("a"));
        check(&["b", "c", "b"], None, Err(NoTarget::NothingBefore));
        // Released, so that c is applied again.
        check(&["c", "b", "c", "b", "a"], None, Ok("b"));
    }

    #[test]
    fn one_is_named_by_its_first_digits() {
        let history = ["abcd1", "abcd2", "1234", "abcd1"];
        check(&history, Some("1234"), Ok("1234"));
        check(&history, Some("abcd1"), Ok("abcd1"));
        check(&history, Some("ABCD2"), Ok("abcd2"));
        check(&history, Some("main@abcd2"), Ok("abcd2"));
        check(&history, Some(&format!("main@sha1:{}", full("1234"))), Ok("1234"));
        check(&history, Some("abcd"), Err(NoTarget::Ambiguous("abcd".into(), 2)));
        check(&history, Some("ffff"), Err(NoTarget::Unknown("ffff".into())));
        check(&[], Some("ffff"), Err(NoTarget::Unknown("ffff".into())));
    }

    #[test]
    fn any_commit_is_named_in_full() {
        check(&["abcd1"], Some(&full("e")), Ok("e"));
        let sha256 = "e".repeat(64);
        assert_eq!(target(&status(&[], json!({})), Some(&sha256)).unwrap().commit, sha256);
        check(&["abcd1"], Some(&"e".repeat(39)), Err(NoTarget::Unknown("e".repeat(39))));
    }

    #[test]
    fn a_folder_has_no_revisions() {
        let folder = status(&["b", "a"], json!({"lastAttemptedRevision": "folder@sha256:abc"}));
        assert_eq!(target(&folder, None), Err(NoTarget::Folder));
        assert_eq!(target(&folder, Some(&full("a"))), Err(NoTarget::Folder));
    }

    #[test]
    fn what_is_no_commit_is_refused() {
        for wrong in ["abc", "", "main", "HEAD~1", "abcd\x1b", "../..", "-----", &"e".repeat(65)] {
            check(&["abcd1"], Some(wrong), Err(NoTarget::NotACommit(wrong.to_owned())));
        }
    }

    #[test]
    fn the_present_one_is_what_the_cluster_has() {
        let check = |history: &[&str], more: serde_json::Value, expected: Option<&str>| {
            let found = present(&status(history, more.clone())).map(|point| point.commit);
            assert_eq!(found, expected.map(full), "{history:?} {more}");
        };
        let tried = |name: &str| format!("main@sha1:{}", full(name));
        let progress = json!({"wave": 0, "waves": 1, "done": 0, "total": 1, "since": "2026-01-02T00:00:00Z"});
        let hold = json!({"plan": "x", "revision": tried("c"), "reason": "r", "message": "m", "since": "2026-01-02T00:00:00Z"});
        check(&["b", "a"], json!({"lastAttemptedRevision": tried("b")}), Some("b"));
        check(&["b", "a"], json!({"lastAttemptedRevision": tried("c"), "progress": progress}), Some("c"));
        check(&["b", "a"], json!({"lastAttemptedRevision": tried("c"), "hold": hold, "progress": progress}), Some("b"));
        let applied = json!({"lastAppliedRevision": {"revision": tried("a"), "applied": "2026-01-02T00:00:00Z"}});
        check(&[], applied, Some("a"));
        check(&[], json!({}), None);
    }

    #[test]
    fn while_a_revision_is_being_applied_it_is_gone_back_to_the_one_before() {
        let progress = json!({"wave": 0, "waves": 1, "done": 0, "total": 1, "since": "2026-01-02T00:00:00Z"});
        let status = status(
            &["b", "a"],
            json!({"lastAttemptedRevision": format!("main@sha1:{}", full("c")), "progress": progress}),
        );
        assert_eq!(target(&status, None).unwrap().commit, full("b"));
    }
}
