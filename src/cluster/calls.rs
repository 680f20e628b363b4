//! The calls: apply, patch, delete, get. Each has a deadline, is tried again a few times when that may help,
//! and is counted.

use std::sync::Arc;
use std::time::{Duration, Instant};

use kube::core::params::{DeleteParams, GetParams, Patch, PatchParams, PostParams, Preconditions, PropagationPolicy};
use kube::core::{ApiResource, Request, Resource};
use kube::{Client, core::DynamicObject};
use serde_json::{Value, json};

use super::acting::{self, Acting};
use super::answer::ask;
use super::error::CallError;
use super::fence::{self, Fence};
use crate::model::{Account, Backoff, LiveObject, ObjectKey};
use crate::telemetry::Metrics;
use crate::telemetry::metrics::{CallResult, Verb};

/// How often one call is tried before its failure is reported.
const TRIES: u32 = 3;
/// Pauses between them.
const PAUSES: Backoff = Backoff { first: Duration::from_millis(200), longest: Duration::from_secs(2) };

/// A client with deadlines and counters.
#[derive(Clone)]
pub struct Cluster {
    client: Client,
    metrics: Metrics,
    deadline: Duration,
    fence: Option<Fence>,
    acting: Option<Arc<Acting>>,
    scope: Option<Arc<str>>,
}

/// How a body is applied.
#[derive(Debug, Clone, Copy)]
pub struct Apply<'a> {
    /// Field manager.
    pub manager: &'a str,
    /// Whether fields are taken from other managers.
    pub force: bool,
    /// Whether nothing is stored.
    pub dry_run: bool,
}

impl<'a> Apply<'a> {
    /// An apply that fails where another manager owns a field with another value.
    pub fn unforced(manager: &'a str) -> Self {
        Self { manager, force: false, dry_run: false }
    }

    /// An apply that takes what it declares.
    pub fn forced(manager: &'a str) -> Self {
        Self { manager, force: true, dry_run: false }
    }

    pub(super) fn params(self) -> PatchParams {
        let mut params = PatchParams::apply(self.manager).validation_strict();
        params.force = self.force;
        params.dry_run = self.dry_run;
        params
    }
}

impl Cluster {
    /// A cluster behind `client`; no call takes longer than `deadline`.
    pub fn new(client: Client, metrics: Metrics, deadline: Duration) -> Self {
        Self { client, metrics, deadline, fence: None, acting: None, scope: None }
    }

    /// The same cluster for whoever may call only while this process leads. The client for watches is not bound by it.
    #[must_use]
    pub fn within(&self, fence: Fence) -> Self {
        Self { fence: Some(fence), ..self.clone() }
    }

    /// The same cluster, of which one namespace is looked at; all of it where there is none.
    #[must_use]
    pub fn scoped(&self, namespace: Option<&str>) -> Self {
        Self { scope: namespace.map(Into::into), ..self.clone() }
    }

    /// The one namespace that is looked at.
    pub fn scope(&self) -> Option<&str> {
        self.scope.as_deref()
    }

    /// The same cluster with another deadline.
    #[must_use]
    pub fn with_deadline(&self, deadline: Duration) -> Self {
        Self { deadline, ..self.clone() }
    }

    /// The same cluster, where every call is made as a ServiceAccount; as ourselves where there is none.
    pub fn acting_as(&self, account: Option<&Account>) -> Self {
        Self { acting: account.map(|account| Arc::new(Acting::new(account))), ..self.clone() }
    }

    /// The client, for watches.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Server-side apply. The body names the object; the server refuses unknown and duplicate fields.
    pub async fn apply(
        &self,
        kind: &ApiResource,
        key: &ObjectKey,
        body: &Value,
        how: Apply<'_>,
    ) -> Result<LiveObject, CallError> {
        let request = || path(kind, key).patch(&key.name, &how.params(), &Patch::Apply(body));
        self.object(Verb::Apply, kind, key, request).await
    }

    /// What an apply would store, without storing it. What it would create has no resourceVersion yet.
    pub async fn rehearse(
        &self,
        kind: &ApiResource,
        key: &ObjectKey,
        body: &Value,
        how: Apply<'_>,
    ) -> Result<Value, CallError> {
        let how = Apply { dry_run: true, ..how };
        let request = || path(kind, key).patch(&key.name, &how.params(), &Patch::Apply(body));
        self.call(Verb::Apply, kind, &key.namespace, request).await
    }

