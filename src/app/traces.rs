//! Wires the tracer: who hears what it found, and from whom it learns who changed what.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::App;
use crate::cluster::{Service, Update, follow_attribution};
use crate::controller::Queue;
use crate::model::Kind;
use crate::sync::Syncs;
use crate::telemetry::metrics::DriftLevel;
use crate::trace::{Tracer, Worker};

/// The tracer, and its work that is not spawned yet.
pub(super) struct Traces {
    pub(super) tracer: Tracer,
    worker: Option<Worker>,
}

impl Default for Traces {
    fn default() -> Self {
        let (tracer, worker) = Tracer::new();
        Self { tracer, worker: Some(worker) }
    }
}

impl App {
    /// Whoever announced a drift hears of its commit.
    pub(super) fn spawn_traces(&mut self, queue: &Queue, syncs: &Arc<Syncs>, tasks: &mut JoinSet<()>) {
        let (queue, syncs) = (queue.clone(), Arc::clone(syncs));
        let tracer = &self.traces.tracer;
        tracer.listen(move |traced| match traced.whose.level {
            DriftLevel::Source => syncs.traced(&traced.whose.sync, &traced.whose.target),
            DriftLevel::Workload => queue.add(traced.whose.target.key.clone()),
        });
        if let Some(worker) = self.traces.worker.take() {
            tasks.spawn(self.pulse.survives("traces of drift", worker.run()));
        }
        // Whoever syncs once is a person, who need not be allowed to look at policies.
        if self.only.is_none() {
            let (cluster, tracer) = (self.cluster.clone(), self.traces.tracer.clone());
            tasks.spawn(follow_attribution(cluster, move |trusted| tracer.hands().trust(trusted)));
        }
    }
}

/// A MicroService changed.
pub(super) fn saw(tracer: &Tracer, update: &Update<Service>) {
    let [before, after] = [&update.before, &update.after].map(|entry| entry.as_ref().map(|entry| &entry.object));
    tracer.hands().saw(Kind::MicroService.as_str(), before, after);
}
