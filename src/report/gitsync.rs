//! The status of a GitSync.
