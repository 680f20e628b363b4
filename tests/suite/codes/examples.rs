//! What the table of codes shows as an example is what is really said.

use std::time::Duration;

use gitmoor::cluster::CallError;
use gitmoor::model::codes::{self, Example};
use gitmoor::model::plan::Silence;
use gitmoor::model::{BlobId, HoldReason, ObjectKey, Waiting, WaitsFor};
use gitmoor::plan::budget::{Bill, Budget, judge};
use gitmoor::report::waiting;
use gitmoor::signature::{Refusal, Signer};
use gitmoor::source::{HostKey, SourceError};

/// The example of a word's code is what is printed: it ends with the message.
#[track_caller]
fn check(word: &str, message: &str) {
    let entry = codes::by_word(word).unwrap_or_else(|| panic!("{word} has no code"));
    let Example::Said(said) = entry.example else { panic!("{word}") };
    assert!(said.ends_with(&format!("{word}: {message}")), "{}:\n{said}\n{message}", entry.code);
}

#[test]
fn the_examples_of_sources_are_what_is_said() {
    let https = || "https://git.example.com/acme/deploy.git".to_owned();
    let blob = || {
        BlobId([
            0x8c, 0x7e, 0x5a, 0x66, 0x7f, 0x1b, 0x77, 0x18, 0x47, 0xfe, 0x88, 0xc0, 0x1c, 0x3d, 0xe3, 0x44, 0x13, 0xa1,
            0xb2, 0x20,
        ])
    };
    let why = |text: &str| text.to_owned();
    for error in [
        SourceError::UrlRefused {
            url: "ftp://git.example.com/acme/deploy".into(),
            why: why("it is none of https, http, ssh and git@host:path"),
        },
        SourceError::BranchRefused { branch: "-next".into(), why: why("it starts with a dash, like an option") },
        SourceError::PathRefused {
            path: "../other".into(),
            why: why("`..` is not followed; write the path from the repository's root"),
        },
        SourceError::RefNotFound { url: https(), what: "branch \"mian\"".into(), field: "branch" },
        SourceError::CommitNotFound { url: https(), commit: "refs/pull/9/head".into(), why: why("it has no such ref") },
        SourceError::ReferenceRefused { reference: "-next".into(), why: why("it starts with a dash, like an option") },
        SourceError::PinnedRevisionMissing {
            commit: "4b825dc".into(),
            why: why("these are not all 40 digits of a commit"),
            transient: false,
        },
        SourceError::MirrorBehind {
            url: "https://mirror.example.com/deploy.git".into(),
            revision: "main@sha1:1f2e3d4".into(),
            applied: "4b825dc".into(),
        },
        SourceError::RepositoryNotFound { url: https() },
        SourceError::AuthenticationRequired { url: https() },
        SourceError::CredentialsRefused { url: https() },
        SourceError::CredentialsWithheld { url: https(), to: "new.example.com".into() },
        SourceError::ProxyRefused { url: https() },
        SourceError::SecretMissing { secret: "shop/git-auth".into(), field: "secretRef" },
        SourceError::SecretUnread {
            secret: "shop/git-auth".into(),
            field: "secretRef",
            why: why("secrets \"git-auth\" is forbidden"),
            transient: true,
        },
        SourceError::SecretInvalid {
            url: https(),
            secret: "shop/git-auth".into(),
            why: why("it has no key \"password\": username goes with it"),
        },
        SourceError::AccessDenied { url: https() },
        SourceError::HostKeyRefused { url: "ssh://git.example.com/acme/deploy.git".into(), what: HostKey::Changed },
        SourceError::CertificateRefused { url: https(), why: why("certificate expired") },
        SourceError::TransportFailed { url: https(), why: why("connection refused") },
        SourceError::ServerFailed { url: https(), status: 503, after: None },
        SourceError::ServerRefused { url: https(), said: why("upload-pack: the repository is being repaired") },
        SourceError::RateLimited { url: https(), after: Some(Duration::from_secs(60)) },
        SourceError::NotGit {
            url: "https://git.example.com/acme/deploy".into(),
            why: why("it redirects elsewhere; write the new place into spec.url"),
        },
        SourceError::Unsupported {
            url: "ssh://git.example.com/acme/deploy.git".into(),
            why: why("no SSH client is configured"),
        },
        SourceError::Timeout { url: https(), after: Duration::from_secs(60), received: Some(4096) },
        SourceError::TooSlow { url: https(), bytes: 3_000, within: Duration::from_secs(30) },
        SourceError::TooManyRefs { url: https(), limit: 250_000 },
        SourceError::Interrupted { url: https(), why: why("the caller gave up") },
        SourceError::TooLarge { url: https(), why: why("it sent more than 1 GiB") },
        SourceError::BlobTooLarge { blob: blob(), bytes: 30_000_000, limit: 20 << 20 },
        SourceError::BlobMissing { url: https(), blob: blob() },
        SourceError::Corrupt { url: https(), why: why("a pack has a wrong checksum") },
        SourceError::StoreFailed {
            what: "lock the cache /var/cache/gitmoor/8c7e".into(),
            why: why("Permission denied (os error 13)"),
        },
        SourceError::StoreFull {
            what: "keep what https://git.example.com/acme/deploy.git sends".into(),
            why: why("No space left on device (os error 28)"),
        },
        SourceError::NotADirectory {
            path: "/srv/manifests".into(),
            why: why("No such file or directory (os error 2)"),
        },
    ] {
        check(error.reason(), &error.to_string());
    }
}

