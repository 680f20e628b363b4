//! What is told, to whom, in which form; and `gitmoor alert test`.

use serde_json::{Value, json};

use super::receiver::Receiver;
use super::{HMAC_KEY, TOKEN, secret, target, tells_no_canary};
use crate::cli::gitmoor_on;
use crate::support::scene::{Scene, service};
use crate::support::{eventually, holds};

fn replicas(count: u32) -> Value {
    json!([{"op": "replace", "path": "/spec/replicas", "value": count}])
}

#[tokio::test]
async fn a_drift_is_told_with_who_and_where_in_each_form_and_so_is_its_end() {
    let Some(scene) = Scene::new("alerts-told").await else { return };
    let receiver = Receiver::start().await;
    secret(&scene, None).await;
    let to = |path: &str| json!({"url": format!("{}/{path}", receiver.url)});
    let elsewhere = json!({"url": format!("{}/elsewhere", receiver.url), "events": [{"names": ["payments"]}]});
    let notify = json!([
        target("hook", "Webhook", to("hook")),
        target("chat", "Slack", to("chat")),
        target("card", "Teams", to("card")),
        target("events", "CloudEvents", to("events")),
        target("prom", "Alertmanager", to("prom")),
        target("other", "Webhook", elsewhere),
    ]);
    let commit = scene.commit(&[("orders.yaml", service("orders", json!({"replicas": 1})))]);
    scene.create_sync(json!({"drift": {"policy": "Report"}, "notify": notify})).await;
    scene.applied(&commit).await;
    scene.ready("orders").await;
    scene.kube.edit("somebody", "MicroService", &scene.namespace, "orders", replicas(2)).await;

    let (heard, alert) = receiver.hears_alert("/hook", "Drifted", "began").await;
    assert!(heard.is_signed(HMAC_KEY), "{heard:?}");
    assert_eq!(heard.headers["authorization"], format!("Bearer {TOKEN}"));
    let key = format!("gitmoor/{0}/main/Drifted/{0}/orders", scene.namespace);
    assert_eq!((&alert["key"], &alert["severity"]), (&json!(key), &json!("warning")), "{alert:#}");
    let details = alert["details"].to_string();
    for words in ["/spec/replicas is 2; declared 1", "somebody", "orders.yaml:"] {
        assert!(details.contains(words), "{words} in {details}");
    }
    let about = |heard: &super::receiver::Heard| String::from_utf8_lossy(&heard.body).contains("/spec/replicas is 2");
    let slack = receiver.hears("/chat", "Slack is told", about).await;
    assert!(slack.json()["blocks"].is_array() && !slack.headers.contains_key("authorization"), "{slack:?}");
    receiver.hears("/card", "Teams is told", about).await;
    let event = receiver.hears("/events", "CloudEvents are told", about).await;
    assert_eq!(event.headers["content-type"], "application/cloudevents+json; charset=utf-8");
    assert_eq!((&event.json()["specversion"], &event.json()["type"]), (&json!("1.0"), &json!("dev.gitmoor.alerts.v1")));
    let of_drift = |heard: &super::receiver::Heard, over: bool| {
        let alerts = heard.json();
        let is_over = |alert: &Value| {
            let time = |field: &str| alert[field].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
            time("endsAt") <= jiff::Timestamp::now()
        };
        let fits = |alert: &&Value| alert["labels"]["alertname"] == "GitmoorDrifted" && is_over(alert) == over;
        alerts.as_array().unwrap().iter().find(fits).cloned()
    };
    let began =
        receiver.hears("/prom/api/v2/alerts", "Alertmanager is told", |heard| of_drift(heard, false).is_some()).await;
    let labels = of_drift(&began, false).unwrap()["labels"].clone();
    assert_eq!(
        (&labels["microservice"], &labels["namespace"]),
        (&json!("orders"), &json!(scene.namespace)),
        "{labels}"
    );

    scene.kube.edit("somebody", "MicroService", &scene.namespace, "orders", replicas(1)).await;
    let (_, alert) = receiver.hears_alert("/hook", "Drifted", "ended").await;
    assert_eq!(alert["key"], key);
    assert!(alert["text"].as_str().unwrap().contains("somebody put it back"), "{alert:#}");
    let ended =
        receiver.hears("/prom/api/v2/alerts", "and that it is over", |heard| of_drift(heard, true).is_some()).await;
    assert_eq!(of_drift(&ended, true).unwrap()["labels"], labels);
    let told = |status: &Value| status["notify"].as_array().unwrap().iter().all(|one| one["told"].is_null());
    let status = scene.status("nothing stands any more", |status| status["notify"].is_array() && told(status)).await;
    assert_eq!(status["notify"].as_array().unwrap().len(), 6);
    assert!(receiver.heard("/elsewhere").is_empty(), "its filter leaves that out");
    let conditions = status["conditions"].to_string();
    assert!(!conditions.contains("Notified"), "{conditions}");
    tells_no_canary(&scene).await;
}

