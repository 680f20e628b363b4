//! An object that gets another name or namespace: for Git a new document and one that is gone, for its users the same service.
//!
//! The two belong together if their specs are the same, byte for byte: both are JSON with sorted keys and no blanks. Where a
//! hand or a number's spelling made them differ, they are what they look like, a creation and a deletion.
//! The new one carries the name and UID of the old one as an annotation, so that who restarts knows it, too.

use std::collections::{BTreeMap, HashMap};

use crate::model::Target;

/// Pairs what a plan creates with what it deletes, by equal specs: from the old name to the new one. `bodies` are whole objects
/// as compact JSON. Nothing is read where the plan does not do both.
pub fn pairs<'a>(
    creations: impl IntoIterator<Item = (&'a Target, &'a str)>,
    deletions: impl IntoIterator<Item = (&'a Target, &'a str)>,
) -> BTreeMap<Target, Target> {
    let mut deletions = deletions.into_iter().peekable();
    let mut creations = creations.into_iter().peekable();
    if deletions.peek().is_none() || creations.peek().is_none() {
        return BTreeMap::new();
    }
    let mut by_spec: HashMap<&str, Vec<&Target>> = HashMap::new();
    for (key, body) in creations {
        if let Some(spec) = spec(body) {
            by_spec.entry(spec).or_default().push(key);
        }
    }
    let mut gone: Vec<_> = deletions.collect();
    gone.sort_by_key(|(key, _)| *key);
    let mut pairs = BTreeMap::new();
    for (old, body) in gone {
        let Some(names) = spec(body).and_then(|spec| by_spec.get_mut(spec)).filter(|names| !names.is_empty()) else {
            continue;
        };
        // Of several, the one that kept its name and went to another namespace.
        let at = names.iter().position(|new| new.name == old.name).unwrap_or(0);
        pairs.insert(old.clone(), names.remove(at).clone());
    }
    pairs
}

/// The annotation on the new object.
pub fn mark(old: &Target, uid: &str) -> String {
    format!("object={old}; uid={uid}")
}

/// The text of the top-level field `spec` of an object in compact JSON.
fn spec(object: &str) -> Option<&str> {
    let bytes = object.as_bytes();
    let (mut depth, mut at) = (0_usize, 0);
    let mut begin = None;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => {
                let end = end_of_string(bytes, at)?;
                if depth == 1 && begin.is_none() && &object[at..end] == "\"spec\"" && bytes.get(end) == Some(&b':') {
                    begin = Some(end + 1);
                }
                at = end;
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.checked_sub(1)?,
            _ => {}
        }
        // The value ends with a comma of its own level, or with the object.
        if let Some(begin) = begin.filter(|_| (byte == b',' && depth == 1) || depth == 0) {
            return object.get(begin..at);
        }
        at += 1;
    }
    None
}

fn end_of_string(bytes: &[u8], begin: usize) -> Option<usize> {
    let mut at = begin + 1;
    loop {
        match bytes.get(at)? {
            b'\\' => at += 2,
            b'"' => return Some(at + 1),
            _ => at += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_spec_is_found_wherever_it_stands() {
        let check = |object: &str, expected: Option<&str>| assert_eq!(spec(object), expected, "{object}");
        check(r#"{"spec":{"a":1}}"#, Some(r#"{"a":1}"#));
        check(r#"{"a":{"spec":1},"spec":{"b":[1,{"c":"}\""}]},"z":0}"#, Some(r#"{"b":[1,{"c":"}\""}]}"#));
        check(r#"{"kind":"spec","spec":5,"z":0}"#, Some("5"));
        check(r#"{"kind":"spec","x\"":[]}"#, None);
        for broken in ["", "}", "{", "{\"spec\"", "{\"spec\":", "\"\\", "{\"spec\":{\"a"] {
            check(broken, None);
        }
    }

    #[track_caller]
    fn check(creations: &[(&str, &str)], deletions: &[(&str, &str)], expected: &[(&str, &str)]) {
        let object = |(name, image): &(&str, &str)| {
            let key = Target::parse(name).unwrap();
            let body = json!({"metadata": {"name": &*key.name}, "spec": {"image": image}, "status": {"of": name}});
            (key, body.to_string())
        };
        let creations: Vec<_> = creations.iter().map(object).collect();
        let deletions: Vec<_> = deletions.iter().map(object).collect();
        let found = pairs(
            creations.iter().map(|(key, body)| (key, &**body)),
            deletions.iter().map(|(key, body)| (key, &**body)),
        );
        let found: Vec<_> = found.iter().map(|(old, new)| (old.to_string(), new.to_string())).collect();
        let expected: Vec<_> = expected.iter().map(|(old, new)| ((*old).to_owned(), (*new).to_owned())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn equal_specs_make_a_rename() {
        check(&[("a/new", "i")], &[("a/old", "i")], &[("a/old", "a/new")]);
        check(&[("b/web", "i")], &[("a/web", "i")], &[("a/web", "b/web")]);
        check(&[("a/new", "i")], &[("a/old", "j")], &[]);
        check(&[], &[("a/old", "i")], &[]);
        check(&[("a/new", "i")], &[], &[]);
    }

    #[test]
    fn each_object_is_in_one_pair_only() {
        check(&[("a/x", "i")], &[("a/p", "i"), ("a/q", "i")], &[("a/p", "a/x")]);
        check(&[("a/x", "i"), ("a/y", "i")], &[("a/p", "i"), ("a/q", "i")], &[("a/p", "a/x"), ("a/q", "a/y")]);
    }

    #[test]
    fn of_several_the_one_that_kept_its_name_is_meant() {
        check(&[("b/a", "i"), ("b/web", "i")], &[("a/web", "i")], &[("a/web", "b/web")]);
    }
}
