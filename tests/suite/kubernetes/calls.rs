//! `cluster::Cluster` against a real API server: what it promises of its calls, and how it names failures.

use std::time::Duration;

use futures::{StreamExt, stream};
use gitmoor::api::names::{CONTROLLER_MANAGER, SYNC_MANAGER};
use gitmoor::cluster::{Apply, CallError, Cluster, SecretError};
use gitmoor::model::{LiveObject, ObjectKey};
use gitmoor::telemetry::Metrics;
use serde_json::{Value, json};

use crate::support::canary::secret;
use crate::support::kube::resource;
use crate::support::{Kube, eventually};

fn cluster(kube: &Kube) -> Cluster {
    Cluster::new(kube.client.clone(), Metrics::new("test"), Duration::from_secs(20))
}

fn config(namespace: &str, name: &str, data: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": namespace, "name": name}, "data": data})
}

async fn create(kube: &Kube, namespace: &str, manager: &str, data: &Value) -> Result<LiveObject, CallError> {
    let key = ObjectKey::new(namespace, "c");
    cluster(kube).create(&resource("ConfigMap"), &key, &config(namespace, "c", data), manager).await
}

#[tokio::test]
async fn create_makes_what_is_not_there() {
    let Some(kube) = Kube::shared().await else { return };
    let namespace = kube.namespace("create").await;
    let made = create(&kube, &namespace, SYNC_MANAGER, &json!({"a": "1"})).await.unwrap();
    let live = kube.get("ConfigMap", &namespace, "c").await;
    assert_eq!(live["metadata"]["uid"], &*made.uid);
    assert_eq!(live["metadata"]["managedFields"][0]["manager"], SYNC_MANAGER);
    assert_eq!(live["metadata"]["managedFields"][0]["operation"], "Apply");
}

#[tokio::test]
async fn create_touches_nothing_that_is_there_even_where_it_agrees() {
    let Some(kube) = Kube::shared().await else { return };
    let namespace = kube.namespace("create").await;
    let theirs = kube.create(&config(&namespace, "c", &json!({"a": "1"}))).await;
    for data in [json!({"a": "1"}), json!({"a": "2"}), json!({})] {
        let answer = create(&kube, &namespace, SYNC_MANAGER, &data).await;
        assert!(matches!(answer, Err(CallError::Conflict(_))), "{data}: {answer:?}");
    }
    assert_eq!(kube.get("ConfigMap", &namespace, "c").await, theirs);
}

#[tokio::test]
async fn create_fails_on_an_object_of_its_own_manager_too() {
    let Some(kube) = Kube::shared().await else { return };
    let namespace = kube.namespace("create").await;
    create(&kube, &namespace, SYNC_MANAGER, &json!({"a": "1"})).await.unwrap();
    let again = create(&kube, &namespace, SYNC_MANAGER, &json!({"a": "1"})).await;
    assert!(matches!(again, Err(CallError::Conflict(_))), "{again:?}");
}

#[tokio::test]
async fn delete_takes_exactly_the_object_that_was_looked_at() {
    let Some(kube) = Kube::shared().await else { return };
    let namespace = kube.namespace("delete").await;
    let (cluster, kind, key) = (cluster(&kube), resource("ConfigMap"), ObjectKey::new(&*namespace, "c"));
    let seen = create(&kube, &namespace, SYNC_MANAGER, &json!({"a": "1"})).await.unwrap();
    kube.merge("somebody", "ConfigMap", &namespace, "c", json!({"metadata": {"labels": {"keep": "me"}}})).await;
    for (uid, version) in [(&*seen.uid, Some(seen.resource_version)), ("another", None)] {
        let answer = cluster.delete(&kind, &key, uid, version).await;
        assert!(matches!(answer, Err(CallError::Conflict(_))), "{answer:?}");
    }
    assert!(kube.find("ConfigMap", &namespace, "c").await.is_some());
    cluster.delete(&kind, &key, &seen.uid, None).await.unwrap();
    assert!(kube.find("ConfigMap", &namespace, "c").await.is_none());
    cluster.delete(&kind, &key, &seen.uid, None).await.expect("what is gone already is a success");
}

