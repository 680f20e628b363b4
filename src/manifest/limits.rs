//! What a file, a document and its findings may cost.

/// Largest file, in bytes.
pub(super) const MAX_FILE: usize = 20 << 20;
/// Largest document, in bytes. The API server takes 1.5 MiB with everything that it adds.
pub(super) const MAX_DOCUMENT: usize = 1 << 20;
/// Most documents in one file.
pub(super) const MAX_DOCUMENTS: usize = 20_000;
/// Deepest nesting.
pub(super) const MAX_DEPTH: usize = 64;
/// Memory that anchors and aliases of one document may take, roughly, in bytes.
pub(super) const MAX_ALIASED: usize = 4 << 20;
/// Most findings of one document that are kept.
pub(super) const MAX_FINDINGS: usize = 100;
/// Most findings of one file that are kept.
pub(super) const MAX_FILE_FINDINGS: usize = 2_000;
