//! What people outside of the cluster are told, when, and in which form. Pure: the time is an argument, and nothing is sent.
//!
//! What stands follows from the status of GitSyncs and MicroServices alone ([`incident`]). Each target has a [`desk`] that
//! knows what it was told: what is to be told is the difference, so a restart repeats nothing, a target that was away hears
//! how it is now, and what ends is told to whoever heard of its begin. A desk's batch becomes a [`message`], and that a
//! letter in the form of its target ([`format`]); a [`commit`] status goes the same way. [`letter`] puts a letter together.

pub mod commit;
pub mod credentials;
pub mod desk;
pub mod filter;
pub mod format;
pub mod incident;
pub mod letter;
pub mod message;
pub mod plain;
pub mod retry;
pub mod target;

pub use commit::CommitState;
pub use credentials::Credentials;
pub use desk::{Batch, Desk, Look, World};
pub use incident::{Incident, Key, Note, Observed};
pub use letter::{Fault, Letter};
pub use message::{Message, Setting};
pub use target::Target;

use sha2::{Digest, Sha256};

/// A digest of what was said, to know it again.
fn digest<T: AsRef<str>>(parts: impl IntoIterator<Item = T>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        let part = part.as_ref();
        // With its length: two parts are not one that is as long as both.
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    data_encoding::HEXLOWER.encode(&hash.finalize()[..8])
}
