//! A batch in words: bounded, harmless, and the same for every form.

use jiff::Timestamp;

use super::desk::{Batch, Over};
use super::digest;
use super::incident::{Incident, Key, LINES, Note};
use super::plain::plain;
use crate::api::notify::{AlertKind, AlertSeverity};
use crate::model::{ObjectKey, codes};
use crate::report::episodes;

/// Alerts that one message shows; of the others it has the number.
pub const LISTED: usize = 8;
/// Bytes of a sentence.
const TEXT: usize = 400;

/// Where all of this happens.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Setting {
    /// What people call the cluster.
    pub cluster: Option<String>,
    /// Where the page is.
    pub page: Option<String>,
}

/// What one target is told at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The same for the same news, however often it is sent.
    pub id: String,
    /// The GitSync.
    pub sync: ObjectKey,
    /// What people call the cluster.
    pub cluster: Option<String>,
    /// When it was put together.
    pub at: Timestamp,
    /// Whether it only tries whether it arrives.
    pub test: bool,
    /// The worst of what it tells.
    pub severity: AlertSeverity,
    /// In one line.
    pub headline: String,
    /// One by one; as many as there are, for forms that take them all.
    pub items: Vec<Item>,
    /// How many more there were that nobody kept.
    pub dropped: usize,
    /// Where to look.
    pub link: Option<String>,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It stands, and was not told before.
    Began,
    /// It was told, and is another now.
    Changed,
    /// It stands, and was told.
    Stands,
    /// It is over.
    Ended,
    /// It has come and gone.
    Happened,
}

impl State {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Began => "began",
            Self::Changed => "changed",
            Self::Stands => "stands",
            Self::Ended => "ended",
            Self::Happened => "happened",
        }
    }
}

/// One alert of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// What became of it.
    pub state: State,
    /// What it is about.
    pub key: Key,
    /// How severe it is.
    pub severity: AlertSeverity,
    /// Since when.
    pub since: Option<Timestamp>,
    /// CamelCase word.
    pub reason: String,
    /// Its stable code.
    pub code: Option<&'static str>,
    /// Sentence.
    pub text: String,
    /// More, a line each.
    pub lines: Vec<String>,
    /// The command that helps.
    pub command: Option<String>,
}

impl Message {
    /// A batch in words.
    pub fn of(sync: &ObjectKey, setting: &Setting, batch: &Batch) -> Self {
        let of = |state| move |incident: &std::sync::Arc<Incident>| Item::of(incident, state);
        let mut items: Vec<Item> = batch.began.iter().map(of(State::Began)).collect();
        items.extend(batch.changed.iter().map(of(State::Changed)));
        items.sort_by_key(|item| std::cmp::Reverse(item.severity));
        items.extend(batch.notes.iter().map(Item::of_note));
        items.extend(batch.ended.iter().map(|over| Item::of_over(over, batch.at)));
        let count = |item: &Item| (item.state, item.key.kind);
        let mut counts: Vec<((State, AlertKind), usize)> = Vec::new();
        for item in &items {
            match counts.iter_mut().find(|(known, _)| *known == count(item)) {
                Some((_, number)) => *number += 1,
                None => counts.push((count(item), 1)),
            }
        }
        if let Some((_, number)) = counts.iter_mut().find(|((state, _), _)| *state == State::Happened) {
            *number += batch.dropped;
        }
        let counts: Vec<String> = counts.into_iter().map(|((state, kind), n)| counted(state, kind, n)).collect();
        // How long something lasted is another at each try.
        let said = |item: &Item| if item.state == State::Ended { String::new() } else { item.text.clone() };
        let known =
            items.iter().map(|item| format!("{} {} {:?} {}", item.key, item.state.as_str(), item.since, said(item)));
        Self {
            id: digest([sync.to_string()].into_iter().chain(known)),
            headline: headline(sync, setting, &counts.join(", ")),
            severity: items.iter().map(|item| item.severity).max().unwrap_or(AlertSeverity::Info),
            dropped: batch.dropped,
            items,
            ..Self::empty(sync, setting, batch.at)
        }
    }

    /// The same with all that stands, for whoever takes what he is not told again for over.
    #[must_use]
    pub fn with_standing(mut self, batch: &Batch) -> Self {
        let told = |key: &Key| self.items.iter().any(|item| item.key == *key);
        let rest = batch.standing.iter().filter(|incident| !told(&incident.key));
        let rest: Vec<Item> = rest.map(|incident| Item::of(incident, State::Stands)).collect();
        self.items.extend(rest);
        self
    }

    /// A message that only tries whether it arrives.
    pub fn test(sync: &ObjectKey, setting: &Setting, at: Timestamp) -> Self {
        let item = Item {
            state: State::Happened,
            key: Key::new(AlertKind::Applied, None),
            severity: AlertSeverity::Info,
            since: Some(at),
            reason: "Test".to_owned(),
            code: None,
            text: "This is a test, sent by gitmoor alert test. Nothing has happened.".to_owned(),
            lines: Vec::new(),
            command: None,
        };
        Self {
            id: digest([sync.to_string(), at.to_string()]),
            test: true,
            headline: headline(sync, setting, "a test; nothing has happened"),
            items: vec![item],
            ..Self::empty(sync, setting, at)
        }
    }

