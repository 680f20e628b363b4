//! Codes of what keeps drift from being put back: pauses that people asked for, and fights.

use super::{Entry, Example};

/// The entries, in order.
pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        code: "GM821",
        words: &["FightEnded"],
        title: "An Event: nobody rewrites what is put back any more",
        means: "Nothing differed for as long as the last pause between two corrections. Drift is put back at once again.",
        why: "Whoever was told that somebody fights wants to know that it is over.",
        next: "Nothing.",
        example: Example::Said("Normal FightEnded: it is no longer rewritten by keda; it is put back at once again"),
    },
    Entry {
        code: "GM822",
        words: &["Paused"],
        title: "Corrections are paused",
        means: "A person asked that nothing is put back until a time, by gitmoor pause or by the annotation \
            gitmoor.dev/pause-until: of one MicroService and its children, or of all that a GitSync applied. Drift is \
            told, commits are applied and keep what was changed by hand.",
        why: "In an incident somebody must be able to change the cluster at once. It always ends by itself, and leaves a \
            record.",
        next: "When you are done, commit what should stay, and end it: gitmoor unpause NAME.",
        example: Example::Said(
            "Paused=True Paused: corrections are paused until 2026-03-01T14:00:00Z by ann: incident 12",
        ),
    },
    Entry {
        code: "GM823",
        words: &["PauseEnded"],
        title: "A pause of corrections is over",
        means: "Its time was over, or somebody took it back. What still differed was put back. status.workloadDrift.pause, \
            or status.pause of a GitSync, keeps who, why, from when until when, and what differed meanwhile.",
        why: "What was changed by hand in an incident is easily forgotten.",
        next: "Commit what should have stayed.",
        example: Example::Said(
            "Paused=False PauseEnded: corrections were paused by ann (incident 12) from 2026-03-01T12:00:00Z until \
                2026-03-01T14:00:00Z; 2 fields differed meanwhile",
        ),
    },
    Entry {
        code: "GM824",
        words: &["PauseRefused"],
        title: "What was asked for is no pause of corrections",
        means: "The annotation gitmoor.dev/pause-until is no time, was over already when it was seen, or was more than 7 \
            days ahead when it was set. Corrections go on.",
        why: "A pause that does not end is a drift policy that nobody declared.",
        next: "Ask for it by gitmoor pause NAME --for 2h --reason TEXT, which writes the annotation. What should stay \
            longer is a drift policy: declare Report in Git.",
        example: Example::Said(
            "Paused=False PauseRefused: gitmoor.dev/pause-until is \"tomorrow\", which is no time such as \
                2026-03-01T12:00:00Z; corrections go on",
        ),
    },
];
