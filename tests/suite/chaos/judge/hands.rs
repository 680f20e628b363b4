//! What somebody does by hand is left where a policy or a pause says so.

use std::collections::BTreeSet;

use super::{Edit, Event, Span, Story, Why};

impl Story {
    /// An edit that came while what is edited had to be left, and that was put back meanwhile.
    pub(super) fn not_left(&self) -> Vec<String> {
        let by_hand: BTreeSet<_> = self.edits.iter().map(|edit| edit.version).collect();
        let mut wrong = Vec::new();
        for edit in &self.edits {
            let mut about = self.events.iter().filter(|one| one.kind == "MicroService" && one.name() == edit.name);
            let Some(edited) = about.find(|event| event.version == edit.version) else { continue };
            let then: Vec<_> = about.collect();
            for (why, span) in self.left.iter().filter(|(why, span)| self.leaves(*why, *span, edit, edited)) {
                let in_time = then.iter().take_while(|event| span.until.is_none_or(|until| event.heard < until));
                let next =
                    in_time.into_iter().find(|event| event.deleted || replicas(event) != Some(edit.replicas.into()));
                if let Some(next) = next
                    && !next.deleted
                    && !by_hand.contains(&next.version)
                {
                    wrong.push(format!("{edit:?} had to stay by {why:?}, {span:?}, and then: {:#}", next.object));
                }
            }
        }
        wrong
    }

    /// Whether an edit has to stay as long as that holds.
    fn leaves(&self, why: Why, span: Span, edit: &Edit, edited: &Event) -> bool {
        let about = match why {
            // What the service says itself comes first.
            Why::Policy => !self.has_own_policy(edit.name),
            Why::Pause(name) => name.is_none_or(|name| name == edit.name),
        };
        // Who takes a service over begins with what its own commit says.
        about && !self.was_second(edit.name) && span.from < edited.heard
    }
}

fn replicas(event: &Event) -> Option<u64> {
    event.object["spec"]["replicas"].as_u64()
}
