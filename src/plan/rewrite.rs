//! The guard against rewritten history: which commits a new revision must descend from, and what a person approves where it
//! does not.
//!
//! The rule: a revision follows what is applied, or the last revision of its branch that was applied while nothing was
//! pinned. So a pin moves no mark: once it is released, the branch goes on from where it was, and so does one that was put
//! back to what was pinned. Nothing is asked of the first revision, and of the first of another url or ref.

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::approval;
use crate::api::gitsync_status::{AppliedRevision, HistoryEntry, HistoryResult};
use crate::model::{Ancestry, CommitId, ObjectKey, Revision};

/// Why a plan is held, among the reasons of guards.
pub const REWRITTEN_HISTORY: &str = "RewrittenHistory";

/// What was applied so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Past {
    /// The applied revision.
    pub applied: Option<AppliedRevision>,
    /// The history, newest first.
    pub history: Vec<HistoryEntry>,
    /// Whether the url and the ref are what that was read from.
    pub same_source: bool,
}

/// A commit that a new one may descend from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Base {
    /// The commit.
    pub commit: CommitId,
    /// Its committer's time, where that is known.
    pub time: Option<Timestamp>,
}

impl Past {
    /// The commits of which the new one must descend from one. None: nothing is asked of it.
    pub fn bases(&self, new: &Revision) -> Vec<Base> {
        let Some(applied) = self.applied.as_ref().filter(|_| self.same_source && new.commit().is_some()) else {
            return Vec::new();
        };
        let base = |revision: &str, time: Option<Timestamp>| {
            let revision = Revision(revision.into());
            let commit = revision.commit().filter(|_| revision.name() == new.name())?;
            Some(Base { commit, time })
        };
        let Some(first) = base(&applied.revision, applied.committed.as_ref().map(|time| time.0)) else {
            return Vec::new();
        };
        let mut ended = self.history.iter().filter(|entry| entry.result != HistoryResult::Superseded);
        let pinned = ended.clone().next().is_some_and(|newest| newest.pinned && newest.revision == applied.revision);
        let mark = ended.find(|entry| !entry.pinned).filter(|_| pinned);
        let mark = mark.and_then(|mark| base(&mark.revision, mark.committed.as_ref().map(|time| time.0)));
        // The branch most often went on from its mark: that is asked first.
        mark.into_iter().filter(|mark| mark.commit != first.commit).chain([first]).collect()
    }

    /// What a commit was called when it was applied.
    pub fn called(&self, commit: CommitId) -> Option<Revision> {
        let history = self.history.iter().map(|entry| entry.revision.as_str());
        let applied = self.applied.iter().map(|applied| applied.revision.as_str());
        applied.chain(history).map(|text| Revision(text.into())).find(|revision| revision.commit() == Some(commit))
    }
}

/// A revision that is held as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewritten {
    /// The plan's hash.
    pub plan: String,
    /// The commit that is applied.
    pub applied: CommitId,
    /// The new revision.
    pub new: Revision,
    /// No, or that it could not be told.
    pub ancestry: Ancestry,
    /// Whether what moved is a tag: that is wrong, whatever descends from what.
    pub moved: bool,
}

/// Judges a new revision by what is known of each of its bases. None: it is followed.
pub fn judge(
    sync_uid: &str,
    applied: CommitId,
    new: &Revision,
    answers: &[Ancestry],
    approve: Option<&str>,
) -> Result<Option<String>, Rewritten> {
    let Some(commit) = new.commit().filter(|_| !answers.is_empty() && !answers.contains(&Ancestry::Yes)) else {
        return Ok(None);
    };
    let plan = hash(sync_uid, applied, commit);
    if approve == Some(&plan) {
        return Ok(Some(plan));
    }
    let unknown = answers.contains(&Ancestry::Unknown);
    let ancestry = if unknown { Ancestry::Unknown } else { Ancestry::No };
    Err(Rewritten { plan, applied, new: new.clone(), ancestry, moved: false })
}

/// The hash of what is approved: to go from just this commit to just that one.
fn hash(sync_uid: &str, applied: CommitId, new: CommitId) -> String {
    let digest = Sha256::digest(format!("{sync_uid}\n{REWRITTEN_HISTORY}\n{applied} {new}\n"));
    data_encoding::HEXLOWER.encode(&digest[..approval::BYTES])
}

/// What following it would do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Consequences {
    /// Objects that it would create.
    pub creations: u32,
    /// Objects that it would change.
    pub updates: u32,
    /// Objects that it would delete.
    pub deletions: u32,
    /// The first of those.
    pub deletes: Vec<String>,
}

impl Rewritten {
    /// What is wrong.
    pub fn wrong(&self) -> String {
        let (new, applied) = (self.new.short(), self.applied.short());
        if self.moved {
            return format!("the tag was moved: it is {new} now, and {applied} is applied");
        }
        match self.ancestry {
            Ancestry::Unknown => format!("whether {new} descends from {applied}, which is applied, could not be told"),
            Ancestry::Yes | Ancestry::No => format!("{new} does not descend from {applied}, which is applied"),
        }
    }

