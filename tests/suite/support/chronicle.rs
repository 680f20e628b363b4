//! What happened to the objects of a kind in a namespace, in the order in which the API server wrote it down.

use std::sync::{Arc, Mutex};

use futures::{StreamExt, TryStreamExt};
use kube::api::{ListParams, WatchEvent, WatchParams};
use serde_json::Value;
use tokio::task::JoinHandle;

use super::{Kube, eventually, holds};

/// One thing that happened.
#[derive(Debug, Clone)]
pub struct Happened {
    /// `added`, `modified` or `deleted`.
    pub what: &'static str,
    /// The object, as it was then.
    pub object: Value,
}

impl Happened {
    pub fn name(&self) -> &str {
        self.object["metadata"]["name"].as_str().unwrap()
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
        let from = api.list(&ListParams::default().limit(1)).await.unwrap().metadata.resource_version.unwrap();
        let happened = Arc::new(Mutex::new(Vec::new()));
        let written = Arc::clone(&happened);
        let writer = tokio::spawn(async move {
            // Longer than any test.
            let events = api.watch(&WatchParams::default().timeout(280), &from).await.unwrap();
            let known = events.filter_map(async |event| {
                let (what, object) = match event.unwrap() {
                    WatchEvent::Added(object) => ("added", object),
                    WatchEvent::Modified(object) => ("modified", object),
                    WatchEvent::Deleted(object) => ("deleted", object),
                    WatchEvent::Bookmark(_) => return None,
                    WatchEvent::Error(error) => panic!("{error:?}"),
                };
                Some(Ok::<_, ()>(Happened { what, object: serde_json::to_value(object).unwrap() }))
            });
            let write = async |event| {
                written.lock().unwrap().push(event);
                Ok(())
            };
            known.try_for_each(write).await.unwrap();
        });
        Self { happened, writer }
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
