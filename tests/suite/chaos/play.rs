//! Plays a story: real daemons before a real API server and a real Git server, with a storm between.

use std::time::Duration;

use jiff::Timestamp;
use kube::api::DeleteParams;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::history::{History, NAMES, Says, Step, Tree};
use super::judge::{Span, Story, spec};
use super::model::{AtRest, Commit, Found, Model};
use super::record::{Record, version};
use crate::support::alone::{Alone, Credentials};
use crate::support::audit::Mark;
use crate::support::daemon::Daemon;
use crate::support::git_server::GitServer;
use crate::support::holds;
use crate::support::kube::condition;
use crate::support::log::Log;
use crate::support::scene::{Scene, service};
use crate::support::storm::{Storm, Weather};
use crate::support::wait::looked_for;

/// Beyond all that daemons wait by design: leases, back-off, and the pace of corrections.
const REST: Duration = Duration::from_secs(180);
/// A lease that a slow machine can renew in time.
const ELECTION: [&str; 7] =
    ["--leader-elect", "--lease-duration", "5s", "--renew-deadline", "3s", "--retry-period", "500ms"];

/// A daemon with its way to the API server, and whoever starts it again when it ends.
struct Keeper {
    _credentials: Credentials,
    storm: Storm,
    cache: TempDir,
    elected: bool,
    running: Option<Daemon>,
    /// What all that it started have logged.
    logs: Vec<Log>,
}

impl Keeper {
    async fn new(alone: &Alone, seed: u64, elected: bool) -> Self {
        let credentials = alone.credentials().await;
        let storm = Storm::before(&credentials.kubeconfig(), seed).await;
        let cache = TempDir::new().unwrap();
        let mut keeper = Self { _credentials: credentials, storm, cache, elected, running: None, logs: Vec::new() };
        keeper.start();
        keeper
    }

    fn start(&mut self) {
        let cache = self.cache.path().to_str().unwrap();
        let mut flags = vec!["--cache-dir", cache];
        flags.extend(ELECTION.iter().filter(|_| self.elected));
        let daemon = Daemon::spawn(&self.storm.kubeconfig(), &flags);
        self.logs.push(daemon.log.clone());
        self.running = Some(daemon);
    }

    /// Starts another where one has ended, as Kubernetes would.
    fn keep(&mut self) {
        if !self.running.as_mut().is_some_and(Daemon::is_running) {
            self.start();
        }
    }

    fn kill(&mut self) {
        if let Some(daemon) = self.running.take() {
            daemon.kill();
        }
        self.start();
    }

    fn signal(&self, name: &str) {
        if let Some(daemon) = &self.running {
            daemon.signal(name);
        }
    }
}

/// A story as it is played.
pub struct Play<'a> {
    alone: &'a Alone,
    history: &'a History,
    scene: Scene,
    git: GitServer,
    keepers: Vec<Keeper>,
    record: Record,
    since: Mark,
    model: Model,
    suspended: Vec<Span>,
    /// What was done, for failures.
    done: Vec<String>,
}

impl<'a> Play<'a> {
    /// Plays a story to its end, and says all that was wrong; `None` where the tools for it are missing.
    pub async fn story(alone: &'a Alone, history: &'a History) -> Option<Result<usize, String>> {
        let mut play = Self::begin(alone, history).await?;
        let mut wrong = Vec::new();
        for step in &history.steps {
            play.done.push(format!("{} {step:?}", Timestamp::now()));
            if let Err(why) = play.perform(step).await {
                wrong.push(why);
                break;
            }
            play.keepers.iter_mut().for_each(Keeper::keep);
        }
        let events = play.record.all();
        wrong.extend(play.panics());
        let count = events.len();
        let deeds = play.alone.audit.deeds(play.since);
        let deeds = deeds.into_iter().filter(|deed| !["leases", "events"].contains(&deed.call.resource.as_str()));
        let story = Story {
            commits: std::mem::take(&mut play.model.commits),
            events,
            deeds: deeds.collect(),
            suspended: std::mem::take(&mut play.suspended),
            reports: history.policy == "Report",
            elected: history.daemons > 1,
        };
        wrong.extend(story.judge());
        Some(if wrong.is_empty() { Ok(count) } else { Err(play.failure(&wrong)) })
    }

    async fn begin(alone: &'a Alone, history: &'a History) -> Option<Self> {
        let git = GitServer::start(&[])?;
        alone.clear().await;
        let since = alone.audit.mark();
        let mut keepers = Vec::new();
        for index in 0..history.daemons {
            keepers.push(Keeper::new(alone, history.seed.wrapping_add(index as u64), history.daemons > 1).await);
        }
        let log = keepers[0].logs[0].clone();
        let scene = Scene::at(&git, alone.kube.clone(), log, "chaos").await?;
        let record = Record::begin(&alone.kube, &scene.namespace).await;
        let model = Model::new(history.policy);
        let mut play =
            Self { alone, history, scene, git, keepers, record, since, model, suspended: Vec::new(), done: Vec::new() };
        // The first commit is there before the GitSync is.
        let Some(Step::Commit(tree)) = history.steps.first() else { panic!("a story begins with a commit") };
        play.commit(tree, false);
        play.model.commits.clear();
        play.scene
            .create_sync(json!({
                "interval": "10s", "rewrites": "Follow",
                "drift": {"policy": history.policy}, "prune": {"enabled": true, "budget": history.budget}
            }))
            .await;
        Some(play)
    }

