//! Commits and tags as they are stored, for whoever looks at their signatures. Nothing is judged here; but what is handed out has
//! the id that was asked for, and is no larger than what is looked at.

use std::sync::Arc;

use gix::ObjectId;
use gix::objs::Kind;

use super::fetch::tag_object;
use super::store::Store;
use super::{Attempt, Target};
use crate::model::snapshot::CommitId;
use crate::signature::MAX_OBJECT;
use crate::source::SourceError;

/// A commit that is at hand.
pub(super) fn commit(repo: &gix::Repository, attempt: &Attempt, commit: CommitId) -> Result<Vec<u8>, SourceError> {
    let (kind, content) = raw(repo, attempt, ObjectId::Sha1(commit.0))?;
    if kind != Kind::Commit {
        return Err(SourceError::Corrupt { url: attempt.url(), why: format!("{commit} is no commit") });
    }
    Ok(content)
}

/// A tag, as the server has it; none where it has no object of its own.
pub(super) fn tag(
    target: &Target,
    store: &mut Store,
    attempt: &Arc<Attempt>,
    tag: &str,
    commit: CommitId,
) -> Result<Option<Vec<u8>>, SourceError> {
    let repo = store.open()?;
    let moved =
        || SourceError::Interrupted { url: attempt.url(), why: format!("the tag {tag:?} moved while it was read") };
    let id = tag_object(target, &repo, attempt, tag)?.ok_or_else(moved)?;
    let (kind, content) = raw(&repo, attempt, id)?;
    // A tag may be of another tag: each names the next by its id, so the signature of the first is of all of them.
    let end = repo.find_object(id).and_then(gix::Object::peel_tags_to_end).map_err(|error| attempt.explain(&error))?;
    if end.id != ObjectId::Sha1(commit.0) {
        return Err(moved());
    }
    Ok((kind == Kind::Tag).then_some(content))
}

fn raw(repo: &gix::Repository, attempt: &Attempt, id: ObjectId) -> Result<(Kind, Vec<u8>), SourceError> {
    let explain = |error: gix::Error| attempt.explain(&error);
    let missing = || SourceError::Corrupt { url: attempt.url(), why: format!("{id} is not at hand") };
    let header = repo.try_find_header(id).map_err(explain)?.ok_or_else(missing)?;
    if header.size() > MAX_OBJECT {
        let why = format!("{id} has {} bytes; {MAX_OBJECT} is the limit for what is signed", header.size());
        return Err(SourceError::TooLarge { url: attempt.url(), why });
    }
    let object = repo.find_object(id).map_err(explain)?.detach();
    let hash = gix::objs::compute_hash(repo.object_hash(), object.kind, &object.data).map_err(explain)?;
    if hash != id {
        return Err(SourceError::Corrupt { url: attempt.url(), why: format!("{id} has the content of {hash}") });
    }
    Ok((object.kind, object.data))
}
