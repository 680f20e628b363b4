//! The prune budget: how many deletions an hour may have that no person approved.
//!
//! A percentage is of the live members before the first deletion of that hour. Whoever removes a fifth of what is left with
//! each commit would otherwise empty a namespace in a dozen commits, each of them within its budget. So what the hour has
//! deleted already is added to both sides, to the deletions and to the members; and members that came since do not count.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use crate::api::gitsync_status::Deletions;

/// What a budget is for.
const HOUR: SignedDuration = SignedDuration::from_hours(1);
/// Entries that a status keeps.
pub const ENTRIES: usize = 64;
/// Deletions that are under way at once: the newest entry names them, while it lasts.
pub const PENDING: usize = 512;

/// `spec.prune.budget`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Budget {
    /// So many. With 0, every deletion needs approval.
    Number(u32),
    /// A percentage of the members, and at least one; 0 % is none.
    Percent(u32),
}

impl Default for Budget {
    fn default() -> Self {
        Self::Percent(20)
    }
}

impl Budget {
    /// Reads `5` or `"20%"`; nothing else.
    pub fn parse(value: &IntOrString) -> Option<Self> {
        match value {
            IntOrString::Int(number) => u32::try_from(*number).ok().map(Self::Number),
            IntOrString::String(text) => {
                let digits = text.strip_suffix('%')?;
                let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
                // A percentage past what fits is more than all.
                plain.then(|| Self::Percent(digits.parse().unwrap_or(u32::MAX)))
            }
        }
    }

    fn allowed(self, members: usize) -> usize {
        match self {
            Self::Number(number) => number as usize,
            Self::Percent(0) => 0,
            Self::Percent(percent) => (members.saturating_mul(percent as usize) / 100).max(1),
        }
    }
}

/// A plan's deletions against the hour's budget.
#[derive(Debug, Clone, Copy)]
pub struct Bill<'a> {
    /// What the spec allows.
    pub budget: Budget,
    /// What was deleted before: `status.recentDeletions`, oldest first.
    pub recent: &'a [Deletions],
    /// How many the plan deletes.
    pub deletions: usize,
    /// How many live members there are, those that it deletes included.
    pub members: usize,
    /// What the members of a plan that stands held were counted as: what the rest of that plan created since is no reason to
    /// delete more.
    pub held_of: Option<u32>,
    /// The time.
    pub now: Timestamp,
}

/// A bill that the budget pays, or not: the arithmetic, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judged {
    /// Deletions of the plan.
    pub deletions: usize,
    /// Deletions of the hour before it.
    pub earlier: usize,
    /// How many the hour may have.
    pub allowed: usize,
    /// The members that a percentage is of: those before the first deletion of the hour.
    pub base: usize,
    /// The budget.
    pub budget: Budget,
    /// When the same plan fits, if earlier deletions are all that stands against it.
    pub fits_at: Option<Timestamp>,
}

impl Judged {
    /// Whether the budget allows all of the plan's deletions. It never allows some of them: nobody could say which.
    pub fn fits(&self) -> bool {
        self.deletions + self.earlier <= self.allowed
    }

    /// The entry of `status.recentDeletions` that is written before the first of the deletions.
    pub fn entry(&self, count: usize, now: Timestamp) -> Deletions {
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let members = number(self.base.saturating_sub(self.earlier));
        Deletions {
            at: Time(whole_second_after(now)),
            count: number(count),
            members,
            pending: Vec::new(),
            plan: None,
            left: None,
        }
    }
}

impl fmt::Display for Judged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.deletions + self.earlier;
        write!(f, "{all} deletion{} within an hour", if all == 1 { "" } else { "s" })?;
        if self.earlier > 0 {
            write!(f, " ({} of them earlier)", self.earlier)?;
        }
        write!(f, ", {} allowed", self.allowed)?;
        match self.budget {
            Budget::Number(_) => f.write_str(" by spec.prune.budget")?,
            Budget::Percent(percent) => write!(f, ": {percent} % of {}", self.base)?,
        }
        if let Some(at) = self.fits_at {
            write!(f, "; it fits at {at:.0}")?;
        }
        Ok(())
    }
}

/// Whether the hour's budget allows a plan's deletions.
pub fn judge(bill: &Bill<'_>) -> Judged {
    let mut judged = at(bill, bill.now);
    if !judged.fits() {
        let end = |entry: &Deletions| entry.at.0.checked_add(HOUR).unwrap_or(Timestamp::MAX);
        let mut ends: Vec<_> = counting(bill.recent, bill.now).map(end).collect();
        ends.sort_unstable();
        judged.fits_at = ends.into_iter().find(|&end| at(bill, end).fits());
    }
    judged
}

fn at(bill: &Bill<'_>, now: Timestamp) -> Judged {
    let earlier: usize = spent(bill.recent, now);
    let before_the_first = counting(bill.recent, now).next().map(|entry| entry.members as usize);
    let bounds = [before_the_first, bill.held_of.map(|members| members as usize)];
    let base = bounds.into_iter().flatten().fold(bill.members + earlier, usize::min);
    let Bill { budget, deletions, .. } = *bill;
    Judged { deletions, earlier, allowed: budget.allowed(base), base, budget, fits_at: None }
}

/// How many deletions the hour before `now` has. An entry in the future counts: it was written by a clock that was ahead.
pub fn spent(recent: &[Deletions], now: Timestamp) -> usize {
    counting(recent, now).map(|entry| entry.count as usize).sum()
}

fn counting(recent: &[Deletions], now: Timestamp) -> impl Iterator<Item = &Deletions> {
    recent.iter().filter(move |entry| entry.count > 0 && now.duration_since(entry.at.0) < HOUR)
}

/// Takes an entry in: what no longer counts is dropped, and the oldest are merged where there are too many. A merged entry
/// counts as long as its younger half.
pub fn record(recent: &mut Vec<Deletions>, entry: Deletions, now: Timestamp) {
    recent.retain(|entry| entry.count > 0 && now.duration_since(entry.at.0) < HOUR);
    recent.push(entry);
    while recent.len() > ENTRIES {
        let oldest = recent.remove(0);
        let next = &mut recent[0];
        next.count = next.count.saturating_add(oldest.count);
        next.members = oldest.members;
        next.at = Time(next.at.0.max(oldest.at.0));
    }
}

/// What a status says, read at `now`: deletions that it says are in the future were made by now.
pub fn read(recent: &[Deletions], now: Timestamp) -> Vec<Deletions> {
    let now = whole_second_after(now);
    recent.iter().map(|entry| Deletions { at: Time(entry.at.0.min(now)), ..entry.clone() }).collect()
}

/// The time for a budget: a clock that was put forward does not end the hour. `then` is a time that the clock told, and
/// `passed` what has passed since by a clock that nobody sets.
pub fn steady(now: Timestamp, then: Timestamp, passed: std::time::Duration) -> Timestamp {
    SignedDuration::try_from(passed).ok().and_then(|passed| then.checked_add(passed).ok()).map_or(now, |at| at.min(now))
}

/// A status has whole seconds; an entry must not count for less than its hour.
fn whole_second_after(time: Timestamp) -> Timestamp {
    let whole = crate::api::condition::truncate_to_seconds(time);
    if whole == time { whole } else { whole.checked_add(SignedDuration::from_secs(1)).unwrap_or(whole) }
}
