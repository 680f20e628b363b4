//! What nobody declares: people's additions, and what is none.

use serde_json::json;

use super::samples::{container, container_fields, deployment, edited, entry, micro_service};
use super::*;

/// Edits the Deployment as somebody would, and compares.
#[track_caller]
fn check_deployment(edit: impl FnOnce(&mut Value), expected: &[&str]) {
    let (declared, mut live) = deployment();
    edit(&mut live);
    assert_eq!(lines(&compared(&declared, &live)), expected);
}

#[track_caller]
fn check_micro_service(edit: impl FnOnce(&mut Value), expected: &[&str]) {
    let (declared, mut live) = micro_service();
    edit(&mut live);
    assert_eq!(lines(&compared(&declared, &live)), expected);
}

#[test]
fn a_sidecar_is_one_drift() {
    let sidecar = json!({"name": "proxy", "image": "envoy", "imagePullPolicy": "Always", "resources": {}});
    check_deployment(
        |live| {
            live["spec"]["template"]["spec"]["containers"].as_array_mut().unwrap().push(sidecar.clone());
            edited(
                live,
                r#"{f:spec: {f:template: {f:spec: {f:containers: {'k:{"name":"proxy"}':
                {.: {}, f:image: {}, f:imagePullPolicy: {}, f:name: {}, f:resources: {}}}}}}}"#,
            );
        },
        &[&format!("Added /spec/template/spec/containers/1 none → {sidecar} by kubectl-edit")],
    );
}

#[test]
fn a_label_is_added_by_its_key() {
    check_deployment(
        |live| {
            live["metadata"]["labels"]["team"] = "a".into();
            edited(live, "{f:metadata: {f:labels: {f:team: {}}}}");
        },
        &["Added /metadata/labels/team none → \"a\" by kubectl-edit"],
    );
    check_micro_service(
        |live| {
            live["metadata"]["annotations"]["a/b"] = "".into();
            edited(live, "{f:metadata: {f:annotations: {f:a/b: {}}}}");
        },
        &["Added /metadata/annotations/a~1b none → \"\" by kubectl-edit"],
    );
}

#[test]
fn an_env_entry_is_added_by_its_place() {
    check_micro_service(
        |live| {
            live["spec"]["env"].as_array_mut().unwrap().insert(1, json!({"name": "DEBUG", "value": "1"}));
            edited(live, r#"{f:spec: {f:env: {'k:{"name":"DEBUG"}': {.: {}, f:name: {}, f:value: {}}}}}"#);
        },
        &["Added /spec/env/1 none → {\"name\":\"DEBUG\",\"value\":\"1\"} by kubectl-edit"],
    );
}

#[test]
fn a_whole_undeclared_value_is_one_drift() {
    check_deployment(
        |live| {
            container(live)["livenessProbe"] = json!({"httpGet": {"path": "/", "port": 80}, "periodSeconds": 10});
            let probe = "{f:livenessProbe: {f:httpGet: {f:path: {}, f:port: {}}}}";
            entry(live, "other Apply", &container_fields(probe));
        },
        &[
            "Added /spec/template/spec/containers/0/livenessProbe none → {\"httpGet\":{\"path\":\"/\",\"port\":80},\"periodSeconds\":10} by other",
        ],
    );
    check_micro_service(
        |live| {
            live["spec"]["args"] = json!(["serve"]);
            edited(live, "{f:spec: {f:args: {}}}");
        },
        &["Added /spec/args none → [\"serve\"] by kubectl-edit"],
    );
}

#[test]
fn only_the_foreign_part_of_a_value_that_the_server_fills_was_added() {
    check_deployment(
        |live| {
            live["spec"]["strategy"]["rollingUpdate"]["maxSurge"] = 3.into();
            live["spec"]["template"]["spec"]["securityContext"]["runAsUser"] = 1.into();
            edited(
                live,
                "{f:spec: {f:strategy: {f:rollingUpdate: {f:maxSurge: {}}},
                  f:template: {f:spec: {f:securityContext: {f:runAsUser: {}}}}}}",
            );
        },
        &[
            "Added /spec/strategy/rollingUpdate/maxSurge none → 3 by kubectl-edit",
            "Added /spec/template/spec/securityContext/runAsUser none → 1 by kubectl-edit",
        ],
    );
}

#[test]
fn defaults_that_a_former_owner_holds_are_no_drift() {
    // A Deployment that `kubectl create` made before it was taken over.
    let pod = "f:dnsPolicy: {}, f:restartPolicy: {}, f:schedulerName: {}, f:terminationGracePeriodSeconds: {}";
    let container = r#"{.: {}, f:imagePullPolicy: {}, f:name: {}, f:resources: {}, f:terminationMessagePath: {},
        f:terminationMessagePolicy: {}, f:readinessProbe: {.: {}, f:failureThreshold: {}, f:periodSeconds: {},
        f:successThreshold: {}, f:timeoutSeconds: {}},
        f:ports: {'k:{"containerPort":8080,"protocol":"TCP"}': {.: {}, f:protocol: {}}}}"#;
    check_deployment(
        |live| {
            entry(
                live,
                "kubectl-create Update - 2025-01-01T00:00:00Z",
                &format!(
                    "{{f:spec: {{f:progressDeadlineSeconds: {{}}, f:revisionHistoryLimit: {{}},
                    f:strategy: {{f:type: {{}}, f:rollingUpdate: {{.: {{}}, f:maxSurge: {{}}}}}},
                    f:template: {{f:spec: {{{pod}, f:containers: {{'k:{{\"name\":\"app\"}}': {container}}}}}}}}}}}"
                ),
            );
        },
        &[],
    );
}

