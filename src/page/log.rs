//! What changed lately, in order: which objects, and not what they are. What somebody missed is told by what those
//! objects are by now, so nothing waits anywhere for anybody who is slow.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use crate::model::Target;

/// Changes that are remembered.
const KEPT: usize = 8192;

/// One thing that changed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Changed {
    /// An object came, went, or is otherwise than before.
    Object(Target),
    /// Something happened, by the id of its entry.
    Entry(Arc<str>),
    /// What is said of the daemon itself.
    About,
}

/// The last changes.
#[derive(Debug, Default)]
pub struct Log {
    changes: VecDeque<(u64, Changed)>,
    /// Version of the newest change that is forgotten.
    forgotten: u64,
}

impl Log {
    /// Takes note of a change. Versions only grow.
    pub fn note(&mut self, version: u64, changed: Changed) {
        if self.changes.len() == KEPT {
            self.forgotten = self.changes.pop_front().map_or(self.forgotten, |(version, _)| version);
        }
        self.changes.push_back((version, changed));
    }

    /// What changed after a version, each once; none where that is not known any more.
    pub fn after(&self, version: u64) -> Option<BTreeSet<&Changed>> {
        if version < self.forgotten {
            return None;
        }
        let begin = self.changes.partition_point(|(at, _)| *at <= version);
        Some(self.changes.range(begin..).map(|(_, changed)| changed).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_missed_is_told_once_each_until_it_is_forgotten() {
        let mut log = Log::default();
        let entry = |name: &str| Changed::Entry(name.into());
        for (version, name) in [(1, "a"), (2, "b"), (3, "a")] {
            log.note(version, entry(name));
        }
        let after = |log: &Log, version| log.after(version).map(|all| all.len());
        assert_eq!(after(&log, 0), Some(2));
        assert_eq!(after(&log, 2), Some(1));
        assert_eq!(after(&log, 3), Some(0));
        for version in 4..=KEPT as u64 + 2 {
            log.note(version, Changed::About);
        }
        assert_eq!(after(&log, 1), None, "the change 2 is not known any more");
        assert_eq!(after(&log, 2), Some(2));
    }
}
