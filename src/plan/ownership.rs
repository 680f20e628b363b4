//! Whose a live MicroService is, and when it may change hands.
//!
//! An object belongs to the GitSync that its mark names. It changes hands in two cases only: nobody owns it and the new
//! GitSync's spec allows a take-over, or its owner's newest revision does not declare it any more. What is not known of
//! the owner counts as a no.

use super::decide::Sync;
use super::standing::Standing;
use crate::api::gitsync::TakeOver;
use crate::model::{HoldReason, Silence, Target};

/// Who applied an object, by its marks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// The GitSync that asks, or an earlier one of its name.
    Ours,
    /// No GitSync: there are no marks, or they are a copy of another object's.
    Nobody,
    /// Another GitSync.
    Other {
        /// Its `namespace/name`.
        sync: String,
        /// Its UID, where the mark is there to tell.
        uid: Option<String>,
    },
}

/// What an owner says of an object that carries its marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Says {
    /// It declares it.
    Declares,
    /// It does not declare it any more.
    Nothing,
    /// What it declares now is not known.
    Unknown(Silence),
    /// There is no such GitSync any more.
    Gone,
}

/// Who knows the other GitSyncs. They are asked only about objects that are not plainly ours.
pub trait Others: Send + std::marker::Sync {
    /// What the GitSync of that name says of an object. A `uid` that is another than the GitSync's is an earlier one's.
    fn says(&self, sync: &str, uid: Option<&str>, key: &Target) -> Says;

    /// The GitSync whose ApplySet that is.
    fn parent(&self, applyset: &str) -> Option<String>;

    /// Why an object of ours that is no longer declared here is not deleted yet: see [`super::moves`].
    fn claimed(&self, key: &Target) -> Option<HoldReason>;
}

/// What decides about objects that are not ours.
#[derive(Clone, Copy)]
pub struct Rules<'a> {
    /// What the spec says of objects that nobody owns.
    pub take_over: TakeOver,
    /// The other GitSyncs.
    pub others: &'a dyn Others,
}

/// Nobody else: where one GitSync is looked at alone, what others have applied stays theirs.
#[derive(Debug, Clone, Copy)]
pub struct Alone;

impl Others for Alone {
    fn says(&self, _: &str, _: Option<&str>, _: &Target) -> Says {
        Says::Unknown(Silence::Elsewhere)
    }

    fn parent(&self, _: &str) -> Option<String> {
        None
    }

    fn claimed(&self, _: &Target) -> Option<HoldReason> {
        None
    }
}

/// What a live GitSync is known by, when it is asked about one object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// Whether it is the very GitSync of the mark, not a later one of its name.
    pub same: bool,
    /// Whether its last read revision declares the object, validly or not; none before one was read by its spec as it is.
    pub declares: Option<bool>,
    /// What keeps its last read revision from being the whole truth of now.
    pub silence: Option<Silence>,
}

impl Known {
    /// What it says.
    pub fn says(self) -> Says {
        match (self.declares, self.silence) {
            // Its look is under way: what it says in a moment is the truth.
            (_, Some(Silence::Reading)) => Says::Unknown(Silence::Reading),
            (Some(true), _) => Says::Declares,
            (_, Some(silence)) => Says::Unknown(silence),
            (None, None) => Says::Unknown(Silence::Reading),
            (Some(false), None) if self.same => Says::Nothing,
            (Some(false), None) => Says::Gone,
        }
    }
}

/// What follows for an object that exists and that the GitSync declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taking {
    /// It is ours: it is kept as declared.
    Keep,
    /// It becomes ours; from the GitSync that had it.
    Take(Option<String>),
    /// It is left alone.
    Leave(HoldReason),
}

