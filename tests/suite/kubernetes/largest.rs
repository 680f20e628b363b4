//! The largest service that the schema lets through, in each list that a rule looks at: the rules are products of lists, so
//! here they cost the most. The API server counts what they cost, and refuses what costs too much; `gitmoor validate` must say
//! the same.

use gitmoor::manifest;
use gitmoor::model::{Code, Severity};
use serde_json::{Value, json};

use super::verdicts::judge;
use crate::support::Kube;
use crate::support::scene::service;

/// The lists' bounds by the CRD, below the spec.
const BOUNDS: [(&str, usize); 11] = [
    ("/ports", 32),
    ("/configFiles", 64),
    ("/volumes", 64),
    ("/volumeMounts", 64),
    ("/initContainers", 16),
    ("/initContainers/items/properties/volumeMounts", 32),
    ("/sidecars", 16),
    ("/sidecars/items/properties/volumeMounts", 32),
    ("/routes", 16),
    ("/accessPolicy/properties/inbound/properties/rules", 64),
    ("/accessPolicy/properties/inbound/properties/rules/items/properties/ports", 16),
];
/// Characters that all contents have together at most.
const CONTENTS: usize = 262_144;

fn bound(place: &str) -> usize {
    BOUNDS.iter().find(|(known, _)| *known == place).unwrap().1
}

/// Each thing that is looked for is the last of those that are looked at.
fn largest() -> Value {
    let [ports, files, volumes, mounts, containers, routes] =
        ["/ports", "/configFiles", "/volumes", "/volumeMounts", "/initContainers", "/routes"].map(bound);
    let port = |at: usize| format!("p{at:02}");
    let volume = |at: usize| format!("v{at:02}");
    let last = volume(volumes - 1);
    let mount = |at: usize| json!({"name": last, "mountPath": format!("/mounted/{at:02}")});
    let container = |name: &str, at: usize| json!({"name": format!("{name}{at:02}"), "image": "a:1", "volumeMounts": (0..mounts / 2).map(mount).collect::<Vec<_>>()});
    let file = |at: usize| json!({"path": format!("/files/{at:02}"), "content": "x".repeat(CONTENTS / files)});
    let names: Vec<String> = (ports - 16..ports).map(port).collect();
    let rule = |_| json!({"microService": "shop", "ports": names});
    let route = |at: usize| {
        json!({"name": format!("r{at:02}"), "hostnames": [format!("r{at:02}.example.com")], "ingressClassName": "x",
            "port": port(ports - 1)})
    };
    let all = |count: usize, one: &dyn Fn(usize) -> Value| (0..count).map(one).collect::<Vec<_>>();
    service(
        "largest",
        json!({
            "ports": all(ports, &|at| json!({"name": port(at), "containerPort": 8000 + at})),
            "configFiles": all(files, &file),
            "volumes": all(volumes, &|at| json!({"name": volume(at), "emptyDir": {}})),
            "volumeMounts": all(mounts, &mount),
            "initContainers": all(containers, &|at| container("i", at)),
            "sidecars": all(containers, &|at| container("s", at)),
            "routes": all(routes, &route),
            "accessPolicy": {"inbound": {"rules": all(64, &rule)}},
            "metrics": {"port": port(ports - 1)}
        }),
    )
}

#[test]
fn the_largest_service_is_as_large_as_the_schema_allows() {
    let crd = serde_json::to_value(gitmoor::api::crds::microservice()).unwrap();
    let spec = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"];
    let largest = largest();
    for (place, expected) in BOUNDS {
        assert_eq!(spec.pointer(place).unwrap_or(&Value::Null)["maxItems"], expected, "{place}");
        let there = place.replace("/items/properties", "/0").replace("/properties", "");
        assert_eq!(largest["spec"].pointer(&there).and_then(Value::as_array).map(Vec::len), Some(expected), "{there}");
    }
}

#[tokio::test]
async fn the_largest_service_that_the_schema_lets_through_is_judged_as_the_api_server_judges_it() {
    let Some(kube) = Kube::shared().await else { return };
    let namespace = kube.namespace("largest").await;
    let check = async |what: &str, change: &dyn Fn(&mut Value), broken: Option<&str>| {
        let mut manifest = largest();
        change(&mut manifest);
        let text = serde_yaml::to_string(&manifest).unwrap();
        let server = judge(&kube, &namespace, "microservices", &text).await;
        let found = manifest::parse(text.as_bytes()).diagnostics;
        let errors: Vec<_> = found.iter().filter(|one| one.severity == Severity::Error).collect();
        match broken {
            None => assert!(server.is_ok() && errors.is_empty(), "{what}: {server:?} {errors:#?}"),
            Some(words) => {
                assert!(server.as_ref().is_err_and(|said| said.contains(words)), "{what}: {server:?}");
                assert!(!server.as_ref().is_err_and(|said| said.contains("budget")), "{what}: {server:?}");
                let told =
                    |one: &&gitmoor::model::Diagnostic| one.code == Code::RuleViolated && one.message.contains(words);
                assert!(errors.len() == 1 && errors.iter().any(told), "{what}: {errors:#?}");
            }
        }
    };
    check("as it is", &|_| {}, None).await;
    // What breaks a rule is the last that is looked at.
    let last_mount =
        |part: &'static str| move |one: &mut Value| one["spec"][part][15]["volumeMounts"][31]["name"] = json!("none");
    check("a sidecar", &last_mount("sidecars"), Some("every mount of a sidecar needs a volume of its name")).await;
    check("an init container", &last_mount("initContainers"), Some("every mount of an init container needs a volume"))
        .await;
    check("a port", &|one| one["spec"]["ports"][31]["servicePort"] = json!(8000), Some("the same servicePort")).await;
    check(
        "a rule",
        &|one| one["spec"]["accessPolicy"]["inbound"]["rules"][63]["ports"][15] = json!("none"),
        Some("an inbound rule's ports"),
    )
    .await;
    check(
        "a file more",
        &|one| one["spec"]["configFiles"][63]["content"] = json!("x".repeat(CONTENTS)),
        Some("262144"),
    )
    .await;
}
