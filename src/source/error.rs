//! What can go wrong with a source: one enum, whose words become a condition and whose message says
//! what to do next. A message never carries what stands before the `@` of a URL.

mod host_key;
mod nature;
mod words;

use std::time::Duration;

pub use self::host_key::HostKey;
pub(in crate::source) use self::nature::has_no_room;
use self::words::{again, came};
use crate::model::codes;
use crate::model::snapshot::BlobId;
use crate::signature::Refusal;

/// Why a source could not be opened, fetched or read.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SourceError {
    /// The URL is of a kind that is not read, or not safe to hand on.
    #[error("the URL {url} is refused: {why}")]
    UrlRefused {
        /// The URL without user information.
        url: String,
        /// What is wrong, and what to write instead.
        why: String,
    },
    /// The branch's name is not one that Git allows.
    #[error("the branch name {branch:?} is refused: {why}")]
    BranchRefused {
        /// The name.
        branch: String,
        /// What is wrong with it.
        why: String,
    },
    /// What is asked for is neither a branch nor another ref nor a commit.
    #[error("the ref {reference:?} is refused: {why}")]
    ReferenceRefused {
        /// What was asked for.
        reference: String,
        /// What is wrong with it.
        why: String,
    },
    /// A wanted path leads out of the tree.
    #[error("the path {path:?} is refused: {why}")]
    PathRefused {
        /// The path as it was written.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// The repository has no such branch, tag or other ref.
    #[error("{url} has no {what}; push it, or name another in spec.ref.{field}")]
    RefNotFound {
        /// The repository.
        url: String,
        /// What it does not have.
        what: String,
        /// The field of `spec.ref` that asks for it.
        field: &'static str,
    },
    /// A commit is neither in the cache nor to be had from the server.
    #[error("{commit} is not in the cache, and {url} does not give it ({why}); push it to a branch or a tag there")]
    CommitNotFound {
        /// The repository.
        url: String,
        /// The commit or the ref.
        commit: String,
        /// What the server says.
        why: String,
    },
    /// The commit that a person pinned a GitSync to cannot be read.
    #[error(
        "the pinned revision {commit} cannot be read: {why}; pin one of the GitSync's history (gitmoor rollback), or remove \
         the annotation gitmoor.dev/pinned-revision. What is applied stays"
    )]
    PinnedRevisionMissing {
        /// What the annotation says.
        commit: String,
        /// Why it cannot be read.
        why: String,
        /// Whether trying again may help.
        transient: bool,
    },
    /// Nobody who may has signed it.
    #[error("{what} is not applied: {refusal}; {}. What is applied stays", refusal.remedy())]
    Unverified {
        /// The commit or the tag.
        what: String,
        /// What is wrong with its signature.
        refusal: Refusal,
    },
    /// Nothing is there, or nothing that an anonymous reader may see.
    #[error("there is no repository at {url}; check spec.url (a private repository may look like none)")]
    RepositoryNotFound {
        /// The repository.
        url: String,
    },
    /// The server wants to know who is reading.
    #[error("{url} asks for credentials, and it was told none; name a Secret that has them in spec.secretRef")]
    AuthenticationRequired {
        /// The repository.
        url: String,
    },
    /// The server does not accept who we say we are.
    #[error("{url} refuses the credentials of the Secret; renew them, or give them the right to read the repository")]
    CredentialsRefused {
        /// The repository.
        url: String,
    },
    /// The server sends us to another host, which asks who is reading.
    #[error(
        "{url} sends readers to {to}, which asks for credentials; they are sent to the host of spec.url alone, so write the \
         new place there"
    )]
    CredentialsWithheld {
        /// The repository.
        url: String,
        /// The other host.
        to: String,
    },
    /// The proxy before the server does not let us through.
    #[error("the proxy before {url} asks for credentials, or refuses those that it was told")]
    ProxyRefused {
        /// The repository.
        url: String,
    },
    /// There is no such Secret.
    #[error("Secret {secret}, which spec.{field} names, does not exist; create it, or correct the name")]
    SecretMissing {
        /// The Secret.
        secret: String,
        /// The field that names it.
        field: &'static str,
    },
    /// The Secret may not be read, or could not be.
    #[error("Secret {secret}, which spec.{field} names, could not be read: {why}")]
    SecretUnread {
        /// The Secret.
        secret: String,
        /// The field that names it.
        field: &'static str,
        /// What the API server says.
        why: String,
        /// Whether trying again may help.
        transient: bool,
    },
    /// What is in the Secret is of no use.
    #[error("Secret {secret} is of no use for {url}: {why}")]
    SecretInvalid {
        /// The repository.
        url: String,
        /// The Secret.
        secret: String,
        /// Which key is missing or wrong; never its value.
        why: String,
    },
    /// The server knows the repository and refuses to show it.
    #[error("{url} refuses access; ask its owner for the right to read it")]
    AccessDenied {
        /// The repository.
        url: String,
    },
    /// The SSH server's key is not one that is known.
    #[error("the SSH host key of {url} {what}")]
    HostKeyRefused {
        /// The repository.
        url: String,
        /// What is wrong with it.
        what: HostKey,
    },
    /// The TLS certificate is not trusted.
    #[error("the TLS certificate of {url} is not trusted: {why}")]
    CertificateRefused {
        /// The repository.
        url: String,
        /// What the verifier says.
        why: String,
    },
    /// The server could not be reached, or the conversation broke off.
    #[error("failed to talk to {url}: {why}")]
    TransportFailed {
        /// The repository.
        url: String,
        /// What happened.
        why: String,
    },
    /// The server reports a failure of its own, or asks to come back later.
    #[error("{url} answered with HTTP status {status}{}", again(*after))]
    ServerFailed {
        /// The repository.
        url: String,
        /// The HTTP status.
        status: u16,
        /// When it wants to be asked again, where it says so.
        after: Option<Duration>,
    },
    /// The server breaks off, and says why.
    #[error("{url} breaks off and says: {said}")]
    ServerRefused {
        /// The repository.
        url: String,
        /// Its words.
        said: String,
    },
    /// The server was asked too often.
    #[error("{url} asks for fewer requests (HTTP status 429){}; a webhook makes polls rare", again(*after))]
    RateLimited {
        /// The repository.
        url: String,
        /// When it wants to be asked again, where it says so.
        after: Option<Duration>,
    },
    /// Something answers there, but not as a Git server does.
    #[error("{url} does not answer as a Git server: {why}")]
    NotGit {
        /// The repository.
        url: String,
        /// What it did instead.
        why: String,
    },
    /// The server or the repository needs something that is not implemented.
    #[error("{url} needs what is not supported: {why}")]
    Unsupported {
        /// The repository.
        url: String,
        /// What is missing.
        why: String,
    },
    /// The deadline passed.
    #[error(
        "{url} was not read within {}s{}; raise spec.timeout if it is large or slow", after.as_secs_f64(), came(*received)
    )]
    Timeout {
        /// The source.
        url: String,
        /// The deadline.
        after: Duration,
        /// How many bytes had come in by then, where any had to.
        received: Option<u64>,
    },
    /// A pack has all but stopped coming.
    #[error("{url} is too slow: of its pack, fewer than {bytes} bytes came in within {}s", within.as_secs_f64())]
    TooSlow {
        /// The repository.
        url: String,
        /// How many bytes would have been enough.
        bytes: u64,
        /// Within how long.
        within: Duration,
    },
    /// The work was given up by its caller or broke down by itself.
    #[error("reading {url} was interrupted: {why}")]
    Interrupted {
        /// The source.
        url: String,
        /// Why.
        why: String,
    },
    /// The source is larger than what is read.
    #[error("{url} is too large: {why}")]
    TooLarge {
        /// The source.
        url: String,
        /// Which bound it passed.
        why: String,
    },
    /// The server lists more refs than are looked at.
    #[error(
        "{url} lists more than {limit} refs; remove tags and branches that nobody needs, or mirror what is followed"
    )]
    TooManyRefs {
        /// The repository.
        url: String,
        /// The bound.
        limit: usize,
    },
    /// One file is larger than what is read.
    #[error("a file of {bytes} bytes (blob {blob}) is larger than the {limit} bytes that are read; make it smaller")]
    BlobTooLarge {
        /// The file's content.
        blob: BlobId,
        /// Its size.
        bytes: u64,
        /// The bound.
        limit: u64,
    },
    /// A file's content is not at hand: it is of another snapshot, or the store lost it.
    #[error("blob {blob} is not at hand; the next fetch reads {url} anew")]
    BlobMissing {
        /// The source.
        url: String,
        /// The content that was asked for.
        blob: BlobId,
    },
    /// What was received or stored cannot be read.
    #[error("what was read from {url} is damaged: {why}; the next fetch reads it anew")]
    Corrupt {
        /// The repository.
        url: String,
        /// What cannot be read.
        why: String,
    },
    /// The local store or folder failed.
    #[error("failed to {what}: {why}")]
    StoreFailed {
        /// What was tried.
        what: String,
        /// The operating system's words.
        why: String,
    },
    /// There is no room for what would be kept.
    #[error(
        "failed to {what}: {why}; make room on the volume of the cache. What was read before stays, and it is tried again"
    )]
    StoreFull {
        /// What was tried.
        what: String,
        /// The operating system's words.
        why: String,
    },
    /// A mirror does not have what is applied in its history.
    #[error(
        "the mirror {url} has {revision}, which does not descend from {applied}, which is applied: it lags behind, or is of \
         another history, so nothing is taken from it"
    )]
    MirrorBehind {
        /// The mirror.
        url: String,
        /// What it has.
        revision: String,
        /// The commit that is applied.
        applied: String,
    },
    /// The folder to read is not there.
    #[error("{path} is not a folder that can be read: {why}")]
    NotADirectory {
        /// The folder.
        path: String,
        /// What it is instead.
        why: String,
    },
}

