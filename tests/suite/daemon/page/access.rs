//! Who may look: each viewer is answered with the namespaces that they may read in the cluster, and nobody is taken for
//! somebody else.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use super::client::{Viewer, names};
use crate::support::alone::Alone;
use crate::support::daemon::Daemon;
use crate::support::plane::root;
use crate::support::scene::{Scene, service};
use crate::support::{Kube, canary, eventually, eventually_within, holds};

/// What the proxy proves itself with.
const SECRET: &str = "0123456789abcdef-proxy";

pub async fn install_page(kube: &Kube) {
    let page = root().join("deploy/page.yaml");
    kube.kubectl(&["apply", "--server-side", "--force-conflicts", "-f", page.to_str().unwrap()]).await;
}

/// A ServiceAccount of a scene's namespace that may look at it, and a token of it.
async fn account(kube: &Kube, namespace: &str) -> String {
    kube.kubectl(&["create", "serviceaccount", "viewer", "-n", namespace]).await;
    let subject = format!("--serviceaccount={namespace}:viewer");
    kube.kubectl(&["create", "rolebinding", "viewer", "--clusterrole=view", &subject, "-n", namespace]).await;
    canary::guard(kube.kubectl(&["create", "token", "viewer", "-n", namespace]).await.trim())
}

pub async fn scene(alone: &Alone, daemon: &Daemon, topic: &str) -> Option<Scene> {
    let scene = alone.scene(daemon, topic).await?;
    let commit = scene.commit(&[("a.yaml", service("a", json!({"replicas": 0})))]);
    scene.create_sync(json!({"drift": {"policy": "Report"}})).await;
    scene.applied(&commit).await;
    Some(scene)
}

/// Waits until a viewer sees just the service of one scene.
async fn sees(viewer: &Viewer, scene: &Scene) {
    // A right that was given a moment ago may be asked about before the API server knows it, and is kept for half a minute.
    eventually_within("the viewer sees their namespace", Duration::from_secs(120), async || {
        let (status, list) = viewer.get("/api/v1/services").await;
        holds(status == 200 && names(&list) == [format!("{}/a", scene.namespace)], (status, list))
    })
    .await;
}

async fn change(scene: &Scene, replicas: u32) {
    let edit = json!([{"op": "replace", "path": "/spec/replicas", "value": replicas}]);
    scene.kube.edit("somebody", "MicroService", &scene.namespace, "a", edit).await;
}

#[tokio::test]
async fn each_viewer_sees_the_namespaces_that_they_may_read() {
    let Some(alone) = Alone::new().await else { return };
    install_page(&alone.kube).await;
    let daemon = alone.daemon(&["--page", "127.0.0.1:0", "--page-access", "Token"]).await;
    let page = daemon.listener("page").await;
    let Some(shop) = scene(&alone, &daemon, "shop").await else { return };
    let Some(pay) = scene(&alone, &daemon, "pay").await else { return };
    let (ada, eve) = (account(&alone.kube, &shop.namespace).await, account(&alone.kube, &pay.namespace).await);

    let anybody = Viewer::new(&page);
    for path in ["/api/v1/overview", "/api/v1/services", "/api/v1/events", "/api/v1/timeline", "/api/v1/drift"] {
        assert_eq!(anybody.get(path).await.1["code"], "GM481", "{path}");
    }
    assert_eq!(anybody.read("/api/v1/session").await, json!({"access": "Token", "authenticated": false}));
    assert_eq!(anybody.send(Method::GET, "/", None).await.status().as_u16(), 200, "the page itself is no secret");
    let (status, body) = Viewer::bearing(&page, "nonsense.token.c4nary").get("/api/v1/overview").await;
    assert_eq!((status, &body["code"]), (401, &json!("GM482")));

    let (ada, eve) = (Viewer::bearing(&page, &ada), Viewer::bearing(&page, &eve));
    sees(&ada, &shop).await;
    sees(&eve, &pay).await;
    let foreign = format!("/api/v1/services/{}/a", pay.namespace);
    let syncs = format!("/api/v1/gitsyncs/{}/{}", pay.home, pay.sync);
    for path in [foreign.clone(), format!("{foreign}/tree"), syncs] {
        assert_eq!(ada.get(&path).await.0, 404, "{path}");
        assert_eq!(eve.get(&path).await.0, 200, "{path}");
    }
    let overview = ada.read("/api/v1/overview").await;
    assert_eq!((&overview["microServices"]["total"], &overview["gitSyncs"]["total"]), (&json!(1), &json!(1)));

    // Events, drift and the timeline, too.
    let (mut of_ada, mut of_eve) = (ada.events("").await, eve.events("").await);
    change(&pay, 1).await;
    let heard = |name: String| move |event: &super::client::Event| event.data["services"][0]["name"] == name.as_str();
    of_eve.until("Eve hears of it", heard(format!("{}/a", pay.namespace))).await;
    change(&shop, 1).await;
    loop {
        let event = of_ada.next().await.unwrap();
        assert!(!event.data.to_string().contains(&pay.namespace), "{event:?}");
        if event.data["services"][0]["driftedFields"] == 1 {
            break;
        }
    }
    for path in ["/api/v1/drift", "/api/v1/timeline", "/api/v1/services", "/api/v1/overview", "/api/v1/gitsyncs"] {
        let told = ada.read(path).await.to_string();
        assert!(!told.contains(&pay.namespace) && told.contains(&shop.namespace), "{path}: {told}");
    }
    cookies(&page, &ada).await;
    let leaks = daemon.log.lines(|line| line.to_string().contains("c4nary") || line.to_string().contains("eyJ"));
    assert!(leaks.is_empty(), "{leaks:?}");
}

