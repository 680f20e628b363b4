//! What is asked of an API server, and what is told of its answers.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use http::{Request, Response, StatusCode};
use kube::client::{Body, Client};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::*;
use crate::cluster::microservices;
use crate::cluster::raw::Raw;

/// One line of a connection: `ADDED a 5`, `LISTED 7`, `BOOKMARK 8`, `ERROR 410`.
fn line(said: &str) -> Value {
    let words: Vec<_> = said.split(' ').collect();
    match words[..] {
        ["LISTED", version] => json!({"type": "BOOKMARK", "object": {
            "kind": "MicroService", "apiVersion": "gitmoor.dev/v1alpha1",
            "metadata": {"resourceVersion": version, "annotations": {LISTED: "true"}}
        }}),
        ["BOOKMARK", version] => json!({"type": "BOOKMARK", "object": {
            "kind": "MicroService", "apiVersion": "gitmoor.dev/v1alpha1", "metadata": {"resourceVersion": version}
        }}),
        ["ERROR", code] => json!({"type": "ERROR", "object": status(code.parse().unwrap())}),
        [kind, name, version] => json!({"type": kind, "object": {
            "metadata": {"name": name, "namespace": "shop", "uid": name, "resourceVersion": version}
        }}),
        _ => panic!("{said:?} is no event"),
    }
}

fn status(code: u16) -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": code,
        "message": "said by a test", "reason": "Test"})
}

/// One connection: its lines, or a status that is refused with.
fn answer(said: &[&str]) -> Response<Body> {
    if let [refused] = said
        && let Some(code) = refused.strip_prefix("REFUSED ")
    {
        let code: u16 = code.parse().unwrap();
        let mut response = Response::new(Body::from(status(code).to_string().into_bytes()));
        *response.status_mut() = StatusCode::from_u16(code).unwrap();
        return response;
    }
    if let [page] = said
        && let Some(page) = page.strip_prefix("PAGE ")
    {
        // Its version, what continues it, and its objects.
        let words: Vec<_> = page.split(' ').collect();
        let item =
            |name: &&str| json!({"metadata": {"name": name, "namespace": "shop", "uid": name, "resourceVersion": "1"}});
        let next = Some(words[1]).filter(|next| *next != "-");
        let list = json!({"kind": "MicroServiceList", "apiVersion": "gitmoor.dev/v1alpha1",
            "metadata": {"resourceVersion": words[0], "continue": next},
            "items": words[2..].iter().map(item).collect::<Vec<_>>()});
        return Response::new(Body::from(list.to_string().into_bytes()));
    }
    let lines: String = said.iter().map(|said| format!("{}\n", line(said))).collect();
    Response::new(Body::from(lines.into_bytes()))
}

/// What a request is for: a list of what is so now, or what came after some version.
fn asked(request: &Request<Body>) -> String {
    let query = request.uri().query().unwrap_or_default();
    let field = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    if field("watch").is_none() {
        assert_eq!(field("resourceVersion"), None, "a page of what is so now");
        return field("continue").map_or("page".into(), |token| format!("page {token}"));
    }
    match (field("sendInitialEvents"), field("resourceVersion")) {
        (Some("true"), Some("")) => "list".into(),
        (None, Some(version)) => format!("after {version}"),
        other => format!("{other:?}"),
    }
}

/// What is told of an API server that answers so, one connection after the other, and what it was asked for. It is silent
/// after that.
async fn told(connections: &[&[&str]]) -> (Vec<String>, Vec<String>) {
    let answers: VecDeque<_> = connections.iter().map(|said| answer(said)).collect();
    let (answers, log) = (Arc::new(Mutex::new(answers)), Arc::new(Mutex::new(Vec::new())));
    let noted = Arc::clone(&log);
    let server = tower::service_fn(move |request: Request<Body>| {
        let next = answers.lock().unwrap().pop_front();
        if next.is_some() {
            noted.lock().unwrap().push(asked(&request));
        }
        async {
            match next {
                Some(answer) => Ok::<_, Infallible>(answer),
                None => std::future::pending().await,
            }
        }
    });
    let api: Api<Raw> = Api::all_with(Client::new(server, "default"), &microservices());
    let mut following = Following::new(api, microservices(), WatchParams::default());
    let mut told = Vec::new();
    // Time is skipped while nothing happens.
    while let Ok(news) = timeout(Duration::from_secs(600), following.next()).await {
        told.push(match news {
            Ok(News::Listing) => "listing".to_owned(),
            Ok(News::Seen(raw)) => format!("seen {}", raw.value["metadata"]["name"].as_str().unwrap()),
            Ok(News::Gone(raw)) => format!("gone {}", raw.value["metadata"]["name"].as_str().unwrap()),
            Ok(News::Listed(version)) => format!("listed {version}"),
            Err(error) => error.reason().to_owned(),
        });
    }
    let log = log.lock().unwrap().clone();
    (told, log)
}

