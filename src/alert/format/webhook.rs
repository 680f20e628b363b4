//! Gitmoor's own JSON: every field that others are made of.

use serde_json::{Map, Value, json};

use crate::alert::message::{Item, Message};

/// Alerts in one message; of the others it has the number.
pub const MOST: usize = 200;

/// The body.
pub fn body(message: &Message) -> Value {
    let listed = message.items.get(..MOST).unwrap_or(&message.items);
    let mut body = json!({
        "version": "v1",
        "id": message.id,
        "sync": {"namespace": &*message.sync.namespace, "name": &*message.sync.name},
        "at": message.at.to_string(),
        "severity": message.severity.label(),
        "headline": message.headline,
        "alerts": listed.iter().map(|item| alert(message, item)).collect::<Vec<_>>(),
        "omitted": message.items.len() - listed.len() + message.dropped,
    });
    if message.test {
        body["test"] = json!(true);
    }
    let optional = [("cluster", message.cluster.as_deref()), ("link", message.link.as_deref())];
    for (name, value) in optional {
        if let Some(value) = value {
            body[name] = json!(value);
        }
    }
    body
}

fn alert(message: &Message, item: &Item) -> Value {
    let object = item.key.object.as_ref();
    let fields = [
        ("key", Some(json!(item.dedup_key(&message.sync)))),
        ("state", Some(json!(item.state.as_str()))),
        ("kind", Some(json!(item.key.kind.as_str()))),
        ("severity", Some(json!(item.severity.label()))),
        ("namespace", object.map(|object| json!(&*object.namespace))),
        ("name", object.map(|object| json!(&*object.name))),
        ("since", item.since.map(|since| json!(since.to_string()))),
        ("reason", Some(json!(item.reason))),
        ("code", item.code.map(|code| json!(code))),
        ("text", Some(json!(item.text))),
        ("details", Some(json!(item.lines)).filter(|_| !item.lines.is_empty())),
        ("command", item.command.as_ref().map(|command| json!(command))),
    ];
    let given = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(given.collect::<Map<String, Value>>())
}
