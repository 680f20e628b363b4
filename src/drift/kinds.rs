//! The shapes of the kinds that Gitmoor declares. What is not in these tables compares as it is
//! written, with lists as a whole.

use super::shape::Shape::{
    self, Any, Atomic, Filled, Flag, Ignored, IntOrPercent, IntOrString, Keyed, List, Map, Object, Omitted, PullPolicy,
    Quantity, Record, TargetPort, Text, Whole, Wish,
};
use super::shape::{Fields, Key, METADATA};
use crate::api;

/// The shape of a whole object.
pub(super) fn of(api_version: &str, kind: &str) -> &'static Shape {
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    match (group, kind) {
        (api::GROUP, "MicroService") => &MICRO_SERVICE,
        (api::GROUP, "GitSync") => &GIT_SYNC,
        ("apps", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet") | ("batch", "Job") => &WORKLOAD,
        ("batch", "CronJob") => &CRON_JOB,
        ("", "Service") => &SERVICE,
        ("", "ServiceAccount") => &SERVICE_ACCOUNT,
        ("", "ConfigMap") => &CONFIG_MAP,
        ("policy", "PodDisruptionBudget") => &DISRUPTION_BUDGET,
        ("networking.k8s.io", "NetworkPolicy") => &NETWORK_POLICY,
        ("autoscaling", "HorizontalPodAutoscaler") => &AUTOSCALER,
        ("networking.k8s.io", "Ingress") => &INGRESS,
        _ => &OTHER,
    }
}

static OTHER: Shape = Object(&[]);
static CONFIG_MAP: Shape = Object(&[("data", &Map(&Any)), ("binaryData", &Map(&Any))]);

// A person suspends what Git declares, and Git need not know.
static GIT_SYNC: Shape =
    Object(&[("spec", &Record(&[("suspend", &Wish), ("prune", &Record(&[("budget", &IntOrString)]))]))]);

static MICRO_SERVICE: Shape = Object(&[(
    "spec",
    &Record(&[
        ("ports", &Keyed(&[key("containerPort")], &Any)),
        ("env", &Keyed(BY_NAME, &Record(&[("valueFrom", &ENV_SOURCE)]))),
        ("imagePullSecrets", &Keyed(BY_NAME, &Any)),
        ("resources", &Record(RESOURCES)),
        ("startupProbe", &MICRO_SERVICE_PROBE),
        ("readinessProbe", &MICRO_SERVICE_PROBE),
        ("livenessProbe", &MICRO_SERVICE_PROBE),
        ("service", &Record(&[("annotations", &Map(&Any))])),
        ("serviceAccount", &Record(&[("annotations", &Map(&Any))])),
        ("podMetadata", &Record(&[("labels", &Map(&Any)), ("annotations", &Map(&Any))])),
        (
            "routes",
            &Keyed(
                BY_NAME,
                &Record(&[
                    ("paths", &Keyed(&[key("path")], &Any)),
                    ("redirects", &Keyed(&[key("path")], &Any)),
                    ("tls", &Atomic(&Any)),
                    ("annotations", &Map(&Any)),
                ]),
            ),
        ),
        (
            "accessPolicy",
            &Atomic(&Record(&[("outbound", &Record(&[("rules", &List(&Record(&[("ports", &List(&IntOrString))])))]))])),
        ),
        ("cronJobs", &Keyed(BY_NAME, &Any)),
        ("overrides", &List(&Any)),
        ("podDisruptionBudget", &Record(&[("minAvailable", &IntOrString), ("maxUnavailable", &IntOrString)])),
        ("strategy", &Record(&[("rollingUpdate", &Record(ROLLING_UPDATE))])),
    ]),
)]);

/// What the API server stores as written: no zero value is dropped.
static MICRO_SERVICE_PROBE: Shape =
    Record(&[("httpGet", &Record(&[("port", &IntOrString)])), ("tcpSocket", &Record(&[("port", &IntOrString)]))]);

static WORKLOAD: Shape = Object(&[("spec", &WORKLOAD_SPEC)]);

