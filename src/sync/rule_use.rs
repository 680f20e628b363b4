//! Which rules about drift decide anything, for the loops and the controller together: a rule may be for MicroServices
//! or for their children. In memory; a restart begins to count anew.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use jiff::{SignedDuration, Timestamp};

use super::inbox::Inbox;
use crate::drift::{RuleBook, Unused, Usage};
use crate::model::ObjectKey;

/// What became of the rules of all GitSyncs.
#[derive(Default)]
pub struct RuleUse {
    /// After which time a rule that decided nothing is told.
    after: SignedDuration,
    syncs: Mutex<HashMap<ObjectKey, One>>,
}

#[derive(Default)]
struct One {
    book: Arc<RuleBook>,
    usage: Usage,
    inbox: Option<Arc<Inbox>>,
}

impl RuleUse {
    /// Tells of rules that decided nothing for so long.
    pub fn new(after: SignedDuration) -> Self {
        Self { after, syncs: Mutex::default() }
    }

    /// Takes note of the rules of a GitSync before everything is held against them, and of whom to tell when one of them
    /// decides for the first time.
    pub fn see(&self, sync: &ObjectKey, book: &Arc<RuleBook>, inbox: &Arc<Inbox>, now: Timestamp) {
        let mut syncs = self.syncs();
        let one = syncs.entry(sync.clone()).or_default();
        one.inbox = Some(Arc::clone(inbox));
        if one.book != *book {
            one.usage.see(book, now);
            one.book = Arc::clone(book);
        }
    }

    /// Takes note of rules that decided about a difference.
    pub fn decided(&self, sync: &ObjectKey, book: &RuleBook, rules: impl IntoIterator<Item = usize>) {
        if book.is_empty() {
            return;
        }
        let mut syncs = self.syncs();
        let mut rules = rules.into_iter().peekable();
        if rules.peek().is_none() {
            return;
        }
        let one = syncs.entry(sync.clone()).or_default();
        if one.usage.decided(book, rules)
            && let Some(inbox) = &one.inbox
        {
            inbox.rules_changed();
        }
    }

    /// Rules that have decided nothing for long.
    pub fn unused(&self, sync: &ObjectKey, now: Timestamp) -> Unused {
        self.syncs().get(sync).map(|one| one.usage.unused(&one.book, self.after, now)).unwrap_or_default()
    }

    /// Forgets a GitSync that went.
    pub fn forget(&self, sync: &ObjectKey) {
        self.syncs().remove(sync);
    }

    fn syncs(&self) -> MutexGuard<'_, HashMap<ObjectKey, One>> {
        self.syncs.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
