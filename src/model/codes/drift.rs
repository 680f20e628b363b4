//! Codes of drift: differences that no commit caused.

use super::{Entry, Example};

/// The entries, in order.
pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        code: "GM801",
        words: &["AsDeclared"],
        title: "Everything is as declared",
        means: "No field differs from what is declared.",
        why: "What is the same is said, too: a condition that is absent would mean that nobody looked.",
        next: "Nothing.",
        example: Example::Said("Drifted=False AsDeclared: everything is as declared"),
    },
    Entry {
        code: "GM802",
        words: &["FieldsDiffer"],
        title: "Fields differ from what is declared",
        means: "Somebody changed fields, and no commit did. The message and status name the first ones: what is declared, \
            what the cluster has, who and when, where Kubernetes recorded it.",
        why: "Under the policy Report, drift is told and left. Under Correct, this stands only for as long as putting it \
            back fails or waits.",
        next: "`gitmoor drift` shows all that status lists. Commit the change if it was right; else undo it, or set the \
            policy to Correct.",
        example: Example::Said(
            "Drifted=True FieldsDiffer: 1 field differs: MicroService shop/orders /spec/replicas is 5; declared 3 \
                (by kubectl-edit at 2026-03-01T12:00:00Z)",
        ),
    },
    Entry {
        code: "GM803",
        words: &["WorkloadsDiffer"],
        title: "Workloads of some MicroServices differ",
        means: "The MicroServices are as Git declares them, but Deployments, Services or other children differ from what \
            they render to.",
        why: "Git and the MicroService, and the MicroService and its children, are compared separately: they have \
            different causes.",
        next: "`gitmoor drift` shows the fields, per MicroService.",
        example: Example::Said("Drifted=True WorkloadsDiffer: 2 MicroServices have drifted; see their status"),
    },
    Entry {
        code: "GM804",
        words: &["Corrected"],
        title: "Drift was put back",
        means: "Fields differed, and were put back to what is declared. Status keeps the last ones, with who changed them.",
        why: "A correction that leaves no trace would hide whoever keeps changing things.",
        next: "If the change was right, commit it. Else tell the one who made it.",
        example: Example::Said(
            "Drifted=False Corrected: 1 field was put back: Deployment shop/orders /spec/replicas is 5; declared 3 \
                (by kubectl at 2026-03-01T12:00:00Z)",
        ),
    },
    Entry {
        code: "GM805",
        words: &["Fighting"],
        title: "Somebody keeps rewriting what is put back",
        means: "The same field was put back five times within a minute, or the same object twenty times, and it differs \
            again. Corrections slow down: the next one comes after 15 seconds, then after 30, and so on to one in five \
            minutes. Until then drift is only reported.",
        why: "Two managers that keep rewriting a field must not burn the API server, and a log line each time helps \
            nobody.",
        next: "Find the other writer: status.sourceDrift.fight or status.workloadDrift.fight names its field manager. \
            Mostly it is an autoscaler: leave out spec.replicas then, or ignore the field.",
        example: Example::Said(
            "WorkloadDrifted=True Fighting: 1 field differs: Deployment shop/orders /spec/replicas is 5; declared 3 (by \
                keda at 2026-03-01T12:00:00Z); it is rewritten again and again by keda, and was put back 50 times a \
                minute; corrections now wait 15 s",
        ),
    },
    Entry {
        code: "GM806",
        words: &["Drifted"],
        title: "Children differ, and are left so by policy",
        means: "Children of the MicroService differ from what it renders to, and the drift policy is Report, so they are \
            left.",
        why: "It is not an error of applying, so it has a word of its own.",
        next: "`gitmoor drift` shows the fields. Set the policy to Correct to have them put back.",
        example: Example::Said("ChildrenApplied=False Drifted: drifted fields are left as they are, by policy"),
    },
    Entry {
        code: "GM807",
        words: &["SourceDrift"],
        title: "An Event: a MicroService was changed by hand",
        means: "A MicroService was changed, and no commit did it. The Event is written when it is seen, before anything is \
            put back.",
        why: "Putting a field back erases who it was: so it is told first.",
        next: "As for FieldsDiffer (GM802).",
        example: Example::Said(
            "Warning SourceDrift: MicroService shop/orders /spec/replicas is 5; declared 3 (by kubectl-edit at \
                2026-03-01T12:00:00Z); policy Correct",
        ),
    },
    Entry {
        code: "GM808",
        words: &["WorkloadDrift"],
        title: "An Event: a workload was changed by hand",
        means: "A child of a MicroService was changed by somebody else than the controller. The Event is written when it \
            is seen, before anything is put back.",
        why: "Putting a field back erases who it was: so it is told first.",
        next: "As for FieldsDiffer (GM802).",
        example: Example::Said(
            "Warning WorkloadDrift: Deployment shop/orders /spec/replicas is 5; declared 3 (by kubectl at \
                2026-03-01T12:00:00Z); policy Correct",
        ),
    },
    Entry {
        code: "GM815",
        words: &["ImmutableField"],
        title: "A field differs that cannot be changed",
        means: "A child has another value in a field that Kubernetes never lets change, as the selector of a Deployment or \
            the address of a Service. All other fields are as declared.",
        why: "Only deleting the object and making it anew would help, and Gitmoor deletes nothing for that: pods would go \
            with it.",
        next: "Delete the object yourself when it suits, with the command that the message names: it is made anew at once. \
            With `--cascade=orphan` the pods of a Deployment stay until the new one has its own.",
        example: Example::Said(
            "Ready=False ImmutableField: Deployment orders: /spec/selector cannot be changed once it is there; everything \
                else is put back. To have it as declared, delete the Deployment (kubectl delete deployment orders \
                --cascade=orphan) and it is made anew",
        ),
    },
    Entry {
        code: "GM830",
        words: &["RulesDecideNothing"],
        title: "Rules about drift decide nothing",
        means: "A rule in spec.drift.rules is for no object that is declared, or has fitted no drift for a day since the \
            daemon started or the rule was written. The condition names it; rules count from 1. The GitSync is Ready all \
            the same.",
        why: "Such a rule has a typing error or has outlived its reason: what it was written for may be put back, and \
            what it fits by mistake may be left one day without anybody knowing why.",
        next: "Compare the rule's target, paths and managers with what `gitmoor drift` shows. Remove the rule if nothing \
            drifts there any more.",
        example: Example::Said(
            "UnusedRules=True RulesDecideNothing: rule 2 (Deployment *-canary, /spec/replica: Ignore) has fitted no drift \
                since 2026-03-01T12:00:00Z",
        ),
    },
    Entry {
        code: "GM831",
        words: &["SourceDriftEnded"],
        title: "An Event: a drift from Git is over",
        means: "A field of a MicroService, or the whole of it, is no longer other than Git declares it. The Event says \
            how that came: it was put back, somebody reverted it, a commit settled it, policy ignores it from now on, \
            or the object is gone.",
        why: "A drift that is only reported when it begins leaves open whether it still is there.",
        next: "Nothing. `gitmoor drift --history` shows the last ones.",
        example: Example::Said(
            "Normal SourceDriftEnded: MicroService shop/orders: put back after 0.12s; it had been: /spec/replicas is 5; \
                declared 3 (by kubectl-edit at 2026-03-01T12:00:00Z)",
        ),
    },
    Entry {
        code: "GM832",
        words: &["WorkloadDriftEnded"],
        title: "An Event: a drift of a workload is over",
        means: "A child of a MicroService is as it was rendered again. The Event says how that came.",
        why: "A drift that is only reported when it begins leaves open whether it still is there.",
        next: "Nothing. `gitmoor drift --history` shows the last ones.",
        example: Example::Said(
            "Normal WorkloadDriftEnded: Deployment shop/orders: reverted by somebody after 3m20s; it had been: \
                /spec/replicas is 5; declared 3 (by kubectl at 2026-03-01T12:00:00Z)",
        ),
    },
];
