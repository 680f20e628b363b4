//! Integration tests in one binary, because each links everything.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a failed helper is a failed test; clippy.toml allows this in test functions only"
)]

mod git;
mod support;
