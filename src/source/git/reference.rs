//! What of a repository can be asked for beside the branch: any branch, any full ref, any commit.

use std::fmt;

use gix::ObjectId;

use crate::model::reference::Follow;
use crate::model::snapshot::CommitId;
use crate::source::SourceError;

/// A ref's full name, or a commit. Printed, it is the source of a refspec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reference {
    /// As in `refs/heads/main`.
    Name(String),
    /// By its id; not every server gives out what no ref points to.
    Commit(ObjectId),
}

impl Reference {
    /// Reads a commit's 40 digits, a full ref, or a branch.
    pub fn parse(text: &str) -> Result<Self, SourceError> {
        if let Some(commit) = CommitId::parse(text) {
            return Ok(Self::Commit(ObjectId::Sha1(commit.0)));
        }
        let refused = |why: &str| SourceError::ReferenceRefused { reference: text.to_owned(), why: why.into() };
        if text.starts_with('-') {
            return Err(refused("it starts with a dash, like an option"));
        }
        let name = if text.starts_with("refs/") { text.to_owned() } else { format!("refs/heads/{text}") };
        gix::validate::reference::name(name.as_str().into())
            .map_err(|_| refused("Git allows no such name; write a branch, a full ref like refs/pull/1/head, or all 40 digits of a commit"))?;
        Ok(Self::Name(name))
    }
}

/// Longest full name of a ref that is taken from a server: what is followed stands in statuses.
const LONGEST: usize = 255;

/// Whether a full name that a server lists can be asked for. Git itself makes no others.
pub(super) fn can_be_asked_for(name: &str) -> bool {
    name.len() <= LONGEST && gix::validate::reference::name(name.into()).is_ok()
}

/// Refuses a name that Git does not allow, or that could be taken for an option.
pub(super) fn check(follow: &Follow) -> Result<(), SourceError> {
    let Some(name) = follow.full_name() else { return Ok(()) };
    let why = if follow.to_string().starts_with('-') {
        "it starts with a dash, like an option"
    } else if gix::validate::reference::name(name.as_str().into()).is_ok() {
        return Ok(());
    } else {
        match follow {
            Follow::Branch(_) => "Git allows no such name; write the branch without refs/heads/",
            Follow::Tag(_) => "Git allows no such name; write the tag without refs/tags/",
            _ => "Git allows no such name; write a full ref like refs/pull/1/head",
        }
    };
    Err(match follow {
        Follow::Branch(branch) => SourceError::BranchRefused { branch: branch.clone(), why: why.into() },
        _ => SourceError::ReferenceRefused { reference: follow.to_string(), why: why.into() },
    })
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Commit(id) => write!(f, "{id}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_git_allows_are_accepted() {
        let check = |follow: Follow, expected: Option<&str>| {
            assert_eq!(check(&follow).err().map(|error| error.reason()), expected, "{follow:?}");
        };
        for good in ["main", "feature/x@y", "v1.2.3"] {
            check(Follow::Branch(good.into()), None);
            check(Follow::Tag(good.into()), None);
            check(Follow::Name(format!("refs/{good}/head")), None);
        }
        for odd in ["-x", "a b", "a..b", "a*", "", "a\nb", "x.lock"] {
            check(Follow::Branch(odd.into()), Some("BranchRefused"));
            check(Follow::Tag(odd.into()), Some("ReferenceRefused"));
        }
        check(Follow::Name("refs/heads/a:b".into()), Some("ReferenceRefused"));
    }

    #[test]
    fn names_that_only_a_hostile_server_lists_are_not_asked_for() {
        let check = |name: &str, expected: bool| assert_eq!(can_be_asked_for(name), expected, "{name:?}");
        check("refs/tags/v1.0.0", true);
        check("refs/tags/1.0.0+build.7", true);
        check(&format!("refs/tags/1.0.0-{}", "x".repeat(239)), true);
        check(&format!("refs/tags/1.0.0-{}", "x".repeat(240)), false);
        for odd in [
            "refs/tags/1.0.0+x.lock",
            "refs/tags/../1.0.0",
            "refs/tags/1.0.0\u{7}",
            "refs/tags/",
            "",
            "refs/tags/1.0.0~1",
        ] {
            check(odd, false);
        }
    }

    #[test]
    fn branches_full_refs_and_commits_are_told_apart() {
        let check = |text: &str, expected: Option<&str>| {
            let found = Reference::parse(text).map(|reference| reference.to_string());
            assert_eq!(found.as_deref().ok(), expected, "{text:?}");
        };
        check("main", Some("refs/heads/main"));
        check("feature/x", Some("refs/heads/feature/x"));
        check("refs/pull/1/head", Some("refs/pull/1/head"));
        check("refs/merge-requests/1/head", Some("refs/merge-requests/1/head"));
        check("0123456789012345678901234567890123456789", Some("0123456789012345678901234567890123456789"));
        check("0123456", Some("refs/heads/0123456"));
        for odd in ["", "-x", "a b", "a..b", "refs/heads/x:refs/heads/y", "refs/heads/*", "refs/"] {
            check(odd, None);
        }
    }
}
