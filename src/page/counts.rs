//! How many objects are in which state, kept per namespace: a sum over the namespaces that somebody may see is cheap.

use std::ops::{AddAssign, SubAssign};

use serde::Serialize;

use super::health::Health;

/// How many objects are in which state; each counts once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tally {
    /// All.
    pub total: u32,
    /// See [`Health`], here and below.
    pub ready: u32,
    /// On their way.
    pub progressing: u32,
    /// Somebody should look.
    pub not_ready: u32,
    /// Nothing is written for them.
    pub suspended: u32,
    /// Being deleted.
    pub terminating: u32,
    /// Not observed.
    pub unknown: u32,
    /// Those of them that differ from what is declared.
    pub drifted: u32,
}

impl Tally {
    /// One object.
    pub fn one(health: Health, drifted: bool) -> Self {
        let mut tally = Self { total: 1, drifted: drifted.into(), ..Self::default() };
        *tally.of(health) = 1;
        tally
    }

    fn of(&mut self, health: Health) -> &mut u32 {
        match health {
            Health::Ready => &mut self.ready,
            Health::Progressing => &mut self.progressing,
            Health::NotReady => &mut self.not_ready,
            Health::Suspended => &mut self.suspended,
            Health::Terminating => &mut self.terminating,
            Health::Unknown => &mut self.unknown,
        }
    }

    fn each(&mut self, other: &Self, combine: fn(u32, u32) -> u32) {
        let mut other = *other;
        for health in Health::ALL {
            let more = *other.of(health);
            let count = self.of(health);
            *count = combine(*count, more);
        }
        self.total = combine(self.total, other.total);
        self.drifted = combine(self.drifted, other.drifted);
    }
}

/// What is counted of the objects of one kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// By state.
    pub tally: Tally,
    /// Those with a plan that waits for approval.
    pub held: u32,
    /// Those whose drift is not corrected for a while.
    pub paused: u32,
    /// Those that somebody keeps rewriting.
    pub fights: u32,
    /// Their fields that differ.
    pub fields: u32,
}

impl Counts {
    fn each(&mut self, other: &Self, combine: fn(u32, u32) -> u32) {
        self.tally.each(&other.tally, combine);
        self.held = combine(self.held, other.held);
        self.paused = combine(self.paused, other.paused);
        self.fights = combine(self.fights, other.fights);
        self.fields = combine(self.fields, other.fields);
    }
}

impl AddAssign<&Self> for Counts {
    fn add_assign(&mut self, other: &Self) {
        self.each(other, u32::saturating_add);
    }
}

impl SubAssign<&Self> for Counts {
    fn sub_assign(&mut self, other: &Self) {
        self.each(other, u32::saturating_sub);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_added_can_be_taken_away() {
        let mut all = Counts::default();
        let ones: Vec<_> = Health::ALL
            .into_iter()
            .map(|health| Counts { tally: Tally::one(health, true), held: 1, paused: 2, fights: 3, fields: 4 })
            .collect();
        ones.iter().for_each(|one| all += one);
        assert_eq!((all.tally.total, all.tally.drifted, all.tally.unknown, all.fields), (6, 6, 1, 24));
        ones.iter().for_each(|one| all -= one);
        assert_eq!(all, Counts::default());
    }
}
