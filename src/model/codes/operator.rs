//! Codes of Gitmoor itself: how far its own work is.

use super::{Entry, Example};

/// The entries, in order.
pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        code: "GM901",
        words: &["NotSynced"],
        title: "No revision was read yet",
        means: "No revision was read since the GitSync was made or its spec changed, so nothing can be said of what it \
            asks for.",
        why: "What was not observed is Unknown, not ready and not failed.",
        next: "Wait for the first fetch. If it stays, no operator runs, or it does not see this namespace: look at its \
            log.",
        example: Example::Said("Ready=Unknown NotSynced: no revision was read yet"),
    },
    Entry {
        code: "GM902",
        words: &["Progressing"],
        title: "Work is under way",
        means: "A revision is being applied, or something that failed is tried again.",
        why: "Ready stays False until what was asked for is so.",
        next: "Wait. If it stays, status.problems says what is tried again and again.",
        example: Example::Said("Reconciling=True Progressing: applying the revision"),
    },
    Entry {
        code: "GM903",
        words: &["Applied"],
        title: "What was asked for is applied",
        means: "Of a GitSync: the revision was applied to its end. Of a MicroService: all its children are as rendered.",
        why: "It is said with the revision, so that one can see which.",
        next: "Nothing.",
        example: Example::Said("Ready=True Applied: main@sha1:1f2e3d4 is applied: 12 declared, 12 ready"),
    },
    Entry {
        code: "GM904",
        words: &["Suspended"],
        title: "Nothing is written, as somebody asked",
        means: "spec.suspend is true: nothing is fetched or written; what is there is still observed.",
        why: "A suspended object must not look like one that is kept in order.",
        next: "Set spec.suspend: false, or remove it.",
        example: Example::Said(
            "Ready=True Suspended: suspended, nothing is fetched or written; main@sha1:1f2e3d4 is applied: 12 \
                declared, 12 ready",
        ),
    },
    Entry {
        code: "GM905",
        words: &["NotLeading"],
        title: "This process does not lead",
        means: "Several operators run with --leader-elect, and this one does not hold the Lease, or holds it no more. It \
            wrote nothing.",
        why: "Two that write at a time would undo each other's work. Whoever has the Lease does it.",
        next: "Nothing, mostly: another process leads within seconds. If none does, see that the API server answers and \
            look at the Lease: kubectl -n gitmoor-system get lease gitmoor.",
        example: Example::Said(
            "shop/orders NotLeading: this process does not lead, so nothing was asked of the API server",
        ),
    },
    Entry {
        code: "GM921",
        words: &["RedactionKeyMissing"],
        title: "Values that look secret are shown without a digest",
        means: "The Secret gitmoor-redaction in the operator's namespace could not be read or filled. Values that look \
            secret are hidden as ever, but nothing stands for them by which equal ones can be told.",
        why: "A digest without a key that only the operator has could be guessed: of a short password all are tried in \
            a second.",
        next: "kubectl apply --server-side -f deploy/access.yaml, which has the Secret and the right to it, and restart \
            the operator.",
        example: Example::Said(
            "reason=RedactionKeyMissing: Secret gitmoor-system/gitmoor-redaction could not be read: secrets \
                \"gitmoor-redaction\" is forbidden",
        ),
    },
    Entry {
        code: "GM922",
        words: &["DefaultsInvalid"],
        title: "The operator's defaults have a mistake",
        means: "The ConfigMap with the operator's defaults cannot be understood. The last ones that could be go on to \
            hold. A process that has seen none that it understands renders nothing until it does; what runs goes on.",
        why: "A mistake in one ConfigMap must not render and roll out every service otherwise.",
        next: "Correct what the message names, by its line in the entry defaults.yaml. gitmoor validate --defaults FILE \
            says the same of a file before it gets there.",
        example: Example::Said(
            "ConfigMap gitmoor-defaults DefaultsInvalid: defaults.yaml:3:5: GM203 defaults has no field replica; did you \
                mean replicas?",
        ),
    },
    Entry {
        code: "GM923",
        words: &["DefaultsChanged"],
        title: "Other defaults of the operator hold now",
        means: "The ConfigMap with the operator's defaults changed. Services that are rendered otherwise by that are \
            applied anew, and their pods are rolled out where the pod template changed.",
        why: "Defaults are applied when rendering, so whoever changes them changes every service that does not decide \
            for itself. That is no drift: it is told here, once.",
        next: "Nothing, where it was meant. Else put the ConfigMap back as it was.",
        example: Example::Said(
            "ConfigMap gitmoor-defaults DefaultsChanged: other defaults hold now; 12 MicroServices are rendered anew by \
                them",
        ),
    },
];
