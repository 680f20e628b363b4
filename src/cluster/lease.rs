//! One Lease: reading, writing and following it. Who may have it is decided on floor 1.

use futures::{Stream, StreamExt, future};
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use kube::core::params::PostParams;
use kube::core::{ApiResource, DynamicObject, Request};
use kube::runtime::watcher::{Config, Event};
use serde_json::{Value, json};
use tracing::warn;

use super::calls::Cluster;
use super::error::CallError;
use super::news;
use crate::api::names::SYNC_MANAGER;
use crate::election::{Record, Stored};
use crate::model::{LiveObject, ObjectKey};
use crate::telemetry::metrics::Verb;

/// A Lease by its name.
#[derive(Clone)]
pub struct LeaseCalls {
    cluster: Cluster,
    key: ObjectKey,
}

impl LeaseCalls {
    /// The Lease of that name.
    pub fn new(cluster: Cluster, key: ObjectKey) -> Self {
        Self { cluster, key }
    }

    /// Its name.
    pub fn key(&self) -> &ObjectKey {
        &self.key
    }

    /// What it says, or `None` when the server says that there is none.
    pub async fn read(&self) -> Result<Option<Stored>, CallError> {
        let live = self.cluster.get(&kind(), &self.key).await?;
        Ok(live.map(|live| stored(&live.value())))
    }

    /// Writes it if it still has that version, or makes it if there is none. Everything else is [`CallError::Conflict`]
    /// or [`CallError::NotFound`].
    pub async fn write(&self, version: Option<&str>, record: &Record) -> Result<Stored, CallError> {
        let spec = spec(record);
        let live = match version {
            Some(version) => {
                let patch = json!({"metadata": {"resourceVersion": version}, "spec": spec});
                self.cluster.merge(&kind(), &self.key, &patch, SYNC_MANAGER).await?
            }
            None => self.create(spec).await?,
        };
        Ok(stored(&live.value()))
    }

    async fn create(&self, spec: Value) -> Result<LiveObject, CallError> {
        let (kind, key) = (kind(), &self.key);
        let body = json!({
            "apiVersion": kind.api_version, "kind": kind.kind,
            "metadata": {"name": &*key.name, "namespace": &*key.namespace}, "spec": spec
        });
        let body = body.to_string().into_bytes();
        let params = PostParams { field_manager: Some(SYNC_MANAGER.into()), ..PostParams::default() };
        let url = <DynamicObject as kube::Resource>::url_path(&kind, Some(&key.namespace));
        let request = || Request::new(url.clone()).create(&params, body.clone());
        let value: Value = self.cluster.call(Verb::Create, &kind, &key.namespace, request).await?;
        LiveObject::from_json(value).map_err(|error| CallError::Unexpected(error.to_string()))
    }

    /// What it says whenever that changes, `None` where there is none. A watch that breaks is made anew, and says what
    /// it finds then.
    pub fn changes(&self) -> impl Stream<Item = Option<Stored>> + Send + Unpin + use<> {
        let config = Config::default().fields(&format!("metadata.name={}", self.key.name));
        let news = news::of(self.cluster.client().clone(), &kind(), Some(&self.key.namespace), config);
        let mut listed = false;
        let changes = news.filter_map(move |event| {
            let told = match event {
                Ok(Event::Init) => {
                    listed = false;
                    None
                }
                Ok(Event::InitApply(raw)) => {
                    listed = true;
                    Some(Some(stored(&raw.value)))
                }
                Ok(Event::Apply(raw)) => Some(Some(stored(&raw.value))),
                Ok(Event::Delete(_)) => Some(None),
                Ok(Event::InitDone) => (!listed).then_some(None),
                Err(error) => {
                    // Nothing hangs on it: what is not heard is read when the lease would have ended.
                    let error = CallError::from_watch(error, &kind());
                    warn!(reason = error.reason(), %error, "watch of the Lease interrupted; will list again");
                    None
                }
            };
            future::ready(told)
        });
        changes.boxed()
    }
}

fn kind() -> ApiResource {
    ApiResource::erase::<Lease>(&())
}

fn stored(value: &Value) -> Stored {
    let spec = &value["spec"];
    let number = |field: &str| spec[field].as_i64().and_then(|number| i32::try_from(number).ok()).unwrap_or_default();
    let time = |field: &str| spec[field].as_str().and_then(|text| text.parse::<Timestamp>().ok());
    let record = Record {
        holder: spec["holderIdentity"].as_str().unwrap_or_default().to_owned(),
        seconds: number("leaseDurationSeconds"),
        acquired: time("acquireTime"),
        renewed: time("renewTime"),
        transitions: number("leaseTransitions"),
    };
    Stored { record, version: value["metadata"]["resourceVersion"].as_str().unwrap_or_default().to_owned() }
}

/// Fields that say nothing are null, which removes them.
fn spec(record: &Record) -> Value {
    // What the API server takes has six digits, and no more.
    let time = |time: Option<Timestamp>| time.map(|time| time.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string());
    let holder = Some(&record.holder).filter(|holder| !holder.is_empty());
    json!({
        "holderIdentity": holder, "leaseDurationSeconds": record.seconds, "leaseTransitions": record.transitions,
        "acquireTime": time(record.acquired), "renewTime": time(record.renewed)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        for (holder, second) in [("pod_1", 1_800_000_000), ("", 0), ("pod_1", -1)] {
            let time = Timestamp::new(second, 0).unwrap();
            let record = Record {
                holder: holder.into(),
                seconds: 15,
                acquired: Some(time),
                renewed: Some(time),
                transitions: 3,
            };
            let value = json!({"metadata": {"resourceVersion": "7"}, "spec": spec(&record)});
            assert_eq!(stored(&value), Stored { record, version: "7".into() });
        }
        let micro = Record { renewed: Some(Timestamp::new(1, 123_456_789).unwrap()), ..Record::default() };
        assert_eq!(spec(&micro)["renewTime"], "1970-01-01T00:00:01.123456Z");
        assert_eq!(spec(&micro)["holderIdentity"], Value::Null);
    }

    #[test]
    fn a_lease_that_says_nothing_is_nobodys() {
        let odd =
            json!({"metadata": {"resourceVersion": "7"}, "spec": {"renewTime": "soon", "leaseTransitions": 1e300}});
        assert_eq!(stored(&odd), Stored { record: Record::default(), version: "7".into() });
    }
}
