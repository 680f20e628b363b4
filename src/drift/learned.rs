//! What was learned about differences of one object, and no status says.
//!
//! An admission webhook or policy may write another value than what was sent. The answer to a write shows it: what
//! differs there differed because the API server made it so, and no hand did. It is no drift, and to put it back again
//! would never end. After a restart nothing is learned yet; then the managed fields tell what to find out before
//! anything is said, since a field that still is ours and has another value than we sent was made so in our own write.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::Value;

use super::fields::Owners;
use super::{Compare, compare};
use crate::model::pointer::index;
use crate::model::{ChangeKind, FieldDrift};

/// Differences of one object that tries were made for; past that, all of them are asked again.
const TRIED: usize = 64;

/// What was learned.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Learned {
    /// They come back in the answer to the write that takes them away.
    injected: BTreeSet<u64>,
    /// They do not, although they looked so.
    made: BTreeSet<u64>,
    /// They stand, and nothing is said about them.
    ignored: BTreeSet<u64>,
}

impl Learned {
    /// Whether the API server itself makes this difference.
    pub fn is_injected(&self, drift: &FieldDrift) -> bool {
        !self.injected.is_empty() && self.injected.contains(&mark(drift))
    }

    /// Whether it stood before the last commit, under Ignore: then it is not the commit's.
    pub fn was_ignored(&self, drift: &FieldDrift) -> bool {
        !self.ignored.is_empty() && self.ignored.contains(&mark(drift))
    }

    /// Whether it is to be found out whose difference this is before anything is said of it.
    pub fn is_open(&self, drift: &FieldDrift, live: &Value, manager: &str) -> bool {
        is_own_doing(drift, live, manager) && {
            let mark = mark(drift);
            !self.injected.contains(&mark) && !self.made.contains(&mark)
        }
    }

    /// Takes what came back in the answer to a write that stored something. What came back before and does not now is
    /// forgotten: all of it was sent again.
    pub fn answered(&mut self, came_back: &[FieldDrift]) {
        self.injected = came_back.iter().map(mark).collect();
        self.made.retain(|made| !self.injected.contains(made));
    }

    /// Takes what came of a try for some differences.
    pub fn tried(&mut self, asked: &[FieldDrift], came_back: &[FieldDrift]) {
        // Whoever writes another value each time must not fill the memory.
        if self.made.len() + asked.len() > TRIED {
            self.made.clear();
        }
        if self.injected.len() + came_back.len() > TRIED {
            self.injected.clear();
        }
        self.injected.extend(came_back.iter().map(mark));
        self.made.extend(asked.iter().map(mark).filter(|asked| !self.injected.contains(asked)));
    }

    /// Takes what stands and is not told, where the object is as the last commit says.
    pub fn ignores<'a>(&mut self, drifts: impl Iterator<Item = &'a FieldDrift>) {
        self.ignored = drifts.map(mark).collect();
    }

    /// Whether nothing was learned.
    pub fn is_empty(&self) -> bool {
        self.injected.is_empty() && self.made.is_empty() && self.ignored.is_empty()
    }
}

/// What differs in the answer to a write from what was sent, and what somebody added that is there again.
///
/// `sent` is the body of the apply, if there was one: whatever was kept is not in it.
pub fn came_back(sent: Option<&Value>, answer: &Value, put_back: &[FieldDrift], manager: &str) -> Vec<FieldDrift> {
    let compared = sent.map(|sent| compare(sent, answer, &Compare { manager }).drifts).unwrap_or_default();
    // What others added was not sent. It may be there because it was kept. Whose a value is, is no value.
    let differs =
        compared.into_iter().filter(|drift| !matches!(drift.change, ChangeKind::Added | ChangeKind::Disowned));
    let again = |drift: &&FieldDrift| {
        let found = drift.pointer.get(answer);
        drift.change == ChangeKind::Added && found.is_some() && found == drift.live.as_ref()
    };
    differs.chain(put_back.iter().filter(again).cloned()).collect()
}

/// Whether the managed fields say that our own apply left it so. Whoever applies under our name can make it look so,
/// too: it is a reason to find out, and no proof.
fn is_own_doing(drift: &FieldDrift, live: &Value, manager: &str) -> bool {
    match drift.change {
        ChangeKind::Modified => drift.co_owned,
        // Whoever takes a field away takes it from all its owners. An index would lead to another item in live.
        ChangeKind::Removed => {
            let by_name = drift.pointer.segments().iter().all(|step| index(step).is_none());
            by_name && Owners::of(live, manager).ours(live, &drift.pointer)
        }
        _ => false,
    }
}

/// What makes a difference the same as one that was seen before. Values may be secrets: they are not kept.
fn mark(drift: &FieldDrift) -> u64 {
    let mut hasher = DefaultHasher::new();
    let text = |value: &Option<Value>| value.as_ref().map(Value::to_string);
    (&drift.pointer, drift.change, text(&drift.declared), text(&drift.live)).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests;
