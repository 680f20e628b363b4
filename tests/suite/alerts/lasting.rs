//! What outlasts the daemon, and where it may not tell.

use serde_json::{Value, json};

use super::receiver::Receiver;
use super::{secret, target};
use crate::support::alone::Alone;
use crate::support::scene::service;

#[tokio::test]
async fn a_restart_repeats_nothing_tells_what_is_new_and_no_daemon_tells_within_without_its_flag() {
    let Some(alone) = Alone::new().await else { return };
    let receiver = Receiver::start().await;
    let daemon = alone.daemon(&[]).await;
    let Some(mut scene) = alone.scene(&daemon, "alerts-restart").await else { return };
    // The daemon may read Secrets of its own namespace.
    scene.home = crate::support::daemon::OPERATOR.into();
    scene.sync = scene.namespace.clone();
    scene.kube.kubectl(&["delete", "secret", "alerts", "-n", &scene.home, "--ignore-not-found"]).await;
    secret(&scene, Some(&format!("{}/hook/{}", receiver.url, secret!("path")))).await;
    scene.commit(&[("a.yaml", service("a", json!({"imagee": "x"})))]);
    let hook = target("hook", "Webhook", json!({}));
    let spec = json!({"targetNamespace": scene.namespace, "allowedNamespaces": [scene.namespace], "notify": [hook]});
    scene.create_sync(spec).await;
    let refused = scene.condition("Notified", "False", "AlertAddressForbidden").await;
    assert!(refused["message"].as_str().unwrap().contains("--alerts-to-internal"), "{refused}");
    assert!(receiver.heard("/").is_empty());
    daemon.terminate().await;

    let daemon = alone
        .daemon(&["--alerts-to-internal", "--cluster-name", "prod", "--page-url", "https://page.example.com"])
        .await;
    let (heard, _) = receiver.hears_alert("/hook", "Quarantined", "began").await;
    assert_eq!(heard.json()["cluster"], "prod");
    assert_eq!(heard.json()["link"], format!("https://page.example.com/?sync={}%2F{}", scene.home, scene.sync));
    let told = |status: &Value| status["notify"][0]["told"][0]["alert"] == "Quarantined";
    scene.status("what was told is kept", told).await;
    daemon.kill();

    let daemon = alone.daemon(&["--alerts-to-internal"]).await;
    daemon.is_ready().await;
    scene.log = daemon.log.clone();
    // Something else that is told shows that there was time enough to repeat what was told.
    scene.settled().await;
    scene.commit(&[("a.yaml", service("a", json!({"replicas": 0})))]);
    scene.request().await;
    receiver.hears_alert("/hook", "Quarantined", "ended").await;
    let began = receiver
        .heard("/hook")
        .iter()
        .flat_map(super::receiver::Heard::alerts)
        .filter(|alert| alert["state"] == "began")
        .count();
    assert_eq!(began, 1, "{:#?}", receiver.heard("/hook"));
    assert!(daemon.metric("gitmoor_alerts_total", &["target=\"webhook\"", "result=\"told\""]).await >= 1.0);
}
