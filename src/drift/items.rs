//! Finds the items of keyed lists by their keys, in any order, duplicates included.

use serde_json::{Map, Value};

use super::shape::Key;

/// Lists up to this long are searched; longer ones get an index, so that no list costs its square.
const SEARCHED: usize = 8;
/// No list of Kubernetes has more key fields.
const PARTS: usize = 4;

/// The key of an item. Comparing keys is comparing items.
pub(super) type ItemKey<'a> = [Part<'a>; PARTS];

/// One field of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part<'a> {
    /// No such field.
    Absent,
    /// A whole number.
    Number(i64),
    /// A text.
    Text(&'a str),
    /// true or false.
    Bool(bool),
}

impl From<Part<'_>> for Value {
    fn from(part: Part<'_>) -> Self {
        match part {
            Part::Absent => Self::Null,
            Part::Number(number) => number.into(),
            Part::Text(text) => text.into(),
            Part::Bool(bool) => bool.into(),
        }
    }
}

/// The key of what is known by its value.
pub(super) fn value_key(value: &Value) -> Option<ItemKey<'_>> {
    let mut key = [Part::Absent; PARTS];
    key[0] = part(value)?;
    Some(key)
}

/// Where the items of a list are.
pub(super) enum Items<'a> {
    /// In the order of the list.
    Few(Vec<ItemKey<'a>>),
    /// By key, and equal ones in the order of the list.
    Many(Vec<(ItemKey<'a>, usize)>),
}

impl<'a> Items<'a> {
    /// Reads the keys of a list's items; `None` when an item is no map or lacks its key.
    pub(super) fn of(list: &'a [Value], keys: &[Key]) -> Option<Self> {
        let all: Option<Vec<_>> = list.iter().map(|item| key_of(item, keys)).collect();
        Some(Self::new(all?))
    }

    /// An index of these keys.
    pub(super) fn new(keys: Vec<ItemKey<'a>>) -> Self {
        if keys.len() <= SEARCHED {
            return Self::Few(keys);
        }
        let mut sorted: Vec<_> = keys.into_iter().enumerate().map(|(index, key)| (key, index)).collect();
        sorted.sort_unstable();
        Self::Many(sorted)
    }

    /// The indices of all items with a key, in order; one unless the list has duplicates.
    pub(super) fn find(&self, key: &ItemKey<'_>) -> impl Iterator<Item = usize> + '_ + use<'_, 'a> {
        let (few, many) = match self {
            Self::Few(keys) => {
                let first = keys.iter().position(|other| other == key);
                let key = first.map(|first| keys[first]);
                let rest = first.map_or(&[][..], |first| &keys[first..]);
                let start = first.unwrap_or(0);
                let found = rest.iter().enumerate().filter(move |(_, other)| Some(**other) == key);
                (Some(found.map(move |(index, _)| start + index)), None)
            }
            Self::Many(sorted) => {
                let start = sorted.partition_point(|(other, _)| other < key);
                let length = sorted[start..].iter().take_while(|(other, _)| other == key).count();
                (None, Some(sorted[start..start + length].iter().map(|(_, index)| *index)))
            }
        };
        few.into_iter().flatten().chain(many.into_iter().flatten())
    }
}

/// The key of one item, with the API's defaults; `None` when it is no map or lacks its key.
pub(super) fn key_of<'a>(item: &'a Value, keys: &[Key]) -> Option<ItemKey<'a>> {
    key_by(item.as_object()?, keys.iter().map(|key| (key.name, key.default)))
}

/// The same, for keys by name as managed fields have them.
pub(super) fn key_by<'a, 'k>(
    item: &'a Map<String, Value>,
    names: impl Iterator<Item = (&'k str, Option<&'static str>)>,
) -> Option<ItemKey<'a>> {
    let mut found = [Part::Absent; PARTS];
    for (slot, (name, default)) in found.iter_mut().zip(names) {
        *slot = match (item.get(name), default) {
            (None | Some(Value::Null), Some(default)) => Part::Text(default),
            (value, _) => part(value?)?,
        };
    }
    Some(found)
}

/// A scalar as a part of a key.
pub(super) fn part(value: &Value) -> Option<Part<'_>> {
    match value {
        Value::String(text) => Some(Part::Text(text)),
        Value::Bool(bool) => Some(Part::Bool(*bool)),
        Value::Number(number) => {
            let whole = || number.as_f64().filter(|float| float.fract() == 0.0 && float.abs() < 1e15);
            // Exact: whole and far below 2^53.
            number.as_i64().or_else(|| whole().map(|float| float as i64)).map(Part::Number)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const PORT: &[Key] = &[Key { name: "port", default: None }, Key { name: "protocol", default: Some("TCP") }];

    fn find(list: &Value, item: &Value) -> Vec<usize> {
        let items = Items::of(list.as_array().unwrap(), PORT).unwrap();
        items.find(&key_of(item, PORT).unwrap()).collect()
    }

    #[test]
    fn short_and_long_lists_find_the_same() {
        for length in [3, 30] {
            let list: Vec<_> =
                (0..length).map(|port| json!({"port": port % (length - 1), "protocol": "TCP"})).collect();
            let list = Value::from(list);
            assert_eq!(find(&list, &json!({"port": 0})), [0, length - 1], "both duplicates");
            assert_eq!(find(&list, &json!({"port": 1.0, "protocol": "TCP"})), [1]);
            assert_eq!(find(&list, &json!({"port": 1, "protocol": "UDP"})), [0_usize; 0]);
            assert_eq!(find(&list, &json!({"port": 99})), [0_usize; 0]);
        }
    }

    #[test]
    fn a_list_with_an_item_without_key_has_no_keys() {
        for list in [json!([{"protocol": "TCP"}]), json!([1]), json!([{"port": {}}]), json!([{"port": null}])] {
            assert!(Items::of(list.as_array().unwrap(), PORT).is_none(), "{list}");
        }
    }
}
