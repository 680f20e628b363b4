//! What tests need beside the crate.

pub mod git_server;
pub mod repository;
