//! What a person approves: exactly these deletions, for exactly this reason, and nothing that comes later.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::api::names::APPROVE_PLAN;
use crate::model::Target;

/// Bytes of a plan's hash: 12 digits in hex, short enough to be read out.
pub(super) const BYTES: usize = 6;

/// An object that is no longer declared, and proven ours.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Doomed {
    /// Its name.
    pub key: Target,
    /// UID that it must still have.
    pub uid: Arc<str>,
}

/// The hash of a plan that is held. Another GitSync, another set of deletions (an object of the same name that was made
/// anew is another) or another reason is another plan.
pub fn hash(sync_uid: &str, deletions: &[Doomed], reason: &str) -> String {
    let sorted: BTreeSet<&Doomed> = deletions.iter().collect();
    let mut digest = Sha256::new();
    // None of the parts has a line break.
    digest.update(format!("{sync_uid}\n{reason}\n"));
    for Doomed { key, uid } in sorted {
        digest.update(format!("{key} {uid}\n"));
    }
    data_encoding::HEXLOWER.encode(&digest.finalize()[..BYTES])
}

fn hash_of_uids<'a>(uids: impl Iterator<Item = &'a str>) -> String {
    let sorted: BTreeSet<&str> = uids.collect();
    let mut digest = Sha256::new();
    sorted.iter().for_each(|uid| digest.update(format!("{uid}\n")));
    data_encoding::HEXLOWER.encode(&digest.finalize()[..16])
}

/// The field manager that put the approval on a live GitSync, where that is recorded: who approved.
pub fn by(gitsync: &Value) -> Option<&str> {
    let annotation = format!("f:{APPROVE_PLAN}");
    let entries = gitsync["metadata"]["managedFields"].as_array()?;
    let owns = |entry: &&Value| entry["fieldsV1"]["f:metadata"]["f:annotations"].get(&annotation).is_some();
    entries.iter().find(owns)?["manager"].as_str()
}

/// A plan that was approved and is being carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approved {
    /// Its hash.
    pub plan: String,
    left: BTreeMap<Target, Arc<str>>,
}

impl Approved {
    /// All of a plan.
    pub fn new(plan: &str, deletions: &[Doomed]) -> Self {
        Self { plan: plan.to_owned(), left: deletions.iter().map(|one| (one.key.clone(), one.uid.clone())).collect() }
    }

    /// Takes note of what was deleted.
    pub fn done(&mut self, key: &Target) {
        self.left.remove(key);
    }

    /// Takes up a plan that a daemon before this one was carrying out: what is left must be just what it wrote down.
    pub fn resumed(plan: &str, left: &str, deletions: &[Doomed], under_way: &[String]) -> Option<Self> {
        let uids = deletions.iter().map(|one| &*one.uid).chain(under_way.iter().map(String::as_str));
        (hash_of_uids(uids) == left).then(|| Self::new(plan, deletions))
    }

    /// Hash of the UIDs of what is left.
    pub fn left(&self) -> String {
        hash_of_uids(self.left.values().map(|uid| &**uid))
    }

    /// Whether nothing of it is left to do.
    pub fn is_done(&self) -> bool {
        self.left.is_empty()
    }

    /// Whether a plan is just what is left of it.
    pub fn is_left(&self, deletions: &[Doomed]) -> bool {
        !deletions.is_empty()
            && self.left.len() == deletions.len()
            && deletions.iter().all(|one| self.left.get(&one.key) == Some(&one.uid))
    }
}

/// What may be deleted: whatever deletes asks it for each object. Only [`super::judge`] makes one that allows anything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Permit {
    /// The plan that a person approved, if that is why.
    pub approved: Option<String>,
    allowed: BTreeSet<Doomed>,
}

impl Permit {
    pub(super) fn new(approved: Option<&str>, allowed: impl IntoIterator<Item = Doomed>) -> Self {
        Self { approved: approved.map(str::to_owned), allowed: allowed.into_iter().collect() }
    }

    /// What may be deleted, in order of name.
    pub fn allowed(&self) -> impl Iterator<Item = &Doomed> {
        self.allowed.iter()
    }

    /// The same without what is not to be deleted now.
    #[must_use]
    pub fn only(mut self, now: impl Fn(&Doomed) -> bool) -> Self {
        self.allowed.retain(now);
        self
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.allowed.len()
    }

    /// Whether nothing may be deleted.
    pub fn is_empty(&self) -> bool {
        self.allowed.is_empty()
    }

    /// Whether this very object may be deleted.
    pub fn allows(&self, key: &Target, uid: &str) -> bool {
        self.allowed.contains(&Doomed { key: key.clone(), uid: uid.into() })
    }

    /// Whether these are all that may be deleted, and nothing else.
    pub fn is_exactly<'a>(&self, deletions: impl IntoIterator<Item = (&'a Target, &'a str)>) -> bool {
        let mut count = 0;
        let known = deletions.into_iter().inspect(|_| count += 1).all(|(key, uid)| self.allows(key, uid));
        known && count == self.allowed.len()
    }
}
