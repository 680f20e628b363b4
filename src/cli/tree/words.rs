//! What is printed of an object beside whether it is ready.

use anstyle::Style;

use crate::cli::say::{count, short, short_commit};
use crate::cli::table::{BAD, FAINT, ODD};
use crate::view::{Marks, reasons};

impl Marks {
    /// What is printed of it, the loud first.
    pub fn words(&self) -> Vec<(String, Style)> {
        let mut words = Vec::new();
        let loud = BAD.bold();
        if let Some(reason) = &self.held_reason {
            words.push((format!("HELD: {reason}"), loud));
        }
        if self.suspended {
            let why = self.suspend_reason.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
            words.push((format!("SUSPENDED{why}"), loud));
        }
        if let Some(paused) = &self.paused {
            words.push((format!("PAUSED: {paused}"), loud));
        }
        if self.fought_over {
            words.push(("FIGHT".to_owned(), loud));
        }
        words.extend(reasons(&self.concerns).map(|reason| (reason.to_owned(), ODD)));
        if let Some(pinned) = &self.pinned_revision {
            words.push((format!("PINNED to {}", short_commit(pinned)), loud));
        }
        if self.drifted_fields > 0 {
            words.push((format!("{} drifted", count(self.drifted_fields as usize, "field")), ODD));
        }
        if let Some(wave) = &self.wave {
            words.push((format!("wave {wave}"), FAINT));
        }
        if !self.depends_on.is_empty() {
            words.push((format!("depends on {}", self.depends_on.join(", ")), FAINT));
        }
        if let Some(revision) = &self.revision {
            words.push((short(revision), FAINT));
        }
        words
    }
}
