//! The status of a commit at its forge: what it is to be, and how each forge is told.

use serde_json::{Value, json};

use super::digest;
use super::plain::plain;
use crate::api::GitSyncStatus;
use crate::api::condition::{self, READY, SOURCE_STALE};
use crate::api::notify::{TargetType, ToldCommit};
use crate::model::{CommitId, ObjectKey, Revision};

/// Bytes of a description that every forge takes.
const DESCRIPTION: usize = 140;
/// Reasons of a GitSync that is on its way.
const UNDER_WAY: [&str; 5] =
    ["DependencyNotReady", "Progressing", "RenamePending", "WaitingForHealth", "WaitingForWave"];

/// How a commit is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitState {
    /// The commit.
    pub commit: CommitId,
    /// How it is.
    pub is: Is,
    /// In one line.
    pub description: String,
}

/// How a commit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Is {
    /// It is being applied.
    Pending,
    /// It is applied.
    Success,
    /// Some of it is not.
    Failure,
}

impl Is {
    /// As it is written in status, and as most forges have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Success => "success",
            Self::Failure => "failure",
        }
    }
}

impl CommitState {
    /// What is to be told of the newest commit; none where that is known, or nothing can be said now.
    pub fn of(generation: Option<i64>, status: &GitSyncStatus, told: Option<&ToldCommit>) -> Option<Self> {
        let ready = condition::find(&status.conditions, READY)?;
        let stale = condition::is_true(&status.conditions, SOURCE_STALE);
        // Who is pinned goes back: what was said of that commit was said then.
        if status.observed_generation != generation || stale || status.pinned_revision.is_some() {
            return None;
        }
        let attempted = status.last_attempted_revision.as_deref()?;
        let commit = Revision(attempted.into()).commit()?;
        if told.is_some_and(|told| is_older(status, commit, &told.commit)) {
            return None;
        }
        let applied = status.last_applied_revision.as_ref().is_some_and(|applied| applied.revision == attempted);
        let known = told.filter(|told| told.commit == commit.to_string());
        let under_way = UNDER_WAY.contains(&ready.reason.as_str());
        let is = match ready.status.as_str() {
            "True" if applied => Is::Success,
            "False" if !under_way && ready.reason != "Suspended" => Is::Failure,
            // A commit that was judged stays so while it is looked at again.
            "True" | "False" if ready.reason != "Suspended" && known.is_none() => Is::Pending,
            _ => return None,
        };
        let finding = status.diagnostics.first().filter(|_| is == Is::Failure);
        let description = match (is, finding) {
            (Is::Pending, _) => "being applied".to_owned(),
            (Is::Success, _) => {
                let counts = status.counts.unwrap_or_default();
                format!("applied: {} declared", counts.declared)
            }
            (Is::Failure, Some(one)) => format!("{}: {} {}", one.place, one.code, one.message),
            (Is::Failure, None) => format!("{}: {}", ready.reason, ready.message),
        };
        let state = Self { commit, is, description: plain(&description, DESCRIPTION) };
        (known != Some(&state.told())).then_some(state)
    }

    /// A status that only tries whether it arrives, of the newest commit.
    pub fn test(status: &GitSyncStatus) -> Option<Self> {
        let commit = Revision(status.last_attempted_revision.as_deref()?.into()).commit()?;
        Some(Self {
            commit,
            is: Is::Success,
            description: "a test by gitmoor alert test; nothing has happened".to_owned(),
        })
    }

    /// What status remembers of it.
    pub fn told(&self) -> ToldCommit {
        let said = digest([self.is.as_str(), &self.description]);
        ToldCommit { commit: self.commit.to_string(), state: self.is.as_str().to_owned(), said }
    }
}

/// Whether the history says that a commit was there before the one that was told.
fn is_older(status: &GitSyncStatus, commit: CommitId, told: &str) -> bool {
    let at = |wanted: &str| status.history.iter().position(|entry| entry.revision.ends_with(wanted));
    match (at(&commit.to_string()), at(told)) {
        (Some(commit), Some(told)) => commit > told,
        _ => false,
    }
}

/// What is sent to a forge.
#[derive(Debug, Clone, Copy)]
pub struct Status<'a> {
    /// Which forge.
    pub kind: TargetType,
    /// Who says it.
    pub sync: &'a ObjectKey,
    /// What.
    pub state: &'a CommitState,
    /// Where to look.
    pub link: Option<&'a str>,
    /// Whether it only tries whether it arrives: then it stands beside the real one.
    pub test: bool,
}

impl Status<'_> {
    /// Address and body; none where the source is no repository of a forge. `base` is the address of the forge's API.
    pub fn request(&self, source: &str, base: Option<&str>) -> Option<(String, Value)> {
        let Repository { origin, path } = Repository::of(source)?;
        let base = match (base, self.kind) {
            (Some(base), _) => base.trim_end_matches('/').to_owned(),
            (None, TargetType::GitHub) if origin == "https://github.com" => "https://api.github.com".to_owned(),
            (None, TargetType::GitHub) => format!("{origin}/api/v3"),
            (None, TargetType::GitLab) => format!("{origin}/api/v4"),
            (None, _) => format!("{origin}/api/v1"),
        };
        let test = if self.test { "/test" } else { "" };
        let (commit, context) = (self.state.commit, format!("gitmoor/{}{test}", self.sync));
        let url = if self.kind == TargetType::GitLab {
            format!("{base}/projects/{}/statuses/{commit}", path.replace('/', "%2F"))
        } else {
            format!("{base}/repos/{path}/statuses/{commit}")
        };
        let is = if (self.kind, self.state.is) == (TargetType::GitLab, Is::Failure) {
            "failed"
        } else {
            self.state.is.as_str()
        };
        let mut body = json!({"state": is, "description": self.state.description, "context": context});
        if let Some(link) = self.link {
            body["target_url"] = json!(link);
        }
        Some((url, body))
    }
}

/// Whether a refusal says that the status is as it should be: GitLab refuses to set a state that is set.
pub fn is_so(kind: TargetType, status: u16, body: &[u8]) -> bool {
    let said = String::from_utf8_lossy(body);
    kind == TargetType::GitLab && status == 400 && said.contains("Cannot transition status")
}

/// A repository at a forge.
#[derive(Debug, PartialEq, Eq)]
struct Repository {
    origin: String,
    path: String,
}

impl Repository {
    /// Reads `https://host/owner/name.git`, `ssh://git@host:22/owner/name`, `git@host:owner/name.git`.
    fn of(source: &str) -> Option<Self> {
        let (scheme, rest) = match source.split_once("://") {
            Some((scheme @ ("https" | "http"), rest)) => (scheme, rest),
            Some(("ssh", rest)) => ("ssh", rest),
            Some(_) => return None,
            None => ("scp", source),
        };
        let (authority, path) = match scheme {
            "scp" => rest.split_once(':')?,
            _ => rest.split_once('/')?,
        };
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        // The port of ssh is not that of the API.
        let host = if scheme == "ssh" { host.split(':').next()? } else { host };
        let path = path.trim_matches('/');
        let path = path.strip_suffix(".git").unwrap_or(path);
        let part = |part: &str| {
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '~' | '+');
            !part.is_empty() && part != "." && part != ".." && part.chars().all(plain)
        };
        let fits = !host.is_empty() && path.contains('/') && path.split('/').all(part);
        let scheme = if scheme == "http" { "http" } else { "https" };
        fits.then(|| Self { origin: format!("{scheme}://{host}"), path: path.to_owned() })
    }
}

#[cfg(test)]
mod tests;
