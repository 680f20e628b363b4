//! Every code that a person can meet, and what there is to say about it: the one place where a code is given out.
//!
//! A code stands for one or more reason words: the CamelCase words of conditions, problems and Events. Codes are
//! stable: one that was released keeps its meaning, and is never given to something else. `gitmoor explain` and
//! docs/codes.md show this table; tests/suite/codes.rs holds it against the words that the sources can produce.

mod access;
mod alerts;
mod bugs;
mod drift;
mod installation;
mod manifests;
mod operator;
mod page;
mod plans;
mod reading;
mod restraint;
mod server;
mod signatures;
mod sources;
mod waiting;
mod workloads;

/// One code.
#[derive(Debug)]
pub struct Entry {
    /// `GM` and three digits.
    pub code: &'static str,
    /// The reason words that it stands for, as they are printed; the first one names it.
    pub words: &'static [&'static str],
    /// In one line.
    pub title: &'static str,
    /// What it means.
    pub means: &'static str,
    /// Why Gitmoor does so.
    pub why: &'static str,
    /// What to do next.
    pub next: &'static str,
    /// What leads to it, or how it looks.
    pub example: Example,
}

/// An example of a code.
#[derive(Debug, Clone, Copy)]
pub enum Example {
    /// A manifest about which it is said.
    Manifest(&'static str),
    /// As it is printed.
    Said(&'static str),
}

/// Codes of one area.
#[derive(Debug)]
pub struct Family {
    /// The first digits of its codes.
    pub digits: &'static [&'static str],
    /// What they are about.
    pub title: &'static str,
    /// The codes, in order.
    pub entries: &'static [Entry],
}

/// All codes, by area.
pub const FAMILIES: [Family; 16] = [
    Family { digits: &["1", "2", "3"], title: "Manifests", entries: manifests::ENTRIES },
    Family { digits: &["4"], title: "Sources and revisions", entries: sources::ENTRIES },
    Family { digits: &["4"], title: "Reaching a source", entries: access::ENTRIES },
    Family { digits: &["4"], title: "Signatures", entries: signatures::ENTRIES },
    Family { digits: &["4"], title: "Servers and caches", entries: reading::ENTRIES },
    Family { digits: &["4"], title: "The page", entries: page::ENTRIES },
    Family { digits: &["4"], title: "Installing and checking", entries: installation::ENTRIES },
    Family { digits: &["5"], title: "Plans and ownership", entries: plans::ENTRIES },
    Family { digits: &["5"], title: "Approval and waiting", entries: waiting::ENTRIES },
    Family { digits: &["5"], title: "Alerts", entries: alerts::ENTRIES },
    Family { digits: &["5"], title: "Bugs and loops that stand still", entries: bugs::ENTRIES },
    Family { digits: &["6"], title: "The API server", entries: server::ENTRIES },
    Family { digits: &["7"], title: "Workloads and their health", entries: workloads::ENTRIES },
    Family { digits: &["8"], title: "Drift", entries: drift::ENTRIES },
    Family { digits: &["8"], title: "Pauses and fights", entries: restraint::ENTRIES },
    Family { digits: &["9"], title: "Gitmoor itself", entries: operator::ENTRIES },
];

impl Entry {
    /// The word that names it.
    pub fn name(&self) -> &'static str {
        self.words.first().copied().unwrap_or_default()
    }
}

impl Example {
    /// Its text, without an empty line at either end.
    pub fn text(self) -> &'static str {
        let (Self::Manifest(text) | Self::Said(text)) = self;
        text.trim_matches('\n')
    }
}

/// All codes, in order.
pub fn all() -> impl Iterator<Item = &'static Entry> {
    FAMILIES.iter().flat_map(|family| family.entries)
}

/// The entry of a code, however its letters are written.
pub fn by_code(code: &str) -> Option<&'static Entry> {
    all().find(|entry| entry.code.eq_ignore_ascii_case(code))
}

/// The entry of a reason word, as it is printed.
pub fn by_word(word: &str) -> Option<&'static Entry> {
    all().find(|entry| entry.words.contains(&word))
}

/// The code of a reason word. There is none where the word is Kubernetes' own and was not known.
pub fn code_of(word: &str) -> Option<&'static str> {
    by_word(word).map(|entry| entry.code)
}

#[cfg(test)]
mod tests;
