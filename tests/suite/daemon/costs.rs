//! What guards cost: a prune is as many deletions, and one write of the status before them.

use serde_json::{Value, json};

use super::alone::{many, some};
use crate::support::alone::Alone;
use crate::support::audit::Deed;
use crate::support::scene::service;
use crate::support::{eventually, holds};

/// More than were once written down at a time.
const MANY: usize = 200;

#[tokio::test]
async fn a_prune_writes_the_status_once_before_all_its_deletions_and_reads_nothing() {
    let Some(alone) = Alone::new().await else { return };
    // The controller looks, before it makes a child anew, whether the service is still there; that is no guard's doing.
    let daemon = alone.daemon(&["--components", "sync"]).await;
    let Some(scene) = alone.scene(&daemon, "prune").await else { return };
    let keep = service("keep", json!({"replicas": 0}));
    let commit = scene.commit(&[("many.yaml", many(MANY, 1)), ("keep.yaml", keep)]);
    scene.create_sync(json!({"prune": {"budget": "100%"}})).await;
    scene.applied(&commit).await;
    some(&scene, MANY + 1).await;
    scene.settled().await;

    let since = alone.audit.mark();
    let commit = scene.commit(&[("many.yaml", Value::Null)]);
    scene.request().await;
    scene.applied(&commit).await;
    eventually("all but one are gone", async || {
        let left = scene.services().await;
        holds(left == ["keep"], left.len())
    })
    .await;
    let deeds = alone.audit.deeds(since);
    let deletions: Vec<&Deed> = deeds.iter().filter(|deed| deed.call.verb == "delete").collect();
    assert_eq!(deletions.len(), MANY);
    let first = deletions.iter().map(|deed| deed.begun).min().unwrap();
    let last = deletions.iter().map(|deed| deed.begun).max().unwrap();
    // Whatever else is said within that time waits for nothing: no deletion stood behind a second write.
    let written = deeds.iter().filter(|deed| deed.call.resource == "gitsyncs" && deed.call.subresource == "status");
    assert!(written.clone().any(|deed| deed.done <= first), "what is about to be deleted is written down first");
    let of_status = written.clone().count();
    assert!(of_status <= 6, "{of_status} writes of the status between {first} and {last}");
    let reads: Vec<_> = deeds.iter().filter(|deed| !deed.is_write() && deed.call.verb != "watch").collect();
    assert!(reads.is_empty(), "{reads:#?}");
    let others = deeds.iter().filter(|deed| deed.is_write() && !["gitsyncs", "events"].contains(&&*deed.call.resource));
    assert_eq!(others.count(), MANY, "one call for each object");
}
