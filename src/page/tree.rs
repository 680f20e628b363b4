//! A MicroService, its children and their pods, each with what it says of itself.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::api::MicroService;
use crate::api::status::ChildStatus;
use crate::health::{JobProgress, PodSummary, Progress, Status, assess, job_progress, kstatus, pod_trouble};
use crate::model::codes;
use crate::view::{Marks, Verdict, key, tree as short};

/// Pods that are listed below one object.
const PODS: usize = 100;

/// What is known of the children of one MicroService.
#[derive(Debug, Default)]
pub struct Family {
    /// Live children, with their kinds.
    pub children: Vec<(&'static str, Value)>,
    /// Pods of each version of the service.
    pub pods: Vec<PodSummary>,
    /// Pods of its jobs, by the name of the job.
    pub job_pods: Vec<(String, Vec<PodSummary>)>,
}

/// One object and what is below it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Node {
    kind: String,
    name: String,
    #[serde(flatten)]
    verdict: Option<Verdict>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    conditions: Vec<Value>,
    #[serde(flatten)]
    marks: Marks,
    #[serde(skip_serializing_if = "Option::is_none")]
    restarts: Option<i64>,
    #[serde(skip_serializing_if = "String::is_empty")]
    version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    more: Option<usize>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    children: Vec<Node>,
}

/// What is answered.
#[derive(Debug, Serialize)]
pub struct Tree {
    ready: bool,
    pods: bool,
    tree: [Node; 1],
}

/// The tree of a service; where nobody watches its children, as far as status names them.
pub fn tree(service: &MicroService, family: Option<&Family>, now: Timestamp) -> Tree {
    let verdict = Verdict::of_service(service);
    let status = service.status.as_ref();
    let listed = status.map(|status| status.children.as_slice()).unwrap_or_default();
    let mut children: Vec<Node> = listed.iter().map(|child| of_child(service, child, family, now)).collect();
    for (kind, value) in family.iter().flat_map(|family| &family.children) {
        let name = value["metadata"]["name"].as_str().unwrap_or_default();
        // Status names what was rendered; what is there beside that is shown, too.
        if !listed.iter().any(|child| child.kind == *kind && child.name == name) {
            let child = Node { kind: (*kind).to_owned(), name: name.to_owned(), ..Node::default() };
            children.push(child.live(value, family, now));
        }
    }
    let top = Node {
        kind: "MicroService".to_owned(),
        name: key(service).to_string(),
        code: codes::code_of(&verdict.reason),
        conditions: conditions(serde_json::to_value(status).unwrap_or_default()),
        marks: Marks::of_service(service),
        children,
        verdict: Some(verdict.clone()),
        ..Node::default()
    };
    Tree { ready: verdict.is_ready(), pods: family.is_some(), tree: [top] }
}

fn of_child(service: &MicroService, child: &ChildStatus, family: Option<&Family>, now: Timestamp) -> Node {
    let short::Node { kind, name, marks, .. } = short::child_of(service, child);
    let node = Node { kind, name, marks, ..Node::default() };
    let live = family.and_then(|family| {
        let is = |(kind, value): &&(&str, Value)| *kind == child.kind && value["metadata"]["name"] == *child.name;
        family.children.iter().find(is).map(|(_, value)| value)
    });
    match (live, family) {
        (Some(value), _) => node.live(value, family, now),
        (None, Some(_)) => node.said("False", "Missing", "it does not exist".to_owned()),
        (None, None) => node,
    }
}

impl Node {
    fn said(self, ready: &str, reason: &str, message: String) -> Self {
        let code = codes::code_of(reason);
        Self { verdict: Some(Verdict { ready: ready.into(), reason: reason.into(), message }), code, ..self }
    }

    /// With what the live object says.
    fn live(self, value: &Value, family: Option<&Family>, now: Timestamp) -> Self {
        let node = match &*self.kind {
            "Deployment" => {
                let pods = family.map(|family| family.pods.as_slice()).unwrap_or_default();
                self.of_deployment(value).with_pods(pods, now)
            }
            "Job" => {
                let named = |(name, _): &&(String, Vec<PodSummary>)| *name == value["metadata"]["name"];
                let pods = family.and_then(|family| family.job_pods.iter().find(named));
                let pods = pods.map(|(_, pods)| pods.as_slice()).unwrap_or_default();
                self.of_job(value).with_pods(pods, now)
            }
            _ => self.of_other(value),
        };
        let created = value["metadata"]["creationTimestamp"].as_str().and_then(|time| time.parse().ok());
        Self { conditions: conditions(value["status"].clone()), created, ..node }
    }

    fn of_deployment(self, value: &Value) -> Self {
        let deployment = serde_json::from_value(value.clone()).ok();
        match assess(deployment.as_ref()).progress {
            Progress::Current => self.said("True", "Ready", String::new()),
            Progress::InProgress(why) | Progress::Failed(why) => self.said("False", why.reason, why.message),
        }
    }

    fn of_job(self, value: &Value) -> Self {
        match job_progress(value) {
            JobProgress::Succeeded => self.said("True", "Ready", String::new()),
            JobProgress::Running => self.said("False", "PreDeployRunning", "it has yet to end".to_owned()),
            JobProgress::Failed(why) => self.said("False", "PreDeployFailed", why),
        }
    }

    /// An object that has no status says nothing.
    fn of_other(self, value: &Value) -> Self {
        let says = value["status"]["conditions"].as_array().is_some_and(|all| !all.is_empty());
        let terminating = !value["metadata"]["deletionTimestamp"].is_null();
        match kstatus(value) {
            Status::Terminating if terminating => self.said("False", "Terminating", "is being deleted".to_owned()),
            Status::Current if says => self.said("True", "Ready", String::new()),
            _ => self,
        }
    }

    /// Those that are not ready first.
    fn with_pods(self, pods: &[PodSummary], now: Timestamp) -> Self {
        let mut pods: Vec<&PodSummary> = pods.iter().collect();
        pods.sort_by(|a, b| (a.ready, &a.name).cmp(&(b.ready, &b.name)));
        let more = pods.len().saturating_sub(PODS);
        let children = pods.into_iter().take(PODS).map(|pod| of_pod(pod, now)).collect();
        Self { children, more: (more > 0).then_some(more), ..self }
    }
}

fn of_pod(pod: &PodSummary, now: Timestamp) -> Node {
    let node = Node {
        kind: "Pod".to_owned(),
        name: pod.name.clone(),
        version: pod.version.clone(),
        created: pod.created,
        restarts: pod.containers.iter().map(|container| container.restarts).reduce(i64::max),
        ..Node::default()
    };
    if pod.ready {
        return node.said("True", "Ready", String::new());
    }
    match pod_trouble(std::slice::from_ref(pod), now) {
        Some(trouble) => node.said("False", &trouble.reason, trouble.message),
        None if pod.leaving => node.said("False", "Terminating", "has ended, or is being deleted".to_owned()),
        None => node.said("False", "ReplicasUnavailable", "is not ready yet".to_owned()),
    }
}

/// The conditions of a status, bounded, with the fields that a page shows.
fn conditions(status: Value) -> Vec<Value> {
    let Some(all) = status["conditions"].as_array() else { return Vec::new() };
    let fields = ["type", "status", "reason", "message", "lastTransitionTime"];
    let one = |condition: &Value| {
        let kept = fields.iter().filter_map(|field| Some((*field, condition[*field].as_str()?)));
        kept.map(|(field, text)| (field.to_owned(), Value::from(text))).collect::<serde_json::Map<_, _>>().into()
    };
    all.iter().take(32).map(one).collect()
}

#[cfg(test)]
mod tests;
