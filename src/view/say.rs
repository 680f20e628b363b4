//! How revisions, commits and numbers are said. Pure.

use crate::model::Revision;

/// A revision for people.
pub fn short(revision: &str) -> String {
    Revision(revision.into()).short()
}

/// The commit of a revision such as `main@sha1:<commit>`, or of what is written like one.
pub fn commit(revision: &str) -> &str {
    revision.rsplit([':', '@']).next().unwrap_or(revision)
}

/// The beginning of a commit's id.
pub fn short_commit(revision: &str) -> &str {
    let commit = commit(revision);
    commit.get(..7).unwrap_or(commit)
}

/// `1 deletion`, `2 deletions`.
pub fn count(number: usize, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
}