#[tokio::test]
async fn an_apply_with_an_old_version_or_another_uid_changes_nothing() {
    let Some(kube) = Kube::shared().await else { return };
    let namespace = kube.namespace("apply").await;
    let (cluster, kind, key) = (cluster(&kube), resource("ConfigMap"), ObjectKey::new(&*namespace, "c"));
    let seen = create(&kube, &namespace, SYNC_MANAGER, &json!({"a": "1"})).await.unwrap();
    kube.merge("somebody", "ConfigMap", &namespace, "c", json!({"data": {"b": "2"}})).await;
    let mut body = config(&namespace, "c", &json!({"a": "3"}));
    body["metadata"]["resourceVersion"] = json!(seen.resource_version.to_string());
    let old = cluster.apply(&kind, &key, &body, Apply::forced(SYNC_MANAGER)).await;
    assert!(matches!(old, Err(CallError::Conflict(_))), "{old:?}");
    body["metadata"] = json!({"namespace": namespace, "name": "c", "uid": "another"});
    let other = cluster.apply(&kind, &key, &body, Apply::forced(SYNC_MANAGER)).await;
    assert!(matches!(other, Err(CallError::Conflict(_) | CallError::Invalid(_))), "{other:?}");
    assert_eq!(kube.get("ConfigMap", &namespace, "c").await["data"], json!({"a": "1", "b": "2"}));
}

#[tokio::test]
async fn an_unforced_apply_leaves_the_value_of_another_manager() {
    let Some(kube) = Kube::shared().await else { return };
    let namespace = kube.namespace("apply").await;
    let (cluster, kind, key) = (cluster(&kube), resource("ConfigMap"), ObjectKey::new(&*namespace, "c"));
    kube.apply("another", &config(&namespace, "c", &json!({"a": "1"}))).await.unwrap();
    let body = config(&namespace, "c", &json!({"a": "2"}));
    let unforced = cluster.apply(&kind, &key, &body, Apply::unforced(SYNC_MANAGER)).await;
    assert!(matches!(&unforced, Err(CallError::Conflict(why)) if why.contains("another")), "{unforced:?}");
    cluster.apply(&kind, &key, &body, Apply::forced(SYNC_MANAGER)).await.unwrap();
    assert_eq!(kube.get("ConfigMap", &namespace, "c").await["data"], json!({"a": "2"}));
}

#[tokio::test]
async fn failures_are_named_by_what_is_to_be_done_about_them() {
    let Some(kube) = Kube::shared().await else { return };
    let namespace = kube.namespace("failures").await;
    let cluster = cluster(&kube);
    let apply = async |kind: &str, namespace: &str, body: Value| {
        let key = ObjectKey::new(namespace, "x");
        let kind = resource(kind);
        cluster.apply(&kind, &key, &body, Apply::forced(CONTROLLER_MANAGER)).await.unwrap_err()
    };
    let service = |spec: Value| json!({"apiVersion": "gitmoor.dev/v1alpha1", "kind": "MicroService", "metadata": {"name": "x"}, "spec": spec});
    let unknown = apply("MicroService", &namespace, service(json!({"image": "a", "imgae": "b"}))).await;
    assert!(matches!(&unknown, CallError::Invalid(why) if why.contains("imgae")), "{unknown:?}");
    let refused = apply("MicroService", &namespace, service(json!({"image": "a", "replicas": -1}))).await;
    assert!(matches!(&refused, CallError::Invalid(why) if why.contains("replicas")), "{refused:?}");
    let nowhere = apply("MicroService", "there-is-no-such", service(json!({"image": "a"}))).await;
    assert!(matches!(&nowhere, CallError::NamespaceMissing(name) if name == "there-is-no-such"), "{nowhere:?}");

    let mut unserved = resource("MicroService");
    (unserved.plural, unserved.version) = ("microservices".into(), "v9".into());
    unserved.api_version = "gitmoor.dev/v9".into();
    let missing = cluster.get(&unserved, &ObjectKey::new(&*namespace, "x")).await.unwrap_err();
    assert!(matches!(missing, CallError::KindMissing(_)), "{missing:?}");
    let absent = cluster.get(&resource("MicroService"), &ObjectKey::new(&*namespace, "x")).await;
    assert!(matches!(absent, Ok(None)), "{absent:?}");
}

