//! `gitmoor render --explain`: each field of a child with where it comes from.

use std::fmt::Write as _;
use std::io::Write;
use std::sync::Arc;

use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::Value;
use unicode_width::UnicodeWidthStr;

use crate::cli::inert::inert;
use crate::manifest::{self, Places};
use crate::model::pointer::{Pointer, index};
use crate::workload::defaults::{Layer, Taken};
use crate::workload::explain::{Cause, Explained, Explanation, How};

/// Comments begin at this column, unless a line is longer.
const COLUMN: usize = 64;

/// Where the text of a service, and that of what was decided for it, stands.
pub(super) struct Texts<'t> {
    /// The file of the service.
    pub file: &'t str,
    /// Its document there.
    pub places: Option<Places>,
    /// The namespace is not in the file.
    pub namespace_given: bool,
    /// The defaults' file and its document.
    pub defaults: Option<(Arc<str>, Places)>,
    /// What was taken from the defaults.
    pub taken: Vec<Taken>,
}

/// A child, as it is printed for machines.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Object {
    api_version: String,
    kind: &'static str,
    namespace: String,
    name: String,
    fields: Vec<Field>,
}

#[derive(Debug, Serialize)]
struct Field {
    path: String,
    value: Value,
    #[serde(flatten)]
    origin: Origin,
    /// What decides it beside that.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    also: Vec<Origin>,
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Origin {
    from: From,
    /// How the field that is named decides the value.
    #[serde(skip_serializing_if = "Option::is_none")]
    how: Option<&'static str>,
    /// The field, in the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<String>,
    /// Which override, from 1.
    #[serde(rename = "override", skip_serializing_if = "Option::is_none")]
    place: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    /// What made Gitmoor choose what is built in.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<Box<Origin>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum From {
    Spec,
    Metadata,
    Flag,
    Override,
    Profile,
    OperatorDefault,
    BuiltIn,
    Computed,
}

impl Origin {
    fn of(from: From) -> Self {
        Self { from, how: None, field: None, profile: None, place: None, file: None, line: None, by: None }
    }

    fn text(&self) -> String {
        let mut text = match self.from {
            From::Spec | From::Metadata => String::new(),
            From::Flag => "--namespace".to_owned(),
            From::Override => format!("override {}: ", self.place.unwrap_or_default()),
            From::Profile => format!("profile {}: ", self.profile.as_deref().unwrap_or_default()),
            From::OperatorDefault => "operator default: ".to_owned(),
            From::BuiltIn => "built in".to_owned(),
            From::Computed => "computed".to_owned(),
        };
        if let Some(by) = &self.by {
            let _ = write!(text, ", by {}", by.text());
            return text;
        }
        if self.how == Some("derived") {
            text.insert_str(0, "from ");
        }
        if let Some(field) = &self.field {
            text.push_str(field);
        }
        if let (Some(file), Some(line)) = (&self.file, self.line) {
            let _ = write!(text, " ({file}:{line})");
        }
        text
    }

    /// The start of what colours it.
    fn style(&self) -> &'static str {
        match self.from {
            From::Profile | From::OperatorDefault => "\x1b[36m",
            From::Override => "\x1b[33m",
            From::Spec | From::Metadata | From::Flag => "\x1b[32m",
            From::BuiltIn | From::Computed => "\x1b[2m",
        }
    }
}

