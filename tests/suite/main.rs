//! Integration tests in one binary, because each links everything.

mod git;
mod support;
