//! Codes of reaching a source: Secrets, and what servers and proxies make of what is in them.

use super::{Entry, Example};

/// The entries, in order.
pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        code: "GM440",
        words: &["SecretMissing"],
        title: "The Secret of a source does not exist",
        means: "spec.secretRef, spec.proxySecretRef or spec.verify.secretRef names a Secret that the GitSync's namespace \
            does not have.",
        why: "A private repository is not read in any other way than the spec says. What is applied stays.",
        next: "Create the Secret in the namespace of the GitSync, or correct the name. It is noticed at once.",
        example: Example::Said(
            "Ready=False SecretMissing: Secret shop/git-auth, which spec.secretRef names, does not exist; create it, or \
                correct the name",
        ),
    },
    Entry {
        code: "GM441",
        words: &["SecretUnread"],
        title: "The Secret of a source could not be read",
        means: "The API server did not give out the Secret that spec.secretRef or spec.proxySecretRef names: mostly the \
            operator may not read Secrets in that namespace.",
        why: "The operator may read Secrets of its own namespace. For a GitSync elsewhere somebody must let it.",
        next: "Bind a Role that lets the operator get Secrets in the namespace of the GitSync, as deploy/access.yaml does for \
            the operator's.",
        example: Example::Said(
            "Ready=Unknown SecretUnread: Secret shop/git-auth, which spec.secretRef names, could not be read: secrets \
                \"git-auth\" is forbidden",
        ),
    },
    Entry {
        code: "GM442",
        words: &["SecretInvalid"],
        title: "The Secret of a source is of no use",
        means: "The Secret lacks a key that the URL needs, or has something in a key that cannot be used there. The message \
            names the key, and never what is in it.",
        why: "What is incomplete is not tried: a server would only count it as an attack. ssh without known_hosts is not \
            tried, for anybody could answer.",
        next: "Write the key into the Secret; docs/git.md lists those of each kind of server. A change is noticed at once.",
        example: Example::Said(
            "Ready=False SecretInvalid: Secret shop/git-auth is of no use for https://git.example.com/acme/deploy.git: it has \
                no key \"password\": username goes with it",
        ),
    },
    Entry {
        code: "GM443",
        words: &["CredentialsRefused"],
        title: "The server refuses the credentials",
        means: "The server was told who is reading, by the password, token, certificate or key of the Secret, and does not \
            accept that.",
        why: "A token may have run out or been revoked. What is in the cluster stays meanwhile.",
        next: "Put a valid token, password, certificate or key into the Secret, with the right to read the repository. A \
            change is noticed at once.",
        example: Example::Said(
            "Ready=False CredentialsRefused: https://git.example.com/acme/deploy.git refuses the credentials of the Secret; \
                renew them, or give them the right to read the repository",
        ),
    },
    Entry {
        code: "GM444",
        words: &["CredentialsWithheld"],
        title: "Another host asks for the credentials",
        means: "The server of spec.url sends readers to another host, and that one asks who is reading.",
        why: "Credentials are for the host that the spec names, and for no other: whoever can answer for a server must not be \
            able to collect them.",
        next: "If the repository moved, write its new URL into spec.url.",
        example: Example::Said(
            "Ready=False CredentialsWithheld: https://git.example.com/acme/deploy.git sends readers to new.example.com, which \
                asks for credentials; they are sent to the host of spec.url alone, so write the new place there",
        ),
    },
    Entry {
        code: "GM445",
        words: &["ProxyRefused"],
        title: "The proxy does not let Gitmoor through",
        means: "The proxy asks who is there, or does not accept what it was told.",
        why: "The server itself was not reached, so nothing is known of the repository.",
        next: "Put username and password into the Secret of spec.proxySecretRef; or, where the proxy is that of the \
            environment, into the variable that names it.",
        example: Example::Said(
            "Ready=False ProxyRefused: the proxy before https://git.example.com/acme/deploy.git asks for credentials, or \
                refuses those that it was told",
        ),
    },
    Entry {
        code: "GM446",
        words: &["CredentialsInClear"],
        title: "Credentials are sent over http",
        means: "spec.url begins with http://, and the Secret has a password or a token: whoever is on the way can read it.",
        why: "It is done, for the spec says so, and a network may be private. It is told, for mostly it is a mistake.",
        next: "Write https:// into spec.url, with the authority of the server's certificate as ca.crt in the Secret if it is \
            a private one.",
        example: Example::Said(
            "Event on the GitSync: CredentialsInClear: credentials are sent over http, which anybody on the way can read",
        ),
    },
];
