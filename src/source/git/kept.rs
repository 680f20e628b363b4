//! Commits that are kept in the cache, each by a ref of its own, so that they can be read when Git is down; and commits
//! that are read once, for a preview.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::sync::Arc;

use gix::ObjectId;
use gix::objs::tree::EntryKind;
use gix::refs::transaction::PreviousValue;
use sha2::{Digest, Sha256};

use super::fetch::{Got, Question, receive};
use super::reference::Reference;
use super::store::Store;
use super::{Attempt, Target, tree};
use crate::model::snapshot::{CommitId, Revision, Snapshot};
use crate::source::SourceError;
use crate::source::paths::WantedPaths;

/// Where the refs of kept commits are. Each is named by its commit, in a folder of the one who keeps it.
const KEPT: &str = "refs/gitmoor/applied/";
/// Objects that a compaction carries over; a commit that would be more is left behind.
const MAX_CARRIED: usize = 100_000;

/// Keeps these commits for somebody, of those that are at hand, and none else for them.
pub(super) fn keep(store: &mut Store, attempt: &Attempt, who: &str, commits: &[CommitId]) -> Result<(), SourceError> {
    let repo = store.open()?;
    let explain = |error: gix::Error| attempt.explain(&error);
    let wanted: BTreeSet<ObjectId> = commits.iter().map(|commit| ObjectId::Sha1(commit.0)).collect();
    let own = folder(who);
    let kept: BTreeSet<ObjectId> = kept(&repo, &own).map_err(explain)?.into_keys().collect();
    for id in kept.difference(&wanted) {
        if let Some(reference) = repo.try_find_reference(&format!("{own}{id}")).map_err(explain)? {
            reference.delete().map_err(explain)?;
        }
    }
    for id in wanted.difference(&kept).filter(|id| repo.has_object(id)) {
        note(&repo, &format!("{own}{id}"), *id).map_err(explain)?;
    }
    Ok(())
}

/// Where the refs of one who keeps commits are: a name of its own that any name has, and that a ref can have.
fn folder(who: &str) -> String {
    let hash = Sha256::digest(who);
    format!("{KEPT}{}/", data_encoding::HEXLOWER.encode(&hash[..8]))
}

/// A commit of the cache; of the server, where the cache does not have it.
pub(super) fn at(
    target: &Target,
    store: &mut Store,
    attempt: &Arc<Attempt>,
    commit: CommitId,
    wanted: &WantedPaths,
) -> Result<Snapshot, SourceError> {
    let repo = store.open()?;
    let id = ObjectId::Sha1(commit.0);
    let revision = target.follow.revision(None, &id.to_string());
    if repo.has_object(id) {
        match tree::snapshot(&repo, attempt, revision.clone(), id, wanted) {
            Err(SourceError::Corrupt { why, .. }) => tracing::warn!(why, %commit, "a kept commit is damaged"),
            read => return read,
        }
    }
    ask(target, &repo, attempt, Question::about(Reference::Commit(id)))?;
    tree::snapshot(&repo, attempt, revision, id, wanted)
}

/// What a branch, another ref or a commit has.
pub(super) fn peek(
    target: &Target,
    store: &mut Store,
    attempt: &Arc<Attempt>,
    reference: &Reference,
    wanted: &WantedPaths,
) -> Result<Snapshot, SourceError> {
    let repo = store.open()?;
    let id = match reference {
        Reference::Commit(id) if repo.has_object(id) => *id,
        reference => ask(target, &repo, attempt, Question::about(reference.clone()))?,
    };
    let hex = id.to_string();
    let revision = match reference {
        Reference::Name(name) => Revision::of_commit(name.strip_prefix("refs/heads/").unwrap_or(name), &hex),
        Reference::Commit(_) => target.follow.revision(None, &hex),
    };
    tree::snapshot(&repo, attempt, revision, id, wanted)
}

/// Receives what is asked for, which must be a commit in the end.
pub(super) fn ask(
    target: &Target,
    repo: &gix::Repository,
    attempt: &Arc<Attempt>,
    question: Question,
) -> Result<ObjectId, SourceError> {
    let reference = &question.what;
    let missing =
        |why: String| SourceError::CommitNotFound { url: target.url.to_string(), commit: reference.to_string(), why };
    let by_id = matches!(reference, Reference::Commit(_));
    match receive(target, repo, attempt, &question) {
        Ok(Got::Commit { id, .. }) => match repo.try_find_header(id).map_err(|error| attempt.explain(&error))? {
            Some(header) if header.kind() == gix::objs::Kind::Commit => Ok(id),
            _ => Err(missing("it is no commit".into())),
        },
        Ok(Got::Known(_) | Got::Nothing) => Err(missing("it has no such ref".into())),
        // A server that does not have it, or does not give out what no ref points to, breaks off, more or less in words.
        Err(SourceError::Corrupt { why, .. }) if by_id => Err(missing(why)),
        Err(SourceError::ServerRefused { said, .. }) if by_id => Err(missing(said)),
        Err(SourceError::TransportFailed { why, .. }) if by_id && why.contains("not our ref") => Err(missing(why)),
        Err(error) => Err(error),
    }
}

