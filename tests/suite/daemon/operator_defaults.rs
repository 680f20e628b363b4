//! What an operator decides for services that do not decide it themselves: it holds, a change of it is rolled out and no
//! drift, and a mistake in it changes nothing.

use serde_json::{Value, json};

use crate::support::alone::Alone;
use crate::support::daemon::{Daemon, OPERATOR};
use crate::support::kube::condition;
use crate::support::{Kube, eventually, holds};

/// Makes the ConfigMap say this, by `kubectl apply` as people do.
async fn decide(kube: &Kube, text: &str) {
    let config = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "gitmoor-defaults", "namespace": OPERATOR},
        "data": {"defaults.yaml": text}
    });
    kube.apply("somebody", &config).await.unwrap();
}

/// A MicroService that leaves to others what it can.
async fn create(kube: &Kube, namespace: &str, name: &str, spec: Value) {
    let mut object = json!({
        "apiVersion": "gitmoor.dev/v1alpha1", "kind": "MicroService",
        "metadata": {"name": name, "namespace": namespace}, "spec": {"image": format!("example.com/{name}:1")}
    });
    object["spec"].as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
    kube.create(&object).await;
}

/// Waits for a Deployment that fits.
async fn deployment(kube: &Kube, namespace: &str, name: &str, fits: impl Fn(&Value) -> bool) -> Value {
    eventually(&format!("Deployment {namespace}/{name} is as decided"), async || {
        match kube.find("Deployment", namespace, name).await {
            Some(found) if fits(&found) => Ok(found),
            other => Err(format!("{:#}", other.unwrap_or_default()["spec"])),
        }
    })
    .await
}

async fn ready(kube: &Kube, namespace: &str, name: &str) {
    eventually(&format!("{name} is ready"), async || {
        let found = kube.get("MicroService", namespace, name).await;
        let current = found["status"]["observedGeneration"] == found["metadata"]["generation"];
        holds(current && condition(&found, "Ready")["status"] == "True", &found["status"])
    })
    .await;
}

/// Waits for an Event about the ConfigMap.
async fn told(kube: &Kube, reason: &str, note: &str) {
    eventually(&format!("an Event {reason} with {note:?}"), async || {
        let events = kube.list("Event", OPERATOR).await;
        let fits = |event: &Value| {
            event["regarding"]["name"] == "gitmoor-defaults"
                && event["reason"] == reason
                && event["note"].as_str().unwrap_or_default().contains(note)
        };
        holds(events.iter().any(fits), events.iter().map(|event| event["note"].clone()).collect::<Vec<_>>())
    })
    .await;
}

fn replicas(count: i64) -> impl Fn(&Value) -> bool {
    move |deployment| deployment["spec"]["replicas"] == count
}

