//! Plays a story: real daemons before a real API server and a real Git server, with a storm between.

mod acts;
mod branch;
mod faults;
mod rest;

pub use faults::crash;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::figures::Figures;
use super::history::{History, Step};
use super::judge::{CANARY, SECOND, Story};
use super::keeper::Keeper;
use super::model::Model;
use super::record::Record;
use super::tree::Policy;
use crate::support::alone::Alone;
use crate::support::audit::Mark;
use crate::support::daemon::OPERATOR;
use crate::support::git_server::GitServer;
use crate::support::scene::{SYNC, Scene};

/// The Secret with which the Git server is reached, and whom it names.
const GIT_SECRET: &str = "git-auth";
const USER: &str = "ada";
/// The Secret that services read.
const SHARED: &str = "shared";

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
    /// What the judges have to know beside what was written down.
    story: Story,
    /// Which password the Git server wants.
    password: u32,
    /// Which value the Secret has that services read.
    secret: u32,
    /// What a Deployment said of that value, by service and value.
    sums: BTreeMap<(String, u32), String>,
    /// Whether the Git server serves what it should not.
    strayed: Strayed,
    figures: &'a mut Figures,
    /// What was done, for failures.
    done: Vec<String>,
}

/// What the Git server serves instead of the repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Strayed {
    No,
    Older,
    Other,
}

impl<'a> Play<'a> {
    /// Plays a story to its end, and says all that was wrong; `None` where the tools for it are missing.
    pub async fn story(
        alone: &'a Alone,
        history: &'a History,
        figures: &'a mut Figures,
    ) -> Option<Result<usize, String>> {
        let mut play = Self::begin(alone, history, figures).await?;
        let mut wrong = Vec::new();
        for step in &history.steps {
            play.done.push(format!("{} {step:?}", Timestamp::now()));
            play.figures.step(step);
            if let Err(why) = play.perform(step).await {
                wrong.push(why);
                break;
            }
            play.keep();
        }
        let events = play.record.all();
        let starts = play.keepers.iter().flat_map(|keeper| keeper.starts().to_vec()).collect();
        wrong.extend(play.panics());
        let count = events.len();
        let deeds = play.alone.audit.deeds(play.since);
        let (leases, others): (Vec<_>, Vec<_>) = deeds.into_iter().partition(|deed| deed.call.resource == "leases");
        let deeds: Vec<_> = others.into_iter().filter(|deed| deed.call.resource != "events").collect();
        play.figures.story(history, count, &deeds, leases.len());
        let story = Story { events, deeds, leases, starts, ..std::mem::take(&mut play.story) };
        let story = Story { commits: std::mem::take(&mut play.model.commits), ..story };
        wrong.extend(story.judge());
        Some(if wrong.is_empty() { Ok(count) } else { Err(play.failure(&wrong)) })
    }

    async fn begin(alone: &'a Alone, history: &'a History, figures: &'a mut Figures) -> Option<Self> {
        let basic = format!("{USER}:{CANARY}1");
        let private = ["--basic", &basic];
        let git = GitServer::start(if history.private { &private[..] } else { &[] })?;
        alone.clear().await;
        let since = alone.audit.mark();
        let mut record = Record::of_leases(&alone.kube).await;
        let skewed = history.steps.iter().any(|step| matches!(step, Step::Clock { .. }));
        let mut keepers = Vec::new();
        for index in 0..history.daemons {
            let seed = history.seed.wrapping_add(index as u64);
            keepers.push(Keeper::new(alone, seed, history.daemons > 1, skewed, figures.faults()).await);
        }
        let scene = Scene::at(&git, alone.kube.clone(), keepers[0].log()?, "chaos").await?;
        record.begin(&alone.kube, &scene.namespace).await;
        let story = Story {
            budget: Some(history.budget),
            elected: history.daemons > 1,
            stays: history.policy != Policy::Correct,
            follows: history.follows,
            ..Story::default()
        };
        let mut play = Self {
            alone,
            history,
            scene,
            git,
            keepers,
            record,
            since,
            model: Model::new(history.policy),
            story,
            password: 1,
            secret: 1,
            sums: BTreeMap::new(),
            strayed: Strayed::No,
            figures,
            done: Vec::new(),
        };
        play.lets_read_secrets().await;
        play.write_secret(SHARED, json!({"token": format!("{CANARY}1")})).await;
        play.write_secret(GIT_SECRET, json!({"username": USER, "password": format!("{CANARY}1")})).await;
        // The first commit is there before the GitSyncs are.
        let Some(Step::Commit(tree)) = history.steps.first() else { panic!("a story begins with a commit") };
        play.commit(tree, false);
        for sync in play.syncs() {
            play.create(sync).await;
        }
        Some(play)
    }

