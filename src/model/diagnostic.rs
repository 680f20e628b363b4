//! One finding about a manifest.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

/// A place in a file. Lines and columns count from 1; columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Position {
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
    /// How many characters the finding is about, on that line; at least 1.
    pub width: u32,
}

impl Default for Position {
    fn default() -> Self {
        Self { line: 1, column: 1, width: 1 }
    }
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth a look; the document is applied.
    Warning,
    /// The document is not applied.
    Error,
}

/// What kind of finding: stable across releases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// The text is not YAML.
    Syntax,
    /// A mapping has a key twice.
    DuplicateKey,
    /// A plain scalar that YAML 1.1, YAML 1.2 and kubectl read differently.
    AmbiguousScalar,
    /// Too large, too deep, or too many aliases.
    Limit,
    /// The file is not UTF-8.
    Encoding,
    /// A YAML feature that a manifest may not use (tags, merge keys, non-string keys).
    Unsupported,
    /// A document of our group whose kind or version is not known.
    UnknownKind,
    /// The document has no usable name.
    Unidentified,
    /// A field that the kind does not have.
    UnknownField,
    /// A value of the wrong type.
    WrongType,
    /// A required field is missing.
    MissingField,
    /// A value outside what its schema allows: enum, pattern, range, length.
    InvalidValue,
    /// A rule of the kind is violated.
    RuleViolated,
    /// An override is of something that is not rendered.
    OverrideUnmatched,
    /// The same object is declared twice.
    DuplicateObject,
    /// The manifest names a namespace that its GitSync may not write to.
    NamespaceNotAllowed,
    /// The manifest is of a kind that its GitSync may not declare.
    KindNotAllowed,
    /// An annotation of Gitmoor's has a value that it does not know.
    InvalidSetting,
    /// A rule about drift that can never decide anything.
    UselessRule,
}

impl Code {
    /// All codes, in order.
    pub const ALL: [Self; 19] = [
        Self::Syntax,
        Self::DuplicateKey,
        Self::AmbiguousScalar,
        Self::Limit,
        Self::Encoding,
        Self::Unsupported,
        Self::UnknownKind,
        Self::Unidentified,
        Self::UnknownField,
        Self::WrongType,
        Self::MissingField,
        Self::InvalidValue,
        Self::RuleViolated,
        Self::OverrideUnmatched,
        Self::UselessRule,
        Self::DuplicateObject,
        Self::NamespaceNotAllowed,
        Self::InvalidSetting,
        Self::KindNotAllowed,
    ];

    /// The stable code, `GM…`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Syntax => "GM101",
            Self::DuplicateKey => "GM102",
            Self::AmbiguousScalar => "GM103",
            Self::Limit => "GM104",
            Self::Encoding => "GM105",
            Self::Unsupported => "GM106",
            Self::UnknownKind => "GM201",
            Self::Unidentified => "GM202",
            Self::UnknownField => "GM203",
            Self::WrongType => "GM204",
            Self::MissingField => "GM205",
            Self::InvalidValue => "GM206",
            Self::RuleViolated => "GM207",
            Self::OverrideUnmatched => "GM208",
            Self::DuplicateObject => "GM301",
            Self::NamespaceNotAllowed => "GM302",
            Self::InvalidSetting => "GM303",
            Self::KindNotAllowed => "GM304",
            Self::UselessRule => "GM231",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// One finding about a manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// What kind of finding.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// File, from the root of the source. Empty in a [`crate::model::ParsedFile`], which does not know its name.
    pub file: Arc<str>,
    /// Where in the file.
    pub position: Position,
    /// What is wrong.
    pub message: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Another place that belongs to it, as the first declaration of an object that is declared twice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub related: Option<Related>,
}

/// Another place that belongs to a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Related {
    /// File, from the root of the source.
    pub file: Arc<str>,
    /// Where in the file.
    pub position: Position,
    /// What is there.
    pub message: String,
}

impl Diagnostic {
    /// An error at a place in a file that is not named yet.
    pub fn error(code: Code, position: Position, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            file: "".into(),
            position,
            message: message.into(),
            hint: None,
            related: None,
        }
    }

    /// The same with a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same in a file.
    #[must_use]
    pub fn in_file(mut self, file: &Arc<str>) -> Self {
        self.file = file.clone();
        self
    }

    /// `file:line:column`.
    pub fn place(&self) -> String {
        format!("{}:{}:{}", self.file, self.position.line, self.position.column)
    }
}