    /// What is wrong, and what can be done.
    pub fn message(&self, sync: &ObjectKey, would: &Consequences) -> String {
        let wrong = self.wrong();
        let Consequences { creations, updates, deletions, .. } = would;
        format!(
            "{wrong}: nothing of it is applied. It would create {creations}, change {updates} and delete {deletions}. If that \
             is meant: gitmoor approve {sync} --plan {}; to follow rewritten history always, set spec.rewrites to Follow",
            self.plan
        )
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

    use super::*;

    fn id(digit: char) -> CommitId {
        CommitId::parse(&digit.to_string().repeat(40)).unwrap()
    }

    fn revision(text: &str) -> Revision {
        let (name, digit) = text.split_once('@').unwrap();
        Revision::of_commit(name, &digit.repeat(40))
    }

    /// Entries as `main@1`, with `p` behind a pinned and `s` behind a superseded one, newest first.
    fn history(entries: &[&str]) -> Vec<HistoryEntry> {
        let entry = |text: &&str| HistoryEntry {
            revision: revision(text.trim_end_matches(['p', 's'])).to_string(),
            author: None,
            subject: None,
            committed: None,
            applied: Time(Timestamp::UNIX_EPOCH),
            took: "1s".into(),
            result: if text.ends_with('s') { HistoryResult::Superseded } else { HistoryResult::Applied },
            changed: 0,
            pruned: 0,
            quarantined: 0,
            held: 0,
            approved: None,
            pinned: text.ends_with('p'),
        };
        entries.iter().map(entry).collect()
    }

    #[track_caller]
    fn bases(applied: &str, entries: &[&str], new: &str, expected: &[char]) {
        let applied = (!applied.is_empty()).then(|| AppliedRevision {
            revision: revision(applied).to_string(),
            author: None,
            subject: None,
            committed: Some(Time(Timestamp::UNIX_EPOCH)),
            applied: Time(Timestamp::UNIX_EPOCH),
        });
        let past = Past { applied, history: history(entries), same_source: true };
        let found: Vec<CommitId> = past.bases(&revision(new)).iter().map(|base| base.commit).collect();
        assert_eq!(found, expected.iter().map(|digit| id(*digit)).collect::<Vec<_>>(), "{entries:?}");
        assert!(Past { same_source: false, ..past }.bases(&revision(new)).is_empty());
    }

    #[test]
    fn a_revision_must_descend_from_what_is_applied() {
        bases("main@1", &["main@1"], "main@2", &['1']);
        bases("main@1", &[], "main@2", &['1']);
        bases("main@2", &["main@3s", "main@2", "main@1"], "main@4", &['2']);
    }

    #[test]
    fn nothing_is_asked_of_the_first_revision_and_of_another_branch() {
        bases("", &[], "main@2", &[]);
        bases("", &["main@1"], "main@2", &[]);
        bases("main@1", &["main@1"], "next@2", &[]);
        let past = Past { same_source: true, ..Past::default() };
        assert!(past.bases(&Revision("folder@sha256:00".into())).is_empty());
    }

    #[test]
    fn a_pin_moves_no_mark() {
        bases("main@1", &["main@1p", "main@3", "main@2", "main@1"], "main@4", &['3', '1']);
        bases("main@2", &["main@2p", "main@1p", "main@4s", "main@3"], "main@5", &['3', '2']);
        bases("main@1", &["main@1p"], "main@2", &['1']);
        bases("main@1", &["main@1p", "next@3"], "main@2", &['1']);
        // What was applied after the pin was released is the mark itself.
        bases("main@4", &["main@4", "main@1p", "main@3"], "main@5", &['4']);
    }

    #[test]
    fn one_base_is_enough_and_what_is_unknown_is_held() {
        use Ancestry::{No, Unknown, Yes};
        let check = |answers: &[Ancestry], expected: Option<Ancestry>| {
            let judged = judge("uid", id('1'), &revision("main@2"), answers, None);
            assert_eq!(judged.err().map(|held| held.ancestry), expected, "{answers:?}");
        };
        check(&[], None);
        check(&[Yes], None);
        check(&[No, Yes], None);
        check(&[Unknown, Yes], None);
        check(&[No], Some(No));
        check(&[No, Unknown], Some(Unknown));
    }

    #[test]
    fn what_is_approved_is_this_gitsync_from_this_commit_to_that_one() {
        let held = |uid: &str, from: char, to: &str, approve: Option<&str>| {
            judge(uid, id(from), &revision(to), &[Ancestry::No], approve)
        };
        let plan = held("uid", '1', "main@2", None).unwrap_err().plan;
        assert_eq!(plan.len(), 12);
        assert_eq!(held("uid", '1', "main@2", Some(&plan)), Ok(Some(plan.clone())));
        for (uid, from, to) in [("other", '1', "main@2"), ("uid", '3', "main@2"), ("uid", '1', "main@3")] {
            assert!(held(uid, from, to, Some(&plan)).is_err(), "{uid} {from} {to}");
        }
        assert!(held("uid", '1', "main@2", Some("")).is_err());
    }

    #[test]
    fn the_message_says_both_commits_and_what_to_do() {
        let mut held = judge("uid", id('1'), &revision("main@2"), &[Ancestry::No], None).unwrap_err();
        let would = Consequences { creations: 1, updates: 2, deletions: 3, deletes: vec![] };
        let sync = ObjectKey::new("ops", "shop");
        let said = held.message(&sync, &would);
        let words =
            ["main@2222222 does not descend from 1111111", "create 1, change 2 and delete 3", "rewrites to Follow"];
        assert!(words.iter().all(|words| said.contains(words)), "{said}");
        assert!(said.contains(&format!("gitmoor approve ops/shop --plan {}", held.plan)), "{said}");
        held.ancestry = Ancestry::Unknown;
        assert!(held.message(&sync, &would).contains("could not be told"));
    }
}
