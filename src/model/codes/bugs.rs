//! Codes of bugs of ours that were caught, and of loops that stand still.

use super::{Entry, Example};

/// The entries, in order.
pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        code: "GM550",
        words: &["InternalBug"],
        title: "A bug in Gitmoor stopped a piece of work",
        means: "Something that cannot be was so, and the program gave up what it was doing: one GitSync, one MicroService, \
            one object or one connection. That is begun anew after a pause that grows to five minutes. All others go on.",
        why: "A bug must not take down what has nothing to do with it. The message of a panic may hold a value, so only \
            its place in the source is told.",
        next: "Report it with the place, the version and, if you can, what was committed or changed just before. An older \
            commit may avoid it until then: gitmoor rollback.",
        example: Example::Said(
            "Ready=False InternalBug: a bug in Gitmoor, at src/plan/rename.rs:112; please report it. It is tried again",
        ),
    },
    Entry {
        code: "GM551",
        words: &["LoopStuck"],
        title: "A loop makes no progress",
        means: "A piece of work has not gone on for longer than all of its deadlines together allow. The log names the \
            loop, what it is at and since when, /livez and /healthz answer 503, and Kubernetes restarts the process.",
        why: "A daemon that stands still looks like one that has nothing to do. After a restart it goes on from what is in \
            the cluster.",
        next: "Look at what the line names: the API server, the Git server, or the disk of --cache-dir. If none of them \
            is slow, report it with the line.",
        example: Example::Said(
            "a loop is stuck code=GM551 reason=LoopStuck loop=\"apply of shop/main\" phase=applying object=shop/orders \
                silent=301s",
        ),
    },
];
