//! Which files of a tree are wanted: the same rules for Git and for folders.

use super::SourceError;

/// Wanted folders and files, relative to the root; none means the whole tree.
#[derive(Debug, Clone)]
pub(super) struct WantedPaths(Vec<WantedPath>);

/// One wanted path.
#[derive(Debug, Clone)]
pub(super) struct WantedPath {
    /// As it was written.
    pub given: String,
    /// With `/` between its parts and none around them; empty for the root.
    pub normal: String,
}

impl WantedPaths {
    /// Accepts `./x`, `x/` and `.`; refuses what leads out of the tree.
    pub fn parse(paths: &[String]) -> Result<Self, SourceError> {
        let mut wanted = Vec::with_capacity(paths.len().max(1));
        for given in paths {
            let normal =
                normalise(given).map_err(|why| SourceError::PathRefused { path: given.clone(), why: why.into() })?;
            wanted.push(WantedPath { given: given.clone(), normal });
        }
        if wanted.is_empty() {
            wanted.push(WantedPath { given: ".".into(), normal: String::new() });
        }
        Ok(Self(wanted))
    }

    pub fn iter(&self) -> std::slice::Iter<'_, WantedPath> {
        self.0.iter()
    }
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
        let found = WantedPaths::parse(&[given.to_owned()]).map(|paths| paths.0[0].normal.clone());
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
        assert_eq!(WantedPaths::parse(&[]).unwrap().0[0].normal, "");
    }
}
