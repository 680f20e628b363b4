//! A daemon that is killed again and again, amid whatever it does, ends the work all the same: nothing is left out, and
//! nothing is done twice.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::alone::{many, some};
use crate::support::alone::Alone;
use crate::support::audit::Mark;
use crate::support::daemon::Daemon;
use crate::support::scene::Scene;
use crate::support::{eventually, holds};

/// Enough that a daemon can be killed amid them several times.
const MANY: usize = 200;

/// How often it is killed.
const KILLS: usize = 4;
/// Calls that a GitSync has in flight.
pub const IN_FLIGHT: usize = 16;

/// Kills the daemon each time that so many objects are done, and starts another; the last one goes on.
async fn crashing(alone: &Alone, scene: &mut Scene, mut daemon: Daemon, done: impl AsyncFn(&Scene) -> usize) -> Daemon {
    let mut amid = 0;
    let mut least = 0;
    for _ in 0..KILLS {
        // By chance, so that each run kills it at other points; where, is in the failure.
        least += 1 + fastrand::usize(0..MANY / 6);
        let reached = eventually(&format!("{least} are done"), async || {
            let count = done(scene).await;
            holds(count >= least, count).map(|()| count)
        })
        .await;
        daemon.kill();
        amid += usize::from(reached < MANY);
        daemon = alone.daemon(&[]).await;
        scene.log = daemon.log.clone();
        least = reached.min(MANY - MANY / 6 - 1);
    }
    assert!(amid >= 2, "it was killed too late for this test to show anything");
    daemon
}

/// What the API server did by that verb since then: each object once. A call whose daemon was killed before it was
/// answered may have no answer in the log: these are few, and none of them was made twice either.
fn each_once(alone: &Alone, since: Mark, verb: &str, code: u64) {
    let times = alone.audit.times(since, verb, "microservices", code);
    let more: BTreeMap<_, _> = times.iter().filter(|(_, count)| **count != 1).collect();
    assert!(more.is_empty(), "not once: {more:?}");
    let unanswered = MANY - times.len();
    assert!(unanswered <= KILLS * IN_FLIGHT, "{unanswered} objects have no answer");
}

#[tokio::test]
async fn a_first_sync_killed_again_and_again_creates_each_object_once() {
    let Some(alone) = Alone::new().await else { return };
    let daemon = alone.daemon(&[]).await;
    let Some(mut scene) = alone.scene(&daemon, "create").await else { return };
    let since = alone.audit.mark();
    let commit = scene.commit(&[("many.yaml", many(MANY, 1))]);
    scene.create_sync(json!({})).await;
    let _daemon = crashing(&alone, &mut scene, daemon, async |scene| scene.services().await.len()).await;
    let status = scene.applied(&commit).await;
    assert_eq!(status["counts"]["declared"], MANY, "{status:#}");
    assert_eq!(scene.services().await.len(), MANY);
    each_once(&alone, since, "patch", 201);
    scene.condition("Ready", "True", "Applied").await;
    assert_eq!(scene.log.lines(|line| line["message"] == "drift"), Vec::<Value>::new(), "a crash is no drift");
}

#[tokio::test]
async fn a_prune_killed_again_and_again_deletes_each_object_once() {
    let Some(alone) = Alone::new().await else { return };
    let daemon = alone.daemon(&[]).await;
    let Some(mut scene) = alone.scene(&daemon, "delete").await else { return };
    let keep = crate::support::scene::service("keep", json!({"replicas": 0}));
    let commit = scene.commit(&[("many.yaml", many(MANY, 1)), ("keep.yaml", keep)]);
    // A budget counts deletions before they are made: a daemon that is killed has counted too many.
    scene.create_sync(json!({"prune": {"enabled": true, "budget": 10_000}})).await;
    scene.applied(&commit).await;
    some(&scene, MANY + 1).await;

    let since = alone.audit.mark();
    let commit = scene.commit(&[("many.yaml", Value::Null)]);
    scene.request().await;
    let gone = async |scene: &Scene| MANY + 1 - scene.services().await.len();
    let _daemon = crashing(&alone, &mut scene, daemon, gone).await;
    scene.applied(&commit).await;
    eventually("all but one are gone", async || {
        let left = scene.services().await;
        holds(left == ["keep"], left)
    })
    .await;
    scene.settled().await;
    each_once(&alone, since, "delete", 200);
    scene.condition("Ready", "True", "Applied").await;
}

#[tokio::test]
async fn corrections_killed_again_and_again_put_each_object_back_once() {
    let Some(alone) = Alone::new().await else { return };
    let daemon = alone.daemon(&[]).await;
    let Some(mut scene) = alone.scene(&daemon, "correct").await else { return };
    let commit = scene.commit(&[("many.yaml", many(MANY, 1))]);
    scene.create_sync(json!({})).await;
    scene.applied(&commit).await;
    // While nobody corrects: all of it is there when the next daemon begins.
    daemon.kill();
    for index in 0..MANY {
        let patch = json!([{"op": "replace", "path": "/spec/image", "value": "example.com/many:7"}]);
        scene.kube.edit("somebody", "MicroService", &scene.namespace, &format!("many-{index:03}"), patch).await;
    }
    let daemon = alone.daemon(&[]).await;
    scene.log = daemon.log.clone();
    let corrected = async |scene: &Scene| {
        let all = scene.kube.list("MicroService", &scene.namespace).await;
        all.iter().filter(|one| one["spec"]["image"] == "example.com/many:1").count()
    };
    let _daemon = crashing(&alone, &mut scene, daemon, corrected).await;
    eventually("all are put back", async || {
        let count = corrected(&scene).await;
        holds(count == MANY, count)
    })
    .await;
    scene.settled().await;
    let all = scene.kube.list("MicroService", &scene.namespace).await;
    // One generation by the commit, one by somebody, one by the correction.
    let others: Vec<_> = all.iter().filter(|one| one["metadata"]["generation"] != 3).collect();
    assert!(others.is_empty(), "{} were written more than once: {:#}", others.len(), others[0]);
    scene.condition("Ready", "True", "Applied").await;
}
