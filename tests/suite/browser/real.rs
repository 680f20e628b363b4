//! A real daemon under the eyes of a real browser: `tests/browser/real.mjs` looks, and what it asks for is done here.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::is_there;
use crate::support::Daemon;
use crate::support::alone::Alone;
use crate::support::canary;
use crate::support::plane::root;
use crate::support::scene::{Scene, service};

/// Would do something wherever it was taken for markup.
const SUBJECT: &str = "<script>window.pwned=1</script>";
/// Git takes the angle brackets off.
const AUTHOR: &str = "Ada \" onerror=window.pwned=1";
const MANAGER: &str = "<img src=x onerror=window.pwned=1>";
const VALUE: &str = "<b onclick=\"window.pwned=1\">debug</b>";

#[tokio::test]
async fn the_page_shows_what_a_real_daemon_sees_as_it_happens() {
    if is_there().is_none() {
        return;
    }
    let Some(alone) = Alone::new().await else { return };
    let daemon = alone.daemon(&["--page", "127.0.0.1:0"]).await;
    let Some(scene) = alone.scene(&daemon, "browsed").await else { return };
    let url = daemon.listener("page").await;
    write(&scene, "orders", json!({"replicas": 2, "env": [{"name": "LOG", "value": "info"}]}));
    for name in ["a", "b", "c"] {
        write(&scene, name, json!({}));
    }
    scene.repository.git(&["add", "--all"]);
    let author = format!("--author={AUTHOR} <ada@example.com>");
    scene.repository.git(&["commit", "--quiet", &author, "-m", SUBJECT]);
    let commit = scene.force_push();
    scene.create_sync(json!({"drift": {"policy": "Report"}})).await;
    scene.applied(&commit).await;
    for name in ["orders", "a", "b", "c"] {
        scene.ready(name).await;
    }
    let token = viewer(&scene).await;
    let about = json!({
        "url": url, "namespace": scene.namespace, "sync": format!("{}/{}", scene.home, scene.sync),
        "subject": SUBJECT, "author": AUTHOR, "manager": MANAGER, "value": VALUE
    });
    watched(&about, Hands { alone: &alone, scene: &scene, url, token, daemon: Some(daemon) }).await;
}

/// What can be done while somebody watches.
struct Hands<'a> {
    alone: &'a Alone,
    scene: &'a Scene,
    /// Where the page is, whoever serves it.
    url: String,
    /// Of an account that may look at the scene.
    token: String,
    daemon: Option<Daemon>,
}

impl Hands<'_> {
    /// Does something, and says what is to be known of it.
    async fn act(&mut self, what: &str) -> &str {
        let (kube, namespace) = (&self.scene.kube, self.scene.namespace.as_str());
        match what {
            "drift" => {
                let patch = json!([{"op": "replace", "path": "/spec/replicas", "value": 5}]);
                kube.edit(MANAGER, "Deployment", namespace, "orders", patch).await;
            }
            "value" => {
                let path = "/spec/template/spec/containers/0/env/0/value";
                let patch = json!([{"op": "replace", "path": path, "value": VALUE}]);
                kube.edit("kubectl-edit", "Deployment", namespace, "orders", patch).await;
            }
            "remove" => {
                let gone = ["a", "b", "c"].map(|name| (format!("apps/{name}.yaml"), Value::Null));
                let gone: Vec<_> = gone.iter().map(|(path, null)| (path.as_str(), null.clone())).collect();
                self.scene.commit(&gone);
                self.scene.request().await;
            }
            "break" => {
                self.scene.commit(&[("apps/wrong.yaml", service("wrong", json!({"replicas": SUBJECT})))]);
                self.scene.request().await;
            }
            "stop" => {
                if let Some(daemon) = self.daemon.take() {
                    daemon.kill();
                }
            }
            "start" => self.start("Open").await,
            "guard" => {
                self.start("Token").await;
                return &self.token;
            }
            "back" => {
                let spec = json!({"spec": {"drift": {"policy": "Correct"}}});
                kube.merge("suite", "GitSync", &self.scene.home, &self.scene.sync, spec).await;
            }
            other => panic!("nobody knows how to {other}"),
        }
        "done"
    }

    /// Another daemon, where the page was.
    async fn start(&mut self, access: &str) {
        let address = self.url.trim_start_matches("http://");
        self.daemon = Some(self.alone.daemon(&["--page", address, "--page-access", access]).await);
    }
}

/// A token of an account that may look at the scene, once the daemon may ask whose it is.
async fn viewer(scene: &Scene) -> String {
    let (kube, namespace) = (&scene.kube, scene.namespace.as_str());
    let page = root().join("deploy/page.yaml");
    kube.kubectl(&["apply", "--server-side", "--force-conflicts", "-f", page.to_str().unwrap()]).await;
    kube.kubectl(&["create", "serviceaccount", "viewer", "-n", namespace]).await;
    let subject = format!("--serviceaccount={namespace}:viewer");
    kube.kubectl(&["create", "rolebinding", "viewer", "--clusterrole=view", &subject, "-n", namespace]).await;
    canary::guard(kube.kubectl(&["create", "token", "viewer", "-n", namespace]).await.trim())
}

/// Runs the browser, and does what it asks for.
async fn watched(about: &Value, mut hands: Hands<'_>) {
    let mut child = Command::new("node")
        .current_dir(root().join("tests/browser"))
        .arg("real.mjs")
        .env("GITMOOR_SCENE", about.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let (tell, mut lines) = mpsc::unbounded_channel();
    // It ends with the process, and that when its input closes.
    let reader = std::thread::spawn(move || {
        BufReader::new(stdout).lines().map_while(Result::ok).try_for_each(|line| tell.send(line)).ok();
    });
    let mut told = Vec::new();
    while let Some(line) = lines.recv().await {
        if let Some(what) = line.strip_prefix("ask: ") {
            let answer = format!("{}\n", hands.act(what).await);
            stdin.write_all(answer.as_bytes()).unwrap();
        }
        told.push(line);
    }
    reader.join().unwrap();
    let mut errors = String::new();
    child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
    let passed = child.wait().unwrap().success() && told.last().is_some_and(|line| line == "passed");
    assert!(passed, "{told:#?}\n{errors}");
}

/// Writes a manifest, without committing it.
fn write(scene: &Scene, name: &str, spec: Value) {
    scene.repository.write(&format!("apps/{name}.yaml"), &serde_yaml::to_string(&service(name, spec)).unwrap());
}
