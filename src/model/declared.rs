//! What Git says: documents of one file, and the objects of a whole revision.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::diagnostic::{Diagnostic, Position};
use super::key::{Kind, Target};
use crate::api::gitsync::DriftPolicy;

/// One valid document of ours. It does not know its file: equal blobs share it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Of which kind it is.
    pub kind: Kind,
    /// `metadata.namespace`, where the document names one.
    pub namespace: Option<Arc<str>>,
    /// `metadata.name`.
    pub name: Arc<str>,
    /// Where its first line is, and where its name is.
    pub start: Position,
    /// Position of `metadata.namespace`, where the document names one, else of the name.
    pub namespace_at: Position,
    /// The document as canonical JSON (sorted keys, no blanks): exactly what is applied, less our own marks.
    pub body: Arc<str>,
    /// SHA-256 of `body`, in hex, cut to 32 digits.
    pub hash: Arc<str>,
    /// `gitmoor.dev/drift-policy`, where the document has it.
    pub drift_policy: Option<DriftPolicy>,
    /// false where the document says `gitmoor.dev/prune: "false"`.
    pub prune: bool,
    /// `gitmoor.dev/wave`, or 0: smaller numbers are applied first.
    pub wave: i32,
}

/// A document of our group that is invalid, but whose name could be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantined {
    /// Of which kind it is.
    pub kind: Kind,
    /// `metadata.namespace`, where the document names one.
    pub namespace: Option<Arc<str>>,
    /// `metadata.name`.
    pub name: Arc<str>,
    /// Where the document starts.
    pub start: Position,
}

/// What was understood of one file, and all that was wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ParsedFile {
    /// Valid documents, in order.
    pub documents: Vec<Document>,
    /// Invalid ones whose name could be read: they keep their last good state.
    pub quarantined: Vec<Quarantined>,
    /// Documents of other groups, and our own of another kind: left alone.
    pub ignored: u32,
    /// true when some document could not be read or identified: then nothing may be pruned.
    pub unreadable: bool,
    /// All findings, in order of place, with an empty file name.
    pub diagnostics: Vec<Diagnostic>,
}

/// One object that a revision declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredObject {
    /// The file.
    pub file: Arc<str>,
    /// The document.
    pub document: Document,
}

/// Where a document begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: Arc<str>,
    /// Its first line there.
    pub start: Position,
}

/// All that a revision declares for one GitSync.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Declared {
    /// What is to be applied.
    pub objects: BTreeMap<Target, DeclaredObject>,
    /// Objects that are declared, but not validly: they are neither applied nor pruned.
    pub quarantined: BTreeMap<Target, Place>,
    /// Documents that are not ours.
    pub ignored: u32,
    /// Files that are left out.
    pub excluded: u32,
    /// true when some document could not be read or identified.
    pub unreadable: bool,
    /// Whether the tree had any YAML file under the wanted paths.
    pub files: usize,
    /// Wanted paths that the tree does not have.
    pub missing_paths: Vec<String>,
    /// All findings, by file and place.
    pub diagnostics: Vec<Diagnostic>,
}
