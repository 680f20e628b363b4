//! Objects as others wrote them: a status that somebody forged, annotations, pods. What is said of them is the same each time,
//! is no command but Gitmoor's own, and is shown to nobody who may not see them.

use std::collections::BTreeSet;

use gitmoor::alert::desk::{Desk, Look, World};
use gitmoor::alert::incident::{of_service, of_sync};
use gitmoor::alert::target::Target as AlertTarget;
use gitmoor::alert::{CommitState, Message, Observed, Setting};
use gitmoor::api::{GitSync, MicroService};
use gitmoor::drift::pause;
use gitmoor::health::{PodSummary, http_route, ingress, job_progress, kstatus, look_again, pod_trouble, unready};
use gitmoor::model::{LiveObject, ObjectKey};
use gitmoor::page::access::{Namespaces, Rights};
use gitmoor::page::query::{DriftQuery, ServiceQuery, TimelineQuery};
use gitmoor::page::{Book, detail, tree};
use gitmoor::plan::Standing;
use gitmoor::plan::approval;
use gitmoor::view::drift::{Report, Wanted};
use gitmoor::view::{Seen, tree as trees};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::choices::Choices;

/// What stands anywhere in what is written by somebody else.
const ODD: [&str; 12] = [
    "",
    "x",
    "True",
    "False",
    "Deleted",
    "shop/orders",
    "GitSync shop/main",
    "main@sha1:0123456789abcdef0123456789abcdef01234567",
    "9999-12-30T22:00:00Z",
    "-009999-01-02T01:59:59Z",
    "$(reboot); `x` | @here",
    "--help",
];

pub fn run(data: &[u8]) {
    let now = "2026-03-01T12:00:00Z".parse().expect("it is a time");
    // As a patch in JSON, where it is that; else as a row of choices.
    let patch = serde_json::from_slice::<Value>(data).ok().filter(Value::is_object);
    let changed = |mut object: Value| {
        let name = object["metadata"].clone();
        match &patch {
            Some(patch) => json_patch::merge(&mut object, patch),
            None => edit(&mut object, &mut Choices::of(data)),
        }
        // An API server lets nobody have another name.
        if object["metadata"].is_object() {
            (object["metadata"]["name"], object["metadata"]["namespace"]) =
                (name["name"].clone(), name["namespace"].clone());
        }
        object
    };
    let (service, sync) = (changed(service()), changed(sync()));
    let (service, sync) = (object::<MicroService>(&service, now), object::<GitSync>(&sync, now));
    let observed = [
        service.as_ref().and_then(|one| Some(of_service(&orders(), one.metadata.generation, one.status.as_ref()?))),
        sync.as_ref().and_then(|one| Some(of_sync(&main(), one.metadata.generation, one.status.as_ref()?))),
    ];
    told(observed.into_iter().flatten(), sync.as_ref(), now);
    shown(service.as_ref(), sync.as_ref(), now);
    cluster(patch.as_ref().unwrap_or(&Choices::of(data).json(&PODS, 7)), now);
}

fn orders() -> ObjectKey {
    ObjectKey::new("shop", "orders")
}

fn main() -> ObjectKey {
    ObjectKey::new("shop", "main")
}

/// An object as it is kept and read.
fn object<T: serde::de::DeserializeOwned>(value: &Value, now: Timestamp) -> Option<T> {
    let live = LiveObject::from_json(value.clone()).ok()?;
    assert_eq!(live.value()["spec"], value["spec"], "nothing of it is lost");
    let standing = Standing::of(&live.value());
    assert_eq!(standing, Standing::of(value), "what status owns says nothing of whose it is");
    approval::by(value);
    if let Some(marks) = pause::marks(value) {
        pause::asked(&marks, now);
    }
    live.parse().ok()
}

