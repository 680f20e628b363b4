//! Writes of a status. It decides nothing about what one says.

use kube::core::ApiResource;
use kube::core::params::{Patch, PatchParams};
use serde_json::{Map, Value, json};

use super::calls::{Apply, Cluster, path};
use super::error::CallError;
use crate::model::{LiveObject, ObjectKey};
use crate::telemetry::metrics::Verb;

impl Cluster {
    /// Server-side apply of the status alone.
    pub async fn apply_status(
        &self,
        kind: &ApiResource,
        key: &ObjectKey,
        status: &Value,
        manager: &str,
    ) -> Result<LiveObject, CallError> {
        let body = json!({
            "apiVersion": kind.api_version, "kind": kind.kind,
            "metadata": {"name": &*key.name, "namespace": &*key.namespace}, "status": status
        });
        let params = Apply::forced(manager).params();
        let request = || path(kind, key).patch_subresource("status", &key.name, &params, &Patch::Apply(&body));
        self.object(Verb::Apply, kind, key, request).await
    }

    /// The same of a whole status: what another hand has put beside it goes, for nobody has observed that. An apply alone
    /// leaves what it never owned. `others` are fields that have a writer of their own.
    pub async fn apply_whole_status(
        &self,
        kind: &ApiResource,
        key: &ObjectKey,
        status: &Value,
        manager: &str,
        others: &[&str],
    ) -> Result<LiveObject, CallError> {
        let answer = self.apply_status(kind, key, status, manager).await?;
        let strange = strange(&answer.value()["status"], status, others);
        if strange.is_empty() {
            return Ok(answer);
        }
        let patch = json!({"status": strange});
        let params = PatchParams { field_manager: Some(manager.to_owned()), ..PatchParams::default() };
        let request = || path(kind, key).patch_subresource("status", &key.name, &params, &Patch::Merge(&patch));
        self.object(Verb::Patch, kind, key, request).await
    }
}

/// The fields that a status has and that nobody knows of, as what removes them.
fn strange(there: &Value, status: &Value, others: &[&str]) -> Map<String, Value> {
    let fields = there.as_object().into_iter().flat_map(Map::keys);
    let strange = fields.filter(|field| status.get(field).is_none() && !others.contains(&field.as_str()));
    strange.map(|field| (field.clone(), Value::Null)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_knows_of_goes_and_what_others_write_stays() {
        let status = json!({"counts": {"declared": 1}, "conditions": []});
        let check = |there: Value, expected: Value| {
            assert_eq!(Value::Object(strange(&there, &status, &["notify"])), expected, "{there}");
        };
        check(json!({"counts": {"declared": 1}, "conditions": [], "notify": []}), json!({}));
        check(
            json!({"counts": {}, "hold": {"hash": "0"}, "notify": [], "url": "x"}),
            json!({"hold": null, "url": null}),
        );
        check(Value::Null, json!({}));
    }
}
