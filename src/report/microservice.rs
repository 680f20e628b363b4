//! The controller's part of a MicroService's status.

use serde_json::{Value, json};

use super::progress::{self, KnownRoute, PreDeploy};
use super::{drift as drift_report, fight, pause, shorten};
use crate::api::condition::{
    self, AVAILABLE, CHILDREN_APPLIED, DRIFTED, Finding, READY, RECONCILING, REFERENCES_FOUND, SCALING_ACTIVE,
    SOURCE_DRIFTED, STALLED, Truth, WORKLOAD_DRIFTED,
};
use crate::api::drift::{DriftEpisode, FightStatus};
use crate::api::names::{SOURCE, SOURCE_PATH, SOURCE_REVISION};
use crate::api::status::{
    ChildStatus, DriftStatus, DriftedField, ImageStatus, MicroServiceStatus, PreDeployStatus, Replicas, SourceStatus,
};
use crate::api::{MicroService, SourceMark};
use crate::model::pause::{Asked, Pause};

/// Fields of the status that the sync writes.
pub const OTHERS: [&str; 1] = ["sourceDrift"];

/// How far the rollout is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Rollout {
    /// Every replica is of the newest version and available.
    Complete,
    /// Under way: CamelCase word and sentence.
    InProgress(String, String),
    /// It will not go on by itself: CamelCase word and sentence.
    Failed(String, String),
    /// The Deployment was not observed.
    #[default]
    Unknown,
}

/// Why children are not as rendered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problem {
    /// CamelCase word.
    pub reason: String,
    /// Sentence.
    pub message: String,
    /// Whether it waits for a person; else it is tried again.
    pub stalled: bool,
}

/// How it is with the ConfigMaps and Secrets that the service names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Named {
    /// What must exist and does not, in words.
    pub missing: Vec<String>,
    /// Why something could not be read or followed.
    pub unread: Option<String>,
}

/// What one reconcile observed and did.
#[derive(Debug, Clone, Default)]
pub struct Observed {
    /// Children that exist.
    pub children: Vec<ChildStatus>,
    /// The first thing that kept children from being as rendered.
    pub problem: Option<Problem>,
    /// What is not as asked for although nothing failed: the first such thing. Others go on.
    pub lack: Option<Problem>,
    /// How the job before the rollout is, where there is one.
    pub pre_deploy: Option<PreDeploy>,
    /// The routes, where there are any.
    pub routes: Vec<KnownRoute>,
    /// Whether nothing was written because the service is suspended.
    pub suspended: bool,
    /// Whether the spec asks for something else than was applied.
    pub pending: bool,
    /// Replica counts, where there is a Deployment.
    pub replicas: Option<Replicas>,
    /// Whether enough replicas serve, of whatever version.
    pub available: bool,
    /// How far the rollout is.
    pub rollout: Rollout,
    /// What a complete rollout serves.
    pub running_image: Option<String>,
    /// Fields of children that differ now.
    pub drifts: Vec<DriftedField>,
    /// Fields that this reconcile put back.
    pub corrected: Vec<DriftedField>,
    /// Drifts that ended and are not in status yet.
    pub ended: Vec<DriftEpisode>,
    /// Somebody keeps rewriting what is put back, so corrections come slowly.
    pub fight: Option<FightStatus>,
    /// What its own annotations ask for about corrections.
    pub asked: Option<Asked>,
    /// The pause that holds, its own or its GitSync's.
    pub paused: Option<Pause>,
    /// How it is with what the service names, where it restarts on a change of that.
    pub named: Option<Named>,
    /// Condition ScalingActive of the autoscaler, where there is one; null where it has not said anything yet.
    pub scaling: Option<Value>,
}

