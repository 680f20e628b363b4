//! Decisions, one case a line.

mod budget;
mod judge;
mod properties;
mod speed;

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;

use super::decide::{LiveView, decide};
use super::ownership::Says;
use super::*;
use crate::api::SourceMark;
use crate::api::gitsync::TakeOver;
use crate::model::{Action, Declared, DeclaredObject, Document, HoldReason, Kind, ObjectKey, Position, Target};

fn sync() -> Sync {
    let key = ObjectKey::new("gitmoor-system", "shop");
    let applyset = applyset::id(&key.namespace, &key.name);
    Sync { key, uid: "uid-of-sync".into(), applyset }
}

fn key() -> Target {
    Target::service(ObjectKey::new("shop", "orders"))
}

fn object(hash: &str) -> DeclaredObject {
    DeclaredObject {
        file: "apps/orders.yaml".into(),
        document: Document {
            kind: Kind::MicroService,
            namespace: None,
            name: "orders".into(),
            start: Position { line: 3, ..Position::default() },
            namespace_at: Position::default(),
            body: json!({"metadata": {"name": "orders"}, "spec": {"image": "a:1"}}).to_string().into(),
            hash: hash.into(),
            drift_policy: None,
            prune: true,
            wave: 0,
        },
    }
}

/// What the API server has after we applied `object("h1")`.
fn applied() -> Standing {
    let sync = sync();
    Standing {
        mark: Some(SourceMark { sync: sync.key.to_string(), sync_uid: sync.uid, object: key().key.to_string() }),
        part_of: Some(sync.applyset),
        label_owned: true,
        hash: Some("h1".into()),
        path: Some("apps/orders.yaml".into()),
        prune: true,
        wave: None,
        renamed_from: None,
    }
}

fn rules() -> Rules<'static> {
    Rules { take_over: TakeOver::Never, others: &Alone }
}

/// Another GitSync that declares everything, or nothing.
struct Neighbour(bool);

impl Others for Neighbour {
    fn says(&self, _: &str, _: Option<&str>, _: &Target) -> Says {
        if self.0 { Says::Declares } else { Says::Nothing }
    }

    fn parent(&self, _: &str) -> Option<String> {
        None
    }

    fn claimed(&self, _: &Target) -> Option<HoldReason> {
        self.0.then(|| HoldReason::Moving("team/other".into()))
    }
}

fn view(standing: &Standing) -> LiveView<'_> {
    LiveView { uid: "u", resource_version: 7, deleting: false, standing }
}

#[track_caller]
fn check_declared(change: impl FnOnce(&mut Standing), hash: &str, expected: Action) {
    let mut standing = applied();
    change(&mut standing);
    assert_eq!(decide(&sync(), &key(), &object(hash), Some(view(&standing)), rules()), expected);
}

fn update() -> Action {
    Action::Update { uid: "u".into() }
}

#[test]
fn a_declared_object_is_created_updated_or_left() {
    assert_eq!(decide(&sync(), &key(), &object("h1"), None, rules()), Action::Create);
    check_declared(|_| (), "h1", Action::Unchanged);
    check_declared(|_| (), "h2", update());
    check_declared(|s| s.path = Some("old.yaml".into()), "h1", update());
    check_declared(|s| s.hash = None, "h1", update());
}

#[test]
fn what_is_not_ours_is_held_and_its_owner_named() {
    check_declared(|s| *s = Standing::default(), "h1", Action::Hold(HoldReason::NotOurs));
    let mut theirs = applied();
    theirs.mark.as_mut().unwrap().sync = "team/other".into();
    let decided = |others| decide(&sync(), &key(), &object("h1"), Some(view(&theirs)), Rules { others, ..rules() });
    assert_eq!(decided(&Neighbour(true)), Action::Hold(HoldReason::OwnedByOther("team/other".into())));
    // Once that does not declare it any more, it changes hands.
    let taken = Action::TakeOver { uid: "u".into(), resource_version: 7, from: Some("team/other".into()) };
    assert_eq!(decided(&Neighbour(false)), taken);
    let copy = |s: &mut Standing| s.mark.as_mut().unwrap().object = "shop/original".into();
    check_declared(copy, "h1", Action::Hold(HoldReason::NotOurs));
}

#[test]
fn marks_that_were_taken_off_by_hand_are_put_back() {
    check_declared(|s| s.mark = None, "h1", update());
    check_declared(|s| s.part_of = None, "h1", update());
    let lost = |s: &mut Standing| {
        s.mark = None;
        s.label_owned = false;
    };
    check_declared(lost, "h1", Action::Hold(HoldReason::NotOurs));
}

#[test]
fn a_recreated_gitsync_takes_over_again_what_it_declares() {
    check_declared(|s| s.mark.as_mut().unwrap().sync_uid = "earlier".into(), "h1", update());
}

#[test]
fn an_object_in_deletion_is_waited_for() {
    let standing = applied();
    let live = LiveView { deleting: true, ..view(&standing) };
    assert_eq!(decide(&sync(), &key(), &object("h2"), Some(live), rules()), Action::Hold(HoldReason::Terminating));
}

#[track_caller]
fn check_undeclared(change: impl FnOnce(&mut Standing), guards: &Guards, expected: &Action) {
    let mut standing = applied();
    change(&mut standing);
    assert_eq!(undeclared(&sync(), &key(), view(&standing), guards, rules()), *expected);
}

