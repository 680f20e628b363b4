//! What comes from outside, one function per kind of input. Each takes any bytes and panics where something is said or done that
//! must never be: more than that nothing panics, it holds bounds, that the same is answered twice, that places are within the
//! input, that what is accepted goes all the way, that nothing is deleted without proof, and that no secret is repeated.
//!
//! `make fuzz` runs them under libFuzzer, and `tests/suite/fuzz.rs` over the corpus and some thousand mutations of it. Words that
//! mean something in an input are in `fuzz/dictionaries`, for both.

mod choices;
mod ignores;
mod live;
mod managed_fields;
mod manifests;
mod overrides;
mod page;
mod plans;
mod redaction;
mod round_trip;
mod secrets;
mod signatures;
mod urls;
mod webhooks;
mod words;

use std::path::{Path, PathBuf};

/// One kind of input.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// As it is called in commands, and its folder in `fuzz/corpus`.
    pub name: &'static str,
    /// What it must hold.
    pub run: fn(&[u8]),
    /// Folders of the repository whose files are good inputs, too. `hack/fuzz` reads them here.
    pub seeds: &'static [&'static str],
}

/// All of them.
pub const TARGETS: [Target; 14] = [
    Target { name: "manifests", run: manifests::run, seeds: &["examples", "tests/golden/diagnostics"] },
    Target { name: "webhooks", run: webhooks::run, seeds: &["tests/payloads"] },
    Target { name: "urls", run: urls::run, seeds: &[] },
    Target { name: "ignores", run: ignores::run, seeds: &[] },
    Target { name: "managed_fields", run: managed_fields::run, seeds: &[] },
    Target { name: "round_trip", run: round_trip::run, seeds: &[] },
    Target { name: "overrides", run: overrides::run, seeds: &[] },
    Target { name: "plans", run: plans::run, seeds: &[] },
    Target { name: "live", run: live::run, seeds: &[] },
    Target { name: "signatures", run: signatures::run, seeds: &["tests/golden/signatures"] },
    Target { name: "page", run: page::run, seeds: &[] },
    Target { name: "secrets", run: secrets::run, seeds: &["tests/golden/signatures/keys"] },
    Target { name: "redaction", run: redaction::run, seeds: &["examples"] },
    Target { name: "words", run: words::run, seeds: &["tests/golden/alerts"] },
];

/// Runs one by its name.
pub fn run(name: &str, data: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name).unwrap_or_else(|| panic!("{name} is no target"));
    (target.run)(data);
}

/// The root of the repository, whichever package this is compiled in.
pub fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    // By its name and not by its folder: a checkout may be called anything.
    let above = package.parent().filter(|_| env!("CARGO_PKG_NAME") == "gitmoor-fuzz");
    above.unwrap_or(package).to_owned()
}
