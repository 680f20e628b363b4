//! One reconcile of one MicroService.

mod beside;
mod drift;
mod look;
mod outcome;
mod restraint;
mod surroundings;
mod tracing_drift;

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tracing::{debug, info, warn};

use super::Controller;
use super::children::{Kind, is_labelled};
use super::settle::{Relation, Rules, Trouble, relation, settle, was_applied_by_us};
use crate::api::MicroService;
use crate::api::gitsync::DriftPolicy;
use crate::api::names::TAKE_OVER_CHILDREN;
use crate::api::status::{ChildStatus, DriftedField};
use crate::cluster::CallError;
use crate::drift::{Learned, own_policy};
use crate::model::{LiveObject, ObjectKey};
use crate::report::microservice::{Observed, Problem};
use crate::report::{shorten, unread};
use crate::workload::{self, Child, DEPLOYMENT, Surroundings, pre_deploy};
use drift::Told;
pub use look::is_worth_a_look;
use restraint::Pauses;
use tracing_drift::Untraced;

/// When the service wants to be looked at again, beside what the watches say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Only when something changes.
    Rest,
    /// After this pause.
    After(Duration),
    /// After a pause that grows with each failure.
    Retry,
}

/// Bytes of a problem's message.
const MESSAGE: usize = 1024;
/// Counts alone are written at most this often.
const COUNTS: Duration = Duration::from_secs(1);
/// After a write that lost a race: the watch has the newer object in a moment.
const RACE: Duration = Duration::from_millis(100);

/// How far a reconcile goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Drift that is seen is told, and nothing is written.
    Look,
    /// All of it.
    Whole,
}

/// The steps of one reconcile:
///
/// 1. read the service, from the store;
/// 2. look around it and render its children;
/// 3. run what must succeed before a rollout;
/// 4. settle each child: create, update, correct, or say why not;
/// 5. delete what is no longer rendered, if nothing failed before;
/// 6. report drift, once;
/// 7. judge its health;
/// 8. write its status, if it changed.
pub async fn reconcile(controller: &Controller, key: &ObjectKey, step: Step) -> Result<(Next, bool), CallError> {
    let Some(entry) = controller.services.get(key) else {
        controller.gone(key);
        controller.referenced.forget(key);
        return Ok((Next::Rest, false));
    };
    if entry.object.deleting {
        return Ok((Next::Rest, false));
    }
    let live = entry.object.value();
    let service: MicroService = match serde_json::from_value(live.clone()) {
        Ok(service) => service,
        Err(error) => return controller.unread(key, &live, unread::why(&error), step).await,
    };
    // No worker begins before it is known what the operator decides.
    let Some(defaults) = controller.defaults.borrow().clone() else { return Ok((Next::Rest, false)) };
    let told = Told::before(controller.memory.known_drift(key), &service);
    let known = told.standing.clone();
    let pauses = Pauses::of(controller, key, &entry.extra, jiff::Timestamp::now());
    controller.paces.resume(key, &service, jiff::Timestamp::now());
    let book = match entry.extra.sync.as_deref() {
        Some(sync) => controller.rule_books.of(sync),
        None => Arc::default(),
    };
    let learned = Learned::default();
    let suspended = service.spec.suspend.unwrap_or(false);
    let rules = Rules {
        service_uid: &entry.object.uid,
        book: &book,
        own: own_policy(&live),
        reporting: suspended || pauses.holds.is_some(),
        waits: false,
        suspended,
        take_over: takes_over(&service),
        known: &known,
        redact: &controller.redact,
        learned: &learned,
        left: false,
    };
    let (mut surroundings, named) = surroundings::look_around(controller, key, &service).await;
    let whole = match defaults.apply(&live, &service) {
        Ok((whole, metadata)) => {
            surroundings.metadata = metadata;
            whole
        }
        Err(error) => {
            let why = format!("with the operator's defaults, {}", unread::why(&error));
            return controller.unread(key, &live, why, step).await;
        }
    };
    let children = workload::render(&whole, &surroundings);
    let mut work = Work {
        controller,
        key,
        service: &service,
        live: &live,
        sync: entry.extra.sync.as_deref().and_then(ObjectKey::parse),
        rules,
        observed: Observed { named, asked: pauses.asked, paused: pauses.holds, ..Observed::default() },
        next: Next::Rest,
        wrote: false,
        raced: false,
        autoscaled: false,
        told,
        decided: Vec::new(),
        untraced: Vec::new(),
    };
    if step == Step::Look {
        work.look(&children);
        return Ok((Next::Rest, false));
    }
    work.pre_deploy(&children).await;
    // While the Deployment waits, its replicas are whose they were.
    if !rules.suspended && !work.is_held(DEPLOYMENT) {
        work.remove_autoscaler(&children).await;
    }
    work.children(&children).await;
    if work.raced {
        // What was seen is old already: nothing is concluded from it but that drift was there.
        work.report_drift(&children);
        work.see_fights();
        return Ok((work.next, work.wrote));
    }
    if work.observed.problem.is_none() && !rules.suspended {
        work.remove_unrendered(&children, &surroundings).await;
    }
    controller.memory.keep_only(key, &children);
    work.lacks(&children);
    work.report_drift(&children);
    if let Some(sync) = entry.extra.sync.as_deref() {
        controller.rule_books.decided(sync, &book, &work.decided);
    }
    work.see_fights();
    work.judge(&children);
    work.routes(&children);
    work.write_status(&live).await?;
    Ok((work.next, work.wrote))
}

