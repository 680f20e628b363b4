//! What of a repository a GitSync follows: a branch, a tag, the highest of some versions, a commit, or any other ref.
//! It knows names only; which commit they stand for is for the server to say.

use std::cmp::Ordering;
use std::fmt;

use semver::{Version, VersionReq};

use super::snapshot::{CommitId, Revision};
use crate::api::gitsync::GitRef;

/// What is followed. Printed, it is the short name for people.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Follow {
    /// A branch, without `refs/heads/`.
    Branch(String),
    /// A tag, without `refs/tags/`.
    Tag(String),
    /// The tag with the highest version of a range.
    Versions(VersionRange),
    /// A commit, and nothing newer.
    Commit(CommitId),
    /// A ref by its full name, as in `refs/pull/1/head`.
    Name(String),
}

/// A ref as `spec.ref` has it is not one that can be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadReference(String);

impl Follow {
    /// Reads `spec.ref`; without one it is the branch `main`.
    pub fn of(reference: Option<&GitRef>) -> Result<Self, BadReference> {
        let Some(GitRef { branch, tag, semver, commit, name }) = reference else {
            return Ok(Self::Branch("main".to_owned()));
        };
        let bad = |why: &str| Err(BadReference(why.to_owned()));
        match (branch, tag, semver, commit, name) {
            (Some(branch), None, None, None, None) => Ok(Self::Branch(branch.clone())),
            (None, Some(tag), None, None, None) => Ok(Self::Tag(tag.clone())),
            (None, None, Some(range), None, None) => VersionRange::parse(range).map(Self::Versions),
            (None, None, None, Some(commit), None) => match CommitId::parse(commit) {
                Some(commit) => Ok(Self::Commit(commit)),
                None => bad("spec.ref.commit is not all 40 digits of a commit; write what `git rev-parse` prints"),
            },
            (None, None, None, None, Some(name)) if name.starts_with("refs/") => Ok(Self::Name(name.clone())),
            (None, None, None, None, Some(_)) => {
                bad("spec.ref.name is not a full ref; write it as in refs/pull/1/head")
            }
            _ => bad("spec.ref needs exactly one of branch, tag, semver, commit and name"),
        }
    }

    /// The full name of the ref, where there is one and it is known without the server.
    pub fn full_name(&self) -> Option<String> {
        match self {
            Self::Branch(branch) => Some(format!("refs/heads/{branch}")),
            Self::Tag(tag) => Some(format!("refs/tags/{tag}")),
            Self::Name(name) => Some(name.clone()),
            Self::Versions(_) | Self::Commit(_) => None,
        }
    }

    /// What tells it from any other; a branch is its name alone.
    pub fn identity(&self) -> String {
        match self {
            Self::Branch(branch) => branch.clone(),
            Self::Versions(range) => format!("semver:{range}"),
            Self::Commit(commit) => format!("commit:{commit}"),
            Self::Tag(_) | Self::Name(_) => self.full_name().unwrap_or_default(),
        }
    }

    /// Whether a push to a ref, by its full name, may bring something new.
    pub fn concerns(&self, pushed: &str) -> bool {
        match self {
            Self::Versions(_) => pushed.starts_with("refs/tags/"),
            Self::Commit(_) => false,
            Self::Branch(_) | Self::Tag(_) | Self::Name(_) => self.full_name().as_deref() == Some(pushed),
        }
    }

    /// Whether another commit of the same name is a rewrite, whatever it descends from: a tag names one commit for good.
    pub fn is_fixed(&self) -> bool {
        match self {
            Self::Tag(_) | Self::Versions(_) => true,
            Self::Name(name) => name.starts_with("refs/tags/"),
            Self::Branch(_) | Self::Commit(_) => false,
        }
    }

    /// Whether a branch, a full ref or a commit, as a person writes it, is just what is followed.
    pub fn is(&self, reference: &str) -> bool {
        match self {
            Self::Branch(branch) => reference.strip_prefix("refs/heads/").unwrap_or(reference) == branch,
            Self::Commit(commit) => CommitId::parse(reference) == Some(*commit),
            Self::Tag(_) | Self::Name(_) | Self::Versions(_) => self.full_name().as_deref() == Some(reference),
        }
    }

