//! Jobs beside the service: whose their pods are, and when one runs again.

use serde_json::{Value, json};

use super::{rendered, service, strings};

/// What would make a Service, a budget or a Deployment take a job's pod for one of its own.
#[test]
fn pods_of_jobs_are_no_replicas_and_keep_the_access_policy() {
    let children = rendered(&service(json!({
        "image": "a:1",
        "accessPolicy": {},
        "preDeploy": {"args": ["migrate"]},
        "cronJobs": [{"name": "purge", "schedule": "@daily", "args": ["purge"]}],
    })));
    let of = |kind: &str| children.iter().find(|child| child.kind.kind == kind).unwrap().body.clone();
    let serving = strings(&of("Deployment")["spec"]["selector"]["matchLabels"]);
    let guarded = strings(&of("NetworkPolicy")["spec"]["podSelector"]["matchLabels"]);
    let templates = [&of("Job")["spec"]["template"], &of("CronJob")["spec"]["jobTemplate"]["spec"]["template"]];
    for template in templates {
        let labels = strings(&template["metadata"]["labels"]);
        assert!(serving.iter().any(|(key, value)| labels.get(key) != Some(value)), "{labels:?}");
        assert!(guarded.iter().all(|(key, value)| labels.get(key) == Some(value)), "{labels:?}");
        let container = &template["spec"]["containers"][0];
        assert!(container.get("readinessProbe").is_none() && container.get("ports").is_none(), "{container}");
        assert_eq!(template["spec"]["restartPolicy"], "Never");
    }
    let pod = strings(&of("Deployment")["spec"]["template"]["metadata"]["labels"]);
    assert!(guarded.iter().all(|(key, value)| pod.get(key) == Some(value)), "{pod:?}");
}

/// A job of another name is another run.
#[test]
fn a_pre_deploy_job_runs_again_for_what_it_runs_and_for_nothing_else() {
    let name = |more: Value| {
        let mut spec = json!({"image": "a:1", "preDeploy": {"args": ["migrate"]}});
        for (field, value) in more.as_object().unwrap() {
            spec[field] = value.clone();
        }
        let children = rendered(&service(spec));
        children.iter().find(|child| child.kind.kind == "Job").unwrap().name.clone()
    };
    let first = name(json!({}));
    for same in [
        json!({"replicas": 7}),
        json!({"resources": {"requests": {"cpu": "1"}}}),
        json!({"ports": [{"containerPort": 80}]}),
        json!({"preDeploy": {"args": ["migrate"], "backoffLimit": 1, "activeDeadlineSeconds": 5}}),
    ] {
        assert_eq!(name(same.clone()), first, "{same}");
    }
    for other in [
        json!({"image": "a:2"}),
        json!({"command": ["x"]}),
        json!({"args": ["x"]}),
        json!({"env": [{"name": "A", "value": "1"}]}),
        json!({"envFrom": [{"secretRef": {"name": "s"}}]}),
        json!({"preDeploy": {"args": ["migrate", "--all"]}}),
        json!({"preDeploy": {"command": ["migrate"]}}),
    ] {
        assert_ne!(name(other.clone()), first, "{other}");
    }
}

#[test]
fn names_of_jobs_and_routes_fit_where_they_must() {
    let mut service = service(json!({
        "image": "a:1", "ports": [{"containerPort": 80}], "preDeploy": {"args": ["m"]},
        "cronJobs": [{"name": "c".repeat(40), "schedule": "@daily", "args": ["c"]}],
        "routes": [{"name": "r".repeat(40), "hostnames": ["a.example.com"], "ingressClassName": "x"}],
    }));
    service.metadata.name = Some("x".repeat(52));
    for child in rendered(&service) {
        let limit = if child.kind.kind == "CronJob" { 52 } else { 63 };
        assert!(child.name.len() <= limit, "{} {}", child.kind.kind, child.name);
        assert_no_long_label(&child.body);
    }
}

fn assert_no_long_label(value: &Value) {
    for (name, value) in value.as_object().into_iter().flatten() {
        if name == "labels" {
            assert!(strings(value).values().all(|value| value.len() <= 63), "{value}");
        }
        assert_no_long_label(value);
    }
}
