//! The benchmark's own client of the API server: sets the stage, watches what happens, and cleans up.

use std::time::{Duration, Instant};

use anyhow::Context;
use futures::{StreamExt, TryStreamExt, stream};
use gitmoor::api::API_VERSION;
use http::header::{HeaderValue, USER_AGENT};
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::{Namespace, Pod, Secret};
use kube::core::params::{ListParams, Patch, PatchParams, WatchParams};
use kube::core::{ApiResource, DynamicObject, Request, Resource, WatchEvent};
use kube::{Client, Config};
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinHandle;

/// How this program's calls are told from those of others.
pub const AGENT: &str = "gitmoor-bench";
/// Who edits by hand.
const EDITOR: &str = "kubectl-edit";
/// Bodies deleted, no answer after this long: something is wrong.
const PATIENCE: Duration = Duration::from_secs(300);

/// A client.
#[derive(Clone)]
pub struct Api {
    /// kube's own.
    pub client: Client,
}

/// A change that a watch showed.
#[derive(Debug, Clone)]
pub struct Seen {
    /// When it arrived here.
    pub at: Instant,
    /// The object.
    pub object: Value,
}

/// Changes from a moment on. The watch ends when this is dropped.
pub struct Watch {
    changes: UnboundedReceiver<Seen>,
    task: JoinHandle<()>,
}

/// The kind `MicroService`.
pub fn microservices() -> ApiResource {
    ours("MicroService", "microservices")
}

/// The kind `GitSync`.
pub fn gitsyncs() -> ApiResource {
    ours("GitSync", "gitsyncs")
}

fn ours(kind: &str, plural: &str) -> ApiResource {
    ApiResource {
        group: gitmoor::api::GROUP.into(),
        version: "v1alpha1".into(),
        api_version: API_VERSION.into(),
        kind: kind.into(),
        plural: plural.into(),
    }
}

/// `namespace/name` of an object.
pub fn key(object: &Value) -> String {
    let text = |field: &str| object["metadata"][field].as_str().unwrap_or_default();
    format!("{}/{}", text("namespace"), text("name"))
}

impl Api {
    /// Connects as KUBECONFIG says.
    pub async fn connect() -> anyhow::Result<Self> {
        let mut config = Config::infer().await.context("set KUBECONFIG, or use bench/run")?;
        let agent = HeaderValue::from_static(concat!("gitmoor-bench/", env!("CARGO_PKG_VERSION")));
        config.headers.push((USER_AGENT, agent));
        config.default_retry = false;
        config.read_timeout = None;
        Ok(Self { client: Client::try_from(config)? })
    }

    /// The server's version.
    pub async fn version(&self) -> anyhow::Result<String> {
        Ok(self.client.apiserver_version().await?.git_version)
    }

