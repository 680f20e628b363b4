//! What a browser asks of the page: paths, queries, tokens, cookies and logins.

use gitmoor::page::Refusal;
use gitmoor::page::asked::{Proof, ProxyHeaders, TOKEN, is_for_loopback, is_from_here, login, set_cookie, token};
use gitmoor::page::query::{DriftQuery, MOST, ServiceQuery, TimelineQuery, resume};
use gitmoor::page::route::Route;
use http::{HeaderMap, HeaderName, HeaderValue};

pub fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (first, rest) = text.split_once('\n').unwrap_or((&text, ""));
    query(first);
    path(first);
    headers(rest);
    if let Err(refusal) = login(&json_type(), data) {
        said(&refusal, "");
    }
}

fn query(text: &str) {
    match ServiceQuery::parse(text) {
        Ok(query) => {
            assert!((1..=MOST).contains(&query.limit));
            assert!(query.words.iter().map(String::len).sum::<usize>() <= 1_024 && query.namespaces.len() <= 100);
        }
        Err(refusal) => said(&refusal, text),
    }
    match TimelineQuery::parse(text) {
        Ok(query) => assert!((1..=MOST).contains(&query.limit)),
        Err(refusal) => said(&refusal, text),
    }
    match DriftQuery::parse(text) {
        Ok(query) => assert!((1..=MOST).contains(&query.limit)),
        Err(refusal) => said(&refusal, text),
    }
    assert!(resume(text, None).is_none_or(|version| !version.is_empty()));
}

fn path(text: &str) {
    let route = Route::of(text);
    assert_eq!(route, Route::of(text));
    let key = match &route {
        Some(Route::GitSync(key) | Route::Service(key) | Route::Tree(key)) => key,
        Some(Route::Asset(name)) => return assert!(!name.contains('/'), "{name}"),
        _ => return,
    };
    for name in [&key.namespace, &key.name] {
        assert!(!name.is_empty() && !name.contains(['/', '%', ' ', '\0']) && !name.starts_with('.'), "{name:?}");
    }
}

fn headers(text: &str) {
    let mut headers = HeaderMap::new();
    for (name, value) in text.lines().take(64).filter_map(|line| line.split_once(':')) {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value.trim())) {
            headers.append(name, value);
        }
    }
    match token(&headers) {
        Ok(token) => {
            assert!(!token.is_empty() && token.len() <= TOKEN && token.bytes().all(|byte| byte.is_ascii_graphic()));
            if let Some(cookie) = set_cookie(&token, true) {
                let kept = cookie.to_str().expect("it is text").split(';').next().expect("it has a value").to_owned();
                let sent = HeaderMap::from_iter([(http::header::COOKIE, kept.parse().expect("it is a value"))]);
                assert_eq!(gitmoor::page::asked::token(&sent), Ok(token), "what is kept is sent again");
            }
        }
        Err(refusal) => said(&refusal, ""),
    }
    let proxy = ProxyHeaders::default();
    let proof = Proof::Secret(b"a secret that is in no corpus".to_vec());
    assert!(proxy.identity(&headers, &proof).is_err(), "nobody knows the proxy's secret");
    if let Ok(identity) = proxy.identity(&headers, &Proof::Connection) {
        // That everybody is logged in is all that the cluster is told of its own.
        let groups = identity.groups.iter().filter(|group| *group != "system:authenticated");
        for name in groups.chain([&identity.user]) {
            assert!(!name.is_empty() && !name.starts_with("system:"), "{name:?}");
            assert!(name.len() <= 1_024 && !name.chars().any(char::is_control), "{name:?}");
        }
    }
    is_for_loopback(&headers);
    is_from_here(&headers);
}

fn json_type() -> HeaderMap {
    HeaderMap::from_iter([(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"))])
}

fn said(refusal: &Refusal, asked: &str) {
    let words = refusal.message();
    assert!(!words.is_empty() && words.len() < 400 && !words.chars().any(char::is_control), "{words:?}");
    // What is asked may be anything, and is not said again.
    assert!(asked.len() < 24 || !words.contains(asked), "{words:?}");
}
