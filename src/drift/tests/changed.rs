//! What is declared and differs, and what only looks different.

use super::*;

#[test]
fn a_value_that_differs_is_modified() {
    check("Deployment", "spec: {replicas: 3}", "spec: {replicas: 5}", &["Modified /spec/replicas 3 → 5"]);
    check("Widget", "spec: {a: 1}", "spec: {a: '1'}", &["Modified /spec/a 1 → \"1\""]);
    check("Widget", "spec: {a: 1}", "spec: {a: {b: 1}}", &["Modified /spec/a 1 → {\"b\":1}"]);
    check("Widget", "spec: {a: {b: 1}}", "spec: {a: 1}", &["Modified /spec/a {\"b\":1} → 1"]);
    check("Widget", "spec: {a: [1]}", "spec: {a: 1}", &["Modified /spec/a [1] → 1"]);
}

#[test]
fn a_value_that_is_gone_is_removed_at_the_highest_place() {
    check("Widget", "spec: {a: {b: {c: 1}}}", "spec: {x: 1}", &["Removed /spec/a {\"b\":{\"c\":1}} → none"]);
    check("Widget", "spec: {a: 1}", "{}", &["Removed /spec {\"a\":1} → none"]);
    check(
        "Deployment",
        "metadata: {labels: {a: x, b: ''}}",
        "{}",
        &["Removed /metadata/labels/a \"x\" → none", "Removed /metadata/labels/b \"\" → none"],
    );
}

#[test]
fn what_the_api_server_writes_is_not_compared() {
    check("Deployment", "metadata: {name: x, namespace: y, generation: 9}", "status: {replicas: 1}", &[]);
    check("Deployment", "status: {replicas: 4}", "status: {replicas: 1}", &[]);
}

#[test]
fn labels_annotations_and_owners_are_compared() {
    check(
        "Deployment",
        "metadata: {labels: {a: x}}",
        "metadata: {labels: {a: y}}",
        &["Modified /metadata/labels/a \"x\" → \"y\""],
    );
    check(
        "Service",
        "metadata: {annotations: {a/b: x}}",
        "metadata: {annotations: {c: z}}",
        &["Removed /metadata/annotations/a~1b \"x\" → none"],
    );
    check(
        "Deployment",
        "metadata: {ownerReferences: [{uid: one, controller: true}]}",
        "metadata: {ownerReferences: [{uid: two, controller: false}, {uid: one, controller: true, name: o}]}",
        &[],
    );
    check(
        "Deployment",
        "metadata: {ownerReferences: [{uid: one}]}",
        "metadata: {ownerReferences: [{uid: two}]}",
        &["Removed /metadata/ownerReferences/0 {\"uid\":\"one\"} → none"],
    );
}

#[test]
fn numbers_are_equal_by_value() {
    check("Widget", "spec: {a: 1, b: 2.0, c: 3}", "spec: {a: 1.0, b: 2, c: 3}", &[]);
    check(
        "Widget",
        "spec: {a: 9007199254740993}",
        "spec: {a: 9007199254740992}",
        &["Modified /spec/a 9007199254740993 → 9007199254740992"],
    );
}

#[test]
fn quantities_are_equal_by_value_where_there_are_quantities() {
    check_container(
        "resources: {requests: {cpu: 0.5, memory: 1Gi}, limits: {cpu: 1, memory: '1073741824'}}",
        "resources: {requests: {cpu: 500m, memory: 1024Mi}, limits: {cpu: '1', memory: 1Gi}}",
        &[],
    );
    check_container(
        "resources: {requests: {cpu: 500m}}",
        "resources: {requests: {cpu: 501m}}",
        &["Modified ./resources/requests/cpu \"500m\" → \"501m\""],
    );
    check("MicroService", "spec: {resources: {limits: {cpu: 1}}}", "spec: {resources: {limits: {cpu: 1000m}}}", &[]);
    check(
        "Deployment",
        "spec: {template: {spec: {volumes: [{name: a, emptyDir: {sizeLimit: 1Gi}}]}}}",
        "spec: {template: {spec: {volumes: [{name: a, emptyDir: {sizeLimit: 1024Mi}}]}}}",
        &[],
    );
    check_container(
        "env: [{name: CPU, value: 500m}]",
        "env: [{name: CPU, value: '0.5'}]",
        &["Modified ./env/0/value \"500m\" → \"0.5\""],
    );
}

#[test]
fn a_port_may_be_a_number_or_a_text() {
    check_container("readinessProbe: {httpGet: {port: 80}}", "readinessProbe: {httpGet: {port: '80'}}", &[]);
    check_container(
        "readinessProbe: {tcpSocket: {port: http}}",
        "readinessProbe: {tcpSocket: {port: 80}}",
        &["Modified ./readinessProbe/tcpSocket/port \"http\" → 80"],
    );
    check(
        "Service",
        "spec: {ports: [{port: 80, targetPort: '8080'}]}",
        "spec: {ports: [{port: 80, targetPort: 8080}]}",
        &[],
    );
    check("PodDisruptionBudget", "spec: {maxUnavailable: '1'}", "spec: {maxUnavailable: 1}", &[]);
    check("MicroService", "spec: {replicas: 1}", "spec: {replicas: '1'}", &["Modified /spec/replicas 1 → \"1\""]);
}