async fn check(connections: &[&[&str]], expected: &[&str], requests: &[&str]) {
    let (told, asked) = told(connections).await;
    assert_eq!(told, expected, "{connections:?}");
    assert_eq!(asked, requests, "{connections:?}");
}

#[tokio::test(start_paused = true)]
async fn a_list_is_of_what_is_so_now_and_what_follows_is_asked_for_from_there() {
    check(
        &[&["ADDED a 5", "LISTED 7", "MODIFIED a 8"], &["DELETED a 9"], &["BOOKMARK 20"], &["ADDED b 21"]],
        &["listing", "seen a", "listed 7", "seen a", "gone a", "seen b"],
        &["list", "after 8", "after 9", "after 20"],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_goes_while_it_is_listed_is_told() {
    check(
        &[&["ADDED a 5", "DELETED a 6", "BOOKMARK 6", "LISTED 7"], &["ADDED b 8"]],
        &["listing", "seen a", "gone a", "listed 7", "seen b"],
        &["list", "after 7"],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_place_that_the_server_has_forgotten_is_left_however_it_says_so() {
    let after = ["listing", "listed 7", "UnexpectedAnswer", "listing", "listed 9"];
    check(&[&["LISTED 7", "ERROR 410"], &["LISTED 9"]], &after, &["list", "list"]).await;
    check(&[&["LISTED 7"], &["REFUSED 410"], &["LISTED 9"]], &after, &["list", "after 7", "list"]).await;
}

#[tokio::test(start_paused = true)]
async fn another_failure_is_no_reason_to_list_again() {
    let after = ["listing", "listed 7", "ServerError", "seen a"];
    check(&[&["LISTED 7", "ERROR 500"], &["ADDED a 8"]], &after, &["list", "after 7"]).await;
    check(&[&["LISTED 7"], &["REFUSED 503"], &["ADDED a 8"]], &after, &["list", "after 7", "after 7"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_list_that_breaks_off_begins_anew() {
    check(
        &[&["ADDED a 5"], &["ADDED a 5", "ERROR 500"], &["REFUSED 500"], &["LISTED 7"]],
        &["listing", "seen a", "listing", "seen a", "ServerError", "ServerError", "listing", "listed 7"],
        &["list", "list", "list", "list"],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_stream_lists_is_asked_for_pages() {
    check(
        &[
            &["REFUSED 422"],
            &["PAGE 7 more a b"],
            &["PAGE 7 - c"],
            &["ADDED d 8", "ERROR 410"],
            &["PAGE 9 -"],
            &["ADDED e 10"],
        ],
        &[
            "listing",
            "seen a",
            "seen b",
            "seen c",
            "listed 7",
            "seen d",
            "UnexpectedAnswer",
            "listing",
            "listed 9",
            "seen e",
        ],
        &["list", "page", "page more", "after 7", "page", "after 9"],
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn pages_that_break_off_begin_anew() {
    check(
        &[&["REFUSED 422"], &["PAGE 7 more a"], &["REFUSED 410"], &["PAGE x - a"], &["PAGE 8 - a"]],
        &[
            "listing",
            "seen a",
            "UnexpectedAnswer",
            "listing",
            "seen a",
            "UnexpectedAnswer",
            "listing",
            "seen a",
            "listed 8",
        ],
        &["list", "page", "page more", "page", "page"],
    )
    .await;
}

#[test]
fn an_object_of_a_page_says_its_kind() {
    let mut raw: Raw = serde_json::from_value(json!({"metadata": {"name": "a"}})).unwrap();
    raw.is_of(&microservices());
    assert_eq!(
        (&raw.value["kind"], &raw.value["apiVersion"]),
        (&json!("MicroService"), &json!("gitmoor.dev/v1alpha1"))
    );
}

#[tokio::test(start_paused = true)]
async fn what_has_no_version_is_not_followed() {
    let after = ["listing", "listed 7", "UnexpectedAnswer", "listing", "listed 9"];
    let nothing = "BOOKMARK x";
    check(&[&["LISTED 7", nothing], &["LISTED 9"]], &after, &["list", "list"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_ends_every_connection_at_once_is_asked_ever_more_rarely() {
    let began = Instant::now();
    let mut connections: Vec<&[&str]> = vec![&["LISTED 7"]];
    connections.extend(std::iter::repeat_n(&[] as &[&str], 12));
    connections.push(&["ADDED a 8"]);
    let (told, asked) = told(&connections).await;
    assert_eq!((told.last().map(String::as_str), asked.len()), (Some("seen a"), 14));
    // Without those 600 s in which nothing more came.
    let taken = began.elapsed() - Duration::from_secs(600);
    assert!(taken > Duration::from_secs(60) && taken < Duration::from_secs(12 * 30), "{taken:?}");
}
