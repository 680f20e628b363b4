//! Hand-overs at their worst: a leader that is killed while it gives the Lease back, and daemons whose clocks differ. Whatever
//! happens, the API server's audit log has never two writers at a time, and nothing is written twice.

use std::os::unix::process::ExitStatusExt;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::alone::{many, some};
use super::leader::{SHORT, lease, never_overlap};
use crate::chaos::surroundings::Clock;
use crate::support::alone::{Alone, Credentials};
use crate::support::audit::{Deed, Mark};
use crate::support::daemon::Daemon;
use crate::support::git_server::skip;
use crate::support::scene::Scene;
use crate::support::storm::{Amid, Counts, Storm};
use crate::support::{eventually, holds};

/// Enough that a leader can be stopped amid them.
const MANY: usize = 100;
/// How long a Lease holds, by [`SHORT`].
const LEASE: i64 = 5;
/// How far a clock is before or behind that of the API server.
const WRONG: i64 = 60;

/// A daemon that wants to lead, behind a proxy that can kill it.
struct Candidate {
    credentials: Credentials,
    storm: Storm,
    daemon: Daemon,
}

impl Candidate {
    async fn of(alone: &Alone, clock: Option<&Clock>) -> Self {
        let credentials = alone.credentials().await;
        let storm = Storm::before(&credentials.kubeconfig(), 1, Counts::default()).await;
        let environment = clock.map(Clock::environment).unwrap_or_default();
        let daemon = Daemon::spawn_in(&storm.kubeconfig(), &SHORT, &environment);
        Self { credentials, storm, daemon }
    }

    async fn leads(&self) {
        self.daemon.log.message("leading").await;
    }

    async fn stands_by(&self) {
        self.daemon.log.message("standing by").await;
        self.daemon.log.message("watch caches are complete").await;
    }
}

/// How often and when somebody wrote the Lease, and what it wrote besides.
fn deeds(alone: &Alone, since: Mark, whose: &Credentials) -> (Vec<Deed>, Vec<Deed>) {
    let deeds = alone.audit.deeds(since).into_iter();
    let own = deeds.filter(|deed| deed.token == whose.id && deed.is_write());
    let (mut held, written): (Vec<_>, _) = own.partition(|deed| deed.call.resource == "leases");
    held.retain(|deed| deed.code < 300);
    (held, written)
}

/// How long after the last write of the Lease by the first the second took it, in milliseconds. They never wrote at a time.
fn taken_after(alone: &Alone, since: Mark, first: &Credentials, second: &Credentials) -> i64 {
    let ((first, before), (second, after)) = (deeds(alone, since, first), deeds(alone, since, second));
    never_overlap(&[before, after]);
    let last = first.iter().map(|deed| deed.done).max().unwrap_or(Timestamp::UNIX_EPOCH);
    let taken = second.iter().map(|deed| deed.begun).min().unwrap();
    i64::try_from(taken.duration_since(last).as_millis()).unwrap()
}

/// All are as the commit says, and none was created or changed twice.
async fn all_once(alone: &Alone, scene: &Scene, since: Mark, commit: &str, version: i64) {
    let status = scene.applied(commit).await;
    assert_eq!(status["counts"]["declared"], MANY, "{status:#}");
    let all = scene.kube.list("MicroService", &scene.namespace).await;
    assert_eq!(all.len(), MANY);
    let odd: Vec<_> = all.iter().filter(|one| one["metadata"]["generation"] != version).collect();
    assert!(odd.is_empty(), "{} were not written {version} times: {:#}", odd.len(), odd[0]);
    let created = alone.audit.times(since, "patch", "microservices", 201);
    assert_eq!(created.values().max(), Some(&1), "none was created twice");
    assert_eq!(scene.log.lines(|line| line["message"] == "drift"), Vec::<Value>::new(), "a hand-over is no drift");
}

