//! What is wrong with the key that an SSH server shows: a host that is not known, and one whose key is another, are two things
//! to do. Read from the words of OpenSSH's client.

use std::fmt;

/// What is wrong with an SSH server's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostKey {
    /// No key of that kind is known of the host.
    Unknown,
    /// Another key is known of it.
    Changed,
    /// It was revoked, or its certificate is not valid for the host.
    Invalid,
}

impl HostKey {
    /// Reads it from what a client says in small letters; none where it says nothing of a key.
    pub(in crate::source) fn in_words(lower: &str) -> Option<Self> {
        let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
        if has(&["revoked host key", "certificate invalid"]) && has(&["host key verification failed"]) {
            Some(Self::Invalid)
        } else if has(&["host identification has changed"]) {
            Some(Self::Changed)
        } else if has(&["host key is known for", "host key verification failed"]) {
            Some(Self::Unknown)
        } else {
            None
        }
    }
}

impl fmt::Display for HostKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => {
                "is not known: known_hosts has none of that kind for it; compare it with what the server's owner publishes, \
                 then add it to known_hosts"
            }
            Self::Changed => {
                "is not the one in known_hosts: another server may be answering in its place; ask the server's owner, and \
                 replace the key in known_hosts only when it was really changed"
            }
            Self::Invalid => {
                "is refused: it was revoked, or its certificate is not valid for that host now; look at the certificate and \
                 at known_hosts"
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(said: &str, expected: Option<HostKey>) {
        assert_eq!(HostKey::in_words(&said.to_lowercase()), expected, "{said}");
    }

    #[test]
    fn a_host_that_is_not_known_and_a_key_that_has_changed_are_told_apart() {
        let failed = "Host key verification failed.\r\n";
        check(
            &format!("No ED25519 host key is known for git.test and you have requested strict checking.\r\n{failed}"),
            Some(HostKey::Unknown),
        );
        check(failed, Some(HostKey::Unknown));
        let line = "@".repeat(59);
        check(
            &format!(
                "{line}\n@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\n{line}\nIT IS POSSIBLE THAT SOMEONE IS DOING \
                 SOMETHING NASTY!\nIt is also possible that a host key has just been changed.\nThe fingerprint for the ED25519 \
                 key sent by the remote host is\nSHA256:x.\nAdd correct host key in /proc/1/fd/9 to get rid of this \
                 message.\nOffending ED25519 key in /proc/1/fd/9:1\nHost key for git.test has changed and you have requested \
                 strict checking.\n{failed}"
            ),
            Some(HostKey::Changed),
        );
        check(
            &format!(
                "{line}\n@       WARNING: REVOKED HOST KEY DETECTED!               @\n{line}\nThe ED25519 host key for git.test \
                 is marked as revoked.\n{failed}"
            ),
            Some(HostKey::Invalid),
        );
        check(&format!("Certificate invalid: name is not a listed principal\n{failed}"), Some(HostKey::Invalid));
        check(&format!("Certificate invalid: expired\n{failed}"), Some(HostKey::Invalid));
        check("git@h: Permission denied (publickey).", None);
        check("fatal: '/host key for/x' does not appear to be a git repository", None);
    }
}
