//! Labels of children and pods.

use std::collections::BTreeMap;

use super::config_map;
use super::subject::Subject;
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
