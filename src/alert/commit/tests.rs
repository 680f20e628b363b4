//! Commit statuses by what status says, and requests by forge.

use super::*;
use serde_json::json;

const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

fn status(ready: (&str, &str), attempted: &str, applied: &str, more: Value) -> GitSyncStatus {
    let revision = |commit: &str| format!("main@sha1:{commit}");
    let mut status = json!({
        "observedGeneration": 1,
        "conditions": [{"type": "Ready", "status": ready.0, "reason": ready.1, "message": "so it is",
            "lastTransitionTime": "2026-01-01T00:00:00Z"}],
        "lastAttemptedRevision": revision(attempted),
        "lastAppliedRevision": {"revision": revision(applied), "applied": "2026-01-01T00:00:00Z"}
    });
    status.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    serde_json::from_value(status).unwrap()
}

/// What is told, as in `bbbbbbb pending`; of what was told before, as in `aaaaaaa… success`.
#[track_caller]
fn check(status: &GitSyncStatus, told: Option<(&str, &str)>, expected: Option<&str>) {
    let told =
        told.map(|(commit, state)| ToldCommit { commit: commit.into(), state: state.into(), said: "other".into() });
    let found = CommitState::of(Some(1), status, told.as_ref());
    let found = found.map(|state| format!("{} {}: {}", state.commit.short(), state.is.as_str(), state.description));
    assert_eq!(found.as_deref(), expected);
}

#[test]
fn a_commit_is_pending_while_it_is_applied_and_then_judged() {
    let none = || json!({});
    check(
        &status(("False", "Progressing"), B, A, none()),
        Some((A, "success")),
        Some("bbbbbbb pending: being applied"),
    );
    check(
        &status(("True", "Applied"), B, B, none()),
        Some((B, "pending")),
        Some("bbbbbbb success: applied: 0 declared"),
    );
    check(
        &status(("False", "WaitingForHealth"), B, B, none()),
        Some((A, "success")),
        Some("bbbbbbb pending: being applied"),
    );
    check(&status(("False", "WaitTimeout"), B, B, none()), None, Some("bbbbbbb failure: WaitTimeout: so it is"));
    let finding = json!({"diagnostics": [{"code": "GM201", "place": "a.yaml:3:5", "message": "no such field"}]});
    let invalid = status(("False", "InvalidManifests"), B, B, finding);
    check(&invalid, Some((B, "pending")), Some("bbbbbbb failure: a.yaml:3:5: GM201 no such field"));
}

#[test]
fn what_is_known_is_not_told_again() {
    let applied = status(("True", "Applied"), B, B, json!({}));
    let state = CommitState::of(Some(1), &applied, None).unwrap();
    assert_eq!(CommitState::of(Some(1), &applied, Some(&state.told())), None);
    // Looked at again, as after a change of the spec.
    check(&status(("False", "Progressing"), B, B, json!({})), Some((B, "success")), None);
}

#[test]
fn nothing_is_said_of_what_is_not_known_or_older() {
    let stale = json!({"type": "SourceStale", "status": "True", "reason": "TransportFailed", "message": "x",
        "lastTransitionTime": "2026-01-01T00:00:00Z"});
    let mut unread = status(("False", "TransportFailed"), B, B, json!({}));
    unread.conditions.push(serde_json::from_value(stale).unwrap());
    check(&unread, None, None);
    check(&status(("Unknown", "NotSynced"), B, B, json!({})), None, None);
    check(&status(("False", "Suspended"), B, A, json!({})), None, None);
    check(&status(("True", "Applied"), A, A, json!({"pinnedRevision": A})), Some((B, "success")), None);
    let entry = |commit: &str| {
        json!({"revision": format!("main@sha1:{commit}"), "applied": "2026-01-01T00:00:00Z",
        "took": "1s", "result": "Applied", "changed": 0, "pruned": 0, "quarantined": 0, "held": 0})
    };
    let back = json!({"history": [entry(B), entry(A)]});
    check(&status(("True", "Applied"), A, A, back.clone()), Some((B, "success")), None);
    check(&status(("True", "Applied"), B, B, back), Some((A, "success")), Some("bbbbbbb success: applied: 0 declared"));
    let newer = status(("True", "Applied"), B, B, json!({}));
    assert_eq!(CommitState::of(Some(2), &newer, None), None, "of another generation");
}

#[test]
fn each_forge_is_told_in_its_way() {
    let state = CommitState { commit: CommitId::parse(A).unwrap(), is: Is::Failure, description: "d".into() };
    let sync = ObjectKey::new("shop", "main");
    let check = |kind, source: &str, base: Option<&str>, expected: Option<&str>| {
        let status = Status { kind, sync: &sync, state: &state, link: Some("https://page/"), test: false };
        let request = status.request(source, base);
        assert_eq!(
            request.as_ref().map(|(url, _)| url.as_str()),
            expected.map(|url| url.replace("SHA", A)).as_deref(),
            "{source}"
        );
        let Some((_, body)) = request else { return };
        let is = if kind == TargetType::GitLab { "failed" } else { "failure" };
        let wanted =
            json!({"state": is, "description": "d", "context": "gitmoor/shop/main", "target_url": "https://page/"});
        assert_eq!(body, wanted);
    };
    use TargetType::{Forgejo, GitHub, GitLab, Gitea};
    let github = "https://api.github.com/repos/acme/deploy/statuses/SHA";
    for source in [
        "https://github.com/acme/deploy.git",
        "https://github.com/acme/deploy/",
        "git@github.com:acme/deploy.git",
        "ssh://git@github.com:22/acme/deploy",
    ] {
        check(GitHub, source, None, Some(github));
    }
    check(GitHub, "https://ghe.example.com/a/b", None, Some("https://ghe.example.com/api/v3/repos/a/b/statuses/SHA"));
    let group = "https://gitlab.com/api/v4/projects/acme%2Fteam%2Fdeploy/statuses/SHA";
    check(GitLab, "https://gitlab.com/acme/team/deploy.git", None, Some(group));
    check(Gitea, "http://git.local:3000/a/b.git", None, Some("http://git.local:3000/api/v1/repos/a/b/statuses/SHA"));
    check(Forgejo, "ssh://git@codeberg.org/a/b.git", None, Some("https://codeberg.org/api/v1/repos/a/b/statuses/SHA"));
    check(
        Gitea,
        "https://x/a/b",
        Some("https://in.side/api/v1/"),
        Some("https://in.side/api/v1/repos/a/b/statuses/SHA"),
    );
    for bad in [
        "file:///srv/a.git",
        "dir:///srv",
        "https://x/a.git",
        "https://x/a/../b",
        "git@x",
        "https://x/a/b?c=d",
        "https://x/a b/c",
    ] {
        check(GitHub, bad, None, None);
    }
}

#[test]
fn gitlab_says_of_a_state_that_is_set_that_it_cannot_be_set() {
    let said = br#"{"message":"Cannot transition status via :enqueue from :pending"}"#;
    assert!(is_so(TargetType::GitLab, 400, said));
    assert!(!is_so(TargetType::GitLab, 404, said) && !is_so(TargetType::GitHub, 400, said));
}
