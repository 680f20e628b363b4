//! What `cargo fuzz` runs: one function per kind of input. The functions are plain, and the suite runs them, too.

pub mod targets;