#[tokio::test]
async fn a_leader_killed_while_it_gives_the_lease_back_is_followed_in_time_and_nothing_is_written_twice() {
    let Some(alone) = Alone::new().await else { return };
    let since = alone.audit.mark();
    let first = Candidate::of(&alone, None).await;
    first.leads().await;
    let second = Candidate::of(&alone, None).await;
    second.stands_by().await;
    let Some(mut scene) = alone.scene(&first.daemon, "release").await else { return };
    let commit = scene.commit(&[("many.yaml", many(MANY, 1))]);
    scene.create_sync(json!({})).await;
    some(&scene, 5).await;

    // Before it is passed on: nobody hears of it, and the Lease has to run out.
    let log = first.daemon.log.clone();
    let Candidate { credentials, storm, daemon } = first;
    storm.aim(daemon.process(), Amid::Release, false);
    assert_eq!(daemon.terminate().await.signal(), Some(9), "{}", log.tail());
    assert_eq!(log.lines(|line| line["message"] == "the Lease is released"), Vec::<Value>::new());
    let third = Candidate::of(&alone, None).await;
    second.leads().await;
    scene.log = second.daemon.log.clone();
    all_once(&alone, &scene, since, &commit, 1).await;
    let waited = taken_after(&alone, since, &credentials, &second.credentials);
    assert!(waited >= LEASE * 1000, "it took over after {waited} ms, before the Lease had run out");

    // After it is done: the Lease is nobody's, and who stands by has it before it would have run out.
    third.stands_by().await;
    let commit = scene.commit(&[("many.yaml", many(MANY, 2))]);
    scene.request().await;
    eventually("it is amid the second commit", async || {
        let all = scene.kube.list("MicroService", &scene.namespace).await;
        let changed = all.iter().filter(|one| one["metadata"]["generation"] == 2).count();
        holds(changed >= 5, changed)
    })
    .await;
    let log = second.daemon.log.clone();
    let Candidate { credentials, storm, daemon } = second;
    storm.aim(daemon.process(), Amid::Release, true);
    assert_eq!(daemon.terminate().await.signal(), Some(9), "{}", log.tail());
    assert_eq!(log.lines(|line| line["message"] == "the Lease is released"), Vec::<Value>::new());
    third.leads().await;
    scene.log = third.daemon.log.clone();
    all_once(&alone, &scene, since, &commit, 2).await;
    let waited = taken_after(&alone, since, &credentials, &third.credentials);
    assert!(waited < LEASE * 1000, "it took over after {waited} ms, when the Lease had run out anyway");
    assert_eq!(lease(&alone).await["leaseTransitions"], 2);
}

#[tokio::test]
async fn of_two_daemons_whose_clocks_differ_never_two_write_whether_the_leader_is_killed_or_told_to_end() {
    let Some(alone) = Alone::new().await else { return };
    let (Some(ahead), Some(behind)) = (Clock::new(), Clock::new()) else {
        return skip("libfaketime is not installed").unwrap_or_default();
    };
    ahead.set(WRONG);
    behind.set(-WRONG);
    let since = alone.audit.mark();
    let first = Candidate::of(&alone, Some(&ahead)).await;
    first.leads().await;
    let second = Candidate::of(&alone, Some(&behind)).await;
    second.stands_by().await;
    let Some(mut scene) = alone.scene(&first.daemon, "clocks").await else { return };
    let commit = scene.commit(&[("many.yaml", many(MANY, 1))]);
    scene.create_sync(json!({})).await;
    some(&scene, 5).await;

    // What the leader has written of its time is two minutes in the future of who stands by.
    let Candidate { credentials, daemon, .. } = first;
    daemon.kill();
    second.leads().await;
    scene.log = second.daemon.log.clone();
    all_once(&alone, &scene, since, &commit, 1).await;
    let waited = taken_after(&alone, since, &credentials, &second.credentials);
    assert!(waited >= LEASE * 1000, "it took over after {waited} ms, before the Lease had run out");

    // And what this one has written is two minutes ago for the next: long over, and it is not.
    let third = Candidate::of(&alone, Some(&ahead)).await;
    third.stands_by().await;
    let commit = scene.push(&[("many.yaml", many(MANY, 2))]).await;
    assert!(deeds(&alone, since, &third.credentials).1.is_empty(), "who stands by writes nothing");
    let log = second.daemon.log.clone();
    let Candidate { credentials, daemon, .. } = second;
    assert_eq!(daemon.terminate().await.code(), Some(0), "{}", log.tail());
    third.leads().await;
    scene.log = third.daemon.log.clone();
    all_once(&alone, &scene, since, &commit, 2).await;
    let commit = scene.push(&[("many.yaml", many(MANY, 3))]).await;
    all_once(&alone, &scene, since, &commit, 3).await;
    never_overlap(&[deeds(&alone, since, &credentials).1, deeds(&alone, since, &third.credentials).1]);
}
