//! `gitmoor dev`: what is saved is looked at, until Ctrl-C.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{command, gitmoor, write};
use crate::support::kube::Kube;
use crate::support::scene::service;
use crate::support::{eventually, holds};

/// A running `gitmoor dev`.
struct Dev {
    child: Child,
    said: Arc<Mutex<String>>,
}

impl Dev {
    fn start(kubeconfig: Option<&std::path::Path>, arguments: &[&str]) -> Self {
        let mut command = command(arguments);
        if let Some(kubeconfig) = kubeconfig {
            command.env("KUBECONFIG", kubeconfig);
        }
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let said = Arc::new(Mutex::new(String::new()));
        let (out, heard) = (child.stdout.take().unwrap(), Arc::clone(&said));
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                let mut heard = heard.lock().unwrap();
                heard.push_str(&line);
                heard.push('\n');
            }
        });
        Self { child, said }
    }

    /// Waits until it says something, and forgets what it said before that.
    async fn says(&self, words: &str) {
        eventually(&format!("it says {words:?}"), async || {
            let mut said = self.said.lock().unwrap();
            let at = said.find(words);
            if let Some(at) = at {
                said.drain(..at + words.len());
            }
            holds(at.is_some(), said.clone())
        })
        .await;
    }

    /// Presses Ctrl-C, and gives back the exit code.
    fn ends(mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        assert!(std::process::Command::new("kill").args(["-INT", &id]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        // It fails where it ended by itself.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[tokio::test]
async fn each_save_is_validated_also_by_editors_that_replace_files() {
    let folder = TempDir::new().unwrap();
    write(folder.path(), "a.yaml", &service("a", json!({})));
    let dev = Dev::start(None, &["dev", folder.path().to_str().unwrap(), "--offline"]);
    dev.says("no findings").await;
    std::fs::write(folder.path().join("a.yaml"), "a: [").unwrap();
    dev.says("error[GM101]").await;
    dev.says("a.yaml:1:").await;
    // Written beside and moved, as editors do.
    write(folder.path(), ".a.yaml.swp", &service("a", json!({"replicas": 2})));
    std::fs::rename(folder.path().join(".a.yaml.swp"), folder.path().join("a.yaml")).unwrap();
    dev.says("no findings").await;
    assert_eq!(dev.ends(), Some(0));
}

#[tokio::test]
async fn what_would_change_is_shown_and_applied_where_that_is_asked_for() {
    let Some(kube) = Kube::shared().await else { return };
    let namespace = kube.namespace("dev").await;
    let folder = TempDir::new().unwrap();
    write(folder.path(), "a.yaml", &service("a", json!({"replicas": 0})));
    let root = folder.path().to_str().unwrap();
    let shows = Dev::start(Some(&kube.plane.kubeconfig), &["dev", root, "-n", &namespace]);
    shows.says(&format!("+ {namespace}/a  create")).await;
    let applies = Dev::start(Some(&kube.plane.kubeconfig), &["dev", root, "-n", &namespace, "--apply"]);
    applies.says(&format!("applied {namespace}/a")).await;
    assert!(kube.find("MicroService", &namespace, "a").await.is_some());
    write(folder.path(), "a.yaml", &service("a", json!({"replicas": 1})));
    applies.says(&format!("applied {namespace}/a")).await;
    let live = kube.find("MicroService", &namespace, "a").await.unwrap();
    assert_eq!(live["spec"]["replicas"], 1);
    // One that is not valid stays as it is, and a file that goes deletes nothing.
    std::fs::write(folder.path().join("a.yaml"), "a: [").unwrap();
    applies.says("error[GM101]").await;
    std::fs::remove_file(folder.path().join("a.yaml")).unwrap();
    applies.says("---").await;
    let live = kube.find("MicroService", &namespace, "a").await.unwrap();
    assert_eq!(live["spec"]["replicas"], 1);
    assert_eq!((shows.ends(), applies.ends()), (Some(0), Some(0)));

    let lines = Dev::start(Some(&kube.plane.kubeconfig), &["dev", root, "-n", &namespace, "--apply", "-o", "json"]);
    write(folder.path(), "b.yaml", &service("b", json!({"replicas": 0})));
    lines.says("{\"applied\":[{\"applied\":true").await;
}

#[tokio::test]
async fn another_machines_cluster_has_to_be_named() {
    let folder = TempDir::new().unwrap();
    let kubeconfig = folder.path().join("kubeconfig.json");
    let config = |server: &str| -> Value {
        json!({
            "clusters": [{"name": "a", "cluster": {"server": server}}], "users": [{"name": "a", "user": {}}],
            "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}], "current-context": "a"
        })
    };
    std::fs::write(&kubeconfig, config("https://production.example.com").to_string()).unwrap();
    let root = folder.path().to_str().unwrap();
    let flag = kubeconfig.to_str().unwrap();
    let ran = gitmoor(&["dev", root, "--apply", "--kubeconfig", flag]).await.exits(2);
    assert!(ran.err.contains("production.example.com") && ran.err.contains("--context"), "{}", ran.err);
    gitmoor(&["dev", "/nonexistent", "--offline"]).await.exits(2);
}
