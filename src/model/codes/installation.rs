//! Codes of installing, checking and removing Gitmoor.

use super::{Entry, Example};

/// The entries, in order.
pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        code: "GM490",
        words: &["ServerTooOld"],
        title: "The API server is too old",
        means: "The version of Kubernetes lacks what Gitmoor is made of: server-side apply as it is today, and admission policies \
            that need no webhook.",
        why: "It would be installed in part, and fail where nobody looks.",
        next: "Upgrade the cluster to Kubernetes 1.30 or later; attribution needs 1.36.",
        example: Example::Said(
            "✗ server    GM490 Kubernetes v1.28.4 is too old: 1.30 or later is needed; upgrade the cluster",
        ),
    },
    Entry {
        code: "GM491",
        words: &["ClockSkew"],
        title: "Two clocks differ",
        means: "The API server's clock and that of the machine that asks are more than a minute apart.",
        why: "Who leads is told by a Lease, webhooks by signed times, and pauses end by the clock.",
        next: "Set both clocks by NTP.",
        example: Example::Said("✗ clock     GM491 the API server's clock is 90 s ahead of this machine's"),
    },
    Entry {
        code: "GM492",
        words: &["CrdMissing"],
        title: "A kind of Gitmoor is not served",
        means: "The CRD is not installed, or the API server does not serve it; its own words are told.",
        why: "Without the kinds there is nothing to sync.",
        next: "gitmoor crds | kubectl apply --server-side -f -, or gitmoor install.",
        example: Example::Said("✗ kinds     GM492 CRD gitsyncs.gitmoor.dev is not installed"),
    },
    Entry {
        code: "GM493",
        words: &["CrdOther"],
        title: "A kind is served in another version only",
        means: "The CRD that is installed does not serve the version of the API that this program speaks.",
        why: "What it writes would be refused.",
        next: "Install the CRDs of this version, or use the program that belongs to what is installed.",
        example: Example::Said(
            "✗ kinds     GM493 CRD gitsyncs.gitmoor.dev does not serve the version that this program speaks",
        ),
    },
    Entry {
        code: "GM494",
        words: &["RightsMissing"],
        title: "The daemon lacks rights",
        means: "The API server says that the daemon's ServiceAccount may not do what deploy/access.yaml lets it do.",
        why: "What needs the right fails, one object at a time, and says so where it fails; this says it at once.",
        next: "gitmoor install grants them again; so does kubectl apply --server-side -f deploy/access.yaml. Where you bind fewer \
            rights on purpose, this is what to expect.",
        example: Example::Said(
            "✗ rights    GM494 ServiceAccount gitmoor-system/gitmoor lacks 1 right: patch deployments.apps",
        ),
    },
    Entry {
        code: "GM495",
        words: &["DaemonNotReady"],
        title: "The daemon does not run as it should",
        means: "Its Deployment is not complete; the message says how far it is.",
        why: "Until one process is ready nothing is synced; services run on.",
        next: "kubectl -n gitmoor-system get pods, and the log of the Deployment. A process that cannot reach the API server says so \
            in its first lines.",
        example: Example::Said("✗ daemon    GM495 1 of 2 updated replicas are available"),
    },
    Entry {
        code: "GM496",
        words: &["GitUnreached"],
        title: "A repository is not reached",
        means: "The url of a GitSync was asked with the Secret that it names, and did not give what the GitSync follows; or the \
            daemon does not reach it while this machine does.",
        why: "Nothing new is applied until it answers; what is applied stays.",
        next: "The message has the server's words, and the hint the code of what is wrong. Where only the daemon fails, look at the \
            cluster's way out.",
        example: Example::Said(
            "✗ git       GM496 shop/deploy: https://git.example.com/acme/deploy.git is not reached: no such host",
        ),
    },
    Entry {
        code: "GM497",
        words: &["FinalizerInTheWay"],
        title: "GitSyncs wait for the daemon to delete what they applied",
        means: "gitmoor uninstall found GitSyncs with deletionPolicy: Delete. Their finalizer is taken off by the daemon alone, when \
            what they applied is deleted.",
        why: "Without a daemon neither they nor their namespaces could ever go; and what they applied would stay, against what they \
            say.",
        next: "Delete them and wait until they are gone, or let go of them: gitmoor uninstall --orphan. Then what they applied stays.",
        example: Example::Said("nothing was changed (GM497). Either delete them and wait until they are gone"),
    },
    Entry {
        code: "GM498",
        words: &["WebhookUnreached"],
        title: "Webhooks cannot arrive",
        means: "Nothing stands behind the Service gitmoor-hooks, a GitSync's Secret has no token, or the address that forges are given \
            does not lead to Gitmoor.",
        why: "Without webhooks a push is found by the next poll only.",
        next: "docs/webhooks.md has the set-up of each forge; gitmoor webhook test tries one out.",
        example: Example::Said("✗ webhooks  GM498 nothing stands behind the Service gitmoor-system/gitmoor-hooks"),
    },
];
