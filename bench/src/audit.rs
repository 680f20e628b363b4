//! Calls as the API server itself counted them, from its audit log: who called, by the user agent, and what for.

use std::collections::BTreeMap;
use std::fs::{File, Metadata};
use std::io::{BufRead, BufReader, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::Context;

use serde::{Deserialize, Serialize};

/// The audit log of the API server.
#[derive(Debug, Clone)]
pub struct Audit(PathBuf);

/// A moment in the log: the file that it was, and how long that was. A log that has grown too large is renamed, and a new
/// one begun.
#[derive(Debug, Clone, Copy)]
pub struct Mark {
    file: u64,
    length: u64,
}

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
    #[serde(default)]
    stage_timestamp: String,
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
        let found = std::fs::metadata(&self.0)?;
        Ok(Mark { file: found.ino(), length: found.len() })
    }

    /// Calls that `agent/…` made since then.
    pub fn since(&self, mark: Mark, agent: &str) -> anyhow::Result<Calls> {
        let mut calls = Calls::default();
        self.each(mark, |line| calls.take(line, agent))?;
        Ok(calls)
    }

    /// When `agent/…` last changed an object itself: not its status, and no Event.
    pub fn last_write(&self, mark: Mark, agent: &str) -> anyhow::Result<Option<jiff::Timestamp>> {
        let mut last: Option<jiff::Timestamp> = None;
        self.each(mark, |line| {
            let object = line.object_ref.as_ref();
            let itself = object.is_some_and(|object| {
                object.subresource.is_none() && !matches!(object.resource.as_deref(), Some("events" | "gitsyncs"))
            });
            if itself && line.is_done_by(agent) && !matches!(&*line.verb, "get" | "list") {
                // They come in order, but for those that were under way together.
                last = last.max(line.stage_timestamp.parse().ok());
            }
        })?;
        Ok(last)
    }

    fn each(&self, mark: Mark, mut take: impl FnMut(&Line)) -> anyhow::Result<()> {
        for (path, from) in self.files(mark)? {
            let mut file = File::open(path)?;
            file.seek(SeekFrom::Start(from))?;
            for line in BufReader::new(file).lines() {
                // The last line may be half written.
                let Ok(line) = serde_json::from_str::<Line>(&line?) else { continue };
                take(&line);
            }
        }
        Ok(())
    }

    /// The files since then, and where in each to begin.
    fn files(&self, mark: Mark) -> anyhow::Result<Vec<(PathBuf, u64)>> {
        if std::fs::metadata(&self.0)?.ino() == mark.file {
            return Ok(vec![(self.0.clone(), mark.length)]);
        }
        // The renamed ones are beside it, and their names begin and end alike.
        let words = |path: &Path| Some((path.file_stem()?.to_str()?.to_owned(), path.extension()?.to_owned()));
        let (stem, extension) = words(&self.0).context("an odd name of an audit log")?;
        let mut renamed: Vec<(PathBuf, Metadata)> = Vec::new();
        for entry in std::fs::read_dir(self.0.parent().context("an audit log without a folder")?)? {
            let path = entry?.path();
            let alike = words(&path).is_some_and(|(other, ext)| other.starts_with(&stem) && ext == extension);
            if alike && path != self.0 {
                let found = std::fs::metadata(&path)?;
                renamed.push((path, found));
            }
        }
        // By the time of the last line: what ended before the one that is looked for has nothing new.
        renamed.sort_by_key(|(_, found)| (found.mtime(), found.mtime_nsec()));
        let first = renamed.iter().position(|(_, found)| found.ino() == mark.file);
        let first = first.context("the audit log of that moment is gone")?;
        let mut files: Vec<_> = renamed.drain(first..).map(|(path, _)| (path, 0)).collect();
        files[0].1 = mark.length;
        files.push((self.0.clone(), 0));
        Ok(files)
    }
}

impl Line {
    /// Whether it is the end of a call of that agent; a watch has none.
    fn is_done_by(&self, agent: &str) -> bool {
        let theirs = self.user_agent.split('/').next() == Some(agent);
        theirs && self.stage == "ResponseComplete" && self.verb != "watch"
    }
}

impl Calls {
    fn take(&mut self, line: &Line, agent: &str) {
        if !line.is_done_by(agent) {
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

    /// Those on anything that may have changed it.
    pub fn all_writes(&self) -> u64 {
        self.sum(|verb, _| !matches!(verb, "get" | "list"))
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
        assert_eq!((calls.total(), calls.microservices(), calls.writes(), calls.all_writes()), (2, 2, 2, 2));
    }

    #[test]
    fn a_log_that_was_begun_anew_is_read_on_from_the_one_before() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("audit.log");
        let call = |verb: &str| {
            let line = serde_json::json!({
                "stage": "ResponseComplete", "verb": verb, "userAgent": "gitmoor/1", "objectRef": {"resource": "pods"}
            });
            let mut file = File::options().create(true).append(true).open(&path).unwrap();
            std::io::Write::write_all(&mut file, format!("{line}\n").as_bytes()).unwrap();
        };
        let audit = Audit::new(&path);
        call("get");
        let mark = audit.mark().unwrap();
        call("list");
        assert_eq!(audit.since(mark, "gitmoor").unwrap().to_string(), "1 list pods");
        std::fs::rename(&path, folder.path().join("audit-2026-01-02T03-04-05.678.log")).unwrap();
        call("create");
        assert_eq!(audit.since(mark, "gitmoor").unwrap().to_string(), "1 create pods, 1 list pods");
        std::fs::remove_file(folder.path().join("audit-2026-01-02T03-04-05.678.log")).unwrap();
        assert!(audit.since(mark, "gitmoor").is_err(), "what cannot be counted is no zero");
    }

    #[test]
    fn the_last_write_is_that_of_an_object_itself() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("audit.log");
        File::create(&path).unwrap();
        let audit = Audit::new(&path);
        let mark = audit.mark().unwrap();
        let call = |second: u32, agent: &str, verb: &str, resource: &str, sub: Option<&str>| {
            let line = serde_json::json!({
                "stage": "ResponseComplete", "verb": verb, "userAgent": agent,
                "objectRef": {"resource": resource, "subresource": sub},
                "stageTimestamp": format!("2026-01-02T03:04:{second:02}.000000Z")
            });
            let mut file = File::options().append(true).open(&path).unwrap();
            std::io::Write::write_all(&mut file, format!("{line}\n").as_bytes()).unwrap();
        };
        assert_eq!(audit.last_write(mark, "gitmoor").unwrap(), None);
        call(2, "gitmoor/1", "patch", "deployments", None);
        call(1, "gitmoor/1", "patch", "services", None);
        call(3, "gitmoor/1", "patch", "microservices", Some("status"));
        call(4, "gitmoor/1", "create", "events", None);
        call(5, "other/1", "patch", "deployments", None);
        call(6, "gitmoor/1", "get", "secrets", None);
        assert_eq!(audit.last_write(mark, "gitmoor").unwrap(), "2026-01-02T03:04:02Z".parse().ok());
    }
}
