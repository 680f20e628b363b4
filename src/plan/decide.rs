//! One decision per object. Deletions are candidates only: all of a plan are judged together in [`super::judge`].

use super::guards::Guards;
use super::ownership::{Rules, Taking, taking};
use super::standing::Standing;
use crate::model::{Action, Change, Declared, DeclaredObject, HoldReason, Kind, ObjectKey, Plan, Target};

/// The GitSync that plans.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sync {
    /// Its name.
    pub key: ObjectKey,
    /// Its UID.
    pub uid: String,
    /// Its ApplySet id.
    pub applyset: String,
}

impl Sync {
    /// Whether the object is this GitSync.
    pub fn is(&self, target: &Target) -> bool {
        target.kind == Kind::GitSync && target.key == self.key
    }
}

/// What a live object looks like to the plan.
#[derive(Debug, Clone, Copy)]
pub struct LiveView<'a> {
    /// Its UID.
    pub uid: &'a str,
    /// Its resourceVersion.
    pub resource_version: u64,
    /// Whether it is being deleted.
    pub deleting: bool,
    /// Its marks.
    pub standing: &'a Standing,
}

/// The whole plan: creations and updates in order of name, then deletions, which [`super::judge`] may hold.
///
/// `live` answers for any object; `members` are the live objects that say they are part of the sync's ApplySet.
pub fn plan<'a>(
    sync: &Sync,
    declared: &Declared,
    live: impl Fn(&Target) -> Option<LiveView<'a>>,
    members: impl IntoIterator<Item = (&'a Target, LiveView<'a>)>,
    guards: &Guards,
    rules: Rules<'_>,
) -> Plan {
    let mut changes: Vec<Change> = declared
        .objects
        .iter()
        .map(|(key, object)| Change { key: key.clone(), action: decide(sync, key, object, live(key), rules) })
        .collect();
    let known = |key: &Target| declared.objects.contains_key(key) || declared.quarantined.contains_key(key);
    let mut gone: Vec<Change> = members
        .into_iter()
        .filter(|(key, view)| !known(key) && !view.deleting)
        .map(|(key, view)| Change { key: key.clone(), action: undeclared(sync, key, view, guards, rules) })
        .collect();
    gone.sort_by(|a, b| a.key.cmp(&b.key));
    changes.append(&mut gone);
    Plan { changes }
}

/// What to do about an object that Git declares.
pub fn decide(
    sync: &Sync,
    key: &Target,
    object: &DeclaredObject,
    live: Option<LiveView<'_>>,
    rules: Rules<'_>,
) -> Action {
    let Some(live) = live else { return Action::Create };
    if live.deleting {
        return Action::Hold(HoldReason::Terminating);
    }
    match taking(sync, key, live.standing, rules) {
        Taking::Keep => {}
        Taking::Take(from) => {
            return Action::TakeOver { uid: live.uid.to_owned(), resource_version: live.resource_version, from };
        }
        Taking::Leave(reason) => return Action::Hold(reason),
    }
    if is_current(sync, object, live.standing) {
        return Action::Unchanged;
    }
    Action::Update { uid: live.uid.to_owned() }
}

/// Whether an object that Git declares is as it should be, whatever others say of it.
pub fn is_as_declared(sync: &Sync, key: &Target, object: &DeclaredObject, live: Option<LiveView<'_>>) -> bool {
    live.is_some_and(|live| {
        let own = live.standing.mark.as_ref().is_some_and(|mark| key.is(&mark.object));
        own && !live.deleting && is_current(sync, object, live.standing)
    })
}

/// What to do about an object that says it is part of our set and that Git does not declare.
///
/// It may be deleted only if three things prove that this GitSync applied this object: the label, an Apply entry of ours
/// that owns the label, and a mark that names the object itself and this GitSync's UID; and only if no other GitSync
/// declares it.
pub fn undeclared(sync: &Sync, key: &Target, live: LiveView<'_>, guards: &Guards, rules: Rules<'_>) -> Action {
    let standing = live.standing;
    if sync.is(key) {
        return Action::Hold(HoldReason::Itself);
    }
    let unproven = |what| Action::Hold(HoldReason::Unproven(what));
    if standing.part_of.as_ref() != Some(&sync.applyset) {
        return unproven("it is not part of this GitSync's set");
    }
    if !standing.label_owned {
        return unproven("its membership label was not applied by Gitmoor");
    }
    match &standing.mark {
        None => return unproven("it has no readable mark of its source"),
        Some(mark) if !key.is(&mark.object) => return unproven("its mark names another object: it is a copy"),
        Some(mark) if mark.sync_uid != sync.uid => {
            return unproven("it was applied by another GitSync, or an earlier one of this name");
        }
        Some(_) => {}
    }
    if !standing.prune {
        return Action::Hold(HoldReason::PruneProtected);
    }
    match guards.forbids().cloned().or_else(|| rules.others.claimed(key)) {
        Some(reason) => Action::Hold(reason),
        None => Action::Delete { uid: live.uid.to_owned(), resource_version: live.resource_version },
    }
}

fn is_current(sync: &Sync, object: &DeclaredObject, standing: &Standing) -> bool {
    standing.hash.as_deref() == Some(&*object.document.hash)
        && standing.path.as_deref() == Some(&*object.file)
        && standing.part_of.as_ref() == Some(&sync.applyset)
        && standing.mark.as_ref().is_some_and(|mark| mark.sync_uid == sync.uid)
}
