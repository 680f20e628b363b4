//! Codes of the API server: what it answered when something was read or written, and as whom.

use super::{Entry, Example};

/// The entries, in order.
pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        code: "GM601",
        words: &["Conflict"],
        title: "Somebody else was faster",
        means: "A field or the object itself changed between looking and writing, so the precondition of the write no \
            longer held. It is looked at again.",
        why: "Nothing is overwritten that was not looked at.",
        next: "Nothing, if it passes. If it comes back again and again, another controller keeps writing the same fields: \
            the message or the drift names its field manager.",
        example: Example::Said("shop/orders Conflict: it changed since it was looked at"),
    },
    Entry {
        code: "GM602",
        words: &["NotFound"],
        title: "The object is gone",
        means: "The object that was to be changed does not exist any more.",
        why: "Somebody deleted it meanwhile; if Git declares it, it is created anew.",
        next: "Nothing.",
        example: Example::Said("shop/orders NotFound: microservices.gitmoor.dev \"orders\" not found"),
    },
    Entry {
        code: "GM603",
        words: &["NamespaceMissing"],
        title: "The namespace does not exist",
        means: "A manifest goes into a namespace that does not exist.",
        why: "Namespaces carry quotas, policies and rights: they are created only where that is said.",
        next: "Create the namespace, or set spec.createNamespaces: true on the GitSync.",
        example: Example::Said(
            "shop/orders NamespaceMissing: namespace \"shop\" does not exist; create it, or set \
                spec.createNamespaces on the GitSync",
        ),
    },
    Entry {
        code: "GM604",
        words: &["NamespaceTerminating"],
        title: "The namespace is being deleted",
        means: "Nothing can be created in a namespace that is being deleted. It is tried again.",
        why: "This is a wait, not a failure: the namespace goes and may come back.",
        next: "Wait until it is gone, then create it again if it is needed.",
        example: Example::Said("shop/orders NamespaceTerminating: namespace \"shop\" is being deleted"),
    },
    Entry {
        code: "GM605",
        words: &["KindMissing"],
        title: "The cluster does not know the kind",
        means: "The API server does not serve the kind: its CRD is not installed, or another version of it.",
        why: "Without the CRD there is nothing to be read or written.",
        next: "Install the CRDs: `gitmoor crds | kubectl apply --server-side -f -`.",
        example: Example::Said(
            "shop/orders KindMissing: the cluster does not know this kind; install the CRDs with: gitmoor crds | \
                kubectl apply --server-side -f -",
        ),
    },
    Entry {
        code: "GM606",
        words: &["Forbidden"],
        title: "The API server refuses",
        means: "A right is missing, a quota is used up, or an admission policy or webhook refused the object.",
        why: "What the cluster's rules refuse is not tried in another way.",
        next: "The message says who may not do what, or which policy refused. Add the right to the role of the operator, \
            or of the ServiceAccount that the GitSync names; or change the manifest.",
        example: Example::Said(
            "shop/orders Forbidden: microservices.gitmoor.dev \"orders\" is forbidden: exceeded quota: services",
        ),
    },
    Entry {
        code: "GM607",
        words: &["Invalid"],
        title: "The API server will not take the object",
        means: "The API server refused the content of the object. The last good state stays in the cluster.",
        why: "Validation without a cluster finds what the CRD forbids; this is what only the server knows: a rule about \
            a change, another version of the CRD, a field that cannot change.",
        next: "Read the server's words and correct the manifest. Check that the CRDs are those of this version of \
            Gitmoor.",
        example: Example::Said(
            "shop/orders Invalid: MicroService.gitmoor.dev \"orders\" is invalid: spec.service: Invalid value: \
                headless cannot change",
        ),
    },
    Entry {
        code: "GM608",
        words: &["Throttled"],
        title: "The API server asks to slow down",
        means: "The API server answered that it has too much to do. It is tried again when it says.",
        why: "Insisting would make it worse for everybody.",
        next: "Nothing, if it passes. Else look at the API server's priority and fairness settings, and at who else is \
            busy.",
        example: Example::Said("shop/orders Throttled: the API server asked to slow down: too many requests"),
    },
    Entry {
        code: "GM609",
        words: &["ServerError"],
        title: "The API server failed",
        means: "The API server answered with a 5xx. It is tried again, ever later.",
        why: "It passes mostly; nothing is concluded from it.",
        next: "If it stays, look at the API server's log, at etcd, and at admission webhooks that do not answer: the \
            message names them.",
        example: Example::Said("shop/orders ServerError: the API server failed: etcdserver: request timed out"),
    },
    Entry {
        code: "GM610",
        words: &["ServerTimeout"],
        title: "The API server did not answer in time",
        means: "A call had no answer within its deadline. It is tried again.",
        why: "Whether the write took place is not known, so the object is looked at again before anything else is done.",
        next: "If it stays, look at the API server's load and at admission webhooks that are slow.",
        example: Example::Said("shop/orders ServerTimeout: the API server did not answer within 30s"),
    },
    Entry {
        code: "GM611",
        words: &["Unreachable"],
        title: "The API server cannot be reached",
        means: "There is no connection to the API server, or it broke.",
        why: "It is tried again. What runs goes on running: no workload depends on the operator's connection.",
        next: "Check the network between the operator and the API server, or the kubeconfig.",
        example: Example::Said(
            "shop/orders Unreachable: the API server cannot be reached: Connection refused (os error 111)",
        ),
    },
    Entry {
        code: "GM612",
        words: &["UnexpectedAnswer"],
        title: "The answer is not what the API promises",
        means: "Something answered that is not the API server, or a proxy changed its answer.",
        why: "Nothing is concluded from an answer that is not understood.",
        next: "Look at proxies between the operator and the API server.",
        example: Example::Said("shop/orders UnexpectedAnswer: the API server sent something unexpected: 302 Found"),
    },
    Entry {
        code: "GM613",
        words: &["ImpersonationForbidden"],
        title: "Gitmoor may not act as the ServiceAccount",
        means: "The GitSync writes as a ServiceAccount, by its spec or by the operator's flag, and the operator lacks the \
            right to act as it. The object is not written.",
        why: "To write it as the operator instead would give the GitSync rights that it should not have.",
        next: "Install the ClusterRole gitmoor-impersonation of deploy/access.yaml and its binding, or take the \
            ServiceAccount out of the spec or the flag.",
        example: Example::Said(
            "shop/orders ImpersonationForbidden: Gitmoor itself may not act as ServiceAccount team/deployer (by \
                spec.serviceAccountName): it lacks impersonate-on:serviceaccount:patch on microservices.gitmoor.dev in \
                namespace team; give it the ClusterRole gitmoor-impersonation of deploy/access.yaml",
        ),
    },
];
