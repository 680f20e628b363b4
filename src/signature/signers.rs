//! The keys that may sign, out of a Secret: whatever its keys are called, what is in them tells what it is. One entry that cannot
//! be read spoils the whole: a key that somebody believes to be there and is not would be found at the worst time.

use std::collections::BTreeMap;

use super::{openpgp, ssh};

/// Keys in a Secret.
const MAX_KEYS: usize = 512;

/// The keys that may sign.
#[derive(Debug, Default)]
pub struct Signers {
    pub(super) openpgp: Vec<openpgp::SigningKey>,
    pub(super) ssh: Vec<ssh::Entry>,
}

/// Why a Secret has no use. It never says what is in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignerFault {
    /// There is nothing in it.
    #[error("it has no public key; write OpenPGP keys under names like alice.asc, SSH keys into allowed_signers")]
    Empty,
    /// One entry cannot be read.
    #[error("its key {entry:?} {why}")]
    Entry {
        /// Its name.
        entry: String,
        /// What is wrong with it.
        why: String,
    },
    /// There are too many.
    #[error("it has more than {MAX_KEYS} public keys")]
    TooMany,
}

impl Signers {
    /// Reads what a Secret has.
    pub fn read(data: &BTreeMap<String, Vec<u8>>) -> Result<Self, SignerFault> {
        let mut signers = Self::default();
        for (entry, bytes) in data {
            let fault = |why: String| SignerFault::Entry { entry: entry.clone(), why };
            signers.take(entry, bytes).map_err(fault)?;
            if signers.openpgp.len() + signers.ssh.len() > MAX_KEYS {
                return Err(SignerFault::TooMany);
            }
        }
        if signers.openpgp.is_empty() && signers.ssh.is_empty() { Err(SignerFault::Empty) } else { Ok(signers) }
    }

    fn take(&mut self, entry: &str, bytes: &[u8]) -> Result<(), String> {
        let text = std::str::from_utf8(bytes);
        match text {
            Ok(text) if text.contains("PRIVATE KEY") => {
                Err("is a private key, which belongs to nobody but its owner".into())
            }
            Ok(text) if text.contains("-----BEGIN PGP ") => {
                self.openpgp.extend(openpgp::armoured(text)?);
                Ok(())
            }
            Ok(text) if entry.ends_with("allowed_signers") => {
                self.ssh.extend(ssh::allowed(text)?);
                Ok(())
            }
            Ok(text) if ssh::begins(text) => {
                self.ssh.extend(ssh::plain(text, entry)?);
                Ok(())
            }
            _ if bytes.first().is_some_and(|first| *first >= 0x80) => {
                self.openpgp.extend(openpgp::binary(bytes)?);
                Ok(())
            }
            _ => Err("is neither an OpenPGP key, nor an SSH key, nor allowed_signers".into()),
        }
    }
}
