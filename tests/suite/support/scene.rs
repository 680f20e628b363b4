//! What a test of the daemon plays in: a namespace, a repository and a GitSync of its own.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::daemon::Daemon;
use super::git_server::GitServer;
use super::kube::condition;
use super::log::Log;
use super::plane::ControlPlane;
use super::repository::Repository;
use super::{Kube, canary, eventually};

/// Name of the GitSync of a scene.
pub const SYNC: &str = "main";

/// Scenes that are being played.
static OPEN: AtomicUsize = AtomicUsize::new(0);

/// A namespace, a repository and a GitSync, and the daemon that keeps them.
pub struct Scene {
    pub kube: Kube,
    pub log: Log,
    pub namespace: String,
    /// Namespace of the GitSync: the scene's, unless it is the operator's.
    pub home: String,
    /// Name of the GitSync.
    pub sync: String,
    pub repository: Repository,
    pub url: String,
    pub _played: Played,
}

impl Scene {
    /// A scene on the shared control plane and with the shared daemon, without a GitSync.
    pub async fn new(topic: &str) -> Option<Self> {
        let kube = Kube::shared().await?;
        let daemon = Daemon::shared(&kube).await;
        Self::with(kube, daemon.log.clone(), topic).await
    }

    /// A scene for a daemon of the test's own.
    pub async fn with(kube: Kube, log: Log, topic: &str) -> Option<Self> {
        Self::at(server()?, kube, log, topic).await
    }

    /// A scene with its repository on a server of the test's own.
    pub async fn at(server: &GitServer, kube: Kube, log: Log, topic: &str) -> Option<Self> {
        let namespace = kube.namespace(topic).await;
        let name = format!("{namespace}.git");
        let (repository, url) = (server.repository(&name), server.url(&name));
        let home = namespace.clone();
        let played = Played::on(kube.plane);
        Some(Self { kube, log, namespace, home, sync: SYNC.into(), repository, url, _played: played })
    }

    /// A scene whose GitSync is made, with the first commit applied. `spec` is beside url and interval.
    pub async fn synced(topic: &str, spec: Value, files: &[(&str, Value)]) -> Option<Self> {
        let scene = Self::new(topic).await?;
        let commit = scene.commit(files);
        scene.create_sync(spec).await;
        scene.applied(&commit).await;
        Some(scene)
    }

    /// Makes the GitSync. It polls rarely: tests say when to look.
    pub async fn create_sync(&self, spec: Value) -> Value {
        let mut object = json!({
            "apiVersion": "gitmoor.dev/v1alpha1", "kind": "GitSync",
            "metadata": {"namespace": self.home, "name": self.sync},
            "spec": {"url": self.url, "interval": "1h"}
        });
        for (field, value) in spec.as_object().into_iter().flatten() {
            object["spec"][field] = value.clone();
        }
        self.kube.create(&object).await
    }

    /// Writes files and commits them. A null removes a file.
    pub fn commit(&self, files: &[(&str, Value)]) -> String {
        for (path, content) in files {
            match content {
                Value::Null => std::fs::remove_file(self.repository.work.path().join(path)).unwrap(),
                Value::String(text) => self.repository.write(path, text),
                manifest => self.repository.write(path, &serde_yaml::to_string(manifest).unwrap()),
            }
        }
        self.repository.commit(&format!("change {}", files.first().map_or("nothing", |file| file.0)))
    }

    /// Commits, asks for a sync and waits until that commit is applied.
    pub async fn push(&self, files: &[(&str, Value)]) -> String {
        let commit = self.commit(files);
        self.request().await;
        self.applied(&commit).await;
        commit
    }

    /// Asks for a sync and returns what the status will echo.
    pub async fn request(&self) -> String {
        static REQUESTS: AtomicU32 = AtomicU32::new(0);
        let request = format!("request-{}", REQUESTS.fetch_add(1, Ordering::Relaxed));
        let patch = json!({"metadata": {"annotations": {"gitmoor.dev/reconcile-requested-at": request}}});
        self.kube.merge("suite", "GitSync", &self.home, &self.sync, patch).await;
        request
    }

