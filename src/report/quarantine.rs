//! Manifests that are declared, but not validly: which object each is about, where it is, and what is wrong with it.

use std::collections::BTreeMap;

use crate::api::gitsync_status::ObjectProblem;
use crate::model::declared::Place;
use crate::model::{Code, Declared, Diagnostic, Severity, Target};

/// The word for it.
pub const INVALID_MANIFEST: &str = "InvalidManifest";

/// One problem per object whose manifest is invalid, in order of name, with the first finding about it.
pub fn invalid(declared: &Declared) -> Vec<ObjectProblem> {
    let twice = declared.diagnostics.iter().filter(|found| found.code == Code::DuplicateObject);
    let twice: BTreeMap<_, _> =
        twice.filter_map(|found| found.related.as_ref().map(|first| ((&first.file, first.position), found))).collect();
    let problem = |(target, place): (&Target, &Place)| {
        let found = twice.get(&(&place.file, place.start)).copied().or_else(|| first_from(declared, place));
        ObjectProblem {
            object: target.to_string(),
            reason: INVALID_MANIFEST.into(),
            code: found.map(|found| found.code.to_string()),
            message: found.map_or_else(|| "its manifest is invalid".into(), |found| found.message.clone()),
            place: Some(found.map_or_else(|| format!("{}:{}:1", place.file, place.start.line), Diagnostic::place)),
            last_good_revision: None,
        }
    };
    declared.quarantined.iter().map(problem).collect()
}

/// The first error from the document's first line on: an invalid document has one.
fn first_from<'a>(declared: &'a Declared, place: &Place) -> Option<&'a Diagnostic> {
    let before = |found: &Diagnostic| (&found.file, found.position) < (&place.file, place.start);
    let from = declared.diagnostics.partition_point(before);
    let mut errors = declared.diagnostics[from..].iter().filter(|found| found.severity == Severity::Error);
    errors.next().filter(|found| found.file == place.file)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::diagnostic::Related;
    use crate::model::{ObjectKey, Position};

    fn at(line: u32) -> Position {
        Position { line, ..Position::default() }
    }

    #[test]
    fn each_object_has_the_first_finding_about_it() {
        let file: Arc<str> = "a.yaml".into();
        let error = |line, code, what: &str| Diagnostic::error(code, at(line), what).in_file(&file);
        let warning = Diagnostic { severity: Severity::Warning, ..error(11, Code::AmbiguousScalar, "hm") };
        let mut twice = error(41, Code::DuplicateObject, "declared twice");
        twice.related = Some(Related { file: file.clone(), position: at(1), message: "here first".into() });
        let diagnostics = vec![
            warning,
            error(13, Code::UnknownField, "replicsa"),
            error(14, Code::WrongType, "later"),
            error(25, Code::MissingField, "image"),
            twice,
        ];
        let quarantined: BTreeMap<_, _> = [("first", 1), ("one", 10), ("two", 20)]
            .map(|(name, line)| {
                (Target::service(ObjectKey::new("shop", name)), Place { file: file.clone(), start: at(line) })
            })
            .into();
        let declared = Declared { quarantined, diagnostics, ..Declared::default() };
        let found: Vec<_> =
            invalid(&declared).into_iter().map(|one| (one.object, one.code.unwrap(), one.place.unwrap())).collect();
        let expected = [
            ("shop/first", "GM301", "a.yaml:41:1"),
            ("shop/one", "GM203", "a.yaml:13:1"),
            ("shop/two", "GM205", "a.yaml:25:1"),
        ];
        assert_eq!(found, expected.map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned())));
    }
}
