//! Signatures of commits and tags: what was signed and by which key, judged by the public keys of a Secret.
//!
//! It sees bytes alone: no key ring of a machine, no `gpg`, no `ssh-keygen`, no clock, and never a private key. Whatever it does not
//! understand is refused by name; nothing is taken for good because nothing was found to be wrong with it.
//!
//! OpenPGP is read just as far as a verifier needs it (version 4 keys and signatures): no cipher, no compression, no message
//! format, so that what comes from a repository has little to play with. The arithmetic is ring's.

mod armor;
mod crypto;
mod object;
mod openpgp;
mod signers;
mod ssh;

use std::fmt;

pub use object::{MAX_OBJECT, Signed, commit, tag};
pub use signers::{SignerFault, Signers};

/// How far a signature may be ahead of the clock, in seconds: clocks differ.
const AHEAD: i64 = 24 * 3600;

/// Who signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer {
    /// The key's fingerprint: 40 digits for OpenPGP, `SHA256:…` for SSH.
    pub fingerprint: String,
    /// What the keys of the Secret call that key.
    pub name: String,
}

impl fmt::Display for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { fingerprint, name } = self;
        if name.is_empty() { f.write_str(fingerprint) } else { write!(f, "{fingerprint} ({name})") }
    }
}

/// Why a signature does not count. Each says which key, where one is named.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no signature.
    #[error("it is not signed{0}")]
    Missing(&'static str),
    /// It was made by a key that is not in the Secret.
    #[error("it is signed by the key {0}, which is not one of the Secret")]
    UnknownKey(String),
    /// It does not belong to what it stands on, or is damaged.
    #[error("its signature is not valid: {0}")]
    Bad(String),
    /// The key or the signature was not valid at that time.
    #[error("it is signed by {key}, and {why}")]
    Expired {
        /// The key.
        key: Signer,
        /// What was when.
        why: String,
    },
    /// The key's owner says that it is no longer to be trusted.
    #[error("it is signed by {key}, which {why}")]
    Revoked {
        /// The key.
        key: Signer,
        /// What its owner says.
        why: String,
    },
    /// It can be forged.
    #[error("its signature is too weak: {0}")]
    Weak(String),
    /// It is of a kind that is not read.
    #[error("its signature is of a kind that is not read: {0}")]
    Unsupported(String),
}

impl Refusal {
    /// A stable CamelCase word for conditions.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Missing(_) => "SignatureMissing",
            Self::UnknownKey(_) => "SignatureUnknownKey",
            Self::Bad(_) => "SignatureBad",
            Self::Expired { .. } => "SignatureExpired",
            Self::Revoked { .. } => "SignatureRevoked",
            Self::Weak(_) => "SignatureWeak",
            Self::Unsupported(_) => "SignatureUnsupported",
        }
    }

    /// What to do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Missing(_) => "sign it, or push a signed one",
            Self::UnknownKey(_) => "if that key is to be trusted, put its public key into the Secret",
            Self::Bad(_) => "find out who pushed it; push one with a signature of its own",
            Self::Expired { .. } => {
                "push one that is signed by a valid key, or put the renewed public key into the Secret"
            }
            Self::Revoked { .. } => "push one that is signed by another key",
            Self::Weak(_) | Self::Unsupported(_) => {
                "sign with Ed25519, ECDSA P-256 or P-384, or RSA of 2048 bits or more, and SHA-2"
            }
        }
    }
}

/// Why a cryptographic check did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Failure {
    /// The signature is not one of these bytes by this key.
    Mismatch,
    /// The method can be broken.
    Weak(String),
    /// The method is not known.
    Unsupported(String),
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Mismatch => Self::Bad("it does not fit what is signed, which may have been changed since".into()),
            Failure::Weak(why) => Self::Weak(why),
            Failure::Unsupported(why) => Self::Unsupported(why),
        }
    }
}

/// Judges a signature, in seconds since 1970 as it is now. Who signed is known only if it is good in every way.
///
/// A key must have been valid when the signature was made, as OpenPGP's signature or the committer says, and may have run out
/// since: else nothing could be installed anew a year later. What was revoked as compromised, or without a reason, never counts.
pub fn verify(signed: &Signed, signers: &Signers, now: i64) -> Result<Signer, Refusal> {
    let Some(signature) = &signed.signature else { return Err(Refusal::Missing("")) };
    match armor::kind(signature) {
        Some(armor::Kind::OpenPgp) => openpgp::verify(&signed.payload, signature, &signers.openpgp, now),
        Some(armor::Kind::Ssh) => ssh::verify(signed, signature, &signers.ssh, now),
        Some(armor::Kind::X509) => Err(Refusal::Unsupported("X.509 (gpg.format=x509)".into())),
        None => Err(Refusal::Unsupported("neither OpenPGP nor SSH".into())),
    }
}

/// Seconds since 1970, for people.
fn date(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map_or_else(|_| seconds.to_string(), |time| time.to_string())
}

/// A name from outside, as far as it may be shown.
fn shown(name: &str) -> String {
    name.chars().filter(|letter| !letter.is_control()).take(120).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests;