#[tokio::test]
async fn a_namespace_on_its_way_out_is_a_wait_and_not_a_failure() {
    let Some(kube) = Kube::shared().await else { return };
    let namespace = kube.namespace("leaving").await;
    // A finalizer keeps the namespace in termination.
    let mut held = config(&namespace, "held", &json!({}));
    held["metadata"]["finalizers"] = json!(["test.gitmoor.dev/hold"]);
    kube.create(&held).await;
    kube.delete("Namespace", "", &namespace).await;
    eventually("a create is refused because the namespace is going", async || {
        match create(&kube, &namespace, SYNC_MANAGER, &json!({})).await {
            Err(CallError::NamespaceTerminating(name)) if name == namespace => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
    kube.merge("somebody", "ConfigMap", &namespace, "held", json!({"metadata": {"finalizers": null}})).await;
}

#[tokio::test]
async fn a_patch_whose_test_no_longer_holds_changes_nothing() {
    let Some(kube) = Kube::shared().await else { return };
    let namespace = kube.namespace("patch").await;
    let (cluster, kind, key) = (cluster(&kube), resource("ConfigMap"), ObjectKey::new(&*namespace, "c"));
    create(&kube, &namespace, SYNC_MANAGER, &json!({"a": "1"})).await.unwrap();
    let patch = |seen: &str| -> json_patch::Patch {
        serde_json::from_value(json!([
            {"op": "test", "path": "/data/a", "value": seen}, {"op": "remove", "path": "/data/a"}
        ]))
        .unwrap()
    };
    let refused = cluster.patch(&kind, &key, &patch("2"), SYNC_MANAGER).await;
    assert!(matches!(refused, Err(CallError::Invalid(_) | CallError::Conflict(_))), "{refused:?}");
    cluster.patch(&kind, &key, &patch("1"), SYNC_MANAGER).await.unwrap();
    assert_eq!(kube.get("ConfigMap", &namespace, "c").await["data"], Value::Null);
}

#[tokio::test]
async fn a_secret_is_read_by_key_and_its_absence_is_named() {
    let Some(kube) = Kube::shared().await else { return };
    let namespace = kube.namespace("secret").await;
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"namespace": namespace, "name": "hook"},
        "stringData": {"token": secret!("top")}
    });
    kube.create(&secret).await;
    let (cluster, key) = (cluster(&kube), ObjectKey::new(&*namespace, "hook"));
    assert_eq!(cluster.secret(&key, "token").await.unwrap(), secret!("top").as_bytes());
    let no_key = cluster.secret(&key, "other").await;
    assert!(matches!(no_key, Err(SecretError::KeyMissing { .. })), "{no_key:?}");
    let none = cluster.secret(&ObjectKey::new(&*namespace, "none"), "token").await;
    assert!(matches!(none, Err(SecretError::Missing(_))), "{none:?}");
    // Nor does a name lead to a Secret of another namespace.
    let path = format!("none/../../../{namespace}/secrets/hook");
    let elsewhere = cluster.secret(&ObjectKey::new("default", path), "token").await;
    assert!(matches!(elsewhere, Err(SecretError::Missing(_))), "{elsewhere:?}");
}

#[tokio::test]
async fn a_namespace_that_exists_is_not_an_error_when_it_is_made_again() {
    let Some(kube) = Kube::shared().await else { return };
    let namespace = kube.namespace("exists").await;
    let made = format!("{namespace}-new");
    for name in [&namespace, &made, &made] {
        cluster(&kube).create_namespace(name).await.unwrap();
    }
    assert!(kube.find("Namespace", "", &made).await.is_some());
}

#[tokio::test]
async fn a_list_in_pages_has_everything_once() {
    let Some(kube) = Kube::shared().await else { return };
    let namespace = kube.namespace("pages").await;
    let cluster = cluster(&kube);
    let kind = resource("ConfigMap");
    // More than a page.
    let made = stream::iter(0..520).map(|index| {
        let (cluster, kind, namespace) = (cluster.clone(), kind.clone(), namespace.clone());
        async move {
            let name = format!("c{index}");
            let mut body = config(&namespace, &name, &json!({}));
            body["metadata"]["labels"] = json!({"of": "pages"});
            cluster.create(&kind, &ObjectKey::new(&*namespace, &*name), &body, SYNC_MANAGER).await.unwrap()
        }
    });
    assert_eq!(made.buffer_unordered(32).count().await, 520);
    let listed = cluster.list(&kind, Some(&namespace), Some("of=pages")).await.unwrap();
    let names: std::collections::BTreeSet<_> = listed.iter().map(|item| item["metadata"]["name"].to_string()).collect();
    assert_eq!((listed.len(), names.len()), (520, 520));
}
