//! What Gitmoor wrote into a control plane, searched for canaries: marks, field managers and status of each object, and the
//! whole of each Event, ConfigMap and Lease. What people write is theirs: the specs of objects, annotations of others, and
//! Secrets.

use kube::Client;
use kube::api::ListParams;
use kube::config::{Config, KubeConfigOptions, Kubeconfig};
use kube::core::{DynamicObject, Request, Resource};
use serde_json::{Value, json};

use super::Canaries;
use crate::support::kube::resource;
use crate::support::plane::ControlPlane;

/// Of which all is searched.
const WHOLE: [&str; 3] = ["Event", "ConfigMap", "Lease"];
/// Of which that is searched which the daemon, or a controller on its behalf, writes.
const PARTS: [&str; 15] = [
    "GitSync",
    "MicroService",
    "Deployment",
    "ReplicaSet",
    "Pod",
    "Service",
    "ServiceAccount",
    "PodDisruptionBudget",
    "HorizontalPodAutoscaler",
    "Ingress",
    "NetworkPolicy",
    "HTTPRoute",
    "ServiceMonitor",
    "Job",
    "CronJob",
];
/// Whose annotations and labels are the daemon's.
const OURS: [&str; 2] = ["gitmoor.dev/", "applyset.kubernetes.io/"];

/// What a search went through, and what it found.
#[derive(Debug, Default)]
pub struct Swept {
    /// How much of it that was.
    pub bytes: usize,
    /// Where canaries are.
    pub found: Vec<String>,
}

/// Searches what is new in a control plane, or in one namespace of it. It may be called where nothing can be awaited.
pub fn sweep(plane: &'static ControlPlane, namespace: Option<&str>, canaries: &Canaries) -> Swept {
    let namespace = namespace.map(str::to_owned);
    let listing = std::thread::spawn(move || {
        // A runtime of its own: the caller's may be ending.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(read(plane, namespace.as_deref()))
    });
    let written = listing.join().unwrap();
    Swept { bytes: written.len(), found: canaries.found("in the cluster", written.as_bytes()) }
}

async fn read(plane: &'static ControlPlane, namespace: Option<&str>) -> String {
    let file = Kubeconfig::read_from(&plane.kubeconfig).unwrap();
    let config = Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await.unwrap();
    let client = Client::try_from(config).unwrap();
    let mut all = String::new();
    for kind in WHOLE.into_iter().chain(PARTS) {
        let text = list(&client, kind, namespace).await;
        if WHOLE.contains(&kind) {
            // Each begins a line, so that what is found is shown with its name and no other's.
            all.push_str(&text.replace("{\"metadata\":{\"name\"", "\n{\"metadata\":{\"name\""));
            continue;
        }
        let list: Value = serde_json::from_str(&text).unwrap_or_default();
        for object in list["items"].as_array().into_iter().flatten() {
            let meta = &object["metadata"];
            all.push_str(&format!("\n{kind} {}/{} ", word(&meta["namespace"]), word(&meta["name"])));
            all.push_str(&written(object).to_string());
        }
    }
    all
}

/// The list as the server sends it: there may be ten thousand Events, and the suite is not optimised.
async fn list(client: &Client, kind: &str, namespace: Option<&str>) -> String {
    let request = Request::new(DynamicObject::url_path(&resource(kind), namespace)).list(&ListParams::default());
    match client.request_text(request.unwrap()).await {
        Ok(text) => text,
        // A kind that this cluster lacks.
        Err(kube::Error::Api(status)) if status.code == 404 => String::new(),
        Err(error) => panic!("{kind} cannot be searched: {error}"),
    }
}

/// What of an object is the daemon's.
fn written(object: &Value) -> Value {
    let meta = &object["metadata"];
    let marks = |part: &str| -> Value {
        let all = meta[part].as_object().into_iter().flatten();
        all.filter(|(key, _)| OURS.iter().any(|ours| key.starts_with(ours)))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    json!({
        "annotations": marks("annotations"), "labels": marks("labels"),
        "managedFields": meta["managedFields"], "status": object["status"],
    })
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
