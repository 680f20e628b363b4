//! Commit statuses, at a forge that takes notes.

use serde_json::{Value, json};

use super::receiver::{Heard, Receiver};
use super::{TOKEN, secret, target, tells_no_canary};
use crate::support::git_server::GitServer;
use crate::support::scene::{Scene, service};

/// A forge with the repository of the scene as `acme/deploy`.
fn notify(receiver: &Receiver, kind: &str) -> Value {
    json!([target("forge", kind, json!({"url": format!("{}/api", receiver.url), "after": null, "every": null}))])
}

async fn hears(receiver: &Receiver, commit: &str, state: &str) -> Heard {
    let fits = |heard: &Heard| heard.path.ends_with(commit) && heard.json()["state"] == state;
    receiver.hears("/api", &format!("{commit} is {state}"), fits).await
}

#[tokio::test]
async fn a_commit_is_pending_then_a_success_and_an_invalid_one_a_failure() {
    let Some(mut scene) = Scene::new("alerts-forge").await else { return };
    let receiver = Receiver::start().await;
    secret(&scene, None).await;
    // A forge knows repositories by owner and name.
    let Some(server) = GitServer::start(&[]) else { return };
    (scene.repository, scene.url) = (server.repository("acme/deploy.git"), server.url("acme/deploy.git"));
    let first = scene.commit(&[("a.yaml", service("a", json!({"replicas": 0})))]);
    let waits = json!({"dependsOn": [{"name": "other"}], "notify": notify(&receiver, "Gitea")});
    let other = json!({
        "apiVersion": "gitmoor.dev/v1alpha1", "kind": "GitSync", "metadata": {"namespace": scene.home, "name": "other"},
        "spec": {"url": format!("{}-gone", scene.url)}
    });
    scene.kube.create(&other).await;
    scene.create_sync(waits).await;
    let heard = hears(&receiver, &first, "pending").await;
    assert_eq!(heard.headers["authorization"], format!("token {TOKEN}"));
    let context = format!("gitmoor/{}/main", scene.namespace);
    let path = format!("/api/repos/acme/deploy/statuses/{first}");
    assert_eq!((&heard.json()["context"], &heard.path), (&json!(context), &path));
    let patch = json!({"spec": {"dependsOn": null}});
    scene.kube.merge("suite", "GitSync", &scene.home, &scene.sync, patch).await;
    hears(&receiver, &first, "success").await;

    let second = scene.commit(&[("a.yaml", service("a", json!({"imagee": "x"})))]);
    scene.request().await;
    let heard = hears(&receiver, &second, "failure").await;
    let description = heard.json()["description"].as_str().unwrap().to_owned();
    assert!(description.starts_with("a.yaml:") && description.contains("GM2"), "{description}");
    let told = |status: &Value| status["notify"][0]["commit"]["commit"] == *second;
    scene.status("it is known what was told", told).await;
    // The newest is told; of the older one nothing comes after that.
    let last = receiver.heard("/api").into_iter().next_back().unwrap();
    assert!(last.path.ends_with(&second), "{last:?}");
    tells_no_canary(&scene).await;
}
