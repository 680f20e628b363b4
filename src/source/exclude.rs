//! What of a tree is left out: the patterns of `spec.exclude`, then those of the tree's own `.gitmoorignore` files. Both
//! mean what they mean in a `.gitignore` file; Git's own matching is used. It only tells; the listing leaves out.

use gix::bstr::BStr;
use gix::glob::pattern::Case;
use gix_ignore::Search;
use gix_ignore::search::Ignore;

/// The file with patterns for the folder that it is in, and what is below.
pub(super) const IGNORE_FILE: &str = ".gitmoorignore";
/// Bytes of one such file.
pub(super) const MAX_IGNORE_FILE: usize = 64 << 10;
/// How many of them one tree may have.
pub(super) const MAX_IGNORE_FILES: usize = 256;

/// Without `$` for what is precious: no `.gitignore` has it.
const PLAIN: Ignore = Ignore { support_precious: false };

/// Whether it takes no more than a moment to match: each star may stand for anything, and those of one pattern multiply.
pub(super) fn is_bounded(pattern: &[u8]) -> bool {
    let pairs = pattern.windows(2).filter(|pair| pair == b"**").count();
    pattern.len() <= 1024 && pairs <= 3 && pattern.iter().filter(|byte| **byte == b'*').count() <= 32
}

/// Patterns of what is left out.
#[derive(Debug)]
pub struct Excludes {
    spec: Search,
    files: Search,
    count: usize,
}

impl Excludes {
    /// Those of the spec, which go before all others.
    pub fn of(patterns: &[String]) -> Self {
        Self { spec: Search::from_overrides(patterns, PLAIN), files: Search::default(), count: 0 }
    }

    /// Those of the file in a folder. Deeper files come after those above them. None where there is too much to match.
    pub fn add(&mut self, folder: &str, content: &[u8]) -> Option<()> {
        self.count += 1;
        if !content.split(|byte| *byte == b'\n').all(is_bounded) {
            return None;
        }
        let place = std::path::Path::new(folder).join(IGNORE_FILE);
        let added = self.files.add_patterns_buffer(content, place, Some("".as_ref()), PLAIN);
        (added.is_ok() && self.count <= MAX_IGNORE_FILES).then_some(())
    }

    /// Whether an entry is left out, where no folder above it is. The last pattern that fits decides.
    pub fn has(&self, path: &str, is_folder: bool) -> bool {
        let path: &BStr = path.into();
        let fits = |search: &Search| {
            let found = search.pattern_matching_relative_path(path, Some(is_folder), Case::Sensitive)?;
            Some(!found.pattern.is_negative())
        };
        fits(&self.spec).or_else(|| fits(&self.files)).unwrap_or(false)
    }

    /// Whether a path or a folder above it is left out.
    pub fn covers(&self, path: &str, is_folder: bool) -> bool {
        let mut above = path.match_indices('/').map(|(at, _)| &path[..at]);
        above.any(|folder| self.has(folder, true)) || self.has(path, is_folder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_mean_what_they_mean_to_git() {
        let check = |patterns: &[&str], path: &str, is_folder: bool, expected: bool| {
            let patterns: Vec<String> = patterns.iter().map(ToString::to_string).collect();
            assert_eq!(Excludes::of(&patterns).has(path, is_folder), expected, "{patterns:?} {path}");
        };
        check(&["drafts/"], "apps/drafts", true, true);
        check(&["drafts/"], "apps/drafts", false, false);
        check(&["/drafts"], "apps/drafts", true, false);
        check(&["/drafts"], "drafts", true, true);
        check(&["**/drafts/**"], "apps/drafts/a.yaml", false, true);
        check(&["*.test.yaml"], "apps/a.test.yaml", false, true);
        check(&["apps/*.yaml"], "apps/deep/a.yaml", false, false);
        check(&["apps/*", "!apps/keep.yaml"], "apps/keep.yaml", false, false);
        check(&["apps/*", "!apps/keep.yaml"], "apps/other.yaml", false, true);
        check(&["a[bc].yaml"], "ab.yaml", false, true);
        check(&[], "a.yaml", false, false);
    }

    #[test]
    fn the_spec_goes_before_the_files_and_deeper_files_before_those_above() {
        let mut excludes = Excludes::of(&["!kept.yaml".to_owned()]);
        excludes.add("", b"# all of it\n*.yaml\n").unwrap();
        excludes.add("apps", b"!a.yaml\n/b.yaml\r\n").unwrap();
        let check = |path: &str, expected: bool| assert_eq!(excludes.has(path, false), expected, "{path}");
        check("kept.yaml", false);
        check("other.yaml", true);
        check("apps/a.yaml", false);
        check("apps/deep/a.yaml", false);
        check("apps/b.yaml", true);
        check("apps/kept.yaml", false);
        check("elsewhere/a.yaml", true);
    }

    #[test]
    fn what_is_below_a_folder_goes_with_it() {
        let excludes = Excludes::of(&["apps/".to_owned(), "!apps/a.yaml".to_owned()]);
        assert!(excludes.covers("apps/a.yaml", false) && excludes.covers("apps", true));
        assert!(!excludes.covers("other/a.yaml", false));
    }

    #[test]
    fn files_of_patterns_are_bounded() {
        let mut excludes = Excludes::of(&[]);
        for _ in 0..MAX_IGNORE_FILES {
            excludes.add("a", b"x").unwrap();
        }
        assert_eq!(excludes.add("a", b"x"), None);
        let check = |pattern: &str, expected: Option<()>| {
            assert_eq!(Excludes::of(&[]).add("", pattern.as_bytes()), expected, "{pattern}");
        };
        check("**/a/**/b/**\n*.yaml", Some(()));
        check("a\n**/a/**/b/**/c/**\n", None);
        check(&"*a".repeat(33), None);
        check(&"a".repeat(1025), None);
    }
}
