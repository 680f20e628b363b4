//! Somebody keeps rewriting what is put back: it is told once, corrections slow down, and the API server is left in peace.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::told::manifest;
use crate::support::alone::Alone;
use crate::support::audit::{Audit, Mark};
use crate::support::daemon::Daemon;
use crate::support::kube::condition;
use crate::support::scene::Scene;
use crate::support::storm::{Counts, Storm, Weather};
use crate::support::{eventually, eventually_within, holds};

/// Edits of the other side, one after the other.
const EDITS: u32 = 300;
/// A fight is over some time after the last edit.
const LONG: Duration = Duration::from_secs(180);

/// What is fought for.
struct Fight {
    level: &'static str,
    kind: &'static str,
    resource: &'static str,
    condition: &'static str,
    drift: &'static str,
    /// An edit that differs from the one before, and what takes it back.
    edit: fn(u32) -> Value,
    declared: fn() -> Value,
}

const FOR_A_SERVICE: Fight = Fight {
    level: "source",
    kind: "MicroService",
    resource: "microservices",
    condition: "SourceDrifted",
    drift: "sourceDrift",
    edit: |number| json!({"metadata": {"labels": {"team": format!("t{number}")}}}),
    declared: || json!({"metadata": {"labels": {"team": null}}}),
};

impl Fight {
    async fn write(&self, scene: &Scene, patch: Value) {
        scene.kube.merge("keda", self.kind, &scene.namespace, "orders", patch).await;
    }

    /// How often the daemon wrote the object, and how often it tried.
    fn written(&self, audit: &Audit, since: Mark) -> (usize, usize) {
        let deeds = audit.deeds(since);
        let writes = deeds
            .iter()
            .filter(|deed| deed.is_write() && deed.call.resource == self.resource && deed.call.subresource.is_empty());
        let (mut done, mut tried) = (0, 0);
        for deed in writes {
            done += usize::from(deed.code < 300);
            tried += 1;
        }
        (done, tried)
    }

    async fn is_put_back(&self, scene: &Scene) {
        let put_back = |orders: &Value| condition(orders, self.condition)["reason"] == "Corrected";
        scene.service_that("orders", "it is put back", put_back).await;
    }

    async fn is_fought(&self) {
        let Some(alone) = Alone::new().await else { return };
        let daemon = alone.daemon(&[]).await;
        let Some(scene) = alone.scene(&daemon, "fight").await else { return };
        let commit = scene.commit(&[("orders.yaml", manifest(1))]);
        scene.create_sync(json!({})).await;
        scene.applied(&commit).await;
        scene.ready("orders").await;

        // Two edits in a row are no fight.
        for number in 0..2 {
            self.write(&scene, (self.edit)(number)).await;
            self.is_put_back(&scene).await;
        }
        let said = |message: &str| scene.log.lines(|line| line["message"] == message).len();
        let began = "somebody keeps rewriting what is put back; corrections slow down";
        assert_eq!(said(began), 0);

        let mark = alone.audit.mark();
        for number in 0..EDITS {
            self.write(&scene, (self.edit)(number)).await;
        }
        let fights = |orders: &Value| {
            condition(orders, self.condition)["reason"] == "Fighting"
                && orders["status"][self.drift]["fight"]["managers"] == json!(["keda"])
        };
        let orders = scene.service_that("orders", "it is fought for", fights).await;
        self.is_counted(&scene, &daemon).await;
        let fight = &orders["status"][self.drift]["fight"];
        assert!(
            fight["perMinute"].as_u64() >= Some(5) && fight["correctedEverySeconds"].as_u64() >= Some(15),
            "{fight}"
        );
        assert!(condition(&orders, self.condition)["message"].to_string().contains("again and again by keda"));
        scene.event("MicroService", "orders", "Fighting", "by keda").await;

        let (done, tried) = self.written(&alone.audit, mark);
        assert!(done <= 10 && tried <= 30, "{done} writes, {tried} tried, for {EDITS} edits");
        let statuses = alone.audit.calls(mark).into_iter().filter(|call| call.subresource == "status").count();
        assert!(statuses <= 60, "{statuses} writes of status, for {EDITS} edits");
        let told = scene.drift_lines(self.level, self.kind, "orders").len();
        assert!(told <= 30, "{told} lines, for {EDITS} edits");
        assert_eq!(said(began), 1, "told once");

        self.write(&scene, (self.declared)()).await;
        eventually_within("the fight is over", LONG, async || {
            let orders = scene.service("orders").await.unwrap();
            let over = orders["status"][self.drift].get("fight").is_none()
                && condition(&orders, self.condition)["status"] == "False";
            holds(over, &orders["status"])
        })
        .await;
        scene.event("MicroService", "orders", "FightEnded", "by keda").await;
        assert_eq!(said("nobody rewrites what is put back any more"), 1);
        let mark = alone.audit.mark();
        self.write(&scene, (self.edit)(1)).await;
        eventually("it is put back at once again", async || {
            let (done, _) = self.written(&alone.audit, mark);
            holds(done > 0, done)
        })
        .await;
        assert_eq!(said(began), 1);
    }

