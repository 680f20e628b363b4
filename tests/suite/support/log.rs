//! The log lines of a daemon, as they come.

use std::fmt;
use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Mutex};

use serde::Deserializer;
use serde::de::{MapAccess, Visitor};
use serde_json::{Map, Value};

use super::{eventually, holds};

/// What a daemon has logged so far. Clones share it.
#[derive(Clone, Default)]
pub struct Log {
    lines: Arc<Mutex<Vec<Value>>>,
}

impl Log {
    /// Reads JSON lines to their end, in a thread of its own.
    pub fn read(stream: impl Read + Send + 'static) -> Self {
        let log = Self::default();
        let lines = Arc::clone(&log.lines);
        std::thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                if std::env::var_os("GITMOOR_TEST_LOGS").is_some() {
                    eprintln!("{line}");
                }
                lines.lock().unwrap().push(parse(&line));
            }
        });
        log
    }

    /// The lines that fit.
    pub fn lines(&self, fits: impl Fn(&Value) -> bool) -> Vec<Value> {
        self.lines.lock().unwrap().iter().filter(|line| fits(line)).cloned().collect()
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
        let lines = self.lines.lock().unwrap();
        let last: Vec<_> = lines.iter().rev().take(15).map(Value::to_string).collect();
        last.into_iter().rev().collect::<Vec<_>>().join("\n")
    }

    /// Every line must be an object without a key twice: a reader would see only one of the two.
    pub async fn is_well_formed(&self) {
        let bad = self.lines(|line| line.get("not_json").is_some());
        eventually("log lines are JSON", async || holds(bad.is_empty(), &bad)).await;
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
