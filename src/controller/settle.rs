//! One child: what to do about it, and doing it.

mod decide;

use std::sync::Arc;

use serde_json::{Value, json};

use super::children::Kind;
use super::hand_over;
use crate::api::gitsync::DriftPolicy;
use crate::api::names::{CONTROLLER_MANAGER, HAND_OVER_MANAGER};
use crate::api::status::DriftedField;
use crate::cluster::{Apply, CallError, Cluster, microservices};
use crate::drift::{self, Compare, Learned, Policies, RuleBook, Ruled, RuledField};
use crate::model::{ChangeKind, FieldDrift, LiveObject, ObjectKey};
use crate::report::redact::Redactor;
use crate::workload::Child;
use decide::fixed;
pub use decide::{Decision, decide, is_current};

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

/// What the controller may do to children of one service.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    /// UID of the MicroService.
    pub service_uid: &'a str,
    /// What its GitSync says about drift.
    pub book: &'a Arc<RuleBook>,
    /// What the MicroService says about it.
    pub own: Option<DriftPolicy>,
    /// Whether drift is only told: what would be put back is left.
    pub reporting: bool,
    /// Whether what would be put back has to wait, since it was undone again and again.
    pub waits: bool,
    /// Whether nothing is written.
    pub suspended: bool,
    /// Whether foreign children are taken over.
    pub take_over: bool,
    /// Drift that was reported and stands.
    pub known: &'a [DriftedField],
    /// What of values is shown.
    pub redact: &'a Redactor,
    /// What was learned about differences of the child.
    pub learned: &'a Learned,
    /// Whether the server said before that somebody deleted the child and policy leaves it so.
    pub left: bool,
}

impl Rules<'_> {
    /// What is done about drift of a child.
    pub fn policies(&self, child: &Child, key: &ObjectKey) -> Policies {
        self.book.policies(child.kind.kind, key, self.own).reporting_if(self.reporting)
    }

    /// Whether a child that somebody deleted is made anew now.
    fn makes_anew(&self, child: &Child, key: &ObjectKey) -> bool {
        self.policies(child, key).of_object().policy == DriftPolicy::Correct && !self.waits
    }

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
    /// What differed when it was looked at, and what is done about it.
    pub ruled: Ruled,
    /// What differs in the answer to a write, whatever was sent; `None` where nothing was written.
    pub came_back: Option<CameBack>,
    /// The object in which it differed.
    pub seen: Value,
    /// Whether the whole child was missing although it had been there.
    pub deleted: bool,
    /// Whether what differed was put back.
    pub corrected: bool,
    /// The child, where somebody deleted it and finalizers hold it.
    pub terminating: Option<Value>,
    /// Whether the spec asks for something else than was applied, and nothing was written.
    pub pending: bool,
    /// Why it is not as rendered.
    pub problem: Option<Trouble>,
}

impl Settled {
    /// Whether nothing is left to be done or said: nothing is pending, and nothing differed or all that was put back the
    /// API server itself writes otherwise.
    pub fn is_as_rendered(&self) -> bool {
        let put_back = |field: &RuledField| self.corrected && self.ruled.is_corrected(field);
        let in_vain = |field: &RuledField| put_back(field) && self.came_back_to(&field.drift);
        let as_applied = self.problem.is_none() && !self.pending;
        as_applied && self.ruled.told().all(in_vain) && self.ruled.ignored().next().is_none()
    }

    /// Whether a difference was there again in the answer to the write that put it back.
    pub fn came_back_to(&self, drift: &FieldDrift) -> bool {
        let same = |other: &FieldDrift| other.pointer == drift.pointer && other.change == drift.change;
        self.came_back.as_ref().is_some_and(|came_back| came_back.drifts.iter().any(same))
    }
}

