//! Codes of sources: what keeps a repository or a folder from being read, and a revision from being followed.

use super::{Entry, Example};

/// The entries, in order.
pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        code: "GM401",
        words: &["UrlRefused"],
        title: "The URL is of a kind that is not read",
        means: "spec.url is not one of https://, http://, ssh:// and git@host:path, is not safe to hand on, or names a \
            local folder where the operator does not allow that.",
        why: "A URL is handed to the network and to child processes: what is not known to be safe is not tried. Messages \
            never carry what stands before the `@` of a URL.",
        next: "Write the URL in one of these forms; the message says what is wrong with it.",
        example: Example::Said(
            "Ready=False UrlRefused: the URL ftp://git.example.com/acme/deploy is refused: it is none of https, \
                http, ssh and git@host:path",
        ),
    },
    Entry {
        code: "GM402",
        words: &["BranchRefused"],
        title: "The branch's name is not one that Git allows",
        means: "spec.ref.branch has characters, or an order of them, that a branch's name cannot have.",
        why: "The name becomes part of what is sent to the Git server, and is checked first.",
        next: "Write the branch's name as `git branch` shows it, without refs/heads/ before it.",
        example: Example::Said(
            "Ready=False BranchRefused: the branch name \"-next\" is refused: it starts with a dash, like an option",
        ),
    },
    Entry {
        code: "GM403",
        words: &["PathRefused"],
        title: "A path or a pattern cannot be used",
        means: "An entry of spec.paths is absolute, has `..` in it, or has control characters; or one of spec.exclude is no \
            pattern.",
        why: "Paths are read from the root of the repository, and must stay in it.",
        next: "Write the path as seen from the root of the repository, as in apps/prod; and each pattern as in a .gitignore \
            file, as an entry of its own.",
        example: Example::Said(
            "Ready=False PathRefused: the path \"../other\" is refused: `..` is not followed; write the path from \
                the repository's root",
        ),
    },
    Entry {
        code: "GM404",
        words: &["RefNotFound"],
        title: "The repository has no such branch or tag",
        means: "The repository was reached, and has no branch, tag or other ref of the name in spec.ref, or no tag whose \
            version is in the range.",
        why: "A branch that is gone is not a branch that is empty: what is in the cluster stays, and nothing is pruned.",
        next: "Push it, or name another one in spec.ref. Without spec.ref the branch is main. Pre-releases count only where \
            the range names one.",
        example: Example::Said(
            "Ready=False RefNotFound: https://git.example.com/acme/deploy.git has no branch \"mian\"; push it, or \
                name another in spec.ref.branch",
        ),
    },
    Entry {
        code: "GM405",
        words: &["RepositoryNotFound"],
        title: "There is no repository, or none that may be seen",
        means: "The server answered that there is nothing at this URL. Many servers say the same of a private repository \
            to someone without access.",
        why: "What is not found may come back: what is in the cluster stays as it is.",
        next: "Check spec.url. If the repository is private, give the operator access to it.",
        example: Example::Said(
            "Ready=False RepositoryNotFound: there is no repository at https://git.example.com/acme/deploy.git; \
                check spec.url (a private repository may look like none)",
        ),
    },
    Entry {
        code: "GM406",
        words: &["AuthenticationRequired"],
        title: "The server asks who is reading",
        means: "The server asks for credentials, and spec.secretRef names none.",
        why: "Gitmoor never asks a person, and takes no credentials from a URL.",
        next: "Put a password, token, certificate or key into a Secret, and name it in spec.secretRef; docs/git.md says which \
            keys it has.",
        example: Example::Said(
            "Ready=False AuthenticationRequired: https://git.example.com/acme/deploy.git asks for credentials, and \
                it was told none; name a Secret that has them in spec.secretRef",
        ),
    },
    Entry {
        code: "GM407",
        words: &["AccessDenied"],
        title: "The server refuses access",
        means: "The server knows who is reading and refuses to show the repository.",
        why: "This is a right that somebody must give. Nothing in the cluster changes meanwhile.",
        next: "Ask the repository's owner for the right to read it.",
        example: Example::Said(
            "Ready=False AccessDenied: https://git.example.com/acme/deploy.git refuses access; ask its owner for \
                the right to read it",
        ),
    },
    Entry {
        code: "GM408",
        words: &["HostKeyRefused"],
        title: "The SSH server's key is not the one that is known",
        means: "The message tells three cases apart. known_hosts has no key of that host; or it has another one; or the key \
            is marked there as revoked, or its certificate is not valid for that host now.",
        why: "Another server may be answering in its place. Whoever answers decides what runs in the cluster, so nothing \
            is read.",
        next: "A key that is not known: compare it with what the server's owner publishes, then add it to known_hosts. One \
            that has changed: ask the owner whether and why, and only then replace it. A certificate: ask for a new one.",
        example: Example::Said(
            "Ready=False HostKeyRefused: the SSH host key of ssh://git.example.com/acme/deploy.git is not the one in \
                known_hosts: another server may be answering in its place; ask the server's owner, and replace the key in \
                known_hosts only when it was really changed",
        ),
    },
    Entry {
        code: "GM409",
        words: &["CertificateRefused"],
        title: "The TLS certificate is not trusted",
        means: "The server's certificate has run out, is for another name, or is signed by an authority that this machine \
            does not trust.",
        why: "Whoever answers decides what runs in the cluster, so there is no way to skip the check.",
        next: "Renew the certificate, correct the name in spec.url, or add the authority to the trusted ones of the \
            operator's container.",
        example: Example::Said(
            "Ready=False CertificateRefused: the TLS certificate of https://git.example.com/acme/deploy.git is not \
                trusted: certificate expired",
        ),
    },
    Entry {
        code: "GM410",
        words: &["TransportFailed"],
        title: "The server could not be reached",
        means: "The connection to the Git server could not be made, or broke off.",
        why: "It may pass by itself: it is tried again, first after a second, then ever later. What is in the cluster \
            stays, and nothing is pruned.",
        next: "If it stays so, check the name in spec.url, DNS, proxies and network policies between the operator and the \
            server.",
        example: Example::Said(
            "Ready=False TransportFailed: failed to talk to https://git.example.com/acme/deploy.git: connection \
                refused",
        ),
    },
    Entry {
        code: "GM411",
        words: &["ServerFailed"],
        title: "The Git server answered with an error",
        means: "The server answered with an HTTP status that says that it cannot or will not serve now.",
        why: "It is tried again by itself where the status is one that passes, and no sooner than a Retry-After asks for.",
        next: "Look at the server's own status page or log.",
        example: Example::Said(
            "Ready=False ServerFailed: https://git.example.com/acme/deploy.git answered with HTTP status 503",
        ),
    },
    Entry {
        code: "GM412",
        words: &["NotGit"],
        title: "Something answers, but not as a Git server does",
        means: "There is a server at this URL, and what it says is not Git: a login page, a redirect, a web page of the \
            repository, files without a server (the dumb protocol), or a list of refs that cannot be read.",
        why: "Following a redirect elsewhere would read a source that nobody named.",
        next: "Copy the URL that the server offers for cloning into spec.url.",
        example: Example::Said(
            "Ready=False NotGit: https://git.example.com/acme/deploy does not answer as a Git server: it redirects \
                elsewhere; write the new place into spec.url",
        ),
    },
    Entry {
        code: "GM413",
        words: &["Unsupported"],
        title: "The repository needs what is not supported",
        means: "The server, the repository or the way to it needs something that is not there: a feature that this version \
            of Gitmoor does not have, or a program that is not installed.",
        why: "It is told at once rather than read wrongly.",
        next: "The message names what is missing: install it, change it on the server, or mirror the repository to one \
            without it.",
        example: Example::Said(
            "Ready=False Unsupported: ssh://git.example.com/acme/deploy.git needs what is not supported: no SSH \
                client is configured",
        ),
    },
    Entry {
        code: "GM414",
        words: &["Timeout"],
        title: "The source was not read in time",
        means: "Reading the source took longer than spec.timeout.",
        why: "Every fetch has a deadline, so that one slow server holds up nothing else. It is tried again.",
        next: "Raise spec.timeout if the repository is large or the line slow. A pack that has all but stopped coming is TooSlow.",
        example: Example::Said(
            "Ready=False Timeout: https://git.example.com/acme/deploy.git was not read within 60s, and only \
                a part of it came in; raise spec.timeout if it is large or slow",
        ),
    },
    Entry {
        code: "GM415",
        words: &["Interrupted"],
        title: "Reading was given up",
        means: "Reading the source was stopped before its end, because the operator is ending or the work broke down.",
        why: "It is begun anew by itself.",
        next: "Nothing, as long as it passes. If it comes back again and again, look at the operator's log.",
        example: Example::Said(
            "Ready=False Interrupted: reading https://git.example.com/acme/deploy.git was interrupted: the caller \
                gave up",
        ),
    },
    Entry {
        code: "GM416",
        words: &["TooLarge"],
        title: "The source is larger than what is read",
        means: "The repository or the folder passes a bound on size or on the number of files.",
        why: "Everything that is read is bounded, so that no repository can exhaust the disk or the memory of the \
            operator.",
        next: "Keep manifests in a repository of their own, or narrow spec.paths.",
        example: Example::Said(
            "Ready=False TooLarge: https://git.example.com/acme/deploy.git is too large: it sent more than 1 GiB",
        ),
    },
    Entry {
        code: "GM417",
        words: &["BlobTooLarge"],
        title: "One file is larger than what is read",
        means: "A file under the wanted paths is larger than what is read of one file.",
        why: "A manifest of that size is none; reading it would cost memory for nothing.",
        next: "Make the file smaller, or move it out of spec.paths.",
        example: Example::Said(
            "Ready=False BlobTooLarge: a file of 30000000 bytes (blob 8c7e5a667f1b771847fe88c01c3de34413a1b220) is \
                larger than the 20971520 bytes that are read; make it smaller",
        ),
    },
    Entry {
        code: "GM418",
        words: &["BlobMissing"],
        title: "A file's content is not at hand",
        means: "The store of the operator does not have the content of a file that the revision lists.",
        why: "The store is a cache: what is lost is read anew.",
        next: "Nothing: the next fetch reads it anew. If it comes back, look at the disk of the cache folder.",
        example: Example::Said(
            "Ready=False BlobMissing: blob 8c7e5a667f1b771847fe88c01c3de34413a1b220 is not at hand; the next fetch \
                reads https://git.example.com/acme/deploy.git anew",
        ),
    },
    Entry {
        code: "GM419",
        words: &["Corrupt"],
        title: "What was read is damaged",
        means: "What was received or stored does not have the hash that it should have, or cannot be unpacked.",
        why: "Nothing is applied from data that does not check out; it is read anew.",
        next: "Nothing, if it happens once. Else check the disk of the operator, and `git fsck` on the server.",
        example: Example::Said(
            "Ready=False Corrupt: what was read from https://git.example.com/acme/deploy.git is damaged: a pack has \
                a wrong checksum; the next fetch reads it anew",
        ),
    },
    Entry {
        code: "GM420",
        words: &["StoreFailed"],
        title: "The local store failed",
        means: "The operating system refused to read or write in the operator's cache folder or in a local source.",
        why: "Until it works again nothing new is read, and what is in the cluster stays.",
        next: "Read the operating system's words: missing rights, or a volume that is mounted for reading only.",
        example: Example::Said(
            "Ready=False StoreFailed: failed to lock the cache /var/cache/gitmoor/8c7e: Permission denied (os error 13)",
        ),
    },
    Entry {
        code: "GM421",
        words: &["NotADirectory"],
        title: "The folder to read is not there",
        means: "A local source names a folder that does not exist, or is a file.",
        why: "A folder that is gone is not a folder that is empty: nothing is pruned.",
        next: "Create the folder, or correct the path.",
        example: Example::Said(
            "Ready=False NotADirectory: /srv/manifests is not a folder that can be read: No such file or directory \
                (os error 2)",
        ),
    },
    Entry {
        code: "GM422",
        words: &["RewrittenHistory"],
        title: "The revision does not descend from the applied one",
        means: "The branch was rewritten: its newest commit does not have the applied one among its ancestors, or it \
            cannot be shown that it does.",
        why: "A forced push can undo weeks of reviewed changes, by accident or on purpose. With spec.rewrites: Hold, the \
            default, it is not followed; what was applied stays and is kept as it was declared.",
        next: "Look at what changed, then approve it (`gitmoor approve`), or push the right history again. A branch that \
            is rewritten on purpose can be followed with spec.rewrites: Follow.",
        example: Example::Said(
            "status.hold RewrittenHistory: main@9c8b7a6 does not descend from 1f2e3d4, which is applied: nothing of it is \
                applied. It would create 0, change 3 and delete 1. If that is meant: gitmoor approve shop/main --plan \
                0a1b2c3d4e5f; to follow rewritten history always, set spec.rewrites to Follow",
        ),
    },
    Entry {
        code: "GM423",
        words: &["RevisionHeld"],
        title: "A revision waits for approval",
        means: "The source has a newer revision, and a guard holds it. What is in the cluster is the last revision that \
            was applied.",
        why: "What a guard refuses is carried out only when a person has seen it.",
        next: "`gitmoor status` shows what is held, why, and its hash; `gitmoor approve NAME --plan HASH` carries it out. \
            A new commit is looked at anew.",
        example: Example::Said(
            "Ready=False RevisionHeld: main@9c8b7a6 does not descend from 1f2e3d4, which is applied: nothing of it is \
                applied. It would create 0, change 3 and delete 1. If that is meant: gitmoor approve shop/main --plan \
                0a1b2c3d4e5f; to follow rewritten history always, set spec.rewrites to Follow",
        ),
    },
    Entry {
        code: "GM424",
        words: &["PinnedRevisionMissing"],
        title: "The pinned commit cannot be read",
        means: "The annotation gitmoor.dev/pinned-revision names a commit that is neither in the operator's cache nor to be \
            had from the repository.",
        why: "A pin says exactly what should run; something near it would be a guess. What was applied stays.",
        next: "Pin a revision of `gitmoor history NAME`, or release it: `gitmoor rollback NAME --release`. Revisions are kept \
            through a restart where the operator's --cache-dir is on a persistent volume.",
        example: Example::Said(
            "Ready=False PinnedRevisionMissing: the pinned revision 4b825dc cannot be read: these are not all 40 digits of a \
                commit; pin one of the GitSync's history (gitmoor rollback), or remove the annotation \
                gitmoor.dev/pinned-revision. What is applied stays",
        ),
    },
    Entry {
        code: "GM425",
        words: &["CommitNotFound"],
        title: "A commit is nowhere to be had",
        means: "A commit or a ref that was asked for is neither in the operator's cache nor given out by the repository.",
        why: "Many servers give out only what a branch, a tag or another ref points to.",
        next: "Push it to a branch or a tag, or check its name. A full ref begins with refs/, a commit has 40 digits.",
        example: Example::Said(
            "CommitNotFound: refs/pull/9/head is not in the cache, and https://git.example.com/acme/deploy.git does not give \
                it (it has no such ref); push it to a branch or a tag there",
        ),
    },
    Entry {
        code: "GM426",
        words: &["ReferenceRefused"],
        title: "What is asked for is no name that Git allows",
        means: "A ref was asked for that is neither the name of a branch or a tag nor a full ref nor a commit.",
        why: "Names are checked before they are handed to a server or a program.",
        next: "Write a branch, a full ref like refs/pull/1/head, or all 40 digits of a commit.",
        example: Example::Said("ReferenceRefused: the ref \"-next\" is refused: it starts with a dash, like an option"),
    },
    Entry {
        code: "GM430",
        words: &["MirrorBehind"],
        title: "A mirror lags behind what is applied",
        means: "The url cannot serve, and what a mirror has does not descend from what is applied: the mirror has not caught \
            up yet, or has another history.",
        why: "A mirror may bring the cluster forward and never back, not even where spec.rewrites is Follow: only the url \
            has the last word about history.",
        next: "Wait until the mirror has caught up, or see that the url can be reached again.",
        example: Example::Said(
            "MirrorBehind: the mirror https://mirror.example.com/deploy.git has main@sha1:1f2e3d4, which does not descend \
                from 4b825dc, which is applied: it lags behind, or is of another history, so nothing is taken from it",
        ),
    },
];
