//! An object that gets another name or namespace: for Git a new document and one that is gone, for its users the same service.
//!
//! The two belong together if their specs are the same, byte for byte: both are JSON with sorted keys and no blanks. A rename
//! that changes the spec, too, is told by likeness: the same image but for its tag, or half of all fields; and only where it
//! is beyond doubt which two are meant: they are the only ones that come and go in their file, or the only ones of their
//! image. Of a change of many objects nothing is guessed; see [`MOST`]. What is paired wrongly is deleted later, not sooner:
//! the old one stays until the new one is ready, or until a person approves.
//! The new one carries the name and UID of the old one as an annotation, so that who restarts knows it, too.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use crate::model::Target;

/// Objects that come, and that go, of which likeness is looked for.
const MOST: usize = 100;

/// An object that comes or goes.
#[derive(Debug, Clone, Copy)]
pub struct Side<'a> {
    /// Its name.
    pub key: &'a Target,
    /// The whole of it as compact JSON.
    pub body: &'a str,
    /// The file that declares it, or did.
    pub file: Option<&'a str>,
}

/// Pairs what a plan creates with what it deletes: from the old name to the new one. Nothing is read where the plan does not
/// do both.
pub fn pairs<'a>(
    creations: impl IntoIterator<Item = Side<'a>>,
    deletions: impl IntoIterator<Item = Side<'a>>,
) -> BTreeMap<Target, Target> {
    let mut deletions = deletions.into_iter().peekable();
    let mut creations = creations.into_iter().peekable();
    if deletions.peek().is_none() || creations.peek().is_none() {
        return BTreeMap::new();
    }
    let mut made: Vec<Option<Side<'_>>> = creations.map(Some).collect();
    let mut by_spec: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, side) in made.iter().enumerate() {
        if let Some(spec) = side.and_then(|side| spec(side.body)) {
            by_spec.entry(spec).or_default().push(at);
        }
    }
    let mut gone: Vec<_> = deletions.collect();
    gone.sort_by_key(|side| side.key);
    let mut pairs = BTreeMap::new();
    gone.retain(|old| {
        let Some(same) = spec(old.body).and_then(|spec| by_spec.get_mut(spec)).filter(|same| !same.is_empty()) else {
            return true;
        };
        // Of several, the one that kept its name and went to another namespace.
        let named = |at: &usize| made[*at].is_some_and(|new| new.key.name == old.key.name);
        let at = same.iter().position(named).unwrap_or(0);
        let new = made[same.remove(at)].take();
        new.is_none_or(|new| pairs.insert(old.key.clone(), new.key.clone()).is_some())
    });
    let made: Vec<_> = made.into_iter().flatten().collect();
    if made.len() <= MOST && gone.len() <= MOST {
        alike(&made, &gone, &mut pairs);
    }
    pairs
}

/// What groups objects that may be one, and what must hold for the two that are alone in a group.
type Likeness = (for<'f> fn(&'f Form<'_>) -> Option<&'f str>, fn(&Form<'_>, &Form<'_>) -> bool);

/// Pairs what is alike, where there is one such pair only.
fn alike(made: &[Side<'_>], gone: &[Side<'_>], pairs: &mut BTreeMap<Target, Target>) {
    let rules: [Likeness; 2] = [
        (|form| form.side.file, |old, new| old.image == new.image || old.is_half(new)),
        (|form| Some(&form.image), |old, new| old.is_half(new)),
    ];
    let mut made: Vec<_> = made.iter().filter_map(Form::of).collect();
    let mut gone: Vec<_> = gone.iter().filter_map(Form::of).collect();
    for (by, enough) in rules {
        let found = sole(&made, &gone, by).filter(|(old, new)| enough(old, new));
        let found: Vec<_> = found.map(|(old, new)| (old.side.key.clone(), new.side.key.clone())).collect();
        made.retain(|form| found.iter().all(|(_, new)| new != form.side.key));
        gone.retain(|form| found.iter().all(|(old, _)| old != form.side.key));
        pairs.extend(found);
    }
}

/// The only one that goes and the only one that comes, group by group.
fn sole<'f, 'a>(
    made: &'f [Form<'a>],
    gone: &'f [Form<'a>],
    by: impl Fn(&'f Form<'a>) -> Option<&'f str>,
) -> impl Iterator<Item = (&'f Form<'a>, &'f Form<'a>)> {
    let mut groups: HashMap<&str, [Vec<&Form<'_>>; 2]> = HashMap::new();
    for (at, forms) in [gone, made].into_iter().enumerate() {
        for form in forms {
            if let Some(key) = by(form) {
                groups.entry(key).or_default()[at].push(form);
            }
        }
    }
    groups.into_values().filter_map(|[old, new]| match (&*old, &*new) {
        ([old], [new]) => Some((*old, *new)),
        _ => None,
    })
}

/// An object, read.
struct Form<'a> {
    side: Side<'a>,
    /// The image without tag and digest.
    image: String,
    /// All fields of the spec that have no fields of their own, each with its place.
    leaves: BTreeMap<String, Value>,
}

impl<'a> Form<'a> {
    fn of(side: &Side<'a>) -> Option<Self> {
        let spec: Value = serde_json::from_str(spec(side.body)?).ok()?;
        let image = repository(spec["image"].as_str()?).to_owned();
        let mut leaves = BTreeMap::new();
        collect(spec, String::new(), &mut leaves);
        Some(Self { side: *side, image, leaves })
    }

    /// Whether at least half of all fields are the same.
    fn is_half(&self, other: &Self) -> bool {
        let same = self.leaves.iter().filter(|(path, value)| other.leaves.get(*path) == Some(value)).count();
        same * 2 >= self.leaves.len().max(other.leaves.len())
    }
}