    /// The tag that a revision of it is of, where it is one of a tag.
    pub fn tag<'a>(&self, revision: &'a Revision) -> Option<&'a str> {
        matches!(self, Self::Tag(_) | Self::Versions(_)).then(|| revision.name()).flatten()
    }

    /// The revision of a commit. `tag` is the one that was chosen by its version.
    pub fn revision(&self, tag: Option<&str>, commit: &str) -> Revision {
        match self {
            Self::Branch(name) | Self::Tag(name) | Self::Name(name) => Revision::of_commit(name, commit),
            Self::Versions(_) | Self::Commit(_) => match tag {
                Some(tag) => Revision::of_commit(tag, commit),
                None => Revision(format!("sha1:{commit}").into()),
            },
        }
    }
}

impl fmt::Display for Follow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Branch(name) | Self::Tag(name) | Self::Name(name) => f.write_str(name),
            Self::Versions(range) => range.fmt(f),
            Self::Commit(commit) => commit.fmt(f),
        }
    }
}

/// A range of versions: alternatives of which a version must fit one.
///
/// A version is a tag's name, with or without a `v` before it. What has a pre-release (`1.2.0-rc.1`) fits only where the range
/// names a pre-release of just that version (`>=1.2.0-rc.0`), as Cargo has it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct VersionRange {
    text: String,
    alternatives: Vec<VersionReq>,
}

impl VersionRange {
    /// Reads `>=1.2 <2`, `^1.2`, `~1.2.3`, `1.x`, `*` and alternatives with `||`. A bare version is refused: some read `1.2.3`
    /// as just that version, others as `^1.2.3`.
    pub fn parse(text: &str) -> Result<Self, BadReference> {
        let refused = |why: String| BadReference(format!("spec.ref.semver {text:?} is not a range of versions: {why}"));
        let mut alternatives = Vec::new();
        for part in text.split("||") {
            let comparators = comparators(part);
            if comparators.is_empty() {
                return Err(refused("a part of it is empty; write * for every version".to_owned()));
            }
            if let Some(bare) = comparators.iter().find(|one| is_bare(one)) {
                return Err(refused(format!("{bare} alone is read in two ways; write ={bare}, ^{bare} or ~{bare}")));
            }
            alternatives.push(VersionReq::parse(&comparators.join(", ")).map_err(|error| refused(error.to_string()))?);
        }
        Ok(Self { text: text.trim().to_owned(), alternatives })
    }

    /// The tag with the highest version of those that fit, by the rules of Semantic Versioning.
    pub fn highest<'a>(&self, tags: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
        let fitting = tags.into_iter().filter_map(|tag| Some((version(tag)?, tag)));
        let fitting = fitting.filter(|(version, _)| self.alternatives.iter().any(|one| one.matches(version)));
        // Of two names of one version, it does not matter which, as long as it is always the same.
        let order = |(a, x): &(Version, &str), (b, y): &(Version, &str)| -> Ordering { a.cmp(b).then(x.cmp(y)) };
        fitting.max_by(order).map(|(_, tag)| tag)
    }
}

impl fmt::Display for VersionRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The version that a tag's name is.
fn version(tag: &str) -> Option<Version> {
    Version::parse(tag.strip_prefix('v').unwrap_or(tag)).ok()
}

/// The comparators of `>= 1.2, <2` or `>=1.2 <2`: an operator goes with what follows it.
fn comparators(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for word in text.split([',', ' ', '\t']).filter(|word| !word.is_empty()) {
        match found.last_mut() {
            Some(last) if last.ends_with(['<', '>', '=', '~', '^']) => last.push_str(word),
            _ => found.push(word.to_owned()),
        }
    }
    found
}

/// Whether it is a version without operator and without wildcard.
fn is_bare(comparator: &str) -> bool {
    let core = comparator.split(['-', '+']).next().unwrap_or_default();
    let wild = core.split('.').any(|part| matches!(part, "*" | "x" | "X"));
    comparator.starts_with(|first: char| first.is_ascii_digit()) && !wild
}

#[cfg(test)]
mod tests;
