//! The shape of a pod template.

use super::super::shape::METADATA;
use super::super::shape::Shape::{
    self, Any, Atomic, Filled, Flag, Ignored, IntOrString, Keyed, List, Map, Omitted, PullPolicy, Quantity, Record,
    Set, Text, Whole,
};
use super::{BY_NAME, PROTOCOL, RESOURCES, key};

pub(super) static POD_TEMPLATE: Shape = Record(&[("metadata", &METADATA), ("spec", &POD)]);

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
    ("evictionResponders", &Keyed(BY_NAME, &Atomic(&Any))),
    (
        "tolerations",
        &List(&Record(&[("key", &Omitted), ("operator", &Omitted), ("value", &Omitted), ("effect", &Omitted)])),
    ),
    ("nodeSelector", &Atomic(&Any)),
    ("affinity", &AFFINITY),
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

static AFFINITY: Shape = Record(&[
    (
        "nodeAffinity",
        &Record(&[
            ("requiredDuringSchedulingIgnoredDuringExecution", &Atomic(&Any)),
            ("preferredDuringSchedulingIgnoredDuringExecution", &List(&Record(&[("preference", &Atomic(&Any))]))),
        ]),
    ),
    ("podAffinity", &POD_AFFINITY),
    ("podAntiAffinity", &POD_AFFINITY),
]);

static POD_AFFINITY: Shape = Record(&[
    ("requiredDuringSchedulingIgnoredDuringExecution", &List(&POD_AFFINITY_TERM)),
    ("preferredDuringSchedulingIgnoredDuringExecution", &List(&Record(&[("podAffinityTerm", &POD_AFFINITY_TERM)]))),
]);

static POD_AFFINITY_TERM: Shape = Record(&[("labelSelector", &Atomic(&Any)), ("namespaceSelector", &Atomic(&Any))]);

static CONTAINER: Shape = Record(&[
    ("ports", &Keyed(&[key("containerPort"), PROTOCOL], &CONTAINER_PORT)),
    ("env", &Keyed(BY_NAME, &Record(&[("value", &Omitted), ("valueFrom", &ENV_SOURCE)]))),
    ("envFrom", &List(&Record(&[("prefix", &Omitted)]))),
    (
        "volumeMounts",
        &Keyed(
            &[key("mountPath")],
            &Record(&[
                ("readOnly", &Omitted),
                ("subPath", &Omitted),
                ("subPathExpr", &Omitted),
                ("bindMountOptions", &Set),
            ]),
        ),
    ),
    ("volumeDevices", &Keyed(&[key("devicePath")], &Any)),
    ("resources", &Filled(RESOURCES)),
    ("startupProbe", &PROBE),
    ("readinessProbe", &PROBE),
    ("livenessProbe", &PROBE),
    ("lifecycle", &Record(&[("postStart", &HOOK), ("preStop", &HOOK)])),
    ("restartPolicyRules", &List(&Record(&[("exitCodes", &Record(&[("values", &Set)]))]))),
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

static PROBE: Shape = Record(&[
    ("initialDelaySeconds", &Omitted),
    ("timeoutSeconds", &Whole(1)),
    ("periodSeconds", &Whole(10)),
    ("successThreshold", &Whole(1)),
    ("failureThreshold", &Whole(3)),
    ("httpGet", &HTTP_GET),
    ("tcpSocket", &TCP_SOCKET),
    ("grpc", &Record(&[("service", &Omitted)])),
]);

static HOOK: Shape = Record(&[("httpGet", &HTTP_GET), ("tcpSocket", &TCP_SOCKET)]);

static HTTP_GET: Shape =
    Record(&[("port", &IntOrString), ("host", &Omitted), ("path", &Text("/")), ("scheme", &Text("HTTP"))]);

static TCP_SOCKET: Shape = Record(&[("port", &IntOrString), ("host", &Omitted)]);

static ENV_SOURCE: Shape = Record(&[
    ("fieldRef", &FIELD_REF),
    ("resourceFieldRef", &RESOURCE_FIELD_REF),
    ("configMapKeyRef", &Atomic(&Any)),
    ("secretKeyRef", &Atomic(&Any)),
    ("fileKeyRef", &Atomic(&Record(&[("optional", &Flag(false))]))),
]);

static FIELD_REF: Shape = Atomic(&Record(&[("apiVersion", &Text("v1"))]));

static RESOURCE_FIELD_REF: Shape = Atomic(&Record(&[("divisor", &Quantity), ("containerName", &Omitted)]));

static VOLUME: Shape = Record(&[
    ("emptyDir", &Record(&[("sizeLimit", &Quantity), ("medium", &Omitted)])),
    ("configMap", &Record(FILES)),
    ("secret", &Record(FILES)),
    ("projected", &Record(&[("defaultMode", &Whole(0o644)), ("sources", &List(&PROJECTION))])),
    ("downwardAPI", &Record(&[("defaultMode", &Whole(0o644)), ("items", &List(&DOWNWARD_FILE))])),
    ("hostPath", &Record(&[("type", &Omitted)])),
    ("ephemeral", &Record(&[("volumeClaimTemplate", &Record(&[("metadata", &METADATA), ("spec", &CLAIM)]))])),
    ("cephfs", &WITH_SECRET),
    ("cinder", &WITH_SECRET),
    ("csi", &Record(&[("nodePublishSecretRef", &Atomic(&Any)), ("readOnly", &Omitted)])),
    ("flexVolume", &WITH_SECRET),
    (
        "azureDisk",
        &Record(&[
            ("cachingMode", &Text("ReadWrite")),
            ("fsType", &Text("ext4")),
            ("kind", &Text("Shared")),
            ("readOnly", &Flag(false)),
        ]),
    ),
    ("iscsi", &Record(&[("secretRef", &Atomic(&Any)), ("readOnly", &Omitted), ("iscsiInterface", &Text("default"))])),
    (
        "rbd",
        &Record(&[
            ("secretRef", &Atomic(&Any)),
            ("readOnly", &Omitted),
            ("pool", &Text("rbd")),
            ("user", &Text("admin")),
            ("keyring", &Text("/etc/ceph/keyring")),
        ]),
    ),
    (
        "scaleIO",
        &Record(&[
            ("secretRef", &Atomic(&Any)),
            ("readOnly", &Omitted),
            ("storageMode", &Text("ThinProvisioned")),
            ("fsType", &Text("xfs")),
        ]),
    ),
    ("storageos", &WITH_SECRET),
    ("nfs", &Record(&[("readOnly", &Omitted)])),
]);

const FILES: super::Fields = &[("defaultMode", &Whole(0o644)), ("items", &List(&Any))];

static WITH_SECRET: Shape = Record(&[("secretRef", &Atomic(&Any)), ("readOnly", &Omitted)]);

static PROJECTION: Shape = Record(&[
    ("serviceAccountToken", &Record(&[("expirationSeconds", &Whole(3600)), ("audience", &Omitted)])),
    ("clusterTrustBundle", &Record(&[("labelSelector", &Atomic(&Any))])),
    ("downwardAPI", &Record(&[("items", &List(&DOWNWARD_FILE))])),
]);

static DOWNWARD_FILE: Shape = Record(&[("fieldRef", &FIELD_REF), ("resourceFieldRef", &RESOURCE_FIELD_REF)]);

static CLAIM: Shape = Record(&[
    ("dataSource", &Atomic(&Any)),
    ("selector", &Atomic(&Any)),
    ("resources", &Record(RESOURCES)),
    ("volumeMode", &Text("Filesystem")),
]);
