//! Lists as they are answered: rows that fit and that the viewer may see. Their JSON is there already and is only put
//! together.

use std::collections::BTreeSet;

use super::access::Rights;
use super::book::Book;
use super::log::Changed;
use super::query::{ServiceQuery, TimelineQuery};
use super::row::Row;
use crate::model::{Kind, ObjectKey};

impl Book {
    /// All GitSyncs.
    pub fn list_gitsyncs(&self, rights: &Rights) -> String {
        let rows = self.gitsyncs.iter().filter(|(key, _)| rights.see(Kind::GitSync, key));
        let items: Vec<&str> = rows.map(|(_, row)| &*row.json).collect();
        format!(r#"{{"version":"{}","items":[{}]}}"#, self.version(), items.join(","))
    }

    /// MicroServices that fit.
    pub fn list_services(&self, query: &ServiceQuery, rights: &Rights) -> String {
        let since = query.since.as_deref().map(|since| self.number(since));
        let changed = since.flatten().and_then(|since| Some((since, self.log.after(since)?)));
        let reset = since.is_some() && changed.is_none();
        let newer = changed.as_ref().map_or(0, |(since, _)| *since);
        let fits = |key: &ObjectKey, row: &Row| {
            (newer == 0 || row.version > newer) && rights.see(Kind::MicroService, key) && query.fits(key, row)
        };
        let (mut total, mut next, mut items, mut last) = (0_usize, None, Vec::new(), None);
        for (key, row) in self.services.iter().filter(|(key, row)| fits(key, row)) {
            total += 1;
            if query.after.as_ref().is_some_and(|after| key <= after) {
                continue;
            }
            if items.len() < query.limit {
                items.push(&*row.json);
                last = Some(key);
            } else {
                next = last;
            }
        }
        let mut text = format!(r#"{{"version":"{}","total":{total},"items":[{}]"#, self.version(), items.join(","));
        if let Some(next) = next {
            text.push_str(&format!(r#","continue":"{next}""#));
        }
        if let Some((_, changed)) = changed {
            let gone = |changed: &&Changed| match changed {
                Changed::Object(target) if target.kind == Kind::MicroService => {
                    let row = self.services.get(&target.key);
                    let kept = row.is_some_and(|row| query.fits(&target.key, row));
                    (!kept && rights.see(target.kind, &target.key)).then(|| format!("\"{}\"", target.key))
                }
                _ => None,
            };
            let removed: Vec<String> = changed.iter().filter_map(gone).collect();
            text.push_str(&format!(r#","removed":[{}]"#, removed.join(",")));
        }
        if reset {
            text.push_str(r#","reset":true"#);
        }
        text.push('}');
        text
    }

    /// What happened.
    pub fn list_timeline(&self, query: &TimelineQuery, rights: &Rights) -> String {
        let (entries, more) = self.timeline.find(query, rights);
        let items: Vec<String> = entries.iter().map(|entry| entry.json().to_string()).collect();
        let more = if more > 0 { format!(r#","more":{more}"#) } else { String::new() };
        format!(r#"{{"version":"{}","items":[{}]{more}}}"#, self.version(), items.join(","))
    }
}

impl ServiceQuery {
    fn fits(&self, key: &ObjectKey, row: &Row) -> bool {
        let has = |wanted: &BTreeSet<String>, name: &str| wanted.is_empty() || wanted.contains(name);
        has(&self.namespaces, &key.namespace)
            && (self.health.is_empty() || self.health.contains(&row.health))
            && self.drift.is_none_or(|drift| drift == row.drifts())
            && (self.gitsyncs.is_empty() || row.sync.as_deref().is_some_and(|sync| self.gitsyncs.contains(sync)))
            && row.has(&self.words)
    }
}
