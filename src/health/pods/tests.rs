//! Pods in every state that matters, and what is said of them.

use serde_json::{Value, json};

use super::*;

/// A scheduled pod that is not ready, with one container `app` whose status has these fields.
fn pod(name: &str, container: Value) -> Value {
    let mut container = container;
    container["name"] = json!("app");
    json!({
        "metadata": {"namespace": "shop", "name": name},
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

/// When every test looks: `2026-01-01T12:00:00Z`.
fn now() -> Timestamp {
    "2026-01-01T12:00:00Z".parse().unwrap()
}

/// So many seconds before that.
fn ago(seconds: i64) -> String {
    (now() - SignedDuration::from_secs(seconds)).to_string()
}

fn summaries(pods: &[Value]) -> Vec<PodSummary> {
    pods.iter().map(PodSummary::from_json).collect()
}

#[track_caller]
fn check_pods(pods: &[Value], expected: Option<&str>) {
    let mut summaries = summaries(pods);
    let show = |pods: &[PodSummary]| {
        pod_trouble(pods, now()).map(|trouble| format!("{}: {}", trouble.reason, trouble.message))
    };
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
    looping["lastState"] = json!({"terminated": {"exitCode": 3, "reason": "Error", "message": "password: 1234"}});
    let expected = "CrashLoopBackOff: container app of pod a exited with code 3, 4 restarts so far; \
                    its last words: kubectl logs -n shop a -c app --previous";
    check_pods(&[pod("a", looping.clone())], Some(expected));
    looping["state"] = json!({"running": {}});
    check_pods(&[pod("a", looping)], Some(expected));
    let ended = json!({"restartCount": 1, "state": {"terminated": {"exitCode": 1, "reason": "Error"}}});
    check_pods(
        &[pod("a", ended)],
        Some(
            "CrashLoopBackOff: container app of pod a exited with code 1, 1 restart so far; \
             its last words: kubectl logs -n shop a -c app",
        ),
    );
}

#[test]
fn a_container_that_needs_more_memory_says_so() {
    let mut killed = waiting("CrashLoopBackOff", "back-off 10s restarting failed container");
    killed["restartCount"] = json!(1);
    killed["lastState"] = json!({"terminated": {"exitCode": 137, "reason": "OOMKilled"}});
    check_pods(
        &[pod("a", killed)],
        Some(
            "OOMKilled: container app of pod a exited with code 137 (OOMKilled), 1 restart so far; it needs more memory \
             than its limit allows; its last words: kubectl logs -n shop a -c app --previous",
        ),
    );
}

#[test]
fn a_command_that_does_not_exist_is_told_in_the_runtimes_words() {
    let mut failed = waiting("CrashLoopBackOff", "back-off 10s restarting failed container");
    failed["restartCount"] = json!(1);
    let words = "exec: \"serve\": executable file not found in $PATH";
    let message = format!("{words}\nmore");
    failed["lastState"] = json!({"terminated": {"exitCode": 128, "reason": "StartError", "message": message}});
    let ended = "CrashLoopBackOff: container app of pod a exited with code 128 (StartError), 1 restart so far";
    check_pods(&[pod("a", failed)], Some(&format!("{ended}: {words}")));
}

/// A container that was restarted so many times, and runs since so many seconds.
fn restarted(restarts: i64, since: i64) -> Value {
    json!({
        "restartCount": restarts, "ready": false, "started": true,
        "state": {"running": {"startedAt": ago(since)}},
        "lastState": {"terminated": {"exitCode": 1, "reason": "Error"}},
    })
}

/// The same pod with probes of that period; each may fail twice.
fn probed(mut pod: Value, period: i64) -> Value {
    let probe = json!({"periodSeconds": period, "failureThreshold": 2, "httpGet": {"port": 80}});
    pod["spec"] = json!({"containers": [{"name": "app", "readinessProbe": probe}]});
    pod
}

#[test]
fn a_container_that_was_just_restarted_is_in_its_loop_still() {
    let expected = "CrashLoopBackOff: container app of pod a exited with code 1, 1 restart so far; \
                    its last words: kubectl logs -n shop a -c app --previous";
    check_pods(&[probed(pod("a", restarted(1, 21)), 10)], Some(expected));
    check_pods(
        &[probed(pod("a", restarted(1, 22)), 10)],
        Some(
            "NotReady: container app of pod a runs, but its readiness probe does not succeed (1 restart); \
             what the probe got: kubectl describe pod -n shop a",
        ),
    );
}

#[test]
fn a_probe_is_failing_once_it_failed_as_often_as_it_may() {
    let running = |since: i64, started: bool| {
        pod("a", json!({"ready": false, "started": started, "state": {"running": {"startedAt": ago(since)}}}))
    };
    let kind = |pod: Value| pod_trouble(&summaries(&[pod]), now()).unwrap().kind;
    assert_eq!(kind(probed(running(21, true), 10)), TroubleKind::Starting);
    assert_eq!(kind(probed(running(22, true), 10)), TroubleKind::NotReady);
    // What waits is told once it is due, without news of the pod.
    let due = look_again(&summaries(&[probed(running(21, true), 10)]), now());
    assert_eq!(due, Some(now() + SignedDuration::from_secs(1)));
    assert_eq!(look_again(&summaries(&[probed(running(22, true), 10)]), now()), None);
    // A startup probe takes its own time, and the other one begins after it.
    let mut slow = probed(running(22, false), 10);
    slow["spec"]["containers"][0]["startupProbe"] = json!({"periodSeconds": 5, "failureThreshold": 30});
    check_pods(&[slow], Some("NotReady: container app of pod a runs, but its startup probe does not succeed yet"));
    // Numbers that nobody means do no harm.
    let mut odd = probed(running(22, true), i64::MAX);
    odd["spec"]["containers"][0]["readinessProbe"]["failureThreshold"] = json!(-1);
    assert_eq!(kind(odd), TroubleKind::NotReady);
    assert_eq!(kind(probed(running(22, true), i64::MAX)), TroubleKind::Starting);
}

#[test]
fn a_container_that_is_in_the_making_for_minutes_lacks_something() {
    let making = |since: i64| {
        let mut pod = pod("a", waiting("ContainerCreating", ""));
        pod["status"]["startTime"] = json!(ago(since));
        pod
    };
    check_pods(&[making(119)], Some("NotReady: container app of pod a waits: ContainerCreating"));
    check_pods(
        &[making(120)],
        Some(
            "NotReady: container app of pod a waits: ContainerCreating for minutes; what its image or a volume lacks: \
             kubectl describe pod -n shop a",
        ),
    );
    assert_eq!(look_again(&summaries(&[making(119)]), now()), Some(now() + SignedDuration::from_secs(1)));
    assert_eq!(look_again(&summaries(&[making(120)]), now()), None);
}

#[test]
fn readiness_gates_are_told_in_the_kubelets_words() {
    let mut pod = pod("a", json!({"ready": true, "state": {"running": {"startedAt": ago(1)}}}));
    pod["status"]["conditions"][1]["reason"] = json!("ReadinessGatesNotReady");
    pod["status"]["conditions"][1]["message"] =
        json!("corresponding condition of pod readiness gate \"lb\" does not exist.");
    check_pods(
        &[pod],
        Some("NotReady: pod a runs and waits: corresponding condition of pod readiness gate \"lb\" does not exist."),
    );
}

#[test]
fn a_sidecar_that_ends_well_has_ended_and_an_init_container_has_done_its_work() {
    let done = json!({"name": "x", "restartCount": 1, "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}});
    let mut with = pod("a", waiting("PodInitializing", ""));
    with["status"]["initContainerStatuses"] = json!([done]);
    with["spec"] = json!({"initContainers": [{"name": "x"}]});
    check_pods(&[with.clone()], Some("NotReady: container app of pod a waits: PodInitializing"));
    with["spec"]["initContainers"][0]["restartPolicy"] = json!("Always");
    check_pods(
        &[with],
        Some(
            "CrashLoopBackOff: sidecar x of pod a exited with code 0, 1 restart so far; \
             its last words: kubectl logs -n shop a -c x",
        ),
    );
}

#[test]
fn what_a_node_gave_up_is_told_for_a_while_and_after_what_is_wrong_now() {
    let lost = |reason: &str, message: &str, since: i64| {
        let mut pod = pod("a", json!({"state": {"terminated": {"exitCode": 137}}}));
        pod["status"]["phase"] = json!("Failed");
        pod["status"]["reason"] = json!(reason);
        pod["status"]["message"] = json!(message);
        pod["status"]["conditions"][1]["lastTransitionTime"] = json!(ago(since));
        pod
    };
    let words = "The node was low on resource: memory.";
    let expected = format!("Evicted: pod a was evicted by its node: {words}");
    check_pods(&[lost("Evicted", words, 299)], Some(&expected));
    check_pods(&[lost("Evicted", words, 300)], None);
    assert_eq!(
        look_again(&summaries(&[lost("Evicted", words, 299)]), now()),
        Some(now() + SignedDuration::from_secs(1))
    );
    check_pods(
        &[lost("OutOfcpu", "", 1)],
        Some("PodFailed: pod a was given up by its node (OutOfcpu): the node gives no reason"),
    );
    let starting = pod("b", waiting("ContainerCreating", ""));
    check_pods(&[lost("Evicted", words, 1), starting], Some(&expected));
    let pulling = pod("b", waiting("ErrImagePull", "not found"));
    check_pods(&[lost("Evicted", words, 1), pulling], Some("ImagePullFailed: container app of pod b: not found"));
    // A pod of a job that failed was not given up.
    let mut failed = lost("x", "", 1);
    failed["status"]["reason"] = Value::Null;
    check_pods(&[failed], None);
}

#[test]
fn what_is_wrong_with_the_newest_version_is_told_first() {
    let of = |name: &str, version: &str, created: i64, status: Value| {
        let mut pod = pod(name, status);
        pod["metadata"]["labels"] = json!({"pod-template-hash": version});
        pod["metadata"]["creationTimestamp"] = json!(ago(created));
        pod
    };
    let pulling = || waiting("ErrImagePull", "not found");
    let crashing = || waiting("CrashLoopBackOff", "");
    let told = "CrashLoopBackOff: container app of pod new keeps ending, no restart so far; \
                its last words: kubectl logs -n shop new -c app --previous";
    check_pods(&[of("old", "1", 60, pulling()), of("new", "2", 30, crashing())], Some(told));
    // The old version replaces one of its pods meanwhile.
    let replaced = [of("old", "1", 60, pulling()), of("old-b", "1", 5, pulling()), of("new", "2", 30, crashing())];
    check_pods(&replaced, Some(told));
    // What only starts hides nothing.
    let starting = of("new", "2", 30, waiting("ContainerCreating", ""));
    check_pods(
        &[of("old", "1", 60, pulling()), starting],
        Some("ImagePullFailed: container app of pod old: not found"),
    );
}

#[test]
fn an_old_restart_and_an_init_container_that_is_done_are_no_loop() {
    let mut once = json!({"restartCount": 1, "state": {"running": {}}});
    once["lastState"] = json!({"terminated": {"exitCode": 1}});
    let mut pod = pod("a", once);
    pod["status"]["initContainerStatuses"] =
        json!([{"name": "init", "restartCount": 5, "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}}]);
    check_pods(
        &[pod.clone()],
        Some("NotReady: container app of pod a runs, but its readiness probe does not succeed yet"),
    );
    pod["status"]["initContainerStatuses"][0]["state"]["terminated"]["exitCode"] = json!(2);
    check_pods(
        &[pod],
        Some(
            "CrashLoopBackOff: init container init of pod a exited with code 2, 5 restarts so far; \
             its last words: kubectl logs -n shop a -c init",
        ),
    );
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
        Some("NotReady: container app of pod a runs, but its readiness probe does not succeed yet"),
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
