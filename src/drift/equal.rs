//! When two values are the same: numbers and quantities by value, empty as absent.

use serde_json::{Map, Number, Value};

use super::items::{Items, key_of};
use super::quantity::Quantity;
use super::shape::Shape;

/// Whether fields that only live has count as a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extras {
    /// No: they are defaults of the API server.
    Allowed,
    /// Yes, except known defaults: somebody else wrote the value.
    Counted,
}

/// Whether a value says the same as its absence: it is empty, or what the API server fills in.
pub(super) fn is_vacant(value: &Value, shape: &Shape) -> bool {
    match value {
        Value::Null => true,
        Value::Array(list) => {
            list.is_empty() || matches!(shape, Shape::Given(..)) && shape.default().as_ref() == Some(value)
        }
        Value::Object(map) => map.is_empty(),
        scalar => match shape {
            Shape::Omitted => scalar == "" || scalar == 0 || scalar == false,
            Shape::Text(default) | Shape::IntOrPercent(default) => scalar == *default,
            Shape::Whole(default) => scalar == *default,
            Shape::Flag(default) => scalar == *default,
            _ => false,
        },
    }
}

/// Whether live has nothing there. A scalar is something, even where it says the same as nothing.
pub(super) fn is_absent(live: &Value) -> bool {
    is_vacant(live, &Shape::Any)
}

/// Whether a declared value demands anything of live: a scalar or an item somewhere in it.
pub(super) fn demands(value: &Value, shape: &Shape) -> bool {
    match value {
        _ if matches!(shape, Shape::Ignored) => false,
        Value::Object(map) => map.iter().any(|(name, value)| demands(value, shape.field(name))),
        value => !is_vacant(value, shape),
    }
}

/// Whether two scalars are the same. What is no scalar is never the same as one.
pub(super) fn same_scalar(declared: &Value, live: &Value, shape: &Shape) -> bool {
    match (declared, live) {
        (Value::Number(one), Value::Number(other)) => same_number(one, other),
        (Value::Number(_) | Value::String(_), Value::Number(_) | Value::String(_)) => match shape {
            Shape::Quantity => same_text(declared, live) || same_quantity(declared, live),
            Shape::IntOrString | Shape::IntOrPercent(_) | Shape::TargetPort => same_text(declared, live),
            _ => declared == live,
        },
        (Value::Null | Value::Bool(_), _) => declared == live,
        _ => false,
    }
}

/// Whether two values of any kind are the same, for those that are one field as a whole.
pub(super) fn same(declared: &Value, live: &Value, shape: &Shape, extras: Extras) -> bool {
    match (declared, live) {
        _ if matches!(shape, Shape::Ignored) => true,
        (Value::Object(declared), Value::Object(live)) => same_map(declared, live, shape, extras),
        (Value::Array(declared), Value::Array(live)) => same_list(declared, live, shape, extras),
        (declared, live) => {
            same_scalar(declared, live, shape) || (is_vacant(declared, shape) && is_vacant(live, shape))
        }
    }
}

fn same_map(declared: &Map<String, Value>, live: &Map<String, Value>, shape: &Shape, extras: Extras) -> bool {
    let declared_holds = declared.iter().all(|(name, value)| {
        let shape = shape.field(name);
        live.get(name).map_or_else(|| !demands(value, shape), |live| same(value, live, shape, extras))
    });
    let extra = |(name, value): (&String, &Value)| {
        let shape = shape.field(name);
        !declared.contains_key(name) && demands(value, shape) && !is_default(name, value)
    };
    declared_holds && (extras == Extras::Allowed || !live.iter().any(extra))
}

fn same_list(declared: &[Value], live: &[Value], shape: &Shape, extras: Extras) -> bool {
    if declared.len() != live.len() {
        return false;
    }
    if let Shape::Set = shape {
        return declared.iter().all(|item| live.contains(item));
    }
    if let Shape::Keyed(keys, item) = shape
        && let Some(places) = Items::of(live, keys)
    {
        let found = |declared: &Value| {
            let place = key_of(declared, keys).and_then(|key| places.find(&key).next());
            place.is_some_and(|place| same(declared, &live[place], item, extras))
        };
        return declared.iter().all(found);
    }
    declared.iter().zip(live).all(|(declared, live)| same(declared, live, shape.item(), extras))
}

/// What the API server fills in inside values that belong to one manager as a whole.
fn is_default(name: &str, value: &Value) -> bool {
    match (name, value) {
        ("apiVersion", Value::String(text)) => text == "v1",
        ("protocol", Value::String(text)) => text == "TCP",
        ("divisor", Value::String(text)) => text == "0",
        ("expirationSeconds", Value::Number(number)) => number.as_i64() == Some(3600),
        _ => false,
    }
}

fn same_number(one: &Number, other: &Number) -> bool {
    one == other || {
        let float = one.is_f64() || other.is_f64();
        float && one.as_f64() == other.as_f64()
    }
}

fn same_quantity(one: &Value, other: &Value) -> bool {
    quantity(one).is_some_and(|one| Some(one) == quantity(other))
}

fn quantity(value: &Value) -> Option<Quantity> {
    match value {
        Value::String(text) => Quantity::parse(text),
        Value::Number(number) => Quantity::parse(&number.to_string()),
        _ => None,
    }
}

fn same_text(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(number), Value::String(text)) | (Value::String(text), Value::Number(number)) => {
            *text == number.to_string()
        }
        _ => one == other,
    }
}
