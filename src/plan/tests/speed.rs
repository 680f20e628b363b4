//! How long its parts take; the benchmark measures the whole plan. Run with `cargo test --release --lib plan::tests::speed -- --ignored --nocapture`.

use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::json;

use super::budget::minute;
use crate::model::{ObjectKey, Target};
use crate::plan::rename::{self, Side};
use crate::plan::{Budget, Case, Doomed, judge};

/// 800 bytes, as a team would write them, or twice that with what the server adds.
fn object(name: &str, live: bool) -> String {
    let mut object = json!({
        "apiVersion": "gitmoor.dev/v1alpha1", "kind": "MicroService", "metadata": {"name": name, "namespace": "shop"},
        "spec": {
            "image": format!("ghcr.io/acme/{}:1.42.0", name.trim_start_matches("new-")), "replicas": 3, "args": ["serve", "--log-format", "json"],
            "ports": [{"name": "http", "containerPort": 8080}, {"name": "metrics", "containerPort": 9090}],
            "env": [{"name": "LOG", "value": "info"}, {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}}],
            "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}},
            "readinessProbe": {"httpGet": {"path": "/ready", "port": "http"}}, "livenessProbe": {"httpGet": {"path": "/healthz", "port": "http"}},
        }
    });
    if live {
        object["metadata"]["managedFields"] =
            json!([{"manager": "gitmoor", "fieldsV1": {"f:spec": object["spec"].clone()}}]);
        object["status"] =
            json!({"conditions": [{"type": "Ready", "status": "True", "message": "all replicas serve"}]});
    }
    object.to_string()
}

#[test]
#[ignore = "measures, and asserts nothing about time"]
fn how_fast() {
    let objects = |prefix: &str, live| -> Vec<_> {
        (0..5_000)
            .map(|n| {
                (
                    Target::service(ObjectKey::new("shop", format!("{prefix}s{n}"))),
                    object(&format!("{prefix}s{n}"), live),
                )
            })
            .collect()
    };
    let (created, deleted) = (objects("new-", false), objects("", true));
    let start = Instant::now();
    let pairs = rename::pairs(
        created.iter().map(|(key, body)| Side { key, body, file: None }),
        deleted.iter().map(|(key, body)| Side { key, body, file: None }),
    );
    println!("rename: {} pairs of 10,000 objects in {:?}", pairs.len(), start.elapsed());
    assert_eq!(pairs.len(), 5_000);

    let deletions: Vec<_> = deleted.into_iter().map(|(key, _)| Doomed { uid: key.to_string().into(), key }).collect();
    let case = Case {
        sync_uid: "sync",
        deletions: &deletions,
        stay: 5_000,
        creations: 5_000,
        asks: None,
        unborn: None,
        renamed: &pairs,
        budget: Budget::Percent(100),
        recent: &[],
        held_of: None,
        approve: None,
        approved: None,
        now: minute(0),
    };
    let start = Instant::now();
    let verdict = judge(&case);
    println!("judge: {} deletions wait, in {:?}", verdict.held.map_or(0, |held| held.deletions.len()), start.elapsed());
    let start = Instant::now();
    let verdict = judge(&Case { renamed: &BTreeMap::new(), ..case });
    println!("judge: {} deletions go, in {:?}", verdict.permit.len(), start.elapsed());
}