    /// Server-side apply that only creates: an object that exists is a [`CallError::Conflict`], even where it agrees
    /// with the body. A resourceVersion that no object has makes it so; without an object the server ignores it.
    pub async fn create(
        &self,
        kind: &ApiResource,
        key: &ObjectKey,
        body: &Value,
        manager: &str,
    ) -> Result<LiveObject, CallError> {
        let mut body = body.clone();
        body["metadata"]["resourceVersion"] = json!("1");
        self.apply(kind, key, &body, Apply::unforced(manager)).await
    }

    /// A JSON patch, whose `test` operations are its preconditions.
    pub async fn patch(
        &self,
        kind: &ApiResource,
        key: &ObjectKey,
        patch: &json_patch::Patch,
        manager: &str,
    ) -> Result<LiveObject, CallError> {
        let params = PatchParams { field_manager: Some(manager.to_owned()), ..PatchParams::default() };
        let request = || path(kind, key).patch(&key.name, &params, &Patch::<Value>::Json(patch.clone()));
        self.object(Verb::Patch, kind, key, request).await.map_err(|error| match error {
            // What the server says, without a cause, when a `test` does not hold.
            CallError::Invalid(message) if message.starts_with("the server rejected our request") => {
                CallError::Conflict("the object changed since it was looked at".into())
            }
            error => error,
        })
    }

    /// A merge patch of metadata or anything else.
    pub async fn merge(
        &self,
        kind: &ApiResource,
        key: &ObjectKey,
        patch: &Value,
        manager: &str,
    ) -> Result<LiveObject, CallError> {
        let params = PatchParams { field_manager: Some(manager.to_owned()), ..PatchParams::default() };
        let request = || path(kind, key).patch(&key.name, &params, &Patch::Merge(patch));
        self.object(Verb::Patch, kind, key, request).await
    }

