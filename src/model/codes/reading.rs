//! Codes of what is between a source and its cache: room on the disk, and servers that ask for patience.

use super::{Entry, Example};

/// The entries, in order.
pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        code: "GM470",
        words: &["StoreFull"],
        title: "There is no room for what a source sends",
        means: "The volume of the cache is full, or a quota or a bound for one file is reached. What was being written was taken \
            away again.",
        why: "A full disk is no damage: what was read before can still be read and stays applied, and it is tried again, ever more \
            rarely, until there is room.",
        next: "Make the volume of the cache folder larger (an emptyDir: raise its sizeLimit, or remove it), or make room on the \
            node. Nothing has to be restarted.",
        example: Example::Said(
            "Ready=False StoreFull: failed to keep what https://git.example.com/acme/deploy.git sends: No space left on device \
                (os error 28); make room on the volume of the cache. What was read before stays, and it is tried again",
        ),
    },
    Entry {
        code: "GM471",
        words: &["RateLimited"],
        title: "The Git server asks to come back later",
        means: "The server answered with HTTP status 429: it was asked too often by this address or with these credentials.",
        why: "It is not asked again before the time that its Retry-After names, in seconds or as a date, up to an hour. All GitSyncs that read the same ref with the same \
            Secret and timeout count as one reader.",
        next: "Configure a webhook, which makes polls rare, raise spec.interval, or use credentials with a larger share. GitSyncs of \
            one repository share their requests when they name the same Secret.",
        example: Example::Said(
            "Ready=False RateLimited: https://git.example.com/acme/deploy.git asks for fewer requests (HTTP status 429), and is \
                asked again in 60s; a webhook makes polls rare",
        ),
    },
    Entry {
        code: "GM472",
        words: &["TooManyRefs"],
        title: "The Git server lists more refs than are looked at",
        means: "The server listed more than 250,000 refs in answer to one question. A server that speaks version 2 of Git's protocol \
            lists only what fits what is asked for; an older one lists every branch, tag and pull request.",
        why: "A list of refs is held in memory as a whole, so it is bounded in bytes and in number: nobody can exhaust the \
            operator's memory by pushing refs.",
        next: "Remove tags that nobody needs where spec.ref.semver is followed, update the server, or mirror what is followed to a \
            repository of its own.",
        example: Example::Said(
            "Ready=False TooManyRefs: https://git.example.com/acme/deploy.git lists more than 250000 refs; remove tags and \
                branches that nobody needs, or mirror what is followed",
        ),
    },
    Entry {
        code: "GM473",
        words: &["TooSlow"],
        title: "What the Git server sends has all but stopped",
        means: "The server had begun to send a pack, and then, in 30 seconds of waiting for it, fewer than 3,000 bytes came in. A \
            transfer that is slow but lives goes on until spec.timeout; the log says every ten seconds how far it is.",
        why: "A connection that drips would hold the GitSync until spec.timeout, which is long where a repository is large. It is \
            tried again, and spec.mirrors are tried meanwhile.",
        next: "Look at the network between the operator and the server, and at proxies that hold back what they pass on. A mirror \
            near the cluster helps.",
        example: Example::Said(
            "Ready=False TooSlow: https://git.example.com/acme/deploy.git is too slow: of its pack, fewer than 3000 bytes came \
                in within 30s",
        ),
    },
    Entry {
        code: "GM474",
        words: &["ServerRefused"],
        title: "The Git server breaks off and says why",
        means: "In place of what was asked for, the server sent a message: a hook or a policy of the host, a repository that is being \
            moved or repaired, or a ref that went while it was read.",
        why: "What a server says is passed on in its own words, on one line of up to 400 characters. It is tried again.",
        next: "Read the server's words. Where they are not clear, ask the host's administrator; the server's log has more.",
        example: Example::Said(
            "Ready=False ServerRefused: https://git.example.com/acme/deploy.git breaks off and says: upload-pack: the repository is \
                being repaired",
        ),
    },
];
