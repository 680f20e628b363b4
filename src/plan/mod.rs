//! The plan: what turns live into declared, and what is not done and why.
//!
//! Pure: the same declared and live always make the same plan. Nothing is deleted on a guess: see [`decide`] for the
//! three-part proof, and [`judge`] for what a person must approve.

pub mod applyset;
pub mod approval;
pub mod body;
pub mod budget;
pub mod decide;
pub mod farewell;
pub mod guards;
pub mod judge;
pub mod moves;
pub mod order;
pub mod ownership;
pub mod rename;
pub mod rewrite;
pub mod standing;

pub use approval::{Approved, Doomed, Permit};
pub use body::{Marks, apply_body};
pub use budget::Budget;
pub use decide::{Sync, plan, undeclared};
pub use guards::Guards;
pub use judge::{Case, Held, Verdict, judge};
pub use ownership::{Alone, Others, Rules};
pub use standing::Standing;

#[cfg(test)]
mod tests;