#[tokio::test]
async fn what_the_operator_decides_holds_and_a_change_is_rolled_out_and_no_drift() {
    let Some(alone) = Alone::new().await else { return };
    let kube = &alone.kube;
    let (shop, pay) = (kube.namespace("shop").await, kube.namespace("pay").await);
    let text = |replicas: i64| {
        format!(
            "defaults: {{replicas: 1, childMetadata: {{labels: {{cost: '7'}}}}}}\n\
             profiles:\n- {{name: shops, namespaces: ['shop-*'], replicas: {replicas}, accessPolicy: Denied}}\n"
        )
    };
    decide(kube, &text(3)).await;
    let daemon = alone.daemon(&[]).await;
    create(kube, &shop, "decided", json!({})).await;
    create(kube, &shop, "own", json!({"replicas": 2, "accessPolicy": {"inbound": {"rules": [{"namespace": "web"}]}}}))
        .await;
    create(kube, &pay, "elsewhere", json!({})).await;
    let decided = deployment(kube, &shop, "decided", replicas(3)).await;
    assert_eq!(decided["metadata"]["labels"]["cost"], "7");
    deployment(kube, &shop, "own", replicas(2)).await;
    deployment(kube, &pay, "elsewhere", replicas(1)).await;
    for (namespace, name) in [(&shop, "decided"), (&shop, "own"), (&pay, "elsewhere")] {
        ready(kube, namespace, name).await;
    }
    assert_eq!(kube.names("NetworkPolicy", &shop).await, ["decided", "own"]);
    assert_eq!(kube.names("NetworkPolicy", &pay).await, Vec::<String>::new());
    let before = (kube.get("Deployment", &shop, "own").await, kube.get("Deployment", &pay, "elsewhere").await);

    decide(kube, &text(4)).await;
    deployment(kube, &shop, "decided", replicas(4)).await;
    told(kube, "DefaultsChanged", "2 MicroServices are rendered anew").await;
    ready(kube, &shop, "decided").await;
    let after = (kube.get("Deployment", &shop, "own").await, kube.get("Deployment", &pay, "elsewhere").await);
    let generation = |one: &Value| one["metadata"]["generation"].clone();
    assert_eq!((generation(&after.0), generation(&after.1)), (generation(&before.0), generation(&before.1)));
    let service = kube.get("MicroService", &shop, "decided").await;
    assert_eq!(service["spec"], json!({"image": "example.com/decided:1"}), "what is stored is as it was written");
    assert_eq!(daemon.log.lines(|line| line["message"] == "drift"), Vec::<Value>::new());

    // Whoever takes it away takes all of it away.
    kube.delete("ConfigMap", OPERATOR, "gitmoor-defaults").await;
    let built_in = |one: &Value| one["spec"]["replicas"] == 2 && one["metadata"]["labels"].get("cost").is_none();
    deployment(kube, &shop, "decided", built_in).await;
    eventually("only what a service asks for is denied", async || {
        let policies = kube.names("NetworkPolicy", &shop).await;
        holds(policies == ["own"], policies)
    })
    .await;
    assert_eq!(daemon.log.lines(|line| line["message"] == "drift"), Vec::<Value>::new());
}

#[tokio::test]
async fn a_mistake_in_what_the_operator_decides_changes_nothing_and_is_told() {
    let Some(alone) = Alone::new().await else { return };
    let kube = &alone.kube;
    let namespace = kube.namespace("mistake").await;
    decide(kube, "defaults: {replicas: 3}").await;
    let daemon = alone.daemon(&[]).await;
    create(kube, &namespace, "a", json!({})).await;
    deployment(kube, &namespace, "a", replicas(3)).await;
    assert_eq!(daemon.metric("gitmoor_defaults_invalid", &[]).await, 0.0);

    decide(kube, "defaults:\n  replica: 4\n").await;
    let said = "defaults.yaml:2:3: GM203 defaults has no field replica; did you mean replicas?";
    let is_told = |line: &Value| line["reason"] == "DefaultsInvalid" && line["code"] == "GM922";
    let line = daemon.log.line("the mistake is told", is_told).await;
    assert_eq!((&line["detail"], &line["held"]), (&json!(said), &json!(true)));
    told(kube, "DefaultsInvalid", said).await;
    assert_eq!(daemon.metric("gitmoor_defaults_invalid", &[]).await, 1.0);
    create(kube, &namespace, "b", json!({})).await;
    deployment(kube, &namespace, "b", replicas(3)).await;
    daemon.terminate().await;

    // Whoever starts now knows of no good ones, and waits for them.
    let daemon = alone.daemon(&[]).await;
    let line = daemon.log.line("the mistake is told", is_told).await;
    assert_eq!(line["held"], false);
    create(kube, &namespace, "c", json!({})).await;
    is_waiting(&daemon).await;
    decide(kube, "defaults: {replicas: 4}").await;
    for name in ["a", "b", "c"] {
        deployment(kube, &namespace, name, replicas(4)).await;
    }
    let c = kube.get("Deployment", &namespace, "c").await;
    assert_eq!(c["metadata"]["generation"], 1, "it was never rendered otherwise");
    daemon.is_ready().await;
    assert_eq!(daemon.metric("gitmoor_defaults_invalid", &[]).await, 0.0);
}

async fn is_waiting(daemon: &Daemon) {
    eventually("the daemon waits for defaults alone", async || {
        let (status, body) = daemon.ops("/readyz").await;
        let waits = status != 200 && body.contains("operator's defaults") && !body.contains("watch caches");
        holds(waits, body)
    })
    .await;
}
