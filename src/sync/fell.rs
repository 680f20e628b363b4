//! Keeps the loop of a GitSync: where it falls over a bug of ours, that is said in its status, as an Event and in the log, and
//! the loop begins anew after a pause. The loops of other GitSyncs do not hear of it.

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use super::inbox::Inbox;
use super::run::SyncDeps;
use crate::api::names::SYNC_MANAGER;
use crate::api::{GitSync, GitSyncStatus};
use crate::cluster::{CallError, EventNote, gitsyncs};
use crate::model::ObjectKey;
use crate::report::bug::{self, BUG};
use crate::server::Beat;
use crate::telemetry::panics::{Panicked, kept};

/// A loop that is silent for longer than this beyond its timers is stuck.
const STALLED: Duration = Duration::from_secs(120);

/// What is done for one GitSync, again and again as long as it falls.
pub struct Kept {
    pub deps: SyncDeps,
    pub key: ObjectKey,
    pub inbox: Arc<Inbox>,
    pub stop: CancellationToken,
    /// What it is called where it stands still.
    pub name: String,
}

impl Kept {
    /// Runs until it ends by itself or is told to stop.
    pub async fn run(self, mut begin: impl FnMut(Arc<Beat>) -> BoxFuture<'static, ()> + Send + 'static) {
        let beat = Arc::new(self.deps.pulse.register(self.name.as_str(), STALLED));
        let fell = |panicked: Panicked, pause: Duration| {
            beat.idle_for(pause);
            // Whatever it knew is gone: the spec is news again.
            self.inbox.spec_changed();
            Box::pin(tell(self.deps.clone(), self.key.clone(), panicked, pause))
        };
        kept(&self.stop, || begin(Arc::clone(&beat)), fell).await;
    }
}

