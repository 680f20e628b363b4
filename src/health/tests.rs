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

/// A scheduled pod that is not ready, with one container `app` whose status has these fields.
fn pod(name: &str, container: Value) -> Value {
    let mut container = container;
    container["name"] = json!("app");
    json!({
        "metadata": {"name": name},
        "status": {
            "phase": "Pending",
            "conditions": [{"type": "PodScheduled", "status": "True"}, {"type": "Ready", "status": "False"}],
            "containerStatuses": [container],
        },
    })
}

fn waiting(reason: &str, message: &str) -> Value {
    json!({"state": {"waiting": {"reason": reason, "message": message}}})
}

#[track_caller]
fn check_pods(pods: &[Value], expected: Option<&str>) {
    let mut summaries: Vec<_> = pods.iter().map(PodSummary::from_json).collect();
    let show =
        |pods: &[PodSummary]| pod_trouble(pods).map(|trouble| format!("{}: {}", trouble.reason, trouble.message));
    assert_eq!(show(&summaries).as_deref(), expected);
    summaries.reverse();
    assert_eq!(show(&summaries).as_deref(), expected, "in reverse order");
}

#[test]
fn pull_errors_say_the_same_in_every_phase() {
    let error = "failed to pull and unpack image \"r/app:9\": not found";
    let expected = format!("ImagePullFailed: container app of pod a: {error}");
    check_pods(&[pod("a", waiting("ErrImagePull", error))], Some(&expected));
    let back_off = format!("Back-off pulling image \"r/app:9\": ErrImagePull: {error}");
    check_pods(&[pod("a", waiting("ImagePullBackOff", &back_off))], Some(&expected));
    check_pods(
        &[pod("a", waiting("ImagePullBackOff", "Back-off pulling image \"r/app:9\""))],
        Some("ImagePullFailed: container app of pod a: Back-off pulling image \"r/app:9\""),
    );
    check_pods(
        &[pod("a", waiting("InvalidImageName", ""))],
        Some("ImagePullFailed: container app of pod a: InvalidImageName"),
    );
}

#[test]
fn a_crash_loop_says_how_it_ended_and_how_often() {
    let mut looping = waiting("CrashLoopBackOff", "back-off 5m0s restarting failed container");
    looping["restartCount"] = json!(4);
    looping["lastState"] = json!({"terminated": {"exitCode": 137, "reason": "OOMKilled"}});
    let expected = "CrashLoopBackOff: container app of pod a exited with code 137 (OOMKilled), 4 restarts so far";
    check_pods(&[pod("a", looping.clone())], Some(expected));
    looping["state"] = json!({"running": {}});
    check_pods(&[pod("a", looping)], Some(expected));
    let ended = json!({"restartCount": 1, "state": {"terminated": {"exitCode": 1, "reason": "Error"}}});
    check_pods(
        &[pod("a", ended)],
        Some("CrashLoopBackOff: container app of pod a exited with code 1, 1 restart so far"),
    );
}

#[test]
fn an_old_restart_and_an_init_container_that_is_done_are_no_loop() {
    let mut once = json!({"restartCount": 1, "state": {"running": {}}});
    once["lastState"] = json!({"terminated": {"exitCode": 1}});
    let mut pod = pod("a", once);
    pod["status"]["initContainerStatuses"] =
        json!([{"name": "init", "restartCount": 5, "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}}]);
    check_pods(&[pod.clone()], Some("NotReady: pod a runs, but its readiness probe does not succeed yet"));
    pod["status"]["initContainerStatuses"][0]["state"]["terminated"]["exitCode"] = json!(2);
    check_pods(&[pod], Some("CrashLoopBackOff: container init of pod a exited with code 2, 5 restarts so far"));
}

#[test]
fn an_image_that_needs_root_names_the_way_out() {
    check_pods(
        &[pod("a", waiting("CreateContainerConfigError", "container has runAsNonRoot and image will run as root"))],
        Some(
            "CreateContainerConfigError: container app of pod a: container has runAsNonRoot and image will run as root; \
             run the image as another user than root, or set securityProfile: Baseline",
        ),
    );
}

#[test]
fn no_node_is_told_in_the_schedulers_words() {
    let pod = json!({
        "metadata": {"name": "a"},
        "status": {"phase": "Pending", "conditions": [
            {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes are available"},
        ]},
    });
    check_pods(&[pod], Some("Unschedulable: no node for pod a: 0/3 nodes are available"));
}

#[test]
fn a_pod_that_only_is_not_ready_says_where_it_is() {
    check_pods(
        &[pod("a", waiting("ContainerCreating", ""))],
        Some("NotReady: container app of pod a waits: ContainerCreating"),
    );
    check_pods(
        &[pod("a", json!({"state": {"running": {}}}))],
        Some("NotReady: pod a runs, but its readiness probe does not succeed yet"),
    );
    check_pods(&[json!({"metadata": {"name": "a"}})], Some("NotReady: pod a has not started"));
}

#[test]
fn the_most_telling_trouble_is_told() {
    let creating = pod("a", waiting("ContainerCreating", ""));
    let pulling = |name| pod(name, waiting("ErrImagePull", "not found"));
    let expected = Some("ImagePullFailed: container app of pod b: not found");
    check_pods(&[creating, pulling("c"), pulling("b")], expected);
}

#[test]
fn pods_that_serve_or_leave_are_no_trouble() {
    let mut ready = pod("a", json!({"state": {"running": {}}, "restartCount": 7}));
    ready["status"]["conditions"][1]["status"] = json!("True");
    let mut leaving = pod("b", waiting("ErrImagePull", "not found"));
    leaving["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    let mut evicted = pod("c", waiting("ErrImagePull", "not found"));
    evicted["status"]["phase"] = json!("Failed");
    check_pods(&[ready, leaving, evicted], None);
    check_pods(&[], None);
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
