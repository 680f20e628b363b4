//! What the commands share that a person changes a GitSync with: finding it, changing it on the condition that it is
//! still what was looked at, and saying what is wrong when that cannot be done.

use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use clap::Args;
use kube::core::ApiResource;
use serde_json::{Value, json};

use super::ClusterArgs;
use super::reach::{key, typed};
use super::run::CLI_MANAGER;
use crate::api::GitSync;
use crate::api::names::RECONCILE_REQUESTED_AT;
use crate::cluster::{CallError, Cluster, gitsyncs};
use crate::model::ObjectKey;
use crate::sync::parse_duration;
pub use crate::view::annotation;

/// How often a change is tried whose GitSync moved meanwhile: the daemon writes its status while it works.
const TRIES: u32 = 10;
/// Names that are suggested where there is no such GitSync.
const SUGGESTED: usize = 3;

/// Which GitSync, where a name does not say its namespace.
#[derive(Debug, Clone, Args)]
pub struct PlaceArgs {
    /// Namespace of a GitSync that is named without one.
    #[arg(long, short, value_name = "NAME", env = "POD_NAMESPACE", hide_env_values = true)]
    #[arg(default_value = "gitmoor-system")]
    pub namespace: String,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
}

/// How to wait.
#[derive(Debug, Clone, Copy, Args)]
pub struct WaitArgs {
    /// Wait until the daemon has done it, and say what came of it.
    #[arg(long)]
    pub wait: bool,
    /// With --wait: give up after this time.
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = duration)]
    pub timeout: Duration,
}

/// A GitSync that was changed, or was not.
pub struct Changed {
    /// As it was found.
    pub found: GitSync,
    /// The resourceVersion that it has since.
    pub version: Option<u64>,
}

/// Reads a flag such as 30s or 5m.
pub fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).ok_or_else(|| "not a duration such as 30s or 5m".to_owned())
}

/// The GitSync of that name; the error names those that may have been meant.
pub async fn find(cluster: &Cluster, wanted: &ObjectKey) -> anyhow::Result<GitSync> {
    match cluster.get(&gitsyncs(), wanted).await {
        Ok(Some(live)) => typed(live.value()),
        Ok(None) => Err(missing(cluster, wanted).await),
        Err(error) => Err(denied(error, "get", &gitsyncs(), Some(&wanted.namespace))),
    }
}

/// Changes a GitSync by a merge patch, which is refused when it moved since it was looked at; then it is looked at anew.
/// `decide` says what to change, or nothing.
pub async fn change(
    cluster: &Cluster,
    wanted: &ObjectKey,
    mut decide: impl FnMut(&GitSync) -> anyhow::Result<Option<Value>>,
) -> anyhow::Result<Changed> {
    for _ in 0..TRIES {
        let found = find(cluster, wanted).await?;
        let Some(mut patch) = decide(&found)? else { return Ok(Changed { found, version: None }) };
        patch["metadata"]["resourceVersion"] = json!(found.metadata.resource_version);
        match cluster.merge(&gitsyncs(), wanted, &patch, CLI_MANAGER).await {
            Ok(live) => return Ok(Changed { found, version: Some(live.resource_version) }),
            Err(CallError::Conflict(_)) => {}
            Err(CallError::NotFound(_)) => return Err(missing(cluster, wanted).await),
            Err(error) => return Err(denied(error, "patch", &gitsyncs(), Some(&wanted.namespace))),
        }
    }
    bail!(
        "GitSync {wanted} was changed by somebody else with each of {TRIES} tries, and nothing was written; try again"
    )
}

/// A request to reconcile that was never made before, as the annotation has it: the time to the nanosecond.
pub fn request() -> String {
    format!("{:.9}", jiff::Timestamp::now())
}

/// A merge patch of annotations; null removes one. A request to reconcile goes with each change: the daemon looks at
/// once, and its status says when it has.
pub fn annotations(request: &str, all: &[(&str, Option<&str>)]) -> Value {
    let mut annotations = json!({RECONCILE_REQUESTED_AT: request});
    for (name, value) in all {
        annotations[*name] = json!(value);
    }
    json!({"metadata": {"annotations": annotations}})
}

/// What a failed call means to the person who made it: for a missing right, which one it is and what gives it.
pub fn denied(error: CallError, verb: &str, kind: &ApiResource, namespace: Option<&str>) -> anyhow::Error {
    let place = namespace.map_or_else(|| "all namespaces".into(), |namespace| format!("namespace {namespace}"));
    let what = format!("cannot {verb} {} in {place}", kind.plural);
    let Some(said) = error.missing_right() else { return anyhow::Error::new(error).context(what) };
    let role = if verb == "patch" { "gitmoor-operate" } else { "gitmoor-view" };
    let right = format!("{}.{}", kind.plural, kind.group);
    let hint = format!("{what}: you need the verb {verb} on {right}; the ClusterRole {role} gives it ({said})");
    Denied(hint).into()
}

/// A right that a person lacks; what the API server said is in it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Denied(String);