/// A login keeps the token where no script finds it.
async fn cookies(page: &str, ada: &Viewer) {
    let token = ada.headers[0].1.strip_prefix("Bearer ").unwrap();
    let body = json!({"token": token}).to_string();
    let login = Viewer::new(page).with("content-type", "application/json");
    let answer = login.send(Method::POST, "/api/v1/session", Some(&body)).await;
    assert_eq!(answer.status().as_u16(), 200);
    let cookie = answer.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.contains("; HttpOnly; SameSite=Strict"), "{cookie}");
    let by_cookie = Viewer::new(page).with("cookie", cookie.split(';').next().unwrap());
    assert_eq!(by_cookie.read("/api/v1/session").await["authenticated"], true);
    assert_eq!(names(&by_cookie.read("/api/v1/services").await).len(), 1);
    let elsewhere = login.with("sec-fetch-site", "cross-site");
    assert_eq!(elsewhere.send(Method::POST, "/api/v1/session", Some(&body)).await.status().as_u16(), 405);
    let wrong = login.send(Method::POST, "/api/v1/session", Some(r#"{"token": "no.such.c4nary"}"#)).await;
    assert_eq!(wrong.status().as_u16(), 401);
    let huge = format!(r#"{{"token": "{}"}}"#, "x".repeat(1 << 20));
    // A server that does not want the rest of a body may close while it is being sent.
    let huge = crate::support::http::client().post(format!("{page}/api/v1/session")).body(huge);
    let huge = huge.header("content-type", "application/json").send().await;
    assert!(huge.is_err() || huge.is_ok_and(|answer| answer.status().as_u16() == 400), "a body beyond the bound");
    let out = Viewer::new(page).send(Method::DELETE, "/api/v1/session", None).await;
    assert!(out.headers()["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
}

#[tokio::test]
async fn a_proxy_is_believed_with_its_secret_only() {
    let Some(alone) = Alone::new().await else { return };
    install_page(&alone.kube).await;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), SECRET).unwrap();
    let secret_file = file.path().to_str().unwrap();
    let flags = ["--page", "127.0.0.1:0", "--page-access", "Proxy", "--page-proxy-secret-file", secret_file];
    let daemon = alone.daemon(&flags).await;
    let page = daemon.listener("page").await;
    let Some(shop) = scene(&alone, &daemon, "proxied").await else { return };
    let Some(_pay) = scene(&alone, &daemon, "other").await else { return };
    let binding = ["create", "rolebinding", "devs", "--clusterrole=view", "--group=devs", "-n", &shop.namespace];
    alone.kube.kubectl(&binding).await;

    let forged = Viewer::new(&page).with("x-forwarded-user", "ada").with("x-forwarded-groups", "devs");
    let proxy = Viewer::new(&page).with("x-gitmoor-proxy-secret", SECRET);
    let ada = proxy.with("x-forwarded-user", "ada").with("x-forwarded-groups", "qa, devs");
    sees(&ada, &shop).await;
    let check = async |viewer: &Viewer, code: &str| {
        let (status, body) = viewer.get("/api/v1/services").await;
        assert_eq!((status, &body["code"]), (401, &json!(code)), "{:?}: {body}", viewer.headers);
    };
    check(&forged, "GM483").await;
    check(&forged.with("x-gitmoor-proxy-secret", "0123456789abcdef-prox"), "GM483").await;
    check(&forged.with("x-gitmoor-proxy-secret", ""), "GM483").await;
    check(&proxy, "GM484").await;
    check(&proxy.with("x-forwarded-user", ""), "GM484").await;
    check(&proxy.with("x-forwarded-user", "ada").with("x-forwarded-user", "eve"), "GM484").await;
    check(&proxy.with("x-forwarded-user", "system:admin"), "GM484").await;
    check(&ada.with("x-forwarded-groups", "system:masters"), "GM484").await;
    let nobody = proxy.with("x-forwarded-user", "nobody");
    assert_eq!(nobody.read("/api/v1/services").await["total"], 0, "a user without rights sees nothing");
    assert_eq!(ada.read("/api/v1/session").await["user"], "ada");
}

#[tokio::test]
async fn without_the_rights_to_ask_nobody_is_shown_anything() {
    let Some(alone) = Alone::new().await else { return };
    alone.kube.kubectl(&["delete", "clusterrolebinding", "gitmoor-page", "--ignore-not-found"]).await;
    let daemon = alone.daemon(&["--page", "127.0.0.1:0", "--page-access", "Token"]).await;
    let viewer = Viewer::bearing(&daemon.listener("page").await, "some.token.here");
    eventually("it is said that nobody can be asked about", async || {
        let (status, body) = viewer.get("/api/v1/services").await;
        holds((status, &body["code"]) == (503, &json!("GM485")), (status, body))
    })
    .await;
    let line = daemon.log.line("why", |line| line["reason"] == "PageReviewFailed").await;
    assert!(line["code"] == "GM485" && !line.to_string().contains("some.token"), "{line:#}");
}

#[tokio::test]
async fn open_is_for_loopback_addresses() {
    let Some(kube) = Kube::shared().await else { return };
    let daemon = Daemon::spawn(&kube.plane.kubeconfig, &["--page", "0.0.0.0:0"]);
    let log = daemon.log.clone();
    assert_eq!(daemon.ended().await.code(), Some(2), "{}", log.tail());
    eventually("it says what to do", async || holds(log.tail().contains("GM480"), log.tail())).await;
}
