//! What of a tree is looked at.

/// Folders and files of a tree, less what is left out of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Narrowing {
    /// Folders or files, relative to the root; none means the whole tree.
    pub paths: Vec<String>,
    /// Patterns as in a `.gitignore` file, relative to the root, of what is left out. They go before those of the tree's own
    /// `.gitmoorignore` files.
    pub exclude: Vec<String>,
}

impl Narrowing {
    /// These folders or files, and nothing left out but by the tree itself.
    pub fn to<T: ToString>(paths: &[T]) -> Self {
        Self { paths: paths.iter().map(ToString::to_string).collect(), exclude: Vec::new() }
    }
}
