//! Stands for election: makes the calls that `election` asks for, and says who leads.

use std::time::Duration;

use futures::StreamExt;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use crate::cluster::{CallError, Cluster, LeaseCalls, Term};
use crate::election::{Candidate, Lost, Step, Times};
use crate::model::ObjectKey;
use crate::server::{Beat, Pulse};
use crate::telemetry::Metrics;

/// Beyond its timers, an election that is silent for longer is stuck: each of its calls has a deadline.
const STALLED: Duration = Duration::from_secs(60);
/// For giving the lease away at the end.
const RELEASE: Duration = Duration::from_secs(3);

/// How several processes find out which of them acts.
#[derive(Debug, Clone)]
pub struct Election {
    /// Name of the Lease, in the operator's namespace.
    pub lease: String,
    /// Who this process is; no other ever has the same.
    pub identity: String,
    /// When a lease ends.
    pub times: Times,
}

/// Whether this process acts. It begins to once, and never again after it ceased.
#[derive(Clone)]
pub struct Office {
    leads: watch::Sender<bool>,
    metrics: Metrics,
    pulse: Pulse,
}

impl Office {
    /// For a process that has others beside it; it stands by.
    pub fn contested(metrics: Metrics, pulse: Pulse) -> Self {
        metrics.leads(false);
        pulse.play("standby");
        Self { leads: watch::Sender::new(false), metrics, pulse }
    }

    /// For a process that is alone: it acts.
    pub fn alone(metrics: Metrics, pulse: Pulse) -> Self {
        metrics.leads(true);
        Self { leads: watch::Sender::new(true), metrics, pulse }
    }

    /// Whether this process acts.
    pub fn is_held(&self) -> bool {
        *self.leads.borrow()
    }

    /// Waits until this process acts.
    pub async fn held(&self) {
        // The sender lives as long as this.
        let _ = self.leads.subscribe().wait_for(|leads| *leads).await;
    }

    fn take(&self) {
        self.leads.send_replace(true);
        self.metrics.leads(true);
        self.pulse.play("leader");
    }

    fn leave(&self) {
        self.metrics.leads(false);
        self.pulse.play("standby");
    }
}

/// One process that stands for election.
pub struct Candidacy {
    leases: LeaseCalls,
    candidate: Candidate,
    term: Term,
    office: Office,
    beat: Beat,
    /// Its clock: what the candidate calls the time is counted from here.
    born: Instant,
    /// The holder that was spoken of last.
    said: Option<String>,
    failing: bool,
}

impl Candidacy {
    /// `term` is extended with each renewal, and `office` is taken with the first.
    pub fn new(cluster: &Cluster, namespace: &str, election: Election, term: Term, office: Office) -> Self {
        let Election { lease, identity, times } = election;
        info!(lease, namespace, identity, "standing for election");
        // Two tries fit before a leader that cannot renew has to end.
        let cluster = cluster.with_deadline(times.renew() / 2);
        let beat = office.pulse.register("lease", STALLED);
        Self {
            leases: LeaseCalls::new(cluster, ObjectKey::new(namespace, lease)),
            candidate: Candidate::new(identity, times),
            term,
            office,
            beat,
            born: Instant::now(),
            said: None,
            failing: false,
        }
    }

