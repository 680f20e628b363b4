//! Calls as the API server itself counted them, from its audit log: who called, by the user agent, and what for.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The audit log of the API server.
#[derive(Debug, Clone)]
pub struct Audit(PathBuf);

/// A moment in the log.
#[derive(Debug, Clone, Copy)]
pub struct Mark(u64);

/// Calls by `verb resource`; watches, which stay open, are left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Calls(pub BTreeMap<String, u64>);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    stage: String,
    verb: String,
    #[serde(default)]
    user_agent: String,
    object_ref: Option<Reference>,
}

#[derive(Deserialize)]
struct Reference {
    resource: Option<String>,
    subresource: Option<String>,
}

impl Audit {
    /// The log in that file.
    pub fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// Now.
    pub fn mark(&self) -> anyhow::Result<Mark> {
        Ok(Mark(std::fs::metadata(&self.0)?.len()))
    }

    /// Calls that `agent/…` made since then.
    pub fn since(&self, mark: Mark, agent: &str) -> anyhow::Result<Calls> {
        let mut file = File::open(&self.0)?;
        file.seek(SeekFrom::Start(mark.0))?;
        let mut calls = Calls::default();
        for line in BufReader::new(file).lines() {
            // The last line may be half written.
            let Ok(line) = serde_json::from_str::<Line>(&line?) else { continue };
            calls.take(&line, agent);
        }
        Ok(calls)
    }
}

impl Calls {
    fn take(&mut self, line: &Line, agent: &str) {
        let ours = line.user_agent.split('/').next() == Some(agent);
        if !ours || line.stage != "ResponseComplete" || line.verb == "watch" {
            return;
        }
        let what = match &line.object_ref {
            Some(Reference { resource: Some(resource), subresource: Some(sub) }) => format!("{resource}/{sub}"),
            Some(Reference { resource: Some(resource), .. }) => resource.clone(),
            _ => "other".to_owned(),
        };
        *self.0.entry(format!("{} {what}", line.verb)).or_default() += 1;
    }

    /// All of them.
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// Those on MicroServices, status included.
    pub fn microservices(&self) -> u64 {
        self.sum(|_, resource| resource == "microservices")
    }

    /// Those on MicroServices that may have changed one.
    pub fn writes(&self) -> u64 {
        self.sum(|verb, resource| resource == "microservices" && !matches!(verb, "get" | "list"))
    }

    fn sum(&self, wanted: impl Fn(&str, &str) -> bool) -> u64 {
        let wanted = |call: &str| {
            let (verb, what) = call.split_once(' ').unwrap_or_default();
            wanted(verb, what.split('/').next().unwrap_or_default())
        };
        self.0.iter().filter(|(call, _)| wanted(call)).map(|(_, count)| count).sum()
    }
}

impl std::fmt::Display for Calls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.is_empty() {
            return f.write_str("none");
        }
        let parts: Vec<String> = self.0.iter().map(|(call, count)| format!("{count} {call}")).collect();
        f.write_str(&parts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_finished_calls_of_one_agent_count() {
        let mut calls = Calls::default();
        let mut take = |agent: &str, stage: &str, verb: &str, resource: &str, sub: Option<&str>| {
            let line = serde_json::json!({
                "stage": stage, "verb": verb, "userAgent": agent,
                "objectRef": {"resource": resource, "subresource": sub}
            });
            calls.take(&serde_json::from_value(line).unwrap(), "gitmoor");
        };
        take("gitmoor/0.1.0", "ResponseComplete", "patch", "microservices", None);
        take("gitmoor/0.1.0", "ResponseComplete", "patch", "microservices", Some("status"));
        take("gitmoor/0.1.0", "ResponseComplete", "watch", "microservices", None);
        take("gitmoor/0.1.0", "ResponseStarted", "get", "secrets", None);
        take("gitmoor-bench/1", "ResponseComplete", "patch", "microservices", None);
        assert_eq!(calls.to_string(), "1 patch microservices, 1 patch microservices/status");
        assert_eq!((calls.total(), calls.microservices(), calls.writes()), (2, 2, 2));
    }
}
