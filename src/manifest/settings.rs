//! Labels and annotations: what Kubernetes allows, and what Gitmoor makes of its own.

use std::sync::OnceLock;

use regex::Regex;

use super::identify::OurKind;
use super::kinds::LABEL_VALUE;
use super::node::{Entry, Mapping, Node};
use super::say;
use super::suggest::nearest;
use crate::api::gitsync::DriftPolicy;
use crate::api::names;
use crate::model::{Code, Diagnostic, Severity};

/// A setting of Gitmoor's that an object may have in Git, and its values.
struct Setting {
    key: &'static str,
    kind: OurKind,
    values: Values,
}

/// What a setting can be.
enum Values {
    /// One of these words.
    Words(&'static [&'static str]),
    /// A whole number, from the first to the last.
    Number(i32, i32),
}

/// Waves are few, and counted by people: a number with more digits is a mistake.
const MAX_WAVE: i32 = 1000;

const SETTINGS: [Setting; 7] = [
    Setting {
        key: names::DRIFT_POLICY,
        kind: OurKind::MicroService,
        values: Values::Words(&["Correct", "Report", "Ignore"]),
    },
    Setting { key: names::PRUNE, kind: OurKind::MicroService, values: Values::Words(&["true", "false"]) },
    Setting {
        key: names::DRIFT_POLICY,
        kind: OurKind::GitSync,
        values: Values::Words(&["Correct", "Report", "Ignore"]),
    },
    Setting { key: names::PRUNE, kind: OurKind::GitSync, values: Values::Words(&["true", "false"]) },
    Setting { key: names::WAVE, kind: OurKind::GitSync, values: Values::Number(-MAX_WAVE, MAX_WAVE) },
    Setting { key: names::TAKE_OVER_CHILDREN, kind: OurKind::MicroService, values: Values::Words(&["true", "false"]) },
    Setting { key: names::WAVE, kind: OurKind::MicroService, values: Values::Number(-MAX_WAVE, MAX_WAVE) },
];

/// What Gitmoor itself puts on objects; in Git it would lie about who applied them.
const WRITTEN_BY_US: [&str; 3] = [names::PART_OF, names::RENDERED_HASH, names::SOURCE];

/// What people ask for on live objects, for a time: in Git it would have no end, and nobody who asked.
const ASKED_FOR_LIVE: [&str; 3] = [names::PAUSE_UNTIL, names::PAUSE_REASON, names::PAUSED_BY];

/// What Gitmoor reads from an object's annotations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Settings {
    /// `gitmoor.dev/drift-policy`.
    pub drift_policy: Option<DriftPolicy>,
    /// false where `gitmoor.dev/prune` is `"false"`.
    pub prune: bool,
    /// `gitmoor.dev/wave`, or 0.
    pub wave: i32,
}

impl Values {
    fn allow(&self, value: &str) -> bool {
        match self {
            Self::Words(words) => words.contains(&value),
            Self::Number(first, last) => value.parse().is_ok_and(|number: i32| (*first..=*last).contains(&number)),
        }
    }

    fn hint(&self) -> String {
        match self {
            Self::Words(words) => {
                let words: Vec<_> = words.iter().map(|word| format!("{word:?}")).collect();
                format!("it can be {}", words.join(" or "))
            }
            Self::Number(first, last) => format!("it can be a whole number in quotes, from {first} to {last}"),
        }
    }
}

impl Settings {
    /// Reads the annotations of valid metadata.
    pub fn of(metadata: Option<&Node<'_>>) -> Self {
        let annotation = |key| metadata?.field("annotations")?.value.field(key)?.value.as_str();
        Self {
            drift_policy: annotation(names::DRIFT_POLICY).and_then(DriftPolicy::parse),
            prune: annotation(names::PRUNE) != Some("false"),
            wave: annotation(names::WAVE).and_then(|wave| wave.parse().ok()).unwrap_or(0),
        }
    }
}