/// The status that follows, less what the sync writes. Times come from `previous` where nothing changed.
pub fn status(service: &MicroService, observed: &Observed, now: jiff::Timestamp) -> MicroServiceStatus {
    let empty = MicroServiceStatus::default();
    let previous = service.status.as_ref().unwrap_or(&empty);
    let Observed { drifts, corrected, ended, .. } = observed;
    let drift = drift_report::status(drifts, corrected, ended, previous.workload_drift.as_ref(), now);
    let drift = restrained(observed, drift, previous.workload_drift.as_ref(), now);
    let generation = service.metadata.generation;
    let findings = findings(service, observed, previous, drift.as_ref());
    let running = observed.running_image.clone();
    MicroServiceStatus {
        observed_generation: generation,
        conditions: condition::set(&previous.conditions, &findings, generation, now),
        replicas: observed.replicas,
        replicas_summary: observed.replicas.map(|replicas| format!("{}/{}", replicas.ready, replicas.desired)),
        image: Some(ImageStatus {
            declared: service.spec.image.clone(),
            running: running.or_else(|| previous.image.as_ref().and_then(|image| image.running.clone())),
        }),
        url: progress::url(&service.spec, &observed.routes),
        source: source(service),
        pre_deploy: observed.pre_deploy.as_ref().and_then(|state| match state {
            PreDeploy::Succeeded(hash) => Some(PreDeployStatus { last_succeeded_hash: hash.clone() }),
            // What succeeded last is what serves.
            _ => previous.pre_deploy.clone(),
        }),
        children: observed.children.clone(),
        source_drift: None,
        workload_drift: drift,
    }
}

/// The drift with the fight and the record of the pause. A GitSync's pause is recorded where something differed.
fn restrained(
    observed: &Observed,
    drift: Option<DriftStatus>,
    previous: Option<&DriftStatus>,
    now: jiff::Timestamp,
) -> Option<DriftStatus> {
    let own = matches!(observed.asked, Some(Asked::Holds(_)));
    let holds = observed.paused.as_ref();
    let holds = if own { holds } else { pause::relevant(holds, previous, &observed.drifts, now) };
    pause::with_record(drift, previous, (observed.fight.clone(), holds), &observed.drifts, now)
}

/// The controller's part of a status that is in the cluster, to be compared with a new one.
pub fn own_part(status: &Value) -> Value {
    let mut own = status.clone();
    if let Some(map) = own.as_object_mut() {
        OTHERS.iter().for_each(|field| drop(map.remove(*field)));
        if let Some(conditions) = map.get_mut("conditions").and_then(Value::as_array_mut) {
            conditions.retain(|condition| condition["type"] != SOURCE_DRIFTED);
        }
    }
    own
}

/// Whether the two differ in replica counts alone, which may wait a moment.
pub fn only_counts_differ(a: &Value, b: &Value) -> bool {
    let without = |status: &Value| {
        let mut status = status.clone();
        for field in ["replicas", "replicasSummary"] {
            status[field] = Value::Null;
        }
        if let Some(conditions) = status["conditions"].as_array_mut() {
            conditions.iter_mut().for_each(|condition| condition["message"] = json!(""));
        }
        status
    };
    without(a) == without(b)
}

fn source(service: &MicroService) -> Option<SourceStatus> {
    let annotations = service.metadata.annotations.as_ref()?;
    let mark = SourceMark::parse(annotations.get(SOURCE)?)?;
    let (file, line) = match annotations.get(SOURCE_PATH).and_then(|place| place.rsplit_once(':')) {
        Some((file, line)) => (file.to_owned(), line.parse().unwrap_or(1)),
        None => (String::new(), 1),
    };
    let revision = annotations.get(SOURCE_REVISION).cloned().unwrap_or_default();
    Some(SourceStatus { sync: mark.sync, revision, file, line })
}

