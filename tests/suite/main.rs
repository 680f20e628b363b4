//! Every integration test of Gitmoor in one binary: linking kube and gix takes longer than most tests.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a failed helper is a failed test; clippy.toml allows this in test functions only"
)]

mod support;

mod alerts;
mod book;
mod browser;
mod bugs;
mod canaries;
mod chaos;
mod cli;
mod codes;
mod commands;
mod daemon;
mod embedded;
mod floors;
mod fuzz;
mod generated;
mod git;
mod golden_render;
mod installation;
mod kubernetes;
mod layout;
mod packaging;
mod reference;
mod server;