/// What differs in the answer to a write.
#[derive(Debug)]
pub struct CameBack {
    /// The differences.
    pub drifts: Vec<FieldDrift>,
    /// Whether everything was sent.
    pub whole: bool,
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
    /// All is as rendered but fields that never change; what to do about them.
    Fixed(String),
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

/// What differs in the answer to a try, whose outcome is not stored: the body would be sent whole, and take what is open.
pub async fn try_out(
    cluster: &Cluster,
    kind: &Kind,
    child: &Child,
    live: &LiveObject,
    ruled: &Ruled,
) -> Result<Vec<FieldDrift>, CallError> {
    let value = live.value();
    let compared = drift::compare(&child.body, &value, &Compare { manager: CONTROLLER_MANAGER });
    let body = drift::declared_for_apply(&child.body, &value, &ruled.kept(), &compared.yielded, CONTROLLER_MANAGER);
    let body = pinned(&body, live);
    let how = Apply { dry_run: true, ..Apply::forced(CONTROLLER_MANAGER) };
    let answer = cluster.apply(&kind.resource, &live.key, &body, how).await?;
    Ok(drift::came_back(Some(&body), &answer.value(), &[], CONTROLLER_MANAGER))
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
        None if expected && rules.left && !rules.makes_anew(child, &key) => {
            return Settled { deleted: true, ..Settled::default() };
        }
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
        Relation::Leaving => leaving(cluster, service, &live, rules).await,
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

/// A child that is being deleted; it is drift unless it is an earlier service's, or goes with its service.
async fn leaving(cluster: &Cluster, service: &ObjectKey, live: &LiveObject, rules: &Rules<'_>) -> Settled {
    let settled = Settled { problem: Some(Trouble::Leaving), ..Settled::default() };
    if live.controller_uid.as_deref() != Some(rules.service_uid) {
        return settled;
    }
    let terminating = ChangeKind::Terminating.as_str();
    let told = rules.known.iter().any(|known| known.change == terminating && known.object == live.key.to_string());
    match if told { Ok(true) } else { is_there(cluster, service, rules).await } {
        Ok(true) => Settled { terminating: Some(live.value()), ..settled },
        Ok(false) => settled,
        Err(error) => failed(error),
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
    if rules.suspended || (expected && !rules.makes_anew(child, key)) {
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
        Ok(live) => {
            let drifts = drift::came_back(Some(&child.body), &live.value(), &[], CONTROLLER_MANAGER);
            let came_back = Some(CameBack { drifts, whole: true });
            match hand_over_new(cluster, kind, child, key, live).await {
                Ok(live) => settled(Settled { live: Some(live), corrected: expected, came_back, ..Settled::default() }),
                Err(error) => settled(failed(error)),
            }
        }
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
    let (decision, ruled) = decide(child, &value, rules);
    let stuck = fixed(child, &value);
    let paths: Vec<_> = stuck.iter().map(|drift| &drift.pointer).collect();
    let problem = (!stuck.is_empty()).then(|| Trouble::Fixed(drift::remedy(child.kind.kind, &child.name, &paths)));
    let Decision::Write { body, removals } = decision else {
        let pending = !is_current(child, &value);
        return Settled { live: Some(live), ruled, seen: value, pending, problem, ..Settled::default() };
    };
    let corrected = ruled.corrects();
    let handed_over = body.as_ref().and_then(|_| hand_over::before(child, &value));
    match write(cluster, kind, key, live, body.as_ref(), removals, handed_over).await {
        Ok(live) => {
            let drifts = drift::came_back(body.as_ref(), &live.value(), &ruled.corrected(), CONTROLLER_MANAGER);
            let came_back = Some(CameBack { drifts, whole: body.is_some() });
            Settled { live: Some(live), corrected, ruled, came_back, seen: value, problem, ..Settled::default() }
        }
        Err(error) => Settled { ruled, seen: value, ..failed(error) },
    }
}

async fn write(
    cluster: &Cluster,
    kind: &Kind,
    key: &ObjectKey,
    mut live: LiveObject,
    body: Option<&Value>,
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
        let body = pinned(body, &live);
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
