//! Deployments and pods in every state that matters, and what is said of them.

use serde_json::{Value, json};

use super::*;

/// A Deployment `web` of generation 2 that was observed, with this spec and status merged in.
fn deployment(spec: Value, status: Value) -> Deployment {
    let mut object = json!({
        "metadata": {"name": "web", "generation": 2},
        "spec": {
            "replicas": 3,
            "selector": {},
            "template": {"spec": {"containers": [{"name": "proxy", "image": "p:1"}, {"name": "web", "image": "w:2"}]}},
        },
        "status": {"observedGeneration": 2},
    });
    json_patch::merge(&mut object["spec"], &spec);
    json_patch::merge(&mut object["status"], &status);
    serde_json::from_value(object).unwrap()
}

#[track_caller]
fn check(spec: Value, status: Value, expected: &str) {
    let shown = match assess(Some(&deployment(spec, status))).progress {
        Progress::Current => "Current".to_owned(),
        Progress::InProgress(Why { reason, message }) => format!("InProgress {reason}: {message}"),
        Progress::Failed(Why { reason, message }) => format!("Failed {reason}: {message}"),
    };
    assert_eq!(shown, expected);
}

#[test]
fn a_complete_rollout_is_current() {
    check(
        json!({}),
        json!({"replicas": 3, "updatedReplicas": 3, "readyReplicas": 3, "availableReplicas": 3}),
        "Current",
    );
}

#[test]
fn no_replicas_are_current() {
    check(json!({"replicas": 0}), json!({}), "Current");
    check(
        json!({"replicas": 0}),
        json!({"replicas": 1}),
        "InProgress OldReplicasTerminating: 1 old replica has yet to end",
    );
}

#[test]
fn what_was_not_observed_says_nothing() {
    check(
        json!({}),
        json!({"observedGeneration": 1, "replicas": 3, "updatedReplicas": 3, "availableReplicas": 3}),
        "InProgress RolloutNotObserved: the cluster has not acted on the newest version yet",
    );
}

#[test]
fn a_rollout_says_how_far_it_is() {
    let cases = [
        (json!({}), "ReplicasUpdating: 0 of 3 replicas are updated"),
        (json!({"replicas": 4, "updatedReplicas": 1}), "ReplicasUpdating: 1 of 3 replicas is updated"),
        (json!({"replicas": 5, "updatedReplicas": 3}), "OldReplicasTerminating: 2 old replicas have yet to end"),
        (
            json!({"replicas": 3, "updatedReplicas": 3, "readyReplicas": 1, "availableReplicas": 1}),
            "ReplicasUnavailable: 1 of 3 updated replicas is available",
        ),
        (
            json!({"replicas": 3, "updatedReplicas": 3, "readyReplicas": 3, "availableReplicas": 1}),
            "ReplicasUnavailable: 3 of 3 updated replicas are ready but not yet available long enough",
        ),
    ];
    for (status, expected) in cases {
        check(json!({}), status, &format!("InProgress {expected}"));
    }
}

#[test]
fn a_paused_rollout_says_so() {
    check(
        json!({"paused": true}),
        json!({"replicas": 3, "updatedReplicas": 0, "availableReplicas": 3}),
        "InProgress RolloutPaused: the rollout is paused: 0 of 3 replicas are updated",
    );
}