/// Alerts by it.
fn told(observed: impl Iterator<Item = Observed>, sync: Option<&GitSync>, now: Timestamp) {
    let Some(sync) = sync else { return };
    let target = json!({"name": "a", "type": "Webhook", "url": "https://example.com"});
    let target = AlertTarget::of(&serde_json::from_value(target).expect("it is a target"), "shop");
    let status = sync.status.clone().unwrap_or_default();
    let mut desk = Desk::of(status.notify.first(), now);
    let mut world = World::default();
    for seen in observed {
        for incident in &seen.standing {
            if let Some(command) = &incident.command {
                is_ours(command);
            }
        }
        world.standing.extend(seen.standing.into_iter().map(|one| (one.key.clone(), one.into())));
        world.unsettled.extend(seen.unsettled);
        world.over.extend(seen.over);
        seen.notes.iter().for_each(|note| desk.note(note, &target.pace));
    }
    let mut at = now;
    for _ in 0..4 {
        at = match desk.look(&world, &target.pace, at) {
            Look::Tell(batch) => {
                let message = Message::of(&main(), &Setting::default(), &batch);
                assert!(message.headline.len() <= 400 && message.items.len() <= 1_000, "{}", message.headline);
                desk.told(&batch);
                assert!(desk.status("a").told.len() <= 64, "what was told is bounded");
                at
            }
            Look::Wait(Some(then)) if then > at => then,
            Look::Wait(_) => break,
        };
    }
    if let Some(commit) = CommitState::of(sync.metadata.generation, &status, None) {
        assert!(commit.description.chars().count() <= 140, "a forge takes no more: {}", commit.description);
        assert_eq!(CommitState::of(sync.metadata.generation, &status, Some(&commit.told())), None, "it is told once");
    }
}

/// What the page and the commands say of it, and to whom.
fn shown(service: Option<&MicroService>, sync: Option<&GitSync>, now: Timestamp) {
    let seen = Seen { gitsyncs: sync.cloned().into_iter().collect(), services: service.cloned().into_iter().collect() };
    assert_eq!(json!(Report::of(&seen, Wanted::All)), json!(Report::of(&seen, Wanted::All)));
    trees::grow(&seen);
    let mut details = Vec::new();
    details.extend(service.map(|service| detail::service(service, sync, "1")));
    details.extend(service.map(|service| json!(tree::tree(service, None, now))));
    details.extend(sync.map(|sync| detail::gitsync(sync, "1", |_, _| None)));
    for detail in &details {
        let commands = detail["commands"].as_array().into_iter().flatten().map(|one| &one["command"]);
        commands.chain(detail["heldPlan"].get("approve")).filter_map(Value::as_str).for_each(is_ours);
    }
    let mut book = Book::new("epoch");
    book.service(&orders(), service, now);
    book.gitsync(&main(), sync);
    let elsewhere = || Namespaces::These(BTreeSet::from(["elsewhere".into()]));
    let stranger = Rights { services: elsewhere(), gitsyncs: elsewhere() };
    let services = ServiceQuery::parse("").expect("nothing is a query");
    let timeline = TimelineQuery::parse("").expect("nothing is a query");
    for rights in [&Rights::ALL, &stranger] {
        let lists = [
            book.list_services(&services, rights),
            book.list_gitsyncs(rights),
            book.list_timeline(&timeline, rights),
            json!(book.overview(rights)).to_string(),
            detail::drift(&seen, rights, |_| true, DriftQuery::parse("").expect("it is one").limit, "1").to_string(),
        ];
        for list in &lists {
            assert!(serde_json::from_str::<Value>(list).is_ok(), "{list} is no JSON");
            let told = ["orders", "shop", "main"].iter().any(|word| list.contains(word));
            assert!(*rights != stranger || !told, "a stranger is shown {list}");
        }
    }
}

/// A command is a row of plain words.
fn is_ours(command: &str) {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || " -_./:".contains(letter);
    let begins = ["gitmoor ", "kubectl get "].iter().any(|begin| command.starts_with(begin));
    assert!(begins && command.chars().all(plain), "{command:?}");
}

