//! The lines of a document's fields, without the document: what is asked for when somebody wants to know where a value
//! is declared. It says nothing about what is wrong with a document.

use std::collections::BTreeMap;

use super::node::{Kind, Node};
use crate::model::pointer::{Pointer, index};

/// Where the fields of one document stand.
#[derive(Debug, Clone)]
pub struct Places {
    root: Spot,
}

/// Where a field is declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The field that stands there: the one that was asked for, or the closest one around it that is declared.
    pub field: Pointer,
    /// Its line, from 1: that of its key, or of the item of a list.
    pub line: u32,
    /// The last line of its value; the line itself for a field that is only around what was asked for.
    pub last: u32,
}

/// The lines of one value, its key's included.
#[derive(Debug, Clone)]
struct Spot {
    first: u32,
    last: u32,
    below: Below,
}

#[derive(Debug, Clone)]
enum Below {
    Nothing,
    Fields(BTreeMap<Box<str>, Spot>),
    Items(Vec<Spot>),
}

impl Places {
    pub(super) fn of(root: &Node<'_>) -> Self {
        Self { root: Spot::of(root.at.line, root) }
    }

    /// The document's first line.
    pub fn start(&self) -> u32 {
        self.root.first
    }

    /// Where a field stands, or the closest one around it.
    pub fn closest(&self, field: &Pointer) -> Place {
        let (mut spot, mut found) = (&self.root, Pointer::root());
        for segment in field.segments() {
            let next = match &spot.below {
                Below::Fields(fields) => fields.get(segment.as_str()),
                Below::Items(items) => index(segment).and_then(|at| items.get(at)),
                Below::Nothing => None,
            };
            let Some(next) = next else { return Place { field: found, line: spot.first, last: spot.first } };
            (spot, found) = (next, found.child(segment));
        }
        // The whole document was touched by nearly every commit: its place is where it begins.
        let last = if field.segments().is_empty() { spot.first } else { spot.last };
        Place { field: found, line: spot.first, last }
    }
}

impl Spot {
    fn of(first: u32, node: &Node<'_>) -> Self {
        let below = match &node.kind {
            Kind::Map(mapping) => {
                let field = |key: &str, at: u32, value: &Node<'_>| (Box::from(key), Self::of(at, value));
                let fields = mapping.entries.iter().map(|entry| field(&entry.key, entry.key_at.line, &entry.value));
                Below::Fields(fields.collect())
            }
            Kind::List(items) => Below::Items(items.iter().map(|item| Self::of(item.at.line, item)).collect()),
            _ => Below::Nothing,
        };
        let inner = match &below {
            Below::Fields(fields) => fields.values().map(|spot| spot.last).max(),
            Below::Items(items) => items.iter().map(|spot| spot.last).max(),
            Below::Nothing => None,
        };
        // What an alias names stands elsewhere, before it.
        let last = inner.unwrap_or(node.end).max(node.end).max(first);
        Self { first, last, below }
    }
}

#[cfg(test)]
mod tests {
    use super::Places;
    use crate::manifest::places;
    use crate::model::pointer::Pointer;

    const FILE: &str = "\
apiVersion: gitmoor.dev/v1alpha1
kind: MicroService
metadata: {name: a}
---
# A comment before it.
apiVersion: gitmoor.dev/v1alpha1
kind: MicroService
metadata:
  name: b
spec:
  image: b:1

  env:
  - name: A
    value: one
  - {name: B, value: two}
  - name: TEXT
    value: |
      first
      second

  - name: FOLDED
    value: one
      and more
  args: [
    a,
    b
  ]
  command:
  - serve
  # About what follows.
  ports: &ports
  - containerPort: 80
  resources:
    limits: {memory: 1Gi}
";

    #[test]
    fn a_field_is_found_with_the_lines_of_its_value() {
        let all = places(FILE.as_bytes());
        let b = all.iter().find(|places| places.start() == 6).unwrap();
        let check = |pointer: &str, field: &str, line: u32, last: u32| {
            let place = b.closest(&Pointer::parse(pointer).unwrap());
            let found = (place.field.to_string(), place.line, place.last);
            assert_eq!(found, (field.to_owned(), line, last), "{pointer}");
        };
        check("/spec/image", "/spec/image", 11, 11);
        check("/spec/env/0/value", "/spec/env/0/value", 15, 15);
        check("/spec/env/1/value", "/spec/env/1/value", 16, 16);
        check("/spec/env/0", "/spec/env/0", 14, 15);
        check("/spec/env/3/value", "/spec/env/3/value", 23, 24);
        check("/spec/args", "/spec/args", 25, 27);
        check("/spec/args/1", "/spec/args/1", 27, 27);
        check("/spec/command", "/spec/command", 29, 30);
        check("/spec/ports/0/containerPort", "/spec/ports/0/containerPort", 33, 33);
        check("/spec/resources/limits/memory", "/spec/resources/limits/memory", 35, 35);
        let text = b.closest(&Pointer::parse("/spec/env/2/value").unwrap());
        assert_eq!(text.line, 18);
        assert!((20..=21).contains(&text.last), "{text:?}");
        // Of what is not declared, the line of what is around it.
        check("/spec/replicas", "/spec", 10, 10);
        check("/spec/resources/limits/cpu", "/spec/resources/limits", 35, 35);
        check("/spec/ports/7/name", "/spec/ports", 32, 32);
        check("/metadata/annotations/gitmoor.dev~1source", "/metadata", 8, 8);
        check("", "", 6, 6);
        check("/status/x", "", 6, 6);
    }

    #[test]
    fn what_an_alias_names_is_found_where_it_stands() {
        let file = "a: &x\n  b: 1\nc: *x\nd: 1\n";
        let all = places(file.as_bytes());
        let place = |pointer: &str| all[0].closest(&Pointer::parse(pointer).unwrap());
        assert_eq!((place("/c").line, place("/c").last), (3, 3));
        assert_eq!((place("/c/b").line, place("/c/b").last), (2, 2));
    }

    #[test]
    fn what_cannot_be_read_has_no_places() {
        assert_eq!(places(b"\xff\xfe").len(), 0);
        assert_eq!(places(b"a: [").len(), 0);
        let all = places(b"a: [\n---\nb: 1\n");
        assert_eq!(all.iter().map(Places::start).collect::<Vec<_>>(), [3], "what follows is read all the same");
    }
}
