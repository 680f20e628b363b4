//! One child: what to do about it, and doing it.

use serde_json::{Value, json};

use super::children::Kind;
use super::hand_over;
use crate::api::gitsync::DriftPolicy;
use crate::api::names::{CONTROLLER_MANAGER, HAND_OVER_MANAGER, RENDERED_HASH};
use crate::api::status::DriftedField;
use crate::cluster::{Apply, CallError, Cluster, microservices};
use crate::drift::{self, Compare};
use crate::model::{ChangeKind, FieldDrift, LiveObject, ObjectKey};
use crate::report::drift::{self as drift_report, Subject};
use crate::workload::Child;

/// How `apiVersion` of our kinds begins.
const OUR_GROUP: &str = "gitmoor.dev/";

/// What a live child is to its MicroService.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// Ours.
    Ours,
    /// Ours, or an earlier service's of this name, and about to be gone.
    Leaving,
    /// Somebody else's.
    Foreign,
}

/// What is done about a live child that is ours.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// It is as rendered, or drift is left alone.
    Leave,
    /// This is applied, after the added fields are removed.
    Write {
        /// Body of the apply; none where only removals are needed.
        body: Option<Value>,
        /// Removes what somebody added.
        removals: Option<json_patch::Patch>,
    },
}

/// What the controller may do to children of one service.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    /// UID of the MicroService.
    pub service_uid: &'a str,
    /// What is done about drift.
    pub policy: DriftPolicy,
    /// Whether nothing is written.
    pub suspended: bool,
    /// Whether foreign children are taken over.
    pub take_over: bool,
    /// Drift that was reported and stands.
    pub known: &'a [DriftedField],
}

impl Rules<'_> {
    /// Whether it was reported before that somebody deleted the child.
    fn knows_deleted(&self, child: &Child, key: &ObjectKey) -> bool {
        let deleted = ChangeKind::Deleted.as_str();
        let key = key.to_string();
        self.known.iter().any(|known| known.change == deleted && known.kind == child.kind.kind && known.object == key)
    }
}

/// How a child ended.
#[derive(Debug, Default)]
pub struct Settled {
    /// The child as it is now.
    pub live: Option<LiveObject>,
    /// What differed when it was looked at, and in which object.
    pub drifts: Vec<FieldDrift>,
    /// The object in which it differed.
    pub seen: Value,
    /// Whether the whole child was missing although it had been there.
    pub deleted: bool,
    /// Whether what differed was put back.
    pub corrected: bool,
    /// Whether the spec asks for something else than was applied, and nothing was written.
    pub pending: bool,
    /// Why it is not as rendered.
    pub problem: Option<Trouble>,
}

