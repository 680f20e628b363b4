//! Rules about drift that decide nothing, in words for the status.

use super::State;
use crate::drift::Unused;
use crate::workload::KINDS;

impl State {
    /// Takes which rules have decided nothing for long. One that is for nothing that is declared is told at once.
    pub fn see_rules(&mut self, unused: &Unused) {
        let (declared, book) = (&self.declared, &self.settings.drift);
        let kinds: Vec<&str> = KINDS.iter().map(|kind| kind.kind).collect();
        let mut said = Vec::new();
        // An empty tree says nothing about what rules are for.
        for rule in (0..book.len()).filter(|_| !declared.objects.is_empty()) {
            let named = declared.objects.keys().map(|target| (target.kind.as_str(), &target.key));
            let since = unused.rules.iter().find(|(known, _)| *known == rule).map(|(_, since)| *since);
            if !book.may_be_for(rule, named, &kinds) {
                said.push(format!("{} is for nothing that is declared", book.describe(rule)));
            } else if let Some(since) = since {
                let since = crate::api::condition::truncate_to_seconds(since);
                said.push(format!("{} has fitted no drift since {since}", book.describe(rule)));
            }
        }
        self.unused_rules = said;
    }
}
