//! Codes of alerts: why a target of spec.notify is not told.

use super::{Entry, Example};

/// The entries, in order.
pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        code: "GM540",
        words: &["AlertAddressMissing"],
        title: "A target of alerts has no address",
        means: "Neither url of the target nor the key address of its Secret says where to tell it; or for a commit status, \
            spec.url names no repository of a forge.",
        why: "Nothing is guessed: what is told may be for some eyes only.",
        next: "Write the address into the target's url, or into the key address of its Secret where it is a secret itself.",
        example: Example::Said(
            "Notified=False AlertAddressMissing: target team (Slack) is not told: its Secret has no key \"address\", and it \
                has no url",
        ),
    },
    Entry {
        code: "GM541",
        words: &["AlertSecretMissing"],
        title: "The Secret of a target of alerts does not exist",
        means: "secretRef of the target names a Secret that the GitSync's namespace does not have.",
        why: "A Secret is read in the namespace of its GitSync alone, by its name.",
        next: "Create the Secret, or correct the name. It is tried again by itself, within ten minutes.",
        example: Example::Said(
            "Notified=False AlertSecretMissing: target team (Slack) is not told: Secret shop/slack does not exist",
        ),
    },
    Entry {
        code: "GM542",
        words: &["AlertSecretUnread"],
        title: "The Secret of a target of alerts could not be read",
        means: "The API server did not give out the Secret that secretRef of the target names: mostly the operator may not \
            read Secrets in that namespace.",
        why: "The operator may read Secrets of its own namespace. For a GitSync elsewhere somebody must let it.",
        next: "Bind a Role that lets the operator get Secrets in the namespace of the GitSync, as deploy/access.yaml does for \
            the operator's.",
        example: Example::Said(
            "Notified=False AlertSecretUnread: target team (Slack) is not told: Secret shop/slack could not be read: secrets \
                \"slack\" is forbidden",
        ),
    },
    Entry {
        code: "GM543",
        words: &["AlertSecretInvalid"],
        title: "The Secret of a target of alerts is of no use",
        means: "The Secret lacks a key that the target needs, or has something in a key that cannot be used there. The message \
            names the key, and never what is in it.",
        why: "What cannot be sent is not tried.",
        next: "Correct the key; docs/alerts.md lists those of each target.",
        example: Example::Said(
            "Notified=False AlertSecretInvalid: target forge (GitHub) is not told: the key \"token\" of its Secret cannot be \
                used: it is missing",
        ),
    },
    Entry {
        code: "GM544",
        words: &["AlertAddressForbidden"],
        title: "Alerts do not go to that address",
        means: "The address is not https, or leads to this machine, its link or a private network.",
        why: "Whoever may write a GitSync names the address. The operator reaches more than they do, and must not be made to \
            call it for them.",
        next: "Use an https address that is reached from outside; or a GitSync of the operator's namespace, which may tell \
            within private networks; or run the operator with --alerts-to-internal, which allows all but the link of the \
            machine.",
        example: Example::Said(
            "Notified=False AlertAddressForbidden: target team (Webhook) is not told: its address is not https; the operator \
                allows http with the flag --alerts-to-internal",
        ),
    },
    Entry {
        code: "GM545",
        words: &["AlertUnreached"],
        title: "A target of alerts cannot be reached",
        means: "Nothing answers at the address, not in time, or with a certificate that is not trusted.",
        why: "It is tried again, ever more rarely, up to ten minutes apart. What stands by then is told; what has come and gone \
            is kept, the newest hundred of it.",
        next: "Look at the target, and at what is between: DNS, firewalls, a proxy. An authority of one's own goes into ca.crt \
            of the target's Secret.",
        example: Example::Said(
            "Notified=False AlertUnreached: target team (Webhook) is not told: it cannot be reached: Connection refused",
        ),
    },
    Entry {
        code: "GM546",
        words: &["AlertRateLimited"],
        title: "A target of alerts asks to be told less often",
        means: "The target answers 429.",
        why: "It is left alone for as long as it asks, up to an hour. What happens meanwhile is told together.",
        next: "Raise every of the target, or narrow its events.",
        example: Example::Said(
            "Notified=False AlertRateLimited: target team (Slack) is not told: it asks to be told less often (429)",
        ),
    },
    Entry {
        code: "GM547",
        words: &["AlertTargetFailed"],
        title: "A target of alerts fails",
        means: "The target answers with a status of 500 or more.",
        why: "It may be back soon: it is tried again, ever more rarely, up to ten minutes apart.",
        next: "Look at the target. gitmoor alert test shows what it answers.",
        example: Example::Said(
            "Notified=False AlertTargetFailed: target team (Webhook) is not told: it fails, with status 503",
        ),
    },
    Entry {
        code: "GM548",
        words: &["AlertRefused"],
        title: "A target of alerts refuses what it is told",
        means: "The target answers that it does not take the message, or that this token may not tell it. A redirect is such an \
            answer, too: it is not followed.",
        why: "It is tried rarely: somebody must mend it first. What the target answers is not put into status, for it may be \
            from somewhere that its reader may not see.",
        next: "gitmoor alert test NAME shows what it answers. Mostly the address was revoked, or the token lacks a right: a \
            commit status needs the right to write statuses.",
        example: Example::Said(
            "Notified=False AlertRefused: target forge (GitHub) is not told: it refuses it, with status 401; its credentials \
                are wrong or may not do this",
        ),
    },
];
