//! What a person should see of a GitSync beside whether it is ready: what is held, suspended, pinned, waited for, and what
//! was done last. Pure.

use anstyle::Style;

use crate::api::gitsync_status::{HistoryEntry, HistoryResult};
use crate::cli::answer::progress_line;
use crate::cli::held;
use crate::cli::say::{age, short, short_commit};
use crate::cli::table::{BAD, FAINT, ODD};
use crate::view::Loud;

impl Loud {
    /// Lines below its row, the loudest first.
    pub fn notes(&self, name: &str, now: jiff::Timestamp) -> Vec<(String, Style)> {
        let mut notes = self.hold.as_ref().map(|hold| held::lines(name, hold, now)).unwrap_or_default();
        if self.suspended {
            let why = self.suspend_reason.as_deref().map(|why| format!(" ({why})")).unwrap_or_default();
            notes.push((format!("SUSPENDED{why}: nothing is written; go on with: gitmoor resume {name}"), BAD));
        }
        if let Some(paused) = &self.paused {
            notes.push((format!("PAUSED: {paused}; end it with: gitmoor unpause gitsync/{name}"), BAD));
        }
        if let Some(pinned) = &self.pinned_revision {
            let commit = short_commit(pinned);
            notes.push((format!("PINNED to {commit}: go on with: gitmoor rollback {name} --release"), BAD));
        }
        if let Some(progress) = &self.progress {
            notes.push((format!("for {}: {}", age(progress.since.0, now), progress_line(progress)), ODD));
        }
        notes.extend(self.history.first().map(|entry| (last(entry, now), FAINT)));
        notes
    }

    /// The guard's words, which the notes have.
    pub fn held_because(&self) -> Option<&String> {
        self.hold.as_ref().map(|hold| &hold.message)
    }

    /// The same for a line of a log.
    pub fn words(&self) -> Vec<String> {
        let held = self.hold.as_ref().map(|hold| format!("plan {} is held: {}", hold.plan, hold.reason));
        let suspended = self.suspended.then(|| "suspended".to_owned());
        let pinned = self.pinned_revision.as_deref().map(|pinned| format!("pinned to {}", short_commit(pinned)));
        let progress = self.progress.as_ref().map(progress_line);
        [held, suspended, self.paused.clone(), pinned, progress].into_iter().flatten().collect()
    }
}

/// What was done last.
fn last(entry: &HistoryEntry, now: jiff::Timestamp) -> String {
    let HistoryEntry { revision, author, subject, applied, took, result, changed, pruned, .. } = entry;
    let did = match result {
        HistoryResult::Applied => "applied",
        HistoryResult::Partial => "applied in part",
        HistoryResult::Superseded => "superseded",
    };
    let about: Vec<&str> = [author, subject].into_iter().filter_map(|text| text.as_deref()).collect();
    let about = if about.is_empty() { String::new() } else { format!("; {}", about.join(": ")) };
    let when = age(applied.0, now);
    format!("last: {} {did} {when} ago in {took}, {changed} changed, {pruned} pruned{about}", short(revision))
}
