//! Before something is deleted: whether another GitSync declares it now, or may.
//!
//! An object that moves from one GitSync to another must not be deleted in between. Who no longer declares it asks the
//! others first. What they say is what they read last; so those that follow the same repository, where one commit can
//! move it, must have looked since.

use crate::model::{HoldReason, ObjectKey, Silence};

/// Another GitSync, when an object is about to be deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Other<'a> {
    /// Who it is.
    pub sync: &'a ObjectKey,
    /// Whether it may write to the object's namespace. One that may not has no say.
    pub may_write: bool,
    /// Whether it follows the same repository and ref.
    pub same_source: bool,
    /// Whether the revision that it read last declares the object, validly or not.
    pub declares: bool,
    /// Whether it has ever read a revision, or failed to.
    pub has_looked: bool,
    /// What keeps that revision from being the whole truth of now; none where it looked since the revision was found
    /// that no longer declares the object.
    pub silence: Option<Silence>,
}

/// Why an object that is no longer declared is not deleted yet; none when nobody else wants it.
pub fn claimed<'a>(others: impl IntoIterator<Item = Other<'a>>) -> Option<HoldReason> {
    let mut silent = None;
    for other in others.into_iter().filter(|other| other.may_write) {
        if other.declares {
            return Some(HoldReason::Moving(other.sync.to_string()));
        }
        if silent.is_none() {
            silent = other.may_declare().map(|why| HoldReason::MayMove(other.sync.to_string(), why));
        }
    }
    silent
}

impl Other<'_> {
    fn may_declare(&self) -> Option<Silence> {
        match self.silence {
            // One commit may have moved it there.
            Some(why) if self.same_source => Some(why),
            // Nothing is known of it yet, and that will be over in a moment.
            Some(Silence::Reading) if !self.has_looked => Some(Silence::Reading),
            // Another repository has its own time: a move between two is safe once the second declares the object.
            _ => None,
        }
    }
}

/// What tells a repository from others, however its URL is written: `https://git@host/a/b.git` and `git@host:a/b` are one.
pub fn repository(url: &str) -> String {
    let (rest, scp) = match url.split_once("://") {
        Some((_, rest)) => (rest, false),
        None => (url, true),
    };
    let (authority, path) = match rest.find(if scp { [':', '/'] } else { ['/', '/'] }) {
        Some(at) => (&rest[..at], &rest[at + 1..]),
        None => (rest, ""),
    };
    let host = authority.rsplit('@').next().unwrap_or_default();
    let host = if scp { host } else { host.split(':').next().unwrap_or_default() };
    let path = path.trim_matches('/');
    format!("{}/{}", host.to_ascii_lowercase(), path.strip_suffix(".git").unwrap_or(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn other(sync: &ObjectKey) -> Other<'_> {
        Other { sync, may_write: true, same_source: true, declares: false, has_looked: true, silence: None }
    }

    #[track_caller]
    fn check(change: impl FnOnce(&mut Other<'_>), expected: Option<HoldReason>) {
        let name = ObjectKey::new("team", "b");
        let mut one = other(&name);
        change(&mut one);
        assert_eq!(claimed([one.clone()]), expected, "{one:?}");
    }

    fn moving() -> Option<HoldReason> {
        Some(HoldReason::Moving("team/b".into()))
    }

    fn may_move(why: Silence) -> Option<HoldReason> {
        Some(HoldReason::MayMove("team/b".into(), why))
    }

    #[test]
    fn what_nobody_else_declares_goes() {
        assert_eq!(claimed([]), None);
        check(|_| (), None);
    }

    #[test]
    fn what_another_declares_stays() {
        check(|b| b.declares = true, moving());
        check(|b| (b.declares, b.same_source) = (true, false), moving());
        check(|b| (b.declares, b.silence) = (true, Some(Silence::Suspended)), moving());
    }

    #[test]
    fn who_may_not_write_there_has_no_say() {
        check(|b| (b.declares, b.may_write) = (true, false), None);
        check(|b| (b.silence, b.may_write) = (Some(Silence::Reading), false), None);
    }

    #[test]
    fn who_follows_the_same_repository_is_asked_first() {
        for why in [Silence::Reading, Silence::Suspended, Silence::Failing, Silence::Partial, Silence::Elsewhere] {
            check(|b| b.silence = Some(why), may_move(why));
        }
    }

    #[test]
    fn another_repository_is_waited_for_only_until_its_first_look() {
        for why in [Silence::Reading, Silence::Suspended, Silence::Failing, Silence::Partial, Silence::Elsewhere] {
            check(|b| (b.same_source, b.silence) = (false, Some(why)), None);
        }
        let unheard =
            |silence| move |b: &mut Other<'_>| (b.same_source, b.has_looked, b.silence) = (false, false, silence);
        check(unheard(Some(Silence::Reading)), may_move(Silence::Reading));
        check(unheard(Some(Silence::Suspended)), None);
        check(unheard(Some(Silence::Failing)), None);
    }

    #[test]
    fn who_declares_it_is_named_before_who_may() {
        let (b, c) = (ObjectKey::new("team", "b"), ObjectKey::new("team", "c"));
        let silent = Other { silence: Some(Silence::Reading), ..other(&c) };
        let declares = Other { declares: true, ..other(&b) };
        assert_eq!(claimed([silent.clone(), declares]), moving());
        assert_eq!(claimed([other(&b), silent]), Some(HoldReason::MayMove("team/c".into(), Silence::Reading)));
    }

    #[test]
    fn one_repository_has_one_name() {
        let check = |url: &str, expected: &str| assert_eq!(repository(url), expected, "{url}");
        for url in [
            "https://git.example.com/acme/deploy.git",
            "https://git.example.com/acme/deploy",
            "http://user:secret@GIT.example.com/acme/deploy/",
            "ssh://git@git.example.com:2222/acme/deploy.git",
            "git@git.example.com:acme/deploy.git",
        ] {
            check(url, "git.example.com/acme/deploy");
        }
        check("https://git.example.com/acme/deploy2", "git.example.com/acme/deploy2");
        check("file:///srv/git/a.git", "/srv/git/a");
        check("dir:///tmp/x", "/tmp/x");
        check("", "/");
    }
}