const PODS: [&str; 30] = [
    "metadata",
    "spec",
    "status",
    "name",
    "a",
    "conditions",
    "type",
    "Ready",
    "False",
    "True",
    "reason",
    "message",
    "containers",
    "containerStatuses",
    "initContainerStatuses",
    "state",
    "lastState",
    "waiting",
    "running",
    "terminated",
    "startedAt",
    "9999-12-30T22:00:00Z",
    "exitCode",
    "restartCount",
    "readinessProbe",
    "periodSeconds",
    "failureThreshold",
    "parents",
    "phase",
    "Failed",
];

/// What the cluster says of what runs.
fn cluster(any: &Value, now: Timestamp) {
    let pods = [PodSummary::from_json(any), PodSummary::from_json(&json!({"metadata": {"name": "b"}}))];
    let trouble = pod_trouble(&pods, now);
    let [one, other] = &pods;
    assert_eq!(trouble, pod_trouble(&[other.clone(), one.clone()], now), "the order of pods does not matter");
    assert!(look_again(&pods, now).is_none_or(|at| at > now), "nobody looks again at once");
    job_progress(any);
    kstatus(any);
    unready(any);
    assert_eq!((http_route(any), ingress(any)), (http_route(any), ingress(any)));
}

/// Changes some of what stands there to something odd.
fn edit(object: &mut Value, choices: &mut Choices<'_>) {
    while !choices.is_over() {
        let mut at = &mut *object;
        loop {
            let (pick, deeper) = (choices.below(256), choices.below(8) != 0);
            let inner = match at {
                Value::Object(fields) => fields.len(),
                Value::Array(items) => items.len(),
                _ => 0,
            };
            if !deeper || inner == 0 {
                *at = odd(choices);
                break;
            }
            at = match at {
                Value::Object(fields) => fields.values_mut().nth(pick % inner).expect("it is there"),
                Value::Array(items) => &mut items[pick % inner],
                _ => return,
            };
        }
    }
}

fn odd(choices: &mut Choices<'_>) -> Value {
    match choices.below(10) {
        0 => Value::Null,
        1 => json!({}),
        2 => json!([]),
        3 => json!(choices.pick(&[0, -1, 1, i64::from(u32::MAX), i64::from(i32::MIN), i64::MAX, i64::MIN])),
        4 => json!(1.5),
        5 => json!(choices.below(2) == 0),
        _ => json!(choices.pick(&ODD)),
    }
}

fn service() -> Value {
    let level = json!({
        "count": 3, "since": TIME, "fields": [field("Modified")], "unlisted": "abc", "lastCorrected": TIME,
        "history": [episode("Corrected")], "fight": {"since": TIME, "managers": ["kubectl"], "perMinute": 3, "correctedEverySeconds": 60},
        "pause": {"since": TIME, "until": TIME, "reason": "incident", "by": "ann", "drifted": 1, "fields": [field("Added")]},
    });
    json!({
        "apiVersion": "gitmoor.dev/v1alpha1", "kind": "MicroService",
        "metadata": metadata("orders"),
        "spec": {"image": "a:1", "ports": [{"containerPort": 80}], "replicas": 2, "suspend": false},
        "status": {
            "observedGeneration": 1, "conditions": conditions(&["Ready", "RoutesAccepted", "Drifted"]),
            "replicas": {"desired": 2, "updated": 2, "ready": 1, "available": 1}, "replicasSummary": "1/2",
            "image": {"declared": "a:1", "running": "a:0"}, "url": "https://orders.example.com",
            "source": {"sync": "shop/main", "revision": "main@sha1:1", "file": "a.yaml", "line": 3},
            "children": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "orders", "uid": "2"}],
            "preDeploy": {"lastSucceededHash": "abc"}, "sourceDrift": level, "workloadDrift": level,
        },
    })
}

