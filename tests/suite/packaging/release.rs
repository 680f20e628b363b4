//! A release by Helm's own engine on a real API server: installed, upgraded from an earlier version, uninstalled, and taken
//! over from another way to install; what it keeps, and whether services run on.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::helm::Helm;
use crate::support::alone::Alone;
use crate::support::daemon::{Daemon, OPERATOR};
use crate::support::plane::root;
use crate::support::scene::{Scene, service};
use crate::support::{Kube, eventually, holds};

const CHART: &str = "deploy/charts/gitmoor";

/// The chart as an earlier release may have had it: with another version, a field less in a kind, and an object that is no more.
fn earlier() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    copy(&root().join(CHART), folder.path());
    let change = |path: &str, change: &dyn Fn(String) -> String| {
        let path = folder.path().join(path);
        let text = fs::read_to_string(&path).unwrap();
        let changed = change(text.clone());
        assert_ne!(changed, text, "{}", path.display());
        fs::write(path, changed).unwrap();
    };
    change("Chart.yaml", &|text| text.replace(env!("CARGO_PKG_VERSION"), "0.0.9"));
    change("files/gitsyncs.yaml", &|text| {
        let mut crd: Value = serde_yaml::from_str(&text).unwrap();
        fields(&mut crd).as_object_mut().unwrap().remove("mirrors").unwrap();
        serde_yaml::to_string(&crd).unwrap()
    });
    let former =
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: gitmoor-former\n  namespace: {{ .Release.Namespace }}\n";
    fs::write(folder.path().join("templates/former.yaml"), former).unwrap();
    folder
}

/// The fields of a GitSync's spec.
fn fields(crd: &mut Value) -> &mut Value {
    crd.pointer_mut("/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties").unwrap()
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

async fn gitmoor(kube: &Kube, arguments: &[&str]) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gitmoor"));
    command.args(arguments).env("KUBECONFIG", &kube.plane.kubeconfig);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
}

/// What of a service must not change while Gitmoor itself is installed, upgraded and removed: which objects there are, and how
/// often their spec was written.
async fn running(scene: &Scene) -> Vec<(String, Value, Value)> {
    let mut all = Vec::new();
    for kind in ["MicroService", "Deployment", "ReplicaSet", "Pod", "Service"] {
        for object in scene.kube.list(kind, &scene.namespace).await {
            let metadata = &object["metadata"];
            all.push((format!("{kind} {}", metadata["name"]), metadata["uid"].clone(), metadata["generation"].clone()));
        }
    }
    all
}

/// A daemon with the account of the release.
async fn started(kube: &Kube) -> Daemon {
    let credentials = kube.account_credentials().await;
    Daemon::start(&credentials.path().join("kubeconfig"), &[]).await
}

async fn is_there(kube: &Kube, kind: &str, namespace: &str, name: &str) -> bool {
    kube.find(kind, namespace, name).await.is_some()
}

