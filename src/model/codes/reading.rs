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
        why: "It is not asked again before the time that it names, up to an hour. All GitSyncs that read the same ref with the same \
            Secret and timeout count as one reader.",
        next: "Configure a webhook, which makes polls rare, raise spec.interval, or use credentials with a larger share. GitSyncs of \
            one repository share their requests when they name the same Secret.",
        example: Example::Said(
            "Ready=False RateLimited: https://git.example.com/acme/deploy.git asks for fewer requests (HTTP status 429), and is \
                asked again in 60s; a webhook makes polls rare",
        ),
    },
];