fn takes_over(service: &MicroService) -> bool {
    let annotations = service.metadata.annotations.as_ref();
    annotations.and_then(|all| all.get(TAKE_OVER_CHILDREN)).is_some_and(|word| word == "true")
}

fn is_to_be_corrected(field: &DriftedField) -> bool {
    field.policy == Some(DriftPolicy::Correct)
}

struct Work<'a> {
    controller: &'a Controller,
    key: &'a ObjectKey,
    service: &'a MicroService,
    /// The service as JSON.
    live: &'a Value,
    /// The GitSync that applied it.
    sync: Option<ObjectKey>,
    rules: Rules<'a>,
    observed: Observed,
    next: Next,
    wrote: bool,
    /// A write lost a race against somebody else's.
    raced: bool,
    /// An autoscaler that is no longer rendered could not be deleted.
    autoscaled: bool,
    /// Drift that was told.
    told: Told,
    /// Rules that decided about drift.
    decided: Vec<usize>,
    /// Drift whose commits are looked up once it is announced.
    untraced: Vec<Untraced>,
}

impl Work<'_> {
    async fn children(&mut self, children: &[Child]) {
        self.observed.suspended = self.rules.suspended;
        for child in children {
            let Some(kind) = self.controller.children.of(child.kind).filter(|kind| kind.is_served()) else { continue };
            if pre_deploy::is_job(child.kind) {
                continue;
            }
            let child_key = ObjectKey::new(self.key.namespace.clone(), child.name.as_str());
            let known = kind.store.get(&child_key).map(|entry| entry.object.clone());
            if let Some(live) = &known
                && self.controller.memory.is_settled(self.key, child, live)
            {
                self.exists(child, live);
                self.controller.paces.quiet(self.key, child, jiff::Timestamp::now());
                self.told.compared.insert((child.kind.kind, child.name.clone()));
                continue;
            }
            // What waits is looked at, and not written.
            let held = self.is_held(child.kind);
            if held && known.is_none() {
                self.keep_in_status(child);
                continue;
            }
            let waiting = Rules { suspended: true, reporting: true, ..self.rules };
            let rules = if held { waiting } else { self.rules };
            let before = match &known {
                Some(live) if self.is_ours(live) => self.before_writing(kind, child, live, &rules).await,
                _ => Learned::default(),
            };
            let left = self.controller.memory.is_left(self.key, child.kind.kind, &child_key);
            let rules = self.restrained(child, known.as_ref(), Rules { learned: &before, left, ..rules });
            let expected = self.was_there(child);
            let settled =
                settle(&self.controller.cluster, kind, child, self.key, known.clone(), expected, &rules).await;
            if let Some(live) = &settled.live {
                self.exists(child, live);
                let untouched = known.as_ref().is_some_and(|known| known.resource_version == live.resource_version);
                self.wrote |= !untouched;
                if settled.is_as_rendered() {
                    self.controller.memory.settled(self.key, child, live);
                }
                if is_labelled(&live.value()) {
                    kind.store.answered(live.clone());
                }
            }
            self.take(child, settled);
        }
    }

    /// Whether status says that the child existed: then its absence is drift.
    fn was_there(&self, child: &Child) -> bool {
        let status = self.service.status.as_ref();
        status.is_some_and(|status| {
            status.children.iter().any(|known| known.kind == child.kind.kind && known.name == child.name)
        })
    }

    fn exists(&mut self, child: &Child, live: &LiveObject) {
        self.observed.children.push(ChildStatus {
            api_version: child.kind.api_version(),
            kind: child.kind.kind.to_owned(),
            name: child.name.clone(),
            uid: live.uid.to_string(),
        });
    }

    fn keep_in_status(&mut self, child: &Child) {
        if self.observed.children.iter().any(|known| known.kind == child.kind.kind && known.name == child.name) {
            return;
        }
        let before = self.service.status.as_ref().map(|status| status.children.as_slice()).unwrap_or_default();
        let before = before.iter().find(|known| known.kind == child.kind.kind && known.name == child.name);
        self.observed.children.extend(before.cloned());
    }

    fn trouble(&mut self, child: &Child, trouble: &Trouble) {
        let name = format!("{} {}", child.kind.kind, child.name);
        let (problem, next) = match trouble {
            Trouble::Call(error) if matches!(error, CallError::Conflict(_)) => {
                debug!(service = %self.key, child = name, %error, "a write lost a race; looking again");
                self.raced = true;
                self.sooner(Next::After(RACE));
                return;
            }
            Trouble::Call(error) => {
                warn!(service = %self.key, child = name, code = error.code(), reason = error.reason(), %error, "child not applied");
                let stalled = matches!(error, CallError::Invalid(_));
                (
                    Problem {
                        reason: error.reason().into(),
                        message: shorten(&format!("{name}: {error}"), MESSAGE),
                        stalled,
                    },
                    Next::Retry,
                )
            }
            Trouble::NotOwned => {
                let message = format!(
                    "{name} exists and belongs to somebody else; delete it, rename the service, or set the annotation {TAKE_OVER_CHILDREN}: \"true\""
                );
                (Problem { reason: "NotOwned".into(), message, stalled: true }, Next::Retry)
            }
            Trouble::Leaving => (
                waiting("ChildTerminating", format!("{name} is being deleted; it is made anew once it is gone")),
                Next::Retry,
            ),
            Trouble::Fixed(message) => (
                Problem { reason: "ImmutableField".into(), message: shorten(message, MESSAGE), stalled: true },
                Next::Rest,
            ),
            Trouble::Waiting(why) => {
                debug!(service = %self.key, child = name, why, "child not written");
                return;
            }
        };
        self.observed.problem.get_or_insert(problem);
        self.sooner(next);
    }

    fn sooner(&mut self, next: Next) {
        if self.next == Next::Rest || matches!(next, Next::Retry) {
            self.next = next;
        }
    }

    async fn remove_unrendered(&mut self, rendered: &[Child], surroundings: &Surroundings) {
        for kind in self.controller.children.kinds() {
            for live in unrendered(kind, rendered, self.rules.service_uid, self.key) {
                if surroundings.keeps(kind.kind, &live.key.name) {
                    continue;
                }
                info!(service = %self.key, kind = kind.kind.kind, child = %live.key, "deleting a child that is no longer rendered");
                // Its status may have moved since; the UID says that it is the object that we own.
                if let Err(error) = self
                    .controller
                    .cluster
                    .delete(&kind.resource, &live.key, &live.uid, Some(live.resource_version))
                    .await
                {
                    self.not_deleted(kind.kind.kind, &live.key, &error);
                }
            }
        }
    }

    fn deletion_failed(&mut self, kind: &str, child: &ObjectKey, error: &CallError) {
        warn!(service = %self.key, kind, %child, code = error.code(), reason = error.reason(), %error, "child not deleted");
        let message =
            shorten(&format!("{kind} {} is no longer needed and was not deleted: {error}", child.name), MESSAGE);
        self.observed.problem.get_or_insert(Problem { reason: error.reason().into(), message, stalled: false });
        self.sooner(Next::Retry);
    }
}

/// What we made of a kind and no longer render.
fn unrendered(kind: &Kind, rendered: &[Child], service_uid: &str, key: &ObjectKey) -> Vec<LiveObject> {
    let wanted =
        |live: &LiveObject| rendered.iter().any(|child| child.kind == kind.kind && *child.name == *live.key.name);
    let found = kind.store.group(service_uid).into_iter().map(|entry| entry.object.clone());
    found
        .filter(|live| {
            !wanted(live) && relation(live, service_uid, &key.name) == Relation::Ours && was_applied_by_us(live)
        })
        .collect()
}

fn waiting(reason: &str, message: String) -> Problem {
    Problem { reason: reason.into(), message, stalled: false }
}
