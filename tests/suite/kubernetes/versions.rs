//! How a next version of the kinds would come: docs/versions.md, tried on a real API server.

use serde_json::{Value, json};

use crate::support::alone::Alone;
use crate::support::files::documents;
use crate::support::plane::root;
use crate::support::{Kube, eventually, holds};

/// The CRD with another version beside the one that it has.
fn with_next() -> Value {
    let mut crd = serde_json::to_value(gitmoor::api::crds::microservice()).unwrap();
    let mut next = crd["spec"]["versions"][0].clone();
    next["name"] = "v1beta1".into();
    next["storage"] = false.into();
    crd["spec"]["versions"].as_array_mut().unwrap().push(next);
    crd
}

async fn read(kube: &Kube, namespace: &str, version: &str) -> Value {
    let kind = format!("microservices.{version}.gitmoor.dev/everything");
    serde_json::from_str(&kube.kubectl(&["get", &kind, "-n", namespace, "-o", "json", "--show-managed-fields"]).await)
        .unwrap()
}

fn managers(object: &Value) -> Vec<String> {
    let entries = object["metadata"]["managedFields"].as_array().unwrap().iter();
    entries.map(|entry| format!("{} {}", entry["manager"], entry["apiVersion"]).replace('"', "")).collect()
}

#[tokio::test]
async fn a_next_version_reads_and_writes_all_of_what_is_there() {
    let Some(alone) = Alone::new().await else { return };
    let kube = &alone.kube;
    let namespace = kube.namespace("versions").await;
    let mut object = documents(&root().join("tests/golden/render/everything/microservice.yaml")).remove(0);
    object["metadata"] = json!({"name": "everything", "namespace": namespace});
    kube.create(&object).await;
    kube.apply("suite", &with_next()).await.unwrap();
    eventually("the next version is served", async || {
        let output = kube.try_kubectl(&["get", "microservices.v1beta1.gitmoor.dev", "-n", &namespace], None).await;
        holds(output.status.success(), output)
    })
    .await;
    let before = read(kube, &namespace, "v1alpha1").await;
    let mut next = read(kube, &namespace, "v1beta1").await;
    assert_eq!((&next["apiVersion"], &next["spec"]), (&json!("gitmoor.dev/v1beta1"), &before["spec"]));
    // Written through the next one, it is the same through the one before.
    next["metadata"]["annotations"] = json!({"written": "by v1beta1"});
    kube.kubectl_with(&["replace", "-f", "-"], &next.to_string()).await;
    let after = read(kube, &namespace, "v1alpha1").await;
    assert_eq!(after["metadata"]["annotations"]["written"], "by v1beta1");
    assert_eq!(after["spec"], before["spec"]);
    assert_eq!(after["metadata"]["generation"], before["metadata"]["generation"]);

    // A version that goes while an entry of managedFields has it: nobody can apply the object any more.
    let mark = |version: &str| {
        json!({
            "apiVersion": format!("gitmoor.dev/{version}"), "kind": "MicroService",
            "metadata": {"name": "everything", "namespace": namespace, "labels": {"mark": "x"}},
            "spec": {"image": before["spec"]["image"]}
        })
        .to_string()
    };
    let apply = ["apply", "--server-side", "--force-conflicts", "--field-manager=gitmoor", "-f", "-"];
    kube.kubectl_with(&apply, &mark("v1beta1")).await;
    assert!(managers(&read(kube, &namespace, "v1alpha1").await).contains(&"gitmoor gitmoor.dev/v1beta1".to_owned()));
    kube.install().await;
    eventually("an apply is refused", async || {
        let output = kube.try_kubectl(&apply, Some(mark("v1alpha1"))).await;
        holds(String::from_utf8_lossy(&output.stderr).contains("invalid group/version"), output)
    })
    .await;
    // What the page says about mending it.
    let forget = json!({"metadata": {"managedFields": [{}]}});
    kube.merge("somebody", "MicroService", &namespace, "everything", forget).await;
    kube.kubectl_with(&apply, &mark("v1alpha1")).await;
    let managers = managers(&read(kube, &namespace, "v1alpha1").await);
    assert!(managers.contains(&"gitmoor gitmoor.dev/v1alpha1".to_owned()), "{managers:?}");
    assert!(!managers.iter().any(|manager| manager.ends_with("v1beta1")), "{managers:?}");
}
