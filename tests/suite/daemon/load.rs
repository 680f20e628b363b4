//! Much at once: many GitSyncs, webhooks, commits in a row and edits by hand. Everything converges, nothing is asked twice,
//! and what the process holds does not grow with what it has seen. Numbers are compared, never times.

use std::collections::BTreeMap;

use futures::future::join_all;
use serde_json::{Value, json};

use super::listeners::{push, signature};
use super::ownership::operator_namespace;
use crate::support::alone::Alone;
use crate::support::canary::secret;
use crate::support::daemon::{Daemon, OPERATOR};
use crate::support::git_server::GitServer;
use crate::support::kube::condition;
use crate::support::scene::{Scene, service};
use crate::support::{eventually, holds};

/// GitSyncs that read a folder each of one repository.
const SHARING: usize = 4;
/// GitSyncs with a repository of their own.
const APART: usize = 4;
/// MicroServices of each.
const EACH: usize = 25;
const WEBHOOKS: usize = 200;
const COMMITS: usize = 50;
const EDITS: usize = 100;
/// What a process may have more of afterwards: connections that are kept, and what an allocator does not give back.
const MORE_FILES: usize = 8;
const MORE_MEMORY: f64 = 32e6;

const TOKEN: &str = secret!("t0ken");

/// A namespace and its GitSyncs, which are the operator's: they read the Secret of the webhooks there.
struct Team {
    scene: Scene,
    /// Each with its folder.
    syncs: Vec<String>,
    /// The newest commit.
    commit: String,
}

fn name(sync: usize, number: usize) -> String {
    format!("s{sync}-{number:02}")
}

fn manifest(name: &str, version: usize) -> Value {
    let mut manifest = service(name, json!({"replicas": 0, "image": format!("example.com/{name}:{version}")}));
    manifest["metadata"]["labels"] = json!({"team": "money"});
    manifest
}

impl Team {
    /// Makes GitSyncs with a folder and services each.
    async fn new(alone: &Alone, server: &GitServer, daemon: &Daemon, topic: &str, syncs: usize) -> Option<Self> {
        let mut scene = Scene::at(server, alone.kube.clone(), daemon.log.clone(), topic).await?;
        scene.home = OPERATOR.into();
        let files: Vec<(String, Value)> = (0..syncs)
            .flat_map(|sync| (0..EACH).map(move |number| (sync, name(sync, number))))
            .map(|(sync, name)| (format!("folder-{sync}/{name}.yaml"), manifest(&name, 1)))
            .collect();
        let files: Vec<_> = files.iter().map(|(path, file)| (path.as_str(), file.clone())).collect();
        let commit = scene.commit(&files);
        let mut team = Self { scene, syncs: Vec::new(), commit };
        for sync in 0..syncs {
            let space = &team.scene.namespace;
            let spec = json!({
                "paths": [format!("folder-{sync}")], "targetNamespace": space, "allowedNamespaces": [space],
                "webhook": {"secretRef": {"name": "hook"}}
            });
            team.scene.sync = format!("{space}-{sync}");
            team.scene.create_sync(spec).await;
            team.syncs.push(team.scene.sync.clone());
        }
        Some(team)
    }

    /// Waits until each GitSync has applied the newest commit, and has said all that it had to say, and all services are
    /// ready with it.
    async fn at_rest(&mut self) {
        let space = &self.scene.namespace;
        eventually(&format!("the services of {space} are ready"), async || {
            let all = self.live().await;
            let waits: Vec<_> = all.iter().filter(|(_, one)| !is_ready(one)).map(|(name, _)| name).collect();
            holds(all.len() == self.syncs.len() * EACH && waits.is_empty(), (all.len(), waits))
        })
        .await;
        for sync in &self.syncs {
            self.scene.sync.clone_from(sync);
            self.scene.applied(&self.commit).await;
            self.scene.settled().await;
            self.scene.condition("Ready", "True", "Applied").await;
        }
    }

    /// What is live of each service.
    async fn live(&self) -> BTreeMap<String, Value> {
        let all = self.scene.kube.list("MicroService", &self.scene.namespace).await;
        all.into_iter().map(|one| (one["metadata"]["name"].as_str().unwrap().to_owned(), one)).collect()
    }
}

fn is_ready(service: &Value) -> bool {
    let current = service["status"]["observedGeneration"] == service["metadata"]["generation"];
    current && condition(service, "Ready")["status"] == "True"
}