impl Texts<'_> {
    fn origin(&self, explanation: &Explanation) -> Origin {
        if explanation.computed {
            return Origin::of(From::Computed);
        }
        match (explanation.origin(), explanation.causes.first()) {
            (Some(cause), _) => self.cause(cause),
            (None, Some(cause)) => Origin { by: Some(Box::new(self.cause(cause))), ..Origin::of(From::BuiltIn) },
            (None, None) => Origin::of(From::BuiltIn),
        }
    }

    /// Where a field, or one around it, was taken from; or, for one that is not written, the first that was put into it.
    fn taken_from(&self, field: &Pointer) -> Option<&Taken> {
        let is_written = || self.places.as_ref().is_none_or(|places| places.closest(field).field == *field);
        let within = self.taken.iter().find(|taken| field.starts_with(&taken.field));
        within.or_else(|| self.taken.iter().find(|taken| taken.field.starts_with(field)).filter(|_| !is_written()))
    }

    fn cause(&self, cause: &Cause) -> Origin {
        let how = match cause.how {
            How::Value => "value",
            How::Derived => "derived",
            How::Chosen => "chosen",
            How::Present => "present",
        };
        let steps = cause.field.segments();
        if let Some(taken) = self.taken_from(&cause.field) {
            let rest = steps.get(taken.field.segments().len()..).unwrap_or_default();
            let declared = rest.iter().fold(taken.declared.clone(), |field, step| field.child(step));
            let (from, profile) = match &taken.layer {
                Layer::Profile(name) => (From::Profile, Some(name.to_string())),
                Layer::Operator => (From::OperatorDefault, None),
            };
            let place = self.defaults.as_ref().map(|(file, places)| (file.to_string(), places.closest(&declared).line));
            // Its name says which profile it is.
            let skipped = if profile.is_some() { 2 } else { 1 };
            let field = Some(written(&declared.segments()[skipped..]));
            let (file, line) = place.unzip();
            return Origin { how: Some(how), field, profile, file, line, ..Origin::of(from) };
        }
        if cause.field.to_string() == "/metadata/namespace" && self.namespace_given {
            return Origin { how: Some(how), ..Origin::of(From::Flag) };
        }
        let (from, place) = match steps {
            [spec, overrides, place, ..] if spec == "spec" && overrides == "overrides" => {
                (From::Override, index(place).map(|place| place + 1))
            }
            [first, ..] if first == "metadata" => (From::Metadata, None),
            _ => (From::Spec, None),
        };
        // Of an override, what it patches; its number says the rest.
        let field = match (from, steps) {
            (From::Override, [_, _, _, patch, rest @ ..]) if patch == "patch" && !rest.is_empty() => written(rest),
            _ => written(steps),
        };
        let line = self.places.as_ref().map(|places| places.closest(&cause.field).line);
        let file = line.map(|_| self.file.to_owned());
        Origin { how: Some(how), field: Some(field), place, file, line, ..Origin::of(from) }
    }

    /// For machines.
    pub fn object(&self, explained: &Explained) -> Object {
        let child = &explained.child;
        let field = |explanation: &Explanation| {
            let origin = self.origin(explanation);
            let main = origin.by.as_deref().unwrap_or(&origin);
            let also = explanation.causes.iter().map(|cause| self.cause(cause)).filter(|other| other != main);
            Field {
                path: explanation.field.to_string(),
                value: explanation.field.get(&child.body).cloned().unwrap_or_default(),
                also: also.collect(),
                origin,
            }
        };
        Object {
            api_version: child.kind.api_version(),
            kind: child.kind.kind,
            namespace: child.body["metadata"]["namespace"].as_str().unwrap_or_default().to_owned(),
            name: child.name.clone(),
            fields: explained.fields.iter().map(field).collect(),
        }
    }

    /// For people: the YAML of the child, with a comment behind each value. It is still YAML.
    pub fn print(&self, explained: &Explained, out: &mut dyn Write, color: bool) -> Result<()> {
        let child = &explained.child;
        let yaml = serde_yaml::to_string(&child.body)?;
        let places =
            manifest::places(yaml.as_bytes()).into_iter().next().context("what was rendered cannot be read")?;
        let mut comments: Vec<Option<Origin>> = vec![None; yaml.lines().count() + 1];
        for explanation in &explained.fields {
            let line = usize::try_from(places.closest(&explanation.field).line).unwrap_or_default();
            if let Some(comment) = comments.get_mut(line) {
                *comment = Some(self.origin(explanation));
            }
        }
        let namespace = child.body["metadata"]["namespace"].as_str().unwrap_or_default();
        writeln!(out, "---\n# {} {namespace}/{}", child.kind.kind, child.name)?;
        for (line, comment) in yaml.lines().zip(comments.iter().skip(1)) {
            let Some(origin) = comment else {
                writeln!(out, "{line}")?;
                continue;
            };
            let pad = " ".repeat(COLUMN.saturating_sub(line.width()).max(2));
            let (start, end) = if color { (origin.style(), "\x1b[0m") } else { ("", "") };
            writeln!(out, "{line}{pad}{start}# {}{end}", inert(&origin.text()))?;
        }
        Ok(())
    }
}

/// `spec.ports[0].name`.
fn written(steps: &[String]) -> String {
    let mut text = String::new();
    for step in steps {
        if index(step).is_some() || step.contains(['.', '/', '[']) {
            let _ = write!(text, "[{step}]");
        } else {
            let _ = write!(text, "{}{step}", if text.is_empty() { "" } else { "." });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_written_as_findings_write_them() {
        let check =
            |pointer: &str, expected: &str| assert_eq!(written(Pointer::parse(pointer).unwrap().segments()), expected);
        check("/spec/ports/0/name", "spec.ports[0].name");
        check("/metadata/labels/a.b~1c", "metadata.labels[a.b/c]");
        check("", "");
    }
}
