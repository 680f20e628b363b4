//! JSON without nulls: a field that nobody decided is left out.

use serde::Serialize;
use serde_json::Value;

/// An object of the fields that have a value.
pub(super) fn object<const N: usize>(fields: [(&str, Option<Value>); N]) -> Value {
    fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect::<Value>()
}

/// A typed value as JSON. API types leave out what is not set.
pub(super) fn of(value: &impl Serialize) -> Option<Value> {
    serde_json::to_value(value).ok().filter(|value| !value.is_null())
}

/// The same, but nothing for an empty list or map: the API server drops those.
pub(super) fn of_filled(value: &impl Serialize) -> Option<Value> {
    of(value).filter(|value| match value {
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        _ => true,
    })
}
