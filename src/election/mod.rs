//! Who acts, where several processes run: the decisions about a Lease, as client-go makes them.
//!
//! No wall clock decides anything: `now` is the time since this process began, by its own monotonic clock, and a Lease of
//! somebody else counts from when we saw it change. So it does not matter how far the clocks of two machines are apart.

mod candidate;
mod record;
#[cfg(test)]
mod tests;
mod times;

pub use candidate::{Candidate, Lost, Step};
pub use record::{Record, Stored};
pub use times::Times;