/// Why a child is not as rendered.
#[derive(Debug)]
pub enum Trouble {
    /// A call failed.
    Call(CallError),
    /// It is somebody else's.
    NotOwned,
    /// It is on its way out.
    Leaving,
    /// It was not written because the service is suspended or its namespace is going.
    Waiting(&'static str),
}

/// What a live child is to the service with that UID.
pub fn relation(live: &LiveObject, service_uid: &str, service_name: &str) -> Relation {
    if live.controller_uid.as_deref() == Some(service_uid) {
        return if live.deleting { Relation::Leaving } else { Relation::Ours };
    }
    let value = live.value();
    let owners = value["metadata"]["ownerReferences"].as_array();
    let predecessor = owners.is_some_and(|owners| {
        owners.iter().any(|owner| {
            owner["kind"] == "MicroService"
                && owner["apiVersion"].as_str().is_some_and(|version| version.starts_with(OUR_GROUP))
                && owner["name"] == service_name
                && owner["controller"] == true
        })
    });
    // Its owner has our name and a dead UID: garbage collection takes it in a moment.
    if predecessor { Relation::Leaving } else { Relation::Foreign }
}

/// Whether our apply made it what it is. A copy of a child keeps its owner and its labels, and is somebody's work.
pub fn was_applied_by_us(live: &LiveObject) -> bool {
    let value = live.value();
    let entries = value["metadata"]["managedFields"].as_array();
    entries.is_some_and(|all| all.iter().any(|one| one["manager"] == CONTROLLER_MANAGER && one["operation"] == "Apply"))
}

/// What is done about a live child that is ours, and how it differs from what no commit caused.
///
/// Where the child was rendered from the same spec, every difference is drift. Where the spec changed, what differs is
/// mostly the change itself; only what another hand wrote is drift, and what was known to be before.
pub fn decide(child: &Child, live: &Value, rules: &Rules<'_>) -> (Decision, Vec<FieldDrift>) {
    let mut compared = drift::compare(&child.body, live, &Compare { manager: CONTROLLER_MANAGER });
    if hand_over::is_taken_back(child, live) {
        compared.drifts.retain(|drift| !hand_over::is_replicas(&drift.pointer));
        compared.yielded.retain(|pointer| !hand_over::is_replicas(pointer));
    }
    let current = live["metadata"]["annotations"][RENDERED_HASH] == json!(child.hash);
    let key = ObjectKey::new(live["metadata"]["namespace"].as_str().unwrap_or_default(), child.name.as_str());
    let subject = Subject { kind: child.kind.kind, key: &key, declared: &child.body, live };
    let stands = |drift: &FieldDrift| drift_report::stands(&subject, drift, rules.known);
    let drifts: Vec<_> = compared
        .drifts
        .into_iter()
        .filter(|drift| current || drift.is_by_another_than(CONTROLLER_MANAGER) || stands(drift))
        .collect();
    if rules.suspended || (current && drifts.is_empty()) {
        return (Decision::Leave, drifts);
    }
    let keep: &[FieldDrift] = if rules.policy == DriftPolicy::Report { &drifts } else { &[] };
    if rules.policy == DriftPolicy::Report && current {
        return (Decision::Leave, drifts);
    }
    let removals = if keep.is_empty() { drift::removal_patch(live, &drifts) } else { None };
    let apply = !current || drifts.iter().any(|drift| drift.change != ChangeKind::Added);
    let body = apply.then(|| drift::declared_for_apply(&child.body, live, keep, &compared.yielded, CONTROLLER_MANAGER));
    (Decision::Write { body, removals }, drifts)
}

/// Makes a child as rendered, or says why not. `known` is what the store has; `expected` says that it was there before.
pub async fn settle(
    cluster: &Cluster,
    kind: &Kind,
    child: &Child,
    service: &ObjectKey,
    known: Option<LiveObject>,
    expected: bool,
    rules: &Rules<'_>,
) -> Settled {
    let key = ObjectKey::new(service.namespace.clone(), child.name.as_str());
    let live = match known {
        Some(live) => live,
        // A service that goes loses its children, sometimes before we hear that it went: that is no drift.
        None if expected && !rules.knows_deleted(child, &key) => match is_there(cluster, service, rules).await {
            Ok(true) => match missing(cluster, kind, child, &key, expected, rules).await {
                Missing::Settled(settled) => return *settled,
                Missing::Exists(live) => *live,
            },
            Ok(false) => {
                let problem = Some(Trouble::Waiting("the service is being deleted"));
                return Settled { problem, ..Settled::default() };
            }
            Err(error) => return failed(error),
        },
        None => match missing(cluster, kind, child, &key, expected, rules).await {
            Missing::Settled(settled) => return *settled,
            Missing::Exists(live) => *live,
        },
    };
    match relation(&live, rules.service_uid, &service.name) {
        Relation::Leaving => Settled { problem: Some(Trouble::Leaving), ..Settled::default() },
        Relation::Foreign if !rules.take_over || rules.suspended => {
            Settled { problem: Some(Trouble::NotOwned), ..Settled::default() }
        }
        Relation::Foreign => match take_over(cluster, kind, child, &key, &live).await {
            // What its former owner had beside is drift.
            Ok(live) => keep(cluster, kind, child, &key, live, rules).await,
            Err(error) => failed(error),
        },
        Relation::Ours => keep(cluster, kind, child, &key, live, rules).await,
    }
}

/// Whether the service still is the one that was looked at.
async fn is_there(cluster: &Cluster, service: &ObjectKey, rules: &Rules<'_>) -> Result<bool, CallError> {
    let live = cluster.get(&microservices(), service).await?;
    Ok(live.is_some_and(|live| *live.uid == *rules.service_uid && !live.deleting))
}

enum Missing {
    Settled(Box<Settled>),
    /// The store did not have it, but the server does.
    Exists(Box<LiveObject>),
}

async fn missing(
    cluster: &Cluster,
    kind: &Kind,
    child: &Child,
    key: &ObjectKey,
    expected: bool,
    rules: &Rules<'_>,
) -> Missing {
    let settled = |settled: Settled| Missing::Settled(Box::new(Settled { deleted: expected, ..settled }));
    if rules.suspended || (expected && rules.policy == DriftPolicy::Report) {
        return match cluster.get(&kind.resource, key).await {
            // Our watch selects by a label: an object that lost it is unseen, not gone.
            Ok(Some(live)) if expected => Missing::Exists(Box::new(live)),
            Ok(_) => {
                let problem = rules.suspended.then_some(Trouble::Waiting("the service is suspended"));
                settled(Settled { problem, pending: !expected, ..Settled::default() })
            }
            Err(error) => Missing::Settled(Box::new(failed(error))),
        };
    }
    match cluster.create(&kind.resource, key, &child.body, CONTROLLER_MANAGER).await {
        Ok(live) => match hand_over_new(cluster, kind, child, key, live).await {
            Ok(live) => settled(Settled { live: Some(live), corrected: expected, ..Settled::default() }),
            Err(error) => settled(failed(error)),
        },
        Err(CallError::Conflict(_)) => match cluster.get(&kind.resource, key).await {
            Ok(Some(live)) => Missing::Exists(Box::new(live)),
            // It went in between; the next look creates it.
            Ok(None) => settled(Settled { problem: Some(Trouble::Leaving), ..Settled::default() }),
            Err(error) => settled(failed(error)),
        },
        Err(error) => settled(failed(error)),
    }
}

/// What was just made without a field that another manager is to have.
async fn hand_over_new(
    cluster: &Cluster,
    kind: &Kind,
    child: &Child,
    key: &ObjectKey,
    live: LiveObject,
) -> Result<LiveObject, CallError> {
    let Some(body) = &child.hand_over else { return Ok(live) };
    // Kubernetes has written its status by now; the UID says that it is the object that was made.
    let mut body = body.clone();
    body["metadata"]["uid"] = json!(&*live.uid);
    cluster.apply(&kind.resource, key, &body, Apply::forced(HAND_OVER_MANAGER)).await
}

async fn take_over(
    cluster: &Cluster,
    kind: &Kind,
    child: &Child,
    key: &ObjectKey,
    live: &LiveObject,
) -> Result<LiveObject, CallError> {
    let body = pinned(&child.body, live);
    cluster.apply(&kind.resource, key, &body, Apply::forced(CONTROLLER_MANAGER)).await
}

async fn keep(
    cluster: &Cluster,
    kind: &Kind,
    child: &Child,
    key: &ObjectKey,
    live: LiveObject,
    rules: &Rules<'_>,
) -> Settled {
    let value = live.value();
    let (decision, drifts) = decide(child, &value, rules);
    let Decision::Write { body, removals } = decision else {
        let pending = value["metadata"]["annotations"][RENDERED_HASH] != json!(child.hash);
        return Settled { live: Some(live), drifts, seen: value, pending, ..Settled::default() };
    };
    let corrected = rules.policy == DriftPolicy::Correct && !drifts.is_empty();
    let handed_over = body.as_ref().and_then(|_| hand_over::before(child, &value));
    match write(cluster, kind, key, live, body, removals, handed_over).await {
        Ok(live) => Settled { live: Some(live), corrected, drifts, seen: value, ..Settled::default() },
        Err(error) => Settled { drifts, seen: value, ..failed(error) },
    }
}

async fn write(
    cluster: &Cluster,
    kind: &Kind,
    key: &ObjectKey,
    mut live: LiveObject,
    body: Option<Value>,
    removals: Option<json_patch::Patch>,
    handed_over: Option<&Value>,
) -> Result<LiveObject, CallError> {
    if let Some(body) = handed_over {
        live = cluster.apply(&kind.resource, key, &pinned(body, &live), Apply::forced(HAND_OVER_MANAGER)).await?;
    }
    if let Some(patch) = &removals {
        live = cluster.patch(&kind.resource, key, patch, CONTROLLER_MANAGER).await?;
    }
    if let Some(body) = body {
        let body = pinned(&body, &live);
        live = cluster.apply(&kind.resource, key, &body, Apply::forced(CONTROLLER_MANAGER)).await?;
    }
    Ok(live)
}

/// The body, for exactly this version of this object: what changed since it was looked at must be looked at, or
/// somebody's edit would be overwritten unseen.
fn pinned(body: &Value, live: &LiveObject) -> Value {
    let mut body = body.clone();
    body["metadata"]["uid"] = json!(&*live.uid);
    body["metadata"]["resourceVersion"] = json!(live.resource_version.to_string());
    body
}

fn failed(error: CallError) -> Settled {
    let problem = match error {
        CallError::NamespaceTerminating(_) => Trouble::Waiting("the namespace is being deleted"),
        error => Trouble::Call(error),
    };
    Settled { problem: Some(problem), ..Settled::default() }
}
