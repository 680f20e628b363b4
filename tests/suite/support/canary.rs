//! Canaries: every secret of the suite says a mark somewhere, or is written down here, and whatever Gitmoor emits or
//! stores is searched for them: log, output and cache of each process that ends, each answer of its listeners, and what it
//! wrote into each control plane. One that is found fails the test that was running, with where it was.
//!
//! Nothing here knows what a secret is for. That none is made without a mark is seen to by [`demand`].

mod cluster;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::{LazyLock, Mutex, PoisonError};

use data_encoding::{BASE64, BASE64_NOPAD, HEXLOWER};
use serde_json::Value;

pub use cluster::sweep;

/// What each made-up secret says. Letters and digits alone: it stays as it is in URLs, in JSON and in YAML.
const MARK: &str = "c4nary";
/// Bytes of a secret that are looked for: enough to be no accident, and few enough to be found in a part of it.
const SLICE: usize = 30;
/// Keys of Secrets whose values are no secret.
const PUBLIC: [&str; 6] = ["username", "known_hosts", "allowed_signers", "ca.crt", "tls.crt", "type"];

/// A secret by that name, with the mark.
macro_rules! secret {
    ($name:literal) => {
        concat!("c4nary-", $name)
    };
}
pub(crate) use secret;

/// What is looked for: marks, and secrets that cannot have one.
#[derive(Debug, Clone, Default)]
pub struct Canaries {
    needles: BTreeSet<Vec<u8>>,
    known: BTreeSet<String>,
}

/// Those of this run.
static CANARIES: LazyLock<Mutex<Canaries>> = LazyLock::new(|| Mutex::new(Canaries::of(MARK)));

/// From now on that is looked for, too: a key or a token that somebody else made. Gives it back.
pub fn guard(made: &str) -> String {
    CANARIES.lock().unwrap_or_else(PoisonError::into_inner).guard(made);
    made.to_owned()
}

