//! Whether a revision is signed by who may sign: its commit, its tag or both. What is not is never parsed, let alone applied.
//!
//! Of a merge, its own signature counts, as for any other commit: who signs it vouches for all that it brings in.

use tracing::info;

use super::secrets::SecretKeeper;
use super::settings::Settings;
use crate::api::gitsync::VerifyMode;
use crate::api::gitsync_status::VerifiedRevision;
use crate::model::{CommitId, Revision};
use crate::signature::{self, Refusal, Signer, Signers};
use crate::source::{Source, SourceError};

/// Who signed a revision; none where nobody must.
pub(super) async fn verify(
    source: &Source,
    secrets: &SecretKeeper,
    settings: &Settings,
    revision: &Revision,
) -> Result<Option<VerifiedRevision>, SourceError> {
    let Some((mode, secret)) = &settings.verify else { return Ok(None) };
    let Some(commit) = revision.commit() else {
        return Err(unverified(revision.short(), Refusal::Missing(": what is not of Git has no signatures")));
    };
    let signers = secrets.signers(secret, settings).await?;
    let mut verified = VerifiedRevision { revision: revision.to_string(), commit: None, tag: None };
    if matches!(mode, VerifyMode::Commit | VerifyMode::Both) {
        verified.commit = Some(of_commit(source, revision, commit, &signers).await?.to_string());
    }
    if matches!(mode, VerifyMode::Tag | VerifyMode::Both) {
        let Some(tag) = settings.follow.tag(revision) else {
            return Err(unverified(revision.short(), Refusal::Missing(": no tag names it")));
        };
        verified.tag = Some(of_tag(source, tag, commit, &signers).await?.to_string());
    }
    info!(sync = %settings.sync.key, %revision, commit = verified.commit, tag = verified.tag, "revision verified");
    Ok(Some(verified))
}

async fn of_commit(
    source: &Source,
    revision: &Revision,
    commit: CommitId,
    signers: &Signers,
) -> Result<Signer, SourceError> {
    let raw = source.raw_commit(commit).await?;
    let signer = signature::commit(&raw).and_then(|signed| signature::verify(&signed, signers, now()));
    signer.map_err(|refusal| unverified(format!("the commit {}", revision.short()), refusal))
}

async fn of_tag(source: &Source, tag: &str, commit: CommitId, signers: &Signers) -> Result<Signer, SourceError> {
    let signer = match source.raw_tag(tag, commit).await? {
        Some(raw) => signature::tag(&raw, tag).and_then(|signed| signature::verify(&signed, signers, now())),
        None => Err(Refusal::Missing(": it is a lightweight tag, a name and nothing else")),
    };
    signer.map_err(|refusal| unverified(format!("the tag {tag:?}"), refusal))
}

fn unverified(what: String, refusal: Refusal) -> SourceError {
    SourceError::Unverified { what, refusal }
}

fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}
