//! What kind of failure one is: whether it passes, whose it is, and whom else it concerns. No word of a person's is here.

use std::time::Duration;

use super::SourceError;

impl SourceError {
    /// Whether trying again may help although nobody changed anything.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::TransportFailed { .. }
            | Self::RateLimited { .. }
            | Self::ServerRefused { .. }
            | Self::Timeout { .. }
            | Self::TooSlow { .. }
            | Self::Interrupted { .. }
            | Self::BlobMissing { .. }
            | Self::Corrupt { .. }
            | Self::MirrorBehind { .. }
            | Self::StoreFull { .. }
            | Self::StoreFailed { .. } => true,
            Self::PinnedRevisionMissing { transient, .. } | Self::SecretUnread { transient, .. } => *transient,
            Self::ServerFailed { status, .. } => *status >= 500 || matches!(status, 408 | 425),
            Self::UrlRefused { .. }
            | Self::BranchRefused { .. }
            | Self::ReferenceRefused { .. }
            | Self::PathRefused { .. }
            | Self::RefNotFound { .. }
            | Self::CommitNotFound { .. }
            | Self::Unverified { .. }
            | Self::RepositoryNotFound { .. }
            | Self::AuthenticationRequired { .. }
            | Self::CredentialsRefused { .. }
            | Self::CredentialsWithheld { .. }
            | Self::ProxyRefused { .. }
            | Self::SecretMissing { .. }
            | Self::SecretInvalid { .. }
            | Self::AccessDenied { .. }
            | Self::HostKeyRefused { .. }
            | Self::CertificateRefused { .. }
            | Self::NotGit { .. }
            | Self::Unsupported { .. }
            | Self::TooLarge { .. }
            | Self::TooManyRefs { .. }
            | Self::BlobTooLarge { .. }
            | Self::NotADirectory { .. } => false,
        }
    }

    /// How long the server wants to be left alone.
    pub fn pause(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { after, .. } | Self::ServerFailed { after, .. } => *after,
            _ => None,
        }
    }

    /// Whether the server could not be reached, or failed, so that another one may serve. What it says of the repository is
    /// another matter.
    pub fn is_of_the_server(&self) -> bool {
        match self {
            Self::TransportFailed { .. }
            | Self::RateLimited { .. }
            | Self::Timeout { .. }
            | Self::TooSlow { .. }
            | Self::NotGit { .. }
            | Self::CertificateRefused { .. }
            | Self::HostKeyRefused { .. } => true,
            Self::ServerFailed { .. } => self.is_transient(),
            _ => false,
        }
    }

    /// Whether the server said so, or kept silent: then it says the same to whoever is the same to it. What went wrong here
    /// says nothing of it.
    pub(in crate::source) fn is_an_answer(&self) -> bool {
        match self {
            Self::RefNotFound { .. }
            | Self::CommitNotFound { .. }
            | Self::RepositoryNotFound { .. }
            | Self::AuthenticationRequired { .. }
            | Self::CredentialsRefused { .. }
            | Self::CredentialsWithheld { .. }
            | Self::ProxyRefused { .. }
            | Self::AccessDenied { .. }
            | Self::ServerFailed { .. }
            | Self::ServerRefused { .. }
            | Self::TooManyRefs { .. }
            | Self::Unsupported { .. } => true,
            error => error.is_of_the_server(),
        }
    }
}

/// Whether the operating system has no room: the volume is full, or a quota or a bound for one file is reached.
pub(in crate::source) fn has_no_room(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    // Whoever wraps an error repeats its words.
    let code =
        || ["(os error 28)", "(os error 122)", "(os error 27)"].iter().any(|code| error.to_string().contains(code));
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge) || code()
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn no_room_is_known_however_it_is_wrapped() {
        let check = |error: io::Error, expected: bool| assert_eq!(has_no_room(&error), expected, "{error}");
        for code in [27, 28, 122] {
            check(io::Error::from_raw_os_error(code), true);
            check(io::Error::other(format!("pack: {}", io::Error::from_raw_os_error(code))), true);
        }
        for code in [2, 13] {
            check(io::Error::from_raw_os_error(code), false);
        }
        check(io::Error::other("no room, says the server"), false);
    }
}