    async fn perform(&mut self, step: &Step) -> Result<(), String> {
        match step {
            Step::Commit(tree) => {
                self.commit(tree, false);
                self.scene.request().await;
            }
            Step::Rewrite(tree) => {
                self.commit(tree, true);
                self.scene.request().await;
            }
            Step::Edit { name, replicas } => {
                self.model.edited(name, *replicas);
                self.edit("MicroService", name, *replicas).await?;
            }
            Step::EditChild { name, replicas } => self.edit("Deployment", name, *replicas).await?,
            Step::Delete { name } => {
                self.model.deleted(name);
                self.delete("MicroService", name).await?;
            }
            Step::DeleteChild { name } => self.delete("Deployment", name).await?,
            Step::Suspend => self.suspend().await,
            Step::Resume => self.resume().await,
            Step::Approve => self.approve().await,
            Step::Kill { daemon } => self.keepers[*daemon].kill(),
            Step::Restart { daemon } => {
                // It may be amid something that takes long in this weather: Kubernetes would not wait for ever either.
                self.keepers[*daemon].signal("TERM");
                pass(500).await;
                self.keepers[*daemon].kill();
            }
            Step::Pause { daemon, milliseconds } => {
                self.keepers[*daemon].signal("STOP");
                pass(*milliseconds).await;
                self.keepers[*daemon].signal("CONT");
            }
            Step::Weather { daemon, weather } => self.keepers[*daemon].storm.becomes(*weather),
            Step::Git { status } => self.git.fault(None, *status).await,
            Step::Wait { milliseconds } => pass(*milliseconds).await,
            Step::Rest => return self.rest().await,
        }
        Ok(())
    }

    fn commit(&mut self, tree: &Tree, rewrites: bool) {
        let repository = &self.scene.repository;
        let message = format!("commit {}", self.done.len());
        if rewrites {
            repository.git(&["commit", "--quiet", "--allow-empty", "--amend", "-m", &format!("instead of {message}")]);
        }
        for name in NAMES {
            let path = format!("{name}.yaml");
            match tree.get(name) {
                None => {
                    std::fs::remove_file(repository.work.path().join(&path)).ok();
                }
                Some(says) => repository.write(&path, &serde_yaml::to_string(&manifest(name, *says)).unwrap()),
            }
        }
        repository.git(&["add", "--all"]);
        repository.git(&["commit", "--quiet", "--allow-empty", "-m", &message]);
        let id = repository.git(&["rev-parse", "HEAD"]);
        self.model.commit(Commit { id, tree: tree.clone(), at: Timestamp::now() });
        self.scene.force_push();
    }

    async fn edit(&self, kind: &str, name: &str, replicas: u32) -> Result<(), String> {
        let patch = json!([{"op": "add", "path": "/spec/replicas", "value": replicas}]);
        found(self.scene.kube.try_edit("somebody", kind, &self.scene.namespace, name, patch).await.map(drop))
    }

    async fn delete(&self, kind: &str, name: &str) -> Result<(), String> {
        let api = self.scene.kube.api(kind, &self.scene.namespace);
        found(api.delete(name, &DeleteParams::background()).await.map(drop))
    }

    async fn suspend(&mut self) {
        if self.suspended.last().is_some_and(|span| span.until.is_none()) {
            return;
        }
        let (scene, suspend) = (&self.scene, json!({"spec": {"suspend": true}}));
        scene.kube.merge("suite", "GitSync", &scene.home, &scene.sync, suspend).await;
        let from = self.said_suspended().await;
        self.suspended.extend(from.map(|from| Span { from, until: None }));
    }

    /// When the status said so, if it does in time: there may be nobody who can.
    async fn said_suspended(&self) -> Option<Timestamp> {
        for _ in 0..20 {
            let sync = self.scene.get_sync().await;
            let ready = condition(&sync, "Ready");
            if ready["reason"] == "Suspended" && ready["observedGeneration"] == sync["metadata"]["generation"] {
                return Some(Timestamp::now());
            }
            pass(100).await;
        }
        None
    }

    async fn resume(&mut self) {
        if let Some(span) = self.suspended.last_mut() {
            span.until.get_or_insert_with(Timestamp::now);
        }
        let (scene, resume) = (&self.scene, json!({"spec": {"suspend": null}}));
        scene.kube.merge("suite", "GitSync", &scene.home, &scene.sync, resume).await;
    }

