//! The shapes of the kinds that Gitmoor declares. What is not in these tables compares as it is
//! written, with lists as a whole.
//!
//! A test compares the tables with the OpenAPI documents of a real API server; the shapes of our own kinds are read
//! from their CRDs. What the API server fills in stands in no document: another test lets it fill in.

mod network;
mod ours;
mod pod;
mod workloads;

use std::sync::LazyLock;

use super::shape::Shape::{
    self, Any, Atomic, Filled, Given, IntOrString, Keyed, List, Map, Object, Omitted, Quantity, Record, Text, Whole,
};
use super::shape::{Fields, Key};
use crate::api;

/// The shape of a whole object.
pub(super) fn of(api_version: &str, kind: &str) -> &'static Shape {
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    match (group, kind) {
        (api::GROUP, "MicroService") => &MICRO_SERVICE,
        (api::GROUP, "GitSync") => &GIT_SYNC,
        ("apps", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet") => &workloads::DEPLOYMENT,
        ("batch", "Job") => &workloads::JOB,
        ("batch", "CronJob") => &workloads::CRON_JOB,
        ("", "Service") => &network::SERVICE,
        ("", "ServiceAccount") => &SERVICE_ACCOUNT,
        ("", "ConfigMap") => &CONFIG_MAP,
        ("policy", "PodDisruptionBudget") => &DISRUPTION_BUDGET,
        ("networking.k8s.io", "NetworkPolicy") => &network::NETWORK_POLICY,
        ("networking.k8s.io", "Ingress") => &network::INGRESS,
        ("gateway.networking.k8s.io", "HTTPRoute") => &network::HTTP_ROUTE,
        ("monitoring.coreos.com", "ServiceMonitor") => &SERVICE_MONITOR,
        ("autoscaling", "HorizontalPodAutoscaler") => &AUTOSCALER,
        _ => &OTHER,
    }
}

static MICRO_SERVICE: LazyLock<Shape> = LazyLock::new(|| ours::from_crd(&api::crds::microservice(), &[]));
// A person suspends what Git declares, and Git need not know.
static GIT_SYNC: LazyLock<Shape> = LazyLock::new(|| ours::from_crd(&api::crds::gitsync(), &["suspend"]));

static OTHER: Shape = Object(&[]);

static CONFIG_MAP: Shape = Object(&[("data", &Map(&Any)), ("binaryData", &Map(&Any)), ("immutable", &Omitted)]);

static SERVICE_ACCOUNT: Shape = Object(&[
    // A token controller of old clusters lists its Secrets here.
    ("secrets", &Keyed(BY_NAME, &Atomic(&Any))),
    ("imagePullSecrets", &List(&Atomic(&Any))),
]);

static DISRUPTION_BUDGET: Shape = Object(&[(
    "spec",
    &Record(&[("minAvailable", &IntOrString), ("maxUnavailable", &IntOrString), ("selector", &Atomic(&Any))]),
)]);

static AUTOSCALER: Shape = Object(&[(
    "spec",
    &Record(&[
        ("minReplicas", &Whole(1)),
        (
            "metrics",
            &Given(
                r#"[{"resource":{"name":"cpu","target":{"averageUtilization":80,"type":"Utilization"}},"type":"Resource"}]"#,
                &METRIC,
            ),
        ),
        (
            "behavior",
            &Filled(&[
                (
                    "scaleUp",
                    &Filled(&[
                        ("stabilizationWindowSeconds", &Whole(0)),
                        ("selectPolicy", &Text("Max")),
                        (
                            "policies",
                            &Given(
                                r#"[{"periodSeconds":15,"type":"Pods","value":4},{"periodSeconds":15,"type":"Percent","value":100}]"#,
                                &Any,
                            ),
                        ),
                        ("tolerance", &Quantity),
                    ]),
                ),
                (
                    "scaleDown",
                    &Filled(&[
                        ("selectPolicy", &Text("Max")),
                        ("policies", &Given(r#"[{"periodSeconds":15,"type":"Percent","value":100}]"#, &Any)),
                        ("tolerance", &Quantity),
                    ]),
                ),
            ]),
        ),
    ]),
)]);

static METRIC: Shape = Record(&[
    ("resource", &Record(&[("target", &METRIC_TARGET)])),
    ("containerResource", &Record(&[("target", &METRIC_TARGET)])),
    ("pods", &Record(&[("target", &METRIC_TARGET), ("metric", &METRIC_NAME)])),
    ("object", &Record(&[("target", &METRIC_TARGET), ("metric", &METRIC_NAME)])),
    ("external", &Record(&[("target", &METRIC_TARGET), ("metric", &METRIC_NAME)])),
]);

static METRIC_TARGET: Shape = Record(&[("value", &Quantity), ("averageValue", &Quantity)]);

static METRIC_NAME: Shape = Record(&[("selector", &Atomic(&Any))]);

static SERVICE_MONITOR: Shape = Object(&[(
    "spec",
    &Record(&[
        ("selector", &Atomic(&Any)),
        ("scrapeProtocols", &Shape::Set),
        ("nativeHistogramMinBucketFactor", &Quantity),
        (
            "endpoints",
            &List(&Record(&[
                ("targetPort", &IntOrString),
                ("relabelings", &List(&RELABELING)),
                ("metricRelabelings", &List(&RELABELING)),
            ])),
        ),
    ]),
)]);

static RELABELING: Shape = Record(&[("action", &Text("replace"))]);

const BY_NAME: &[Key] = &[key("name")];
const PROTOCOL: Key = Key { name: "protocol", default: Some("TCP") };
const RESOURCES: Fields =
    &[("requests", &Map(&Quantity)), ("limits", &Map(&Quantity)), ("claims", &Keyed(BY_NAME, &Any))];

const fn key(name: &'static str) -> Key {
    Key { name, default: None }
}
