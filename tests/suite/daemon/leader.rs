//! Several daemons of which one acts: two real processes before a real API server.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::alone::{many, some};
use super::crashes::IN_FLIGHT;
use super::listeners::{PUSH, push, signature};
use crate::support::alone::{Alone, Credentials};
use crate::support::audit::{Deed, Mark};
use crate::support::canary::secret;
use crate::support::daemon::{Daemon, OPERATOR};
use crate::support::log::Log;
use crate::support::proxy::{Network, Proxy};
use crate::support::scene::{Scene, service};
use crate::support::{eventually, eventually_within, holds};

/// A lease that a slow machine can renew in time, and that a test can wait for.
pub const SHORT: [&str; 7] =
    ["--leader-elect", "--lease-duration", "5s", "--renew-deadline", "3s", "--retry-period", "500ms"];
/// A lease that does not end while a test runs: who takes over was let to.
const LONG: [&str; 7] = ["--leader-elect", "--lease-duration", "10m", "--renew-deadline", "5m", "--retry-period", "1s"];
/// More than a hand-over takes, and far less than such a lease.
const AT_ONCE: Duration = Duration::from_secs(10);
/// Enough that a leader can be stopped amid them.
const MANY: usize = 200;

/// A leader and a standby.
struct Two {
    alone: Alone,
    since: Mark,
    leader: Daemon,
    standby: Daemon,
    /// Their tokens, by which the audit log tells them apart.
    tokens: [String; 2],
}

impl Two {
    async fn new(flags: &[&str]) -> Option<Self> {
        let alone = Alone::new().await?;
        let credentials = alone.credentials().await;
        Some(Self::with(alone, &credentials.kubeconfig(), &credentials, flags).await)
    }

    async fn with(alone: Alone, kubeconfig: &std::path::Path, first: &Credentials, flags: &[&str]) -> Self {
        let since = alone.audit.mark();
        let leader = Daemon::start(kubeconfig, flags).await;
        leader.log.message("leading").await;
        let second = alone.credentials().await;
        let standby = Daemon::start(&second.kubeconfig(), flags).await;
        standby.log.message("standing by").await;
        standby.log.message("watch caches are complete").await;
        Self { alone, since, leader, standby, tokens: [first.id.clone(), second.id] }
    }

    /// Writes of the first and of the second, less those of the Lease, in their order.
    fn writes(&self) -> [Vec<Deed>; 2] {
        writes(&self.alone, self.since, &self.tokens)
    }
}

fn writes(alone: &Alone, since: Mark, tokens: &[String; 2]) -> [Vec<Deed>; 2] {
    let deeds = alone.audit.deeds(since);
    let of = |token: &String| {
        let own = deeds.iter().filter(|deed| deed.token == *token && deed.is_write() && deed.call.resource != "leases");
        own.cloned().collect::<Vec<_>>()
    };
    [of(&tokens[0]), of(&tokens[1])]
}

/// The second wrote nothing before the first had written its last.
pub fn never_overlap([first, second]: &[Vec<Deed>; 2]) {
    assert!(!first.is_empty() && !second.is_empty(), "both have led: {} {}", first.len(), second.len());
    let last = first.iter().max_by_key(|deed| deed.done).unwrap();
    let begins = second.iter().min_by_key(|deed| deed.begun).unwrap();
    assert!(last.done <= begins.begun, "both wrote at a time: {last:#?}\n{begins:#?}");
}

pub async fn lease(alone: &Alone) -> Value {
    alone.kube.get("Lease", OPERATOR, "gitmoor").await["spec"].take()
}

fn time_of(log: &Log, message: &str) -> Timestamp {
    let line = log.lines(|line| line["message"] == message).pop().unwrap_or_else(|| panic!("{}", log.tail()));
    line["timestamp"].as_str().unwrap().parse().unwrap()
}

const LOST: &str = "leadership is lost; this process ends at once, so that no two write";

