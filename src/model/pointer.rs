//! JSON pointers (RFC 6901), built while walking.

use std::fmt;

use serde_json::Value;

/// A path into a JSON value. Displays as `/spec/env/0/value`.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pointer(Vec<String>);

impl Pointer {
    /// The whole value.
    pub fn root() -> Self {
        Self::default()
    }

    /// Reads a pointer; `None` when it neither is empty nor starts with `/`.
    pub fn parse(text: &str) -> Option<Self> {
        if text.is_empty() {
            return Some(Self::root());
        }
        let rest = text.strip_prefix('/')?;
        Some(Self(rest.split('/').map(|segment| segment.replace("~1", "/").replace("~0", "~")).collect()))
    }

    /// One step deeper.
    #[must_use]
    pub fn child(&self, segment: impl ToString) -> Self {
        let mut segments = self.0.clone();
        segments.push(segment.to_string());
        Self(segments)
    }

    /// The steps, unescaped.
    pub fn segments(&self) -> &[String] {
        &self.0
    }

    /// What it points to.
    pub fn get<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        self.0.iter().try_fold(value, |value, segment| match value {
            Value::Object(map) => map.get(segment),
            Value::Array(list) => list.get(index(segment)?),
            _ => None,
        })
    }

    /// The last step.
    pub fn last(&self) -> Option<&str> {
        self.0.last().map(String::as_str)
    }

    /// One step up; `None` at the root.
    pub fn parent(&self) -> Option<Self> {
        let (_, rest) = self.0.split_last()?;
        Some(Self(rest.to_vec()))
    }

    /// Whether `self` is `prefix` or below it.
    pub fn starts_with(&self, prefix: &Self) -> bool {
        self.0.starts_with(&prefix.0)
    }
}

/// The steps, unescaped.
impl FromIterator<String> for Pointer {
    fn from_iter<I: IntoIterator<Item = String>>(segments: I) -> Self {
        Self(segments.into_iter().collect())
    }
}

/// A step as an index of a list: digits without a leading zero, as RFC 6901 wants them.
pub fn index(segment: &str) -> Option<usize> {
    let plain = segment == "0" || (!segment.starts_with('0') && segment.bytes().all(|byte| byte.is_ascii_digit()));
    plain.then(|| segment.parse().ok()).flatten()
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|segment| write!(f, "/{}", segment.replace('~', "~0").replace('/', "~1")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_read_back_as_written() {
        for text in ["", "/spec", "/metadata/annotations/a~1b~0c", "/spec/env/0", "/"] {
            assert_eq!(Pointer::parse(text).map(|pointer| pointer.to_string()).as_deref(), Some(text));
        }
        assert_eq!(Pointer::parse("spec"), None);
    }

    #[test]
    fn a_pointer_finds_what_it_points_to() {
        let value = serde_json::json!({"a/b": [{"c": 1}], "0": "name"});
        let get = |text| Pointer::parse(text).and_then(|pointer| pointer.get(&value).cloned());
        assert_eq!(get("/a~1b/0/c"), Some(1.into()));
        assert_eq!(get("/0"), Some("name".into()));
        assert_eq!(get(""), Some(value.clone()));
        for text in ["/a~1b/00", "/a~1b/+0", "/a~1b/1", "/a~1b/", "/x", "/0/x"] {
            assert_eq!(get(text), None, "{text}");
        }
    }
}
