//! The plan of a whole revision, as a loop works it out before it does anything, and nothing beside it: for the benchmark.

use std::collections::HashSet;
use std::sync::Arc;

use super::doomed::{Gathered, Sentence};
use super::lessons::Lessons;
use super::settings::Settings;
use super::state::State;
use super::work::View;
use crate::api::GitSync;
use crate::cluster::Targets;
use crate::model::{Declared, Revision, Snapshot};
use crate::plan::Alone;

/// A GitSync that has just read a revision.
pub struct Rehearsal {
    state: State,
}

/// How much a plan has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Planned {
    /// Objects that are created, changed or taken over.
    pub writes: usize,
    /// Objects that are deleted.
    pub deletions: usize,
    /// Objects that are held, by a guard of their own or of the plan.
    pub held: usize,
}

impl Rehearsal {
    /// The GitSync, and what its revision declares.
    pub fn new(gitsync: &GitSync, operator_namespace: &str, revision: Revision, declared: Declared) -> Self {
        let settings = Arc::new(Settings::of(gitsync, operator_namespace));
        let mut state = State::new(settings, &gitsync.status.clone().unwrap_or_default());
        let (files, missing_paths, unread) = (Vec::new(), Vec::new(), Vec::new());
        state.read(Arc::new(Snapshot { revision, commit: None, files, missing_paths, unread, excluded: 0 }), declared);
        Self { state }
    }

    /// Decides about each object, gathers what is declared no more, and judges all of that together.
    pub fn plan(&self, live: &Targets, now: jiff::Timestamp) -> Planned {
        let State { settings, declared, guards, snapshot, .. } = &self.state;
        let revision = snapshot.as_ref().map_or("", |snapshot| snapshot.revision.as_str());
        let lessons = &Lessons::default();
        let view = View { settings, declared, revision, live, guards, others: &Alone, lessons, now };
        let looks: Vec<_> = view.unsettled().iter().map(|key| view.look(key, false)).collect();
        let gathered = Gathered::of(view, &HashSet::new());
        let Sentence { gathered, verdict, .. } = self.state.judge(gathered, live, now);
        let of_plan = verdict.held.map_or(0, |held| held.deletions.len());
        Planned {
            writes: looks.iter().filter(|look| look.task.is_some()).count(),
            deletions: verdict.permit.len(),
            held: looks.iter().filter(|look| look.hold.is_some()).count() + gathered.held.len() + of_plan,
        }
    }
}
