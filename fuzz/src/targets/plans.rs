//! Plans over whatever a cluster and a status may say: nothing is deleted without proof, nothing that is declared, protected or
//! somebody else's, nothing beyond the budget that no person approved, and never the last object.

use std::collections::BTreeMap;

use gitmoor::api::gitsync::TakeOver;
use gitmoor::api::gitsync_status::Deletions;
use gitmoor::api::names::{PART_OF, PRUNE, SOURCE, SOURCE_HASH, SOURCE_PATH};
use gitmoor::manifest::parse;
use gitmoor::model::declared::Place;
use gitmoor::model::{Action, Declared, DeclaredObject, HoldReason, Kind, ObjectKey, Position, Target};
use gitmoor::plan::decide::LiveView;
use gitmoor::plan::ownership::Says;
use gitmoor::plan::{
    Approved, Budget, Case, Doomed, Guards, Marks, Others, Rules, Standing, Sync, apply_body, applyset, approval,
    judge, plan,
};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde_json::{Value, json};

use super::choices::Choices;

const UID: &str = "uid-of-sync";
const OBJECTS: usize = 12;

/// What a person, a copy or another GitSync left of the marks of one object, and what Git says of it.
struct One {
    key: Target,
    live: Option<Value>,
    declared: bool,
    quarantined: bool,
    claimed: bool,
}

/// All other GitSyncs.
struct Neighbours<'a> {
    says: Says,
    claimed: Vec<&'a Target>,
}

impl Others for Neighbours<'_> {
    fn says(&self, _: &str, _: Option<&str>, _: &Target) -> Says {
        self.says
    }

    fn parent(&self, _: &str) -> Option<String> {
        (self.says != Says::Gone).then(|| "shop/other".to_owned())
    }

    fn claimed(&self, key: &Target) -> Option<HoldReason> {
        self.claimed.contains(&key).then(|| HoldReason::Moving("shop/other".to_owned()))
    }
}

pub fn run(data: &[u8]) {
    let mut choices = Choices::of(data);
    let flags = choices.below(256);
    let flag = |at: usize| flags >> at & 1 == 1;
    let ours = ObjectKey::new("gitmoor-system", "shop");
    let sync = Sync { applyset: applyset::id(&ours.namespace, &ours.name), uid: UID.to_owned(), key: ours };
    let says = choices.pick(&[Says::Declares, Says::Nothing, Says::Gone]);
    let count = choices.below(OBJECTS);
    let all: Vec<One> = (0..count).map(|number| one(number, &sync, &mut choices)).collect();

    let declared = declared(&all, flag(0), flag(1));
    let guards = Guards::new(&declared, !flag(2), flag(3));
    let neighbours = Neighbours { says, claimed: all.iter().filter(|one| one.claimed).map(|one| &one.key).collect() };
    let take_over = if flag(4) { TakeOver::Unowned } else { TakeOver::Never };
    let rules = Rules { take_over, others: &neighbours };

    let standings: Vec<Option<Standing>> = all.iter().map(|one| one.live.as_ref().map(Standing::of)).collect();
    let view = |number: usize| {
        let (live, standing) = (all[number].live.as_ref()?, standings[number].as_ref()?);
        let deleting = live["metadata"].get("deletionTimestamp").is_some();
        Some(LiveView { uid: "u", resource_version: 7, deleting, standing })
    };
    let find = |key: &Target| all.iter().position(|one| one.key == *key).and_then(view);
    let members = || all.iter().enumerate().filter_map(|(number, one)| Some((&one.key, view(number)?)));
    let made = plan(&sync, &declared, find, members(), &guards, rules);
    assert_eq!(made, plan(&sync, &declared, find, members(), &guards, rules), "the same is planned twice");

    let mut doomed = Vec::new();
    for change in &made.changes {
        let one = all.iter().find(|one| one.key == change.key).expect("nothing else is changed");
        match &change.action {
            Action::Delete { .. } => {
                assert!(!one.declared && !one.quarantined, "{} is declared", one.key);
                assert!(!one.claimed && guards.forbids().is_none() && !flag(2) && !flag(3), "{} must stay", one.key);
                let live = one.live.as_ref().expect("what is deleted is there");
                assert!(is_proven(live, &one.key, &sync), "{} is not proven ours: {live}", one.key);
                doomed.push(Doomed { key: one.key.clone(), uid: "u".into() });
            }
            Action::TakeOver { from, .. } => {
                assert!(one.declared, "{} is not declared", one.key);
                assert!(from.is_some() || take_over == TakeOver::Unowned, "{} is nobody's to take", one.key);
                assert!(from.is_none() || says != Says::Declares, "{} is somebody else's", one.key);
            }
            Action::Create => assert!(one.declared && one.live.is_none(), "{} is there", one.key),
            Action::Update { .. } | Action::Unchanged => assert!(one.declared && one.live.is_some(), "{}", one.key),
            Action::Hold(reason) => assert!(!reason.message().is_empty()),
        }
    }
    let creations = made.changes.iter().filter(|change| change.action == Action::Create).count();
    let stay = all.iter().filter(|one| one.live.is_some()).count() - doomed.len();
    deletions(&doomed, stay, creations, &guards, &mut choices);
    for (key, object) in &declared.objects {
        let marks = Marks { sync: &sync.key, sync_uid: UID, applyset: &sync.applyset, revision: "main@sha1:1" };
        let body = apply_body(&key.key, object, &marks);
        assert!(is_proven(&owned(body), key, &sync), "what we apply is ours");
    }
}

