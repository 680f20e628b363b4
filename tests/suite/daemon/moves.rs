//! An object that moves from one GitSync to another stays the same object, and its workload runs on.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::scene::{Scene, service};
use crate::support::{eventually, holds};

/// Two GitSyncs of one repository, with a folder each.
async fn two(topic: &str, files: &[(&str, Value)]) -> Option<(Scene, Scene)> {
    let mut one = Scene::new(topic).await?;
    one.sync = "one".into();
    let mut two = Scene::new(topic).await?;
    (two.home, two.namespace, two.sync) = (one.home.clone(), one.namespace.clone(), "two".into());
    two.url.clone_from(&one.url);
    let commit = one.commit(files);
    let everything = json!({"budget": "100%"});
    one.create_sync(json!({"paths": ["one"], "prune": everything})).await;
    two.create_sync(json!({"paths": ["two"], "prune": everything})).await;
    one.applied(&commit).await;
    two.applied(&commit).await;
    Some((one, two))
}

fn stay() -> [(&'static str, Value); 2] {
    [("one/stays.yaml", service("one-stays", json!({}))), ("two/stays.yaml", service("two-stays", json!({})))]
}

/// Which GitSync has an object.
fn owner(object: &Value) -> String {
    let mark = object["metadata"]["annotations"]["gitmoor.dev/source"].as_str().unwrap_or_default();
    mark.split("; ").next().and_then(|sync| sync.rsplit('/').next()).unwrap_or_default().to_owned()
}

fn uid(object: &Value) -> String {
    object["metadata"]["uid"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_object_that_moves_within_one_commit_is_never_gone() {
    let mut files = stay().to_vec();
    let names: Vec<String> = (0..5).map(|index| format!("m{index}")).collect();
    let paths: Vec<(String, String)> =
        names.iter().map(|name| (format!("one/{name}.yaml"), format!("two/{name}.yaml"))).collect();
    for (name, (path, _)) in names.iter().zip(&paths) {
        files.push((path, service(name, json!({}))));
    }
    let Some((one, two)) = two("moves", &files).await else { return };
    for name in &names {
        one.ready(name).await;
    }
    let uids = async |kind: &str| {
        let all = one.kube.list(kind, &one.namespace).await;
        all.iter().map(uid).collect::<BTreeSet<_>>()
    };
    let (services, deployments) = (uids("MicroService").await, uids("Deployment").await);
    assert_eq!((services.len(), deployments.len()), (7, 7));
    for round in 0..8 {
        // There and back; by turns, only one of the two is told, and which one differs.
        let there = round % 2 == 0;
        let mut change = Vec::new();
        for (name, (a, b)) in names.iter().zip(&paths) {
            let (from, to) = if there { (a, b) } else { (b, a) };
            change.push((from.as_str(), Value::Null));
            change.push((to.as_str(), service(name, json!({}))));
        }
        let commit = one.commit(&change);
        let (giver, taker) = if there { (&one, &two) } else { (&two, &one) };
        let told = if round % 4 < 2 { giver } else { taker };
        told.request().await;
        for name in &names {
            giver.service_that(name, &format!("it is {}'s", taker.sync), |object| owner(object) == taker.sync).await;
        }
        giver.applied(&commit).await;
        taker.applied(&commit).await;
        giver.condition("Ready", "True", "Applied").await;
        taker.condition("Ready", "True", "Applied").await;
        assert_eq!(uids("MicroService").await, services, "round {round}: the same objects");
    }
    for name in &names {
        one.ready(name).await;
    }
    assert_eq!(uids("Deployment").await, deployments, "the same workloads");
    let deleted = one.log.lines(|line| line["change"] == "Deleted" && line.to_string().contains(&one.namespace));
    assert_eq!(deleted, Vec::<Value>::new());
    let taken = one.log.lines(|line| line["message"] == "taken over" && line.to_string().contains(&one.namespace));
    assert_eq!(taken.len(), 8 * names.len(), "each once in each round");
    one.event("MicroService", "m0", "TakenOver", &format!("which was GitSync {}/one's", one.home)).await;
    // What neither declares any more goes.
    one.commit(&paths.iter().map(|(path, _)| (path.as_str(), Value::Null)).collect::<Vec<_>>());
    one.request().await;
    eventually("what nobody declares is gone", async || {
        let left = one.services().await;
        holds(left == ["one-stays", "two-stays"], left)
    })
    .await;
}

#[tokio::test]
async fn a_move_between_two_repositories_leaves_no_gap_where_the_second_declares_it_first() {
    let files = [("a.yaml", service("a", json!({}))), ("b.yaml", service("b", json!({})))];
    let Some(first) = Scene::synced("repo1", json!({}), &files).await else { return };
    let before = first.ready("a").await;
    let Some(mut second) = Scene::new("repo2").await else { return };
    (second.home, second.namespace, second.sync) = (first.home.clone(), first.namespace.clone(), "second".into());
    let commit = second.commit(&[("deep/a.yaml", service("a", json!({"replicas": 2})))]);
    second.create_sync(json!({})).await;
    let status = second.applied(&commit).await;
    let problem = &status["problems"][0];
    assert_eq!(
        (&problem["reason"], &problem["place"]),
        (&json!("OwnedByOther"), &json!("deep/a.yaml:1:1")),
        "{status:#}"
    );
    let said = problem["message"].as_str().unwrap();
    assert!(said.contains(&format!("GitSync {}/main, which declares it, too", first.home)), "{said}");

    first.push(&[("a.yaml", Value::Null)]).await;
    let after = second.service_that("a", "it is the second's", |a| owner(a) == "second").await;
    assert_eq!((uid(&after), &after["spec"]["replicas"]), (uid(&before), &json!(2)));
    first.condition("Ready", "True", "Applied").await;
    second.condition("Ready", "True", "Applied").await;
    let status = first.settled().await;
    assert_eq!((&status["counts"]["declared"], &status["counts"]["held"]), (&json!(1), &json!(0)), "{status:#}");
}

#[tokio::test]
async fn what_a_suspended_gitsync_may_declare_is_not_deleted() {
    let mut files = stay().to_vec();
    files.push(("one/a.yaml", service("a", json!({}))));
    let Some((one, two)) = two("asleep", &files).await else { return };
    let before = one.ready("a").await;
    two.kube.merge("suite", "GitSync", &two.home, "two", json!({"spec": {"suspend": true}})).await;
    two.condition("Ready", "True", "Suspended").await;
    one.push(&[("one/a.yaml", Value::Null), ("two/a.yaml", service("a", json!({})))]).await;
    let status = one.status("the deletion is held", |status| status["problems"][0]["reason"] == "MayMove").await;
    let said = status["problems"][0]["message"].as_str().unwrap();
    assert!(said.contains(&format!("GitSync {}/two declares it, which is suspended", two.home)), "{said}");
    two.kube.merge("suite", "GitSync", &two.home, "two", json!({"spec": {"suspend": false}})).await;
    let after = two.service_that("a", "it moved", |a| owner(a) == "two").await;
    assert_eq!(uid(&after), uid(&before));
    one.status("it is forgotten", |status| status["counts"]["held"] == 0).await;
}

#[tokio::test]
async fn what_both_declare_stays_with_the_first_and_only_its_own_removal_hands_it_over() {
    let mut files = stay().to_vec();
    files.push(("one/a.yaml", service("a", json!({"replicas": 1}))));
    let Some((one, two)) = two("both", &files).await else { return };
    one.ready("a").await;
    let commit = one.commit(&[("two/a.yaml", service("a", json!({"replicas": 5})))]);
    two.request().await;
    let status = two.condition("Ready", "False", "OwnedByOther").await;
    assert!(status["message"].as_str().unwrap().contains("/one, which declares it, too"), "{status}");
    one.request().await;
    one.applied(&commit).await;
    two.applied(&commit).await;
    let a = one.service("a").await.unwrap();
    assert_eq!((owner(&a), &a["spec"]["replicas"]), ("one".into(), &json!(1)));
    // A commit of the second alone changes nothing about that.
    let commit = one.commit(&[("two/a.yaml", service("a", json!({"replicas": 6})))]);
    two.request().await;
    two.applied(&commit).await;
    assert_eq!(owner(&one.service("a").await.unwrap()), "one");
    one.push(&[("one/a.yaml", Value::Null)]).await;
    two.service_that("a", "it is the second's", |a| owner(a) == "two" && a["spec"]["replicas"] == 6).await;
    two.condition("Ready", "True", "Applied").await;
}

#[tokio::test]
async fn of_two_that_create_at_once_one_has_it_and_the_other_says_so() {
    for round in 0..3 {
        let Some(mut one) = Scene::new("race").await else { return };
        one.sync = "one".into();
        let Some(mut two) = Scene::new("race").await else { return };
        (two.home, two.namespace, two.sync) = (one.home.clone(), one.namespace.clone(), "two".into());
        one.commit(&[("a.yaml", service("a", json!({"replicas": 1})))]);
        two.commit(&[("a.yaml", service("a", json!({"replicas": 2})))]);
        tokio::join!(one.create_sync(json!({})), two.create_sync(json!({})));
        let a = one.service_that("a", "somebody made it", |a| !owner(a).is_empty()).await;
        let (first, second) = if owner(&a) == "one" { (&one, &two) } else { (&two, &one) };
        first.condition("Ready", "True", "Applied").await;
        second.condition("Ready", "False", "OwnedByOther").await;
        let replicas = if owner(&a) == "one" { 1 } else { 2 };
        assert_eq!(one.service("a").await.unwrap()["spec"]["replicas"], replicas, "round {round}");
    }
}
