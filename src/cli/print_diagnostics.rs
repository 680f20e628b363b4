//! Findings as people read them: each with its line and a caret under the place.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Renderer, Snippet};

use super::inert::{inert, is_active};
use crate::model::{Diagnostic, Position, Severity};

/// Contents of files, by name, to show lines from.
pub type Sources = BTreeMap<Arc<str>, Vec<u8>>;

/// Prints findings, each followed by an empty line.
pub fn print(out: &mut dyn Write, found: &[Diagnostic], sources: &Sources, color: bool) -> io::Result<()> {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let lines = Lines::of(found, sources);
    found.iter().try_for_each(|found| writeln!(out, "{}\n", renderer.render(&report(found, &lines))))
}

fn report<'a>(found: &'a Diagnostic, lines: &'a Lines<'a>) -> Vec<Group<'a>> {
    let level = match found.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut group = level.primary_title(inert(&found.message)).id(found.code.as_str()).element(lines.snippet(
        &found.file,
        found.position,
        AnnotationKind::Primary,
        None,
    ));
    if let Some(related) = &found.related {
        let message = Some(inert(&related.message));
        group = group.element(lines.snippet(&related.file, related.position, AnnotationKind::Context, message));
    }
    if let Some(hint) = &found.hint {
        group = group.element(Level::HELP.message(inert(hint)));
    }
    vec![group]
}

/// The lines that findings are about, found in one walk through each file.
struct Lines<'a>(BTreeMap<(&'a str, u32), String>);

impl<'a> Lines<'a> {
    fn of(found: &'a [Diagnostic], sources: &'a Sources) -> Self {
        let places = found.iter().flat_map(|found| {
            let related = found.related.iter().map(|related| (&related.file, related.position.line));
            related.chain([(&found.file, found.position.line)])
        });
        let mut wanted: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
        for (file, line) in places {
            wanted.entry(file).or_default().push(line);
        }
        let mut lines = BTreeMap::new();
        for (file, mut numbers) in wanted {
            numbers.sort_unstable();
            let bytes = sources.get(file).map(Vec::as_slice).unwrap_or_default();
            let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
            for (number, line) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
                if numbers.binary_search(&number).is_ok() {
                    lines.insert((file, number), shown(line));
                }
            }
        }
        Self(lines)
    }

    fn snippet(
        &'a self,
        file: &'a str,
        at: Position,
        kind: AnnotationKind,
        label: Option<Cow<'a, str>>,
    ) -> Snippet<'a, Annotation<'a>> {
        let line = self.0.get(&(file, at.line)).map(String::as_str).unwrap_or_default();
        Snippet::source(line)
            .line_start(usize::try_from(at.line).unwrap_or(usize::MAX))
            .path(inert(file))
            .annotation(kind.span(span(line, at)).label(label))
    }
}

/// A line, cut to what can be shown. Characters that act are replaced one by one, so that columns stay what they are.
fn shown(line: &[u8]) -> String {
    const LONGEST: usize = 4096;
    let text = String::from_utf8_lossy(line.get(..LONGEST).unwrap_or(line));
    text.trim_end().chars().map(|c| if is_active(c) && c != '\t' { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// Characters of a place as bytes of its line; the end of the line where it is shorter.
fn span(line: &str, at: Position) -> Range<usize> {
    let offset = |column: usize| line.char_indices().nth(column).map_or(line.len(), |(offset, _)| offset);
    let column = usize::try_from(at.column.saturating_sub(1)).unwrap_or(usize::MAX);
    let width = usize::try_from(at.width.max(1)).unwrap_or(1);
    offset(column)..offset(column.saturating_add(width))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Code;
    use crate::model::diagnostic::Related;

    #[test]
    fn nothing_of_a_manifest_reaches_the_terminal_as_it_is() {
        const EVIL: &str = "a\x1b[2J\u{9b}31m\u{202e}\r\nb";
        let file: Arc<str> = EVIL.into();
        let mut found = Diagnostic::error(Code::Syntax, Position::default(), EVIL).hint(EVIL).in_file(&file);
        found.related = Some(Related { file: file.clone(), position: Position::default(), message: EVIL.into() });
        let sources = [(file, format!("x: {}", EVIL.replace('\n', "")).into_bytes())].into();
        let mut out = Vec::new();
        print(&mut out, &[found], &sources, false).unwrap();
        let printed = String::from_utf8(out).unwrap();
        assert!(!printed.chars().any(|c| c != '\n' && is_active(c)), "{printed:?}");
    }
}
