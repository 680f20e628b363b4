//! The CRDs as the API server takes them.

use gitmoor::api::crds;
use serde_json::Value;

use crate::support::kube::{condition, resource};
use crate::support::{Kube, eventually, holds};

/// What a client-side `kubectl apply` can keep in its annotation: beyond it, the CRD cannot be applied that way.
const LAST_APPLIED: usize = 256 * 1024;

#[test]
fn a_crd_fits_into_the_annotation_of_kubectl_apply() {
    for crd in crds::all() {
        let size = serde_json::to_string(&crd).unwrap().len();
        assert!(size < LAST_APPLIED, "{}: {size} bytes", crd.metadata.name.unwrap());
    }
}

#[tokio::test]
async fn the_api_server_takes_the_crds_without_a_warning() {
    let Some(kube) = Kube::shared().await else { return };
    for crd in crds::all() {
        let crd = serde_json::to_string(&crd).unwrap();
        for mode in [&["apply", "--server-side", "--force-conflicts"][..], &["create", "--validate=strict"][..]] {
            let arguments = [mode, &["--dry-run=server", "-f", "-"][..]].concat();
            let output = kube.try_kubectl(&arguments, Some(crd.clone())).await;
            let said = String::from_utf8_lossy(&output.stderr);
            // The CRD exists: that is all there is to say.
            let said: Vec<_> = said.lines().filter(|line| !line.contains("AlreadyExists")).collect();
            assert!(said.is_empty(), "{arguments:?}: {said:?}");
        }
    }
}

#[tokio::test]
async fn the_crds_are_structural_and_served_under_their_short_names() {
    let Some(kube) = Kube::shared().await else { return };
    let namespace = kube.namespace("crds").await;
    for (name, short) in [("gitsyncs.gitmoor.dev", "gs"), ("microservices.gitmoor.dev", "ms")] {
        eventually("the CRD is accepted", async || {
            let live = kube.get("CustomResourceDefinition", "", name).await;
            holds(condition(&live, "NamesAccepted")["status"] == "True", &live["status"])
        })
        .await;
        let live = kube.get("CustomResourceDefinition", "", name).await;
        assert_eq!(condition(&live, "NonStructuralSchema"), Value::Null);
        assert_eq!(kube.kubectl(&["get", short, "-n", &namespace, "-o", "name"]).await, "");
    }
}

#[tokio::test]
async fn a_new_object_is_not_current_before_anybody_has_looked_at_it() {
    let Some(kube) = Kube::shared().await else { return };
    let namespace = kube.namespace("crds").await;
    // The shared daemon leaves it alone: nothing is written for a suspended service but its status.
    let object = serde_json::json!({
        "apiVersion": "gitmoor.dev/v1alpha1", "kind": "GitSync", "metadata": {"namespace": namespace, "name": "new"},
        "spec": {"url": "http://127.0.0.1:1/none.git", "suspend": true}
    });
    let created = kube.create(&object).await;
    assert_eq!(created["status"]["observedGeneration"], -1);
    assert_eq!(resource("GitSync").plural, "gitsyncs");
}

#[tokio::test]
async fn objects_are_found_by_what_their_spec_says() {
    let Some(kube) = Kube::shared().await else { return };
    let namespace = kube.namespace("fields").await;
    // The shared daemon leaves what is suspended alone.
    let service = |name: &str, spec: Value| {
        let mut spec = spec;
        spec["suspend"] = true.into();
        serde_json::json!({
            "apiVersion": "gitmoor.dev/v1alpha1", "kind": "MicroService",
            "metadata": {"namespace": namespace, "name": name}, "spec": spec
        })
    };
    kube.create(&service("a", serde_json::json!({"image": "example.com/a:1", "securityProfile": "Baseline"}))).await;
    kube.create(&service("b", serde_json::json!({"image": "example.com/b:1", "priorityClassName": "high"}))).await;
    kube.create(&service("c", serde_json::json!({"image": "example.com/b:1", "serviceAccount": {"name": "shared"}})))
        .await;
    let sync = serde_json::json!({
        "apiVersion": "gitmoor.dev/v1alpha1", "kind": "GitSync", "metadata": {"namespace": namespace, "name": "s"},
        "spec": {"url": "http://127.0.0.1:1/none.git", "suspend": true, "ref": {"branch": "next"}, "targetNamespace": namespace}
    });
    kube.create(&sync).await;
    let check = async |kind: &str, selector: &str, expected: &[&str]| {
        let get = ["get", kind, "-n", &namespace, "--field-selector", selector, "-o", "name"];
        let found = kube.kubectl(&get).await;
        let found: Vec<_> = found.lines().filter_map(|line| line.rsplit('/').next()).collect();
        assert_eq!(found, expected, "{kind} {selector}");
    };
    check("ms", "spec.image=example.com/b:1", &["b", "c"]).await;
    check("ms", "spec.image!=example.com/b:1", &["a"]).await;
    check("ms", "spec.suspend=true", &["a", "b", "c"]).await;
    check("ms", "spec.suspend!=true", &[]).await;
    check("ms", "spec.securityProfile=Baseline", &["a"]).await;
    check("ms", "spec.priorityClassName=high,spec.suspend=true", &["b"]).await;
    check("ms", "spec.serviceAccount.name=shared", &["c"]).await;
    check("gs", "spec.ref.branch=next", &["s"]).await;
    check("gs", "spec.url=http://127.0.0.1:1/none.git,spec.suspend=true", &["s"]).await;
    check("gs", &format!("spec.targetNamespace={namespace}"), &["s"]).await;
    check("gs", "spec.serviceAccountName=nobody", &[]).await;
}