    /// The gauge is set now and then: until it is, the other side goes on.
    async fn is_counted(&self, scene: &Scene, daemon: &Daemon) {
        let level = format!("level=\"{}\"", self.level);
        let number = AtomicU32::new(EDITS);
        eventually("it is counted", async || {
            self.write(scene, (self.edit)(number.fetch_add(1, Ordering::Relaxed))).await;
            let counts = (
                daemon.metric("gitmoor_fights_total", &[&level]).await,
                daemon.metric("gitmoor_fought_objects", &[&level]).await,
            );
            holds((counts.0 - 1.0).abs() < 0.1 && (counts.1 - 1.0).abs() < 0.1, counts)
        })
        .await;
    }
}

/// A correction shows on the watch before its own answer is there: that nothing differs then ends no fight.
#[tokio::test]
async fn a_correction_whose_answer_is_late_ends_no_fight() {
    let Some(alone) = Alone::new().await else { return };
    let storm = Storm::before(&alone.credentials().await.kubeconfig(), 1, Counts::default()).await;
    let daemon = Daemon::start(&storm.kubeconfig(), &[]).await;
    let Some(scene) = alone.scene(&daemon, "late").await else { return };
    let commit = scene.commit(&[("orders.yaml", manifest(1))]);
    scene.create_sync(json!({})).await;
    scene.applied(&commit).await;
    scene.ready("orders").await;

    let number = AtomicU32::new(0);
    let slowed_to = async |every: u64, what: &str| {
        let slowest = AtomicU64::new(0);
        eventually_within(what, LONG, async || {
            let edit = (FOR_A_SERVICE.edit)(number.fetch_add(1, Ordering::Relaxed));
            FOR_A_SERVICE.write(&scene, edit).await;
            let orders = scene.service("orders").await.unwrap();
            let now = orders["status"]["sourceDrift"]["fight"]["correctedEverySeconds"].as_u64();
            slowest.fetch_max(now.unwrap_or_default(), Ordering::Relaxed);
            holds(now > Some(every), &orders["status"]["sourceDrift"])
        })
        .await;
        slowest.into_inner()
    };
    let every = slowed_to(0, "it is fought for").await;
    storm.becomes(Weather::Late(Duration::from_millis(500)));
    slowed_to(every, "the fight goes on after a correction in it").await;
    assert_eq!(scene.log.lines(|line| line["message"] == "nobody rewrites what is put back any more").len(), 0);
    let began = daemon.metric("gitmoor_fights_total", &["level=\"source\""]).await;
    assert!((began - 1.0).abs() < 0.1, "{began}");
}

#[tokio::test]
async fn a_fight_for_a_child_does_not_burn_the_api_server() {
    let fight = Fight {
        level: "workload",
        kind: "Deployment",
        resource: "deployments",
        condition: "WorkloadDrifted",
        drift: "workloadDrift",
        edit: |number| json!({"spec": {"replicas": 3 + number % 5}}),
        declared: || json!({"spec": {"replicas": 2}}),
    };
    fight.is_fought().await;
}

#[tokio::test]
async fn a_fight_for_a_microservice_does_not_burn_the_api_server() {
    FOR_A_SERVICE.is_fought().await;
}
