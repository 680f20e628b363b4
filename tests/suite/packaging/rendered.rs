//! The plain manifest, kustomize, Helm and `gitmoor install --export` give the same objects, and the API server takes them.

use std::collections::BTreeMap;
use std::process::Command;

use gitmoor::install::{self, Choice, PROXY_SECRET, Page};
use serde::Deserialize;
use serde_json::{Value, json};

use super::chart::KEEP;
use super::helm::Helm;
use crate::support::Kube;
use crate::support::files::documents;
use crate::support::plane::{ControlPlane, root};

/// Objects by what they are called.
type Objects = BTreeMap<String, Value>;

fn named(all: impl IntoIterator<Item = Value>) -> Objects {
    let named = all.into_iter().map(|mut one| {
        whole(&mut one);
        // What only Helm needs, and what kustomize leaves when it is empty.
        if let Some(annotations) = one.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
            annotations.remove(KEEP);
            if annotations.is_empty() {
                one["metadata"].as_object_mut().unwrap().remove("annotations");
            }
        }
        let metadata = &one["metadata"];
        (format!("{} {}/{}", one["kind"], metadata["namespace"], metadata["name"]).replace('"', ""), one)
    });
    named.collect()
}

/// 0.0 and 0 are one number, and each way prints it as it likes.
fn whole(value: &mut Value) {
    match value {
        Value::Object(map) => map.values_mut().for_each(whole),
        Value::Array(items) => items.iter_mut().for_each(whole),
        Value::Number(number) => {
            if let Some(same) = number.as_f64().filter(|same| number.is_f64() && same.fract() == 0.0) {
                *value = json!(same as i64);
            }
        }
        _ => {}
    }
}

fn wanted(choice: &Choice) -> Objects {
    named(install::objects(choice).unwrap().into_iter().map(|object| object.body))
}

fn parsed(text: &str) -> Objects {
    let all = serde_yaml::Deserializer::from_str(text).map(|one| Value::deserialize(one).unwrap());
    named(all.filter(|one| !one.is_null()))
}

#[track_caller]
fn same(found: &Objects, expected: &Objects, way: &str) {
    assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>(), "{way}");
    for (name, object) in expected {
        assert_eq!(&found[name], object, "{way}: {name}");
    }
}

/// Helm makes the namespace itself, where it is told to.
fn without_namespace(mut all: Objects) -> Objects {
    all.retain(|_, one| one["kind"] != "Namespace");
    all
}

#[test]
fn the_plain_manifest_is_what_install_applies() {
    same(&named(documents(&root().join("deploy/install.yaml"))), &wanted(&Choice::default()), "deploy/install.yaml");
}

#[test]
fn what_is_exported_is_what_install_applies() {
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_gitmoor")).args(["install", "--export"]).args(arguments).output();
        let output = output.unwrap();
        assert!(output.status.success(), "{output:?}");
        parsed(std::str::from_utf8(&output.stdout).unwrap())
    };
    same(&run(&[]), &wanted(&Choice::default()), "--export");
    let choice = Choice {
        namespace: "ops".into(),
        replicas: Some(1),
        image: Some("registry.example.com/gitmoor:9".into()),
        page: Page::Proxy { secret: "sso".into() },
        protection: false,
        attribution: true,
        prevention: true,
        restarts: true,
    };
    let flags = ["--namespace=ops", "--replicas=1", "--image=registry.example.com/gitmoor:9", "--no-protection"];
    let more = ["--attribution", "--prevention", "--restarts", "--page=Proxy", "--page-proxy-secret=sso"];
    same(&run(&[&flags[..], &more].concat()), &wanted(&choice), "--export");
    for (flag, page) in [("none", Page::None), ("Open", Page::Open), ("Token", Page::Token)] {
        let choice = Choice { page, ..Choice::default() };
        same(&run(&["--page", flag]), &wanted(&choice), flag);
    }
}

