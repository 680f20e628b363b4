//! What the controller asks of GitSyncs about drift, and tells them.

use std::sync::Arc;

use crate::api::gitsync::DriftPolicy;
use crate::cluster::GitSyncs;
use crate::controller::RuleBooks;
use crate::drift::RuleBook;
use crate::model::ObjectKey;
use crate::model::pause::PauseMarks;
use crate::sync::RuleUse;

/// What GitSyncs say about drift, from their live specs.
pub(super) struct LiveRules {
    /// Live GitSyncs.
    pub gitsyncs: Arc<GitSyncs>,
    /// Which rules decide anything.
    pub rule_use: Arc<RuleUse>,
}

impl RuleBooks for LiveRules {
    fn of(&self, sync: &str) -> Arc<RuleBook> {
        let entry = ObjectKey::parse(sync).and_then(|key| self.gitsyncs.get(&key));
        // Whose policy is not known is not overwritten.
        entry.map_or_else(|| Arc::new(RuleBook::uniform(DriftPolicy::Report)), |entry| Arc::clone(&entry.extra.drift))
    }

    fn pause(&self, sync: &str) -> Option<PauseMarks> {
        self.gitsyncs.get(&ObjectKey::parse(sync)?)?.extra.pause.clone()
    }

    fn decided(&self, sync: &str, book: &RuleBook, rules: &[usize]) {
        if let Some(key) = ObjectKey::parse(sync) {
            self.rule_use.decided(&key, book, rules.iter().copied());
        }
    }
}