    /// Pushes what is checked out, whatever the branch had.
    pub fn force_push(&self) -> String {
        self.repository.push(&["--force", "HEAD:refs/heads/main"]);
        self.repository.git(&["rev-parse", "HEAD"])
    }

    /// As [`Self::commit`], whatever the branch had.
    pub fn commit_forced(&self, files: &[(&str, Value)]) -> String {
        for (path, manifest) in files {
            self.repository.write(path, &serde_yaml::to_string(manifest).unwrap());
        }
        self.repository.git(&["add", "--all"]);
        self.repository.git(&["commit", "--quiet", "-m", "forced"]);
        self.force_push()
    }

    /// Sets an annotation of the GitSync; null removes it.
    pub async fn annotate(&self, name: &str, value: Value) {
        let patch = json!({"metadata": {"annotations": {name: value}}});
        self.kube.merge("suite", "GitSync", &self.home, &self.sync, patch).await;
    }

    /// Asks for a sync and waits until it ended: whatever should not happen had its chance.
    pub async fn settled(&self) -> Value {
        let request = self.request().await;
        self.status("the request is handled", |status| status["lastHandledReconcileAt"] == *request).await
    }

    /// Waits until that commit is applied, and returns the GitSync's status.
    pub async fn applied(&self, commit: &str) -> Value {
        let applied = |status: &Value| {
            let revision = status["lastAppliedRevision"]["revision"].as_str().unwrap_or_default();
            revision.ends_with(commit)
        };
        self.status(&format!("{commit} is applied"), applied).await
    }

    /// Waits for a status of the GitSync.
    pub async fn status(&self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        eventually(&format!("{what} in {}", self.namespace), async || {
            let found = self.kube.find("GitSync", &self.home, &self.sync).await;
            let status = found.map(|mut sync| sync["status"].take()).unwrap_or_default();
            if fits(&status) { Ok(status) } else { Err(format!("{status:#}\n{}", self.told())) }
        })
        .await
    }

    /// Waits for a condition of the GitSync.
    pub async fn condition(&self, kind: &str, status: &str, reason: &str) -> Value {
        let found = |object: &Value| condition(&json!({"status": object}), kind);
        let fits = |object: &Value| found(object)["status"] == status && found(object)["reason"] == reason;
        let object = self.status(&format!("{kind} is {status}, {reason}"), fits).await;
        found(&object)
    }

    pub async fn get_sync(&self) -> Value {
        self.kube.get("GitSync", &self.home, &self.sync).await
    }

    /// A MicroService of the scene's namespace, if it is there.
    pub async fn service(&self, name: &str) -> Option<Value> {
        self.kube.find("MicroService", &self.namespace, name).await
    }

    /// Waits for a MicroService that fits.
    pub async fn service_that(&self, name: &str, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        self.object_that("MicroService", name, what, fits).await
    }

    /// Waits for an object of the scene's namespace that fits.
    pub async fn object_that(&self, kind: &str, name: &str, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        eventually(&format!("{kind} {}/{name}: {what}", self.namespace), async || {
            match self.kube.find(kind, &self.namespace, name).await {
                Some(object) if fits(&object) => Ok(object),
                other => Err(format!("{:#}\n{}", shown(other), self.told())),
            }
        })
        .await
    }

    /// Waits until a MicroService is ready at its current generation.
    pub async fn ready(&self, name: &str) -> Value {
        self.service_that(name, "it is ready", |service| {
            let current = service["status"]["observedGeneration"] == service["metadata"]["generation"];
            current && condition(service, "Ready")["status"] == "True"
        })
        .await
    }

    /// Names of the MicroServices of the scene's namespace.
    pub async fn services(&self) -> Vec<String> {
        self.kube.names("MicroService", &self.namespace).await
    }

