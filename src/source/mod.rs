//! Sources: Git repositories by gix, and local folders.