fn findings(
    service: &MicroService,
    observed: &Observed,
    previous: &MicroServiceStatus,
    drift: Option<&DriftStatus>,
) -> Vec<Finding> {
    let routes = progress::routes_accepted(&observed.routes);
    let refused = routes.as_ref().filter(|routes| routes.truth == Truth::False);
    let refused = refused.map(|routes| (routes.reason.as_str(), routes.message.as_str()));
    let lack = observed.lack.as_ref().map(|lack| (lack.reason.as_str(), lack.message.as_str())).or(refused);
    let mut findings = vec![ready(service, observed, lack)];
    if let Some(problem) = &observed.problem {
        let kind = if problem.stalled { STALLED } else { RECONCILING };
        findings.push(Finding::new(kind, true, &problem.reason, &problem.message));
    } else {
        match &observed.rollout {
            Rollout::InProgress(reason, message) => findings.push(Finding::new(RECONCILING, true, reason, message)),
            Rollout::Failed(reason, message) => findings.push(Finding::new(STALLED, true, reason, message)),
            Rollout::Complete | Rollout::Unknown => {}
        }
        // While a rollout goes on, that is what is told: it is either under way or waits for a person.
        let settled = matches!(observed.rollout, Rollout::Complete | Rollout::Unknown);
        if let Some((reason, message)) = lack.filter(|_| settled) {
            findings.push(Finding::new(STALLED, true, reason, message));
        }
    }
    let workload = workload_drifted(drift, observed);
    let source_drifted =
        condition::find(&previous.conditions, SOURCE_DRIFTED).filter(|condition| condition.status == "True");
    findings.push(match source_drifted {
        Some(source) if workload.truth != Truth::True => Finding::new(DRIFTED, true, &source.reason, &source.message),
        _ => Finding { kind: DRIFTED, ..workload.clone() },
    });
    findings.push(workload);
    findings.push(children_applied(observed));
    findings.push(available(observed));
    findings.extend(pause::finding(observed.asked.as_ref(), drift.and_then(|drift| drift.pause.as_ref())));
    findings.extend(observed.named.as_ref().map(references_found));
    findings.extend(observed.scaling.as_ref().map(scaling_active));
    findings.extend(routes);
    findings.extend(observed.pre_deploy.as_ref().map(PreDeploy::finding));
    findings
}

fn references_found(named: &Named) -> Finding {
    const TOLD: usize = 1024;
    match (&named.unread, named.missing.as_slice()) {
        (_, [first, others @ ..]) => {
            let more = if others.is_empty() { String::new() } else { format!("; and {} more", others.len()) };
            Finding::new(REFERENCES_FOUND, false, "ReferenceMissing", shorten(&format!("{first}{more}"), TOLD))
        }
        (Some(why), []) => {
            let message = shorten(&format!("a change may restart nothing: {why}"), TOLD);
            Finding { truth: Truth::Unknown, ..Finding::new(REFERENCES_FOUND, false, "ReferenceUnread", message) }
        }
        (None, []) => Finding::new(REFERENCES_FOUND, true, "ReferencesFound", "a change of what is named is a rollout"),
    }
}

/// In the autoscaler's own words.
fn scaling_active(condition: &Value) -> Finding {
    let text = |field: &str| condition[field].as_str().unwrap_or_default();
    match text("status") {
        "True" => {
            Finding::new(SCALING_ACTIVE, true, "Autoscaling", "the autoscaler knows how many replicas are needed")
        }
        "False" => {
            let message = shorten(&format!("{}: {}", text("reason"), text("message")), 1024);
            Finding::new(SCALING_ACTIVE, false, "AutoscalerInactive", message)
        }
        _ => Finding {
            truth: Truth::Unknown,
            ..Finding::new(SCALING_ACTIVE, false, "AutoscalerPending", "the autoscaler has not said anything yet")
        },
    }
}

fn ready(service: &MicroService, observed: &Observed, lack: Option<(&str, &str)>) -> Finding {
    if let Some(problem) = &observed.problem {
        return Finding::new(READY, false, &problem.reason, &problem.message);
    }
    let finding = match &observed.rollout {
        Rollout::Complete if lack.is_some() => {
            let (reason, message) = lack.unwrap_or_default();
            Finding::new(READY, false, reason, message)
        }
        Rollout::Complete => Finding::new(READY, true, "Ready", replicas_sentence(observed)),
        Rollout::InProgress(reason, message) | Rollout::Failed(reason, message) => {
            Finding::new(READY, false, reason, message)
        }
        Rollout::Unknown => Finding {
            truth: Truth::Unknown,
            ..Finding::new(READY, false, "NotObserved", "the Deployment was not observed yet")
        },
    };
    if observed.suspended && service.spec.suspend == Some(true) {
        if observed.pending {
            let finding = Finding::new(
                READY,
                false,
                "Suspended",
                "suspended, and the spec asks for something else than was applied",
            );
            return Finding { truth: Truth::Unknown, ..finding };
        }
        let message = format!("suspended, nothing is written; {}", finding.message);
        return Finding { reason: "Suspended".into(), message, ..finding };
    }
    finding
}

fn replicas_sentence(observed: &Observed) -> String {
    observed.replicas.map_or_else(
        || "everything is as declared".to_owned(),
        |replicas| format!("{} of {} replicas are ready", replicas.ready, replicas.desired),
    )
}

