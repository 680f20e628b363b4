//! A private repository, and a Secret that is missing, wrong, put right and taken away, without any restart.

use serde_json::{Value, json};

use super::alone::quiet_polls;
use crate::support::alone::Alone;
use crate::support::canary::secret;
use crate::support::daemon::OPERATOR;
use crate::support::git_server::GitServer;
use crate::support::scene::{Scene, service};
use crate::support::{Daemon, Kube};

const SECRET: &str = "git-auth";
const RIGHT: &str = secret!("right");
const WRONG: &str = secret!("wrong");

fn server() -> Option<GitServer> {
    GitServer::start(&["--basic", &format!("ada:{RIGHT}")])
}

/// A scene with a commit in a private repository.
async fn private(server: &GitServer, topic: &str) -> Option<Scene> {
    let kube = Kube::shared().await?;
    let daemon = Daemon::shared(&kube).await;
    Scene::at(server, kube, daemon.log.clone(), topic).await
}

/// Makes the Secret.
async fn create(scene: &Scene, keys: Value) {
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"namespace": scene.home, "name": SECRET}, "stringData": keys
    });
    scene.kube.create(&secret).await;
}

/// Changes some of its keys; null removes one.
async fn change(scene: &Scene, keys: Value) {
    let mut data = json!({});
    for (key, value) in keys.as_object().unwrap() {
        data[key] = value.as_str().map_or(Value::Null, |value| json!(data_encoding::BASE64.encode(value.as_bytes())));
    }
    scene.kube.merge("suite", "Secret", &scene.home, SECRET, json!({"data": data})).await;
}

#[tokio::test]
async fn a_secret_is_picked_up_whenever_it_changes_and_never_repeated() {
    let Some(server) = server() else { return };
    let Some(scene) = private(&server, "private").await else { return };
    let commit = scene.commit(&[("a.yaml", service("a", json!({"replicas": 0})))]);
    // It polls once an hour: whatever happens below, the Secret's change alone was heard of.
    scene.create_sync(json!({"secretRef": {"name": SECRET}})).await;
    let told = scene.condition("Ready", "False", "SecretMissing").await;
    assert!(told["message"].as_str().unwrap().contains(&format!("{}/{SECRET}", scene.home)), "{told:#}");
    create(&scene, json!({"username": "ada"})).await;
    let told = scene.condition("Ready", "False", "SecretInvalid").await;
    assert!(told["message"].as_str().unwrap().contains("\"password\""), "{told:#}");
    change(&scene, json!({"password": WRONG})).await;
    scene.condition("Ready", "False", "CredentialsRefused").await;
    change(&scene, json!({"password": RIGHT})).await;
    scene.applied(&commit).await;
    scene.condition("Ready", "True", "Applied").await;
    scene.event("GitSync", &scene.sync, "CredentialsInClear", "over http").await;

    // What is applied stays when it is taken away, and a commit is read again once it is back.
    scene.kube.delete("Secret", &scene.home, SECRET).await;
    scene.condition("Ready", "False", "SecretMissing").await;
    scene.has_services(&["a"]).await;
    let commit = scene.commit(&[("b.yaml", service("b", json!({"replicas": 0})))]);
    create(&scene, json!({"username": "ada", "password": RIGHT})).await;
    scene.applied(&commit).await;
    scene.has_services(&["a", "b"]).await;

    let encoded = |word: &str| data_encoding::BASE64.encode(format!("ada:{word}").as_bytes());
    let words = [RIGHT, WRONG].map(|word| [word.to_owned(), encoded(word)]).concat();
    let log = scene.log.lines(|line| words.iter().any(|word| line.to_string().contains(word)));
    assert!(log.is_empty(), "{log:#?}");
    let events = scene.kube.list("Event", &scene.home).await;
    let said = json!([scene.get_sync().await, events]).to_string();
    for word in &words {
        assert!(!said.contains(word.as_str()), "{word} in {said}");
    }
}

#[tokio::test]
async fn a_server_that_wants_to_know_is_told_nothing_without_a_secret() {
    let Some(server) = server() else { return };
    let Some(scene) = private(&server, "anonymous").await else { return };
    scene.commit(&[("a.yaml", service("a", json!({"replicas": 0})))]);
    scene.create_sync(json!({})).await;
    let told = scene.condition("Ready", "False", "AuthenticationRequired").await;
    assert!(told["message"].as_str().unwrap().contains("spec.secretRef"), "{told:#}");
    assert_eq!(server.stats().await.told, 0);
}

#[tokio::test]
async fn a_poll_reads_no_secret() {
    let Some(server) = server() else { return };
    let Some(alone) = Alone::new().await else { return };
    let daemon = alone.daemon(&[]).await;
    let Some(scene) = Scene::at(&server, alone.kube.clone(), daemon.log.clone(), "polls").await else { return };
    // As a person lets it read and follow the Secrets of this namespace.
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
        "metadata": {"namespace": scene.namespace, "name": "gitmoor-restarts"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "gitmoor-restarts"},
        "subjects": [{"kind": "ServiceAccount", "name": "gitmoor", "namespace": OPERATOR}]
    });
    scene.kube.create(&binding).await;
    create(&scene, json!({"username": "ada", "password": RIGHT})).await;
    let commit = scene.commit(&[("a.yaml", service("a", json!({"replicas": 0})))]);
    scene.create_sync(json!({"secretRef": {"name": SECRET}, "interval": "1s"})).await;
    scene.applied(&commit).await;
    scene.condition("Ready", "True", "Applied").await;
    quiet_polls(&alone, &server).await;
}
