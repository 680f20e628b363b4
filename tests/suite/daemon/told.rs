//! How a drift must be told: in the log, as an Event, as a condition and in status.

use serde_json::{Value, json};

use crate::support::kube::condition;
use crate::support::scene::{Scene, service};

/// A difference that somebody made, on `orders` or one of its children.
pub struct Drift {
    /// MicroService, or the kind of the child.
    pub kind: &'static str,
    pub path: &'static str,
    pub change: &'static str,
    pub declared: Value,
    pub live: Value,
    /// Manager and operation; none where Kubernetes records neither.
    pub by: Option<(&'static str, &'static str)>,
}

/// A scene with a service `orders` that is ready, under a policy.
pub async fn orders(topic: &str, policy: &str) -> Option<Scene> {
    let scene = Scene::synced(topic, json!({"drift": {"policy": policy}}), &[("orders.yaml", manifest(1))]).await?;
    scene.ready("orders").await;
    Some(scene)
}

/// What Git declares of `orders`, with a version of its image.
pub fn manifest(version: u32) -> Value {
    let spec = json!({
        "image": format!("example.com/orders:{version}"), "replicas": 2,
        "ports": [{"name": "http", "containerPort": 8080, "servicePort": 80}],
        "env": [{"name": "LOG", "value": "info"}, {"name": "MODE", "value": "live"}],
        "resources": {"requests": {"cpu": 0.5, "memory": "128Mi"}}
    });
    let mut manifest = service("orders", spec);
    // The schema wants a string where a Pod would take the number.
    manifest["spec"]["resources"]["requests"]["cpu"] = json!("0.5");
    manifest
}

impl Drift {
    fn is_source(&self) -> bool {
        self.kind == "MicroService"
    }

    /// It was told everywhere and put back.
    pub async fn is_told_and_corrected(&self, scene: &Scene) -> Value {
        self.is_announced(scene, "Correct").await;
        self.is_in_status(scene, "False", "Corrected", 0).await
    }

    /// It was told everywhere and stays.
    pub async fn is_told_and_left(&self, scene: &Scene) -> Value {
        self.is_announced(scene, "Report").await;
        let orders = self.is_in_status(scene, "True", "FieldsDiffer", 1).await;
        let reason = if self.is_source() { "FieldsDiffer" } else { "WorkloadsDiffer" };
        scene.condition("Drifted", "True", reason).await;
        orders
    }

    async fn is_announced(&self, scene: &Scene, policy: &str) {
        let layer = if self.is_source() { "source" } else { "workload" };
        let text = |value: &Value| if value.is_null() { "-".to_owned() } else { value.to_string() };
        let (manager, operation) = self.by.unwrap_or(("unknown", "unknown"));
        let object = format!("{}/orders", scene.namespace);
        let about = |line: &Value| line["message"] == "drift" && line["object"] == *object && line["path"] == self.path;
        let line = scene.log.line(&format!("drift of {object} {}", self.path), about).await;
        let expected = json!({
            "level": "WARN", "layer": layer, "service": object, "kind": self.kind, "object": object, "path": self.path,
            "change": self.change, "declared": text(&self.declared), "live": text(&self.live),
            "manager": manager, "operation": operation, "policy": policy
        });
        for (field, value) in expected.as_object().unwrap() {
            assert_eq!(&line[field], value, "{field} of {line:#}");
        }
        let time = line["time"].as_str().unwrap();
        assert_eq!(self.by.is_none() || operation.contains("scale"), time.is_empty(), "{line:#}");
        let lines = scene.log.lines(about);
        assert_eq!(lines.len(), 1, "one line per drifted field: {lines:#?}");

        let reason = if self.is_source() { "SourceDrift" } else { "WorkloadDrift" };
        let event = scene.event("MicroService", "orders", reason, self.path).await;
        assert_eq!(event["type"], "Warning");
        let note = event["note"].as_str().unwrap();
        assert!(note.contains(manager) && note.contains(&format!("policy {policy}")), "{note}");
    }

    async fn is_in_status(&self, scene: &Scene, status: &str, reason: &str, count: u32) -> Value {
        let (part, kind) =
            if self.is_source() { ("sourceDrift", "SourceDrifted") } else { ("workloadDrift", "WorkloadDrifted") };
        let orders = scene
            .service_that("orders", &format!("{kind} is {status}"), |orders| {
                let found = condition(orders, kind);
                let there = !orders["status"][part]["fields"].as_array().is_none_or(Vec::is_empty);
                found["status"] == status
                    && found["reason"] == reason
                    && there
                    && condition(orders, "Drifted")["status"] == status
            })
            .await;
        let drift = &orders["status"][part];
        assert_eq!(drift["count"], count, "{drift:#}");
        assert_eq!(drift["lastCorrected"].is_string(), count == 0, "{drift:#}");
        assert_eq!(drift["since"].is_string(), count > 0, "{drift:#}");
        let field = &drift["fields"][0];
        let object = format!("{}/orders", scene.namespace);
        let seen =
            json!([field["kind"], field["object"], field["path"], field["change"], field["declared"], field["live"]]);
        assert_eq!(seen, json!([self.kind, object, self.path, self.change, self.declared, self.live]), "{drift:#}");
        let by = self.by.map_or(json!([null, null]), |(manager, operation)| json!([manager, operation]));
        assert_eq!(json!([field["manager"], field["operation"]]), by, "{drift:#}");
        assert!(field["observed"].is_string(), "{drift:#}");
        orders
    }
}
