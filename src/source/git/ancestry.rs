//! Whether one commit descends from another, although the cache is shallow: the commits at hand are asked first, which
//! is all that a push needs. Else the history is deepened down to the time of the older commit, within bounds.
//!
//! "No" is said only where it is proven: where nothing of the newer commit's history is missing, or what is missing is
//! part of the older commit's own. Else the older one may be behind a commit whose clock was wrong, and the answer is
//! that it is not known.

use std::collections::HashSet;
use std::sync::Arc;

use gix::ObjectId;
use gix::date::Time;
use gix::remote::fetch::Shallow;

use super::fetch::{Got, Question, receive};
use super::reference::Reference;
use super::store::Store;
use super::{Attempt, Target};
use crate::model::snapshot::Ancestry;
use crate::source::{Ancestor, SourceError};

/// Commits that one walk looks at.
const MAX_COMMITS: usize = 50_000;
/// By how much clocks may differ, in seconds: history is cut by the times that committers' clocks showed.
const SKEW: i64 = 24 * 60 * 60;

/// Whether `to`, which is what the branch or another reference points to, is `from` or descends from it.
pub(super) fn descends(
    target: &Target,
    store: &mut Store,
    attempt: &Arc<Attempt>,
    from: Ancestor,
    (reference, to): (Option<&Reference>, ObjectId),
) -> Result<Ancestry, SourceError> {
    let repo = store.open()?;
    let from_id = ObjectId::Sha1(from.commit.0);
    if let Some(told) = at_hand(&repo, attempt, from_id, to)? {
        return Ok(told);
    }
    let known = from.time.map(jiff::Timestamp::as_second).or_else(|| seconds(&repo, from_id));
    let Some(known) = known else { return Ok(unknown("the time of the older commit is not known")) };
    // Servers refuse to cut above the newest commit.
    let since = seconds(&repo, to).map_or(known, |newest| newest.min(known));
    for since in [since, since.saturating_sub(SKEW)] {
        let listed = match deepen(target, &repo, attempt, reference, since) {
            Ok(listed) => listed,
            Err(
                error @ (SourceError::TooLarge { .. } | SourceError::Unsupported { .. } | SourceError::Corrupt { .. }),
            ) => {
                return Ok(unknown(&error.to_string()));
            }
            Err(error) => return Err(error),
        };
        if let Some(told) = at_hand(&repo, attempt, from_id, to)? {
            return Ok(told);
        }
        if listed != to {
            // What was deepened is the history of another commit, which the next fetch is about.
            let why = "the branch moved while its history was read".into();
            return Err(SourceError::Interrupted { url: target.url.to_string(), why });
        }
    }
    Ok(unknown("the history before the older commit's time is not at hand"))
}

/// What the commits at hand tell; nothing where they do not.
pub(super) fn at_hand(
    repo: &gix::Repository,
    attempt: &Attempt,
    from: ObjectId,
    to: ObjectId,
) -> Result<Option<Ancestry>, SourceError> {
    Ok(match walk(repo, attempt, from, to)? {
        Walked::Reached => Some(Ancestry::Yes),
        Walked::Roots => Some(Ancestry::No),
        Walked::TooFar => Some(unknown(&format!("more than {MAX_COMMITS} commits"))),
        Walked::Cut(missing) => is_before(repo, attempt, from, &missing)?.then_some(Ancestry::No),
    })
}

/// Whether all these commits, none of which is at hand, come before `from`: then `from` cannot be behind one of them.
fn is_before(
    repo: &gix::Repository,
    attempt: &Attempt,
    from: ObjectId,
    missing: &[ObjectId],
) -> Result<bool, SourceError> {
    let mut wanted: HashSet<ObjectId> = missing.iter().copied().collect();
    wanted.remove(&from);
    let (mut seen, mut next) = (HashSet::from([from]), vec![from]);
    while let Some(id) = next.pop() {
        wanted.remove(&id);
        if wanted.is_empty() || seen.len() > MAX_COMMITS {
            break;
        }
        let parents = parents(repo, attempt, id)?.unwrap_or_default();
        next.extend(parents.into_iter().filter(|parent| seen.insert(*parent)));
    }
    Ok(wanted.is_empty())
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
    /// At these, which are not at hand.
    Cut(Vec<ObjectId>),
    /// At the bound.
    TooFar,
}

/// Follows parents through the commits at hand.
fn walk(repo: &gix::Repository, attempt: &Attempt, from: ObjectId, to: ObjectId) -> Result<Walked, SourceError> {
    let (mut seen, mut next, mut missing) = (HashSet::from([to]), vec![to], Vec::new());
    while let Some(id) = next.pop() {
        if id == from {
            return Ok(Walked::Reached);
        }
        if seen.len() > MAX_COMMITS {
            return Ok(Walked::TooFar);
        }
        let Some(parents) = parents(repo, attempt, id)? else {
            missing.push(id);
            continue;
        };
        // A parent that is looked for need not be at hand.
        if parents.contains(&from) {
            return Ok(Walked::Reached);
        }
        next.extend(parents.into_iter().filter(|parent| seen.insert(*parent)));
    }
    Ok(if missing.is_empty() { Walked::Roots } else { Walked::Cut(missing) })
}

/// The parents of a commit; none where it is not at hand.
fn parents(repo: &gix::Repository, attempt: &Attempt, id: ObjectId) -> Result<Option<Vec<ObjectId>>, SourceError> {
    if attempt.is_stopped() {
        return Err(SourceError::Interrupted { url: attempt.url(), why: "while reading its history".into() });
    }
    let explain = |error: gix::Error| attempt.explain(&error);
    let Some(object) = repo.try_find_object(id).map_err(explain)? else { return Ok(None) };
    let commit = object.try_into_commit().map_err(|error| explain(gix::Error::from_error(error)))?;
    Ok(Some(commit.parent_ids().map(gix::Id::detach).collect()))
}

/// A commit's time in seconds, where it is at hand.
fn seconds(repo: &gix::Repository, id: ObjectId) -> Option<i64> {
    let commit = repo.try_find_object(id).ok()??.try_into_commit().ok()?;
    commit.time().ok().map(|time| time.seconds)
}

/// Receives the commits since a time of the branch, or of another reference, and says where that is.
fn deepen(
    target: &Target,
    repo: &gix::Repository,
    attempt: &Arc<Attempt>,
    reference: Option<&Reference>,
    since: i64,
) -> Result<ObjectId, SourceError> {
    // Git takes no time before 1970, and none at its very start.
    let cutoff = Time::new(since.max(1), 0);
    let question = match reference {
        Some(reference) => Question::about(reference.clone()),
        None => Question::of(target.choose(repo, attempt)?.reference),
    };
    match receive(target, repo, attempt, &Question { depth: Shallow::Since { cutoff }, known: None, ..question })? {
        Got::Commit { id, .. } => Ok(id),
        Got::Known(_) | Got::Nothing => Err(target.no_such_ref()),
    }
}
