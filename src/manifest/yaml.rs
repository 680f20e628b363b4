//! The text of a file as a stream of documents.
//!
//! It reads on behind a document that cannot be read, and bounds what a document may cost:
//! size, depth, aliases. What a manifest may not use, but other documents may (tags, merge keys,
//! ambiguous scalars), is kept beside the document: it matters only when the document is ours.

use granit_parser::{ErrorKind, Event, Parser, ScanError, Span, StrInput};

use super::builder::{Builder, position};
use super::identify::{Group, group_of};
use super::limits::{MAX_DEPTH, MAX_DOCUMENT, MAX_DOCUMENTS};
use super::node::{Kind, Node};
use crate::model::{Code, Diagnostic, Position};

/// One document that could be read, or why not.
#[derive(Debug)]
pub(super) enum Read<'a> {
    /// A document that is not empty.
    Document(Tree<'a>),
    /// It passes a limit, and is known to be none of ours.
    Foreign,
    /// It could not be read.
    Broken(Diagnostic),
}

/// A document that could be read.
#[derive(Debug)]
pub(super) struct Tree<'a> {
    /// Its content.
    pub root: Node<'a>,
    /// What a manifest may not do.
    pub findings: Vec<Diagnostic>,
}

/// Reads document after document.
pub(super) struct Documents<'a> {
    text: &'a str,
    parser: Parser<'a, StrInput<'a>>,
    count: usize,
    ended: bool,
}

impl<'a> Documents<'a> {
    /// The documents of a text without byte-order mark.
    pub fn of(text: &'a str) -> Self {
        let options = granit_parser::options! {
            emit_comments: false,
            flow_nesting_limit: 2 * MAX_DEPTH,
            block_nesting_limit: 2 * MAX_DEPTH,
        };
        Self { text, parser: Parser::new_from_str_with_options(text, options), count: 0, ended: false }
    }

    /// Gives the rest of this document up; what is left of it is not read.
    fn skip(&mut self) {
        self.ended = !matches!(self.parser.proceed_next_document(), Ok(true));
    }

    fn broken(&mut self, found: Diagnostic, builder: Option<Builder<'a>>) -> Read<'a> {
        self.skip();
        let foreign = found.code == Code::Limit
            && builder.and_then(Builder::into_root).is_some_and(|root| group_of(&root) == Group::Other);
        if foreign { Read::Foreign } else { Read::Broken(found) }
    }
}

impl<'a> Iterator for Documents<'a> {
    type Item = Read<'a>;

    fn next(&mut self) -> Option<Read<'a>> {
        let mut builder: Option<Builder<'a>> = None;
        while !self.ended {
            let (event, span) = match self.parser.next_event()? {
                Ok(next) => next,
                Err(error) => return Some(self.broken(syntax(&error, self.text), builder)),
            };
            match (event, builder.as_mut()) {
                (Event::StreamEnd, _) => self.ended = true,
                (Event::DocumentStart(..), _) => {
                    self.count += 1;
                    if self.count > MAX_DOCUMENTS {
                        self.ended = true;
                        return Some(Read::Broken(too_many(&span)));
                    }
                    builder = Some(Builder::at(&span));
                }
                (Event::DocumentEnd, _) => {
                    let tree = builder.take().and_then(Builder::finish);
                    if let Some(tree) = tree.filter(|tree| !matches!(tree.root.kind, Kind::Null)) {
                        return Some(Read::Document(tree));
                    }
                }
                (event, Some(current)) => {
                    if let Err(found) = current.take(event, &span) {
                        return Some(self.broken(*found, builder));
                    }
                }
                (_, None) => {}
            }
        }
        None
    }
}

fn too_many(span: &Span) -> Diagnostic {
    Diagnostic::error(Code::Limit, position(span), format!("the file has more than {MAX_DOCUMENTS} documents"))
        .hint("split it; the rest of the file was not read")
}

/// The document is larger than is read.
pub(super) fn too_large(at: Position) -> Diagnostic {
    Diagnostic::error(Code::Limit, at, format!("the document is larger than {} KiB", MAX_DOCUMENT / 1024))
}

/// The document is nested deeper than is read.
pub(super) fn too_deep(at: Position) -> Diagnostic {
    Diagnostic::error(Code::Limit, at, format!("the document is nested deeper than {MAX_DEPTH} levels"))
}

fn syntax(error: &ScanError, text: &str) -> Diagnostic {
    let marker = error.marker();
    let at = Position { line: clamp(marker.line()), column: clamp(marker.col() + 1), width: 1 };
    if matches!(error.kind(), ErrorKind::RecursionLimitExceeded) {
        return too_deep(at);
    }
    let found = Diagnostic::error(Code::Syntax, at, format!("this is not YAML: {}", error.info()));
    match syntax_hint(error.kind(), text.lines().nth(marker.line().saturating_sub(1)).unwrap_or_default()) {
        Some(hint) => found.hint(hint),
        None => found,
    }
}

/// The hint at text with double braces.
pub(super) const TEMPLATE: &str =
    "this looks like a template; commit what it renders to, or keep it outside of the paths that are synced";

fn syntax_hint(kind: &ErrorKind, line: &str) -> Option<&'static str> {
    if line.contains("{{") {
        return Some(TEMPLATE);
    }
    match kind {
        ErrorKind::UnknownAnchor | ErrorKind::MissingAnchorOrAliasName => {
            Some("a value that starts with * or & must be in quotes")
        }
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabAtBlockScalarStart => Some("indent with spaces, not with tabs"),
        ErrorKind::UnexpectedCharacter { .. } => Some("put the value in quotes"),
        ErrorKind::MappingValueNotAllowed => Some("a value that has a colon and a blank in it must be in quotes"),
        ErrorKind::ExpectedFlowMappingSeparator | ErrorKind::ExpectedFlowSequenceSeparator => {
            Some("a bracket before this is not closed, or a comma is missing")
        }
        _ => None,
    }
}

pub(super) fn clamp(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}