impl SourceError {
    /// A stable CamelCase word for conditions and metric labels.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::UrlRefused { .. } => "UrlRefused",
            Self::BranchRefused { .. } => "BranchRefused",
            Self::ReferenceRefused { .. } => "ReferenceRefused",
            Self::PathRefused { .. } => "PathRefused",
            Self::RefNotFound { .. } => "RefNotFound",
            Self::CommitNotFound { .. } => "CommitNotFound",
            Self::PinnedRevisionMissing { .. } => "PinnedRevisionMissing",
            Self::Unverified { refusal, .. } => refusal.reason(),
            Self::RepositoryNotFound { .. } => "RepositoryNotFound",
            Self::AuthenticationRequired { .. } => "AuthenticationRequired",
            Self::CredentialsRefused { .. } => "CredentialsRefused",
            Self::CredentialsWithheld { .. } => "CredentialsWithheld",
            Self::ProxyRefused { .. } => "ProxyRefused",
            Self::SecretMissing { .. } => "SecretMissing",
            Self::SecretUnread { .. } => "SecretUnread",
            Self::SecretInvalid { .. } => "SecretInvalid",
            Self::AccessDenied { .. } => "AccessDenied",
            Self::HostKeyRefused { .. } => "HostKeyRefused",
            Self::CertificateRefused { .. } => "CertificateRefused",
            Self::TransportFailed { .. } => "TransportFailed",
            Self::ServerFailed { .. } => "ServerFailed",
            Self::ServerRefused { .. } => "ServerRefused",
            Self::RateLimited { .. } => "RateLimited",
            Self::NotGit { .. } => "NotGit",
            Self::Unsupported { .. } => "Unsupported",
            Self::Timeout { .. } => "Timeout",
            Self::TooSlow { .. } => "TooSlow",
            Self::Interrupted { .. } => "Interrupted",
            Self::TooLarge { .. } => "TooLarge",
            Self::TooManyRefs { .. } => "TooManyRefs",
            Self::BlobTooLarge { .. } => "BlobTooLarge",
            Self::BlobMissing { .. } => "BlobMissing",
            Self::Corrupt { .. } => "Corrupt",
            Self::StoreFailed { .. } => "StoreFailed",
            Self::StoreFull { .. } => "StoreFull",
            Self::MirrorBehind { .. } => "MirrorBehind",
            Self::NotADirectory { .. } => "NotADirectory",
        }
    }

    /// The stable code of that word.
    pub fn code(&self) -> &'static str {
        codes::code_of(self.reason()).unwrap_or_default()
    }

    pub(super) fn store(what: impl Into<String>, why: &std::io::Error) -> Self {
        let (what, full, why) = (what.into(), has_no_room(why), why.to_string());
        if full { Self::StoreFull { what, why } } else { Self::StoreFailed { what, why } }
    }
}
