//! A GitSync whose spec asks for absurd things, as far as the schema lets it, beside others that read the same repository and the
//! same server: they apply their commits meanwhile, and ask no more often than without it.

use serde_json::{Value, json};

use crate::support::git_server::{GitServer, Stats};
use crate::support::scene::{SYNC, Scene, service};
use crate::support::{Daemon, Kube, eventually, holds};

/// Whatever a spec may ask for, as much of it as there can be.
fn absurd(url: &str) -> Value {
    let pattern = |at: usize| format!("**/{}{at:02}/**/none", "a".repeat(900));
    // Each could be spread over a long path in more ways than anybody can try.
    let path = |rule: usize, at: usize| format!("/**/*a*a*a*a*{}/x{rule}-{at}", "/**/a*a".repeat(14));
    let rule = |at: usize| {
        json!({
            "policy": "Report",
            "paths": (0..32).map(|place| path(at, place)).collect::<Vec<_>>(),
            "managers": (0..16).map(|manager| format!("{}{manager:02}", "m".repeat(120))).collect::<Vec<_>>(),
            "target": {"kind": "MicroService", "name": format!("{}{at:02}*", "*a".repeat(60))}
        })
    };
    json!({
        "url": url, "paths": ["b"], "interval": "1ms", "timeout": "999999999h", "waitTimeout": "999999999h",
        "prune": {"enabled": true, "budget": i32::MAX},
        "exclude": (0..64).map(pattern).collect::<Vec<_>>(),
        "drift": {"policy": "Report", "rules": (0..64).map(rule).collect::<Vec<_>>()}
    })
}

async fn create(scene: &Scene, name: &str, spec: Value) {
    let metadata = json!({"namespace": scene.namespace, "name": name});
    let kind = "GitSync";
    scene
        .kube
        .create(&json!({"apiVersion": "gitmoor.dev/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}))
        .await;
}

/// What it costs the server that a commit is applied.
async fn cost(server: &GitServer, scene: &Scene, replicas: u32) -> Stats {
    let before = server.stats().await;
    scene.push(&[("a/a.yaml", service("a", json!({"replicas": replicas})))]).await;
    server.stats().await - before
}

#[tokio::test]
async fn a_gitsync_that_asks_for_absurd_things_stalls_nobody_of_its_repository_or_server() {
    let Some(server) = GitServer::start(&[]) else { return };
    let Some(kube) = Kube::shared().await else { return };
    let daemon = Daemon::shared(&kube).await;
    let Some(scene) = Scene::at(&server, kube, daemon.log.clone(), "absurd").await else { return };
    let other = format!("{}-other.git", scene.namespace);
    let apart =
        server.repository(&other).with_file("b/c.yaml", &serde_yaml::to_string(&service("c", json!({}))).unwrap());
    let first = scene.commit(&[("a/a.yaml", service("a", json!({}))), ("b/b.yaml", service("b", json!({})))]);
    scene.create_sync(json!({"paths": ["a"]})).await;
    scene.applied(&first).await;
    scene.settled().await;
    let alone = cost(&server, &scene, 2).await;

    // The server takes their first question, and says nothing: they wait for as long as they asked for.
    let before = server.stats().await;
    server.fault(Some(0), 0).await;
    create(&scene, "same-repository", absurd(&scene.url)).await;
    create(&scene, "same-server", absurd(&server.url(&other))).await;
    eventually("both have asked, and wait", async || {
        let asked = server.stats().await - before;
        holds(asked.info_refs >= 2, asked)
    })
    .await;
    server.fault(None, 0).await;
    let beside = cost(&server, &scene, 3).await;
    assert_eq!(beside, alone, "it looked and fetched as often as alone");
    for name in ["same-repository", "same-server"] {
        let applied = &scene.kube.get("GitSync", &scene.namespace, name).await["status"]["lastAppliedRevision"];
        assert_eq!(*applied, Value::Null, "{name} is still waiting: nothing ended that for its sake");
        scene.kube.delete("GitSync", &scene.namespace, name).await;
    }

    // And where it is answered: it looks once a second, and what it asks for is as bounded.
    create(&scene, "busy", absurd(&scene.url)).await;
    eventually("it applies its own", async || {
        let applied = scene.kube.find("MicroService", &scene.namespace, "b").await;
        holds(applied.is_some(), scene.kube.get("GitSync", &scene.namespace, "busy").await["status"].clone())
    })
    .await;
    let syncs = async || {
        let sync = format!("sync=\"{}/{SYNC}\"", scene.namespace);
        daemon.metric("gitmoor_syncs_total", &[&sync, "result=\"applied\""]).await
    };
    let before = syncs().await;
    cost(&server, &scene, 4).await;
    assert!(syncs().await - before <= 1.0, "one revision is one sync");
    scene.ready("a").await;
    scene.kube.delete("GitSync", &scene.namespace, "busy").await;
    drop(apart);
}
