//! Manifests: bytes of one file to documents and diagnostics, and the files of a revision to what it declares.
