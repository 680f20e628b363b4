//! All that happened to the objects of a story, in the order in which the API server wrote it down. It asks the API server
//! itself, past whatever the daemons have to go through.

use std::sync::{Arc, Mutex};

use futures::{StreamExt, TryStreamExt};
use jiff::Timestamp;
use kube::Api;
use kube::api::{DynamicObject, ListParams, WatchEvent, WatchParams};
use serde_json::Value;
use tokio::task::JoinSet;

use crate::support::{Kube, eventually, holds};

/// One thing that happened to an object.
#[derive(Debug, Clone)]
pub struct Event {
    /// Its place in the order of all things.
    pub version: u64,
    /// When it was heard of.
    pub heard: Timestamp,
    pub kind: &'static str,
    pub deleted: bool,
    pub object: Value,
}

impl Event {
    pub fn name(&self) -> &str {
        self.object["metadata"]["name"].as_str().unwrap_or_default()
    }
}

/// Writes down what happens from now on.
pub struct Record {
    events: Arc<Mutex<Vec<Event>>>,
    _writers: JoinSet<()>,
}

impl Record {
    pub async fn begin(kube: &Kube, namespace: &str) -> Self {
        let events = Arc::new(Mutex::new(Vec::new()));
        let mut writers = JoinSet::new();
        for kind in ["GitSync", "MicroService", "Deployment"] {
            let api = kube.api(kind, namespace);
            let from = api.list(&ListParams::default().limit(1)).await.unwrap().metadata.resource_version.unwrap();
            writers.spawn(write(kind, api, from, Arc::clone(&events)));
        }
        Self { events, _writers: writers }
    }

    /// All of it until now, in order.
    pub fn all(&self) -> Vec<Event> {
        let mut all = self.events.lock().unwrap().clone();
        all.sort_by_key(|event| event.version);
        all
    }

    /// Waits until it has heard of that version of an object of a kind.
    pub async fn has(&self, kind: &str, version: u64) {
        eventually("the record is complete", async || {
            let newest = self.all().iter().rev().find(|event| event.kind == kind).map(|event| event.version);
            holds(newest >= Some(version), newest)
        })
        .await;
    }
}

/// Version of an object as a number: the API server orders by it.
pub fn version(object: &Value) -> u64 {
    object["metadata"]["resourceVersion"].as_str().and_then(|text| text.parse().ok()).unwrap_or_default()
}

async fn write(kind: &'static str, api: Api<DynamicObject>, mut from: String, events: Arc<Mutex<Vec<Event>>>) {
    loop {
        let mut watch = api.watch(&WatchParams::default().timeout(240), &from).await.unwrap().boxed();
        while let Ok(Some(event)) = watch.try_next().await {
            let (deleted, object) = match event {
                WatchEvent::Added(object) | WatchEvent::Modified(object) => (false, object),
                WatchEvent::Deleted(object) => (true, object),
                WatchEvent::Bookmark(_) => continue,
                WatchEvent::Error(error) => panic!("{error:?}"),
            };
            let object = serde_json::to_value(object).unwrap();
            let version = version(&object);
            from = version.to_string();
            events.lock().unwrap().push(Event { version, heard: Timestamp::now(), kind, deleted, object });
        }
    }
}
