//! Many GitSyncs of one repository, each with paths of its own: the server is asked once for all.

use serde_json::{Value, json};

use crate::support::alone::Alone;
use crate::support::git_server::GitServer;
use crate::support::scene::{Scene, service};

/// GitSyncs of one namespace, each with a folder of its own.
const SYNCS: usize = 20;

fn files(replicas: u32) -> Vec<(String, Value)> {
    let one =
        |number| (format!("team-{number}/app.yaml"), service(&format!("app-{number}"), json!({"replicas": replicas})));
    (0..SYNCS).map(one).collect()
}

fn commit(scene: &Scene, replicas: u32) -> String {
    let files = files(replicas);
    let files: Vec<_> = files.iter().map(|(path, file)| (path.as_str(), file.clone())).collect();
    scene.commit(&files)
}

async fn all_applied(scene: &mut Scene, commit: &str) {
    for number in 0..SYNCS {
        scene.sync = format!("sync-{number}");
        scene.applied(commit).await;
    }
}

#[tokio::test]
async fn gitsyncs_of_one_monorepo_fetch_once_and_hear_of_each_others_finds() {
    let Some(server) = GitServer::start(&[]) else { return };
    let Some(alone) = Alone::new().await else { return };
    let first_daemon = alone.daemon(&[]).await;
    let Some(mut scene) = Scene::at(&server, alone.kube.clone(), first_daemon.log.clone(), "monorepo").await else {
        return;
    };
    let first = commit(&scene, 0);
    for number in 0..SYNCS {
        scene.sync = format!("sync-{number}");
        // It polls once an hour: nothing below happens by a timer.
        scene.create_sync(json!({"paths": [format!("team-{number}")]})).await;
    }
    all_applied(&mut scene, &first).await;
    assert_eq!(server.stats().await.fetch, 1, "one pack");

    // One of them is asked to look; all of them apply what it finds.
    let before = server.stats().await;
    let second = commit(&scene, 1);
    scene.sync = "sync-3".into();
    scene.request().await;
    all_applied(&mut scene, &second).await;
    let cost = server.stats().await - before;
    assert_eq!((cost.ls_refs, cost.fetch), (1, 1), "{cost:?}");

    // One goes, and the others go on.
    scene.kube.delete("GitSync", &scene.home, "sync-3").await;
    let before = server.stats().await;
    let third = commit(&scene, 2);
    scene.sync = "sync-4".into();
    scene.request().await;
    scene.applied(&third).await;
    scene.sync = "sync-5".into();
    scene.applied(&third).await;
    assert_eq!((server.stats().await - before).fetch, 1);
}