#[tokio::test]
async fn of_two_daemons_one_acts_and_the_other_takes_over_when_the_first_is_told_to_end() {
    let Some(two) = Two::new(&LONG).await else { return };
    for (daemon, leads, role) in [(&two.leader, 1.0, "leader"), (&two.standby, 0.0, "standby")] {
        assert_eq!(daemon.metric("gitmoor_leader", &[]).await, leads, "{role}");
        assert_eq!(daemon.ops("/healthz").await.0, 200, "{role}");
        let (status, body) = daemon.ops("/readyz").await;
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!((status, body), (200, json!({"status": "ready", "role": role})));
    }
    let held = lease(&two.alone).await;
    assert_eq!((&held["leaseDurationSeconds"], &held["leaseTransitions"]), (&json!(600), &json!(0)), "{held}");
    let Some(mut scene) = two.alone.scene(&two.leader, "handover").await else { return };
    let commit = scene.commit(&[("a.yaml", service("a", json!({})))]);
    scene.create_sync(json!({})).await;
    scene.applied(&commit).await;
    scene.ready("a").await;
    let [_, idle] = two.writes();
    assert!(idle.is_empty(), "a standby writes nothing: {idle:#?}");

    let (alone, since, tokens) = (two.alone, two.since, two.tokens);
    let log = two.leader.log.clone();
    assert_eq!(two.leader.terminate().await.code(), Some(0), "{}", log.tail());
    eventually_within("the standby leads long before the lease has run out", AT_ONCE, async || {
        let leads = two.standby.log.lines(|line| line["message"] == "leading");
        holds(leads.len() == 1, two.standby.log.tail())
    })
    .await;
    scene.log = two.standby.log.clone();
    let commit = scene.push(&[("a.yaml", service("a", json!({"replicas": 2})))]).await;
    scene.applied(&commit).await;
    scene.ready("a").await;
    assert_eq!(scene.log.lines(|line| line["message"] == "drift"), Vec::<Value>::new(), "a hand-over is no drift");
    assert_eq!(two.standby.metric("gitmoor_leader", &[]).await, 1.0);
    assert_eq!(lease(&alone).await["leaseTransitions"], 1);
    never_overlap(&writes(&alone, since, &tokens));

    // Whoever ends last leaves the lease to nobody.
    assert_eq!(two.standby.terminate().await.code(), Some(0));
    assert_eq!(lease(&alone).await["holderIdentity"], Value::Null);
}

#[tokio::test]
async fn a_leader_killed_while_it_applies_is_followed_by_the_standby_when_its_lease_has_run_out() {
    let Some(two) = Two::new(&SHORT).await else { return };
    let Some(mut scene) = two.alone.scene(&two.leader, "crash").await else { return };
    let commit = scene.commit(&[("many.yaml", many(MANY, 1))]);
    scene.create_sync(json!({})).await;
    some(&scene, 5).await;
    two.leader.kill();
    let half = scene.kube.list("MicroService", &scene.namespace).await;
    assert!(half.len() < MANY, "it was killed too late for this test to show anything");

    scene.log = two.standby.log.clone();
    let status = scene.applied(&commit).await;
    let whole = scene.kube.list("MicroService", &scene.namespace).await;
    assert_eq!(whole.len(), MANY);
    assert!(whole.iter().all(|one| one["spec"]["image"] == "example.com/many:1"));
    let uid = |one: &Value| one["metadata"]["uid"].clone();
    assert!(
        half.iter().all(|one| whole.iter().any(|other| uid(other) == uid(one))),
        "what was there is the same object"
    );
    // What the first was told when it was killed may not be in the log.
    let created = two.alone.audit.times(two.since, "patch", "microservices", 201);
    assert_eq!(created.values().max(), Some(&1), "none was created twice");
    assert!(created.len() + IN_FLIGHT >= MANY, "{} were created", created.len());
    assert_eq!(status["counts"]["declared"], MANY, "{status:#}");
    scene.condition("Ready", "True", "Applied").await;
    assert_eq!(scene.log.lines(|line| line["message"] == "drift"), Vec::<Value>::new(), "a crash is no drift");

    let writes = writes(&two.alone, two.since, &two.tokens);
    never_overlap(&writes);
    let renewals = two.alone.audit.deeds(two.since).into_iter();
    let renewed = renewals.filter(|deed| deed.token == two.tokens[0] && deed.call.resource == "leases");
    let renewed = renewed.map(|deed| deed.done).max().unwrap();
    let waited = writes[1][0].begun.duration_since(renewed);
    assert!(waited.as_secs() >= 5, "it took over {waited:?} after the last renewal, before the lease had run out");
}

#[tokio::test]
async fn a_leader_that_is_cut_off_ends_by_its_own_clock_before_another_writes() {
    let Some(alone) = Alone::new().await else { return };
    let credentials = alone.credentials().await;
    let proxy = Proxy::before(&credentials.kubeconfig(), Network::Works).await;
    let two = Two::with(alone, &proxy.kubeconfig(), &credentials, &SHORT).await;
    let Some(mut scene) = two.alone.scene(&two.leader, "cut").await else { return };
    let commit = scene.commit(&[("many.yaml", many(MANY, 1))]);
    scene.create_sync(json!({})).await;
    some(&scene, 5).await;
    proxy.becomes(Network::Silent);

    let cut_off = two.leader.log.clone();
    assert_eq!(two.leader.ended().await.code(), Some(3), "{}", cut_off.tail());
    scene.log = two.standby.log.clone();
    scene.applied(&commit).await;
    assert_eq!(scene.services().await.len(), MANY);
    assert!(time_of(&cut_off, LOST) < time_of(&scene.log, "leading"), "it had ended before another began");
    let why = cut_off.lines(|line| line["message"] == LOST)[0]["why"].to_string();
    assert!(why.contains("could not be renewed"), "{why}");
    never_overlap(&writes(&two.alone, two.since, &two.tokens));
}

