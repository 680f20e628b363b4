//! Which ref of the server stands for what is followed. A branch, a tag and a full name are one; of a range of versions the
//! server's tags are listed, and the highest that fits is chosen.

use std::sync::Arc;

use gix::ObjectId;

use super::common::Tip;
use super::fetch::{Asked, list_tags};
use super::reference::Reference;
use super::{Attempt, Target};
use crate::model::reference::Follow;
use crate::model::snapshot::Revision;
use crate::source::SourceError;

/// A ref or a commit to ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chosen {
    /// What the server is asked for.
    pub reference: Reference,
    /// The tag, where it was chosen by its version.
    pub tag: Option<String>,
    /// Where it is, where a listing told.
    pub at: Option<ObjectId>,
}

impl Target {
    /// What to ask for. Where versions are followed, this lists the server's tags.
    pub(super) fn choose(&self, repo: &gix::Repository, attempt: &Arc<Attempt>) -> Result<Chosen, SourceError> {
        let chosen = |reference| Chosen { reference, tag: None, at: None };
        let range = match &self.follow {
            Follow::Versions(range) => range,
            Follow::Commit(commit) => return Ok(chosen(Reference::Commit(ObjectId::Sha1(commit.0)))),
            named => return Ok(chosen(Reference::Name(named.full_name().unwrap_or_default()))),
        };
        let tags = list_tags(self, repo, attempt)?;
        let names = tags.iter().map(|(name, _)| name.as_str());
        let Some(highest) = range.highest(names) else { return Err(self.no_such_ref()) };
        let at = tags.iter().find(|(name, _)| name == highest).map(|(_, id)| *id);
        let reference = Reference::Name(format!("refs/tags/{highest}"));
        Ok(Chosen { reference, tag: Some(highest.to_owned()), at })
    }

    /// The commit of a revision, where it is one of what is followed.
    pub(super) fn known(&self, chosen: &Chosen, revision: Option<&Revision>) -> Option<ObjectId> {
        let revision = revision?;
        let id = revision.commit()?;
        (self.follow.revision(chosen.tag.as_deref(), &id.to_string()) == *revision).then_some(ObjectId::Sha1(id.0))
    }

    /// Whether the source is where a caller knows it to be.
    pub(super) fn is_known(&self, asked: &Asked, tip: &Tip) -> bool {
        self.known(&tip.chosen, asked.known.as_ref()) == Some(tip.id)
    }

    /// What a commit that was asked for is called.
    pub(super) fn called(&self, chosen: &Chosen, id: ObjectId) -> Revision {
        self.follow.revision(chosen.tag.as_deref(), &id.to_string())
    }

    /// The server does not have what is followed.
    pub(super) fn no_such_ref(&self) -> SourceError {
        let (what, field) = match &self.follow {
            Follow::Branch(name) => (format!("branch {name:?}"), "branch"),
            Follow::Tag(name) => (format!("tag {name:?}"), "tag"),
            Follow::Versions(range) => (format!("tag with a version in the range {range}"), "semver"),
            Follow::Commit(commit) => (format!("commit {commit}"), "commit"),
            Follow::Name(name) => (format!("ref {name:?}"), "name"),
        };
        SourceError::RefNotFound { url: self.url.to_string(), what, field }
    }
}