    /// Installs our definitions and waits until they are served.
    pub async fn install_crds(&self) -> anyhow::Result<()> {
        let kind = ApiResource::erase::<
            k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
        >(&());
        for crd in gitmoor::api::crds::all() {
            self.apply(&kind, None, &serde_json::to_value(crd)?).await?;
        }
        let started = Instant::now();
        while self.count(&microservices(), None).await.is_err() || self.count(&gitsyncs(), None).await.is_err() {
            anyhow::ensure!(started.elapsed() < PATIENCE, "the definitions are not served");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }

    /// Makes namespaces.
    pub async fn make_namespaces(&self, names: &[String]) -> anyhow::Result<()> {
        let kind = ApiResource::erase::<Namespace>(&());
        for name in names {
            let body = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
            self.apply(&kind, None, &body).await?;
        }
        Ok(())
    }

    /// A Secret with the key `token`.
    pub async fn make_token(&self, namespace: &str, name: &str, token: &str) -> anyhow::Result<()> {
        let kind = ApiResource::erase::<Secret>(&());
        let body = json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": {"token": token}
        });
        self.apply(&kind, Some(namespace), &body).await?;
        Ok(())
    }

    /// Server-side apply.
    pub async fn apply(&self, kind: &ApiResource, namespace: Option<&str>, body: &Value) -> anyhow::Result<Value> {
        let name = body["metadata"]["name"].as_str().context("a body without a name")?;
        let params = PatchParams::apply(AGENT).force();
        let request = path(kind, namespace).patch(name, &params, &Patch::Apply(body))?;
        Ok(self.client.request(request).await?)
    }

    /// Edits an object as a person would.
    pub async fn edit(&self, kind: &ApiResource, key: &str, patch: &Value) -> anyhow::Result<()> {
        let (namespace, name) = key.split_once('/').context("a key without a namespace")?;
        let params = PatchParams { field_manager: Some(EDITOR.into()), ..PatchParams::default() };
        let request = path(kind, Some(namespace)).patch(name, &params, &Patch::Merge(patch))?;
        self.client.request_text(request).await?;
        Ok(())
    }

    /// Deletes one object; one that is not there is fine.
    pub async fn delete(&self, kind: &ApiResource, namespace: &str, name: &str) -> anyhow::Result<()> {
        match self.client.request_text(path(kind, Some(namespace)).delete(name, &Default::default())?).await {
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
            result => Ok(result.map(drop)?),
        }
    }

    /// One object.
    pub async fn get(&self, kind: &ApiResource, namespace: &str, name: &str) -> anyhow::Result<Value> {
        Ok(self.client.request(path(kind, Some(namespace)).get(name, &Default::default())?).await?)
    }

    /// All objects of a kind, page by page.
    pub async fn list(&self, kind: &ApiResource) -> anyhow::Result<Vec<Value>> {
        let mut params = ListParams { limit: Some(500), ..ListParams::default() };
        let mut all = Vec::new();
        loop {
            let mut page: Value = self.client.request(path(kind, None).list(&params)?).await?;
            if let Value::Array(items) = page["items"].take() {
                all.extend(items);
            }
            match page["metadata"]["continue"].as_str() {
                Some(token) if !token.is_empty() => params.continue_token = Some(token.to_owned()),
                _ => return Ok(all),
            }
        }
    }

    /// How many objects of a kind there are.
    pub async fn count(&self, kind: &ApiResource, namespace: Option<&str>) -> anyhow::Result<u64> {
        let params = ListParams { limit: Some(1), ..ListParams::default() };
        let page: Value = self.client.request(path(kind, namespace).list(&params)?).await?;
        let first = page["items"].as_array().map_or(0, Vec::len) as u64;
        Ok(first + page["metadata"]["remainingItemCount"].as_u64().unwrap_or(0))
    }

    /// How many objects of a kind there are, and their size as JSON.
    pub async fn weigh(&self, kind: &ApiResource, labels: Option<&str>) -> anyhow::Result<(u64, u64)> {
        let mut params =
            ListParams { limit: Some(500), label_selector: labels.map(str::to_owned), ..ListParams::default() };
        let (mut count, mut bytes) = (0, 0);
        loop {
            let text = self.client.request_text(path(kind, None).list(&params)?).await?;
            let page: Value = serde_json::from_str(&text)?;
            count += page["items"].as_array().map_or(0, Vec::len) as u64;
            bytes += text.len() as u64;
            match page["metadata"]["continue"].as_str() {
                Some(token) if !token.is_empty() => params.continue_token = Some(token.to_owned()),
                _ => return Ok((count, bytes)),
            }
        }
    }

    /// Deletes all MicroServices and what was made for them, and waits until they are gone.
    pub async fn wipe(&self, namespaces: &[String]) -> anyhow::Result<()> {
        let made: [ApiResource; 4] = [
            microservices(),
            ApiResource::erase::<Deployment>(&()),
            ApiResource::erase::<ReplicaSet>(&()),
            ApiResource::erase::<Pod>(&()),
        ];
        for kind in &made {
            if self.count(kind, None).await? == 0 {
                continue;
            }
            let all = stream::iter(namespaces).map(|namespace| async move {
                let request =
                    path(kind, Some(namespace)).delete_collection(&Default::default(), &Default::default())?;
                self.client.request_text(request).await?;
                anyhow::Ok(())
            });
            all.buffer_unordered(8).try_collect::<()>().await?;
        }
        let started = Instant::now();
        for kind in &made {
            while self.count(kind, None).await? > 0 {
                anyhow::ensure!(started.elapsed() < PATIENCE, "{} do not go away", kind.plural);
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        Ok(())
    }

    /// Changes of a kind from now on.
    pub async fn watch(&self, kind: &ApiResource) -> anyhow::Result<Watch> {
        let params = ListParams { limit: Some(1), ..ListParams::default() };
        let page: Value = self.client.request(path(kind, None).list(&params)?).await?;
        let version = page["metadata"]["resourceVersion"].as_str().context("a list without a version")?;
        let request = path(kind, None).watch(&WatchParams { timeout: Some(290), ..WatchParams::default() }, version)?;
        let mut events = Box::pin(self.client.request_events::<Value>(request).await?);
        let (sender, changes) = unbounded_channel();
        let (client, kind, mut last) = (self.client.clone(), kind.clone(), version.to_owned());
        let task = tokio::spawn(async move {
            loop {
                while let Ok(Some(event)) = events.try_next().await {
                    let (WatchEvent::Added(object) | WatchEvent::Modified(object) | WatchEvent::Deleted(object)) =
                        event
                    else {
                        continue;
                    };
                    object["metadata"]["resourceVersion"].as_str().unwrap_or_default().clone_into(&mut last);
                    if sender.send(Seen { at: Instant::now(), object }).is_err() {
                        return;
                    }
                }
                // The server ends a watch now and then; it goes on where it ended.
                let params = WatchParams { timeout: Some(290), ..WatchParams::default() };
                let Ok(request) = path(&kind, None).watch(&params, &last) else { return };
                let Ok(next) = client.request_events::<Value>(request).await else { return };
                events = Box::pin(next);
            }
        });
        Ok(Watch { changes, task })
    }
}

impl Watch {
    /// Waits until something is seen that is as wanted.
    pub async fn until(&mut self, patience: Duration, wanted: impl Fn(&Value) -> bool) -> anyhow::Result<Seen> {
        let found = async {
            while let Some(seen) = self.changes.recv().await {
                if wanted(&seen.object) {
                    return Ok(seen);
                }
            }
            anyhow::bail!("a watch broke off")
        };
        tokio::time::timeout(patience, found).await.context("what was waited for did not come")?
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn path(kind: &ApiResource, namespace: Option<&str>) -> Request {
    Request::new(DynamicObject::url_path(kind, namespace))
}
