//! The shapes of what traffic goes through.

use super::super::shape::Shape::{
    self, AffinityConfig, Any, Atomic, Filled, Flag, IntOrString, Keyed, List, Map, Object, Omitted, Record, Set,
    TargetPort, Text, Whole, Wish,
};
use super::{BY_NAME, PROTOCOL, key};

pub(super) static SERVICE: Shape = Object(&[(
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
                    // Allocated; it stays what it is once it is there.
                    ("nodePort", &Wish),
                ]),
            ),
        ),
        ("type", &Text("ClusterIP")),
        ("sessionAffinity", &Text("None")),
        ("sessionAffinityConfig", &AffinityConfig),
        ("internalTrafficPolicy", &Text("Cluster")),
        ("externalTrafficPolicy", &Text("Cluster")),
        ("ipFamilyPolicy", &Text("SingleStack")),
        ("allocateLoadBalancerNodePorts", &Flag(true)),
        ("selector", &Atomic(&Any)),
        ("publishNotReadyAddresses", &Omitted),
        // Allocated, and not to be taken away.
        ("clusterIP", &Wish),
        ("clusterIPs", &Wish),
        ("ipFamilies", &Wish),
        ("healthCheckNodePort", &Wish),
    ]),
)]);

pub(super) static NETWORK_POLICY: Shape = Object(&[(
    "spec",
    &Record(&[
        ("podSelector", &Atomic(&Any)),
        ("ingress", &List(&Record(&[("ports", &POLICY_PORTS), ("from", &POLICY_PEERS)]))),
        ("egress", &List(&Record(&[("ports", &POLICY_PORTS), ("to", &POLICY_PEERS)]))),
        ("policyTypes", &List(&Any)),
    ]),
)]);

static POLICY_PORTS: Shape = List(&Record(&[("port", &IntOrString), ("protocol", &Text("TCP"))]));

static POLICY_PEERS: Shape = List(&Record(&[("podSelector", &Atomic(&Any)), ("namespaceSelector", &Atomic(&Any))]));

pub(super) static INGRESS: Shape = Object(&[(
    "spec",
    &Record(&[
        ("defaultBackend", &INGRESS_BACKEND),
        ("tls", &List(&Any)),
        (
            "rules",
            &List(&Record(&[(
                "http",
                &Record(&[("paths", &List(&Record(&[("backend", &INGRESS_BACKEND), ("path", &Omitted)])))]),
            )])),
        ),
    ]),
)]);

static INGRESS_BACKEND: Shape = Record(&[
    ("resource", &Atomic(&Any)),
    ("service", &Record(&[("port", &Atomic(&Record(&[("name", &Omitted), ("number", &Omitted)])))])),
]);

pub(super) static HTTP_ROUTE: Shape = Object(&[(
    "spec",
    &Filled(&[
        ("parentRefs", &List(&Record(&[("group", &Text("gateway.networking.k8s.io")), ("kind", &Text("Gateway"))]))),
        ("rules", &List(&ROUTE_RULE)),
    ]),
)]);

static ROUTE_RULE: Shape = Record(&[
    (
        "matches",
        &List(&Record(&[
            ("path", &Filled(&[("type", &Text("PathPrefix")), ("value", &Text("/"))])),
            ("headers", &Keyed(BY_NAME, &Record(&[("type", &Text("Exact"))]))),
            ("queryParams", &Keyed(BY_NAME, &Record(&[("type", &Text("Exact"))]))),
        ])),
    ),
    ("filters", &List(&ROUTE_FILTER)),
    (
        "backendRefs",
        &List(&Record(&[
            ("group", &Omitted),
            ("kind", &Text("Service")),
            ("weight", &Whole(1)),
            ("filters", &List(&ROUTE_FILTER)),
        ])),
    ),
]);

static ROUTE_FILTER: Shape = Record(&[
    ("requestHeaderModifier", &HEADERS),
    ("responseHeaderModifier", &HEADERS),
    (
        "cors",
        &Record(&[
            ("allowHeaders", &Set),
            ("allowMethods", &Set),
            ("allowOrigins", &Set),
            ("exposeHeaders", &Set),
            ("maxAge", &Whole(5)),
        ]),
    ),
    ("requestRedirect", &Record(&[("statusCode", &Whole(302))])),
    (
        "requestMirror",
        &Record(&[
            ("backendRef", &Record(&[("group", &Omitted), ("kind", &Text("Service"))])),
            ("fraction", &Record(&[("denominator", &Whole(100))])),
        ]),
    ),
    ("extensionRef", &Map(&Any)),
]);

static HEADERS: Shape = Record(&[("set", &Keyed(BY_NAME, &Any)), ("add", &Keyed(BY_NAME, &Any)), ("remove", &Set)]);
