//! Alertmanager's API v2. Labels are what an alert is known by, so they are the same from its begin to its end; what is
//! said of it is in annotations.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::alert::message::{Item, Message, State};
use crate::alert::target::AGAIN;

/// Alerts in one request.
const MOST: usize = 1000;
const PATH: &str = "/api/v2/alerts";

/// The address of the API.
pub fn address(url: &str) -> String {
    let url = url.trim_end_matches('/');
    if url.ends_with(PATH) { url.to_owned() } else { format!("{url}{PATH}") }
}

/// The body.
pub fn body(message: &Message, now: Timestamp) -> Value {
    message.items.iter().take(MOST).map(|item| alert(message, item, now)).collect()
}

fn alert(message: &Message, item: &Item, now: Timestamp) -> Value {
    let kind = if message.test { "Test" } else { item.key.kind.as_str() };
    let mut labels = json!({
        "alertname": format!("Gitmoor{kind}"),
        "sync": &*message.sync.name,
        "sync_namespace": &*message.sync.namespace,
    });
    if let Some(object) = &item.key.object {
        labels["namespace"] = json!(&*object.namespace);
        labels["microservice"] = json!(&*object.name);
    }
    if let Some(cluster) = &message.cluster {
        labels["cluster"] = json!(cluster);
    }
    labels["severity"] = json!(severity(item));
    let mut annotations = json!({"summary": item.text, "reason": item.reason});
    if !item.lines.is_empty() {
        annotations["description"] = json!(item.lines.join("\n"));
    }
    if let Some(command) = &item.command {
        annotations["command"] = json!(command);
    }
    let ends = match item.state {
        State::Ended => now,
        // Whoever is not told again in time takes it for over: it must outlive a failed try.
        _ if item.state != State::Happened => later(now, AGAIN * 3),
        _ => later(now, AGAIN),
    };
    let starts = item.since.unwrap_or(message.at).min(ends);
    let mut alert = json!({
        "labels": labels, "annotations": annotations, "startsAt": starts.to_string(), "endsAt": ends.to_string()
    });
    if let Some(link) = &message.link {
        alert["generatorURL"] = json!(link);
    }
    alert
}

/// That of the kind: at its end it has the same labels.
fn severity(item: &Item) -> &'static str {
    crate::alert::incident::severity(item.key.kind).label()
}

fn later(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.checked_add(by).unwrap_or(time)
}
