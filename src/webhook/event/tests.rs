//! Payloads, one case at a time.

use super::*;

fn headers(event: Option<(&'static str, &str)>) -> HeaderMap {
    event.into_iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
}

fn push(refs: &[&str]) -> Event {
    Event::Push(refs.iter().map(|name| (*name).to_owned()).collect())
}

fn other(word: &str) -> Event {
    Event::Other(word.to_owned())
}

/// What a delivery with that event header, if any, and that body is about.
fn check(header: Option<(&'static str, &str)>, body: &str, expected: &Event) {
    let shown: String = body.chars().take(60).collect();
    assert_eq!(&Event::of(&headers(header), body.as_bytes()), expected, "{header:?} {shown}");
}

/// The payloads of the forges' documentation, cut to what matters here.
macro_rules! payload {
    ($name:literal) => {
        include_str!(concat!("../../../tests/payloads/", $name, ".json"))
    };
}

#[test]
fn the_documented_payload_of_each_forge_is_a_push_to_its_refs() {
    let main = push(&["refs/heads/main"]);
    check(Some(("x-github-event", "push")), payload!("github-push"), &main);
    check(Some(("x-gitlab-event", "Push Hook")), payload!("gitlab-push"), &main);
    check(Some(("x-gitlab-event", "Tag Push Hook")), payload!("gitlab-tag-push"), &push(&["refs/tags/v1.0.0"]));
    check(Some(("x-gitlab-event", "System Hook")), payload!("gitlab-push"), &main);
    check(Some(("x-gitlab-event", "System Hook")), payload!("gitlab-repository-update"), &main);
    check(Some(("x-gitea-event", "push")), payload!("gitea-push"), &main);
    check(Some(("x-gogs-event", "push")), payload!("gitea-push"), &main);
    check(Some(("x-forgejo-event", "push")), payload!("forgejo-push"), &main);
    check(Some(("x-event-key", "repo:push")), payload!("bitbucket-cloud-push"), &main);
    let changed = payload!("bitbucket-server-refs-changed");
    check(Some(("x-event-key", "repo:refs_changed")), changed, &main);
    check(Some(("x-event-key", "mirror:repo_synchronized")), changed, &main);
    check(None, payload!("azure-devops-push"), &main);
    check(None, r#"{"ref":"refs/heads/main"}"#, &main);
}

#[test]
fn a_greeting_is_known_whatever_its_body_says() {
    check(Some(("x-github-event", "ping")), payload!("github-ping"), &Event::Ping);
    check(Some(("x-github-event", "ping")), r#"{"ref":"refs/heads/main"}"#, &Event::Ping);
    check(Some(("x-event-key", "diagnostics:ping")), r#"{"test":true}"#, &Event::Ping);
}

#[test]
fn what_is_no_push_is_named() {
    let body = r#"{"ref":"refs/heads/main"}"#;
    for (header, word) in [
        ("x-github-event", "pull_request"),
        ("x-github-event", "PING"),
        ("x-gitea-event", "create"),
        ("x-forgejo-event", "issues"),
        ("x-gitlab-event", "Merge Request Hook"),
        ("x-event-key", "pullrequest:created"),
        ("x-event-key", "pr:opened"),
    ] {
        check(Some((header, word)), body, &other(word));
    }
    check(None, r#"{"eventType":"git.pullrequest.created","resource":{}}"#, &other("git.pullrequest.created"));
    check(Some(("x-gitlab-event", "System Hook")), r#"{"event_name":"user_create"}"#, &other("user_create"));
}

#[test]
fn a_push_that_does_not_say_to_what_is_a_push_to_anything() {
    let deep = format!("{}1", "[".repeat(100_000));
    let deep_after = format!(r#"{{"a":{deep}"#);
    let like_github = [
        "",
        "look!",
        "{}",
        r#"{"ref":7}"#,
        r#"{"ref":null}"#,
        r#"{"ref":"a","ref":"b"}"#,
        r#"{"ref":"a""#,
        &deep,
        &deep_after,
    ];
    for body in like_github {
        check(None, body, &push(&[]));
        for header in [("x-github-event", "push"), ("x-gitlab-event", "Push Hook"), ("x-gitlab-event", "System Hook")] {
            check(Some(header), body, &push(&[]));
        }
        for header in [("x-event-key", "repo:push"), ("x-event-key", "repo:refs_changed")] {
            check(Some(header), body, &push(&[]));
        }
    }
    // One ref that is not understood may be the one that matters.
    let strange =
        r#"{"push":{"changes":[{"new":{"type":"branch","name":"x"}},{"new":{"type":"bookmark","name":"y"}}]}}"#;
    check(Some(("x-event-key", "repo:push")), strange, &push(&[]));
    check(None, r#"{"eventType":"git.push","resource":{"refUpdates":[{"name":"refs/heads/x"},{}]}}"#, &push(&[]));
    check(None, r#"{"eventType":"git.push"}"#, &push(&[]));
}

#[test]
fn refs_are_read_as_they_were_meant() {
    check(None, r#"{"ref":"refs/heads/\u006dain"}"#, &push(&["refs/heads/main"]));
    check(None, r#"{"repository":{"ref":"refs/heads/x"}}"#, &push(&[]));
    let cloud = |changes: &str| format!(r#"{{"push":{{"changes":[{changes}]}}}}"#);
    let key = Some(("x-event-key", "repo:push"));
    let gone = r#"{"new":null,"old":{"type":"branch","name":"feature/a"}}"#;
    check(key, &cloud(gone), &push(&["refs/heads/feature/a"]));
    let tag = r#"{"new":{"type":"tag","name":"v1"},"old":null}"#;
    check(key, &cloud(&format!("{gone},{tag}")), &push(&["refs/heads/feature/a", "refs/tags/v1"]));
    let two = r#"{"changes":[{"ref":{"id":"refs/heads/a"}},{"ref":{"id":"refs/tags/b"}}]}"#;
    check(Some(("x-event-key", "repo:refs_changed")), two, &push(&["refs/heads/a", "refs/tags/b"]));
}
