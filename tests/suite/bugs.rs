//! What becomes of a bug: a piece of the real controller that panics at one service, for a while.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use gitmoor::api::SourceMark;
use gitmoor::cluster::{Cluster, Events, Services, microservices, watch};
use gitmoor::controller::{Controller, ControllerDeps, Queue, RuleBooks};
use gitmoor::drift::RuleBook;
use gitmoor::model::pause::PauseMarks;
use gitmoor::report::redact::Redactor;
use gitmoor::server::Pulse;
use gitmoor::telemetry::{Metrics, Spans};
use gitmoor::trace::Tracer;
use gitmoor::workload::defaults::Defaults;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::support::alone::Alone;
use crate::support::canary::secret;
use crate::support::kube::condition;
use crate::support::scene::service;
use crate::support::{Kube, eventually, holds};

/// The GitSync whose rules nobody can read.
const POISONED: &str = "shop/poisoned";

/// Rules of which those of one GitSync have a bug, until it is mended.
#[derive(Default)]
struct Poisoned {
    mended: AtomicBool,
}

impl RuleBooks for Poisoned {
    fn of(&self, sync: &str) -> Arc<RuleBook> {
        let value = secret!("in-a-panic");
        assert!(sync != POISONED || self.mended.load(Ordering::Relaxed), "index out of bounds: {value}");
        Arc::default()
    }

    fn pause(&self, _: &str) -> Option<PauseMarks> {
        None
    }

    fn decided(&self, _: &str, _: &RuleBook, _: &[usize]) {}
}

/// A controller in this process.
struct Running {
    rules: Arc<Poisoned>,
    metrics: Metrics,
    pulse: Pulse,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

fn run(kube: &Kube) -> Running {
    let (metrics, pulse, stop) = (Metrics::new("test"), Pulse::default(), CancellationToken::new());
    let cluster = Cluster::new(kube.client.clone(), metrics.clone(), Duration::from_secs(20));
    let (services, rules) = (Arc::<Services>::default(), Arc::<Poisoned>::default());
    let ((queue, timer), (tracer, traces)) = (Queue::new(), Tracer::new());
    let adding = queue.clone();
    services.listen(move |update| adding.add(update.key.clone()));
    // The sender is of no more use: what is decided stays.
    let (_, defaults) = tokio::sync::watch::channel(Some(Arc::<Defaults>::default()));
    let controller = Controller::new(ControllerDeps {
        cluster: cluster.clone(),
        services: Arc::clone(&services),
        rule_books: Arc::clone(&rules) as Arc<dyn RuleBooks>,
        events: Events::start(kube.client.clone(), "gitmoor", Some("test".into())),
        metrics: metrics.clone(),
        tracer,
        pulse: pulse.clone(),
        queue,
        redact: Arc::<Redactor>::default(),
        defaults,
        spans: Spans::default(),
    });
    let mut tasks = JoinSet::new();
    tasks.spawn(timer);
    tasks.spawn(async move { traces.run().await });
    tasks.spawn(watch::follow(cluster, microservices(), None, services));
    tasks.spawn(controller.run(2, std::future::ready(()), stop.clone()));
    Running { rules, metrics, pulse, stop, tasks }
}

async fn make(kube: &Kube, namespace: &str, name: &str, sync: &str) {
    let mut object = service(name, json!({"ports": [{"containerPort": 8080}]}));
    let mark = SourceMark { sync: sync.into(), sync_uid: "1".into(), object: format!("{namespace}/{name}") };
    object["metadata"]["namespace"] = json!(namespace);
    object["metadata"]["annotations"] = json!({"gitmoor.dev/source": mark.to_string()});
    kube.create(&object).await;
}

async fn that(kube: &Kube, namespace: &str, name: &str, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
    eventually(&format!("{name}: {what}"), async || {
        let found = kube.get("MicroService", namespace, name).await;
        holds(fits(&found), &found["status"]).map(|()| found.clone())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reconcile_that_falls_is_told_without_its_words_tried_again_and_nobody_elses_concern() {
    let Some(alone) = Alone::new().await else { return };
    let kube = alone.kube.clone();
    let namespace = kube.namespace("bugs").await;
    let mut running = run(&kube);
    make(&kube, &namespace, "sick", POISONED).await;
    let is_told = |found: &Value| condition(found, "Ready")["reason"] == "InternalBug";
    let sick = that(&kube, &namespace, "sick", "the bug is told", is_told).await;
    let (ready, reconciling) = (condition(&sick, "Ready"), condition(&sick, "Reconciling"));
    assert_eq!((&ready["status"], &reconciling["status"]), (&json!("False"), &json!("True")), "{sick:#}");
    let said = ready["message"].as_str().unwrap();
    assert!(said.contains("a bug in Gitmoor") && said.contains("please report it"), "{said}");
    assert!(!sick.to_string().contains("out of bounds"), "the words of a panic may be a value: {sick:#}");
    eventually("an Event tells it, too", async || {
        let events = kube.list("Event", &namespace).await;
        holds(events.iter().any(|event| event["reason"] == "InternalBug" && event["type"] == "Warning"), &events)
    })
    .await;

    // The others go on, through the same two workers.
    for number in 0..4 {
        make(&kube, &namespace, &format!("well{number}"), "shop/main").await;
    }
    for number in 0..4 {
        that(&kube, &namespace, &format!("well{number}"), "it is ready", |found| {
            condition(found, "Ready")["status"] == "True"
        })
        .await;
    }
    assert_eq!(running.pulse.stalled(), [], "no loop ended");
    let failed = running.metrics.encode();
    assert!(failed.contains("gitmoor_reconcile_duration_seconds_count{result=\"failed\"}"), "{failed}");

    // Once it is mended, the next try succeeds: nobody has to restart anything.
    running.rules.mended.store(true, Ordering::Relaxed);
    let sick =
        that(&kube, &namespace, "sick", "it is ready", |found| condition(found, "Ready")["status"] == "True").await;
    assert!(condition(&sick, "Reconciling").is_null(), "{sick:#}");
    running.stop.cancel();
    running.tasks.shutdown().await;
}
