//! The ServiceAccount: one of the service's own, without rights and without a token in the pods.

use serde_json::json;

use super::subject::Subject;
use super::{ChildKind, Draft};

/// The ServiceAccount.
pub(super) static KIND: ChildKind =
    ChildKind { group: "", version: "v1", kind: "ServiceAccount", plural: "serviceaccounts", optional: false, build };

/// None where the service uses one that exists.
fn build(subject: &Subject<'_>) -> Vec<Draft> {
    let account = &subject.service_account;
    if !account.create {
        return Vec::new();
    }
    vec![Draft {
        name: account.name.clone(),
        annotations: account.options.map(|options| options.annotations.clone()).unwrap_or_default(),
        content: json!({"automountServiceAccountToken": account.automount_token}),
    }]
}