#[test]
fn another_pull_policy_than_the_default_was_added() {
    check_deployment(
        |live| {
            container(live)["imagePullPolicy"] = "Always".into();
            edited(live, &container_fields("{f:imagePullPolicy: {}}"));
        },
        &["Added /spec/template/spec/containers/0/imagePullPolicy none → \"Always\" by kubectl-edit"],
    );
}

#[test]
fn what_nobody_owns_is_a_default() {
    check_deployment(|live| live["spec"]["template"]["spec"]["hostUsers"] = true.into(), &[]);
    check_micro_service(|live| live["metadata"]["annotations"]["stamped"] = "by admission".into(), &[]);
}

#[test]
fn what_kubernetes_writes_is_no_drift() {
    for manager in ["kube-controller-manager", "vpa-updater", "cluster-autoscaler", "kubelet", "kube-scheduler"] {
        check_deployment(
            |live| {
                live["metadata"]["annotations"]["seen"] = "1".into();
                entry(live, &format!("{manager} Update"), "{f:metadata: {f:annotations: {f:seen: {}}}}");
            },
            &[],
        );
    }
}

#[test]
fn marks_of_tools_are_wishes() {
    check_deployment(
        |live| {
            live["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"] = "{}".into();
            live["metadata"]["annotations"]["gitmoor.dev/pause-until"] = "noon".into();
            live["spec"]["template"]["metadata"]["annotations"] = json!({"kubectl.kubernetes.io/restartedAt": "now"});
            edited(
                live,
                "{f:metadata: {f:annotations: {f:kubectl.kubernetes.io/last-applied-configuration: {}, f:gitmoor.dev/pause-until: {}}},
                  f:spec: {f:template: {f:metadata: {f:annotations: {.: {}, f:kubectl.kubernetes.io/restartedAt: {}}}}}}",
            );
        },
        &[],
    );
}

#[test]
fn finalizers_are_the_business_of_who_adds_them() {
    check_micro_service(
        |live| {
            live["metadata"]["finalizers"] = json!(["foregroundDeletion", "example.com/stay"]);
            edited(
                live,
                r#"{f:metadata: {f:finalizers: {.: {}, 'v:"foregroundDeletion"': {}, 'v:"example.com/stay"': {}}}}"#,
            );
        },
        &[],
    );
}

#[test]
fn our_own_fields_wait_for_the_next_apply() {
    for who in ["gitmoor Apply", "gitmoor-controller Apply"] {
        check_micro_service(
            |live| {
                live["spec"]["suspend"] = true.into();
                entry(live, who, "{f:spec: {f:suspend: {}}}");
            },
            &[],
        );
    }
    // Our name on an update is not ours: we only apply.
    check_micro_service(
        |live| {
            live["spec"]["suspend"] = true.into();
            entry(live, "gitmoor Update", "{f:spec: {f:suspend: {}}}");
        },
        &["Added /spec/suspend none → true by gitmoor"],
    );
}

#[test]
fn beside_a_field_of_ours_that_is_no_longer_declared_only_the_foreign_one_was_added() {
    check_micro_service(
        |live| {
            live["spec"]["strategy"] = json!({"type": "Recreate", "x": 1});
            entry(live, "gitmoor Apply", "{f:spec: {f:strategy: {f:type: {}}}}");
            edited(live, "{f:spec: {f:strategy: {f:x: {}}}}");
        },
        &["Added /spec/strategy/x none → 1 by kubectl-edit"],
    );
}

#[test]
fn an_addition_to_an_atomic_value_modifies_it() {
    check_deployment(
        |live| {
            let field = json!({"apiVersion": "v1", "fieldPath": "spec.nodeName", "extra": true});
            container(live)["env"][1]["valueFrom"]["fieldRef"] = field;
            // The apply lost the reference to the edit.
            let ours = "/metadata/managedFields/0/fieldsV1/f:spec/f:template/f:spec/f:containers";
            let env = &mut live.pointer_mut(ours).unwrap()["k:{\"name\":\"app\"}"]["f:env"]["k:{\"name\":\"NODE\"}"];
            env.as_object_mut().unwrap().remove("f:valueFrom");
            edited(live, &container_fields(r#"{f:env: {'k:{"name":"NODE"}': {f:valueFrom: {f:fieldRef: {}}}}}"#));
        },
        &["Modified /spec/template/spec/containers/0/env/1/valueFrom/fieldRef {\"fieldPath\":\"spec.nodeName\"} → \
            {\"apiVersion\":\"v1\",\"extra\":true,\"fieldPath\":\"spec.nodeName\"} by kubectl-edit"],
    );
}

#[test]
fn what_is_owned_and_gone_was_not_added() {
    check_micro_service(|live| edited(live, "{f:spec: {f:gone: {}, f:env: {'k:{\"name\":\"X\"}': {}}}}"), &[]);
}

#[test]
fn odd_managed_fields_are_passed_over() {
    for fields in [
        "{x: {}}",
        "{'k:nope': {}}",
        "{f:spec: 1}",
        "{f:spec: {'i:99': {}, 'v:1': {}, f:env: {'k:[]': {}, 'i:0': {}}}}",
    ] {
        check_micro_service(|live| edited(live, fields), &[]);
    }
}
