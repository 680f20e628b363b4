//! What a GitSync waits for, as a word and a sentence.

use super::shorten;
use crate::model::waiting::{Waiting, WaitsFor};

/// Bytes of a message.
const MESSAGE: usize = 512;
/// Bytes of one that names a whole ring: a ring of which a part is not told cannot be opened.
const RING: usize = 16 << 10;
/// Names that a sentence lists.
const NAMED: usize = 5;

/// CamelCase word.
pub fn reason(waiting: &Waiting) -> &'static str {
    match &waiting.what {
        WaitsFor::Permission(_) => "DependencyNotAllowed",
        WaitsFor::Ring(_) => "DependencyCycle",
        WaitsFor::Dependencies { missing, .. } if !missing.is_empty() => "DependencyMissing",
        WaitsFor::Dependencies { .. } => "DependencyNotReady",
        WaitsFor::Wave { failed: true, .. } if waiting.overdue => "WaveFailed",
        WaitsFor::Wave { .. } | WaitsFor::Health if waiting.overdue => "WaitTimeout",
        WaitsFor::Wave { .. } => "WaitingForWave",
        WaitsFor::Health => "WaitingForHealth",
    }
}

/// Plain sentence, without a full stop.
pub fn message(waiting: &Waiting) -> String {
    let text = match &waiting.what {
        WaitsFor::Permission(others) => format!(
            "spec.dependsOn names {}: a GitSync may depend on those of its own namespace and of the operator's; {}",
            named(others),
            "nothing new is applied until that is changed"
        ),
        WaitsFor::Ring(ring) => format!(
            "spec.dependsOn closes a ring: {}; none of them applies anything new until one no longer depends on the next",
            around(ring)
        ),
        WaitsFor::Dependencies { missing, .. } if !missing.is_empty() => format!(
            "waiting for GitSync {}, which does not exist; create it, or correct spec.dependsOn{}",
            named(missing),
            held_back(waiting)
        ),
        WaitsFor::Dependencies { unready, .. } => {
            let how = waiting.first.as_ref().map(|(_, why)| format!(" ({why})")).unwrap_or_default();
            format!("waiting for GitSync {}{how} to be ready{}", named(unready), held_back(waiting))
        }
        WaitsFor::Wave { wave, deleting: true, .. } => {
            format!("wave {wave} is being deleted{}{}", first(waiting, "still there"), held_back(waiting))
        }
        WaitsFor::Wave { wave, .. } => {
            let (done, total) = waiting.counted;
            format!("wave {wave}: {done} of {total} done{}{}", first(waiting, "not done"), held_back(waiting))
        }
        WaitsFor::Health => {
            let (ready, total) = waiting.counted;
            format!("{ready} of {total} ready{}", first(waiting, "not ready"))
        }
    };
    let late = if waiting.overdue { "; that takes longer than spec.waitTimeout" } else { "" };
    let limit = if matches!(waiting.what, WaitsFor::Ring(_)) { RING } else { MESSAGE };
    format!("{}{late}", shorten(&text, limit - late.len()))
}

fn first(waiting: &Waiting, what: &str) -> String {
    waiting.first.as_ref().map(|(name, why)| format!("; the first {what}: {name} {why}")).unwrap_or_default()
}

fn held_back(waiting: &Waiting) -> String {
    match waiting.held_back {
        0 => String::new(),
        1 => "; 1 change waits for it".to_owned(),
        count => format!("; {count} changes wait for it"),
    }
}

fn named<T: ToString>(all: &[T]) -> String {
    let mut names: Vec<_> = all.iter().take(NAMED).map(ToString::to_string).collect();
    if all.len() > NAMED {
        names.push(format!("{} more", all.len() - NAMED));
    }
    names.join(", ")
}

fn around<T: ToString>(ring: &[T]) -> String {
    let names: Vec<_> = ring.iter().chain(ring.first()).map(ToString::to_string).collect();
    names.join(" -> ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ObjectKey;

    fn waiting(what: WaitsFor) -> Waiting {
        Waiting { what, first: None, counted: (12, 14), held_back: 0, overdue: false, progress: None }
    }

    fn keys(names: &[&str]) -> Vec<ObjectKey> {
        names.iter().map(|name| ObjectKey::new("a", *name)).collect()
    }

    #[track_caller]
    fn check(waiting: &Waiting, expected: (&str, &str)) {
        assert_eq!((reason(waiting), message(waiting).as_str()), expected);
    }

    #[test]
    fn health_says_how_many_and_which() {
        let first = Some(("shop/orders".to_owned(), "CrashLoopBackOff".to_owned()));
        let now = Waiting { first, ..waiting(WaitsFor::Health) };
        let sentence = "12 of 14 ready; the first not ready: shop/orders CrashLoopBackOff";
        check(&now, ("WaitingForHealth", sentence));
        let late = format!("{sentence}; that takes longer than spec.waitTimeout");
        check(&Waiting { overdue: true, ..now }, ("WaitTimeout", &late));
    }

    #[test]
    fn a_wave_says_what_waits_for_it() {
        let wave = |failed, deleting| Waiting {
            first: Some(("shop/orders".into(), "InvalidManifest".into())),
            held_back: 3,
            ..waiting(WaitsFor::Wave { wave: -1, deleting, failed })
        };
        let sentence = "wave -1: 12 of 14 done; the first not done: shop/orders InvalidManifest; 3 changes wait for it";
        check(&wave(true, false), ("WaitingForWave", sentence));
        assert_eq!(reason(&Waiting { overdue: true, ..wave(true, false) }), "WaveFailed");
        assert_eq!(reason(&Waiting { overdue: true, ..wave(false, false) }), "WaitTimeout");
        let sentence =
            "wave -1 is being deleted; the first still there: shop/orders InvalidManifest; 3 changes wait for it";
        check(&wave(false, true), ("WaitingForWave", sentence));
    }

    #[test]
    fn dependencies_are_named() {
        let on = |missing: &[&str], unready: &[&str]| {
            waiting(WaitsFor::Dependencies { missing: keys(missing), unready: keys(unready) })
        };
        let unready =
            Waiting { first: Some(("GitSync a/y".into(), "Progressing".into())), held_back: 1, ..on(&[], &["y"]) };
        check(
            &unready,
            ("DependencyNotReady", "waiting for GitSync a/y (Progressing) to be ready; 1 change waits for it"),
        );
        let sentence = "waiting for GitSync a/x, which does not exist; create it, or correct spec.dependsOn";
        check(&on(&["x"], &["y"]), ("DependencyMissing", sentence));
        let ring = message(&waiting(WaitsFor::Ring(keys(&["x", "y", "z"]))));
        assert!(ring.contains("a/x -> a/y -> a/z -> a/x;"), "{ring}");
        let forbidden = message(&waiting(WaitsFor::Permission(keys(&["x"]))));
        assert!(forbidden.contains("a/x: a GitSync may depend on those of its own namespace and of the operator's"));
    }
}
