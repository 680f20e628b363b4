//! What a loop sends for: the branch's newest revision, or the commit that a person pinned the GitSync to. A revision that
//! does not follow what is applied comes back held, if need be with what is applied, which goes on being declared.

use std::sync::Arc;

use tracing::{info, warn};

use super::fetch::{Found, FoundRevision, Parsed, look};
use super::settings::Settings;
use crate::api::gitsync::Rewrites;
use crate::model::{Ancestry, CommitId, Follow, Revision};
use crate::plan::rewrite::{Past, Rewritten, judge};
use crate::source::{Ancestor, Source, SourceError};

/// What is sent for, and what the loop knows.
#[derive(Debug)]
pub struct Errand {
    /// What the spec says.
    pub settings: Arc<Settings>,
    /// The mirror that is sent to; none for the url itself.
    pub mirror: Option<String>,
    /// Where the source was last seen to be; none to read everything again.
    pub known: Option<Revision>,
    /// What a new revision is measured by.
    pub past: Past,
    /// Whether the loop has declarations that were read by the spec as it is.
    pub declares: bool,
    /// The commits that are kept.
    pub keep: Vec<CommitId>,
}

/// A revision that is held.
#[derive(Debug)]
pub struct FoundHeld {
    /// Why.
    pub held: Rewritten,
    /// What it has, and what it declares.
    pub new: FoundRevision,
    /// What is applied, where the loop does not have it.
    pub base: Option<Result<FoundRevision, SourceError>>,
}

impl Errand {
    /// Looks at the source.
    pub async fn run(mut self, source: &Source, parsed: &mut Parsed) -> Result<Found, SourceError> {
        if let Some(pin) = self.settings.pinned.clone() {
            return self.pinned(source, parsed, &pin).await;
        }
        let found = match look(source, parsed, self.known.as_ref(), &self.settings).await? {
            Found::Revision(found) => found,
            other => return Ok(other),
        };
        let revision = &found.snapshot.revision;
        if let Some(mirror) = &self.mirror {
            self.leads_on(source, mirror, revision).await?;
        }
        match follows(source, None, &self.settings, &self.past, revision).await? {
            Ok(approved) => {
                self.keep.extend(found.snapshot.revision.commit());
                self.keep(source).await;
                Ok(Found::Revision(Box::new(FoundRevision { approved, ..*found })))
            }
            Err(held) => {
                self.keep(source).await;
                let base = if self.declares {
                    None
                } else {
                    Some(read_at(source, parsed, held.applied, (&self.past, &self.settings)).await)
                };
                Ok(Found::Held(Box::new(FoundHeld { held, new: *found, base })))
            }
        }
    }

    /// A mirror that lags behind must not take the cluster back, whatever the spec says of rewritten history.
    async fn leads_on(&self, source: &Source, mirror: &str, revision: &Revision) -> Result<(), SourceError> {
        let bases = self.past.bases(revision);
        let (Some(applied), Some(commit)) = (bases.last(), revision.commit()) else { return Ok(()) };
        for base in &bases {
            let from = Ancestor { commit: base.commit, time: base.time };
            if source.descends(from, commit).await? == Ancestry::Yes {
                return Ok(());
            }
        }
        let applied = applied.commit.to_string();
        Err(SourceError::MirrorBehind { url: mirror.to_owned(), revision: revision.to_string(), applied })
    }

    /// The pinned commit: what is at hand of it is read without any request.
    async fn pinned(mut self, source: &Source, parsed: &mut Parsed, pin: &str) -> Result<Found, SourceError> {
        let missing =
            |why: String, transient| SourceError::PinnedRevisionMissing { commit: pin.to_owned(), why, transient };
        let commit =
            CommitId::parse(pin).ok_or_else(|| missing("these are not all 40 digits of a commit".into(), false))?;
        if self.known.as_ref().and_then(Revision::commit) == Some(commit) {
            return Ok(Found::Unchanged);
        }
        let found = read_at(source, parsed, commit, (&self.past, &self.settings)).await;
        let found = found.map_err(|error| missing(error.to_string(), error.is_transient()))?;
        self.keep.push(commit);
        self.keep(source).await;
        Ok(Found::Revision(Box::new(found)))
    }

    /// What cannot be kept is missed only when somebody wants to go back.
    async fn keep(&self, source: &Source) {
        if let Err(error) = source.keep(self.keep.clone()).await {
            warn!(sync = %self.settings.sync.key, reason = error.reason(), %error, "revisions are not kept in the cache");
        }
    }
}

/// Whether a revision is followed, and the plan that a person approved for that. `reference` is where it was found, if not
/// at the branch.
pub(super) async fn follows(
    source: &Source,
    reference: Option<&str>,
    settings: &Settings,
    past: &Past,
    new: &Revision,
) -> Result<Result<Option<String>, Rewritten>, SourceError> {
    let bases = past.bases(new);
    let (Some(applied), Some(commit)) = (bases.last(), new.commit()) else { return Ok(Ok(None)) };
    if settings.rewrites == Rewrites::Follow {
        return Ok(Ok(None));
    }
    // Where the commit of a tag changed, it is no matter what descends from what.
    if reference.is_none() && settings.follow.is_fixed() {
        let same = bases.iter().any(|base| base.commit == commit);
        let answer = if same { Ancestry::Yes } else { Ancestry::No };
        let judged = judge(&settings.sync.uid, applied.commit, new, &[answer], settings.approve.as_deref());
        return Ok(judged.map_err(|held| Rewritten { moved: true, ..held }));
    }
    let mut answers = Vec::new();
    for base in &bases {
        let from = Ancestor { commit: base.commit, time: base.time };
        let answer = source.descends_at(reference, from, commit).await?;
        answers.push(answer);
        if answer == Ancestry::Yes {
            break;
        }
    }
    Ok(judge(&settings.sync.uid, applied.commit, new, &answers, settings.approve.as_deref()))
}

/// Reads a commit, from the cache where it is kept there. It is called what it was called when it was applied.
async fn read_at(
    source: &Source,
    parsed: &mut Parsed,
    commit: CommitId,
    (past, settings): (&Past, &Settings),
) -> Result<FoundRevision, SourceError> {
    let mut snapshot = source.at(commit, &settings.narrowing).await?;
    // Which version it was, its commit does not tell.
    if let (Follow::Versions(_), Some(called)) = (&settings.follow, past.called(commit)) {
        Arc::make_mut(&mut snapshot).revision = called;
    }
    info!(sync = %settings.sync.key, revision = %snapshot.revision, "earlier revision read");
    parsed.take(source, snapshot, settings).await
}