    async fn approve(&mut self) {
        let plan = self.scene.get_sync().await["status"]["hold"]["plan"].clone();
        if plan.is_string() {
            self.model.approved();
            self.scene.annotate("gitmoor.dev/approve-plan", plan).await;
        }
    }

    /// All is well again, and the cluster is as it should be.
    async fn rest(&mut self) -> Result<(), String> {
        self.git.fault(None, 0).await;
        for keeper in &self.keepers {
            keeper.storm.becomes(Weather::Calm);
            keeper.signal("CONT");
        }
        self.resume().await;
        let head = self.model.commits.last().map(|commit| commit.id.clone()).unwrap_or_default();
        let request = self.scene.request().await;
        let rested = looked_for(REST, async || {
            self.keepers.iter_mut().for_each(Keeper::keep);
            let sync = self.scene.get_sync().await;
            let status = &sync["status"];
            let applied = status["lastAppliedRevision"]["revision"].as_str().unwrap_or_default();
            let handled = status["lastHandledReconcileAt"] == *request;
            let current = status["observedGeneration"] == sync["metadata"]["generation"];
            if !applied.ends_with(&head) || !handled || !current {
                return Err(format!("{head} is not applied: {status:#}"));
            }
            let (found, unready) = self.look(status).await;
            let wrong = self.model.wrong(&found);
            holds(wrong.is_empty() && unready.is_empty(), (&wrong, &unready)).map(|()| found)
        })
        .await?;
        self.model.rest(&rested);
        let newest = self.scene.kube.list("MicroService", &self.scene.namespace).await.iter().map(version).max();
        self.record.has("MicroService", newest.unwrap_or_default()).await;
        self.record.has("GitSync", version(&self.scene.get_sync().await)).await;
        Ok(())
    }

    /// What is there, and which services should be ready and are not.
    async fn look(&self, status: &Value) -> (AtRest, Vec<String>) {
        let mut at_rest = AtRest { held: !status["hold"].is_null(), ..AtRest::default() };
        let mut unready = Vec::new();
        for service in self.scene.kube.list("MicroService", &self.scene.namespace).await {
            let name = service["metadata"]["name"].as_str().unwrap_or_default().to_owned();
            let generation = service["metadata"]["generation"].as_u64().unwrap_or_default();
            let current = service["status"]["observedGeneration"] == generation;
            // Under Report a Deployment that somebody deleted stays so, which is drift and no health.
            let drifted = service["status"]["workloadDrift"]["count"].as_u64() > Some(0);
            let excused = self.history.policy == "Report" && drifted;
            if !current || (condition(&service, "Ready")["status"] != "True" && !excused) {
                unready.push(format!("{name}: {:#}", service["status"]));
            }
            if self.history.policy == "Correct" {
                unready.extend(self.other_child(&name, &service).await);
            }
            at_rest.services.insert(name, Found { spec: spec(&service), generation });
        }
        (at_rest, unready)
    }

    /// How the Deployment of a service is not as the service says.
    async fn other_child(&self, name: &str, service: &Value) -> Option<String> {
        let found = self.scene.kube.find("Deployment", &self.scene.namespace, name).await.unwrap_or_default();
        let (says, is) = (&service["spec"], &found["spec"]);
        let same =
            is["template"]["spec"]["containers"][0]["image"] == says["image"] && is["replicas"] == says["replicas"];
        (!same).then(|| format!("{name}: its Deployment is {is:#}"))
    }

    /// Whatever broke inside of a daemon.
    fn panics(&self) -> Vec<String> {
        let logs = self.keepers.iter().flat_map(|keeper| &keeper.logs);
        let broken = |line: &Value| line.get("not_json").is_some() || line.to_string().contains("panicked");
        logs.flat_map(|log| log.lines(broken)).map(|line| format!("a daemon said {line}")).collect()
    }

    fn failure(&self, wrong: &[String]) -> String {
        let History { seed, daemons, policy, budget, .. } = self.history;
        let tails: Vec<_> = self.keepers.iter().filter_map(|keeper| Some(keeper.logs.last()?.tail())).collect();
        format!(
            "seed {seed}: {daemons} daemons, {policy}, budget {budget}\n  {}\nwrong:\n{}\nlogs:\n{}",
            self.done.join("\n  "),
            wrong.join("\n"),
            tails.join("\n--\n")
        )
    }
}

/// A manifest of a service.
fn manifest(name: &str, says: Says) -> Value {
    match says {
        Says::Good(spec) => {
            service(name, json!({"image": format!("example.com/{name}:{}", spec.image), "replicas": spec.replicas}))
        }
        Says::Bad => service(name, json!({"replicas": -1})),
    }
}

/// Somebody may come too late: the object is gone.
fn found(done: kube::Result<()>) -> Result<(), String> {
    match done {
        Err(kube::Error::Api(status)) if status.code == 404 || status.code == 409 => Ok(()),
        other => other.map_err(|error| error.to_string()),
    }
}

/// Lets time pass: a story is about what happens at odd times.
async fn pass(milliseconds: u64) {
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
}
