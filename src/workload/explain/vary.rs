//! Services that differ from one in a single field: with another value there, or without it.

use serde_json::{Value, json};

use crate::api::crds;
use crate::model::pointer::{Pointer, index};
use crate::workload::defaults::CHILD_METADATA;

/// A service that differs from another in one field.
#[derive(Debug, Clone)]
pub(super) struct Variation {
    /// The field.
    pub field: Pointer,
    /// What it is, and what it was made; none where it was left out.
    pub values: Option<(Value, Value)>,
    /// The service with that.
    pub service: Value,
}

/// Every variation of a service.
pub(super) fn variations(service: &Value) -> impl Iterator<Item = Variation> {
    let schema = crds::open_api_schema(&crds::microservice());
    let mut fields = Vec::new();
    for root in ["/metadata/name", "/metadata/namespace", "/spec", &format!("/{CHILD_METADATA}")] {
        let field: Pointer = Pointer::parse(root).unwrap_or_default();
        if let Some(value) = field.get(service) {
            collect(value, field, &mut fields);
        }
    }
    fields.into_iter().flat_map(move |(field, value)| {
        let mut varied: Vec<_> = others(&value, words(&schema, &field))
            .into_iter()
            .filter(|other| *other != value)
            .filter_map(|other| {
                let mut service = service.clone();
                *slot(&mut service, field.segments())? = other.clone();
                Some(Variation { field: field.clone(), values: Some((value.clone(), other)), service })
            })
            .collect();
        // Where there are other values, being absent is one more, and says nothing that they do not.
        let mut less = service.clone();
        if varied.is_empty() && leave_out(&mut less, field.segments()).is_some() {
            varied.push(Variation { field, values: None, service: less });
        }
        varied
    })
}

/// A value and all below it.
fn collect(value: &Value, field: Pointer, found: &mut Vec<(Pointer, Value)>) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| collect(value, field.child(name), found)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(place, item)| collect(item, field.child(place), found));
        }
        _ => {}
    }
    found.push((field, value.clone()));
}

/// Values that may make a difference: near ones, and those at which renderers decide otherwise.
fn others(value: &Value, words: Vec<Value>) -> Vec<Value> {
    match value {
        Value::Bool(value) => vec![json!(!value)],
        Value::Number(number) => match number.as_i64() {
            Some(number) => [number.saturating_add(1), number.saturating_sub(1), 0, 1, 2].map(Value::from).to_vec(),
            None => Vec::new(),
        },
        Value::String(_) if !words.is_empty() => words,
        Value::String(text) => {
            // `0%` is none, an octal mode keeps its digits, and what is empty is often left out.
            let mut others = vec![json!(format!("{text}x")), json!(""), json!("0%")];
            if let Some(last) = text.chars().next_back().filter(char::is_ascii_digit) {
                let other = if last == '1' { '0' } else { '1' };
                others.push(json!(format!("{}{other}", &text[..text.len() - 1])));
            }
            others
        }
        _ => Vec::new(),
    }
}

/// The words that a field may have, where it may have only some.
fn words(schema: &Value, field: &Pointer) -> Vec<Value> {
    let found = field.segments().iter().try_fold(schema, |schema, step| {
        let named = schema.get("properties").and_then(|properties| properties.get(step));
        named.or_else(|| schema.get("items")).or_else(|| schema.get("additionalProperties"))
    });
    found.and_then(|schema| schema["enum"].as_array()).cloned().unwrap_or_default()
}

fn slot<'v>(value: &'v mut Value, steps: &[String]) -> Option<&'v mut Value> {
    steps.iter().try_fold(value, |value, step| match value {
        Value::Object(fields) => fields.get_mut(step),
        Value::Array(items) => items.get_mut(index(step)?),
        _ => None,
    })
}

fn leave_out(value: &mut Value, steps: &[String]) -> Option<()> {
    let (last, around) = steps.split_last()?;
    match slot(value, around)? {
        Value::Object(fields) => fields.remove(last).map(drop),
        Value::Array(items) => {
            let place = index(last).filter(|place| *place < items.len())?;
            items.remove(place);
            Some(())
        }
        _ => None,
    }
}
