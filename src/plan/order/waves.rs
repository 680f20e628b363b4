//! Waves: creations and updates in ascending order, each when all before it is applied and ready; then deletions,
//! in descending order.

use std::collections::BTreeMap;

/// How an object stands towards what the plan wants of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stands {
    /// As declared, and ready at its current generation.
    Done,
    /// As declared, and not ready.
    Unready,
    /// Not as declared yet.
    Unapplied,
    /// Invalid, refused, or held by a rule: it will not come to be as declared by waiting.
    Failed,
    /// To be deleted, and still there.
    Leaving,
}

/// An object in the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step<K> {
    /// Its name.
    pub key: K,
    /// Its wave; `None` where that cannot be read, and then it is with the first.
    pub wave: Option<i32>,
    /// How it stands.
    pub stands: Stands,
}

/// How far a plan is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Creations and updates of this wave may begin, and those of the waves before it.
    Apply(i32),
    /// Deletions of this wave may begin, and those of the waves after it.
    Delete(i32),
    /// Nothing is left that something else would have to wait for.
    Done,
}

/// A change that wants to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// A creation or an update.
    Apply,
    /// A deletion.
    Delete,
}

/// How far a plan is, and what keeps it there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Front<K> {
    /// The stage.
    pub stage: Stage,
    /// What keeps it there, in order of name.
    pub blockers: Vec<K>,
    /// Whether some of that will not come by waiting.
    pub failed: bool,
    /// Objects of all waves up to this one that are as they should be.
    pub done: usize,
    /// Objects of all waves.
    pub total: usize,
    /// How many waves there are.
    pub waves: usize,
}

impl Stage {
    /// Whether a change of an object of that wave may begin.
    pub fn admits(self, work: Work, wave: i32) -> bool {
        match (self, work) {
            (Self::Apply(open), Work::Apply) => wave <= open,
            (Self::Apply(_), Work::Delete) => false,
            (Self::Delete(open), Work::Delete) => wave >= open,
            (Self::Delete(_), Work::Apply) | (Self::Done, _) => true,
        }
    }

    /// The wave that it is about.
    pub fn wave(self) -> Option<i32> {
        match self {
            Self::Apply(wave) | Self::Delete(wave) => Some(wave),
            Self::Done => None,
        }
    }
}

#[derive(Default)]
struct Wave<K> {
    done: usize,
    total: usize,
    failed: bool,
    missing: Vec<K>,
    leaving: Vec<K>,
}

/// How far a plan is: the lowest wave that is not done, or else the highest with something to delete.
pub fn front<K: Ord>(steps: impl IntoIterator<Item = Step<K>>) -> Front<K> {
    let mut waves: BTreeMap<i32, Wave<K>> = BTreeMap::new();
    let mut unknown = Vec::new();
    let none = || Wave { done: 0, total: 0, failed: false, missing: Vec::new(), leaving: Vec::new() };
    for step in steps {
        match step.wave {
            Some(wave) => waves.entry(wave).or_insert_with(none).take(step),
            None => unknown.push(step),
        }
    }
    let first = waves.keys().next().copied().unwrap_or_default();
    for step in unknown {
        waves.entry(first).or_insert_with(none).take(step);
    }
    let applying = waves.iter().find(|(_, wave)| !wave.missing.is_empty()).map(|(wave, _)| Stage::Apply(*wave));
    let deleting =
        || waves.iter().rev().find(|(_, wave)| !wave.leaving.is_empty()).map(|(wave, _)| Stage::Delete(*wave));
    let stage = applying.or_else(deleting).unwrap_or(Stage::Done);
    let counted = |wave: i32| !matches!(stage, Stage::Apply(open) if wave > open);
    let done = waves.iter().filter(|(wave, _)| counted(**wave)).map(|(_, wave)| wave.done).sum();
    let total = waves.values().map(|wave| wave.total).sum();
    let count = waves.len();
    let (mut blockers, failed) = match stage {
        Stage::Apply(wave) => waves.remove(&wave).map(|wave| (wave.missing, wave.failed)).unwrap_or_default(),
        Stage::Delete(wave) => waves.remove(&wave).map(|wave| (wave.leaving, false)).unwrap_or_default(),
        Stage::Done => Default::default(),
    };
    blockers.sort_unstable();
    Front { stage, blockers, failed, done, total, waves: count }
}

impl<K> Wave<K> {
    fn take(&mut self, step: Step<K>) {
        self.total += 1;
        match step.stands {
            Stands::Done => self.done += 1,
            Stands::Unready | Stands::Unapplied => self.missing.push(step.key),
            Stands::Failed => {
                self.failed = true;
                self.missing.push(step.key);
            }
            Stands::Leaving => self.leaving.push(step.key),
        }
    }
}