#[test]
fn empty_is_absent() {
    check("Deployment", "spec: {a: {}, b: [], c: null, d: {e: {}}, f: {g: []}}", "spec: {replicas: 1}", &[]);
    check("Deployment", "spec: {a: {}, b: []}", "spec: {a: null, b: null}", &[]);
    check("MicroService", "spec: {args: [x]}", "spec: {args: []}", &["Removed /spec/args [\"x\"] → none"]);
}

#[test]
fn the_api_server_drops_zero_values_of_kubernetes_own_kinds() {
    check_container(
        "{env: [{name: A, value: ''}], volumeMounts: [{mountPath: /a, readOnly: false}], tty: false}",
        "{env: [{name: A}], volumeMounts: [{mountPath: /a}]}",
        &[],
    );
    check(
        "MicroService",
        "spec: {env: [{name: A, value: ''}]}",
        "spec: {env: [{name: A}]}",
        &["Removed /spec/env/0/value \"\" → none"],
    );
    check_container(
        "securityContext: {privileged: false}",
        "securityContext: {}",
        &["Removed ./securityContext {\"privileged\":false} → none"],
    );
    check(
        "Deployment",
        "spec: {template: {spec: {hostNetwork: false}}}",
        "spec: {template: {spec: {hostNetwork: true}}}",
        &["Modified /spec/template/spec/hostNetwork false → true"],
    );
    check(
        "Deployment",
        "spec: {progressDeadlineSeconds: 30}",
        "spec: {progressDeadlineSeconds: 600}",
        &["Modified /spec/progressDeadlineSeconds 30 → 600"],
    );
}

#[test]
fn keyed_lists_match_by_key_in_any_order() {
    check_container(
        "{env: [{name: A, value: a}, {name: B, value: b}], volumeMounts: [{mountPath: /a, name: a}]}",
        "{env: [{name: X}, {name: B, value: c}, {name: A, value: a}], volumeMounts: [{mountPath: /b, name: a}]}",
        &[
            "Modified ./env/1/value \"b\" → \"c\"",
            "Removed ./volumeMounts/0 {\"mountPath\":\"/a\",\"name\":\"a\"} → none",
        ],
    );
    check_container(
        "ports: [{containerPort: 53, protocol: UDP, name: u}, {containerPort: 53, name: t}]",
        "ports: [{containerPort: 53, protocol: TCP, name: t}, {containerPort: 53, protocol: UDP, name: v}]",
        &["Modified ./ports/1/name \"u\" → \"v\""],
    );
    check(
        "Service",
        "spec: {ports: [{port: 80}, {port: 90}]}",
        "spec: {ports: [{port: 90, protocol: TCP}, {port: 80, protocol: UDP}]}",
        &["Removed /spec/ports/0 {\"port\":80} → none"],
    );
    check(
        "MicroService",
        "spec: {ports: [{containerPort: 1, protocol: TCP}]}",
        "spec: {ports: [{containerPort: 1}]}",
        &["Removed /spec/ports/0/protocol \"TCP\" → none"],
    );
    check(
        "Deployment",
        "spec: {template: {spec: {topologySpreadConstraints: [{topologyKey: zone, whenUnsatisfiable: ScheduleAnyway, maxSkew: 1}]}}}",
        "spec: {template: {spec: {topologySpreadConstraints: [{topologyKey: zone, whenUnsatisfiable: DoNotSchedule, maxSkew: 1}, {topologyKey: zone, whenUnsatisfiable: ScheduleAnyway, maxSkew: 2}]}}}",
        &["Modified /spec/template/spec/topologySpreadConstraints/1/maxSkew 1 → 2"],
    );
}

#[test]
fn an_atomic_value_is_one_field() {
    check_container("args: [a, b]", "args: [b, a]", &["Modified ./args [\"a\",\"b\"] → [\"b\",\"a\"]"]);
    check_container("args: [a]", "args: [a, b]", &["Modified ./args [\"a\"] → [\"a\",\"b\"]"]);
    check(
        "Service",
        "spec: {selector: {a: x}}",
        "spec: {selector: {a: y}}",
        &["Modified /spec/selector {\"a\":\"x\"} → {\"a\":\"y\"}"],
    );
    check_container(
        "env: [{name: A, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]",
        "env: [{name: A, valueFrom: {fieldRef: {fieldPath: metadata.name, apiVersion: v1}}}]",
        &[],
    );
    check(
        "NetworkPolicy",
        "spec: {ingress: [{ports: [{port: '80'}]}]}",
        "spec: {ingress: [{ports: [{port: 80, protocol: TCP}]}]}",
        &[],
    );
}

#[test]
fn duplicate_keys_in_live_are_extra() {
    check_container(
        "env: [{name: A, value: a}]",
        "env: [{name: A, value: x}, {name: B}, {name: A, value: a}]",
        &["Modified ./env/0/value \"a\" → \"x\"", "Added ./env/2 none → {\"name\":\"A\",\"value\":\"a\"}"],
    );
}

#[test]
fn malformed_lists_compare_as_a_whole() {
    check_container("env: [{name: A}]", "env: [1, {}]", &["Modified ./env [{\"name\":\"A\"}] → [1,{}]"]);
}
