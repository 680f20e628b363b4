//! What changed since somebody last looked, cut to what they may see.

use super::access::Rights;
use super::book::{Book, Role};
use super::log::Changed;
use crate::model::{Kind, Target};

/// Objects that one event tells of; whoever missed more reads the lists again.
const MOST: usize = 500;

/// What somebody who is at a version has to hear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// Nothing that concerns them.
    None,
    /// This, as JSON in one line.
    Change(String),
    /// They missed too much.
    Reset,
}

/// What the first event of a stream, and one that begins anew, says.
pub fn hello(version: &str, resumed: bool, role: Role) -> String {
    format!(r#"{{"version":"{version}","resumed":{resumed},"role":"{}"}}"#, role.as_str())
}

impl Book {
    /// Whether a stream can go on from a version.
    pub fn resumes(&self, version: &str) -> Option<u64> {
        let number = self.number(version)?;
        self.log.after(number).map(|_| number)
    }

    /// What changed after a version.
    pub fn news(&self, after: u64, rights: &Rights) -> News {
        let Some(changes) = self.log.after(after) else { return News::Reset };
        let mut told = Told::default();
        let mut itself = false;
        for changed in changes {
            match changed {
                Changed::Object(target) if rights.see(target.kind, &target.key) => told.object(self, target),
                Changed::Entry(id) => {
                    let entry = self.timeline.get(id).filter(|entry| entry.is_for(rights));
                    told.entries.extend(entry.map(|entry| (entry.time, entry.json().to_string())));
                }
                Changed::Object(_) => {}
                Changed::About => itself = true,
            }
        }
        if told.len() > MOST {
            return News::Reset;
        }
        if told.len() == 0 && told.entries.is_empty() && !itself {
            return News::None;
        }
        News::Change(told.json(self, rights))
    }
}

#[derive(Default)]
struct Told<'a> {
    services: Vec<&'a str>,
    removed_services: Vec<String>,
    gitsyncs: Vec<&'a str>,
    removed_gitsyncs: Vec<String>,
    entries: Vec<(jiff::Timestamp, String)>,
}

impl<'a> Told<'a> {
    fn object(&mut self, book: &'a Book, target: &Target) {
        let (rows, gone) = match target.kind {
            Kind::MicroService => (&mut self.services, &mut self.removed_services),
            Kind::GitSync => (&mut self.gitsyncs, &mut self.removed_gitsyncs),
        };
        match book.rows(target.kind).get(&target.key) {
            Some(row) => rows.push(&row.json),
            None => gone.push(format!("\"{}\"", target.key)),
        }
    }

    fn len(&self) -> usize {
        self.services.len() + self.removed_services.len() + self.gitsyncs.len() + self.removed_gitsyncs.len()
    }

    fn json(mut self, book: &Book, rights: &Rights) -> String {
        let overview = serde_json::to_string(&book.overview(rights)).unwrap_or_default();
        self.entries.sort_by(|a, b| b.cmp(a));
        let entries: Vec<&str> = self.entries.iter().take(MOST).map(|(_, json)| json.as_str()).collect();
        let removed = |names: &[String]| names.join(",");
        let lists = [
            ("services", self.services.join(",")),
            ("removedServices", removed(&self.removed_services)),
            ("gitsyncs", self.gitsyncs.join(",")),
            ("removedGitsyncs", removed(&self.removed_gitsyncs)),
            ("timeline", entries.join(",")),
        ];
        let lists = lists.into_iter().filter(|(_, items)| !items.is_empty());
        let lists: String = lists.map(|(name, items)| format!(r#","{name}":[{items}]"#)).collect();
        format!(r#"{{"overview":{overview}{lists}}}"#)
    }
}