/// What the sync says of a MicroService: whether it is as Git declares it.
pub fn source_drifted(
    standing: &[DriftedField],
    corrected: &[DriftedField],
    (fought, paused): (Option<&FightStatus>, Option<&Pause>),
) -> Finding {
    let first = |fields: &[DriftedField]| fields.first().map(drift_report::sentence).unwrap_or_default();
    if !standing.is_empty() {
        let message = counted(standing.len(), "differ from Git", &first(standing));
        return differing(SOURCE_DRIFTED, message, (fought, paused));
    }
    if !corrected.is_empty() {
        let message = counted(corrected.len(), "were put back", &first(corrected));
        return Finding::new(SOURCE_DRIFTED, false, "Corrected", message);
    }
    Finding::new(SOURCE_DRIFTED, false, "AsDeclared", "as Git declares it")
}

/// That fields differ, and what keeps them from being put back.
fn differing(kind: &'static str, message: String, (fought, paused): (Option<&FightStatus>, Option<&Pause>)) -> Finding {
    if let Some(fought) = fought {
        return Finding::new(kind, true, fight::FIGHTING, format!("{message}; {}", fight::sentence("it", fought)));
    }
    let meanwhile = paused.map(|pause| pause::meanwhile(pause.until)).unwrap_or_default();
    Finding::new(kind, true, "FieldsDiffer", format!("{message}{meanwhile}"))
}

fn workload_drifted(drift: Option<&DriftStatus>, observed: &Observed) -> Finding {
    let first = |drift: &DriftStatus| drift.fields.first().map(drift_report::sentence).unwrap_or_default();
    match drift {
        Some(drift) if drift.count > 0 => {
            let message = counted(drift.count as usize, "differ", &first(drift));
            differing(WORKLOAD_DRIFTED, message, (observed.fight.as_ref(), observed.paused.as_ref()))
        }
        Some(drift) if drift.last_corrected.is_some() => {
            let count = if observed.corrected.is_empty() { drift.fields.len() } else { observed.corrected.len() };
            Finding::new(WORKLOAD_DRIFTED, false, "Corrected", counted(count, "were put back", &first(drift)))
        }
        _ => Finding::new(WORKLOAD_DRIFTED, false, "AsDeclared", "children are as rendered"),
    }
}

/// `3 fields differ; the first: …`
pub fn counted(count: usize, verb: &str, first: &str) -> String {
    let fields = if count == 1 { "1 field".to_owned() } else { format!("{count} fields") };
    let verb = if count == 1 { verb.replace("differ", "differs").replace("were", "was") } else { verb.to_owned() };
    let join = if count == 1 { ": " } else { "; the first: " };
    format!("{fields} {verb}{join}{first}")
}

fn children_applied(observed: &Observed) -> Finding {
    match &observed.problem {
        Some(problem) => Finding::new(CHILDREN_APPLIED, false, &problem.reason, &problem.message),
        None if observed.suspended => Finding {
            truth: Truth::Unknown,
            ..Finding::new(CHILDREN_APPLIED, false, "Suspended", "nothing is written while suspended")
        },
        None if observed.lack.is_some() => {
            let lack = observed.lack.clone().unwrap_or_default();
            Finding::new(CHILDREN_APPLIED, false, lack.reason, lack.message)
        }
        None if observed.drifts.is_empty() => {
            Finding::new(CHILDREN_APPLIED, true, "Applied", "all children are as rendered")
        }
        None => {
            let why = match (&observed.paused, &observed.fight) {
                (Some(_), _) => "while corrections are paused",
                (None, Some(_)) => "until the next correction is due",
                (None, None) => "by policy",
            };
            Finding::new(CHILDREN_APPLIED, false, "Drifted", format!("drifted fields are left as they are, {why}"))
        }
    }
}

fn available(observed: &Observed) -> Finding {
    match (observed.replicas, observed.available) {
        (None, _) => Finding {
            truth: Truth::Unknown,
            ..Finding::new(AVAILABLE, false, "NotObserved", "the Deployment was not observed yet")
        },
        (Some(replicas), true) => {
            Finding::new(AVAILABLE, true, "Serving", format!("{} replicas serve", replicas.available))
        }
        (Some(replicas), false) => Finding::new(
            AVAILABLE,
            false,
            "TooFewReplicas",
            format!("{} of {} replicas serve", replicas.available, replicas.desired),
        ),
    }
}

#[cfg(test)]
mod tests;
