//! The log lines of a daemon. They go to a file, not through a pipe: what a daemon has written is there at once, so that
//! whoever saw what it did next sees what it said before. What it writes to its standard output goes to another one.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserializer;
use serde::de::{MapAccess, Visitor};
use serde_json::{Map, Value};

use super::{canary, eventually, holds};

/// What a daemon has logged so far. Clones share it.
#[derive(Clone)]
pub struct Log {
    written: Arc<Mutex<Written>>,
}

/// The file, as far as it was read.
struct Written {
    file: File,
    /// The beginning of a line whose end is not there yet.
    rest: Vec<u8>,
    lines: Vec<Value>,
    output: File,
    /// How many bytes of both were searched for canaries.
    searched: [u64; 2],
}

impl Log {
    /// A log, and where to write it: standard error and standard output.
    pub fn new() -> (Self, [Stdio; 2]) {
        let [errors, output] = [(); 2].map(|()| tempfile::NamedTempFile::new().unwrap());
        let [file, read_output] = [&errors, &output].map(|file| file.reopen().unwrap());
        let written =
            Written { file, rest: Vec::new(), lines: Vec::new(), output: read_output, searched: Default::default() };
        (Self { written: Arc::new(Mutex::new(written)) }, [errors, output].map(|file| file.into_file().into()))
    }

    /// Fails where a secret was written since the last time.
    pub fn tells_no_secret(&self) {
        let unsearched = self.written.lock().unwrap_or_else(PoisonError::into_inner).unsearched();
        canary::none(&canary::all().found("in the log", &unsearched));
    }

    /// The lines that fit.
    pub fn lines(&self, fits: impl Fn(&Value) -> bool) -> Vec<Value> {
        let mut written = self.written.lock().unwrap();
        written.read();
        written.lines.iter().filter(|line| fits(line)).cloned().collect()
    }

    /// Waits for a line.
    pub async fn line(&self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        eventually(&format!("a log line: {what}"), async || match self.lines(&fits).into_iter().next() {
            Some(line) => Ok(line),
            None => Err(self.tail()),
        })
        .await
    }

    /// Waits for a line with that message.
    pub async fn message(&self, message: &str) -> Value {
        self.line(message, |line| line["message"] == message).await
    }

    /// The end of it, for failures.
    pub fn tail(&self) -> String {
        let lines = self.lines(|_| true);
        let last = &lines[lines.len().saturating_sub(15)..];
        last.iter().map(Value::to_string).collect::<Vec<_>>().join("\n")
    }

    /// Every line must be an object without a key twice: a reader would see only one of the two.
    pub async fn is_well_formed(&self) {
        let bad = self.lines(|line| line.get("not_json").is_some());
        eventually("log lines are JSON", async || holds(bad.is_empty(), &bad)).await;
    }
}

impl Written {
    /// What was not searched yet, and a little before it: what was there may have been half of a secret.
    fn unsearched(&mut self) -> Vec<u8> {
        const BEFORE: u64 = 64;
        let mut all = Vec::new();
        for (file, searched) in [&self.file, &self.output].into_iter().zip(&mut self.searched) {
            let from = searched.saturating_sub(BEFORE);
            let mut new = vec![0; usize::try_from(file.metadata().unwrap().len().saturating_sub(from)).unwrap()];
            let read = file.read_at(&mut new, from).unwrap();
            new.truncate(read);
            if from + new.len() as u64 > *searched {
                *searched = from + new.len() as u64;
                all.extend(new);
            }
        }
        all
    }

    /// Reads what came since.
    fn read(&mut self) {
        self.file.read_to_end(&mut self.rest).unwrap();
        let Some(end) = self.rest.iter().rposition(|byte| *byte == b'\n') else { return };
        let whole: Vec<u8> = self.rest.drain(..=end).collect();
        for line in String::from_utf8_lossy(&whole).lines() {
            if std::env::var_os("GITMOOR_TEST_LOGS").is_some() {
                eprintln!("{line}");
            }
            self.lines.push(parse(line));
        }
    }
}

fn parse(line: &str) -> Value {
    let parsed = serde_json::Deserializer::from_str(line).deserialize_map(Strict);
    parsed.unwrap_or_else(|why| serde_json::json!({"not_json": line, "why": why.to_string()}))
}

/// An object whose keys must differ.
struct Strict;

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        while let Some((key, value)) = map.next_entry::<String, Value>()? {
            if fields.insert(key.clone(), value).is_some() {
                return Err(serde::de::Error::custom(format!("{key:?} is there twice")));
            }
        }
        Ok(Value::Object(fields))
    }
}