    /// Names of the GitSyncs.
    fn syncs(&self) -> Vec<&'static str> {
        let second = self.history.second.then_some(SECOND);
        [SYNC].into_iter().chain(second).collect()
    }

    async fn create(&self, sync: &str) {
        let scene = &self.scene;
        let mut spec = json!({
            "url": scene.url, "interval": "10s", "paths": [sync],
            "rewrites": if self.history.follows { "Follow" } else { "Hold" },
            "drift": {"policy": self.history.policy.word()},
            "prune": {"enabled": true, "budget": format!("{}%", self.history.budget)}
        });
        if self.history.private {
            spec["secretRef"] = json!({"name": GIT_SECRET});
        }
        if sync == SECOND {
            spec["dependsOn"] = json!([{"name": SYNC}]);
        }
        let metadata = json!({"namespace": scene.home, "name": sync});
        let object =
            json!({"apiVersion": "gitmoor.dev/v1alpha1", "kind": "GitSync", "metadata": metadata, "spec": spec});
        scene.kube.create(&object).await;
    }

    /// As a person lets daemons read and follow the Secrets of this namespace.
    async fn lets_read_secrets(&self) {
        let binding = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
            "metadata": {"namespace": self.scene.namespace, "name": "gitmoor-restarts"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "gitmoor-restarts"},
            "subjects": [{"kind": "ServiceAccount", "name": "gitmoor", "namespace": OPERATOR}]
        });
        self.scene.kube.create(&binding).await;
    }

    async fn write_secret(&self, name: &str, keys: Value) {
        let metadata = json!({"namespace": self.scene.namespace, "name": name});
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": keys});
        self.scene.kube.apply("suite", &secret).await.unwrap();
    }

    async fn perform(&mut self, step: &Step) -> Result<(), String> {
        match step {
            Step::Commit(tree) => {
                self.commit(tree, false);
                self.request().await;
            }
            Step::Rewrite(tree) => {
                self.commit(tree, true);
                self.request().await;
            }
            Step::Older { back } => self.older(*back).await,
            Step::Other => self.other().await,
            Step::Rotate { milliseconds } => self.rotate(*milliseconds).await,
            Step::Git { status } => self.git.fault(None, *status).await,
            Step::Edit { name, replicas, hand } => self.edit(name, *replicas, *hand).await?,
            Step::Add { name, hand } => self.add(name, *hand).await?,
            Step::EditChild { name, replicas, hand } => self.edit_child(name, *replicas, *hand).await?,
            Step::Delete { name } => self.delete(name).await?,
            Step::DeleteChild { name } => self.delete_child(name).await?,
            Step::Secret { version } => {
                self.secret = *version;
                self.write_secret(SHARED, json!({"token": format!("{CANARY}{version}")})).await;
            }
            Step::Policy(policy) => self.policy(*policy).await,
            Step::Freeze { name } => self.freeze(*name).await?,
            Step::Thaw { name } => self.thaw(*name).await?,
            Step::Suspend { both } => self.suspend(*both).await,
            Step::Resume => self.resume().await,
            Step::Approve => self.approve().await,
            Step::Strike { strike, then } => Box::pin(self.strike(*strike, then)).await?,
            Step::Wait { milliseconds } => pass(*milliseconds).await,
            Step::Rest => return self.rest().await,
            _ => self.fault(step).await,
        }
        Ok(())
    }

    /// Starts again what has ended.
    fn keep(&mut self) {
        for keeper in &mut self.keepers {
            if keeper.keep() {
                self.figures.ended();
            }
        }
    }

    /// Whatever broke inside of a daemon, and what it should not have told.
    fn panics(&self) -> Vec<String> {
        let broken = |line: &Value| {
            let text = line.to_string();
            line.get("not_json").is_some() || text.contains("panicked") || text.contains(CANARY)
        };
        let logs = self.keepers.iter().flat_map(Keeper::logs);
        logs.flat_map(|log| log.lines(broken)).map(|line| format!("a daemon said {line}")).collect()
    }

    fn failure(&self, wrong: &[String]) -> String {
        let History { seed, daemons, policy, budget, follows, private, second, .. } = self.history;
        let tails: Vec<_> = self.keepers.iter().filter_map(|keeper| Some(keeper.log()?.tail())).collect();
        format!(
            "seed {seed}: {daemons} daemons, {policy:?}, budget {budget} %, follows {follows}, private {private}, second {second}\n  {}\nwrong:\n{}\nlogs:\n{}",
            self.done.join("\n  "),
            wrong.join("\n"),
            tails.join("\n--\n")
        )
    }
}

/// Lets time pass: a story is about what happens at odd times.
async fn pass(milliseconds: u64) {
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
}