/// All that is looked for now.
pub fn all() -> Canaries {
    CANARIES.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Refuses a Secret that a test makes or changes of which a value would not be found.
#[track_caller]
pub fn demand(secret: &Value) {
    let canaries = all();
    let pairs = |part: &str| secret[part].as_object().cloned().unwrap_or_default();
    let plain = pairs("stringData").into_iter().map(|(key, value)| (key, text(&value)));
    let encoded = pairs("data").into_iter().map(|(key, value)| {
        let decoded = BASE64.decode(text(&value).as_bytes()).unwrap_or_default();
        (key, String::from_utf8_lossy(&decoded).into_owned())
    });
    for (key, value) in plain.chain(encoded) {
        let public = PUBLIC.contains(&key.as_str()) || key.ends_with(".pub") || key.ends_with(".asc");
        assert!(
            public || value.is_empty() || !canaries.found("it", value.as_bytes()).is_empty(),
            "the value of {key:?} would not be found where it must not be: make it by secret! or guard"
        );
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Fails where what was said to anybody has one.
#[track_caller]
pub fn search(what: &str, said: &str) {
    none(&all().found(what, said.as_bytes()));
}

/// Fails where some were found.
#[track_caller]
pub fn none(found: &[String]) {
    assert!(found.is_empty(), "A SECRET WAS TOLD:\n{}", found.join("\n"));
}

impl Canaries {
    /// What says that mark, as it is and as it is encoded.
    pub fn of(mark: &str) -> Self {
        let mut canaries = Self::default();
        canaries.look_for(mark.as_bytes());
        canaries
    }

    /// Looks for a secret that somebody else made, too.
    pub fn guard(&mut self, made: &str) {
        if !self.known.insert(made.to_owned()) {
            return;
        }
        if made.contains("-----BEGIN ") {
            // The middle of a key: what is at its beginning, all keys of its kind have.
            let lines: Vec<&str> = made.lines().map(str::trim).filter(|line| line.len() >= SLICE).collect();
            let body: Vec<&&str> = lines.iter().filter(|line| !line.starts_with("-----")).collect();
            let from = body.len().saturating_sub(3).min(2);
            body.iter().skip(from).for_each(|line| self.look_for(&line.as_bytes()[..SLICE]));
            return;
        }
        // The end of a token is its signature; claims that it has in common with others are no secret.
        let bytes = made.trim().as_bytes();
        assert!(bytes.len() >= 8, "that is too short to be looked for");
        self.look_for(&bytes[bytes.len().saturating_sub(SLICE)..]);
    }

    fn look_for(&mut self, bytes: &[u8]) {
        self.needles.insert(bytes.to_vec());
        self.needles.insert(HEXLOWER.encode(bytes).into_bytes());
        let percent = bytes.iter().fold(String::new(), |mut all, byte| {
            write!(all, "%{byte:02X}").unwrap();
            all
        });
        self.needles.insert(percent.into_bytes());
        // In base64 what is before it decides how it looks, and a character that holds bits of something else is left out.
        for before in 0..3 {
            let padded = [&vec![0; before][..], bytes].concat();
            let encoded = BASE64_NOPAD.encode(&padded);
            let whole = (padded.len() * 8) / 6;
            let from = (before * 8).div_ceil(6);
            let needle = &encoded[from..whole];
            self.needles.insert(needle.as_bytes().to_vec());
            self.needles.insert(needle.replace('+', "-").replace('/', "_").into_bytes());
        }
    }

    /// Where they are in what somebody said.
    pub fn found(&self, what: &str, said: &[u8]) -> Vec<String> {
        if said.is_empty() {
            return Vec::new();
        }
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(said).unwrap();
        self.found_in(&[file.path()]).into_iter().map(|hit| format!("{what}: {}", hit.around)).collect()
    }

    /// Where they are in the files of a folder.
    pub fn found_below(&self, folder: &Path) -> Vec<String> {
        if !folder.exists() {
            return Vec::new();
        }
        self.found_in(&[folder]).into_iter().map(|hit| format!("{}: {}", hit.file, hit.around)).collect()
    }

    /// The suite is not optimised, and grep is.
    fn found_in(&self, places: &[&Path]) -> Vec<Hit> {
        let mut needles = tempfile::NamedTempFile::new().unwrap();
        let lines = self.needles.iter().map(Vec::as_slice).collect::<Vec<_>>().join(&b'\n');
        needles.write_all(&lines).unwrap();
        // --no-messages: of what a daemon keeps, some goes while it is read.
        let output = Command::new("grep")
            .env("LC_ALL", "C")
            .args(["-r", "-a", "-b", "-o", "-F", "-H", "-Z", "--no-messages", "-f"])
            .arg(needles.path())
            .arg("--")
            .args(places)
            .output()
            .unwrap();
        let hits = output.stdout.split(|byte| *byte == b'\n').filter_map(|line| {
            let at = line.iter().position(|byte| *byte == 0)?;
            let file = String::from_utf8_lossy(&line[..at]).into_owned();
            let offset = String::from_utf8_lossy(&line[at + 1..]).split(':').next()?.parse().ok()?;
            let around = around(Path::new(&file), offset);
            Some(Hit { file, around })
        });
        let mut hits: Vec<_> = hits.take(20).collect();
        hits.dedup_by(|a, b| a.around == b.around);
        hits
    }
}

/// One of them, where it must not be.
struct Hit {
    file: String,
    around: String,
}

/// The line, as far as it is near.
fn around(file: &Path, offset: usize) -> String {
    let content = fs::read(file).unwrap_or_default();
    let (from, to) = (offset.saturating_sub(400), (offset + 200).min(content.len()));
    let near = String::from_utf8_lossy(content.get(from..to).unwrap_or_default()).into_owned();
    let at = near.len().min(offset - from);
    // In the middle of a character, there is no line to be shown by.
    let (before, after) = near.split_at_checked(at).unwrap_or(("", &near));
    let line = before.rsplit('\n').next().unwrap_or_default();
    format!("…{line}{}…", after.split('\n').next().unwrap_or_default())
}