fn one(number: usize, sync: &Sync, choices: &mut Choices<'_>) -> One {
    let key = Target::service(ObjectKey::new("shop", format!("s{number}")));
    let marks = choices.below(256);
    let flag = |at: usize| marks >> at & 1 == 1;
    let live = (!flag(0)).then(|| live(&key, sync, choices));
    One { declared: flag(1), quarantined: flag(2) && !flag(1), claimed: flag(3) && flag(4), key, live }
}

/// An object as it may live, from wholly ours to nobody's.
fn live(key: &Target, sync: &Sync, choices: &mut Choices<'_>) -> Value {
    let name = key.key.to_string();
    let mark = |sync: &str, uid: &str, object: &str| json!(format!("sync={sync}; uid={uid}; object={object}"));
    let (own, other) = (sync.key.to_string(), applyset::id("shop", "other"));
    let source = match choices.below(12) {
        0 => Value::Null,
        1 => mark(&own, "uid-of-an-earlier-one", &name),
        2 => mark(&own, UID, "shop/original"),
        3 => mark("shop/other", "uid-of-another", &name),
        4 => json!(format!("sync={own}; uid={UID}; object={name}; ")),
        5 => json!(format!("uid={UID}; sync={own}; object={name}")),
        6 => json!(7),
        _ => mark(&own, UID, &name),
    };
    let part_of = match choices.below(8) {
        0 => Value::Null,
        1 => json!(other),
        2 => json!(format!("{} ", sync.applyset)),
        _ => json!(sync.applyset),
    };
    let prune = choices.pick(&[Value::Null, Value::Null, json!("false"), json!("true"), json!(false)]);
    let label = choices.pick(&[format!("f:{PART_OF}"), format!("f:{PART_OF}"), "f:a".to_owned(), PART_OF.to_owned()]);
    let mut entry = json!({
        "manager": choices.pick(&["gitmoor", "gitmoor", "gitmoor", "kubectl", "gitmoor-controller"]),
        "operation": choices.pick(&["Apply", "Apply", "Apply", "Update"]),
        "fieldsV1": {"f:metadata": {"f:labels": {label: {}}}},
    });
    if choices.below(8) == 7 {
        entry["subresource"] = json!("status");
    }
    let mut metadata = json!({
        "name": &*key.key.name, "namespace": "shop", "labels": {PART_OF: part_of},
        "annotations": {SOURCE: source, SOURCE_HASH: choices.pick(&["h1", "h2"]), SOURCE_PATH: "a.yaml:3", PRUNE: prune},
        "managedFields": choices.pick(&[json!([entry]), json!([entry]), json!([entry]), json!([]), json!({})]),
    });
    if choices.below(8) == 7 {
        metadata["deletionTimestamp"] = json!("2026-01-02T03:04:05Z");
    }
    json!({"metadata": metadata})
}