async fn tell(deps: SyncDeps, key: ObjectKey, panicked: Panicked, pause: Duration) {
    let (code, place) = (Panicked::code(), &panicked.place);
    error!(sync = %key, code, reason = BUG, %place, again_in = ?pause, "a loop fell over a bug; it begins anew");
    let Some(entry) = deps.live.gitsyncs.get(&key) else { return };
    let message = panicked.to_string();
    let uid = Some(&*entry.object.uid);
    deps.events.emit(EventNote::on("GitSync", &key, uid, BUG, "Sync", message.clone()).warning());
    let Ok(gitsync) = entry.object.parse::<GitSync>() else { return };
    let previous: GitSyncStatus = gitsync.status.unwrap_or_default();
    let status = bug::gitsync(&previous, gitsync.metadata.generation, &message, jiff::Timestamp::now());
    // A status type is plain data.
    let wanted = serde_json::to_value(&status).unwrap_or_default();
    match deps.cluster.apply_status(&gitsyncs(), &key, &wanted, SYNC_MANAGER).await {
        Ok(answer) => deps.live.gitsyncs.answered(answer),
        Err(CallError::NotFound(_)) => {}
        Err(error) => warn!(sync = %key, code = error.code(), reason = error.reason(), %error, "status not written"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use http::{Method, Request, Response};
    use kube::Client;
    use kube::client::Body;
    use serde_json::{Value, json};
    use tokio::sync::Semaphore;

    use super::*;
    use crate::cluster::{Cluster, Events, Targets};
    use crate::model::LiveObject;
    use crate::source::{SourceOptions, Sources};
    use crate::sync::{Neighbours, RuleUse};
    use crate::telemetry::panics::watch_in_tests;
    use crate::telemetry::{Metrics, Spans};
    use crate::trace::Tracer;

    /// What was asked of the API server: method, path and body.
    type Asked = Arc<Mutex<Vec<(Method, String, Value)>>>;

    fn gitsync(name: &str) -> Value {
        json!({
            "apiVersion": "gitmoor.dev/v1alpha1", "kind": "GitSync",
            "metadata": {"namespace": "shop", "name": name, "uid": name, "resourceVersion": "5", "generation": 2},
            "spec": {"url": "https://git.example.com/a.git"},
            "status": {"observedGeneration": 2, "counts": {"declared": 7}}
        })
    }

    /// An API server that takes notes, and gives back what it was sent.
    fn server(asked: &Asked) -> Client {
        let notes = Arc::clone(asked);
        let service = tower::service_fn(move |request: Request<Body>| {
            let notes = Arc::clone(&notes);
            async move {
                let (head, body) = request.into_parts();
                let body: Value = serde_json::from_slice(&body.collect_bytes().await?).unwrap_or_default();
                let mut answer = body.clone();
                answer["metadata"]["uid"] = json!("main");
                answer["metadata"]["resourceVersion"] = json!("6");
                notes.lock().unwrap().push((head.method, head.uri.path().to_owned(), body));
                Ok::<_, kube::Error>(Response::new(Body::from(answer.to_string().into_bytes())))
            }
        });
        Client::new(service, "default")
    }

    fn deps(asked: &Asked) -> SyncDeps {
        let (client, metrics) = (server(asked), Metrics::new("1"));
        let live = Targets { services: Arc::default(), gitsyncs: Arc::default() };
        live.gitsyncs.answered(LiveObject::from_json(gitsync("main")).unwrap());
        let operator: Arc<str> = "gitmoor-system".into();
        SyncDeps {
            cluster: Cluster::new(client.clone(), metrics.clone(), Duration::from_secs(5)),
            sources: Sources::new(SourceOptions::new("/nonexistent")),
            events: Events::start(client, "gitmoor", Some("test".into())),
            metrics,
            pulse: crate::server::Pulse::default(),
            operator_namespace: Arc::clone(&operator),
            default_service_account: None,
            neighbours: Arc::new(Neighbours::new(Arc::clone(&live.gitsyncs), operator)),
            rule_use: Arc::new(RuleUse::new(jiff::SignedDuration::from_hours(1))),
            permits: Arc::new(Semaphore::new(1)),
            tracer: Tracer::new().0,
            teller: None,
            redact: Arc::default(),
            spans: Spans::default(),
            live,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_loop_that_falls_is_told_in_its_status_without_its_words_and_begins_anew() {
        watch_in_tests();
        let (asked, begun) = (Asked::default(), Arc::new(AtomicUsize::new(0)));
        let deps = deps(&asked);
        let (pulse, events) = (deps.pulse.clone(), deps.events.clone());
        let inbox = Arc::<Inbox>::default();
        let kept = Kept {
            deps,
            key: ObjectKey::new("shop", "main"),
            inbox: Arc::clone(&inbox),
            stop: CancellationToken::new(),
            name: "sync shop/main".into(),
        };
        let count = Arc::clone(&begun);
        let began = tokio::time::Instant::now();
        kept.run(move |beat| {
            let turn = count.fetch_add(1, Ordering::Relaxed);
            Box::pin(async move {
                beat.at("planning");
                assert!(turn == 2, "the password is hunter2");
            })
        })
        .await;
        assert_eq!(begun.load(Ordering::Relaxed), 3, "it fell twice, and then went on");
        assert!(began.elapsed() >= Duration::from_millis(1500), "after a pause, and then a longer one");
        assert_eq!(pulse.stalled(), [], "a loop that begins anew is not stuck");
        assert!(inbox.take().await.spec, "the spec is news again");

        events.flush(Duration::from_secs(5)).await;
        let asked = asked.lock().unwrap();
        let all = format!("{asked:?}");
        assert!(!all.contains("hunter2") && all.contains("src/sync/fell.rs:"), "{all}");
        let statuses: Vec<_> = asked.iter().filter(|(_, path, _)| path.ends_with("/gitsyncs/main/status")).collect();
        assert!(!statuses.is_empty(), "{all}");
        let (method, _, body) = statuses[0];
        assert_eq!((method, &body["status"]["counts"]["declared"]), (&Method::PATCH, &json!(7)), "the rest stands");
        let ready = &body["status"]["conditions"][0];
        assert_eq!(
            (&ready["type"], &ready["status"], &ready["reason"]),
            (&json!("Ready"), &json!("False"), &json!(BUG))
        );
        assert!(asked.iter().any(|(_, path, body)| path.ends_with("/events") && body["reason"] == BUG), "{all}");
    }
}
