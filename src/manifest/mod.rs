//! Understands manifests: bytes in, valid documents and every finding out, each with its place.
//!
//! Pure: no file, no clock, no client. A file is parsed once per content ([`parse`]) and does not
//! know its name; [`assemble`] puts the files of a revision together for one GitSync.
//!
//! Two rules shape it. A document of another group is nobody's business here: it is counted,
//! whatever it looks like. And what may have declared a MicroService, but cannot be read, is
//! `unreadable`: then nothing is pruned.

// In the order in which a file passes through them.
mod file;
mod limits;

mod builder;
mod node;
mod overrides;
mod places;
mod scalar;
mod yaml;

mod identify;

mod check;
mod defaults;
mod document;
mod drift_rules;
mod kinds;
mod needed;
mod rules;
mod say;
mod settings;
mod shape;
mod suggest;

mod assemble;

#[cfg(test)]
mod tests;

pub use assemble::{Allowed, Scope, assemble};
pub use defaults::defaults;
pub use file::{locate, parse, places};
pub use places::{Place, Places};
