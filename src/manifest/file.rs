//! One file: its text, its documents, and all that was wrong with them.

use super::document::{Judged, judge};
use super::identify::{Identity, identify};
use super::limits::{MAX_FILE, MAX_FILE_FINDINGS, MAX_FINDINGS};
use super::places::Places;
use super::yaml::{Documents, Read, Tree, clamp};
use crate::model::pointer::Pointer;
use crate::model::{Code, Diagnostic, ParsedFile, Position, Severity};

/// How the stand-in for a file in Git LFS begins.
const LFS_POINTER: &[u8] = b"version https://git-lfs.github.com/spec/v1";

/// Reads one file: what was understood, and all that was wrong with it.
///
/// The findings have no file name; [`super::assemble`] fills it in.
pub fn parse(bytes: &[u8]) -> ParsedFile {
    let mut file = ParsedFile::default();
    match text_of(bytes) {
        Ok(text) => Documents::of(text).for_each(|read| take(&mut file, read)),
        Err(found) => {
            file.unreadable = true;
            file.diagnostics.push(*found);
        }
    }
    bound(&mut file.diagnostics);
    file
}

/// Where a document has a field: its key, or the item of a list.
///
/// The document is named by its first line, as [`crate::model::Document::start`] has it.
pub fn locate(bytes: &[u8], document_start_line: u32, pointer: &Pointer) -> Option<Position> {
    let text = text_of(bytes).ok()?;
    let root = Documents::of(text).find_map(|read| match read {
        Read::Document(Tree { root, .. }) if root.at.line == document_start_line => Some(root),
        _ => None,
    })?;
    root.locate(pointer.segments())
}

/// Where all fields of all documents stand, for whoever asks for many of one file. What cannot be read is left out.
pub fn places(bytes: &[u8]) -> Vec<Places> {
    let Ok(text) = text_of(bytes) else { return Vec::new() };
    let trees = Documents::of(text).filter_map(|read| match read {
        Read::Document(tree) => Some(tree.root),
        Read::Foreign | Read::Broken(_) => None,
    });
    trees.map(|root| Places::of(&root)).collect()
}

/// The text without byte-order mark.
pub(super) fn text_of(bytes: &[u8]) -> Result<&str, Box<Diagnostic>> {
    if bytes.len() > MAX_FILE {
        let message = format!("the file is larger than {} MiB and was not read", MAX_FILE >> 20);
        return Err(Box::new(Diagnostic::error(Code::Limit, Position::default(), message)));
    }
    if bytes.starts_with(LFS_POINTER) {
        let message = "the file is a Git LFS pointer: what it holds is not in the repository";
        let found =
            Diagnostic::error(Code::Unsupported, Position::default(), message).hint("take manifests out of Git LFS");
        return Err(Box::new(found));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| Box::new(not_utf8(bytes, error.valid_up_to())))?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

fn not_utf8(bytes: &[u8], valid_up_to: usize) -> Diagnostic {
    let valid = String::from_utf8_lossy(bytes.get(..valid_up_to).unwrap_or_default());
    let line = valid.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let column = valid.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    let at = Position { line: clamp(line), column: clamp(column), width: 1 };
    let hint = match bytes {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "this looks like UTF-16; save it as UTF-8",
        _ => "save the file as UTF-8",
    };
    Diagnostic::error(Code::Encoding, at, "the file is not UTF-8").hint(hint)
}

fn take(file: &mut ParsedFile, read: Read<'_>) {
    match read {
        Read::Foreign => file.ignored += 1,
        Read::Broken(found) => {
            file.unreadable = true;
            file.diagnostics.push(found);
        }
        Read::Document(tree) => match identify(&tree.root) {
            Identity::Other => file.ignored += 1,
            Identity::Refused { found, unreadable } => {
                file.unreadable |= unreadable;
                file.ignored += u32::from(!unreadable);
                file.diagnostics.extend(tree.findings);
                file.diagnostics.extend(found);
            }
            Identity::Ours(kind) => {
                // One finding must remain: it makes the document invalid.
                let left = MAX_FILE_FINDINGS.saturating_sub(file.diagnostics.len());
                let judged = judge(tree, kind, left.clamp(1, MAX_FINDINGS));
                keep(file, judged);
            }
        },
    }
    // What is over the bound is dropped at once, so that a hostile file stays cheap.
    if file.diagnostics.len() > 2 * MAX_FILE_FINDINGS {
        file.diagnostics.truncate(MAX_FILE_FINDINGS + 1);
    }
}

fn keep(file: &mut ParsedFile, judged: Judged) {
    file.diagnostics.extend(judged.findings);
    file.documents.extend(judged.document);
    file.quarantined.extend(judged.quarantined);
    file.unreadable |= judged.unidentified;
}

/// Puts findings in the order of the text, and says when there are too many.
pub(super) fn bound(findings: &mut Vec<Diagnostic>) {
    findings.sort_by_key(|found| (found.position, found.code));
    if findings.len() <= MAX_FILE_FINDINGS {
        return;
    }
    findings.truncate(MAX_FILE_FINDINGS);
    let at = findings.last().map(|found| found.position).unwrap_or_default();
    let found = Diagnostic::error(Code::Limit, at, format!("only the first {MAX_FILE_FINDINGS} findings are shown"));
    findings.push(Diagnostic { severity: Severity::Warning, ..found });
}
