//! API servers that do not stream the first list of a watch, as Kubernetes 1.30, 1.31 and 1.33 do not unless they are told to.

use serde_json::json;

use crate::support::alone::Alone;
use crate::support::daemon::Daemon;
use crate::support::scene::service;
use crate::support::storm::{Counts, Storm, Weather};

#[tokio::test]
async fn a_server_that_streams_no_lists_is_listed_and_what_it_lists_is_no_drift() {
    let Some(alone) = Alone::new().await else { return };
    let storm = Storm::before(&alone.credentials().await.kubeconfig(), 1, Counts::default()).await;
    storm.becomes(Weather::Old);
    let daemon = Daemon::start(&storm.kubeconfig(), &[]).await;
    let Some(scene) = alone.scene(&daemon, "old").await else { return };
    let spec =
        json!({"replicas": 1, "ports": [{"containerPort": 8080}], "configFiles": [{"path": "/etc/a", "content": "a"}]});
    let commit = scene.commit(&[("a.yaml", service("a", spec))]);
    scene.create_sync(json!({})).await;
    scene.applied(&commit).await;
    scene.ready("a").await;
    assert!(daemon.terminate().await.success());

    // The next one finds everything in lists, whose items name neither version nor kind.
    let mark = alone.audit.mark();
    let daemon = Daemon::start(&storm.kubeconfig(), &[]).await;
    daemon.is_ready().await;
    scene.kube.merge("suite", "Deployment", &scene.namespace, "a", json!({"spec": {"replicas": 3}})).await;
    scene.object_that("Deployment", "a", "it is put back", |live| live["spec"]["replicas"] == 1).await;
    let deeds = alone.audit.deeds(mark);
    let listed = |resource: &str| deeds.iter().any(|deed| deed.call.verb == "list" && deed.call.resource == resource);
    assert!(["deployments", "services", "configmaps", "pods"].into_iter().all(listed), "{deeds:#?}");
    let written = deeds.iter().filter(|deed| deed.is_write() && deed.call.subresource.is_empty());
    let written: Vec<_> = written.map(|deed| &*deed.call.resource).filter(|resource| *resource != "events").collect();
    // One to see what it would become, and one to put it back.
    assert!(!written.is_empty() && written.iter().all(|resource| *resource == "deployments"), "{written:?}");
}