#[test]
fn the_examples_of_signatures_are_what_is_said() {
    let key =
        Signer { fingerprint: "3AA5C34371567BD2C4C1F1E0D9A5B6F2C4E1A7B8".into(), name: "Ada <ada@example.com>".into() };
    let (commit, tag) = ("the commit main@1f0c5a2", "the tag \"v1.2.0\"");
    for (what, refusal) in [
        (tag, Refusal::Missing(": it is a lightweight tag, a name and nothing else")),
        (commit, Refusal::UnknownKey("SHA256:uZ7bYc1n7mF1q0B9c2Xv5kV4x3Yt6Jp8Lw0Qe2RrTgM".into())),
        (commit, Refusal::Bad("it does not fit what is signed, which may have been changed since".into())),
        (
            commit,
            Refusal::Expired {
                key: key.clone(),
                why: "the key ended at 2026-01-01T00:00:00Z, earlier than the signature of 2026-03-04T05:06:07Z".into(),
            },
        ),
        (commit, Refusal::Revoked { key, why: "was revoked as compromised at 2026-02-03T04:05:06Z".into() }),
        (commit, Refusal::Weak("SHA-1".into())),
        (commit, Refusal::Unsupported("X.509 (gpg.format=x509)".into())),
    ] {
        let error = SourceError::Unverified { what: what.into(), refusal };
        check(error.reason(), &error.to_string());
    }
}

#[test]
fn the_examples_of_calls_are_what_is_said() {
    for error in [
        CallError::Conflict("it changed since it was looked at".into()),
        CallError::NotFound("microservices.gitmoor.dev \"orders\" not found".into()),
        CallError::NamespaceMissing("shop".into()),
        CallError::NamespaceTerminating("shop".into()),
        CallError::KindMissing("this kind".into()),
        CallError::Forbidden("microservices.gitmoor.dev \"orders\" is forbidden: exceeded quota: services".into()),
        CallError::Invalid(
            "MicroService.gitmoor.dev \"orders\" is invalid: spec.service: Invalid value: headless cannot change"
                .into(),
        ),
        CallError::Throttled { message: "too many requests".into(), retry_after: None },
        CallError::Server("etcdserver: request timed out".into()),
        CallError::Timeout(Duration::from_secs(30)),
        CallError::Unreachable("Connection refused (os error 111)".into()),
        CallError::NotLeading,
        CallError::ImpersonationForbidden(
            "Gitmoor itself may not act as ServiceAccount team/deployer (by spec.serviceAccountName): it lacks \
             impersonate-on:serviceaccount:patch on microservices.gitmoor.dev in namespace team; give it the \
             ClusterRole gitmoor-impersonation of deploy/access.yaml"
                .into(),
        ),
        CallError::Unexpected("302 Found".into()),
    ] {
        check(error.reason(), &error.to_string());
    }
}

#[test]
fn the_examples_of_waits_are_what_is_said() {
    let key = |name: &str| ObjectKey::parse(name).unwrap();
    let waits = |what, first: Option<(&str, &str)>, counted, held_back, overdue| {
        let first = first.map(|(name, why)| (name.to_owned(), why.to_owned()));
        let waiting = Waiting { what, first, counted, held_back, overdue, progress: None };
        check(waiting::reason(&waiting), &waiting::message(&waiting));
    };
    let orders = |why| Some(("shop/orders", why));
    let wave = |wave, failed| WaitsFor::Wave { wave, deleting: false, failed };
    let platform = key("team/platform");
    let unready = WaitsFor::Dependencies { missing: vec![], unready: vec![platform.clone()] };
    waits(unready, Some(("GitSync team/platform", "TransportFailed")), (0, 0), 3, false);
    waits(WaitsFor::Ring(vec![platform, key("team/shop")]), None, (0, 0), 0, false);
    waits(WaitsFor::Permission(vec![key("pay/base")]), None, (0, 0), 0, false);
    waits(wave(1, false), orders("ReplicasUnavailable"), (11, 14), 3, false);
    waits(wave(0, true), orders("InvalidManifest"), (2, 5), 3, true);
    waits(WaitsFor::Health, orders("CrashLoopBackOff"), (11, 12), 0, true);
    waits(WaitsFor::Health, orders("CrashLoopBackOff"), (12, 14), 0, false);
}

#[test]
fn the_examples_of_holds_are_what_is_said() {
    let now = jiff::Timestamp::UNIX_EPOCH;
    let bill = Bill { budget: Budget::Percent(20), recent: &[], deletions: 7, members: 20, held_of: None, now };
    for reason in [
        HoldReason::NotOurs,
        HoldReason::OwnedByOther("team/orders".into()),
        HoldReason::Moving("team/orders".into()),
        HoldReason::MayMove("team/orders".into(), Silence::Failing),
        HoldReason::PruneDisabled,
        HoldReason::PruneProtected,
        HoldReason::Unreadable,
        HoldReason::EmptyTree,
        HoldReason::ScopeChanged,
        HoldReason::Terminating,
        HoldReason::SourceFailed,
        HoldReason::RenamePending("shop/orders-v2".into()),
        HoldReason::RenameHeld("shop/orders".into()),
        HoldReason::LastObject,
        HoldReason::PruneBudget(judge(&bill).to_string()),
        HoldReason::Itself,
        HoldReason::Unproven("its mark names another object: it is a copy"),
    ] {
        check(reason.reason(), &reason.message());
    }
}
