//! Which files of a tree are wanted: the same rules for Git and for folders.

use super::SourceError;
use super::exclude::is_bounded;
use crate::model::narrowing::Narrowing;

/// Wanted folders and files, relative to the root, and what of them is not.
#[derive(Debug, Clone)]
pub(super) struct WantedPaths {
    paths: Vec<WantedPath>,
    /// Patterns as in a `.gitignore` file.
    pub exclude: Vec<String>,
}

/// One wanted path.
#[derive(Debug, Clone)]
pub(super) struct WantedPath {
    /// As it was written.
    pub given: String,
    /// With `/` between its parts and none around them; empty for the root.
    pub normal: String,
}

impl WantedPaths {
    /// Accepts `./x`, `x/` and `.`; refuses what leads out of the tree, and patterns that mean nothing.
    pub fn parse(Narrowing { paths, exclude }: &Narrowing) -> Result<Self, SourceError> {
        let mut wanted = Vec::with_capacity(paths.len().max(1));
        for given in paths {
            let normal =
                normalise(given).map_err(|why| SourceError::PathRefused { path: given.clone(), why: why.into() })?;
            wanted.push(WantedPath { given: given.clone(), normal });
        }
        if wanted.is_empty() {
            wanted.push(WantedPath { given: ".".into(), normal: String::new() });
        }
        if let Some((pattern, why)) = exclude.iter().find_map(|pattern| Some((pattern, pointless(pattern)?))) {
            return Err(SourceError::PathRefused { path: pattern.clone(), why: why.into() });
        }
        Ok(Self { paths: wanted, exclude: exclude.clone() })
    }

    pub fn iter(&self) -> std::slice::Iter<'_, WantedPath> {
        self.paths.iter()
    }
}

/// Why a pattern of what is left out is none.
fn pointless(pattern: &str) -> Option<&'static str> {
    if pattern.chars().any(char::is_control) {
        return Some("it has control characters; write each pattern as an entry of its own");
    }
    if !is_bounded(pattern.as_bytes()) {
        return Some("a pattern has up to 1024 bytes, 32 stars and 3 pairs of them");
    }
    let blank = pattern.trim().is_empty() || pattern.starts_with('#');
    blank.then_some("it is a pattern that leaves nothing out: an empty one or a comment")
}

fn normalise(path: &str) -> Result<String, &'static str> {
    if path.starts_with('/') {
        return Err("paths are relative to the repository's root; remove the slash at its start");
    }
    if path.chars().any(char::is_control) {
        return Err("it has control characters");
    }
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => return Err("`..` is not followed; write the path from the repository's root"),
            part => parts.push(part),
        }
    }
    Ok(parts.join("/"))
}

/// Whether a file's name says that it is YAML.
pub(super) fn is_yaml(name: &[u8]) -> bool {
    name.ends_with(b".yaml") || name.ends_with(b".yml")
}

/// Whether a folder is skipped for its name.
pub(super) fn is_hidden(name: &[u8]) -> bool {
    name.starts_with(b".")
}

/// A child's path below its folder's.
pub(super) fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(given: &str, expected: Result<&str, ()>) {
        let found = WantedPaths::parse(&Narrowing::to(&[given])).map(|wanted| wanted.paths[0].normal.clone());
        assert_eq!(found.as_deref().map_err(|error| assert_eq!(error.reason(), "PathRefused")), expected, "{given:?}");
    }

    #[test]
    fn paths_are_normalised_and_stay_in_the_tree() {
        check("apps/prod", Ok("apps/prod"));
        check("./apps//prod/", Ok("apps/prod"));
        check(".", Ok(""));
        check("./", Ok(""));
        check("", Ok(""));
        check("...", Ok("..."));
        check("apps/..", Err(()));
        check("../x", Err(()));
        check("/apps", Err(()));
        check("a\nb", Err(()));
    }

    #[test]
    fn no_paths_mean_the_whole_tree() {
        assert_eq!(WantedPaths::parse(&Narrowing::default()).unwrap().paths[0].normal, "");
    }

    #[test]
    fn patterns_that_leave_nothing_out_are_refused() {
        let check = |pattern: &str, ok: bool| {
            let narrowing = Narrowing { paths: Vec::new(), exclude: vec![pattern.to_owned()] };
            let reason = WantedPaths::parse(&narrowing).err().map(|error| error.reason());
            assert_eq!(reason, (!ok).then_some("PathRefused"), "{pattern:?}");
        };
        check("**/drafts/**", true);
        check("!kept.yaml", true);
        check("\\#x", true);
        check("", false);
        check(" ", false);
        check("# drafts", false);
        check("a\nb", false);
        check("**/**/**/**/a", false);
    }
}
