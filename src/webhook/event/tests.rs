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

/// Everything in a value, as JSON pointers.
fn pointers(value: &serde_json::Value, at: &str, into: &mut Vec<String>) {
    into.push(at.to_owned());
    match value {
        serde_json::Value::Object(map) => {
            map.iter().for_each(|(name, inner)| pointers(inner, &format!("{at}/{}", name.replace('/', "~1")), into));
        }
        serde_json::Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, inner)| pointers(inner, &format!("{at}/{index}"), into));
        }
        _ => {}
    }
}

#[test]
fn no_field_of_a_payload_is_trusted_to_be_what_it_should_be() {
    let deep = |open: &str, close: &str| format!("{}{}", open.repeat(50), close.repeat(50));
    let strange =
        ["null", "7", "-1e308", "true", "\"\"", "\"\\u0000/../x\"", "[]", "{}", "[null]", "{\"clone\":{\"href\":1}}"];
    let strange: Vec<String> =
        strange.iter().map(ToString::to_string).chain([deep("[", "]"), deep("{\"a\":[", "]}")]).collect();
    let mut seen = 0;
    for (header, body) in [
        (Some(("x-github-event", "push")), payload!("github-push")),
        (Some(("x-gitlab-event", "Push Hook")), payload!("gitlab-push")),
        (Some(("x-gitlab-event", "System Hook")), payload!("gitlab-repository-update")),
        (Some(("x-gitea-event", "push")), payload!("gitea-push")),
        (Some(("x-forgejo-event", "push")), payload!("forgejo-push")),
        (Some(("x-event-key", "repo:push")), payload!("bitbucket-cloud-push")),
        (Some(("x-event-key", "repo:refs_changed")), payload!("bitbucket-server-refs-changed")),
        (None, payload!("azure-devops-push")),
    ] {
        let whole: serde_json::Value = serde_json::from_str(body).unwrap();
        let (mut places, headers) = (Vec::new(), headers(header));
        pointers(&whole, "", &mut places);
        let mut check = |what: &str, body: &[u8]| {
            seen += 1;
            match Event::of(&headers, body) {
                // What is not understood is a push all the same, and whoever follows looks; a ref is what was said.
                Event::Push(refs) => assert!(refs.iter().all(|name| name.len() < 200), "{what}"),
                // Azure DevOps and GitLab's system hooks say in the body what they are.
                Event::Other(word) => assert!(header.is_none_or(|(_, event)| event == "System Hook"), "{what}: {word}"),
                Event::Ping => panic!("{what} is no greeting"),
            }
        };
        for place in &places {
            for value in &strange {
                let mut mutated = whole.clone();
                *mutated.pointer_mut(place).unwrap() = serde_json::from_str(value).unwrap();
                check(&format!("{header:?} {place} is {value:.20}"), mutated.to_string().as_bytes());
            }
            if let Some((above, last)) = place.rsplit_once('/')
                && let Some(map) = whole.clone().pointer_mut(above).and_then(|above| above.as_object_mut())
            {
                let mut mutated = whole.clone();
                map.remove(&last.replace("~1", "/"));
                *mutated.pointer_mut(above).unwrap() = map.clone().into();
                check(&format!("{header:?} without {place}"), mutated.to_string().as_bytes());
            }
        }
        // A body that ends anywhere, and one whose keys are there twice.
        (0..body.len()).step_by(7).for_each(|end| check(&format!("{header:?} {end} bytes"), &body.as_bytes()[..end]));
        let twice = format!("{{\"ref\":1,\"push\":2,\"changes\":3,{}", &body.trim_start()[1..]);
        check(&format!("{header:?} twice"), twice.as_bytes());
    }
    assert!(seen > 2_000, "{seen}");
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
