//! The page's API on a real daemon: what it answers, to whom, and what it tells of changes.

mod access;
mod client;
mod contract;
mod events;
mod schema;
mod shown;
mod tls;
