//! The log lines of a daemon. They go to a file, not through a pipe: what a daemon has written is there at once, so that
//! whoever saw what it did next sees what it said before.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use serde::Deserializer;
use serde::de::{MapAccess, Visitor};
use serde_json::{Map, Value};

use super::{eventually, holds};

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
}

impl Log {
    /// A log, and where to write it.
    pub fn new() -> (Self, Stdio) {
        let file = tempfile::NamedTempFile::new().unwrap();
        let written = Written { file: file.reopen().unwrap(), rest: Vec::new(), lines: Vec::new() };
        (Self { written: Arc::new(Mutex::new(written)) }, file.into_file().into())
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
