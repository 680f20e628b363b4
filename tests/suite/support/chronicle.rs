//! What happened to the objects of a kind in a namespace, in the order in which the API server wrote it down. It outlives an
//! API server that is away for a while.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use jiff::Timestamp;
use kube::Api;
use kube::api::{DynamicObject, ListParams, WatchEvent, WatchParams};
use serde_json::Value;
use tokio::task::JoinHandle;

use super::{Kube, eventually, holds};

/// Between two tries to reach an API server.
const AGAIN: Duration = Duration::from_millis(100);

/// One thing that happened.
#[derive(Debug, Clone)]
pub struct Happened {
    /// `added`, `modified` or `deleted`.
    pub what: &'static str,
    /// The object, as it was then.
    pub object: Value,
    /// Its place in the order of all things.
    pub version: u64,
    /// The earliest place that it can have had in part: where it was found by a list, what came between went unheard.
    pub earliest: u64,
    /// When it was heard of.
    pub heard: Timestamp,
}

impl Happened {
    pub fn name(&self) -> &str {
        name(&self.object)
    }
}

/// Writes down what happens from now on.
pub struct Chronicle {
    happened: Arc<Mutex<Vec<Happened>>>,
    writer: JoinHandle<()>,
}

impl Chronicle {
    pub async fn begin(kube: &Kube, kind: &str, namespace: &str) -> Self {
        let api = kube.api(kind, namespace);
        let list = api.list(&ListParams::default()).await.unwrap();
        let (from, there) = (list.metadata.resource_version.unwrap(), list.items);
        let happened = Arc::new(Mutex::new(Vec::new()));
        let writer = Writer { api, from, there: by_name(there), happened: Arc::clone(&happened) };
        Self { happened, writer: tokio::spawn(writer.write()) }
    }

    /// All of it until now.
    pub fn all(&self) -> Vec<Happened> {
        self.happened.lock().unwrap().clone()
    }

    /// Names of the first that were added or deleted, in order.
    pub async fn names(&self, what: &str, count: usize) -> Vec<String> {
        eventually(&format!("{count} are {what}"), async || {
            let all = self.all();
            let names: Vec<_> = all.iter().filter(|one| one.what == what).map(|one| one.name().to_owned()).collect();
            holds(names.len() >= count, &names).map(|()| names[..count].to_vec())
        })
        .await
    }
}

impl Drop for Chronicle {
    fn drop(&mut self) {
        self.writer.abort();
    }
}

struct Writer {
    api: Api<DynamicObject>,
    from: String,
    /// What is there, to know what went unheard where the API server has forgotten it.
    there: BTreeMap<String, Value>,
    happened: Arc<Mutex<Vec<Happened>>>,
}

impl Writer {
    async fn write(mut self) {
        loop {
            let watch = match self.api.watch(&WatchParams::default().timeout(240), &self.from).await {
                Ok(watch) => watch,
                Err(error) => {
                    // A list does not say what came between: it is for what the API server has forgotten.
                    if matches!(error, kube::Error::Api(status) if status.code == 410) {
                        self.relist().await;
                    }
                    tokio::time::sleep(AGAIN).await;
                    continue;
                }
            };
            let mut watch = watch.boxed();
            while let Ok(Some(event)) = watch.try_next().await {
                match event {
                    WatchEvent::Added(object) => self.note("added", object),
                    WatchEvent::Modified(object) => self.note("modified", object),
                    WatchEvent::Deleted(object) => self.note("deleted", object),
                    WatchEvent::Bookmark(_) => {}
                    // It has forgotten what was not heard.
                    WatchEvent::Error(_) => {
                        self.relist().await;
                        break;
                    }
                }
            }
        }
    }

    fn note(&mut self, what: &'static str, object: DynamicObject) {
        let object = serde_json::to_value(object).unwrap();
        let version = version(&object);
        self.from = version.to_string();
        if what == "deleted" {
            self.there.remove(name(&object));
        } else {
            self.there.insert(name(&object).to_owned(), object.clone());
        }
        self.happened.lock().unwrap().push(Happened {
            what,
            object,
            version,
            earliest: version,
            heard: Timestamp::now(),
        });
    }

    async fn relist(&mut self) {
        let Ok(list) = self.api.list(&ListParams::default()).await else { return };
        let now = by_name(list.items);
        let (heard, earliest) = (Timestamp::now(), self.from.parse::<u64>().unwrap_or_default() + 1);
        let mut missed = Vec::new();
        for (name, object) in &now {
            let before = self.there.get(name).map(version);
            if before != Some(version(object)) {
                let what = if before.is_some() { "modified" } else { "added" };
                missed.push(Happened { what, object: object.clone(), version: version(object), earliest, heard });
            }
        }
        self.from = list.metadata.resource_version.unwrap_or_default();
        let gone = self.there.iter().filter(|(name, _)| !now.contains_key(*name));
        let version = self.from.parse().unwrap_or_default();
        let gone =
            gone.map(|(_, object)| Happened { what: "deleted", object: object.clone(), version, earliest, heard });
        missed.extend(gone);
        missed.sort_by_key(|one| one.version);
        self.happened.lock().unwrap().extend(missed);
        self.there = now;
    }
}

/// Version of an object as a number: the API server orders by it.
pub fn version(object: &Value) -> u64 {
    object["metadata"]["resourceVersion"].as_str().and_then(|text| text.parse().ok()).unwrap_or_default()
}

fn name(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap_or_default()
}

fn by_name(objects: Vec<DynamicObject>) -> BTreeMap<String, Value> {
    let values = objects.into_iter().map(|object| serde_json::to_value(object).unwrap());
    values.map(|object| (name(&object).to_owned(), object)).collect()
}
