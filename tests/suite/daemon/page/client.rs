//! Who reads the page's API: plain requests, and a stream of events as a browser hears it.

use std::time::Duration;

use reqwest::{Method, Response};
use serde_json::Value;
use tokio::time::timeout;

use crate::support::{canary, http};

/// What no event may take: a guard against hanging, not a measure.
const GUARD: Duration = Duration::from_secs(60);

/// Somebody who looks, with some headers.
#[derive(Clone)]
pub struct Viewer {
    pub page: String,
    pub headers: Vec<(&'static str, String)>,
}

impl Viewer {
    pub fn new(page: &str) -> Self {
        Self { page: page.to_owned(), headers: Vec::new() }
    }

    pub fn with(&self, name: &'static str, value: impl Into<String>) -> Self {
        let mut other = self.clone();
        other.headers.push((name, value.into()));
        other
    }

    /// With a token of the cluster.
    pub fn bearing(page: &str, token: &str) -> Self {
        Self::new(page).with("authorization", format!("Bearer {token}"))
    }

    pub async fn send(&self, method: Method, path: &str, body: Option<&str>) -> Response {
        let mut request = http::client().request(method, format!("{}{path}", self.page));
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        if let Some(body) = body {
            request = request.body(body.to_owned());
        }
        request.send().await.unwrap()
    }

    /// Status and JSON of an answer.
    pub async fn get(&self, path: &str) -> (u16, Value) {
        let answer = self.send(Method::GET, path, None).await;
        let (status, text) = http::said(path, answer).await;
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// JSON of an answer that must be one.
    pub async fn read(&self, path: &str) -> Value {
        let (status, body) = self.get(path).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    /// A stream of events.
    pub async fn events(&self, query: &str) -> Events {
        let response = self.send(Method::GET, &format!("/api/v1/events{query}"), None).await;
        assert_eq!(response.status().as_u16(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Events { response, text: String::new() }
    }
}

/// Names of a list's items.
pub fn names(list: &Value) -> Vec<&str> {
    list["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect()
}

/// A stream that is being read.
pub struct Events {
    response: Response,
    text: String,
}

/// One event.
#[derive(Debug)]
pub struct Event {
    pub name: String,
    pub id: String,
    pub data: Value,
}

impl Events {
    /// The next event; none at the end of the stream.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let event = parse(event);
                self.text = rest.to_owned();
                match event {
                    Some(event) => return Some(event),
                    None => continue,
                }
            }
            let chunk = timeout(GUARD, self.response.chunk()).await.expect("an event in time").ok()??;
            let chunk = std::str::from_utf8(&chunk).unwrap();
            canary::search("in the stream of events", chunk);
            self.text.push_str(chunk);
        }
    }

    /// The next event that fits.
    pub async fn until(&mut self, what: &str, fits: impl Fn(&Event) -> bool) -> Event {
        loop {
            let event = self.next().await.unwrap_or_else(|| panic!("the stream ended before {what}"));
            if fits(&event) {
                return event;
            }
        }
    }
}

fn parse(text: &str) -> Option<Event> {
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
    let (name, data) = (field("event: ")?, field("data: ")?);
    Some(Event { name, id: field("id: ").unwrap_or_default(), data: serde_json::from_str(&data).unwrap() })
}