/// Checks labels and annotations.
pub(super) fn check(metadata: &Node<'_>, kind: OurKind, found: &mut Vec<Diagnostic>) {
    let fields = |name| metadata.field(name).and_then(|entry: &Entry<'_>| entry.value.as_map());
    for (what, mapping) in [("label", fields("labels")), ("annotation", fields("annotations"))] {
        for entry in mapping.iter().flat_map(|mapping| &mapping.entries) {
            found.extend(key(what, entry));
            found.extend(reserved(entry));
        }
    }
    if let Some(annotations) = fields("annotations") {
        found.extend(total(annotations));
        found.extend(annotations.entries.iter().filter_map(|entry| setting(entry, kind)));
    }
}

/// Annotations and labels have keys of one form: `name` or `prefix/name`.
fn key(what: &str, entry: &Entry<'_>) -> Option<Diagnostic> {
    let (prefix, name) = entry.key.split_once('/').map_or((None, &*entry.key), |(prefix, name)| (Some(prefix), name));
    let name_fits = !name.is_empty() && name.len() <= 63 && label_value().is_none_or(|pattern| pattern.is_match(name));
    let prefix_fits = prefix.is_none_or(|prefix| prefix.len() <= 253 && prefix.split('.').all(is_dns_label));
    if name_fits && prefix_fits {
        return None;
    }
    let found = Diagnostic::error(Code::InvalidValue, entry.key_at, format!("this is not a valid {what} key"));
    Some(found.hint(
        "write name or prefix/name: up to 63 letters, digits, dashes, underscores and dots, after a DNS name in lower case",
    ))
}

fn label_value() -> Option<&'static Regex> {
    static PATTERN: OnceLock<Option<Regex>> = OnceLock::new();
    PATTERN.get_or_init(|| Regex::new(LABEL_VALUE).ok()).as_ref()
}

fn is_dns_label(text: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    text.bytes().all(|b| inner(b) || b == b'-')
        && text.bytes().next().is_some_and(inner)
        && text.bytes().last().is_some_and(inner)
        && text.len() <= 63
}

fn total(annotations: &Mapping<'_>) -> Option<Diagnostic> {
    const MAX: usize = 256 << 10;
    let size = |entry: &Entry<'_>| entry.key.len() + entry.value.as_str().map_or(0, str::len);
    let first = annotations.entries.first().filter(|_| annotations.entries.iter().map(size).sum::<usize>() > MAX)?;
    Some(Diagnostic::error(Code::InvalidValue, first.key_at, "the annotations are larger than 256 KiB together"))
}

fn reserved(entry: &Entry<'_>) -> Option<Diagnostic> {
    let found = |message: String| Diagnostic::error(Code::InvalidSetting, entry.key_at, message);
    if ASKED_FOR_LIVE.contains(&&*entry.key) {
        let message = format!("{} is for the live object, and cannot be declared in Git", say::word(&entry.key));
        let hint = "remove it; pause corrections by: gitmoor pause NAME --for 2h --reason TEXT";
        return Some(found(message).hint(hint));
    }
    let ours = WRITTEN_BY_US.contains(&&*entry.key) || entry.key.starts_with("gitmoor.dev/source-");
    let message = format!("Gitmoor itself writes {}", say::word(&entry.key));
    ours.then(|| found(message).hint("remove it"))
}

fn setting(entry: &Entry<'_>, kind: OurKind) -> Option<Diagnostic> {
    if !entry.key.starts_with(names::PREFIX) || reserved(entry).is_some() {
        return None;
    }
    let known = || SETTINGS.iter().filter(move |setting| setting.kind == kind);
    let Some(setting) = known().find(|setting| setting.key == entry.key) else {
        let found = Diagnostic::error(
            Code::InvalidSetting,
            entry.key_at,
            format!("Gitmoor has no setting {}", say::word(&entry.key)),
        );
        let keys: Vec<_> = known().map(|setting| setting.key).collect();
        let hint = match nearest(&entry.key, keys.iter().copied()) {
            Some(key) => format!("did you mean {key}?"),
            None if keys.is_empty() => format!("a {} has no settings of its own", kind.as_str()),
            None => format!("the settings of a {} are {}", kind.as_str(), keys.join(", ")),
        };
        return Some(Diagnostic { severity: Severity::Warning, ..found.hint(hint) });
    };
    let value = entry.value.as_str()?;
    if setting.values.allow(value) {
        return None;
    }
    let found =
        Diagnostic::error(Code::InvalidSetting, entry.value.at, format!("{} cannot have this value", entry.key));
    Some(found.hint(setting.values.hint()))
}
