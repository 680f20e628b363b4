//! A daemon of a test's own, on a control plane where nobody else is: for tests that kill it, stop it or count what it
//! does. They take turns, on whichever of two is free first.

use std::path::PathBuf;

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::{Mutex, MutexGuard};

use super::audit::Audit;
use super::daemon::{Daemon, OPERATOR};
use super::files::documents;
use super::plane::{ControlPlane, root};
use super::scene::Scene;
use super::{Kube, canary, eventually, holds};

/// A quiet control plane, for one test at a time.
pub struct Alone {
    pub kube: Kube,
    /// What the daemon asked of the API server.
    pub audit: Audit,
    credentials: TempDir,
    _turn: MutexGuard<'static, ()>,
}

/// A token of the daemon's account.
pub struct Credentials {
    /// How the audit log calls it.
    pub id: String,
    folder: TempDir,
}

impl Credentials {
    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("kubeconfig")
    }
}

impl Alone {
    /// Waits for its turn, and removes what the one before left.
    pub async fn new() -> Option<Self> {
        static TURN: Mutex<()> = Mutex::const_new(());
        static OTHER: Mutex<()> = Mutex::const_new(());
        tokio::select! {
            // A test that runs by itself starts one only.
            biased;
            turn = TURN.lock() => Self::on(ControlPlane::quiet, turn).await,
            turn = OTHER.lock() => Self::on(ControlPlane::other_quiet, turn).await,
        }
    }

    /// The same on the control plane of stories with faults, which takes longer.
    pub async fn in_storm() -> Option<Self> {
        static TURN: Mutex<()> = Mutex::const_new(());
        Self::on(ControlPlane::stormy, TURN.lock().await).await
    }

    async fn on(plane: fn() -> Option<&'static ControlPlane>, turn: MutexGuard<'static, ()>) -> Option<Self> {
        let plane = plane()?;
        let kube = Kube::of(plane).await;
        kube.install().await;
        kube.clear().await;
        let credentials = kube.daemon_credentials().await;
        let audit = Audit::of(plane.audit_log.as_deref()?);
        Some(Self { kube, audit, credentials, _turn: turn })
    }

    /// Removes what was made so far.
    pub async fn clear(&self) {
        self.kube.clear().await;
    }

    /// Starts a daemon with an account of its own, so that its calls can be told from others'.
    pub async fn daemon(&self, flags: &[&str]) -> Daemon {
        Daemon::start(&self.credentials.path().join("kubeconfig"), flags).await
    }

    /// A token of the daemon's account of its own, so that what one of several processes asks can be told from the others.
    pub async fn credentials(&self) -> Credentials {
        let folder = self.kube.daemon_credentials().await;
        let config: Value =
            serde_json::from_str(&std::fs::read_to_string(folder.path().join("kubeconfig")).unwrap()).unwrap();
        let token = config["users"][0]["user"]["token"].as_str().unwrap();
        let claims = BASE64URL_NOPAD.decode(token.split('.').nth(1).unwrap().as_bytes()).unwrap();
        let claims: Value = serde_json::from_slice(&claims).unwrap();
        Credentials { id: format!("JTI={}", claims["jti"].as_str().unwrap()), folder }
    }

    /// The same without waiting for anything: it may end at once.
    pub fn spawn(&self, flags: &[&str]) -> Daemon {
        Daemon::spawn(&self.credentials.path().join("kubeconfig"), flags)
    }

    /// Gives the daemon's account the rights of `deploy/` again.
    pub async fn access(&self) {
        self.kube.install_access().await;
    }

    /// A scene for a daemon.
    pub async fn scene(&self, daemon: &Daemon, topic: &str) -> Option<Scene> {
        Scene::with(self.kube.clone(), daemon.log.clone(), topic).await
    }
}

/// What the test wrote may be gone with the next one's turn: it is searched before.
impl Drop for Alone {
    fn drop(&mut self) {
        // A test that fails says so itself, and nothing may fail beside that.
        if std::thread::panicking() {
            return;
        }
        canary::none(&canary::sweep(self.kube.plane, None, &canary::all()).found);
    }
}

impl Kube {
    /// Removes all GitSyncs and MicroServices, and what would refuse that.
    async fn clear(&self) {
        let policies = ["deploy/protection.yaml", "deploy/attribution.yaml"].map(|file| documents(&root().join(file)));
        for object in policies.concat() {
            let (kind, name) = (object["kind"].as_str().unwrap(), object["metadata"]["name"].as_str().unwrap());
            self.kubectl(&["delete", kind, name, "--ignore-not-found"]).await;
        }
        // With their version: kubectl may remember another that a test had added, and would find none of it.
        for (kind, plural) in
            [("GitSync", "gitsyncs.v1alpha1.gitmoor.dev"), ("MicroService", "microservices.v1alpha1.gitmoor.dev")]
        {
            eventually("nothing refuses deletions any more", async || {
                let delete = ["delete", plural, "--all", "--all-namespaces", "--wait=false"];
                let output = self.try_kubectl(&delete, None).await;
                holds(output.status.success(), output)
            })
            .await;
            eventually("nothing is left of the test before", async || {
                let left = self.list(kind, "").await;
                // Whoever would have taken a finalizer off may have put it on a moment ago, and ended.
                self.unfinalized(kind, &left).await;
                let left: Vec<_> = left.iter().map(|object| object["metadata"].to_string()).collect();
                holds(left.is_empty(), left)
            })
            .await;
        }
        self.kubectl(&["delete", "configmap", "gitmoor-defaults", "-n", OPERATOR, "--ignore-not-found"]).await;
        self.kubectl(&["delete", "leases", "--all", "-n", OPERATOR, "--ignore-not-found"]).await;
    }

    /// Takes the finalizers off: who would have done so was stopped. What is gone meanwhile has none.
    async fn unfinalized(&self, kind: &str, objects: &[Value]) {
        for object in objects.iter().filter(|object| object["metadata"]["finalizers"].is_array()) {
            let (namespace, name) = (&object["metadata"]["namespace"], &object["metadata"]["name"]);
            let (namespace, name) = (namespace.as_str().unwrap(), name.as_str().unwrap());
            let patch = r#"{"metadata":{"finalizers":null}}"#;
            self.try_kubectl(&["patch", kind, name, "-n", namespace, "--type=merge", "-p", patch], None).await;
        }
    }

    async fn install_access(&self) {
        let access = root().join("deploy/access.yaml");
        self.kubectl(&["apply", "--server-side", "--force-conflicts", "-f", access.to_str().unwrap()]).await;
    }

    /// A folder with a kubeconfig of the daemon's own account, with the rights of `deploy/` and no others.
    pub async fn daemon_credentials(&self) -> TempDir {
        self.install_access().await;
        self.account_credentials().await
    }

    /// The same with whatever rights the account has.
    pub async fn account_credentials(&self) -> TempDir {
        let token =
            canary::guard(&self.kubectl(&["create", "token", "gitmoor", "-n", OPERATOR, "--duration=2h"]).await);
        let admin = std::fs::read_to_string(&self.plane.kubeconfig).unwrap();
        let mut config: Value = serde_yaml::from_str(&admin).unwrap();
        for user in config["users"].as_array_mut().unwrap() {
            user["user"] = json!({"token": token.trim()});
        }
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("kubeconfig"), config.to_string()).unwrap();
        folder
    }
}
