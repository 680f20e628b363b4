//! Which part of a value the rules look at. Most of a manifest concerns no rule, and evaluating
//! costs more than all other checks together, so only this part is handed to the rules.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::node::{Kind, Node};

/// The part of a value that rules look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Needed {
    /// Nothing of it, but that it is there.
    Presence,
    /// Some of its fields.
    Fields(BTreeMap<Box<str>, Needed>),
    /// A part of each item.
    Items(Box<Needed>),
    /// All of it.
    All,
}

impl Needed {
    /// What the rules of a schema look at.
    pub fn by(schema: &Value) -> Self {
        let rules = rules(schema);
        let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
            return match schema.get("items") {
                _ if !rules.is_empty() => Self::All,
                Some(items) => match Self::by(items) {
                    Self::Presence => Self::Presence,
                    part => Self::Items(Box::new(part)),
                },
                None if schema.get("additionalProperties").is_some_and(has_rules) => Self::All,
                None => Self::Presence,
            };
        };
        if rules.iter().any(|rule| uses_all(rule, properties)) {
            return Self::All;
        }
        let part = |name: &str, schema| {
            if rules.iter().any(|rule| has_word(rule, name)) { Self::All } else { Self::by(schema) }
        };
        let fields = properties.iter().map(|(name, schema)| (name.as_str().into(), part(name, schema)));
        let fields: BTreeMap<Box<str>, Self> = fields.filter(|(_, part)| *part != Self::Presence).collect();
        if fields.is_empty() && rules.is_empty() { Self::Presence } else { Self::Fields(fields) }
    }

    /// That part of a value.
    pub fn of(&self, node: &Node<'_>) -> Value {
        match (self, &node.kind) {
            (Self::Fields(parts), Kind::Map(mapping)) => {
                let entries = mapping.entries.iter().filter_map(|entry| Some((entry, parts.get(&*entry.key)?)));
                entries
                    .map(|(entry, part)| (entry.key.clone().into_owned(), part.of(&entry.value)))
                    .collect::<Map<_, _>>()
                    .into()
            }
            (Self::Items(part), Kind::List(items)) => items.iter().map(|item| part.of(item)).collect(),
            (Self::Presence, Kind::Map(_)) => Map::new().into(),
            (Self::Presence, Kind::List(_)) => Value::Array(Vec::new()),
            _ => node.to_json(),
        }
    }
}

fn rules(schema: &Value) -> Vec<&str> {
    let rules = schema.get("x-kubernetes-validations").and_then(Value::as_array);
    rules
        .into_iter()
        .flatten()
        .flat_map(|rule| ["rule", "messageExpression"].into_iter().filter_map(|key| rule.get(key)?.as_str()))
        .collect()
}

fn has_rules(schema: &Value) -> bool {
    match schema {
        Value::Object(map) => map.contains_key("x-kubernetes-validations") || map.values().any(has_rules),
        Value::Array(items) => items.iter().any(has_rules),
        _ => false,
    }
}

/// The words of a rule, each with what comes right behind it.
fn words(rule: &str) -> impl Iterator<Item = (&str, &str)> {
    let inside = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let starts = rule
        .char_indices()
        .filter(move |(at, c)| inside(*c) && !rule.get(..*at).is_some_and(|before| before.ends_with(inside)));
    starts.filter_map(move |(at, _)| {
        let rest = rule.get(at..)?;
        let end = rest.find(|c| !inside(c)).unwrap_or(rest.len());
        Some(rest.split_at(end))
    })
}

fn has_word(rule: &str, name: &str) -> bool {
    // A name with other characters is escaped in rules: it is not searched for, but always needed.
    !name.bytes().all(|byte| byte.is_ascii_alphanumeric())
        || words(rule).any(|(word, _)| word.trim_matches('_') == name)
}

/// Whether a rule uses the whole value, and not just fields of it.
fn uses_all(rule: &str, fields: &Map<String, Value>) -> bool {
    let field = |behind: &str| {
        let (word, _) = words(behind.strip_prefix('.')?).next()?;
        fields.contains_key(word.trim_matches('_')).then_some(())
    };
    words(rule).any(|(word, behind)| word == "self" && field(behind).is_none())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(rule: &str, expected: &[&str]) {
        let schema = json!({
            "properties": {"a": {"type": "string"}, "b": {"properties": {"c": {}}}, "namespace": {}, "d-e": {}},
            "x-kubernetes-validations": [{"rule": rule}]
        });
        let needed = match Needed::by(&schema) {
            Needed::Fields(fields) => fields.keys().map(ToString::to_string).collect(),
            other => vec![format!("{other:?}")],
        };
        assert_eq!(needed, expected, "{rule}");
    }

    #[test]
    fn a_rule_needs_the_fields_that_it_names() {
        check("has(self.a)", &["a", "d-e"]);
        check("self.b.c == 'a'", &["a", "b", "d-e"]);
        check("self.__namespace__ != ''", &["d-e", "namespace"]);
        check("self == oldSelf", &["All"]);
        check("size(self) > 1", &["All"]);
        check("self.all(key, key != 'z')", &["All"]);
        check("true", &["d-e"]);
    }

    #[test]
    fn rules_below_are_reached() {
        let rule = json!([{"rule": "self > 0"}]);
        let schema = json!({"properties": {
            "list": {"items": {"properties": {"n": {"x-kubernetes-validations": rule}, "m": {}}}},
            "map": {"additionalProperties": {"x-kubernetes-validations": rule}},
            "rest": {"items": {"properties": {"m": {}}}}
        }});
        let n = Needed::Fields([("n".into(), Needed::All)].into());
        let expected =
            Needed::Fields([("list".into(), Needed::Items(Box::new(n))), ("map".into(), Needed::All)].into());
        assert_eq!(Needed::by(&schema), expected);
    }
}