    fn empty(sync: &ObjectKey, setting: &Setting, at: Timestamp) -> Self {
        let link = setting.page.as_ref().map(|page| link(page, sync));
        Self {
            id: String::new(),
            sync: sync.clone(),
            cluster: setting.cluster.clone(),
            at,
            test: false,
            severity: AlertSeverity::Info,
            headline: String::new(),
            items: Vec::new(),
            dropped: 0,
            link,
        }
    }

    /// The alerts that are shown, and how many more there are.
    pub fn shown(&self) -> (&[Item], usize) {
        self.first(LISTED)
    }

    /// The first so many alerts, and how many more there are.
    pub fn first(&self, count: usize) -> (&[Item], usize) {
        let shown = self.items.get(..count).unwrap_or(&self.items);
        (shown, self.items.len() - shown.len() + self.dropped)
    }
}

impl Item {
    /// What stands.
    pub fn of(incident: &Incident, state: State) -> Self {
        Self {
            state,
            key: incident.key.clone(),
            severity: incident.severity,
            since: incident.since,
            reason: plain(&incident.reason, 64),
            code: codes::code_of(&incident.reason),
            text: plain(&incident.text, TEXT),
            lines: incident.lines.iter().take(LINES).map(|line| plain(line, TEXT)).collect(),
            command: incident.command.as_ref().map(|command| plain(command, TEXT)),
        }
    }

    fn of_note(note: &Note) -> Self {
        Self {
            state: State::Happened,
            key: note.key.clone(),
            severity: note.severity,
            since: Some(note.at),
            reason: note.key.kind.as_str().to_owned(),
            code: None,
            text: plain(&note.text, TEXT),
            lines: Vec::new(),
            command: None,
        }
    }

    fn of_over(over: &Over, now: Timestamp) -> Self {
        let lasted = now.duration_since(over.since).try_into().unwrap_or_default();
        let how = over.how.as_ref().map(|how| format!(": {how}")).unwrap_or_default();
        let what = words(over.key.kind).0;
        let object = over.key.object.as_ref().map(|object| format!(" of {object}")).unwrap_or_default();
        Self {
            state: State::Ended,
            key: over.key.clone(),
            severity: AlertSeverity::Info,
            since: Some(over.since),
            reason: "Recovered".to_owned(),
            code: None,
            text: plain(&format!("{what}{object} is over after {}{how}", episodes::duration(lasted)), TEXT),
            lines: Vec::new(),
            command: None,
        }
    }

    /// What it is known by at its target, now and when it is over.
    pub fn dedup_key(&self, sync: &ObjectKey) -> String {
        dedup_key(sync, &self.key)
    }
}

/// What an alert is known by at its target.
pub fn dedup_key(sync: &ObjectKey, key: &Key) -> String {
    let object = key.object.as_ref().map(|object| format!("/{object}")).unwrap_or_default();
    format!("gitmoor/{sync}/{}{object}", key.kind.as_str())
}

/// Where the page shows a GitSync.
pub fn link(page: &str, sync: &ObjectKey) -> String {
    format!("{}/?sync={}%2F{}", page.trim_end_matches('/'), sync.namespace, sync.name)
}

fn headline(sync: &ObjectKey, setting: &Setting, what: &str) -> String {
    let place = setting.cluster.as_ref().map(|cluster| format!("{cluster}: ")).unwrap_or_default();
    plain(&format!("{place}GitSync {sync}: {what}"), TEXT)
}

/// A kind of alert in words, one and many.
fn words(kind: AlertKind) -> (&'static str, &'static str) {
    match kind {
        AlertKind::SyncFailing => ("failing sync", "failing syncs"),
        AlertKind::PlanHeld => ("held plan", "held plans"),
        AlertKind::Quarantined => ("quarantine", "quarantines"),
        AlertKind::SourceStale => ("stale source", "stale sources"),
        AlertKind::Drifted => ("drift", "drifts"),
        AlertKind::Corrected => ("corrected drift", "corrected drifts"),
        AlertKind::Fighting => ("fight", "fights"),
        AlertKind::ServiceFailing => ("failing service", "failing services"),
        AlertKind::Applied => ("applied revision", "applied revisions"),
    }
}

fn counted(state: State, kind: AlertKind, count: usize) -> String {
    let (one, many) = words(kind);
    let what = if count == 1 { one } else { many };
    match state {
        State::Began | State::Happened | State::Stands => format!("{count} {what}"),
        State::Changed => format!("{count} {what} changed"),
        State::Ended => format!("{count} {what} over"),
    }
}
