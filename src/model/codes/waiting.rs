//! Codes of what waits: for a person's approval, for other GitSyncs, for an earlier wave, for health.

use super::{Entry, Example};

/// The entries, in order.
pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        code: "GM513",
        words: &["PruneBudget"],
        title: "More deletions than the budget allows",
        means: "The revision would delete more MicroServices within an hour than spec.prune.budget allows. All of its \
            deletions wait.",
        why: "A commit that removes much is mostly a mistake: a wrong merge, a moved folder, a broken generator.",
        next: "Look at status.hold, which lists what would go. Approve it (`gitmoor approve NAME --plan HASH`), mend the \
            repository, or raise the budget.",
        example: Example::Said(
            "shop/orders PruneBudget: is no longer declared, but the plan deletes too many: 7 deletions within an \
                hour, 4 allowed: 20 % of 20",
        ),
    },
    Entry {
        code: "GM514",
        words: &["LastObject"],
        title: "The plan would delete the last one",
        means: "The revision would leave nothing of what this GitSync applied.",
        why: "That the last one goes is mostly an accident, however large the budget is.",
        next: "Look at status.hold, then approve it (`gitmoor approve NAME --plan HASH`), or mend the repository.",
        example: Example::Said(
            "shop/orders LastObject: is no longer declared, but with it the last object of this GitSync would go",
        ),
    },
    Entry {
        code: "GM515",
        words: &["PlanHeld"],
        title: "A plan waits for approval",
        means: "A guard refuses to carry the plan out until a person approves it. status.hold says what it would do.",
        why: "Nothing is destroyed by accident: what a guard holds, a person must have seen.",
        next: "`gitmoor status NAME` shows what would be done and the hash; `gitmoor approve NAME --plan HASH` carries \
            out exactly that plan. Another plan has another hash.",
        example: Example::Said(
            "Ready=False PlanHeld: PruneBudget: 7 deletions within an hour, 4 allowed: 20 % of 20; plan 3f9c2a17 waits \
                for approval",
        ),
    },
    Entry {
        code: "GM516",
        words: &["DependencyNotReady", "DependencyMissing"],
        title: "A GitSync that must be ready first is not",
        means: "spec.dependsOn names a GitSync that is not Ready for its spec as it is, or does not exist. No new revision of \
            this GitSync is applied meanwhile; drift of what was applied is still put back.",
        why: "What depends on something should not be changed while that is not as it should be.",
        next: "Look at the GitSync that the message names: `gitmoor status NAME`. It goes on by itself.",
        example: Example::Said(
            "Ready=False DependencyNotReady: waiting for GitSync team/platform (TransportFailed) to be ready; 3 changes \
                wait for it",
        ),
    },
    Entry {
        code: "GM517",
        words: &["DependencyCycle"],
        title: "GitSyncs that wait for each other",
        means: "spec.dependsOn leads back to this GitSync, so it would wait for itself for ever. None of the ring applies \
            anything new.",
        why: "It is told rather than waited for.",
        next: "Remove one of the dependencies that the message lists.",
        example: Example::Said(
            "Ready=False DependencyCycle: spec.dependsOn closes a ring: team/platform -> team/shop -> team/platform; none \
                of them applies anything new until one no longer depends on the next",
        ),
    },
    Entry {
        code: "GM518",
        words: &["WaitingForWave"],
        title: "A later wave waits for an earlier one",
        means: "Something of an earlier wave (annotation gitmoor.dev/wave) is not as declared, or not healthy, yet. What \
            later waves create, change and delete waits for it.",
        why: "Waves exist so that what comes later finds what it needs.",
        next: "Nothing, as long as it passes. status.progress says what is waited for.",
        example: Example::Said(
            "Ready=False WaitingForWave: wave 1: 11 of 14 done; the first not done: shop/orders ReplicasUnavailable; 3 \
                changes wait for it",
        ),
    },
    Entry {
        code: "GM519",
        words: &["WaitTimeout"],
        title: "What is waited for did not become healthy in time",
        means: "A wave, or with spec.wait everything that is declared, did not become healthy within spec.waitTimeout.",
        why: "A rollout that does not end is a failure that somebody must see. It is still watched: it goes on, and Ready \
            turns True, by itself when it recovers.",
        next: "Look at the MicroServices that the message names: their Ready condition says what keeps their pods from \
            serving. Raise spec.waitTimeout if they are only slow.",
        example: Example::Said(
            "Ready=False WaitTimeout: 11 of 12 ready; the first not ready: shop/orders CrashLoopBackOff; that takes longer \
                than spec.waitTimeout",
        ),
    },
    Entry {
        code: "GM527",
        words: &["DependencyNotAllowed"],
        title: "A dependency in a namespace that is none of this GitSync's",
        means: "spec.dependsOn names a GitSync of another namespace than its own and the operator's. Nothing new is applied.",
        why: "Who may write in one namespace should not learn or wait for what happens in another.",
        next: "Depend on a GitSync of the same namespace, or on one of the operator's that stands for it.",
        example: Example::Said(
            "Ready=False DependencyNotAllowed: spec.dependsOn names pay/base: a GitSync may depend on those of its own \
                namespace and of the operator's; nothing new is applied until that is changed",
        ),
    },
    Entry {
        code: "GM528",
        words: &["WaveFailed"],
        title: "A wave cannot be applied, and the later ones wait",
        means: "Something of the wave is invalid, was refused or is held by a rule, for longer than spec.waitTimeout. The later \
            waves stay as they were.",
        why: "Who orders by waves expects that nothing goes on past a failure.",
        next: "Correct what the message names; status.problems and status.diagnostics say what is wrong. The later waves go \
            on at once.",
        example: Example::Said(
            "Ready=False WaveFailed: wave 0: 2 of 5 done; the first not done: shop/orders InvalidManifest; 3 changes wait \
                for it; that takes longer than spec.waitTimeout",
        ),
    },
    Entry {
        code: "GM529",
        words: &["WaitingForHealth"],
        title: "Everything is applied, and not all of it is healthy yet",
        means: "spec.wait is true: the GitSync is Ready only when everything that it declares is Ready at its current \
            generation.",
        why: "What depends on this GitSync, and whoever waits for it, needs more than that it was applied.",
        next: "Wait. If it stays, the Ready condition of the MicroServices that the message names says what keeps them.",
        example: Example::Said(
            "Ready=False WaitingForHealth: 12 of 14 ready; the first not ready: shop/orders CrashLoopBackOff",
        ),
    },
    Entry {
        code: "GM530",
        words: &["PlanApproved"],
        title: "An Event: a held plan was approved",
        means: "A person approved a plan that was held. The Event says who, as far as the API server recorded it, and how many \
            objects it deletes.",
        why: "What was destroyed on purpose must be found again with the one who said so.",
        next: "Nothing.",
        example: Example::Said("Normal PlanApproved: plan 3f9c2a17 was approved by kubectl-annotate: 7 deletions"),
    },
    Entry {
        code: "GM531",
        words: &["PlanChanged"],
        title: "An Event: a held plan is another one now",
        means: "What would be deleted changed while the plan was held, so it has another hash. An approval of the old one is \
            none of the new one.",
        why: "A person approves exactly what they have seen.",
        next: "Look at status.hold again, and approve the new hash: `gitmoor approve NAME --plan HASH`.",
        example: Example::Said("Warning PlanChanged: PruneBudget: 8 deletions within an hour, 4 allowed: 20 % of 20"),
    },
    Entry {
        code: "GM532",
        words: &["PlanWithdrawn"],
        title: "An Event: a held plan is not asked for any more",
        means: "The repository declares again what would have been deleted, or the plan fits the budget by now.",
        why: "What was announced as held is announced as over, too.",
        next: "Nothing.",
        example: Example::Said("Normal PlanWithdrawn: plan 3f9c2a17 is not held any more"),
    },
    Entry {
        code: "GM533",
        words: &["PlanCarriedOut"],
        title: "An Event: an approved plan was carried out",
        means: "All that a person approved was done.",
        why: "Between the approval and the last deletion there may be a restart: this is the end of it.",
        next: "Nothing.",
        example: Example::Said("Normal PlanCarriedOut: plan 3f9c2a17 was carried out"),
    },
    Entry {
        code: "GM534",
        words: &["Deleting"],
        title: "The GitSync goes, and its MicroServices with it",
        means: "The GitSync is being deleted, and its spec.deletionPolicy is Delete: what it applied is deleted first.",
        why: "Its finalizer holds it until nothing of it is left, so that nothing stays that nobody looks after.",
        next: "Wait; the message names what is waited for. With spec.deletionPolicy: Orphan it goes without them.",
        example: Example::Said(
            "Ready=False Deleting: is being deleted; waiting until MicroService shop/orders is gone",
        ),
    },
    Entry {
        code: "GM535",
        words: &["DeletionFailed"],
        title: "The GitSync cannot go, as something of it cannot be deleted",
        means: "The GitSync is being deleted with its MicroServices, and the API server refuses to delete one of them. It is \
            tried again.",
        why: "A GitSync that went before its MicroServices would leave them without anybody who knows of them.",
        next: "The message names the object and the refusal. With spec.deletionPolicy: Orphan the GitSync goes without them.",
        example: Example::Said(
            "Ready=False DeletionFailed: is being deleted; shop/orders cannot be: admission refused it. It is tried again",
        ),
    },
    Entry {
        code: "GM536",
        words: &["DeletionBudget", "DeletionHeld"],
        title: "The GitSync waits for approval to go with what it applied",
        means: "The GitSync is being deleted, its spec.deletionPolicy is Delete, and that would delete more than its budget \
            allows.",
        why: "`kubectl delete` of the wrong GitSync must not take a whole namespace with it.",
        next: "Look at status.hold, and approve it as the message says; or set spec.deletionPolicy: Orphan, and it goes alone.",
        example: Example::Said(
            "Warning DeletionHeld: it is being deleted, and with it 12 objects: 12 deletions within an hour, 2 allowed: \
                20 % of 12; plan 3f9c2a17 waits for approval",
        ),
    },
];
