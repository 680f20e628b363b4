//! What the API server wrote down of the calls that a daemon made.

use std::collections::BTreeMap;
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

/// One call of one process, as far as it matters who made it when.
#[derive(Debug, Clone)]
pub struct Deed {
    /// The token that it was made with.
    pub token: String,
    pub call: Call,
    /// When the API server got it, and when it had done it.
    pub begun: jiff::Timestamp,
    pub done: jiff::Timestamp,
    /// What it answered.
    pub code: u64,
}

impl Deed {
    /// Whether it could change something.
    pub fn is_write(&self) -> bool {
        !["get", "list", "watch"].contains(&self.call.verb.as_str())
    }

    /// Whether it was done as asked.
    pub fn is_done(&self) -> bool {
        (200..300).contains(&self.code)
    }
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
        let all = self.entries(since).into_iter().map(|entry| call(&entry));
        all.filter(|call| call.verb != "watch" && call.resource != "events").collect()
    }

    /// All that daemons asked since then and that the API server has answered, with who asked it.
    pub fn deeds(&self, since: Mark) -> Vec<Deed> {
        self.entries(since).iter().map(deed).collect()
    }

    /// What was done to objects of a kind since then: how often the API server said that code for that verb, by name.
    pub fn times(&self, since: Mark, verb: &str, resource: &str, code: u64) -> BTreeMap<String, usize> {
        let mut times = BTreeMap::new();
        for deed in self.deeds(since) {
            let Call { verb: did, resource: to, subresource, name } = deed.call;
            if deed.code == code && did == verb && to == resource && subresource.is_empty() {
                *times.entry(name).or_default() += 1;
            }
        }
        times
    }

    fn entries(&self, since: Mark) -> Vec<Value> {
        let mut file = std::fs::File::open(&self.path).unwrap();
        file.seek(SeekFrom::Start(since.0)).unwrap();
        let user = format!("system:serviceaccount:{OPERATOR}:gitmoor");
        let entries = BufReader::new(file).lines().map_while(Result::ok);
        let entries = entries.filter_map(|line| serde_json::from_str::<Value>(&line).ok());
        entries.filter(|entry| entry["user"]["username"] == *user && entry["stage"] == "ResponseComplete").collect()
    }

    /// Whatever anybody asked about an object of that name since then, as the log has it.
    pub fn about(&self, since: Mark, name: &str) -> Vec<Value> {
        let mut file = std::fs::File::open(&self.path).unwrap();
        file.seek(SeekFrom::Start(since.0)).unwrap();
        let entries = BufReader::new(file).lines().map_while(Result::ok).filter(|line| line.contains(name));
        let entries = entries.filter_map(|line| serde_json::from_str::<Value>(&line).ok());
        entries.filter(|entry| entry["objectRef"]["name"] == *name && entry["stage"] == "ResponseComplete").collect()
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

fn deed(entry: &Value) -> Deed {
    let time = |field: &str| entry[field].as_str().unwrap().parse().unwrap();
    let token = entry["user"]["extra"]["authentication.kubernetes.io/credential-id"][0].as_str();
    Deed {
        token: token.unwrap().to_owned(),
        call: call(entry),
        begun: time("requestReceivedTimestamp"),
        done: time("stageTimestamp"),
        code: entry["responseStatus"]["code"].as_u64().unwrap_or_default(),
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
