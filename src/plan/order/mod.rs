//! The order in which a plan is carried out, and what must be so before.
//!
//! Pure: who is asked what may begin now gets an answer from what is declared and live at this moment. Nothing here
//! waits, and nothing remembers, but for the time since when something is waited for.

mod clock;
mod dependencies;
#[cfg(test)]
mod tests;
mod waves;

pub use clock::{Clock, Stretch};
pub use dependencies::{Dependent, Verdict, cycle, judge};
pub use waves::{Front, Stage, Stands, Step, Work, front};