fn kustomize(kubectl: &std::path::Path, folder: &std::path::Path) -> Objects {
    let output = Command::new(kubectl).arg("kustomize").arg(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    parsed(std::str::from_utf8(&output.stdout).unwrap())
}

#[test]
fn kustomize_gives_the_same_with_and_without_components() {
    let Some(plane) = ControlPlane::shared() else { return };
    same(&kustomize(&plane.kubectl, &root().join("deploy")), &wanted(&Choice::default()), "kustomize");
    let folder = tempfile::tempdir_in(root().join("target")).unwrap();
    let built = |components: &[&str]| {
        // kustomize takes relative paths only.
        let components: Vec<_> = components.iter().map(|name| format!("../../deploy/components/{name}")).collect();
        let file = json!({"resources": ["../../deploy"], "components": components});
        std::fs::write(folder.path().join("kustomization.yaml"), file.to_string()).unwrap();
        kustomize(&plane.kubectl, folder.path())
    };
    let all = Choice { attribution: true, prevention: true, restarts: true, replicas: Some(1), ..Choice::default() };
    same(&built(&["attribution", "prevention", "restarts", "one-replica"]), &wanted(&all), "kustomize");
    let mut bounded = wanted(&Choice::default());
    bounded.extend(named(documents(&root().join("deploy/components/egress/egress.yaml"))));
    same(&built(&["egress"]), &bounded, "kustomize");
    for (component, page) in [
        ("no-page", Page::None),
        ("page-token", Page::Token),
        ("page-proxy", Page::Proxy { secret: PROXY_SECRET.into() }),
    ] {
        same(&built(&[component]), &wanted(&Choice { page, ..Choice::default() }), component);
    }
}

#[test]
fn helm_gives_the_same_with_and_without_values() {
    let Some(helm) = Helm::found() else { return };
    let plain = helm.template("gitmoor-system", &[]);
    same(&parsed(&plain), &without_namespace(wanted(&Choice::default())), "helm");
    assert_eq!(plain.matches(KEEP).count(), 4, "both CRDs and the policy against deletions stay");

    let choice = Choice {
        namespace: "ops".into(),
        replicas: Some(3),
        image: Some("registry.example.com/gitmoor:v9".into()),
        attribution: true,
        prevention: true,
        restarts: true,
        ..Choice::default()
    };
    let values = [
        "replicas=3",
        "image.repository=registry.example.com/gitmoor",
        "image.tag=v9",
        "attribution.enabled=true",
        "prevention.enabled=true",
        "restarts.enabled=true",
    ];
    same(&parsed(&helm.template("ops", &values)), &without_namespace(wanted(&choice)), "helm");

    for (values, page) in [
        (&["page.enabled=false"][..], Page::None),
        (&["page.enabled=false", "page.access=Token"], Page::None),
        (&["page.access=Token"], Page::Token),
        (&["page.access=Proxy"], Page::Proxy { secret: PROXY_SECRET.into() }),
        (&["page.access=Proxy", "page.proxySecret=sso"], Page::Proxy { secret: "sso".into() }),
    ] {
        let choice = Choice { page, ..Choice::default() };
        let rendered = parsed(&helm.template("gitmoor-system", values));
        same(&rendered, &without_namespace(wanted(&choice)), &values.join(" "));
    }

    let none = [
        "crds.install=false",
        "protection.enabled=false",
        "networkPolicy.enabled=false",
        "podDisruptionBudget.enabled=false",
    ];
    let bare = parsed(&helm.template("gitmoor-system", &none));
    for kind in ["CustomResourceDefinition", "ValidatingAdmissionPolicy", "NetworkPolicy", "PodDisruptionBudget"] {
        assert!(!bare.values().any(|one| one["kind"] == kind), "{kind}");
    }
}

#[test]
fn helm_puts_each_value_where_it_belongs() {
    let Some(helm) = Helm::found() else { return };
    let deployment = |values: &[&str]| {
        let all = parsed(&helm.template("gitmoor-system", values));
        all["Deployment gitmoor-system/gitmoor"]["spec"]["template"].clone()
    };
    let check = |values: &[&str], pointer: &str, expected: Value| {
        assert_eq!(deployment(values).pointer(pointer), Some(&expected), "{values:?} {pointer}");
    };
    let digest = format!("sha256:{}", "0".repeat(64));
    check(
        &[&format!("image.digest={digest}")],
        "/spec/containers/0/image",
        json!(format!("ghcr.io/gitmoor/gitmoor@{digest}")),
    );
    check(&["image.pullPolicy=Always"], "/spec/containers/0/imagePullPolicy", json!("Always"));
    check(&["imagePullSecrets[0].name=a"], "/spec/imagePullSecrets", json!([{"name": "a"}]));
    check(&["nodeSelector.a=b"], "/spec/nodeSelector", json!({"a": "b"}));
    check(&["tolerations[0].key=a"], "/spec/tolerations", json!([{"key": "a"}]));
    check(&["affinity.nodeAffinity.x=y"], "/spec/affinity", json!({"nodeAffinity": {"x": "y"}}));
    check(&["priorityClassName=high"], "/spec/priorityClassName", json!("high"));
    check(&["podAnnotations.a=b"], "/metadata/annotations", json!({"a": "b"}));
    check(&["cache.sizeLimit=5Gi"], "/spec/volumes/0/emptyDir/sizeLimit", json!("5Gi"));
    let volume = ["extraVolumes[0].name=a", "extraVolumes[0].secret.secretName=b"];
    check(&volume, "/spec/volumes/2", json!({"name": "a", "secret": {"secretName": "b"}}));
    let mount = ["extraVolumeMounts[0].name=a", "extraVolumeMounts[0].mountPath=/a"];
    check(&mount, "/spec/containers/0/volumeMounts/2", json!({"name": "a", "mountPath": "/a"}));
    check(&["resources.requests.memory=1Gi"], "/spec/containers/0/resources/requests/memory", json!("1Gi"));
    check(&["extraArgs[0]=--workers=2"], "/spec/containers/0/args/7", json!("--workers=2"));
    check(
        &["extraEnv[0].name=A", "extraEnv[0].value=b"],
        "/spec/containers/0/env/0",
        json!({"name": "A", "value": "b"}),
    );
    let all = parsed(&helm.template("gitmoor-system", &["serviceAccount.annotations.a=b", "hooks.annotations.c=d"]));
    assert_eq!(all["ServiceAccount gitmoor-system/gitmoor"]["metadata"]["annotations"], json!({"a": "b"}));
    assert_eq!(all["Service gitmoor-system/gitmoor-hooks"]["metadata"]["annotations"], json!({"c": "d"}));
    let hands = helm.template("gitmoor-system", &["prevention.enabled=true", "prevention.hands={alice,ops:team}"]);
    assert_eq!(hands.matches("['alice', 'ops:team']").count(), 2, "in both policies");
}

#[test]
fn a_name_outside_leads_to_the_page_by_tls() {
    let Some(helm) = Helm::found() else { return };
    let ingress = |values: &[&str]| {
        let values = [&["page.access=Token", "page.ingress.host=gitmoor.example.com"], values].concat();
        parsed(&helm.template("ops", &values))["Ingress ops/gitmoor-page"].clone()
    };
    let plain = ingress(&[]);
    let service = json!({"name": "gitmoor-page", "port": {"name": "http"}});
    let path = json!({"path": "/", "pathType": "Prefix", "backend": {"service": service}});
    let rule = json!({"host": "gitmoor.example.com", "http": {"paths": [path]}});
    assert_eq!(plain["spec"], json!({"tls": [{"hosts": ["gitmoor.example.com"]}], "rules": [rule]}));
    assert_eq!(plain["metadata"]["annotations"], Value::Null);
    let full = ingress(&[
        "page.ingress.className=nginx",
        "page.ingress.tlsSecretName=page-tls",
        "page.ingress.annotations.cert-manager\\.io/issuer=ca",
    ]);
    assert_eq!(full["spec"]["ingressClassName"], "nginx");
    assert_eq!(full["spec"]["tls"][0]["secretName"], "page-tls");
    assert_eq!(full["metadata"]["annotations"], json!({"cert-manager.io/issuer": "ca"}));
    // What is on no network has no name; what is told is what is so.
    for values in [&["page.ingress.host=a.example.com"][..], &["page.enabled=false", "page.ingress.host=a.example.com"]]
    {
        let refused = helm.refused("ops", values);
        assert!(refused.contains("page"), "{refused}");
    }
}

#[test]
fn the_schema_of_the_values_refuses_what_is_none() {
    let Some(helm) = Helm::found() else { return };
    for (value, place) in [
        ("replica=3", "replica"),
        ("replicas=0", "replicas"),
        ("image.tag=a b", "tag"),
        ("image.digest=sha256:1", "digest"),
        ("extraArgs[0]=run", "extraArgs"),
        ("prevention.hands={it's}", "hands"),
        ("protection=true", "protection"),
        ("cache.sizeLimit=big", "sizeLimit"),
        ("page.access=Everybody", "access"),
        ("page.proxySecret=", "proxySecret"),
        ("page.ingress.host=*.example.com", "host"),
    ] {
        let refused = helm.refused("gitmoor-system", &[value]);
        assert!(refused.contains(place), "{value}: {refused}");
    }
    let schema: Value = read("deploy/charts/gitmoor/values.schema.json");
    let values: Value =
        serde_yaml::from_str(&std::fs::read_to_string(root().join("deploy/charts/gitmoor/values.yaml")).unwrap())
            .unwrap();
    let known: Vec<_> = schema["properties"].as_object().unwrap().keys().filter(|key| *key != "global").collect();
    assert_eq!(values.as_object().unwrap().keys().collect::<Vec<_>>(), known, "each value has a default and a schema");
}

fn read(path: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(root().join(path)).unwrap()).unwrap()
}

