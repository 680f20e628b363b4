//! A right that is missing is named where a person looks, with what to do about it. Each right of deploy/access.yaml is
//! taken away alone, or with those that the same play shows.

mod manifests;
mod roles;
mod table;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::alone::Alone;
use crate::support::canary::secret;
use crate::support::daemon::{Daemon, OPERATOR};
use crate::support::kube::condition;
use crate::support::log::Log;
use crate::support::scene::Scene;
use crate::support::storm::{Counts, Lag, Storm};
use crate::support::{eventually, http};
use roles::{give_back, granted, take};
use table::Play::{Announced, Elect, Foreign, Later, Left, New, Old, Restored, Standby, Start};
use table::{KEEPS_OTHERS, Play, RIGHTS, UNSEEN};

/// What a message must tell to do.
const ADVICE: &str =
    "grant it by RBAC (all that Gitmoor itself needs: kubectl apply --server-side -f deploy/access.yaml)";

#[tokio::test]
async fn each_right_that_is_missing_is_named_with_what_to_do_about_it() {
    let Some(alone) = Alone::new().await else { return };
    // Kinds that a cluster may lack are asked for where it has them.
    alone.kube.install_optional().await;
    let daemon = alone.daemon(&[]).await;
    // It has listed what it watches before the first right goes.
    daemon.is_ready().await;
    let storm = Storm::before(&alone.credentials().await.kubeconfig(), 1, Counts::default()).await;
    storm.lags(Lag::Paged);
    for (verb, resources, play) in together() {
        let Some(mut scene) = alone.scene(&daemon, "right").await else { return };
        (scene.home, scene.sync) = (OPERATOR.into(), scene.namespace.clone());
        prepare(&scene, play, &resources).await;
        let leader = matches!(play, Standby | Old).then(|| alone.spawn(&["--leader-elect"]));
        if let Some(leader) = &leader {
            leader.log.message("leading").await;
        }
        take(&alone.kube, verb, &resources).await;
        let other = match play {
            Start => Some(alone.spawn(&[])),
            Elect | Standby => Some(alone.spawn(&["--leader-elect"])),
            Old => Some(Daemon::spawn(&storm.kubeconfig(), &["--leader-elect"])),
            _ => None,
        };
        act(&scene, play, &daemon).await;
        let log = other.as_ref().map_or(&daemon.log, |other| &other.log);
        for resource in &resources {
            let wanted = format!("cannot {verb} resource \"{resource}\"");
            let told = eventually(&format!("it is told that Gitmoor {wanted}"), async || {
                let told = said(&scene, log).await;
                told.iter().find(|text| text.contains(&wanted)).cloned().ok_or_else(|| told.join("\n"))
            })
            .await;
            assert!(told.contains(ADVICE), "what to do is said, too: {told}");
        }
        if (verb, play) == ("delete", Later) && resources.contains(&"horizontalpodautoscalers") {
            an_autoscaler_stays(&scene).await;
        }
        drop((other, leader));
        give_back(&alone.kube, verb, &resources).await;
        if matches!(play, New | Foreign | Restored | Later | Announced) {
            scene.kube.delete("GitSync", OPERATOR, &scene.sync).await;
        }
    }
    alone.kube.remove_optional().await;
}

/// Of an autoscaler that cannot be deleted its service's status tells, and only the Deployment waits for it: it would be
/// scaled by two.
async fn an_autoscaler_stays(scene: &Scene) {
    let told = scene
        .service_that("scaled", "it says that its autoscaler stays", |scaled| {
            condition(scaled, "ChildrenApplied")["reason"] == "Forbidden"
        })
        .await;
    let message = condition(&told, "Ready")["message"].to_string();
    let words = "HorizontalPodAutoscaler scaled is no longer needed and was not deleted";
    assert!(message.contains(words), "{message}");
    scene.object_that("Service", "scaled", "a child of the same commit is made", |_| true).await;
    let deployment = scene.kube.get("Deployment", &scene.namespace, "scaled").await;
    let entries = deployment["metadata"]["managedFields"].as_array().unwrap().iter();
    let mut ours = entries.filter(|entry| entry["manager"] == "gitmoor-controller");
    assert!(ours.all(|entry| entry["fieldsV1"]["f:spec"].get("f:replicas").is_none()), "{deployment:#}");
}

/// The rights, with those together that one play shows: rights to children of one verb, as one child that fails keeps
/// none of the others from being tried; and all that is listed, as each watch tries by itself.
fn together() -> Vec<(&'static str, Vec<&'static str>, Play)> {
    let mut all: Vec<(&str, Vec<&str>, Play)> = Vec::new();
    for (verb, resource, play) in RIGHTS {
        let goes_with = |resource: &str| {
            let ours = ["gitsyncs", "microservices", "events", "namespaces", "secrets", "leases"];
            let is_ours = ours.contains(&resource.split('/').next().unwrap());
            (play == Old || !is_ours) && !KEEPS_OTHERS.contains(&(verb, resource))
        };
        let same = |one: &&mut (&str, Vec<&str>, Play)| {
            one.0 == verb && one.2 == play && one.1.iter().all(|resource| goes_with(resource))
        };
        match all.iter_mut().find(same).filter(|_| goes_with(resource)) {
            Some((_, resources, _)) => resources.push(resource),
            None => all.push((verb, vec![resource], play)),
        }
    }
    all
}