static WORKLOAD_SPEC: Shape = Record(&[
    ("selector", &Atomic(&Any)),
    ("template", &POD_TEMPLATE),
    ("minReadySeconds", &Omitted),
    ("paused", &Omitted),
    // Not declared where an autoscaler says how many; whoever writes it then has no part in what Git says.
    ("replicas", &Wish),
    ("progressDeadlineSeconds", &Whole(600)),
    ("revisionHistoryLimit", &Whole(10)),
    ("strategy", &STRATEGY),
    ("updateStrategy", &STRATEGY),
]);

static STRATEGY: Shape = Filled(&[
    ("type", &Text("RollingUpdate")),
    ("rollingUpdate", &Filled(&[("maxSurge", &IntOrPercent("25%")), ("maxUnavailable", &IntOrPercent("25%"))])),
]);

static CRON_JOB: Shape =
    Object(&[("spec", &Record(&[("jobTemplate", &Record(&[("metadata", &METADATA), ("spec", &WORKLOAD_SPEC)]))]))]);

static POD_TEMPLATE: Shape = Record(&[("metadata", &METADATA), ("spec", &POD)]);

static POD: Shape = Record(&[
    ("containers", &Keyed(BY_NAME, &CONTAINER)),
    ("initContainers", &Keyed(BY_NAME, &CONTAINER)),
    ("ephemeralContainers", &Keyed(BY_NAME, &CONTAINER)),
    ("volumes", &Keyed(BY_NAME, &VOLUME)),
    ("imagePullSecrets", &Keyed(BY_NAME, &Atomic(&Any))),
    (
        "topologySpreadConstraints",
        &Keyed(&[key("topologyKey"), key("whenUnsatisfiable")], &Record(&[("labelSelector", &Atomic(&Any))])),
    ),
    ("hostAliases", &Keyed(&[key("ip")], &Any)),
    ("resourceClaims", &Keyed(BY_NAME, &Any)),
    ("schedulingGates", &Keyed(BY_NAME, &Any)),
    (
        "tolerations",
        &List(&Record(&[("key", &Omitted), ("operator", &Omitted), ("value", &Omitted), ("effect", &Omitted)])),
    ),
    ("nodeSelector", &Atomic(&Any)),
    ("affinity", &Any),
    ("overhead", &Map(&Quantity)),
    ("resources", &Record(RESOURCES)),
    ("securityContext", &Filled(&[])),
    // The API server copies serviceAccountName into its old name.
    ("serviceAccount", &Ignored),
    ("serviceAccountName", &Omitted),
    ("hostNetwork", &Omitted),
    ("hostPID", &Omitted),
    ("hostIPC", &Omitted),
    ("hostname", &Omitted),
    ("subdomain", &Omitted),
    ("nodeName", &Omitted),
    ("priorityClassName", &Omitted),
    ("restartPolicy", &Text("Always")),
    ("dnsPolicy", &Text("ClusterFirst")),
    ("schedulerName", &Text("default-scheduler")),
    ("terminationGracePeriodSeconds", &Whole(30)),
    ("enableServiceLinks", &Flag(true)),
]);

static CONTAINER: Shape = Record(&[
    ("ports", &Keyed(&[key("containerPort"), PROTOCOL], &CONTAINER_PORT)),
    ("env", &Keyed(BY_NAME, &Record(&[("value", &Omitted), ("valueFrom", &ENV_SOURCE)]))),
    ("envFrom", &List(&Record(&[("prefix", &Omitted)]))),
    (
        "volumeMounts",
        &Keyed(
            &[key("mountPath")],
            &Record(&[("readOnly", &Omitted), ("subPath", &Omitted), ("subPathExpr", &Omitted)]),
        ),
    ),
    ("volumeDevices", &Keyed(&[key("devicePath")], &Any)),
    ("resources", &Filled(RESOURCES)),
    ("startupProbe", &PROBE),
    ("readinessProbe", &PROBE),
    ("livenessProbe", &PROBE),
    ("lifecycle", &Record(&[("postStart", &PROBE), ("preStop", &PROBE)])),
    ("imagePullPolicy", &PullPolicy),
    ("workingDir", &Omitted),
    ("stdin", &Omitted),
    ("stdinOnce", &Omitted),
    ("tty", &Omitted),
    ("terminationMessagePath", &Text("/dev/termination-log")),
    ("terminationMessagePolicy", &Text("File")),
]);

