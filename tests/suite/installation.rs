//! deploy/: the API server takes it as it is, and it gives the daemon no right too many.
//! That it gives enough is shown by `make demo`, whose daemon has no others.

use std::path::PathBuf;

use crate::support::Kube;

const ACCOUNT: &str = "--as=system:serviceaccount:gitmoor-system:gitmoor";

#[tokio::test]
async fn the_api_server_takes_what_is_installed() {
    let Some(kube) = Kube::shared().await else { return };
    installed_access(&kube).await;
    let daemon = deploy("gitmoor.yaml");
    let printed = kube
        .kubectl(&[
            "apply",
            "--server-side",
            "--dry-run=server",
            "--validate=strict",
            "--warnings-as-errors",
            "-f",
            &daemon,
        ])
        .await;
    for object in [
        "deployment.apps/gitmoor",
        "poddisruptionbudget.policy/gitmoor",
        "service/gitmoor-hooks",
        "service/gitmoor-ops",
    ] {
        assert!(printed.contains(object), "{object} in {printed}");
    }
}

#[tokio::test]
async fn the_daemon_may_do_little() {
    let Some(kube) = Kube::shared().await else { return };
    installed_access(&kube).await;
    let allowed = async |question: &[&str]| {
        let output = kube.try_kubectl(&[&["auth", "can-i", ACCOUNT], question].concat(), None).await;
        String::from_utf8_lossy(&output.stdout).trim() == "yes"
    };
    for yes in [
        &["patch", "microservices.gitmoor.dev", "-n", "default"][..],
        &["watch", "gitsyncs.gitmoor.dev", "--all-namespaces"],
        &["delete", "deployments.apps", "-n", "default"],
        &["get", "secrets", "-n", "gitmoor-system"],
        &["create", "leases", "-n", "gitmoor-system"],
        &["get", "leases/gitmoor", "-n", "gitmoor-system"],
        &["watch", "leases/gitmoor", "-n", "gitmoor-system"],
        &["patch", "leases/gitmoor", "-n", "gitmoor-system"],
    ] {
        assert!(allowed(yes).await, "{yes:?}");
    }
    for no in [
        &["get", "secrets", "-n", "default"][..],
        &["list", "secrets", "-n", "gitmoor-system"],
        &["create", "pods", "-n", "default"],
        &["create", "pods/exec", "-n", "default"],
        &["delete", "namespaces"],
        &["create", "gitsyncs.gitmoor.dev", "-n", "gitmoor-system"],
        &["delete", "customresourcedefinitions.apiextensions.k8s.io"],
        &["create", "rolebindings.rbac.authorization.k8s.io", "-n", "default"],
        &["impersonate", "serviceaccounts", "-n", "default"],
        &["get", "nodes"],
        &["get", "leases/gitmoor", "-n", "default"],
        &["create", "leases", "-n", "default"],
        &["patch", "leases/other", "-n", "gitmoor-system"],
        &["delete", "leases/gitmoor", "-n", "gitmoor-system"],
    ] {
        assert!(!allowed(no).await, "{no:?}");
    }
}

async fn installed_access(kube: &Kube) {
    kube.kubectl(&["apply", "--server-side", "--force-conflicts", "--validate=strict", "-f", &deploy("access.yaml")])
        .await;
}

fn deploy(file: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("deploy").join(file);
    path.to_str().unwrap().to_owned()
}