#[tokio::test]
async fn a_release_is_upgraded_from_an_earlier_one_and_uninstalled_while_services_run_on() {
    let Some(helm) = Helm::found() else { return };
    let Some(alone) = Alone::new().await else { return };
    let kube = &alone.kube;
    // Nothing of earlier tests is there: neither kinds nor the namespace.
    gitmoor(kube, &["uninstall", "--remove-crds", "--remove-namespace", "--yes"]).await;
    let (current, earlier) = (root().join(CHART), earlier());
    helm.release(kube, "install", &[earlier.path().to_str().unwrap(), OPERATOR]).await;
    let daemon = async || kube.get("Deployment", OPERATOR, "gitmoor").await;
    let version = |deployment: &Value| deployment["metadata"]["labels"]["app.kubernetes.io/version"].clone();
    assert_eq!((version(&daemon().await), &daemon().await["status"]["readyReplicas"]), (json!("0.0.9"), &json!(2)));
    assert!(is_there(kube, "ConfigMap", OPERATOR, "gitmoor-former").await);

    // A service that runs, by a daemon with the rights that the chart gives.
    let process = started(kube).await;
    let Some(scene) = alone.scene(&process, "release").await else { return };
    let commit = scene.commit(&[("a.yaml", service("a", json!({"replicas": 1, "ports": [{"containerPort": 80}]})))]);
    scene.create_sync(json!({})).await;
    scene.applied(&commit).await;
    scene.ready("a").await;
    let before = running(&scene).await;
    assert_eq!(before.len(), 5, "{before:#?}");

    let current = current.to_str().unwrap();
    helm.release(kube, "upgrade", &[current, OPERATOR, "page.access=Token"]).await;
    assert_eq!(version(&daemon().await), json!(env!("CARGO_PKG_VERSION")));
    let mut crd = kube.get("CustomResourceDefinition", "", "gitsyncs.gitmoor.dev").await;
    assert!(fields(&mut crd)["mirrors"].is_object(), "the kinds are upgraded, too");
    assert!(!is_there(kube, "ConfigMap", OPERATOR, "gitmoor-former").await, "what is no more goes");
    assert!(is_there(kube, "Service", OPERATOR, "gitmoor-page").await);
    assert_eq!(running(&scene).await, before);

    // Another choice takes away what the one before brought along. Without any value Helm keeps those of before.
    helm.release(kube, "upgrade", &[current, OPERATOR, "page.access=Open"]).await;
    assert!(!is_there(kube, "Service", OPERATOR, "gitmoor-page").await);
    assert!(!is_there(kube, "ClusterRoleBinding", "", "gitmoor-page").await);

    helm.release(kube, "uninstall", &[OPERATOR]).await;
    for (kind, namespace, name) in [
        ("Deployment", OPERATOR, "gitmoor"),
        ("Service", OPERATOR, "gitmoor-hooks"),
        ("ServiceAccount", OPERATOR, "gitmoor"),
        ("ClusterRole", "", "gitmoor"),
        ("ClusterRoleBinding", "", "gitmoor"),
    ] {
        assert!(!is_there(kube, kind, namespace, name).await, "{kind} {name} goes");
    }
    for (kind, name) in [
        ("CustomResourceDefinition", "gitsyncs.gitmoor.dev"),
        ("CustomResourceDefinition", "microservices.gitmoor.dev"),
        ("ValidatingAdmissionPolicy", "gitmoor-protection"),
        ("ValidatingAdmissionPolicyBinding", "gitmoor-protection"),
    ] {
        assert!(is_there(kube, kind, "", name).await, "{kind} {name} stays");
    }
    assert_eq!(running(&scene).await, before);
    drop(process);

    // Installed again it takes up what stayed, by Helm's own marks.
    helm.release(kube, "install", &[current, OPERATOR]).await;
    assert_eq!(running(&scene).await, before);
    let process = started(kube).await;
    scene.push(&[("b.yaml", service("b", json!({"replicas": 0})))]).await;
    assert!(running(&scene).await.iter().filter(|one| before.contains(one)).count() == before.len());
    drop(process);

    // From Helm to kubectl's way and back: whoever comes second takes the fields over.
    helm.release(kube, "uninstall", &[OPERATOR]).await;
    gitmoor(kube, &["install", "--timeout", "60s", "--force-conflicts"]).await;
    let refused = helm.try_release(kube, "install", &[current, OPERATOR]).await.unwrap_err();
    assert!(refused.contains("invalid ownership metadata"), "{refused}");
    helm.release(kube, "install", &["--take-ownership", current, OPERATOR]).await;
    assert_eq!(daemon().await["metadata"]["labels"]["app.kubernetes.io/managed-by"], "Helm");
    assert!(running(&scene).await.iter().filter(|one| before.contains(one)).count() == before.len());

    // As the next test expects it.
    helm.release(kube, "uninstall", &[OPERATOR]).await;
    gitmoor(kube, &["uninstall", "--remove-crds", "--orphan", "--yes"]).await;
    kube.install().await;
    alone.access().await;
    eventually("the account may act again", async || {
        let question = ["auth", "can-i", "list", "gitsyncs", "--as=system:serviceaccount:gitmoor-system:gitmoor"];
        let output = kube.try_kubectl(&question, None).await;
        holds(output.status.success(), output)
    })
    .await;
}
