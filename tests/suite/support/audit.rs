//! What the API server wrote down of the calls that a daemon made.

use std::io::{BufRead, BufReader, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::daemon::OPERATOR;

/// The audit log of a control plane.
pub struct Audit {
    path: PathBuf,
}

/// A place in it.
#[derive(Clone, Copy)]
pub struct Mark(u64);

/// One call.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Call {
    pub verb: String,
    pub resource: String,
    pub subresource: String,
    pub name: String,
}

impl Audit {
    pub fn of(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// Where it ends now. The API server writes an entry before it answers.
    pub fn mark(&self) -> Mark {
        Mark(std::fs::metadata(&self.path).unwrap().len())
    }

    /// What the daemon asked since then, less its watches and Events: these cost nothing that it decides.
    pub fn calls(&self, since: Mark) -> Vec<Call> {
        let mut file = std::fs::File::open(&self.path).unwrap();
        file.seek(SeekFrom::Start(since.0)).unwrap();
        let user = format!("system:serviceaccount:{OPERATOR}:gitmoor");
        let entries = BufReader::new(file).lines().map_while(Result::ok);
        let entries = entries.filter_map(|line| serde_json::from_str::<Value>(&line).ok());
        let ours = entries.filter(|entry| entry["user"]["username"] == *user && entry["stage"] == "ResponseComplete");
        ours.map(|entry| call(&entry)).filter(|call| call.verb != "watch" && call.resource != "events").collect()
    }

    /// What was asked since then by whomever as that user.
    pub fn calls_as(&self, since: Mark, user: &str) -> Vec<Call> {
        let mut file = std::fs::File::open(&self.path).unwrap();
        file.seek(SeekFrom::Start(since.0)).unwrap();
        let entries = BufReader::new(file).lines().map_while(Result::ok).filter(|line| line.contains(user));
        let entries = entries.filter_map(|line| serde_json::from_str::<Value>(&line).ok());
        let theirs = entries
            .filter(|entry| entry["impersonatedUser"]["username"] == *user && entry["stage"] == "ResponseComplete");
        theirs.map(|entry| call(&entry)).collect()
    }

    /// How many calls of a verb on a resource itself.
    pub fn count(&self, since: Mark, verb: &str, resource: &str) -> usize {
        let calls = self.calls(since);
        calls
            .iter()
            .filter(|call| call.verb == verb && call.resource == resource && call.subresource.is_empty())
            .count()
    }
}

fn call(entry: &Value) -> Call {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let object = &entry["objectRef"];
    Call {
        verb: text(&entry["verb"]),
        resource: text(&object["resource"]),
        subresource: text(&object["subresource"]),
        name: text(&object["name"]),
    }
}
