//! CloudEvents 1.0 in structured form: the same data as the webhook's.

use serde_json::{Value, json};

use super::webhook;
use crate::alert::message::Message;

/// Type of the body.
pub const CONTENT_TYPE: &str = "application/cloudevents+json; charset=utf-8";

/// The body.
pub fn body(message: &Message) -> Value {
    let cluster = message.cluster.as_deref().unwrap_or("cluster");
    let kind = if message.test { "dev.gitmoor.test.v1" } else { "dev.gitmoor.alerts.v1" };
    json!({
        "specversion": "1.0",
        "id": message.id,
        "source": format!("gitmoor://{}/{}", escaped(cluster), message.sync),
        "type": kind,
        "subject": message.sync.to_string(),
        "time": message.at.to_string(),
        "datacontenttype": "application/json",
        "data": webhook::body(message),
    })
}

/// A name as a part of a URI.
fn escaped(name: &str) -> String {
    form_urlencoded::byte_serialize(name.as_bytes()).collect()
}
