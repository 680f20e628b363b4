//! Certificates of a daemon that are refused from one moment to the next, and those after them.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::alone::Alone;
use crate::support::authority::Authority;
use crate::support::daemon::{Daemon, OPERATOR};
use crate::support::kube::text;
use crate::support::scene::service;
use crate::support::{eventually, holds};

/// The authorities that the API server believes, for as long as this lives.
struct Believed {
    place: PathBuf,
    before: Vec<u8>,
}

impl Believed {
    fn instead(place: PathBuf, authority: &Authority) -> Self {
        let believed = Self { before: fs::read(&place).unwrap(), place };
        believed.becomes(authority);
        believed
    }

    fn becomes(&self, authority: &Authority) {
        fs::write(&self.place, fs::read(authority.file("ca.crt")).unwrap()).unwrap();
    }
}

impl Drop for Believed {
    fn drop(&mut self) {
        fs::write(&self.place, &self.before).unwrap();
    }
}

/// An authority that has given the daemon's account a certificate.
fn authority() -> Authority {
    let authority = Authority::new();
    authority.give_to("daemon", &format!("system:serviceaccount:{OPERATOR}:gitmoor"));
    authority
}

/// The files of a daemon.
struct Files(TempDir);

impl Files {
    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn new(alone: &Alone) -> Self {
        let files = Self(TempDir::new().unwrap());
        let admin = fs::read_to_string(&alone.kube.plane.kubeconfig).unwrap();
        let mut config: Value = serde_yaml::from_str(&admin).unwrap();
        for user in config["users"].as_array_mut().unwrap() {
            // As kubeadm writes them: beside the kubeconfig.
            user["user"] = json!({"client-certificate": "tls.crt", "client-key": "tls.key"});
        }
        fs::write(files.path("kubeconfig"), config.to_string()).unwrap();
        files
    }

    /// Whoever renews certificates replaces one file after the other.
    fn take(&self, authority: &Authority) {
        self.replace(&authority.file("daemon.crt"), "tls.crt");
        self.replace(&authority.file("daemon.key"), "tls.key");
    }

    fn replace(&self, from: &Path, name: &str) {
        let new = self.path("new");
        fs::copy(from, &new).unwrap();
        fs::rename(new, self.path(name)).unwrap();
    }

    /// Waits until the API server believes that these are the daemon's, or does not.
    async fn are_believed(&self, alone: &Alone, believed: bool) {
        let kubeconfig = self.path("kubeconfig");
        eventually(&format!("the certificate is believed: {believed}"), async || {
            let ask = ["--kubeconfig", kubeconfig.to_str().unwrap(), "auth", "whoami"];
            let asked = alone.kube.try_kubectl(&ask, None).await;
            holds(asked.status.success() == believed, asked)
        })
        .await;
    }
}

#[tokio::test]
async fn a_certificate_that_is_refused_is_followed_by_the_next_one_of_its_files() {
    let Some(alone) = Alone::new().await else { return };
    let (first, second) = (authority(), authority());
    let believed = Believed::instead(alone.kube.plane.client_authorities().unwrap(), &first);
    let files = Files::new(&alone);
    files.take(&first);
    files.are_believed(&alone, true).await;
    // A leader's client for writes is another than that for its watches.
    let daemon = Daemon::start(&files.path("kubeconfig"), &["--leader-elect"]).await;
    let Some(scene) = alone.scene(&daemon, "certificate").await else { return };
    let commit = scene.commit(&[("a.yaml", service("a", json!({"replicas": 0})))]);
    scene.create_sync(json!({})).await;
    scene.applied(&commit).await;

    files.take(&second);
    believed.becomes(&second);
    files.are_believed(&alone, true).await;
    let patch = json!([{"op": "replace", "path": "/spec/image", "value": "example.com/a:7"}]);
    scene.kube.edit("somebody", "MicroService", &scene.namespace, "a", patch).await;
    scene.service_that("a", "it is put back", |a| text(&a["spec"]["image"]) == "example.com/a:1").await;
    daemon.log.message("the credentials for the API server are read again").await;

    scene.push(&[("a.yaml", service("a", json!({"replicas": 0, "image": "example.com/a:2"})))]).await;
    scene.service_that("a", "the commit is applied", |a| text(&a["spec"]["image"]) == "example.com/a:2").await;
    let keys = [&first, &second].map(|authority| fs::read_to_string(authority.file("daemon.key")).unwrap());
    let line = |key: &str| key.lines().nth(1).unwrap().to_owned();
    let told = daemon.log.lines(|told| keys.iter().any(|key| told.to_string().contains(&line(key))));
    assert_eq!(told, Vec::<Value>::new());
}