/// Says that there is no such GitSync, and which ones may have been meant.
pub async fn missing(cluster: &Cluster, wanted: &ObjectKey) -> anyhow::Error {
    // It is only for a hint: what cannot be listed is not suggested.
    let mut all = cluster.list(&gitsyncs(), None, None).await;
    if all.is_err() {
        all = cluster.list(&gitsyncs(), Some(&wanted.namespace), None).await;
    }
    let known = all.unwrap_or_default().into_iter().filter_map(|value| typed::<GitSync>(value).ok());
    let known: Vec<ObjectKey> = known.map(|gitsync| key(&gitsync)).collect();
    match nearest(wanted, known).as_slice() {
        [] => anyhow!("there is no GitSync {wanted}; see: gitmoor status -A"),
        near => anyhow!("there is no GitSync {wanted}; there is {}", near.join(", ")),
    }
}

/// The same name in another namespace, or nearly the same in this one.
fn nearest(wanted: &ObjectKey, known: Vec<ObjectKey>) -> Vec<String> {
    let far = (wanted.name.chars().count() / 3).clamp(1, 3);
    let near = |other: ObjectKey| {
        let edits = strsim::damerau_levenshtein(&wanted.name, &other.name);
        let fits = if other.namespace == wanted.namespace { edits <= far } else { edits == 0 };
        fits.then(|| (edits, other.to_string()))
    };
    let mut near: Vec<_> = known.into_iter().filter_map(near).collect();
    near.sort();
    near.into_iter().take(SUGGESTED).map(|(_, name)| name).collect()
}

/// Whether Git declares a field of the spec: the sync of another GitSync applied it.
pub fn is_declared(gitsync: &GitSync, field: &str) -> bool {
    let owns = |entry: &k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry| {
        let ours = entry.manager.as_deref() == Some(crate::api::names::SYNC_MANAGER)
            && entry.operation.as_deref() == Some("Apply")
            && entry.subresource.is_none();
        let fields = entry.fields_v1.as_ref().map(|fields| &fields.0);
        ours && fields.is_some_and(|fields| fields["f:spec"].get(format!("f:{field}")).is_some())
    };
    gitsync.metadata.managed_fields.iter().flatten().any(owns)
}

/// Reads the names of several GitSyncs; each counts once.
pub fn full_names(names: &[String], namespace: &str) -> anyhow::Result<Vec<ObjectKey>> {
    let mut keys = Vec::new();
    for name in names {
        let key = super::reach::full_name(name, namespace).with_context(|| "cannot tell which GitSync is meant")?;
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_probably_meant_is_suggested() {
        let known = ["ops/shop", "ops/shops", "team/shop", "team/pay", "ops/payments"];
        let check = |wanted: &str, expected: &[&str]| {
            let known = known.iter().map(|name| ObjectKey::parse(name).unwrap()).collect();
            assert_eq!(nearest(&ObjectKey::parse(wanted).unwrap(), known), expected, "{wanted}");
        };
        check("ops/shpo", &["ops/shop"]);
        check("pay/shop", &["ops/shop", "team/shop"]);
        check("ops/pay", &["team/pay"]);
        check("ops/payment", &["ops/payments"]);
        check("ops/other", &[]);
    }

    #[test]
    fn a_missing_right_is_named() {
        let check = |error: CallError, verb: &str, expected: &str| {
            let said = format!("{:#}", denied(error, verb, &gitsyncs(), Some("ops")));
            assert!(said.contains(expected), "{said}");
        };
        let said = "ms.x is forbidden: User \"u\" cannot patch resource \"ms\" in the namespace \"ops\"";
        let forbidden = || {
            let status = kube::core::Status { code: 403, message: said.into(), ..kube::core::Status::default() };
            CallError::from_kube(kube::Error::Api(Box::new(status)), "ops")
        };
        let words = "cannot patch gitsyncs in namespace ops: you need the verb patch on gitsyncs.gitmoor.dev; \
                     the ClusterRole gitmoor-operate gives it (ms.x is forbidden: User \"u\" cannot patch";
        check(forbidden(), "patch", words);
        check(forbidden(), "get", "ClusterRole gitmoor-view");
        assert!(
            !format!("{:#}", denied(forbidden(), "get", &gitsyncs(), None)).contains("all that Gitmoor itself needs")
        );
        let policy = "cannot patch gitsyncs in namespace ops: denied by policy";
        check(CallError::Forbidden("denied by policy".into()), "patch", policy);
        check(CallError::Timeout(Duration::from_secs(6)), "get", "did not answer within 6s");
    }

    #[test]
    fn a_request_is_a_time_and_never_the_same() {
        let (one, other) = (request(), request());
        assert_ne!(one, other);
        assert!(one.parse::<jiff::Timestamp>().is_ok() && one.len() == "2026-01-02T03:04:05.123456789Z".len(), "{one}");
    }

    #[test]
    fn a_field_is_declared_where_the_sync_applied_it() {
        let check = |manager: &str, operation: &str, expected: bool| {
            let gitsync: GitSync = serde_json::from_value(json!({
                "apiVersion": "gitmoor.dev/v1alpha1", "kind": "GitSync", "spec": {"url": "https://example.com"},
                "metadata": {"name": "a", "managedFields": [{"manager": manager, "operation": operation,
                    "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:suspend": {}}}}]}
            }))
            .unwrap();
            assert_eq!(is_declared(&gitsync, "suspend"), expected, "{manager} {operation}");
            assert!(!is_declared(&gitsync, "url"));
        };
        check("gitmoor", "Apply", true);
        check("gitmoor", "Update", false);
        check("kubectl", "Apply", false);
    }
}