/// Who applied an object.
pub fn owner(sync: &Sync, key: &Target, standing: &Standing, others: &dyn Others) -> Owner {
    match &standing.mark {
        Some(mark) if !key.is(&mark.object) => Owner::Nobody,
        Some(mark) if sync.key.is(&mark.sync) => Owner::Ours,
        Some(mark) => Owner::Other { sync: mark.sync.clone(), uid: Some(mark.sync_uid.clone()) },
        // The mark was taken off by hand; the label and who owns it still tell.
        // Whoever made it by hand gave it a repository that declares it.
        None if sync.is(key) => Owner::Ours,
        None => match standing.part_of.as_ref().filter(|_| standing.label_owned) {
            Some(set) if *set == sync.applyset => Owner::Ours,
            Some(set) => others.parent(set).map_or(Owner::Nobody, |parent| Owner::Other { sync: parent, uid: None }),
            None => Owner::Nobody,
        },
    }
}

/// Whether an object that exists is kept, taken or left alone.
pub fn taking(sync: &Sync, key: &Target, standing: &Standing, rules: Rules<'_>) -> Taking {
    let Rules { take_over, others } = rules;
    let unowned = take_over == TakeOver::Unowned;
    match owner(sync, key, standing, others) {
        Owner::Ours => Taking::Keep,
        Owner::Nobody if unowned => Taking::Take(None),
        Owner::Nobody => Taking::Leave(HoldReason::NotOurs),
        Owner::Other { sync: other, uid } => match others.says(&other, uid.as_deref(), key) {
            Says::Nothing => Taking::Take(Some(other)),
            Says::Gone if unowned => Taking::Take(Some(other)),
            Says::Gone => Taking::Leave(HoldReason::OwnerGone(other)),
            Says::Declares => Taking::Leave(HoldReason::OwnedByOther(other)),
            Says::Unknown(why) => Taking::Leave(HoldReason::OwnerSilent(other, why)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::SourceMark;
    use crate::model::ObjectKey;
    use crate::plan::applyset;

    fn named(name: &str) -> Sync {
        let key = ObjectKey::new("team", name);
        let applyset = applyset::id(&key.namespace, &key.name);
        Sync { uid: format!("uid-of-{name}"), key, applyset }
    }

    fn key() -> Target {
        Target::service(ObjectKey::new("team", "x"))
    }

    /// What the API server has after `name` applied the object.
    fn applied_by(name: &str) -> Standing {
        let Sync { key: sync, uid, applyset } = named(name);
        let mark = SourceMark { sync: sync.to_string(), sync_uid: uid, object: key().key.to_string() };
        Standing { mark: Some(mark), part_of: Some(applyset), label_owned: true, prune: true, ..Standing::default() }
    }

    fn without_mark(name: &str) -> Standing {
        Standing { mark: None, ..applied_by(name) }
    }

    fn copy_of(name: &str) -> Standing {
        let mut standing = applied_by(name);
        standing.mark.as_mut().unwrap().object = "team/original".into();
        standing
    }

    /// Another GitSync, `a`, that says this.
    struct Other(Says);

    impl Others for Other {
        fn says(&self, sync: &str, _: Option<&str>, _: &Target) -> Says {
            assert_eq!(sync, "team/a");
            self.0
        }

        fn claimed(&self, _: &Target) -> Option<HoldReason> {
            None
        }

        fn parent(&self, applyset: &str) -> Option<String> {
            (applyset == named("a").applyset).then(|| "team/a".to_owned())
        }
    }

    /// `b` declares an object that looks like that, while `a` says this.
    #[track_caller]
    fn check(standing: &Standing, says: Says, never: &Taking, unowned: &Taking) {
        for (take_over, expected) in [(TakeOver::Never, never), (TakeOver::Unowned, unowned)] {
            let rules = Rules { take_over, others: &Other(says) };
            assert_eq!(taking(&named("b"), &key(), standing, rules), *expected, "{take_over:?} {standing:?}");
        }
    }

    const ALL: [Says; 4] = [Says::Declares, Says::Nothing, Says::Unknown(Silence::Reading), Says::Gone];

    #[test]
    fn what_is_ours_is_kept_whatever_others_say() {
        for says in ALL {
            check(&applied_by("b"), says, &Taking::Keep, &Taking::Keep);
            check(&without_mark("b"), says, &Taking::Keep, &Taking::Keep);
        }
        let mut earlier = applied_by("b");
        earlier.mark.as_mut().unwrap().sync_uid = "earlier".into();
        check(&earlier, Says::Declares, &Taking::Keep, &Taking::Keep);
    }

    #[test]
    fn what_nobody_owns_is_taken_where_the_spec_says_so() {
        let (held, taken) = (Taking::Leave(HoldReason::NotOurs), Taking::Take(None));
        let unproven = Standing { label_owned: false, ..without_mark("a") };
        let nobodys_set = Standing { part_of: Some("applyset-of-helm".into()), ..without_mark("a") };
        for standing in [Standing::default(), copy_of("a"), copy_of("b"), unproven, nobodys_set] {
            for says in ALL {
                check(&standing, says, &held, &taken);
            }
        }
    }

    #[test]
    fn what_another_declares_is_never_taken() {
        let held = Taking::Leave(HoldReason::OwnedByOther("team/a".into()));
        check(&applied_by("a"), Says::Declares, &held, &held);
        check(&without_mark("a"), Says::Declares, &held, &held);
    }

    #[test]
    fn what_another_no_longer_declares_moves_without_a_take_over() {
        let taken = Taking::Take(Some("team/a".into()));
        check(&applied_by("a"), Says::Nothing, &taken, &taken);
        check(&without_mark("a"), Says::Nothing, &taken, &taken);
    }

    #[test]
    fn what_a_gitsync_left_behind_is_unowned() {
        let held = Taking::Leave(HoldReason::OwnerGone("team/a".into()));
        check(&applied_by("a"), Says::Gone, &held, &Taking::Take(Some("team/a".into())));
    }

    #[test]
    fn a_gitsync_that_declares_itself_is_its_own() {
        let itself = Target::gitsync(ObjectKey::new("team", "b"));
        let rules = Rules { take_over: TakeOver::Never, others: &Alone };
        assert_eq!(taking(&named("b"), &itself, &Standing::default(), rules), Taking::Keep);
        let other = Target::gitsync(ObjectKey::new("team", "c"));
        assert_eq!(taking(&named("b"), &other, &Standing::default(), rules), Taking::Leave(HoldReason::NotOurs));
    }

    #[test]
    fn an_owner_that_is_not_heard_keeps_it() {
        for why in [Silence::Reading, Silence::Suspended, Silence::Failing, Silence::Partial, Silence::Elsewhere] {
            let held = Taking::Leave(HoldReason::OwnerSilent("team/a".into(), why));
            check(&applied_by("a"), Says::Unknown(why), &held, &held);
        }
        let alone =
            taking(&named("b"), &key(), &applied_by("a"), Rules { take_over: TakeOver::Unowned, others: &Alone });
        assert_eq!(alone, Taking::Leave(HoldReason::OwnerSilent("team/a".into(), Silence::Elsewhere)));
    }

    #[test]
    fn a_gitsync_says_what_its_newest_revision_says() {
        let check = |same, declares, silence, expected| {
            assert_eq!(Known { same, declares, silence }.says(), expected, "{same} {declares:?} {silence:?}");
        };
        check(true, Some(true), None, Says::Declares);
        check(true, Some(false), None, Says::Nothing);
        check(true, None, None, Says::Unknown(Silence::Reading));
        // What was declared stays declared while nothing newer is known.
        check(true, Some(true), Some(Silence::Failing), Says::Declares);
        check(true, Some(true), Some(Silence::Reading), Says::Unknown(Silence::Reading));
        check(true, Some(false), Some(Silence::Failing), Says::Unknown(Silence::Failing));
        check(true, Some(false), Some(Silence::Suspended), Says::Unknown(Silence::Suspended));
        // A later GitSync of the name: what it declares is its own, what the earlier one left is nobody's.
        check(false, Some(true), None, Says::Declares);
        check(false, Some(false), None, Says::Gone);
        check(false, None, None, Says::Unknown(Silence::Reading));
    }
}
