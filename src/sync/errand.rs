//! What a loop sends for: the branch's newest revision, or the commit that a person pinned the GitSync to. A revision that
//! does not follow what is applied comes back held, if need be with what is applied, which goes on being declared.

use std::sync::Arc;

use tokio::time::Instant;
use tracing::{info, warn};

use super::fetch::{Found, FoundRevision, Parsed};
use super::secrets::SecretKeeper;
use super::settings::Settings;
use super::verify::verify;
use crate::api::gitsync::{Rewrites, VerifyMode};
use crate::model::{Ancestry, CommitId, Follow, Revision};
use crate::plan::rewrite::{Past, Rewritten, judge};
use crate::source::{Ancestor, Fetch, Source, SourceError};

/// What is sent for, and what the loop knows.
#[derive(Debug)]
pub struct Errand {
    /// What the spec says.
    pub settings: Arc<Settings>,
    /// The mirror that is sent to; none for the url itself.
    pub mirror: Option<String>,
    /// Where the source was last seen to be; none to read everything again.
    pub known: Option<Revision>,
    /// What the server said since then to another GitSync of the same source is good enough.
    pub since: Instant,
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

/// A revision that nobody who may has signed, or of which that could not be told.
#[derive(Debug)]
pub struct FoundUnverified {
    /// Why.
    pub error: SourceError,
    /// What is applied, where the loop does not have it.
    pub base: Option<Result<FoundRevision, SourceError>>,
}

impl Errand {
    /// Looks at the source.
    pub async fn run(
        mut self,
        source: &Source,
        parsed: &mut Parsed,
        secrets: &SecretKeeper,
    ) -> Result<Found, SourceError> {
        if let Some(pin) = self.settings.pinned.clone() {
            return self.pinned(source, parsed, secrets, &pin).await;
        }
        let snapshot = match source.fetch_since(self.known.as_ref(), &self.settings.narrowing, self.since).await? {
            Fetch::Unchanged => return Ok(Found::Unchanged),
            Fetch::Changed(snapshot) => snapshot,
        };
        // Before a byte of its files is read: whoever may push need not be who may sign.
        let verified = match verify(source, secrets, &self.settings, &snapshot.revision).await {
            Ok(verified) => verified,
            Err(error) => return Ok(self.unverified(source, parsed, error).await),
        };
        if let Some(mirror) = &self.mirror {
            self.leads_on(source, mirror, &snapshot.revision).await?;
        }
        let found = FoundRevision { verified, ..parsed.take(source, snapshot, &self.settings).await? };
        match follows(source, None, &self.settings, &self.past, &found.snapshot.revision).await? {
            Ok(approved) => {
                self.keep.extend(found.snapshot.revision.commit());
                self.keep(source).await;
                Ok(Found::Revision(Box::new(FoundRevision { approved, ..found })))
            }
            Err(held) => {
                self.keep(source).await;
                let base = if self.declares {
                    None
                } else {
                    Some(read_at(source, parsed, held.applied, (&self.past, &self.settings)).await)
                };
                Ok(Found::Held(Box::new(FoundHeld { held, new: found, base })))
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

    /// What was applied before stays declared.
    async fn unverified(self, source: &Source, parsed: &mut Parsed, error: SourceError) -> Found {
        let applied = self.past.applied.as_ref().filter(|_| !self.declares && self.past.same_source);
        let applied = applied.and_then(|applied| Revision(applied.revision.as_str().into()).commit());
        self.keep(source).await;
        let base = match applied {
            Some(commit) => Some(read_at(source, parsed, commit, (&self.past, &self.settings)).await),
            None => None,
        };
        Found::Unverified(Box::new(FoundUnverified { error, base }))
    }

    /// The pinned commit: what is at hand of it is read without any request. One that was applied was verified then.
    async fn pinned(
        mut self,
        source: &Source,
        parsed: &mut Parsed,
        secrets: &SecretKeeper,
        pin: &str,
    ) -> Result<Found, SourceError> {
        let missing =
            |why: String, transient| SourceError::PinnedRevisionMissing { commit: pin.to_owned(), why, transient };
        let commit =
            CommitId::parse(pin).ok_or_else(|| missing("these are not all 40 digits of a commit".into(), false))?;
        if self.known.as_ref().and_then(Revision::commit) == Some(commit) {
            return Ok(Found::Unchanged);
        }
        let applied = self.past.called(commit).is_some();
        let by_tag = self.settings.verify.as_ref().is_some_and(|(mode, _)| *mode != VerifyMode::Commit);
        if by_tag && !applied {
            return Err(missing("it was never applied, and spec.verify asks for a tag that is signed".into(), false));
        }
        let found = read_at(source, parsed, commit, (&self.past, &self.settings)).await;
        let found = found.map_err(|error| missing(error.to_string(), error.is_transient()))?;
        let revision = &found.snapshot.revision;
        let verified = if applied { None } else { verify(source, secrets, &self.settings, revision).await? };
        self.keep.push(commit);
        self.keep(source).await;
        Ok(Found::Revision(Box::new(FoundRevision { verified, ..found })))
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