#[test]
fn a_rollout_past_its_deadline_failed_while_old_pods_serve() {
    let status = json!({
        "replicas": 4, "updatedReplicas": 1, "readyReplicas": 3, "availableReplicas": 3,
        "conditions": [
            {"type": "Available", "status": "True"},
            {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"},
        ],
    });
    check(
        json!({}),
        status.clone(),
        "Failed ProgressDeadlineExceeded: the rollout did not get on before its deadline: 1 of 3 replicas is updated",
    );
    assert!(assess(Some(&deployment(json!({}), status))).available);
}

#[test]
fn the_running_image_is_that_of_a_complete_rollout() {
    let complete = json!({"replicas": 3, "updatedReplicas": 3, "readyReplicas": 3, "availableReplicas": 3});
    assert_eq!(assess(Some(&deployment(json!({}), complete))).running_image.as_deref(), Some("w:2"));
    assert_eq!(assess(Some(&deployment(json!({}), json!({"updatedReplicas": 1})))).running_image, None);
}

#[test]
fn counts_alone_do_not_make_a_rollout_complete_where_conditions_object() {
    let counts = json!({"replicas": 3, "updatedReplicas": 3, "readyReplicas": 3, "availableReplicas": 3});
    for (conditions, expected) in [
        (
            json!([{"type": "Progressing", "status": "True", "reason": "ReplicaSetUpdated"}]),
            "InProgress ReplicasUpdating: the cluster has not yet said that the rollout is complete",
        ),
        (
            json!([{"type": "Available", "status": "False", "reason": "MinimumReplicasUnavailable"}]),
            "InProgress ReplicasUnavailable: the cluster has not yet said that enough replicas are available",
        ),
        (
            json!([
                {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"},
                {"type": "Available", "status": "True"},
            ]),
            "Current",
        ),
        // Without a deadline there is no such condition, and a pause says nothing of progress.
        (json!([{"type": "Progressing", "status": "Unknown", "reason": "DeploymentPaused"}]), "Current"),
    ] {
        let mut status = counts.clone();
        status["conditions"] = conditions;
        check(json!({}), status, expected);
    }
}

#[test]
fn a_refusal_by_pod_security_names_the_way_out() {
    let message = "pods \"web-1\" is forbidden: violates PodSecurity \"restricted:latest\"";
    let status = json!({"conditions": [
        {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": message},
    ]});
    let trouble = assess(Some(&deployment(json!({}), status))).trouble.unwrap();
    assert!(trouble.message.starts_with(message) && trouble.message.contains("securityProfile: Restricted"));
}

#[test]
fn no_deployment_is_in_progress_and_not_available() {
    let health = assess(None);
    assert!(!health.available);
    assert!(matches!(health.progress, Progress::InProgress(why) if why.reason == "DeploymentMissing"));
}

#[test]
fn pods_that_cannot_be_created_speak_in_the_servers_words() {
    let message = "pods \"web-1\" is forbidden: exceeded quota: small";
    let status = json!({"conditions": [
        {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": message},
    ]});
    let trouble = assess(Some(&deployment(json!({}), status))).trouble.unwrap();
    assert_eq!((trouble.reason.as_str(), trouble.message.as_str()), ("FailedCreate", message));
}

#[test]
fn objects_say_what_they_are_by_their_conditions() {
    let conditions = |list: &[(&str, &str)]| -> Value {
        list.iter().map(|(kind, status)| json!({"type": kind, "status": status})).collect()
    };
    let object = |observed: i64, list: &[(&str, &str)]| json!({"metadata": {"generation": 2}, "status": {"observedGeneration": observed, "conditions": conditions(list)}});
    for (object, expected) in [
        (json!({}), Status::Current),
        (json!({"metadata": {"deletionTimestamp": "now"}}), Status::Terminating),
        (object(-1, &[]), Status::InProgress),
        (object(1, &[("Ready", "True")]), Status::InProgress),
        (object(2, &[]), Status::Current),
        (object(2, &[("Ready", "True")]), Status::Current),
        (object(2, &[("Ready", "Unknown")]), Status::InProgress),
        (object(2, &[("Ready", "False"), ("Reconciling", "True")]), Status::InProgress),
        (object(2, &[("Ready", "False"), ("Stalled", "True")]), Status::Failed),
        (object(2, &[("Ready", "True"), ("Reconciling", "True")]), Status::InProgress),
    ] {
        assert_eq!(kstatus(&object), expected, "{object}");
    }
}
