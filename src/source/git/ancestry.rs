//! Whether one commit descends from another, although the cache is shallow: the commits at hand are asked first, which
//! is all that a push needs. Else the history is deepened down to the time of the older commit, within bounds.

use std::collections::HashSet;
use std::sync::Arc;

use gix::ObjectId;
use gix::date::Time;
use gix::remote::fetch::Shallow;

use super::fetch::{Got, Question, TRACKED, receive};
use super::store::Store;
use super::{Attempt, Target};
use crate::model::snapshot::Ancestry;
use crate::source::{Ancestor, SourceError};

/// Commits that one walk looks at.
const MAX_COMMITS: usize = 50_000;
/// By how much clocks may differ, in seconds: history is cut by the times that committers' clocks showed.
const SKEW: i64 = 24 * 60 * 60;

/// Whether `to` is `from` or descends from it.
pub(super) fn descends(
    target: &Target,
    store: &mut Store,
    attempt: &Arc<Attempt>,
    from: Ancestor,
    to: ObjectId,
) -> Result<Ancestry, SourceError> {
    let repo = store.open()?;
    let from_id = ObjectId::Sha1(from.commit.0);
    let look = |repo: &gix::Repository| walk(repo, attempt, from_id, to);
    match look(&repo)? {
        Walked::Reached => return Ok(Ancestry::Yes),
        Walked::Roots => return Ok(Ancestry::No),
        Walked::TooFar => return Ok(unknown(&format!("more than {MAX_COMMITS} commits"))),
        Walked::Cut => {}
    }
    let known = from.time.map(jiff::Timestamp::as_second).or_else(|| seconds(&repo, from_id));
    let Some(known) = known else { return Ok(unknown("the time of the older commit is not known")) };
    // Servers refuse to cut above the newest commit.
    let since = seconds(&repo, to).map_or(known, |newest| newest.min(known));
    for since in [since, since.saturating_sub(SKEW)] {
        let listed = match deepen(target, &repo, attempt, since) {
            Ok(listed) => listed,
            Err(
                error @ (SourceError::TooLarge { .. } | SourceError::Unsupported { .. } | SourceError::Corrupt { .. }),
            ) => {
                return Ok(unknown(&error.to_string()));
            }
            Err(error) => return Err(error),
        };
        match look(&repo)? {
            Walked::Reached => return Ok(Ancestry::Yes),
            Walked::Roots => return Ok(Ancestry::No),
            Walked::TooFar => return Ok(unknown(&format!("more than {MAX_COMMITS} commits"))),
            Walked::Cut if listed != to => {
                // What was deepened is the history of another commit, which the next fetch is about.
                let why = "the branch moved while its history was read".into();
                return Err(SourceError::Interrupted { url: target.url.to_string(), why });
            }
            Walked::Cut => {}
        }
    }
    Ok(Ancestry::No)
}

fn unknown(why: &str) -> Ancestry {
    tracing::info!(why, "whether history was rewritten cannot be told");
    Ancestry::Unknown
}

/// How a walk ended.
enum Walked {
    /// At the commit that was looked for.
    Reached,
    /// At commits without parents: nothing was left out.
    Roots,
    /// At commits whose parents are not at hand.
    Cut,
    /// At the bound.
    TooFar,
}

/// Follows parents through the commits at hand.
fn walk(repo: &gix::Repository, attempt: &Attempt, from: ObjectId, to: ObjectId) -> Result<Walked, SourceError> {
    let explain = |error: gix::Error| attempt.explain(&error);
    let (mut seen, mut next, mut cut) = (HashSet::from([to]), vec![to], false);
    while let Some(id) = next.pop() {
        if id == from {
            return Ok(Walked::Reached);
        }
        if seen.len() > MAX_COMMITS {
            return Ok(Walked::TooFar);
        }
        if attempt.is_stopped() {
            return Err(SourceError::Interrupted { url: attempt.url(), why: "while reading its history".into() });
        }
        let Some(object) = repo.try_find_object(id).map_err(explain)? else {
            cut = true;
            continue;
        };
        let commit = object.try_into_commit().map_err(|error| explain(gix::Error::from_error(error)))?;
        let parents: Vec<ObjectId> = commit.parent_ids().map(gix::Id::detach).collect();
        // A parent that is looked for need not be at hand.
        if parents.contains(&from) {
            return Ok(Walked::Reached);
        }
        next.extend(parents.into_iter().filter(|parent| seen.insert(*parent)));
    }
    Ok(if cut { Walked::Cut } else { Walked::Roots })
}

/// A commit's time in seconds, where it is at hand.
fn seconds(repo: &gix::Repository, id: ObjectId) -> Option<i64> {
    let commit = repo.try_find_object(id).ok()??.try_into_commit().ok()?;
    commit.time().ok().map(|time| time.seconds)
}

/// Receives the branch's commits since a time, and says where the branch is.
fn deepen(
    target: &Target,
    repo: &gix::Repository,
    attempt: &Arc<Attempt>,
    since: i64,
) -> Result<ObjectId, SourceError> {
    // Git takes no time before 1970, and none at its very start.
    let cutoff = Time::new(since.max(1), 0);
    let question = Question { note: TRACKED, depth: Shallow::Since { cutoff }, known: None, ..Question::of(target) };
    match receive(target, repo, attempt, &question)? {
        Got::Commit { id, .. } => Ok(id),
        Got::Known | Got::Nothing => Err(target.no_branch()),
    }
}