#[test]
fn only_what_is_proven_ours_is_deleted() {
    let open = Guards::default();
    check_undeclared(|_| (), &open, &Action::Delete { uid: "u".into(), resource_version: 7 });
    let unproven: [fn(&mut Standing); 5] = [
        |s| s.part_of = None,
        |s| s.label_owned = false,
        |s| s.mark = None,
        |s| s.mark.as_mut().unwrap().object = "shop/original".into(),
        |s| s.mark.as_mut().unwrap().sync_uid = "earlier".into(),
    ];
    for change in unproven {
        let mut standing = applied();
        change(&mut standing);
        let action = undeclared(&sync(), &key(), view(&standing), &open, rules());
        assert!(matches!(action, Action::Hold(HoldReason::Unproven(_))), "{standing:?}: {action:?}");
    }
    check_undeclared(|s| s.prune = false, &open, &Action::Hold(HoldReason::PruneProtected));
    let claimed = Rules { others: &Neighbour(true), ..rules() };
    let action = undeclared(&sync(), &key(), view(&applied()), &open, claimed);
    assert_eq!(action, Action::Hold(HoldReason::Moving("team/other".into())));
}

#[test]
fn a_gitsync_that_declares_itself_takes_itself_over_and_never_deletes_itself() {
    let sync = sync();
    let itself = Target::gitsync(sync.key.clone());
    let unmarked = Standing::default();
    assert_eq!(decide(&sync, &itself, &object("h1"), Some(view(&unmarked)), rules()), update());
    let namesake = Target::service(sync.key.clone());
    assert_eq!(
        decide(&sync, &namesake, &object("h1"), Some(view(&unmarked)), rules()),
        Action::Hold(HoldReason::NotOurs)
    );
    let mut standing = applied();
    standing.mark.as_mut().unwrap().object = sync.key.to_string();
    let open = Guards::default();
    assert_eq!(undeclared(&sync, &itself, view(&standing), &open, rules()), Action::Hold(HoldReason::Itself));
    assert!(matches!(undeclared(&sync, &namesake, view(&standing), &open, rules()), Action::Delete { .. }));
}

fn declared() -> Declared {
    Declared {
        objects: BTreeMap::from([(Target::service(ObjectKey::new("shop", "web")), object("h1"))]),
        files: 1,
        ..Declared::default()
    }
}

#[test]
fn guards_forbid_or_ask() {
    let check = |declared: &Declared, prunes, scope_changed, forbids: Option<HoldReason>, asks: Option<HoldReason>| {
        let guards = Guards::new(declared, prunes, scope_changed);
        assert_eq!((guards.forbids(), guards.asks()), (forbids.as_ref(), asks.as_ref()));
        assert!(
            forbids.is_none_or(|reason| !reason.is_approvable()) && asks.is_none_or(|reason| reason.is_approvable())
        );
    };
    check(&declared(), true, false, None, None);
    check(&declared(), false, false, Some(HoldReason::PruneDisabled), None);
    check(&declared(), true, true, Some(HoldReason::ScopeChanged), None);
    check(&Declared::default(), true, false, None, Some(HoldReason::EmptyTree));
    check(&Declared { unreadable: true, ..declared() }, true, false, Some(HoldReason::Unreadable), None);
    let missing = Declared { missing_paths: vec!["apps".into()], ..declared() };
    check(&missing, true, false, None, Some(HoldReason::MissingPath("apps".into())));
    let both = Declared { unreadable: true, ..missing };
    check(&both, true, false, Some(HoldReason::Unreadable), Some(HoldReason::MissingPath("apps".into())));
}

#[test]
fn the_body_is_the_document_with_our_marks() {
    let sync = sync();
    let marks = Marks { sync: &sync.key, sync_uid: &sync.uid, applyset: &sync.applyset, revision: "main@sha1:abc" };
    let body = apply_body(&key(), &object("h1"), &marks);
    assert_eq!(body["spec"], json!({"image": "a:1"}));
    assert_eq!(body["metadata"]["namespace"], "shop");
    let mut live = body.clone();
    live["metadata"]["managedFields"] = json!([{
        "manager": "gitmoor", "operation": "Apply",
        "fieldsV1": {"f:metadata": {"f:labels": {"f:applyset.kubernetes.io/part-of": {}}}}
    }]);
    assert_eq!(Standing::of(&live), applied());
}

proptest! {
    /// Whatever the marks say, a deletion has all three proofs, and no guard.
    #[test]
    fn no_deletion_without_proof(
        part_of in any::<bool>(), owned in any::<bool>(), marked in any::<bool>(), itself in any::<bool>(),
        same_uid in any::<bool>(), prune in any::<bool>(), prunes in any::<bool>(), scope in any::<bool>(), unreadable in any::<bool>(),
        claimed in any::<bool>(),
    ) {
        let mut standing = applied();
        if !part_of { standing.part_of = Some("other".into()); }
        standing.label_owned = owned;
        standing.prune = prune;
        if let Some(mark) = &mut standing.mark {
            if !itself { mark.object = "a/b".into(); }
            if !same_uid { mark.sync_uid = "x".into(); }
        }
        if !marked { standing.mark = None; }
        let declared = Declared { unreadable, ..declared() };
        let guards = Guards::new(&declared, prunes, scope);
        let key = key();
        let plan = super::plan(&sync(), &declared, |_| None, [(&key, view(&standing))], &guards, Rules { others: &Neighbour(claimed), ..rules() });
        let deleted = plan.changes.iter().any(|change| matches!(change.action, Action::Delete { .. }));
        let allowed = part_of && owned && marked && itself && same_uid && prune && prunes && !scope && !unreadable && !claimed;
        prop_assert_eq!(deleted, allowed);
    }
}
