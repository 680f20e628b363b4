//! A value that is not printed.

use std::fmt;

/// Holds a value, and does not print it.
#[derive(Clone, PartialEq, Eq)]
pub struct Hidden<T>(pub(in crate::source) T);

impl<T> fmt::Debug for Hidden<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}