#[tokio::test]
async fn a_leader_that_was_stopped_for_a_while_writes_nothing_when_it_goes_on() {
    let Some(two) = Two::new(&SHORT).await else { return };
    let Some(mut scene) = two.alone.scene(&two.leader, "stopped").await else { return };
    let commit = scene.commit(&[("many.yaml", many(MANY, 1))]);
    scene.create_sync(json!({})).await;
    some(&scene, 5).await;
    two.leader.signal("STOP");
    scene.log = two.standby.log.clone();
    scene.applied(&commit).await;
    let log = two.leader.log.clone();
    two.leader.signal("CONT");
    assert_eq!(two.leader.ended().await.code(), Some(3), "{}", log.tail());
    log.message(LOST).await;
    assert_eq!(scene.services().await.len(), MANY);
    scene.settled().await;
    never_overlap(&writes(&two.alone, two.since, &two.tokens));
}

#[tokio::test]
async fn a_lease_that_another_took_ends_the_leader_at_its_next_renewal() {
    let Some(two) = Two::new(&SHORT).await else { return };
    let patch = json!({"spec": {"holderIdentity": "somebody", "leaseDurationSeconds": 3600}});
    two.alone.kube.merge("somebody", "Lease", OPERATOR, "gitmoor", patch).await;
    let log = two.leader.log.clone();
    assert_eq!(two.leader.ended().await.code(), Some(3), "{}", log.tail());
    let line = log.message(LOST).await;
    assert_eq!(line["why"], "somebody has the Lease");
    // And the standby knows whom it waits for.
    two.standby.log.line("it stands by", |line| line["message"] == "standing by" && line["holder"] == "somebody").await;
}

#[tokio::test]
async fn a_push_to_a_standby_is_heard_by_the_leader() {
    let Some(two) = Two::new(&SHORT).await else { return };
    let Some(scene) = two.alone.scene(&two.leader, "pass").await else { return };
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"namespace": OPERATOR, "name": "hook"},
        "stringData": {"token": secret!("token")}
    });
    two.alone.kube.apply("suite", &secret).await.unwrap();
    let scene = Scene { home: OPERATOR.into(), sync: "hooked".into(), ..scene };
    let commit = scene.commit(&[("a.yaml", service("a", json!({})))]);
    let spec = json!({"targetNamespace": scene.namespace, "allowedNamespaces": [scene.namespace]});
    let mut spec = spec;
    spec["webhook"] = json!({"secretRef": {"name": "hook"}});
    scene.create_sync(spec).await;
    scene.applied(&commit).await;
    scene.settled().await;

    let path = format!("{OPERATOR}/hooked");
    let commit = scene.commit(&[("a.yaml", service("a", json!({"replicas": 2})))]);
    for (what, signature, expected) in
        [("without a signature", None, 401), ("of another token", Some(signature(PUSH, "other")), 403)]
    {
        assert_eq!(push(&two.standby, &path, signature.as_deref(), PUSH).await.0, expected, "{what}");
    }
    let asked = scene.get_sync().await["metadata"]["annotations"]["gitmoor.dev/reconcile-requested-at"].clone();
    let signed = signature(PUSH, secret!("token"));
    let answers = futures::future::join_all((0..50).map(|_| push(&two.standby, &path, Some(&signed), PUSH))).await;
    assert!(answers.iter().all(|(status, answer)| *status == 202 && answer["result"] == "queued"), "{answers:?}");
    // It polls once an hour: nothing else can bring the commit.
    let status = scene.applied(&commit).await;
    assert_ne!(status["lastHandledReconcileAt"], asked, "{status:#}");
    let handled = status["lastHandledReconcileAt"].as_str().unwrap_or_default();
    assert!(
        handled.starts_with("push-announced@"),
        "the leader knows it for a push, which makes polls rare: {handled}"
    );
    let [_, own] = two.writes();
    let all_marks = own.iter().all(|deed| {
        (&*deed.call.verb, &*deed.call.resource, &*deed.call.subresource, &*deed.call.name)
            == ("patch", "gitsyncs", "", "hooked")
    });
    assert!(all_marks && (1..=3).contains(&own.len()), "fifty pushes are hardly more than one write: {own:#?}");
}

#[tokio::test]
async fn a_daemon_alone_asks_for_no_lease() {
    let Some(alone) = Alone::new().await else { return };
    let since = alone.audit.mark();
    let daemon = alone.daemon(&[]).await;
    let Some(scene) = alone.scene(&daemon, "nolease").await else { return };
    let commit = scene.commit(&[("a.yaml", service("a", json!({})))]);
    scene.create_sync(json!({})).await;
    scene.applied(&commit).await;
    assert_eq!(daemon.metric("gitmoor_leader", &[]).await, 1.0, "it acts");
    assert_eq!(daemon.ops("/readyz").await.1, r#"{"status":"ready"}"#);
    assert_eq!(daemon.terminate().await.code(), Some(0));
    let asked = alone.audit.deeds(since).into_iter().filter(|deed| deed.call.resource == "leases");
    assert_eq!(asked.count(), 0);
    eventually("there is no Lease", async || {
        holds(alone.kube.find("Lease", OPERATOR, "gitmoor").await.is_none(), "there is one")
    })
    .await;
}