    /// Runs until told to retire, or until what it had is lost. When this ends nothing more can be written.
    pub async fn stand(mut self, retire: CancellationToken) -> Result<(), Lost> {
        let mut changes = Some(self.leases.changes());
        loop {
            self.beat.beat();
            match self.candidate.next(self.born.elapsed(), jiff::Timestamp::now()) {
                Step::Lost(lost) => {
                    self.term.end();
                    self.office.leave();
                    return Err(lost);
                }
                Step::Read => {
                    let read = self.in_time(self.leases.read()).await;
                    match read {
                        Some(Ok(stored)) => self.candidate.saw(stored, self.born.elapsed()),
                        failed => self.failed(failed.and_then(Result::err)),
                    }
                }
                Step::Write { version, record } => {
                    let begun = self.born.elapsed();
                    let wrote = self.in_time(self.leases.write(version.as_deref(), &record)).await;
                    match wrote {
                        Some(Ok(stored)) => {
                            self.candidate.wrote(stored, begun, self.born.elapsed());
                            self.renewed();
                        }
                        Some(Err(CallError::Conflict(why) | CallError::NotFound(why))) => {
                            debug!(why, "the Lease is another than was thought");
                            self.candidate.refused();
                        }
                        failed => self.failed(failed.and_then(Result::err)),
                    }
                }
                Step::Wait(until) => {
                    self.say_who_leads();
                    if self.office.is_held() {
                        // A leader reads what it writes, and nobody else writes.
                        changes = None;
                    }
                    let until = self.born + until;
                    self.beat.idle_for(until.saturating_duration_since(Instant::now()));
                    let news = async {
                        match &mut changes {
                            Some(changes) => changes.next().await,
                            None => std::future::pending().await,
                        }
                    };
                    tokio::select! {
                        () = retire.cancelled() => {
                            self.release().await;
                            return Ok(());
                        }
                        news = news => match news {
                            Some(stored) => self.candidate.saw(stored, self.born.elapsed()),
                            None => changes = None,
                        },
                        () = tokio::time::sleep_until(until) => {}
                    }
                }
            }
        }
    }

    /// A call of a leader ends when its lease does; none where it did not end by then.
    async fn in_time<T>(&self, call: impl Future<Output = Result<T, CallError>>) -> Option<Result<T, CallError>> {
        match self.candidate.leads_until() {
            Some(until) => timeout_at(self.born + until, call).await.ok(),
            None => Some(call.await),
        }
    }

    fn renewed(&mut self) {
        if std::mem::take(&mut self.failing) {
            info!("the Lease can be written again");
        }
        let Some(until) = self.candidate.leads_until() else { return };
        self.term.extend(self.born + until);
        if !self.office.is_held() && self.term.left().is_some() {
            info!("leading");
            self.office.take();
        }
    }

    fn failed(&mut self, error: Option<CallError>) {
        self.candidate.failed(self.born.elapsed(), fastrand::f64());
        let known = std::mem::replace(&mut self.failing, true);
        if let Some(error) = error.filter(|_| !known) {
            warn!(
                lease = %self.leases.key(),
                reason = error.reason(),
                %error,
                "the Lease cannot be read or written; see that the API server answers and that deploy/access.yaml is applied"
            );
        }
    }

    fn say_who_leads(&mut self) {
        if self.office.is_held() || self.said.as_deref() == Some(self.candidate.holder()) {
            return;
        }
        let holder = self.candidate.holder().to_owned();
        info!(holder, "standing by");
        self.said = Some(holder);
    }

    /// Lets another lead at once. Whatever was done by right of the lease must have ended.
    async fn release(&self) {
        self.term.end();
        let Some((version, record)) = self.candidate.release(self.born.elapsed(), jiff::Timestamp::now()) else {
            return;
        };
        match tokio::time::timeout(RELEASE, self.leases.write(Some(&version), &record)).await {
            Ok(Ok(_)) => info!("the Lease is released"),
            Ok(Err(error)) => warn!(%error, "the Lease is not released; another process leads when it has run out"),
            Err(_) => warn!("the Lease is not released in time; another process leads when it has run out"),
        }
        self.office.leave();
    }
}

/// What a person reads who asks why the process ended.
pub fn explain(lost: &Lost) -> String {
    match lost {
        Lost::NotRenewed => "the Lease could not be renewed in time; see that the API server answers".into(),
        Lost::TakenBy(holder) => format!("{holder} has the Lease"),
        Lost::Released => "somebody emptied the Lease".into(),
        Lost::Deleted => "somebody deleted the Lease".into(),
    }
}

/// Waits for the loss of what was won by election; for ever where nothing can be lost.
pub async fn lost(standing: &mut Option<JoinHandle<Result<(), Lost>>>) -> String {
    match standing {
        Some(standing) => match standing.await {
            Ok(Err(lost)) => explain(&lost),
            Ok(Ok(())) => std::future::pending().await,
            // Where is in the log.
            Err(_) => "the election ended in a panic".into(),
        },
        None => std::future::pending().await,
    }
}
