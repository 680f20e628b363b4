//! Paths that the operator lists as secret.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;

use crate::model::pointer::Pointer;

/// Steps that a path may have.
const LONGEST: usize = 32;

/// A JSON pointer with wildcards: `*` is one step, `**` any number of them, `[name=x]` an item of a list by a field of
/// its own. What it leads to is hidden with everything below.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedactPath(Vec<Step>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Name(String),
    Any,
    Deep,
    Item(String, String),
}

/// Why a text is no path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a JSON pointer such as /spec/env/*/value or /**/env/[name=LICENSE]/value, of at most {LONGEST} steps")]
pub struct InvalidPath;

impl FromStr for RedactPath {
    type Err = InvalidPath;

    fn from_str(text: &str) -> Result<Self, InvalidPath> {
        let pointer = Pointer::parse(text).ok_or(InvalidPath)?;
        let steps: Vec<Step> = pointer.segments().iter().map(|segment| Step::of(segment)).collect();
        let leads = steps.iter().any(|step| *step != Step::Deep);
        if leads && steps.len() <= LONGEST { Ok(Self(steps)) } else { Err(InvalidPath) }
    }
}

impl Step {
    fn of(segment: &str) -> Self {
        let item = segment.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        match (segment, item.and_then(|item| item.split_once('='))) {
            ("*", _) => Self::Any,
            ("**", _) => Self::Deep,
            (_, Some((field, value))) => Self::Item(field.to_owned(), value.to_owned()),
            (name, None) => Self::Name(name.to_owned()),
        }
    }

    fn fits(&self, name: &str, container: &Value) -> bool {
        match self {
            Self::Name(wanted) => wanted == name,
            Self::Any | Self::Deep => true,
            Self::Item(field, wanted) => {
                let item = crate::model::pointer::index(name).and_then(|at| container.as_array()?.get(at)?.get(field));
                item.is_some_and(|found| match found {
                    Value::String(text) => text == wanted,
                    other => other.as_i64().is_some_and(|number| wanted.parse::<i64>() == Ok(number)),
                })
            }
        }
    }
}

impl RedactPath {
    /// Whether it leads just there. Each step has its name and what it leads out of. The work is steps times steps,
    /// whatever the wildcards are.
    pub(super) fn fits(&self, steps: &[(&str, &Value)]) -> bool {
        // Which beginnings of the path fit what was walked so far.
        let mut reached = vec![false; self.0.len() + 1];
        reached[0] = true;
        self.skip(&mut reached);
        for (name, container) in steps {
            let mut next = vec![false; reached.len()];
            for (at, step) in self.0.iter().enumerate().filter(|(at, _)| reached[*at]) {
                if step.fits(name, container) {
                    next[if *step == Step::Deep { at } else { at + 1 }] = true;
                }
            }
            self.skip(&mut next);
            reached = next;
        }
        reached[self.0.len()]
    }

    /// `**` may be no step at all.
    fn skip(&self, reached: &mut [bool]) {
        for (at, step) in self.0.iter().enumerate() {
            if reached[at] && *step == Step::Deep {
                reached[at + 1] = true;
            }
        }
    }
}

impl fmt::Display for RedactPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |step: &Step| match step {
            Step::Name(name) => name.clone(),
            Step::Any => "*".to_owned(),
            Step::Deep => "**".to_owned(),
            Step::Item(field, value) => format!("[{field}={value}]"),
        };
        self.0.iter().map(text).collect::<Pointer>().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(path: &str, pointer: &str, expected: bool) {
        let root = json!({"spec": {"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]}});
        let path: RedactPath = path.parse().unwrap();
        let pointer = Pointer::parse(pointer).unwrap();
        let mut at = &root;
        let mut steps = Vec::new();
        for segment in pointer.segments() {
            steps.push((segment.as_str(), at));
            at = Pointer::root().child(segment).get(at).unwrap_or(&Value::Null);
        }
        assert_eq!(path.fits(&steps), expected, "{path} {pointer}");
    }

    #[test]
    fn a_path_leads_to_what_it_names() {
        check("/spec/env/0/value", "/spec/env/0/value", true);
        check("/spec/env/*/value", "/spec/env/1/value", true);
        check("/spec/env/*/value", "/spec/env/1/name", false);
        check("/spec/env/*/value", "/spec/env/1", false);
        check("/**/value", "/spec/env/1/value", true);
        check("/**/env/**", "/spec/env", true);
        check("/**/env/**", "/spec/env/0/name", true);
        check("/**/env/[name=B]/value", "/spec/env/1/value", true);
        check("/**/env/[name=B]/value", "/spec/env/0/value", false);
        check("/spec", "/metadata", false);
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for bad in ["", "spec", "/**", "/**/**", &"/a".repeat(33)] {
            assert_eq!(bad.parse::<RedactPath>(), Err(InvalidPath), "{bad}");
        }
    }

    #[test]
    fn many_wildcards_cost_little() {
        let path: RedactPath = format!("{}/end", "/**/a".repeat(15)).parse().unwrap();
        let steps = vec![("a", &Value::Null); 20_000];
        assert!(!path.fits(&steps));
    }
}
