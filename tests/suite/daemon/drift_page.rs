//! docs/drift.md shows real reports: those that a daemon makes of these edits. Names, times and digests are set.

use regex::Regex;
use serde_json::{Value, json};

use super::told::manifest;
use crate::cli::gitmoor_on;
use crate::support::alone::Alone;
use crate::support::daemon::Daemon;
use crate::support::plane::root;
use crate::support::scene::Scene;

/// What the page shows under each name.
async fn reports() -> Option<Vec<(&'static str, String)>> {
    let alone = Alone::new().await?;
    let daemon = alone.daemon(&[]).await;
    let mut kept = manifest(1);
    kept["spec"]["env"][1] = json!({"name": "DB_PASSWORD", "value": "first"});
    let left = synced(&alone, &daemon, "Report", kept).await?;
    left.kube.kubectl_edit(&left.namespace, "ms/orders", "s|value: first|value: second|").await;
    left.kube.kubectl(&["scale", "-n", &left.namespace, "deployment/orders", "--replicas=4"]).await;
    let both = |orders: &Value| {
        // A changed spec is rendered, and the child follows: that is no drift.
        let known = |level: &str| {
            let drift = &orders["status"][level];
            drift["count"] == 1 && is_traced(&drift["fields"][0])
        };
        known("sourceDrift") && known("workloadDrift")
    };
    left.service_that("orders", "both levels differ, and their commits are known", both).await;
    let name = format!("{}/orders", left.namespace);
    let report = async |flags: &[&str]| {
        let arguments = [&["drift", &name][..], flags].concat();
        gitmoor_on(left.kube.plane, &arguments).await.exits(1).out
    };
    let (text, markdown) = (report(&[]).await, report(&["-o", "markdown"]).await);
    let mut shown = vec![("report", settled(&left, &text)), ("markdown", settled(&left, &markdown))];

    let back = synced(&alone, &daemon, "Correct", manifest(1)).await?;
    back.kube.kubectl(&["scale", "-n", &back.namespace, "deployment/orders", "--replicas=4"]).await;
    let episode = |orders: &Value| {
        let drift = &orders["status"]["workloadDrift"];
        drift["history"][0]["ended"] == "Corrected" && is_traced(&drift["history"][0]) && is_traced(&drift["fields"][0])
    };
    let orders = back.service_that("orders", "it was put back", episode).await;
    let event = back.event("MicroService", "orders", "WorkloadDrift", "/spec/replicas").await;
    let over = back.event("MicroService", "orders", "WorkloadDriftEnded", "/spec/replicas").await;
    let line = |message: &str| {
        let of_scene =
            |line: &Value| line["message"] == message && line["service"] == format!("{}/orders", back.namespace);
        back.log.lines(of_scene).first().map(Value::to_string).unwrap_or_default()
    };
    let log = format!("{}\n{}\n", line("drift"), line("drift ended"));
    let events: Vec<_> = [event, over]
        .iter()
        .map(|event| format!("{} {}: {}\n", event["type"], event["reason"], event["note"]).replace('"', ""))
        .collect();
    let name = format!("{}/orders", back.namespace);
    let history = gitmoor_on(back.kube.plane, &["drift", &name, "--since", "1h"]).await.exits(0).out;
    let status =
        serde_yaml::to_string(&json!({"status": {"workloadDrift": orders["status"]["workloadDrift"]}})).unwrap();
    // The commit is in an Event only where it was known by then.
    let commit = Regex::new(r" in [0-9a-f]{7} by Ada Lovelace: change [^;)\n]*").unwrap();
    let events = commit.replace_all(&events.concat(), "").into_owned();
    for (name, text) in [("log", log), ("events", events), ("history", history), ("status", status)] {
        shown.push((name, settled(&back, &text)));
    }
    Some(shown)
}

/// Whether it is known which commit declared it: that is found out a moment after it was told.
fn is_traced(field: &Value) -> bool {
    field["declaredAt"]["commit"].is_string()
}

/// A scene with a service `orders` that is ready.
async fn synced(alone: &Alone, daemon: &Daemon, policy: &str, orders: Value) -> Option<Scene> {
    let scene = alone.scene(daemon, "page").await?;
    let commit = scene.commit(&[("apps/orders.yaml", orders)]);
    scene.create_sync(json!({"drift": {"policy": policy}})).await;
    scene.applied(&commit).await;
    scene.ready("orders").await;
    Some(scene)
}

/// A text with what differs from run to run set.
fn settled(scene: &Scene, text: &str) -> String {
    let set = |text: &str, pattern: &str, to: &str| Regex::new(pattern).unwrap().replace_all(text, to).into_owned();
    let text = text.replace(&scene.namespace, "shop");
    let text = set(&text, r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "2026-03-01T12:00:00Z");
    let text = set(&text, r"main@(sha1:)?[0-9a-f]{7,40}", "main@1f2e3d4");
    let text = set(&text, r"\b[0-9a-f]{40}\b", "1f2e3d4c5b6a79881f2e3d4c5b6a79881f2e3d4c");
    let text = set(&text, r"(in|,) [0-9a-f]{7} ", "$1 1f2e3d4 ");
    let text = set(&text, r"after [0-9hms.]+", "after 0.12s");
    let mut text = set(&text, r#""lasted":"[^"]*""#, r#""lasted":"0.12s""#);
    let digest = Regex::new(r"\(hidden [0-9a-f]{12}\)").unwrap();
    let mut digests: Vec<String> = digest.find_iter(&text).map(|found| found.as_str().to_owned()).collect();
    let mut seen = Vec::new();
    digests.retain(|one| {
        !seen.contains(one) && {
            seen.push(one.clone());
            true
        }
    });
    for (one, set) in digests.iter().zip(["(hidden 3f2a91c04b7d)", "(hidden 8d05e6a17c22)"]) {
        text = text.replace(one, set);
    }
    text
}

#[tokio::test]
async fn the_page_about_drift_shows_what_a_daemon_says() {
    let Some(reports) = reports().await else { return };
    let path = root().join("docs/drift.md");
    let committed = std::fs::read_to_string(&path).unwrap();
    let mut page = committed.clone();
    for (name, text) in reports {
        let marker = format!("<!-- real: {name} -->\n");
        let start = page.find(&marker).unwrap_or_else(|| panic!("docs/drift.md has no {marker}")) + marker.len();
        let begin = start + page[start..].find('\n').unwrap() + 1;
        let end = begin + page[begin..].find("````").unwrap();
        page.replace_range(begin..end, &format!("{}\n", text.trim_end()));
    }
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &page).unwrap();
        return;
    }
    assert!(committed == page, "docs/drift.md is stale: UPDATE_GOLDEN=1 cargo test --test suite -- drift_page\n{page}");
}