    /// Waits until the MicroServices of the scene's namespace are exactly these. A deletion may wait for a moment until
    /// it is known that no other GitSync declares the object.
    pub async fn has_services(&self, names: &[&str]) {
        eventually(&format!("the services of {} are {names:?}", self.namespace), async || {
            let there = self.services().await;
            if there == names { Ok(()) } else { Err(format!("{there:?}\n{}", self.told())) }
        })
        .await;
    }

    /// Waits for an Event about an object of the scene.
    pub async fn event(&self, kind: &str, name: &str, reason: &str, note: &str) -> Value {
        let namespace = if kind == "GitSync" { &self.home } else { &self.namespace };
        eventually(&format!("an Event {reason} about {kind} {name} with {note:?}"), async || {
            let events = self.kube.list("Event", namespace).await;
            let fits = |event: &&Value| {
                let about = &event["regarding"];
                let said = event["note"].as_str().unwrap_or_default();
                about["kind"] == kind && about["name"] == name && event["reason"] == reason && said.contains(note)
            };
            let seen =
                || events.iter().map(|event| format!("{} {}", event["reason"], event["note"])).collect::<Vec<_>>();
            events.iter().find(fits).cloned().ok_or_else(|| format!("{:#?}", seen()))
        })
        .await
    }

    /// Lines of the daemon's log about drift of an object of this scene.
    pub fn drift_lines(&self, layer: &str, kind: &str, name: &str) -> Vec<Value> {
        let object = format!("{}/{name}", self.namespace);
        self.log.lines(|line| {
            line["message"] == "drift" && line["layer"] == layer && line["kind"] == kind && line["object"] == *object
        })
    }

    /// The end of the log about this scene, for failures.
    fn told(&self) -> String {
        let lines = self.log.lines(|line| line.to_string().contains(&self.namespace));
        let last: Vec<_> = lines.iter().rev().take(10).map(Value::to_string).collect();
        last.into_iter().rev().collect::<Vec<_>>().join("\n")
    }
}

/// Ends with its scene: what the shared daemon told meanwhile is searched. Whoever leaves last, if only for now, searches all
/// that is shared, and so the last one of a run does; where something is found, the namespace has the topic of its scene.
pub struct Played(&'static ControlPlane);

impl Played {
    fn on(plane: &'static ControlPlane) -> Self {
        if is_shared(plane) {
            OPEN.fetch_add(1, Ordering::Relaxed);
        }
        Self(plane)
    }
}

impl Drop for Played {
    fn drop(&mut self) {
        if !is_shared(self.0) {
            // Its daemon is searched when it ends, and the control plane after the test's turn.
            return;
        }
        let last = OPEN.fetch_sub(1, Ordering::Relaxed) == 1;
        // A test that fails says so itself, and nothing may fail beside that.
        if std::thread::panicking() {
            return;
        }
        Daemon::search_shared(last);
        if last {
            canary::none(&canary::sweep(self.0, None, &canary::all()).found);
        }
    }
}

fn is_shared(plane: &'static ControlPlane) -> bool {
    ControlPlane::shared().is_some_and(|shared| std::ptr::eq(shared, plane))
}

/// A MicroService manifest. `spec` is beside the image.
pub fn service(name: &str, spec: Value) -> Value {
    let mut manifest = json!({
        "apiVersion": "gitmoor.dev/v1alpha1", "kind": "MicroService", "metadata": {"name": name},
        "spec": {"image": format!("example.com/{name}:1"), "replicas": 1}
    });
    for (field, value) in spec.as_object().into_iter().flatten() {
        manifest["spec"][field] = value.clone();
    }
    manifest
}

/// What of an object helps to understand a failure.
fn shown(object: Option<Value>) -> Value {
    let Some(mut object) = object else { return json!("it is not there") };
    object["metadata"]["managedFields"] = Value::Null;
    object
}

/// The Git server of this run.
fn server() -> Option<&'static GitServer> {
    static SERVER: OnceLock<Option<GitServer>> = OnceLock::new();
    SERVER.get_or_init(|| GitServer::start(&[])).as_ref()
}