#[test]
fn every_right_is_shown_or_says_why_it_cannot_be() {
    let shown = RIGHTS.map(|(verb, resource, _)| (verb, resource));
    let unseen = UNSEEN.map(|(verb, resource, _)| (verb, resource));
    let mut cases = BTreeMap::<_, usize>::new();
    for case in shown.into_iter().chain(unseen) {
        *cases.entry(case).or_default() += 1;
    }
    let granted = granted();
    let mut groups = BTreeMap::new();
    for right in &granted {
        let (verb, resource) = (right.verb.as_str(), right.resource.as_str());
        let count = cases.get(&(verb, resource)).copied().unwrap_or_default();
        assert_eq!(count, 1, "deploy/access.yaml lets Gitmoor {verb} {resource}: show what happens without, once");
        // A case names no group: it would not say of which one it speaks.
        assert_eq!(*groups.entry(resource).or_insert(&right.group), &right.group, "{resource} is of one group");
    }
    for (verb, resource) in cases.into_keys() {
        let is_granted = granted.iter().any(|right| (&*right.verb, &*right.resource) == (verb, resource));
        assert!(is_granted, "deploy/access.yaml does not let Gitmoor {verb} {resource} any more");
    }
    for case in KEEPS_OTHERS {
        assert!(shown.contains(&case), "{case:?} is no case");
    }
}

/// What must be there before the right is taken away.
async fn prepare(scene: &Scene, play: Play, resources: &[&str]) {
    match play {
        Start if resources == ["secrets"] => {
            // As it is installed: whoever starts next makes a key.
            scene.kube.merge("suite", "Secret", OPERATOR, "gitmoor-redaction", json!({"data": null})).await;
        }
        Start | New => {}
        Elect | Standby | Old => {
            // Who led before is gone and may have been unable to say so.
            scene.kube.kubectl(&["delete", "leases", "--all", "-n", OPERATOR, "--ignore-not-found"]).await;
        }
        Foreign => {
            for resource in resources {
                scene.kube.create(&manifests::foreign(&scene.namespace, resource)).await;
            }
        }
        Restored | Later | Announced | Left => {
            let secret = json!({
                "apiVersion": "v1", "kind": "Secret", "metadata": {"namespace": OPERATOR, "name": scene.sync},
                "stringData": {"token": secret!("token")}
            });
            scene.kube.create(&secret).await;
            let commit = scene.commit(&manifests::first(&scene.namespace));
            create(scene).await;
            scene.applied(&commit).await;
            for name in manifests::SERVICES {
                scene.ready(name).await;
            }
        }
    }
}

/// What needs the right.
async fn act(scene: &Scene, play: Play, daemon: &Daemon) {
    match play {
        Start | Elect | Standby | Old => {}
        New | Foreign => {
            scene.commit(&manifests::first(&scene.namespace));
            create(scene).await;
        }
        Restored => scene.kube.delete("Deployment", &scene.namespace, "a").await,
        Later => {
            let owner = scene.service("a").await.unwrap();
            scene.kube.apply("gitmoor-controller", &manifests::former(&owner)).await.unwrap();
            scene.commit(&manifests::second());
            scene.request().await;
        }
        Left => scene.kube.delete("GitSync", OPERATOR, &scene.sync).await,
        Announced => {
            let url = format!("{}/hooks/{OPERATOR}/{}", daemon.hooks, scene.sync);
            let signature = format!("sha256={}", "0".repeat(64));
            let push = http::client().post(url).header("X-Hub-Signature-256", signature).body("{}");
            assert_eq!(push.send().await.unwrap().status().as_u16(), 403);
        }
    }
}

async fn create(scene: &Scene) {
    let spec = json!({
        "targetNamespace": scene.namespace, "allowedNamespaces": ["*"], "createNamespaces": true,
        "deletionPolicy": "Delete", "prune": {"budget": "100%"}, "webhook": {"secretRef": {"name": scene.sync}}
    });
    scene.create_sync(spec).await;
}

/// Everything that a person can read of it.
async fn said(scene: &Scene, log: &Log) -> Vec<String> {
    let mut told = log.lines(|_| true);
    told.extend(scene.kube.find("GitSync", &scene.home, &scene.sync).await);
    told.extend(scene.kube.list("MicroService", &scene.namespace).await);
    told.iter().map(|value: &Value| value.to_string().replace("\\\"", "\"")).collect()
}