fn sync() -> Value {
    let commit = "main@sha1:0123456789abcdef0123456789abcdef01234567";
    let revision = json!({
        "revision": commit, "author": "Ann", "subject": "orders: two", "committed": TIME, "applied": TIME, "took": "1s",
        "result": "Applied", "changed": 1, "pruned": 1, "quarantined": 0, "held": 0,
    });
    json!({
        "apiVersion": "gitmoor.dev/v1alpha1", "kind": "GitSync",
        "metadata": metadata("main"),
        "spec": {"url": "https://git.example.com/acme/deploy.git", "ref": {"branch": "main"}, "paths": ["apps"]},
        "status": {
            "observedGeneration": 1, "conditions": conditions(&["Ready", "SourceStale", "Stalled"]),
            "lastAttemptedRevision": commit, "lastAppliedRevision": revision, "history": [revision],
            "hold": {"plan": "0123abcd", "revision": commit, "reason": "PruneBudget", "message": "too many", "creations": 1,
                "updates": 2, "deletions": 3, "deletes": ["shop/a"], "members": 4, "since": TIME},
            "recentDeletions": [{"at": TIME, "count": 1, "members": 9, "pending": ["1"], "plan": "0123abcd", "left": "ab"}],
            "progress": {"wave": 1, "waves": 2, "done": 1, "total": 2, "waitingFor": ["shop/a"], "since": TIME},
            "counts": {"declared": 3, "quarantined": 1}, "leftDeleted": ["shop/b"],
            "diagnostics": [{"code": "GM101", "place": "a.yaml:3:1", "message": "no"}],
            "problems": [{"object": "shop/a", "reason": "Refused", "message": "no", "place": "a.yaml:1:1"}],
            "drift": [field("Deleted")], "driftHistory": [episode("Gone")],
            "pause": {"since": TIME, "until": TIME, "drifted": 0},
            "notify": [{"name": "a", "until": TIME, "told": [{"alert": "Drifted shop/orders", "said": "1", "since": TIME}], "unlisted": 1,
                "commit": {"commit": "01", "state": "success", "said": "1"}}],
        },
    })
}

const TIME: &str = "2026-03-01T11:00:00Z";

fn metadata(name: &str) -> Value {
    let owned = json!({"f:metadata": {
        "f:labels": {"f:applyset.kubernetes.io/part-of": {}},
        "f:annotations": {"f:gitmoor.dev/pause-until": {}, "f:gitmoor.dev/approve-plan": {}},
    }});
    json!({
        "name": name, "namespace": "shop", "uid": "1", "resourceVersion": "7", "generation": 1, "creationTimestamp": TIME,
        "labels": {"applyset.kubernetes.io/part-of": "applyset-a-v1"},
        "annotations": {
            "gitmoor.dev/source": format!("sync=shop/main; uid=1; object=shop/{name}"), "gitmoor.dev/source-path": "a.yaml:3",
            "gitmoor.dev/source-hash": "abc", "gitmoor.dev/source-revision": "main@sha1:1", "gitmoor.dev/wave": "1",
            "gitmoor.dev/pause-until": "2026-03-01T13:00:00Z", "gitmoor.dev/pause-reason": "incident",
            "gitmoor.dev/approve-plan": "0123abcd", "gitmoor.dev/suspend-reason": "lunch",
        },
        "managedFields": [{"manager": "gitmoor", "operation": "Apply", "time": TIME, "fieldsV1": owned}],
    })
}

fn conditions(kinds: &[&str]) -> Value {
    let condition = |kind: &&str| json!({"type": kind, "status": "False", "reason": "CrashLoopBackOff", "message": "exit code 1", "lastTransitionTime": TIME});
    kinds.iter().map(condition).collect()
}

fn field(change: &str) -> Value {
    json!({
        "kind": "Deployment", "object": "shop/orders", "path": "/spec/replicas", "keyedPath": "/spec/replicas", "change": change,
        "declared": 2, "live": 7, "manager": "kubectl", "operation": "Update", "time": TIME, "observed": TIME, "began": TIME,
        "user": "ann", "policy": "Report", "declaredAt": {"file": "a.yaml", "line": 7, "field": "/spec/replicas",
            "commit": "abcdef0123456789", "author": "Ann", "subject": "orders: two", "committed": TIME},
    })
}

fn episode(ended: &str) -> Value {
    let mut episode = field("Modified");
    (episode["until"], episode["ended"]) = (json!("2026-03-01T11:30:00Z"), json!(ended));
    episode
}
