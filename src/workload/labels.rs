//! Labels of children and pods.

use std::collections::BTreeMap;

use super::subject::Subject;
use super::{config_map, names};
use crate::api::names::{CONFIG, LABEL_INSTANCE, LABEL_MANAGED_BY, LABEL_NAME, MANAGED_BY};

/// Labels by name.
pub(super) type Labels = BTreeMap<String, String>;

/// The selector of the Deployment, the Service and the budget: two labels that depend on the name alone.
/// A Deployment's selector is immutable, so this must never change.
pub(super) fn selector(subject: &Subject<'_>) -> Labels {
    [LABEL_NAME, LABEL_INSTANCE].map(|label| (label.to_owned(), subject.name.clone())).into()
}

/// Labels of every child.
pub(super) fn of_child(subject: &Subject<'_>) -> Labels {
    let mut labels = selector(subject);
    labels.insert(LABEL_MANAGED_BY.into(), MANAGED_BY.into());
    labels
}

/// Labels of the pods: the author's, and ours, which win.
pub(super) fn of_pod(subject: &Subject<'_>) -> Labels {
    let mut labels = subject.spec.pod_metadata.as_ref().map(|pod| pod.labels.clone()).unwrap_or_default();
    labels.extend(config_map::hash(subject.spec).map(|hash| (CONFIG.to_owned(), hash)));
    labels.extend(of_child(subject));
    labels
}

/// Selects all pods of a service, of its jobs, too.
pub(super) fn of_all_pods(service: &str) -> Labels {
    [(LABEL_NAME.to_owned(), names::fit(service)), (LABEL_MANAGED_BY.to_owned(), MANAGED_BY.to_owned())].into()
}

/// Labels of the pods of a job. They are another instance, so that no Service, budget or count of replicas takes them for
/// pods that serve; no MicroService has a dot in its name.
pub(super) fn of_job_pod(subject: &Subject<'_>, task: &str) -> Labels {
    let mut labels = of_pod(subject);
    labels.insert(LABEL_INSTANCE.into(), names::fit(&job_instance(&subject.name, task)));
    labels
}

/// The instance of a job's pods: `service.task`.
pub(super) fn job_instance(service: &str, task: &str) -> String {
    format!("{service}.{task}")
}
