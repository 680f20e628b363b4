//! A pause of corrections: what a person asked for on a live object, and what is made of it. Types only.

use jiff::Timestamp;

/// Reason of the condition Paused where what was asked for is no pause.
pub const REFUSED: &str = "PauseRefused";

/// What annotations of a live object ask for, word for word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PauseMarks {
    /// `gitmoor.dev/pause-until`.
    pub until: String,
    /// `gitmoor.dev/pause-reason`.
    pub reason: Option<String>,
    /// Who: as `gitmoor pause` was told by the API server, or else the field manager that set the time.
    pub by: Option<String>,
    /// Whether status says of just this time that it is no pause. What was refused stays so, however near it comes.
    pub refused: bool,
}

/// A pause: until then nothing is corrected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// When it ends.
    pub until: Timestamp,
    /// Why.
    pub reason: Option<String>,
    /// Who.
    pub by: Option<String>,
}

/// What is made of what was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// Nothing is corrected.
    Holds(Pause),
    /// Its time is over.
    Over(Pause),
    /// It is no pause, and this sentence says why.
    Refused(String),
}

impl Asked {
    /// The pause, while it holds.
    pub fn holding(self) -> Option<Pause> {
        match self {
            Self::Holds(pause) => Some(pause),
            Self::Over(_) | Self::Refused(_) => None,
        }
    }
}
