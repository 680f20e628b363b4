//! Codes of signatures: what keeps a revision from being applied where spec.verify asks who signed it.

use super::{Entry, Example};

/// The entries, in order.
pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        code: "GM460",
        words: &["SignatureMissing"],
        title: "What must be signed is not",
        means: "spec.verify asks for a signature, and the commit or the tag has none. A lightweight tag never has one.",
        why: "Whoever may push is not always who may deploy. What was applied last stays, and drift from it is still corrected.",
        next: "Sign it (git commit -S, git tag -s) and push it; a tag that is made anew on the same commit is enough. Where a \
            forge merges, let it sign its merges and put its public key into the Secret.",
        example: Example::Said(
            "Ready=False SignatureMissing: the tag \"v1.2.0\" is not applied: it is not signed: it is a lightweight tag, a name \
                and nothing else; sign it, or push a signed one. What is applied stays",
        ),
    },
    Entry {
        code: "GM461",
        words: &["SignatureUnknownKey"],
        title: "It is signed by a key that is not in the Secret",
        means: "The signature names a key that is none of the public keys in the Secret of spec.verify.secretRef. Whether it is \
            good is not known: that needs the key.",
        why: "A key says who signed only if somebody said whose it is.",
        next: "Find out whose key it is, by its fingerprint. If it is to be trusted, put its public key into the Secret: that is \
            noticed at once.",
        example: Example::Said(
            "Ready=False SignatureUnknownKey: the commit main@1f0c5a2 is not applied: it is signed by the key \
                SHA256:uZ7bYc1n7mF1q0B9c2Xv5kV4x3Yt6Jp8Lw0Qe2RrTgM, which is not one of the Secret; if that key is to be \
                trusted, put its public key into the Secret. What is applied stays",
        ),
    },
    Entry {
        code: "GM462",
        words: &["SignatureBad"],
        title: "The signature is not valid",
        means: "The signature is of something else: the commit or the tag was changed after it was signed, the signature was \
            taken from another one or made for another purpose than Git, a tag stands under another name than its own, or \
            the signature is damaged.",
        why: "No tool makes such a thing by itself. It is what an attack looks like.",
        next: "Find out who pushed it and how. Then push a revision with a signature of its own.",
        example: Example::Said(
            "Ready=False SignatureBad: the commit main@1f0c5a2 is not applied: its signature is not valid: it does not fit what \
                is signed, which may have been changed since; find out who pushed it; push one with a signature of its own. \
                What is applied stays",
        ),
    },
    Entry {
        code: "GM463",
        words: &["SignatureExpired"],
        title: "The key was not valid when it signed",
        means: "The key had ended or did not exist when the signature was made, the signature itself has ended, it was made in \
            the future, or allowed_signers says that the key is not for that time or not for Git.",
        why: "A key counts for what it signed while it was valid, also later: else nothing could be installed anew once it has \
            ended.",
        next: "Sign with a key that is valid. If the owner made the key last longer, put its renewed public key into the Secret.",
        example: Example::Said(
            "Ready=False SignatureExpired: the commit main@1f0c5a2 is not applied: it is signed by \
                3AA5C34371567BD2C4C1F1E0D9A5B6F2C4E1A7B8 (Ada <ada@example.com>), and the key ended at 2026-01-01T00:00:00Z, \
                earlier than the signature of 2026-03-04T05:06:07Z; push one that is signed by a valid key, or put the renewed \
                public key into the Secret. What is applied stays",
        ),
    },
    Entry {
        code: "GM464",
        words: &["SignatureRevoked"],
        title: "The key was revoked",
        means: "The public key in the Secret says itself that it is revoked. Where it was only replaced or put out of use, what \
            it signed before stays good; else nothing does.",
        why: "Whoever stole a key can date a signature as they like.",
        next: "Sign the newest commit or the tag with another key, whose public key is in the Secret.",
        example: Example::Said(
            "Ready=False SignatureRevoked: the commit main@1f0c5a2 is not applied: it is signed by \
                3AA5C34371567BD2C4C1F1E0D9A5B6F2C4E1A7B8 (Ada <ada@example.com>), which was revoked as compromised at \
                2026-02-03T04:05:06Z; push one that is signed by another key. What is applied stays",
        ),
    },
    Entry {
        code: "GM465",
        words: &["SignatureWeak"],
        title: "The signature could be forged",
        means: "The signature, or the one that binds the key to its owner, was made with SHA-1 or MD5, with DSA, or with an RSA \
            key of fewer than 2048 bits.",
        why: "Two commits with one SHA-1 digest can be made, and such keys can be broken.",
        next: "Sign with another key: Ed25519, ECDSA P-256 or P-384, or RSA of 2048 bits or more. An old OpenPGP key that is \
            signed with SHA-1 itself becomes a good one when its owner extends it and exports it anew.",
        example: Example::Said(
            "Ready=False SignatureWeak: the commit main@1f0c5a2 is not applied: its signature is too weak: SHA-1; sign with \
                Ed25519, ECDSA P-256 or P-384, or RSA of 2048 bits or more, and SHA-2. What is applied stays",
        ),
    },
    Entry {
        code: "GM466",
        words: &["SignatureUnsupported"],
        title: "The signature is of a kind that is not read",
        means: "It is neither an OpenPGP signature of version 4 nor an SSH signature, or its key is of a kind that is not read: a \
            security token's SSH key, P-521, a key that may not sign. The message names it.",
        why: "What is not understood is not trusted.",
        next: "Sign with a key of the kinds that docs/signatures.md lists.",
        example: Example::Said(
            "Ready=False SignatureUnsupported: the commit main@1f0c5a2 is not applied: its signature is of a kind that is not \
                read: X.509 (gpg.format=x509); sign with Ed25519, ECDSA P-256 or P-384, or RSA of 2048 bits or more, and \
                SHA-2. What is applied stays",
        ),
    },
];