#[tokio::test]
async fn a_burst_of_drift_is_told_together() {
    const SERVICES: usize = 25;
    let Some(scene) = Scene::new("alerts-burst").await else { return };
    let receiver = Receiver::start().await;
    secret(&scene, None).await;
    let names: Vec<String> = (0..SERVICES).map(|number| format!("s{number:02}")).collect();
    let files: Vec<(String, Value)> =
        names.iter().map(|name| (format!("{name}.yaml"), service(name, json!({"replicas": 0})))).collect();
    let files: Vec<(&str, Value)> = files.iter().map(|(path, manifest)| (path.as_str(), manifest.clone())).collect();
    let commit = scene.commit(&files);
    let hook =
        target("hook", "Webhook", json!({"url": format!("{}/hook", receiver.url), "every": "5m", "after": null}));
    scene.create_sync(json!({"notify": [hook]})).await;
    scene.applied(&commit).await;
    // As people know it, and not as a message that comes before: nothing else is told within five minutes.
    let patch = json!([{"op": "replace", "path": "/spec/image", "value": "example.com/evil:1"}]);
    let edits =
        names.iter().map(|name| scene.kube.edit("somebody", "MicroService", &scene.namespace, name, patch.clone()));
    futures::future::join_all(edits).await;
    let heard = receiver.hears("/hook", "the burst is told", |_| true).await;
    let body = heard.json();
    let kinds: Vec<&Value> = body["alerts"].as_array().unwrap().iter().map(|alert| &alert["kind"]).collect();
    // How many of them come before two seconds are quiet is the machine's.
    assert!(kinds.len() > 1 && kinds.iter().all(|kind| **kind == "Corrected"), "{body:#}");
    assert!(body["headline"].as_str().unwrap().ends_with(&format!("{} corrected drifts", kinds.len())), "{body:#}");
    assert!(body.to_string().contains("by somebody"), "{body:#}");
    assert_eq!(receiver.heard("/hook").len(), 1, "one message");
}