#[tokio::test]
async fn the_api_server_takes_what_helm_and_kustomize_render() {
    let Some(kube) = Kube::shared().await else { return };
    let access = root().join("deploy/access.yaml");
    kube.kubectl(&["apply", "--server-side", "--force-conflicts", "-f", access.to_str().unwrap()]).await;
    let strictly = [
        "apply",
        "--server-side",
        "--force-conflicts",
        "--dry-run=server",
        "--validate=strict",
        "--warnings-as-errors",
    ];
    let base = root().join("deploy");
    let printed = kube.kubectl(&[&strictly[..], &["-k", base.to_str().unwrap()]].concat()).await;
    assert!(printed.contains("deployment.apps/gitmoor serverside-applied"), "{printed}");
    let Some(helm) = Helm::found() else { return };
    let values = [
        "attribution.enabled=true",
        "prevention.enabled=true",
        "restarts.enabled=true",
        "replicas=1",
        "page.access=Proxy",
        "page.ingress.host=gitmoor.example.com",
    ];
    let rendered = helm.template("gitmoor-system", &values);
    let printed = kube.kubectl_with(&[&strictly[..], &["-f", "-"]].concat(), &rendered).await;
    assert!(printed.contains("gitmoor-prevention-children serverside-applied"), "{printed}");
    assert!(printed.contains("ingress.networking.k8s.io/gitmoor-page serverside-applied"), "{printed}");
}
