//! One line that says what goes on, on a terminal; nothing in a pipe.

use std::io::{IsTerminal, Write, stderr};
use std::time::Instant;

/// Says what goes on.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    shown: bool,
    started: Instant,
}

impl Progress {
    /// Starts the clock.
    pub fn new() -> Self {
        Self { shown: stderr().is_terminal(), started: Instant::now() }
    }

    /// Replaces the line.
    pub fn say(&self, what: &str) {
        if self.shown {
            let seconds = self.started.elapsed().as_secs();
            // Nothing can be done when stderr is gone.
            let _ = write!(stderr(), "\r\x1b[K{:>3}:{:02}  {what}", seconds / 60, seconds % 60);
            let _ = stderr().flush();
        }
    }

    /// Removes the line.
    pub fn done(&self) {
        if self.shown {
            let _ = write!(stderr(), "\r\x1b[K");
        }
    }

    /// A line that stays.
    pub fn warn(&self, what: &str) {
        self.done();
        let _ = writeln!(stderr(), "{what}");
    }
}
