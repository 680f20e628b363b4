//! The GitSync as the parent of an ApplySet, as the real kubectl sees it.

use serde_json::{Value, json};

use crate::support::scene::{Scene, service};
use crate::support::{eventually, holds};

/// What must not change.
async fn seen(scene: &Scene) -> Value {
    let sync = scene.get_sync().await;
    let services = scene.kube.list("MicroService", &scene.namespace).await;
    let versions: Vec<_> = services.iter().map(|one| one["metadata"]["resourceVersion"].clone()).collect();
    json!([sync["metadata"]["labels"], sync["metadata"]["annotations"], sync["spec"], versions])
}

#[tokio::test]
async fn kubectl_knows_the_set_and_leaves_it_to_its_tool() {
    let files = [("a.yaml", service("a", json!({"replicas": 0}))), ("b.yaml", service("b", json!({"replicas": 0})))];
    let Some(scene) = Scene::synced("applyset", json!({}), &files).await else { return };
    for name in ["a", "b"] {
        scene.ready(name).await;
    }
    let marked = eventually("the GitSync is the parent of its set", async || {
        let sync = scene.get_sync().await;
        let marks = &sync["metadata"]["annotations"];
        holds(marks["applyset.kubernetes.io/tooling"].is_string(), marks).map(|()| sync.clone())
    })
    .await;
    let id = marked["metadata"]["labels"]["applyset.kubernetes.io/id"].as_str().unwrap();
    let selector = format!("applyset.kubernetes.io/part-of={id}");
    let members = scene.kube.kubectl(&["get", "ms", "-n", &scene.namespace, "-l", &selector, "-o", "name"]).await;
    assert_eq!(members.lines().count(), 2, "{members}");

    // Whoever applies to the set would prune what it does not name: all but one.
    let before = seen(&scene).await;
    let mut only = service("a", json!({"replicas": 5}));
    only["metadata"]["namespace"] = json!(scene.namespace);
    let set = format!("--applyset=gitsyncs.gitmoor.dev/{}", scene.sync);
    for more in [&[][..], &["--force-conflicts"]] {
        let arguments =
            [&["apply", "--server-side", "--prune", "-n", &scene.namespace, &set, "-f", "-"], more].concat();
        let output = scene.kube.try_kubectl_with(&arguments, &[("KUBECTL_APPLYSET", "true")], only.to_string()).await;
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{said}");
        let parent = format!("ApplySet parent object \"gitsyncs.gitmoor.dev/{}\" already exists", scene.sync);
        let tool = "is managed by tooling \"gitmoor\" instead of \"kubectl\"";
        assert!(said.contains(&parent) && said.contains(tool), "{said}");
    }
    assert_eq!(seen(&scene).await, before, "nothing was touched");
    // And our own next sync is none the worse for it.
    scene.push(&[("b.yaml", Value::Null)]).await;
    scene.has_services(&["a"]).await;
}