/// Takes kept commits over into another repository, newest first, as far as they can be read; the other one is good
/// without them. Each is taken over whole or not at all: who says that it has a commit says that it has all of it.
pub(super) fn carry(old: &gix::Repository, new: &gix::Repository, attempt: &Attempt) -> Result<(), SourceError> {
    let Ok(kept) = kept(old, KEPT) else { return Ok(()) };
    let mut budget = MAX_CARRIED;
    let mut by_time: Vec<_> = kept.into_iter().map(|(id, names)| (time(old, id), id, names)).collect();
    by_time.sort_unstable_by(|a, b| b.cmp(a));
    let mut carried = Vec::new();
    for (_, id, names) in by_time {
        if attempt.is_stopped() {
            return Err(SourceError::Interrupted { url: attempt.url(), why: "while keeping its commits".into() });
        }
        match missing(old, new, id, &mut budget).and_then(|missing| {
            copy(old, new, &missing)?;
            names.iter().try_for_each(|name| note(new, name, id))
        }) {
            Ok(()) => carried.push(id),
            // A full disk is no reason to lose what was kept: the present cache stays in its place.
            Err(error) => {
                // A full disk is no reason to lose what was kept: the present cache stays in its place.
                if let full @ SourceError::StoreFull { .. } = attempt.explain(&error) {
                    return Err(full);
                }
                tracing::warn!(commit = %id, %error, "a commit could not be kept in the cache that was made anew");
            }
        }
    }
    cut_at(new, &carried)
}

/// What of a commit a repository does not have: each object before what it names.
fn missing(
    old: &gix::Repository,
    new: &gix::Repository,
    commit: ObjectId,
    budget: &mut usize,
) -> gix::Result<Vec<ObjectId>> {
    let mut found = Vec::new();
    if new.has_object(commit) {
        return Ok(found);
    }
    found.push(commit);
    let (mut seen, mut trees) = (HashSet::new(), vec![old.find_commit(commit)?.tree_id()?.detach()]);
    while let Some(id) = trees.pop() {
        // What has a tree has all that is below: it was received whole, or taken over from the leaves up.
        if new.has_object(id) || !seen.insert(id) {
            continue;
        }
        found.push(id);
        for entry in old.find_tree(id)?.iter() {
            let entry = entry?;
            let id = entry.object_id();
            match entry.mode().kind() {
                EntryKind::Tree => trees.push(id),
                EntryKind::Commit => {}
                EntryKind::Blob | EntryKind::BlobExecutable | EntryKind::Link => {
                    if !new.has_object(id) && seen.insert(id) {
                        found.push(id);
                    }
                }
            }
        }
        if found.len() > *budget {
            let why = format!("more than {MAX_CARRIED} objects would have to be kept");
            return Err(gix::Error::from_error(std::io::Error::other(why)));
        }
    }
    *budget -= found.len();
    Ok(found)
}

fn copy(old: &gix::Repository, new: &gix::Repository, objects: &[ObjectId]) -> gix::Result<()> {
    for id in objects.iter().rev() {
        let object = old.find_object(*id)?;
        let hash = gix::objs::compute_hash(new.object_hash(), object.kind, &object.data)?;
        if hash != *id {
            return Err(gix::Error::from_error(std::io::Error::other(format!("{id} has the content of {hash}"))));
        }
        gix::objs::Write::write_buf(&new.objects, object.kind, &object.data)?;
    }
    Ok(())
}

/// Says of commits that what came before them is not at hand. Git servers leave out what they take for granted.
fn cut_at(repo: &gix::Repository, commits: &[ObjectId]) -> Result<(), SourceError> {
    if commits.is_empty() {
        return Ok(());
    }
    let place = repo.common_dir().join("shallow");
    let failed = |error: std::io::Error| SourceError::store(format!("write {}", place.display()), &error);
    let mut lines: BTreeSet<String> = match fs::read_to_string(&place) {
        Ok(text) => text.lines().map(str::to_owned).collect(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => BTreeSet::new(),
        Err(error) => return Err(failed(error)),
    };
    lines.extend(commits.iter().map(ToString::to_string));
    let text: String = lines.into_iter().map(|line| line + "\n").collect();
    fs::write(&place, text).map_err(failed)
}

fn note(repo: &gix::Repository, name: &str, id: ObjectId) -> gix::Result<()> {
    repo.reference(name, id, PreviousValue::Any, "kept").map(|_| ())
}

/// The commits that have a ref in a folder, each with the names of its refs.
fn kept(repo: &gix::Repository, folder: &str) -> gix::Result<BTreeMap<ObjectId, Vec<String>>> {
    let mut kept: BTreeMap<_, Vec<String>> = BTreeMap::new();
    for reference in repo.references()?.prefixed(folder)? {
        let reference = reference.map_err(|error| gix::Error::from_error(std::io::Error::other(error.to_string())))?;
        if let Some(id) = reference.target().try_id() {
            kept.entry(id.to_owned()).or_default().push(reference.name().as_bstr().to_string());
        }
    }
    Ok(kept)
}

fn time(repo: &gix::Repository, id: ObjectId) -> i64 {
    repo.find_commit(id).ok().and_then(|commit| commit.time().ok()).map_or(0, |time| time.seconds)
}