fn collect(value: Value, path: String, leaves: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            fields.into_iter().for_each(|(name, value)| collect(value, format!("{path}/{name}"), leaves));
        }
        Value::Array(items) if !items.is_empty() => {
            items.into_iter().enumerate().for_each(|(at, value)| collect(value, format!("{path}/{at}"), leaves));
        }
        leaf => drop(leaves.insert(path, leaf)),
    }
}

/// `host:5000/acme/orders:1.0@sha256:…` without tag and digest.
fn repository(image: &str) -> &str {
    let image = image.split_once('@').map_or(image, |(before, _)| before);
    match image.rsplit_once(':') {
        Some((before, tag)) if !tag.contains('/') => before,
        _ => image,
    }
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

    /// Objects as `namespace/name`, the file if it is another than one of their own, and an image or a whole spec.
    fn objects(all: &[(&str, &str)]) -> Vec<(Target, Option<String>, String)> {
        let object = |(name, image): &(&str, &str)| {
            let (name, file) =
                name.split_once(" in ").map_or((*name, None), |(name, file)| (name, Some(file.to_owned())));
            let key = Target::parse(name).unwrap();
            let spec = serde_json::from_str(image).unwrap_or_else(|_| json!({"image": image}));
            let body = json!({"metadata": {"name": &*key.name}, "spec": spec, "status": {"of": name}});
            (key, file, body.to_string())
        };
        all.iter().map(object).collect()
    }

    fn sides(all: &[(Target, Option<String>, String)]) -> impl Iterator<Item = Side<'_>> {
        all.iter().map(|(key, file, body)| Side { key, body, file: file.as_deref() })
    }

    #[track_caller]
    fn check(creations: &[(&str, &str)], deletions: &[(&str, &str)], expected: &[(&str, &str)]) {
        let (creations, deletions) = (objects(creations), objects(deletions));
        let found = pairs(sides(&creations), sides(&deletions));
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

    /// Half of its four fields are in the other one, too.
    const OLD: &str = r#"{"image":"x/old:1","replicas":2,"args":["serve"],"command":["run"]}"#;
    const NEW: &str = r#"{"image":"x/new:1","replicas":3,"args":["serve"],"command":["run"]}"#;

    #[test]
    fn a_rename_that_changes_the_spec_is_told_within_its_file() {
        // The same image but for its tag.
        check(&[("a/new in f", "x/i:2")], &[("a/old in f", "x/i:1")], &[("a/old", "a/new")]);
        check(&[("b/old in f", "h:5/i@sha256:2")], &[("a/old in f", "h:5/i:1@sha256:1")], &[("a/old", "b/old")]);
        check(&[("a/new in f", NEW)], &[("a/old in f", OLD)], &[("a/old", "a/new")]);
        // Another service in its place.
        check(&[("a/new in f", "x/j:1")], &[("a/old in f", "x/i:1")], &[]);
        check(&[("a/new in f", NEW)], &[("a/old in g", OLD)], &[]);
    }

    #[test]
    fn a_rename_of_the_file_is_told_by_the_image_and_half_of_the_fields() {
        let of = |image: &str, args: &str| format!(r#"{{"args":["{args}"],"image":"{image}","replicas":2}}"#);
        let (old, new, far) = (of("x/i:1", "a"), of("x/i:1", "b"), of("x/i:2", "b"));
        check(&[("a/new in g", &new)], &[("a/old in f", &old)], &[("a/old", "a/new")]);
        check(&[("a/new in g", &far)], &[("a/old in f", &old)], &[]);
    }

    #[test]
    fn where_several_may_be_meant_none_is() {
        let two = |prefix: &str, tag: &str| {
            [("a", tag), ("b", tag)].map(|(name, tag)| (format!("a/{prefix}{name} in f"), format!("x/i:{tag}")))
        };
        let (made, gone) = (two("new-", "2"), two("", "1"));
        let borrowed =
            |all: &[(String, String); 2]| all.clone().map(|(name, image)| (name.leak() as &str, image.leak() as &str));
        check(&borrowed(&made), &borrowed(&gone), &[]);
        // The one that is the same is beyond doubt, and then the other is.
        let mut made = borrowed(&made);
        made[0].1 = "x/i:1";
        check(&made, &borrowed(&gone), &[("a/a", "a/new-a"), ("a/b", "a/new-b")]);
        check(&[("a/x in f", "x/i:2"), ("a/y in f", "x/i:3")], &[("a/old in f", "x/i:1")], &[]);
        check(&[("a/x in f", "x/i:2")], &[("a/p in f", "x/i:1"), ("a/q in f", "x/i:1")], &[]);
    }

    #[test]
    fn of_a_change_of_many_nothing_is_guessed() {
        let many = |tag: &str, count: usize| -> Vec<(&'static str, &'static str)> {
            let one = |n: usize| (&*format!("a/{tag}{n} in f{n}").leak(), &*format!("x/i{n}:{tag}").leak());
            (0..count).map(one).collect()
        };
        let found = |count: usize| {
            let (made, gone) = (objects(&many("2", count)), objects(&many("1", count)));
            pairs(sides(&made), sides(&gone)).len()
        };
        assert_eq!((found(MOST), found(MOST + 1)), (MOST, 0));
    }

    #[test]
    fn an_image_is_known_without_tag_and_digest() {
        let check = |image: &str, expected: &str| assert_eq!(repository(image), expected);
        check("i", "i");
        check("x/i:1", "x/i");
        check("h:5000/x/i", "h:5000/x/i");
        check("h:5000/x/i:1.0@sha256:77", "h:5000/x/i");
    }
}