#[tokio::test]
async fn a_held_plan_a_quarantine_and_a_stale_source_are_told_and_that_they_are_over() {
    let Some(scene) = Scene::new("alerts-sync").await else { return };
    let receiver = Receiver::start().await;
    secret(&scene, Some(&format!("{}/hook/{}", receiver.url, secret!("path")))).await;
    let names = ["a", "b", "c", "d"];
    let files = names.map(|name| (format!("{name}.yaml"), service(name, json!({"replicas": 0}))));
    let files: Vec<(&str, Value)> = files.iter().map(|(path, manifest)| (path.as_str(), manifest.clone())).collect();
    let commit = scene.commit(&files);
    let events = json!({"events": [{}, {"kinds": ["Applied"]}]});
    let notify = json!([target("hook", "Webhook", events)]);
    // A source is stale after some intervals.
    scene.create_sync(json!({"interval": "2s", "prune": {"budget": 1}, "notify": notify})).await;
    scene.applied(&commit).await;
    receiver.hears_alert("/hook", "Applied", "happened").await;

    scene.commit(&[("a.yaml", Value::Null), ("b.yaml", Value::Null), ("c.yaml", service("c", json!({"imagee": "x"})))]);
    scene.request().await;
    let (_, held) = receiver.hears_alert("/hook", "Quarantined", "began").await;
    assert!(held["details"][0].as_str().unwrap().starts_with("c.yaml:"), "{held:#}");

    scene.commit(&[("c.yaml", service("c", json!({"replicas": 0})))]);
    scene.request().await;
    receiver.hears_alert("/hook", "Quarantined", "ended").await;
    let (_, held) = receiver.hears_alert("/hook", "PlanHeld", "began").await;
    let command = held["command"].as_str().unwrap();
    let plan = command.strip_prefix(&format!("gitmoor approve {}/main --plan ", scene.namespace)).unwrap();
    assert!(held["text"].as_str().unwrap().contains(plan), "{held:#}");
    gitmoor_on(scene.kube.plane, &command.split(' ').skip(1).collect::<Vec<_>>()).await.exits(0);
    receiver.hears_alert("/hook", "PlanHeld", "ended").await;

    let url = json!({"spec": {"url": format!("{}-gone", scene.url)}});
    scene.kube.merge("suite", "GitSync", &scene.home, &scene.sync, url).await;
    let (_, stale) = receiver.hears_alert("/hook", "SourceStale", "began").await;
    assert_eq!(stale["reason"], "RepositoryNotFound", "{stale:#}");
    let url = json!({"spec": {"url": scene.url}});
    scene.kube.merge("suite", "GitSync", &scene.home, &scene.sync, url).await;
    receiver.hears_alert("/hook", "SourceStale", "ended").await;
}

#[tokio::test]
async fn who_tries_out_alerts_sees_what_each_target_answers() {
    let Some(scene) = Scene::new("alerts-test").await else { return };
    let receiver = Receiver::start().await;
    secret(&scene, None).await;
    let to = |path: &str| json!({"url": format!("{}/{path}", receiver.url)});
    let notify = json!([target("hook", "Webhook", to("hook")), target("forge", "Gitea", to("forge"))]);
    // Nothing is synced, so nothing else is told.
    scene.create_sync(json!({"suspend": true, "notify": notify})).await;
    let name = format!("{}/main", scene.namespace);
    let ran = gitmoor_on(scene.kube.plane, &["alert", "test", &name, "--target", "hook"]).await.exits(1);
    assert!(ran.out.contains("hook (Webhook): not told: AlertAddressForbidden (GM544)"), "{}", ran.out);
    let tried = ["alert", "test", &name, "--alerts-to-internal"];
    let ran = gitmoor_on(scene.kube.plane, &tried).await.exits(1);
    assert!(ran.out.contains("hook (Webhook): told, it answered 200: taken"), "{}", ran.out);
    assert!(ran.out.contains("forge (Gitea): not told: no commit was read yet"), "{}", ran.out);
    assert!(!ran.out.contains("c4nary") && !ran.err.contains("c4nary"), "{}{}", ran.out, ran.err);
    let heard = receiver.hears("/hook", "the test arrives", |_| true).await;
    assert_eq!((heard.json()["test"].clone(), heard.is_signed(HMAC_KEY)), (json!(true), true));
    let ran = gitmoor_on(scene.kube.plane, &[&tried[..], &["--target", "none"]].concat()).await.exits(2);
    assert!(ran.err.contains("it has: hook, forge"), "{}", ran.err);
    let ran = gitmoor_on(scene.kube.plane, &[&tried[..], &["--target", "hook", "-o", "json"]].concat()).await.exits(0);
    assert_eq!(ran.json()[0]["told"], true);
    eventually("nothing else is told", async || holds(receiver.heard("/hook").len() == 2, receiver.heard("/hook")))
        .await;
}
