//! The annotation `gitmoor.dev/source`: who applied an object, and which object it was put on.

use std::fmt;

/// Who applied a MicroService. It names the object itself, too: a copy of an object keeps its
/// annotations, and must not be taken for the original when something is pruned.
///
/// Written as `sync=<namespace>/<name>; uid=<uid>; object=<namespace>/<name>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceMark {
    /// `namespace/name` of the GitSync.
    pub sync: String,
    /// UID of the GitSync: one that was deleted and made anew is another.
    pub sync_uid: String,
    /// `namespace/name` of the object that carries the mark.
    pub object: String,
}

impl fmt::Display for SourceMark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sync={}; uid={}; object={}", self.sync, self.sync_uid, self.object)
    }
}

impl SourceMark {
    /// Reads a mark; `None` when the text is not exactly one.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split("; ");
        let mut field = |key: &str| Some(parts.next()?.strip_prefix(key)?.strip_prefix('=')?.to_owned());
        let mark = Self { sync: field("sync")?, sync_uid: field("uid")?, object: field("object")? };
        parts.next().is_none().then_some(mark)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_reads_back_as_written() {
        let mark =
            SourceMark { sync: "gitmoor-system/shop".into(), sync_uid: "1-2".into(), object: "shop/orders".into() };
        assert_eq!(SourceMark::parse(&mark.to_string()), Some(mark));
    }

    #[test]
    fn anything_else_is_no_mark() {
        for text in ["", "sync=a/b", "sync=a/b; uid=1; object=c/d; more=1", "uid=1; sync=a/b; object=c/d"] {
            assert_eq!(SourceMark::parse(text), None, "{text:?}");
        }
    }
}
