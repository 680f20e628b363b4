//! `cluster::store` fed by a real watch.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use gitmoor::cluster::{Cluster, Store, Update, watch};
use gitmoor::model::ObjectKey;
use gitmoor::telemetry::Metrics;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::support::kube::resource;
use crate::support::{Kube, eventually, holds};

/// A store of ConfigMaps with one label value, followed for as long as this lives.
struct Followed {
    kube: Kube,
    namespace: String,
    store: Arc<Store<()>>,
    news: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Drop for Followed {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Followed {
    async fn start(label: &'static str) -> Option<Self> {
        let kube = Kube::shared().await?;
        let namespace = kube.namespace("store").await;
        let store = Arc::<Store<()>>::default();
        let news = Arc::new(Mutex::new(Vec::new()));
        let cluster = Cluster::new(kube.client.clone(), Metrics::new("test"), Duration::from_secs(20));
        let heard = Arc::clone(&news);
        store.listen(move |update: &Update<()>| {
            let word = match (&update.before, &update.after) {
                (None, Some(_)) => "new",
                (Some(_), Some(_)) => "changed",
                _ => "gone",
            };
            heard.lock().unwrap().push(format!("{word} {}", update.key.name));
        });
        let task = tokio::spawn(watch::follow(cluster, resource("ConfigMap"), Some(label), store.clone()));
        store.synced().await;
        Some(Self { kube, namespace, store, news, task })
    }

    async fn make(&self, name: &str, label: &str) -> Value {
        let labels = json!({"store": label});
        let metadata = json!({"namespace": self.namespace, "name": name, "labels": labels});
        self.kube.create(&json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})).await
    }

    fn key(&self, name: &str) -> ObjectKey {
        ObjectKey::new(&*self.namespace, name)
    }

    async fn heard(&self, expected: &[&str]) {
        eventually("the watch tells", async || {
            let news = self.news.lock().unwrap().clone();
            holds(news == expected, news)
        })
        .await;
    }
}

#[tokio::test]
async fn a_store_follows_what_is_made_changed_and_deleted() {
    let Some(followed) = Followed::start("store=follows").await else { return };
    followed.make("a", "follows").await;
    followed.heard(&["new a"]).await;
    followed.kube.merge("x", "ConfigMap", &followed.namespace, "a", json!({"data": {"k": "v"}})).await;
    followed.heard(&["new a", "changed a"]).await;
    let entry = followed.store.get(&followed.key("a")).unwrap();
    assert_eq!(entry.object.value()["data"], json!({"k": "v"}));
    followed.kube.delete("ConfigMap", &followed.namespace, "a").await;
    followed.heard(&["new a", "changed a", "gone a"]).await;
    assert!(followed.store.is_empty());
}

#[tokio::test]
async fn an_object_that_loses_the_label_is_gone_from_the_store() {
    let Some(followed) = Followed::start("store=label").await else { return };
    followed.make("a", "label").await;
    followed.make("other", "elsewhere").await;
    followed.heard(&["new a"]).await;
    let without = json!({"metadata": {"labels": {"store": null}}});
    followed.kube.merge("x", "ConfigMap", &followed.namespace, "a", without).await;
    followed.heard(&["new a", "gone a"]).await;
    assert!(followed.kube.find("ConfigMap", &followed.namespace, "a").await.is_some());
}

#[tokio::test]
async fn an_answer_is_there_at_once_and_the_watch_does_not_tell_it_again() {
    let Some(followed) = Followed::start("store=answer").await else { return };
    let made = followed.make("a", "answer").await;
    followed.store.answered(gitmoor::model::LiveObject::from_json(made).unwrap());
    assert!(followed.store.get(&followed.key("a")).is_some());
    assert_eq!(*followed.news.lock().unwrap(), ["new a"]);
    // A later object: whatever the watch has to say of the first has been said before.
    followed.make("marker", "answer").await;
    followed.heard(&["new a", "new marker"]).await;
}
