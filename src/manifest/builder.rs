//! From the events of one document to its tree.

use std::borrow::Cow;
use std::collections::HashMap;

use granit_parser::{Event, ScalarStyle, Span, Tag};

use super::limits::{MAX_ALIASED, MAX_DEPTH, MAX_DOCUMENT, MAX_FINDINGS};
use super::node::{Entry, Kind, Mapping, Node};
use super::scalar::{Scalar, resolve};
use super::yaml::{TEMPLATE, Tree, clamp, too_deep, too_large};
use crate::model::diagnostic::Related;
use crate::model::{Code, Diagnostic, Position};

/// Builds the tree of one document.
#[derive(Debug)]
pub(super) struct Builder<'a> {
    start: Position,
    start_byte: usize,
    open: Vec<Open<'a>>,
    root: Option<Node<'a>>,
    anchors: HashMap<usize, Node<'a>>,
    aliased: usize,
    findings: Vec<Diagnostic>,
}

/// A collection whose end has not come yet.
#[derive(Debug)]
struct Open<'a> {
    at: Position,
    anchor: usize,
    /// A finding says that it cannot be used.
    refused: bool,
    content: Content<'a>,
}

#[derive(Debug)]
enum Content<'a> {
    List(Vec<Node<'a>>),
    Map { mapping: Mapping<'a>, index: HashMap<Cow<'a, str>, usize>, key: Option<Key<'a>> },
}

/// A key whose value has not come yet.
#[derive(Debug)]
enum Key<'a> {
    Named(Cow<'a, str>, Position),
    /// Its value is read and dropped.
    Refused,
}

/// Up to here a mapping is searched from its start.
const SMALL: usize = 16;

type Result<T> = std::result::Result<T, Box<Diagnostic>>;

impl<'a> Builder<'a> {
    /// A document that starts here.
    pub fn at(span: &Span) -> Self {
        Self {
            start: position(span),
            start_byte: span.start.byte_offset().unwrap_or_default(),
            open: Vec::new(),
            root: None,
            anchors: HashMap::new(),
            aliased: 0,
            findings: Vec::new(),
        }
    }

    /// Takes the next event. An error says that the document cannot be read to its end.
    pub fn take(&mut self, event: Event<'a>, span: &Span) -> Result<()> {
        if span.end.byte_offset().unwrap_or_default().saturating_sub(self.start_byte) > MAX_DOCUMENT {
            return Err(Box::new(too_large(self.start)));
        }
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let node = self.scalar(text, style, tag.as_deref(), span);
                self.complete(node, anchor)
            }
            Event::SequenceStart(_, anchor, tag) => self.open(anchor, tag.as_deref(), span, Content::List(Vec::new())),
            Event::MappingStart(_, anchor, tag) => {
                let content = Content::Map { mapping: Mapping::default(), index: HashMap::new(), key: None };
                self.open(anchor, tag.as_deref(), span, content)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Alias(anchor) => self.alias(anchor, span),
            _ => Ok(()),
        }
    }

    /// The document, when it has one.
    pub fn finish(self) -> Option<Tree<'a>> {
        Some(Tree { root: self.root?, findings: self.findings })
    }

    /// What is known of the outermost mapping of a document that cannot be read to its end.
    pub fn into_root(self) -> Option<Node<'a>> {
        let outermost = self.open.into_iter().next().map(|open| node(open.at, open.content.into_kind()));
        self.root.or(outermost)
    }

    fn found(&mut self, code: Code, at: Position, message: impl Into<String>, hint: impl Into<String>) {
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(Diagnostic::error(code, at, message).hint(hint));
        }
    }

    fn scalar(&mut self, text: Cow<'a, str>, style: ScalarStyle, tag: Option<&Tag>, span: &Span) -> Node<'a> {
        let mut at = position(span);
        let plain = matches!(style, ScalarStyle::Plain);
        let block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
        if span.start.index() == span.end.index() {
            at.width = 0;
        }
        let kind = match tag {
            None if plain && self.expects_key() && text == "<<" => {
                self.found(Code::Unsupported, at, "merge keys are not supported", "write the fields out");
                Kind::Unclear
            }
            None if plain => self.plain(text, at),
            None => Kind::String(text),
            Some(tag) => self.tagged(text, tag, at, span),
        };
        Node { at, end: last_line(span, block), kind }
    }

    fn plain(&mut self, text: Cow<'a, str>, at: Position) -> Kind<'a> {
        match resolve(&text) {
            Scalar::Null => Kind::Null,
            Scalar::Bool(value) => Kind::Bool(value),
            Scalar::Number(number) => Kind::Number(number),
            Scalar::Text => Kind::String(text),
            Scalar::Ambiguous(odd) => {
                let message = format!("tools disagree about this: some read it as {}", odd.read_as());
                let hint = if self.expects_key() { "put it in quotes" } else { odd.hint() };
                self.found(Code::AmbiguousScalar, at, message, hint);
                Kind::Unclear
            }
        }
    }

    fn tagged(&mut self, text: Cow<'a, str>, tag: &Tag, at: Position, span: &Span) -> Kind<'a> {
        let non_specific = tag.handle().is_empty() && tag.suffix() == "!" || tag.original() == "!";
        if non_specific || tag.is_yaml_core_schema_tag("str") {
            return Kind::String(text);
        }
        let fits = |suffix: &str| tag.is_yaml_core_schema_tag(suffix);
        match resolve(&text) {
            Scalar::Null if fits("null") => Kind::Null,
            Scalar::Bool(value) if fits("bool") => Kind::Bool(value),
            Scalar::Number(number) if fits("int") && !number.is_f64() || fits("float") => Kind::Number(number),
            _ => {
                self.refuse_tag(tag, span, at);
                Kind::Unclear
            }
        }
    }

    fn refuse_tag(&mut self, tag: &Tag, span: &Span, at: Position) {
        let at = span.tag_span().map_or(at, |span| position(&span));
        let message = format!("the tag {} is not supported here", tag.original());
        self.found(Code::Unsupported, at, message, "remove the tag");
    }

    fn open(&mut self, anchor: usize, tag: Option<&Tag>, span: &Span, content: Content<'a>) -> Result<()> {
        let at = Position { width: 1, ..position(span) };
        if self.open.len() >= MAX_DEPTH {
            return Err(Box::new(too_deep(at)));
        }
        let suffix = if matches!(content, Content::List(_)) { "seq" } else { "map" };
        let refused = tag.filter(|tag| !tag.is_yaml_core_schema_tag(suffix) && tag.original() != "!");
        if let Some(tag) = refused {
            self.refuse_tag(tag, span, at);
        }
        // Whatever its tag, the document must still be told whose it is.
        let refused = refused.is_some() && !self.open.is_empty();
        self.open.push(Open { at, anchor, refused, content });
        Ok(())
    }

    fn close(&mut self) -> Result<()> {
        let Some(open) = self.open.pop() else { return Ok(()) };
        let at = open.place();
        let kind = if open.refused { Kind::Unclear } else { open.content.into_kind() };
        self.complete(node(at, kind), open.anchor)
    }

    fn alias(&mut self, anchor: usize, span: &Span) -> Result<()> {
        let at = position(span);
        let Some(target) = self.anchors.get(&anchor) else {
            self.found(Code::Unsupported, at, "an alias to a value that it is itself a part of", "write the value out");
            return self.complete(node(at, Kind::Unclear), 0);
        };
        if self.open.len() + target.height() > MAX_DEPTH {
            return Err(Box::new(too_deep(at)));
        }
        let mut node = self.copy(&target.clone(), at)?;
        (node.at, node.end) = (at, at.line);
        self.complete(node, 0)
    }

    /// Copies what an anchor names, as long as all copies together stay small.
    fn copy(&mut self, node: &Node<'a>, at: Position) -> Result<Node<'a>> {
        self.aliased += node.weight();
        if self.aliased > MAX_ALIASED {
            let found = Diagnostic::error(Code::Limit, at, "the aliases of this document expand to too much");
            return Err(Box::new(found.hint("write the values out, or declare less in one document")));
        }
        Ok(node.clone())
    }

    /// A node is complete: it goes into what is open.
    fn complete(&mut self, mut node: Node<'a>, anchor: usize) -> Result<()> {
        if anchor != 0 {
            let copy = self.copy(&node, node.at)?;
            self.anchors.insert(anchor, copy);
        }
        if self.expects_key() {
            self.take_key(node);
            return Ok(());
        }
        match self.open.last_mut().map(|open| &mut open.content) {
            None => self.root = Some(visible(node, self.start)),
            Some(Content::List(items)) => {
                node.at.width = node.at.width.max(1);
                items.push(node);
            }
            Some(Content::Map { key, .. }) => {
                if let Some(Key::Named(key, key_at)) = key.take() {
                    self.take_entry(Entry { key, key_at, value: visible(node, key_at) });
                }
            }
        }
        Ok(())
    }

    fn take_key(&mut self, node: Node<'a>) {
        let is_root = self.is_root();
        let collection = matches!(node.kind, Kind::Map(_) | Kind::List(_));
        let key = self.key(node);
        if let Some(Open { content: Content::Map { key: slot, mapping, .. }, refused, .. }) = self.open.last_mut() {
            mapping.partial |= matches!(key, Key::Refused);
            // What braces in braces stood for is not known; but the document must still be told whose it is.
            *refused |= collection && !is_root;
            *slot = Some(key);
        }
    }

    fn take_entry(&mut self, entry: Entry<'a>) {
        let (is_root, key_at) = (self.is_root(), entry.key_at);
        let Some(Open { content: Content::Map { mapping, index, .. }, .. }) = self.open.last_mut() else { return };
        // Behind a missing `---` every key is there twice: that is one mistake.
        let second_document =
            |mapping: &Mapping<'_>| is_root && mapping.repeated.iter().any(|other| other.key == "apiVersion");
        let told = second_document(mapping);
        if let Some(first) = insert(mapping, index, entry) {
            let second_document = second_document(mapping);
            if !told {
                self.duplicate(key_at, first, second_document);
            }
        }
    }

    /// Whether what is open is the document itself.
    fn is_root(&self) -> bool {
        self.open.len() == 1
    }

    fn expects_key(&self) -> bool {
        matches!(self.open.last(), Some(Open { content: Content::Map { key: None, .. }, .. }))
    }

    fn key(&mut self, node: Node<'a>) -> Key<'a> {
        let at = Position { width: node.at.width.max(1), ..node.at };
        match node.kind {
            Kind::String(name) => return Key::Named(name, at),
            Kind::Unclear => {}
            _ => {
                let message = format!("a key must be a string, and this is {}", node.describe());
                let hint = match node.kind {
                    Kind::Map(_) => TEMPLATE,
                    _ => "put the key in quotes",
                };
                self.found(Code::Unsupported, at, message, hint);
            }
        }
        Key::Refused
    }

    fn duplicate(&mut self, at: Position, first: Position, second_document: bool) {
        if self.findings.len() < MAX_FINDINGS {
            let mut found = Diagnostic::error(Code::DuplicateKey, at, "this key is in the mapping twice");
            found.related = Some(Related { file: "".into(), position: first, message: "it is here first".into() });
            let hint = if second_document { "is a line with --- missing before it?" } else { "keep one of the two" };
            self.findings.push(found.hint(hint));
        }
    }
}

impl Open<'_> {
    /// A mapping without braces starts with its first key, and is shown there.
    fn place(&self) -> Position {
        let Content::Map { mapping, .. } = &self.content else { return self.at };
        let first = mapping.entries.first().map(|entry| entry.key_at);
        first.filter(|key| (key.line, key.column) == (self.at.line, self.at.column)).unwrap_or(self.at)
    }
}

impl<'a> Content<'a> {
    fn into_kind(self) -> Kind<'a> {
        match self {
            Self::List(items) => Kind::List(items),
            Self::Map { mapping, .. } => Kind::Map(mapping),
        }
    }
}

/// Adds an entry; the place of the first one when the key is there already. The first one stays.
fn insert<'a>(
    mapping: &mut Mapping<'a>,
    index: &mut HashMap<Cow<'a, str>, usize>,
    entry: Entry<'a>,
) -> Option<Position> {
    let entries = &mut mapping.entries;
    if entries.len() == SMALL {
        index.extend(entries.iter().enumerate().map(|(at, entry)| (entry.key.clone(), at)));
    }
    let first = if entries.len() < SMALL {
        entries.iter().position(|other| other.key == entry.key)
    } else {
        index.get(&entry.key).copied()
    };
    if let Some(first) = first.and_then(|first| entries.get_mut(first)) {
        // Which of the two is meant is not known, so nothing is said about either.
        if !matches!(first.value.kind, Kind::Unclear) {
            let unclear = node(first.value.at, Kind::Unclear);
            let value = std::mem::replace(&mut first.value, unclear);
            mapping.repeated.push(Entry { key: first.key.clone(), key_at: first.key_at, value });
        }
        mapping.repeated.push(entry);
        return Some(first.key_at);
    }
    if entries.len() >= SMALL {
        index.insert(entry.key.clone(), entries.len());
    }
    entries.push(entry);
    None
}

/// An empty value has no place of its own: its key's is shown.
fn visible(mut node: Node<'_>, instead: Position) -> Node<'_> {
    if node.at.width == 0 {
        node.at = Position { width: instead.width.max(1), ..instead };
    }
    node
}

/// A node of one line, or of as many as what is in it takes.
fn node(at: Position, kind: Kind<'_>) -> Node<'_> {
    Node { at, end: at.line, kind }
}

/// The last line of a scalar. A block of text, which has lines of its own, ends where the next thing begins.
fn last_line(span: &Span, block: bool) -> u32 {
    let (start, end) = (span.start.line(), span.end.line());
    clamp(if block && end > start { end - 1 } else { end })
}

/// Where a span starts, and how far it goes on that line.
pub(super) fn position(span: &Span) -> Position {
    let (start, end) = (span.start, span.end);
    let width = if start.line() == end.line() { end.col().saturating_sub(start.col()) } else { 1 };
    Position { line: clamp(start.line()), column: clamp(start.col() + 1), width: clamp(width.max(1)) }
}