/// What we own after our apply.
fn owned(mut body: Value) -> Value {
    let fields = json!({"f:metadata": {"f:labels": {format!("f:{PART_OF}"): {}}}});
    body["metadata"]["managedFields"] = json!([{"manager": "gitmoor", "operation": "Apply", "fieldsV1": fields}]);
    body
}

/// The proof, read from the object itself.
fn is_proven(live: &Value, key: &Target, sync: &Sync) -> bool {
    let metadata = &live["metadata"];
    let mark = format!("sync={}; uid={UID}; object={}", sync.key, key.key);
    let owner = metadata["managedFields"].as_array().into_iter().flatten().any(|entry| {
        entry["manager"] == "gitmoor"
            && entry["operation"] == "Apply"
            && entry["subresource"].is_null()
            && entry["fieldsV1"]["f:metadata"]["f:labels"][format!("f:{PART_OF}")].is_object()
    });
    owner
        && metadata["labels"][PART_OF] == *sync.applyset
        && metadata["annotations"][SOURCE] == *mark
        && metadata["annotations"][PRUNE] != "false"
        && metadata.get("deletionTimestamp").is_none()
}

fn declared(all: &[One], unreadable: bool, missing: bool) -> Declared {
    let mut declared = Declared { files: 1, unreadable, ..Declared::default() };
    for one in all {
        if one.declared {
            // Its own words about whose it is count for nothing.
            let text = format!(
                "{{apiVersion: gitmoor.dev/v1alpha1, kind: MicroService, metadata: {{name: {}}}, spec: {{image: a}}}}",
                one.key.key.name
            );
            let mut file = parse(text.as_bytes());
            let document = file.documents.pop().expect("it is valid");
            declared.objects.insert(one.key.clone(), DeclaredObject { file: "a.yaml".into(), document });
        } else if one.quarantined {
            let place = Place { file: "b.yaml".into(), start: Position::default() };
            declared.quarantined.insert(one.key.clone(), place);
        }
    }
    declared.missing_paths.extend(missing.then(|| "apps".to_owned()));
    declared
}