    /// The object, or `None` when the server says that there is none.
    pub async fn get(&self, kind: &ApiResource, key: &ObjectKey) -> Result<Option<LiveObject>, CallError> {
        let request = || path(kind, key).get(&key.name, &GetParams::default());
        match self.object(Verb::Get, kind, key, request).await {
            Ok(object) => Ok(Some(object)),
            Err(CallError::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Deletes exactly that object: `uid` and, where given, `resource_version` must still hold.
    /// An object that is gone already is a success.
    ///
    /// That both are named is what deploy/protection.yaml knows our deletions by, whatever account they are made as.
    pub async fn delete(
        &self,
        kind: &ApiResource,
        key: &ObjectKey,
        uid: &str,
        resource_version: Option<u64>,
    ) -> Result<(), CallError> {
        let params = DeleteParams {
            preconditions: Some(Preconditions {
                uid: Some(uid.to_owned()),
                resource_version: resource_version.map(|version| version.to_string()),
            }),
            propagation_policy: Some(PropagationPolicy::Background),
            ..DeleteParams::default()
        };
        let request = || path(kind, key).delete(&key.name, &params);
        match self.call::<Value>(Verb::Delete, kind, &key.namespace, request).await {
            Ok(_) | Err(CallError::NotFound(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Makes a namespace; one that exists already is a success.
    pub async fn create_namespace(&self, name: &str) -> Result<(), CallError> {
        let kind = ApiResource::erase::<k8s_openapi::api::core::v1::Namespace>(&());
        let body =
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}).to_string().into_bytes();
        let params =
            PostParams { field_manager: Some(crate::api::names::SYNC_MANAGER.into()), ..PostParams::default() };
        let request = || Request::new(DynamicObject::url_path(&kind, None)).create(&params, body.clone());
        match self.call::<Value>(Verb::Create, &kind, name, request).await {
            Ok(_) | Err(CallError::Conflict(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Everything of a kind in a namespace (or everywhere), in pages.
    pub async fn list(
        &self,
        kind: &ApiResource,
        namespace: Option<&str>,
        labels: Option<&str>,
    ) -> Result<Vec<Value>, CallError> {
        let mut items = Vec::new();
        let mut params =
            kube::api::ListParams { limit: Some(500), label_selector: labels.map(str::to_owned), ..Default::default() };
        loop {
            let request = || Request::new(DynamicObject::url_path(kind, namespace)).list(&params);
            let mut page: Value = self.call(Verb::List, kind, namespace.unwrap_or_default(), request).await?;
            if let Some(Value::Array(part)) = page.get_mut("items").map(Value::take) {
                items.extend(part);
            }
            match page["metadata"]["continue"].as_str() {
                Some(token) if !token.is_empty() => params.continue_token = Some(token.to_owned()),
                _ => return Ok(items),
            }
        }
    }

    pub(super) async fn object(
        &self,
        verb: Verb,
        kind: &ApiResource,
        key: &ObjectKey,
        request: impl Fn() -> Result<http::Request<Vec<u8>>, kube::core::request::Error>,
    ) -> Result<LiveObject, CallError> {
        let value: Value = self.call(verb, kind, &key.namespace, request).await?;
        LiveObject::from_json(value).map_err(|error| CallError::Unexpected(error.to_string()))
    }

    /// One call within the deadline, tried again while that may help.
    pub(super) async fn call<T: serde::de::DeserializeOwned>(
        &self,
        verb: Verb,
        kind: &ApiResource,
        namespace: &str,
        request: impl Fn() -> Result<http::Request<Vec<u8>>, kube::core::request::Error>,
    ) -> Result<T, CallError> {
        let started = Instant::now();
        let (mut tries, mut unknown) = (0, None);
        loop {
            tries += 1;
            let left = self.deadline.saturating_sub(started.elapsed());
            let error = match self.once(verb, kind, namespace, &request, left).await {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            let pause = backoff(&error, tries);
            if !error.is_transient() || tries >= TRIES || started.elapsed() + pause >= self.deadline {
                // Whether an earlier try was carried out is not known, and a later one that was turned away does not tell.
                return Err(unknown.filter(|_| error.was_turned_away()).unwrap_or(error));
            }
            if !error.was_turned_away() {
                unknown = Some(error);
            }
            tokio::time::sleep(pause).await;
        }
    }

    async fn once<T: serde::de::DeserializeOwned>(
        &self,
        verb: Verb,
        kind: &ApiResource,
        namespace: &str,
        request: impl Fn() -> Result<http::Request<Vec<u8>>, kube::core::request::Error>,
        left: Duration,
    ) -> Result<T, CallError> {
        let mut request = request().map_err(|error| CallError::Invalid(error.to_string()))?;
        let (mut left, mut patience) = (left, self.deadline);
        if let Some(fence) = &self.fence {
            let term = fence.term.left().ok_or(CallError::NotLeading)?;
            (left, patience) = (left.min(term), patience.min(term));
            fence::give_up_after(left, &mut request);
        }
        if let Some(acting) = &self.acting {
            acting.sign(&mut request)?;
        }
        let started = Instant::now();
        let client = self.fence.as_ref().map_or(&self.client, |fence| &fence.client);
        let answer = tokio::select! {
            answer = tokio::time::timeout(left, ask::<T>(client, request, namespace)) => answer,
            () = fence::ended(self.fence.as_ref()) => return Err(CallError::NotLeading),
        };
        let result = match answer {
            Err(_) => Err(CallError::Timeout(patience)),
            Ok(Err(error)) => Err(match error.of_kind(kind) {
                CallError::Forbidden(message) => acting::explain(self.acting.as_deref(), message),
                other => other,
            }),
            Ok(Ok(value)) => Ok(value),
        };
        let outcome = result.as_ref().map_or_else(call_result, |_| CallResult::Ok);
        self.metrics.api_call(verb, resource_label(&kind.plural), outcome, started.elapsed());
        result
    }
}

/// Longer each time; the server's own advice wins.
fn backoff(error: &CallError, tries: u32) -> Duration {
    if let CallError::Throttled { retry_after: Some(advice), .. } = error {
        return *advice;
    }
    PAUSES.pause(tries, fastrand::f64())
}

pub(super) fn path(kind: &ApiResource, key: &ObjectKey) -> Request {
    // What has no namespace belongs to the whole cluster.
    Request::new(DynamicObject::url_path(kind, Some(&*key.namespace).filter(|namespace| !namespace.is_empty())))
}

fn call_result(error: &CallError) -> CallResult {
    match error {
        CallError::Conflict(_) => CallResult::Conflict,
        CallError::NotFound(_) | CallError::NamespaceMissing(_) => CallResult::NotFound,
        error if error.is_transient() => CallResult::Error,
        _ => CallResult::Refused,
    }
}

/// The plural as a word of our own source: a label must be bounded.
fn resource_label(plural: &str) -> &'static str {
    const KNOWN: [&str; 16] = [
        "microservices",
        "gitsyncs",
        "deployments",
        "services",
        "serviceaccounts",
        "poddisruptionbudgets",
        "ingresses",
        "httproutes",
        "networkpolicies",
        "servicemonitors",
        "jobs",
        "cronjobs",
        "pods",
        "namespaces",
        "secrets",
        "leases",
    ];
    KNOWN.into_iter().find(|known| *known == plural).unwrap_or("other")
}