async fn at_rest(teams: &mut [Team]) {
    for team in teams {
        team.at_rest().await;
    }
}

/// Announces a push to a GitSync, and expects that it is heard.
async fn announce(daemon: &Daemon, sync: &str, number: usize) {
    let body = json!({"ref": "refs/heads/main", "number": number}).to_string();
    let answer = push(daemon, &format!("{OPERATOR}/{sync}"), Some(&signature(&body, TOKEN)), &body).await;
    assert_eq!((answer.0, &answer.1["result"]), (202, &json!("queued")), "{answer:?}");
}

/// Files and memory of a daemon.
async fn held(daemon: &Daemon) -> (usize, f64) {
    let files = std::fs::read_dir(format!("/proc/{}/fd", daemon.process())).unwrap().count();
    (files, daemon.metric("process_resident_memory_bytes", &[]).await)
}

/// Who was done something to, and how often, as far as it was more than once.
fn repeated(times: &BTreeMap<String, usize>) -> Vec<(&String, &usize)> {
    times.iter().filter(|(_, count)| **count > 1).collect()
}

#[tokio::test]
async fn many_gitsyncs_webhooks_commits_and_edits_converge_without_a_call_too_many() {
    let Some(server) = GitServer::start(&[]) else { return };
    let Some(alone) = Alone::new().await else { return };
    operator_namespace(&alone.kube).await;
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"namespace": OPERATOR, "name": "hook"},
        "stringData": {"token": TOKEN}
    });
    alone.kube.apply("suite", &secret).await.unwrap();
    let daemon = alone.daemon(&[]).await;
    let mut teams = Vec::new();
    for (topic, syncs) in [("sharing", SHARING)].into_iter().chain([("apart", 1); APART]) {
        let Some(team) = Team::new(&alone, &server, &daemon, topic, syncs).await else { return };
        teams.push(team);
    }
    at_rest(&mut teams).await;
    let every: Vec<String> = teams.iter().flat_map(|team| team.syncs.clone()).collect();
    assert_eq!(every.len(), SHARING + APART);

    webhooks(&alone, &server, &daemon, &mut teams, &every).await;
    commits(&alone, &server, &daemon, &mut teams).await;
    edits(&alone, &daemon, &mut teams).await;
    let failed = daemon.log.lines(|line| line["level"] == "ERROR" || line["message"] == "reconcile failed");
    assert!(failed.is_empty(), "{failed:#?}");
}

/// Of pushes that brought nothing, nobody hears but the Git server, and that not once for each.
async fn webhooks(alone: &Alone, server: &GitServer, daemon: &Daemon, teams: &mut [Team], every: &[String]) {
    let (since, before) = (alone.audit.mark(), server.stats().await);
    join_all((0..WEBHOOKS).map(|number| announce(daemon, &every[number % every.len()], number))).await;
    at_rest(teams).await;
    let cost = server.stats().await - before;
    assert_eq!(cost.fetch, 0, "there was nothing to fetch: {cost:?}");
    assert!(cost.ls_refs < 100, "{WEBHOOKS} at a time coalesce: {cost:?}");
    let calls = alone.audit.calls(since);
    let others: Vec<_> = calls.iter().filter(|call| call.resource != "gitsyncs").collect();
    // The token, which is believed for half a minute.
    assert!(others.len() <= 2 && others.iter().all(|call| call.resource == "secrets"), "{others:#?}");
}