/// What of the deletions may go.
fn deletions(doomed: &[Doomed], stay: usize, creations: usize, guards: &Guards, choices: &mut Choices<'_>) {
    let now: Timestamp = "2026-03-01T12:00:00Z".parse().expect("it is a time");
    let number = choices.pick(&[0, 1, 2, 5, 20, 100, 101, u32::MAX]);
    let budget = if choices.below(2) == 0 { Budget::Number(number) } else { Budget::Percent(number) };
    // A status that others may have written.
    let recent: Vec<Deletions> = (0..choices.below(5)).map(|_| entry(now, choices)).collect();
    let renamed: BTreeMap<Target, Target> = doomed
        .iter()
        .filter(|_| choices.below(4) == 3)
        .map(|one| (one.key.clone(), Target::new(Kind::MicroService, ObjectKey::new("shop", "new"))))
        .collect();
    let unborn = Target::service(ObjectKey::new("shop", "unborn"));
    let reason =
        choices.pick(&["PruneBudget", "LastObject", "EmptyTree", "MissingPath", "RenamePending", "RenameNotReady"]);
    let hash = approval::hash(UID, doomed, reason);
    let partly = approval::hash(UID, doomed.get(1..).unwrap_or_default(), reason);
    let approve = choices.pick(&[None, None, Some(&*hash), Some(&*partly), Some("")]);
    // What a person approved may have been less, or objects of the same names that were there before.
    let anew: Vec<Doomed> = doomed.iter().map(|one| Doomed { uid: "earlier".into(), ..one.clone() }).collect();
    let begun = choices.pick(&[doomed, doomed, doomed.get(1..).unwrap_or_default(), &anew[..]]);
    let carried = choices.pick(&[None, Some(&hash), Some(&partly)]).map(|plan| Approved::new(plan, begun));
    let case = Case {
        sync_uid: UID,
        deletions: doomed,
        stay,
        creations,
        asks: guards.asks(),
        unborn: (choices.below(4) == 3).then_some(&unborn),
        renamed: &renamed,
        budget,
        recent: &recent,
        held_of: choices.pick(&[None, Some(0), Some(u32::MAX), Some(3)]),
        approve,
        approved: carried.as_ref().filter(|_| approve.is_some()),
        now,
    };
    let verdict = judge(&case);
    assert_eq!(verdict, judge(&case), "the same is judged twice");
    let allowed: Vec<&Doomed> = verdict.permit.allowed().collect();
    assert!(allowed.iter().all(|one| doomed.contains(one)), "nothing else may go");
    if let Some(held) = &verdict.held {
        assert!(!held.plan.is_empty() && !held.message(&ObjectKey::new("shop", "main")).is_empty());
        assert!(held.deletions.iter().all(|(one, _)| doomed.contains(one) && !allowed.contains(&one)));
        assert_eq!(held.deletions.len() + allowed.len(), doomed.len(), "each may go or is held");
    } else {
        assert_eq!(allowed.len(), doomed.len(), "what is not held may go");
    }
    let unapproved = judge(&Case { approve: None, approved: None, ..case });
    let asked = unapproved.held.as_ref().map(|held| &*held.plan);
    if approve != asked && (begun != doomed || case.approved.is_none()) {
        assert_eq!(verdict.permit, unapproved.permit, "what was approved is another plan: {approve:?}");
    }
    if approve.is_none() {
        assert!(allowed.is_empty() || stay + creations > 0, "the last object goes");
        assert!(allowed.is_empty() || guards.asks().is_none(), "a guard asks first");
        assert!(allowed.is_empty() || case.unborn.is_none(), "it may be the old name of what is not made yet");
        assert!(allowed.iter().all(|one| !renamed.contains_key(&one.key)), "the new name is not ready");
        // What was written by a clock that was ahead counts, too.
        let counts = |entry: &&Deletions| now.as_second().saturating_sub(entry.at.0.as_second()) < 3600;
        let earlier: usize = recent.iter().filter(counts).map(|entry| entry.count as usize).sum();
        let most = match budget {
            Budget::Number(number) => number as usize,
            Budget::Percent(0) => 0,
            Budget::Percent(percent) => (percent as usize * (doomed.len() + stay + earlier) / 100).max(1),
        };
        assert!(allowed.is_empty() || doomed.len() + earlier <= most, "{allowed:?} of {budget:?} and {earlier}");
    }
    if approve == Some("") {
        assert!(verdict.permit.approved.is_none(), "nothing is no approval");
    }
}

fn entry(now: Timestamp, choices: &mut Choices<'_>) -> Deletions {
    let seconds = choices.pick(&[0, 1, 59 * 60, 3599, 3600, 3601, -1, -7200, i64::from(u32::MAX)]);
    let at = now.checked_sub(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MIN);
    let at = choices.pick(&[at, at, at, Timestamp::MAX, Timestamp::MIN]);
    Deletions {
        at: Time(at),
        count: choices.pick(&[0, 1, 3, u32::MAX]),
        members: choices.pick(&[0, 1, 10, u32::MAX]),
        pending: Vec::new(),
        plan: None,
        left: None,
    }
}
