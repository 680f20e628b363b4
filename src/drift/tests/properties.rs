//! Random objects and random edits.
