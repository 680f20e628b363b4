//! The plan: what turns live into declared, and what is not done and why.
//!
//! Pure: the same declared and live always make the same plan. Nothing is deleted on a guess:
//! see [`decide`] for the three-part proof and the guards.

pub mod applyset;
pub mod body;
pub mod decide;
pub mod moves;
pub mod ownership;
pub mod standing;

pub use body::{Marks, apply_body};
pub use decide::{Guards, Sync, plan, undeclared};
pub use ownership::{Alone, Others, Rules};
pub use standing::Standing;

#[cfg(test)]
mod tests;
