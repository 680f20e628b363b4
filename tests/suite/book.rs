//! The book: what its pages say is so. Links lead somewhere, examples are valid, commands exist, and those of the first
//! five minutes are run.
//!
//! None of it needs mdBook: what renders the pages may be any program.

mod commands;
mod examples;
mod links;
mod monitoring;
mod page;
mod promql;
mod security;
mod shell;
mod start;
mod summary;