static CONTAINER_PORT: Shape =
    Record(&[("name", &Omitted), ("hostPort", &Omitted), ("hostIP", &Omitted), ("protocol", &Text("TCP"))]);

/// A probe or a lifecycle hook.
static PROBE: Shape = Record(&[
    ("initialDelaySeconds", &Omitted),
    ("timeoutSeconds", &Whole(1)),
    ("periodSeconds", &Whole(10)),
    ("successThreshold", &Whole(1)),
    ("failureThreshold", &Whole(3)),
    (
        "httpGet",
        &Record(&[("port", &IntOrString), ("host", &Omitted), ("path", &Text("/")), ("scheme", &Text("HTTP"))]),
    ),
    ("tcpSocket", &Record(&[("port", &IntOrString), ("host", &Omitted)])),
]);

static ENV_SOURCE: Shape = Record(&[
    ("fieldRef", &Atomic(&Any)),
    ("resourceFieldRef", &Atomic(&Record(&[("divisor", &Quantity)]))),
    ("configMapKeyRef", &Atomic(&Any)),
    ("secretKeyRef", &Atomic(&Any)),
]);

static VOLUME: Shape = Record(&[
    ("emptyDir", &Record(&[("sizeLimit", &Quantity), ("medium", &Omitted)])),
    ("configMap", &Record(&[("defaultMode", &Whole(0o644))])),
    ("secret", &Record(&[("defaultMode", &Whole(0o644))])),
    ("projected", &Record(&[("defaultMode", &Whole(0o644))])),
    ("downwardAPI", &Record(&[("defaultMode", &Whole(0o644))])),
    ("hostPath", &Record(&[("type", &Omitted)])),
]);

static SERVICE: Shape = Object(&[(
    "spec",
    &Record(&[
        (
            "ports",
            &Keyed(
                &[key("port"), PROTOCOL],
                &Record(&[
                    ("targetPort", &TargetPort),
                    ("protocol", &Text("TCP")),
                    ("name", &Omitted),
                    ("nodePort", &Omitted),
                ]),
            ),
        ),
        ("type", &Text("ClusterIP")),
        ("sessionAffinity", &Text("None")),
        ("internalTrafficPolicy", &Text("Cluster")),
        ("externalTrafficPolicy", &Text("Cluster")),
        ("ipFamilyPolicy", &Text("SingleStack")),
        ("allocateLoadBalancerNodePorts", &Flag(true)),
        ("selector", &Atomic(&Any)),
        ("publishNotReadyAddresses", &Omitted),
    ]),
)]);

static SERVICE_ACCOUNT: Shape = Object(&[("secrets", &Keyed(BY_NAME, &Any))]);

static DISRUPTION_BUDGET: Shape = Object(&[(
    "spec",
    &Record(&[("minAvailable", &IntOrString), ("maxUnavailable", &IntOrString), ("selector", &Atomic(&Any))]),
)]);

static NETWORK_POLICY: Shape = Object(&[(
    "spec",
    &Record(&[("podSelector", &Atomic(&Any)), ("ingress", &List(&POLICY_RULE)), ("egress", &List(&POLICY_RULE))]),
)]);

static POLICY_RULE: Shape = Record(&[("ports", &List(&Record(&[("port", &IntOrString)])))]);

static INGRESS: Shape = Object(&[(
    "spec",
    &Record(&[
        ("defaultBackend", &Any),
        ("tls", &List(&Any)),
        ("rules", &List(&Record(&[("http", &Record(&[("paths", &List(&Any))]))]))),
    ]),
)]);

static AUTOSCALER: Shape =
    Object(&[("spec", &Record(&[("scaleTargetRef", &Atomic(&Any)), ("minReplicas", &Whole(1))]))]);

const BY_NAME: &[Key] = &[key("name")];
const PROTOCOL: Key = Key { name: "protocol", default: Some("TCP") };
const RESOURCES: Fields =
    &[("requests", &Map(&Quantity)), ("limits", &Map(&Quantity)), ("claims", &Keyed(BY_NAME, &Any))];
const ROLLING_UPDATE: Fields = &[("maxSurge", &IntOrString), ("maxUnavailable", &IntOrString)];

const fn key(name: &'static str) -> Key {
    Key { name, default: None }
}