/// Each commit changes one service, and is announced before the one before it is applied.
async fn commits(alone: &Alone, server: &GitServer, daemon: &Daemon, teams: &mut [Team]) {
    let (since, before) = (alone.audit.mark(), server.stats().await);
    let mut early = None;
    let mut changed = Vec::new();
    for number in 0..COMMITS {
        // The teams take turns, and so do the folders and the services of each.
        let (which, turn) = (number % teams.len(), number / teams.len());
        let team = &mut teams[which];
        let sync = turn % team.syncs.len();
        let service = name(sync, turn);
        let path = format!("folder-{sync}/{service}.yaml");
        team.commit = team.scene.commit(&[(&path, manifest(&service, 2))]);
        announce(daemon, &team.syncs[0], WEBHOOKS + number).await;
        changed.push((which, service));
        if number == COMMITS / 5 {
            early = Some(held(daemon).await);
        }
    }
    at_rest(teams).await;
    for (which, team) in teams.iter().enumerate() {
        let live = team.live().await;
        assert_eq!(live.len(), team.syncs.len() * EACH);
        for (name, one) in live {
            let version = if changed.contains(&(which, name.clone())) { 2 } else { 1 };
            assert_eq!(one["spec"]["image"], format!("example.com/{name}:{version}"), "{}", team.scene.namespace);
        }
    }
    let deeds = alone.audit.deeds(since);
    let applied = deeds.iter().filter(|deed| deed.call.resource == "microservices" && deed.call.subresource.is_empty());
    assert_eq!(applied.count(), COMMITS, "one call for each service that a commit changed, and none for the others");
    let reads: Vec<_> = deeds
        .iter()
        .filter(|deed| !deed.is_write() && deed.call.verb != "watch" && deed.call.resource != "secrets")
        .collect();
    assert!(reads.is_empty(), "{reads:#?}");
    let cost = server.stats().await - before;
    assert!(cost.fetch as usize <= COMMITS, "{cost:?}");

    let ((files, memory), (files_after, memory_after)) = (early.unwrap(), held(daemon).await);
    assert!(files_after <= files + MORE_FILES, "{files} files were open, and now {files_after}");
    assert!(memory_after <= memory + MORE_MEMORY, "{memory} bytes of memory, and now {memory_after}");
}

/// Half of them of services, half of their Deployments, all at once.
async fn edits(alone: &Alone, daemon: &Daemon, teams: &mut [Team]) {
    let since = alone.audit.mark();
    let total = (SHARING + APART) * EACH;
    let objects: Vec<(&Scene, String)> = teams
        .iter()
        .flat_map(|team| {
            let names = (0..team.syncs.len()).flat_map(|sync| (0..EACH).map(move |number| name(sync, number)));
            names.map(|name| (&team.scene, name))
        })
        .collect();
    assert_eq!(objects.len(), total);
    let edited: Vec<(&Scene, &str, &str, &String)> = objects
        .iter()
        .step_by(total / EDITS)
        .enumerate()
        .map(|(number, (scene, name))| match number % 2 {
            0 => (*scene, "MicroService", "team", name),
            _ => (*scene, "Deployment", "app.kubernetes.io/name", name),
        })
        .collect();
    assert_eq!(edited.len(), EDITS);
    join_all(edited.iter().map(|(scene, kind, label, name)| {
        let patch = json!({"metadata": {"labels": {*label: "somebody"}}});
        scene.kube.merge("somebody", kind, &scene.namespace, name, patch)
    }))
    .await;
    let told = |(scene, kind, _, name): &(&Scene, &str, &str, &String)| {
        let layer = if *kind == "MicroService" { "source" } else { "workload" };
        scene.drift_lines(layer, kind, name).len()
    };
    eventually("every edit is told and put back", async || {
        let mut left = Vec::new();
        for (scene, kind, label, name) in &edited {
            let live = scene.kube.get(kind, &scene.namespace, name).await;
            if live["metadata"]["labels"][*label] == "somebody" {
                left.push(format!("{kind} {}/{name}", scene.namespace));
            }
        }
        let untold = edited.iter().filter(|edit| told(edit) == 0).count();
        holds(left.is_empty() && untold == 0, (untold, left))
    })
    .await;
    let of_sharing = alone.audit.times(since, "patch", "microservices", 200);
    let of_deployments = alone.audit.times(since, "patch", "deployments", 200);
    // Names are alike in the namespaces, so what is counted by name is of all of them.
    let count = |kind: &str| edited.iter().filter(|edit| edit.1 == kind).count();
    let made = |times: &BTreeMap<String, usize>| times.values().sum::<usize>();
    // Each edit is a patch as well, but not the daemon's.
    assert_eq!(made(&of_sharing), count("MicroService"), "one correction each: {:?}", repeated(&of_sharing));
    assert_eq!(made(&of_deployments), count("Deployment"), "one correction each: {:?}", repeated(&of_deployments));
    assert!(edited.iter().all(|edit| told(edit) == 1), "each is told once");
    let fought = daemon.log.lines(|line| line["message"].to_string().contains("fight"));
    assert!(fought.is_empty(), "{fought:#?}");
    at_rest(teams).await;
}
