//! Alerts end to end: the daemon, a GitSync that tells somebody, and a receiver on loopback that takes notes.

mod courier;
mod failing;
mod forge;
mod lasting;
mod receiver;
mod told;

use serde_json::{Value, json};

use crate::support::canary::secret;
use crate::support::scene::Scene;

/// The Secret of the targets. Its values must appear nowhere but where they belong.
const SECRET: &str = "alerts";
const HMAC_KEY: &str = secret!("hmac");
const TOKEN: &str = secret!("token");

/// Makes the Secret of the targets, with an address if there is one.
async fn secret(scene: &Scene, address: Option<&str>) {
    let mut data = json!({"hmacKey": HMAC_KEY, "token": TOKEN});
    if let Some(address) = address {
        data["address"] = json!(address);
    }
    let metadata = json!({"namespace": scene.home, "name": SECRET});
    scene.kube.create(&json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data})).await;
}

/// A target that is told soon.
fn target(name: &str, kind: &str, more: Value) -> Value {
    let mut target = json!({"name": name, "type": kind, "secretRef": {"name": SECRET}, "after": "1s", "every": "1s"});
    for (field, value) in more.as_object().into_iter().flatten() {
        target[field] = value.clone();
        if value.is_null() {
            target.as_object_mut().unwrap().remove(field);
        }
    }
    target
}

/// Nothing that the daemon says to anybody but its targets has a word of the Secret.
async fn tells_no_canary(scene: &Scene) {
    let mut said: Vec<String> = scene.log.lines(|_| true).iter().map(Value::to_string).collect();
    said.extend(scene.kube.list("Event", &scene.home).await.iter().map(Value::to_string));
    said.push(scene.get_sync().await["status"].to_string());
    let leaks: Vec<_> = said.iter().filter(|text| text.contains("c4nary")).collect();
    assert!(leaks.is_empty(), "{leaks:#?}");
}
