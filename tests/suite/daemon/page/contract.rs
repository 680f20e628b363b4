//! docs/openapi.yaml has every path of the page's API, and nothing else; each answers as it says.

use std::collections::BTreeSet;

use gitmoor::page::access::Access;
use gitmoor::page::route::PATHS;
use reqwest::Method;
use serde_json::{Value, json};

use super::client::{Viewer, names};
use super::schema::OpenApi;
use crate::support::alone::Alone;
use crate::support::scene::{Scene, service};
use crate::support::{eventually, holds, http};

#[test]
fn every_path_is_described_and_every_described_path_is_there() {
    let openapi = OpenApi::read();
    let described: BTreeSet<&str> = openapi.0["paths"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(described, PATHS.into_iter().collect());
    let words = &openapi.0["components"]["schemas"]["Session"]["properties"]["access"]["enum"];
    assert_eq!(*words, json!([Access::Open, Access::Token, Access::Proxy]));
}

/// A service that is ready, one that drifted, a manifest that is wrong, and deletions that are held.
async fn play(scene: &Scene) {
    let files: Vec<(String, Value)> = ["orders", "web", "old-a", "old-b", "old-c"]
        .iter()
        .map(|name| (format!("{name}.yaml"), manifest(name)))
        .collect();
    let files: Vec<(&str, Value)> = files.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
    let commit = scene.commit(&files);
    scene.create_sync(json!({"drift": {"policy": "Report"}, "prune": {"enabled": true, "budget": 1}})).await;
    scene.applied(&commit).await;
    scene.ready("orders").await;
    scene.ready("web").await;
    let edit = json!([{"op": "replace", "path": "/spec/replicas", "value": 2}]);
    scene.kube.edit("kubectl-edit", "MicroService", &scene.namespace, "orders", edit).await;
    scene.service_that("orders", "it drifted", |one| one["status"]["sourceDrift"]["count"] == 1).await;
    let bad = "apiVersion: gitmoor.dev/v1alpha1\nkind: MicroService\nmetadata:\n  name: bad\nspec:\n  imag: a:1\n  env:\n  - name: TOKEN\n    value: c4nary\n";
    let gone = ["old-a.yaml", "old-b.yaml", "old-c.yaml"].map(|name| (name, Value::Null));
    scene.commit(&[&[("bad.yaml", json!(bad))], &gone[..]].concat());
    scene.request().await;
    scene.status("a manifest is refused", |status| status["diagnostics"][0]["code"].is_string()).await;
}

fn manifest(name: &str) -> Value {
    let env = json!([{"name": "DB_PASSWORD", "value": "c4nary"}]);
    service(name, json!({"ports": [{"name": "http", "containerPort": 8080}], "env": env}))
}

#[tokio::test]
async fn every_path_answers_as_it_is_described_and_tells_no_secret() {
    let Some(alone) = Alone::new().await else { return };
    let daemon = alone.daemon(&["--page", "127.0.0.1:0"]).await;
    let viewer = Viewer::new(&daemon.listener("page").await);
    let Some(scene) = alone.scene(&daemon, "contract").await else { return };
    play(&scene).await;
    let (ns, sync) = (scene.namespace.as_str(), format!("{}/{}", scene.home, scene.sync));
    eventually("the page has seen the finding", async || {
        let found = viewer.read(&format!("/api/v1/gitsyncs/{sync}")).await;
        holds(found["findings"][0]["excerpt"].is_object(), found)
    })
    .await;
    let openapi = OpenApi::read();
    let paths = [
        ("/api/v1/session", "/api/v1/session".to_owned()),
        ("/api/v1/overview", "/api/v1/overview".to_owned()),
        ("/api/v1/gitsyncs", "/api/v1/gitsyncs".to_owned()),
        ("/api/v1/gitsyncs/{namespace}/{name}", format!("/api/v1/gitsyncs/{sync}")),
        ("/api/v1/services", format!("/api/v1/services?namespace={ns}&limit=2")),
        ("/api/v1/services/{namespace}/{name}", format!("/api/v1/services/{ns}/orders")),
        ("/api/v1/services/{namespace}/{name}/tree", format!("/api/v1/services/{ns}/web/tree")),
        ("/api/v1/drift", "/api/v1/drift".to_owned()),
        ("/api/v1/timeline", "/api/v1/timeline?limit=50".to_owned()),
    ];
    let mut told = Vec::new();
    for (path, asked) in &paths {
        let body = viewer.read(asked).await;
        let wrong = openapi.check(openapi.answer(path, "get", 200), &body);
        assert!(wrong.is_empty(), "{asked}:\n{}\n{body:#}", wrong.join("\n"));
        assert!(!body.to_string().contains("c4nary"), "{asked}: {body:#}");
        told.push(body);
    }
    for asked in ["/api/v1/services/no/where", "/api/v1/gitsyncs/no/where", "/api/v1/nothing", "/assets/nothing.js"] {
        let (status, body) = viewer.get(asked).await;
        let wrong = openapi.check(&openapi.0["components"]["schemas"]["Refusal"], &body);
        assert!(status == 404 && wrong.is_empty(), "{asked}: {status} {body}");
    }
    let (status, body) = viewer.get("/api/v1/services?limit=0").await;
    assert_eq!((status, &body["code"]), (400, &json!("GM489")));
    let [_, overview, _, gitsync, services, orders, tree, drift, timeline] = &told[..] else { unreachable!() };
    assert_eq!((&overview["role"], &overview["complete"]), (&json!("alone"), &json!(true)));
    assert_eq!((names(services).len(), services["continue"].is_string()), (2, true));
    // The finding shows its lines, without what may be secret.
    let lines = gitsync["findings"][0]["excerpt"]["lines"].to_string();
    assert!(lines.contains("imag: a:1") && !lines.contains("c4nary"), "{lines}");
    assert_eq!(orders["differences"]["drift"][0]["path"], "/spec/replicas");
    assert_eq!(drift["drift"][0]["manager"], "kubectl-edit");
    assert!(orders["differences"]["drift"][0]["declaredAt"]["file"] == "orders.yaml", "{orders:#}");
    let deployment = tree["tree"][0]["children"].as_array().unwrap().iter().find(|one| one["kind"] == "Deployment");
    assert_eq!(deployment.unwrap()["children"][0]["kind"], "Pod", "{tree:#}");
    let kinds: BTreeSet<&str> =
        timeline["items"].as_array().unwrap().iter().map(|entry| entry["kind"].as_str().unwrap()).collect();
    assert!(["Commit", "Sync", "Drift", "Health"].iter().all(|kind| kinds.contains(kind)), "{kinds:?}");

    held(&scene, &viewer, &openapi, &sync).await;
    strict(&viewer).await;
}

/// With the manifest put right the deletions are beyond the budget, and the page says what approving them would do.
async fn held(scene: &Scene, viewer: &Viewer, openapi: &OpenApi, sync: &str) {
    scene.commit(&[("bad.yaml", Value::Null)]);
    scene.request().await;
    scene.status("the plan is held", |status| status["hold"].is_object()).await;
    let found = eventually("the page has the plan", async || {
        let found = viewer.read(&format!("/api/v1/gitsyncs/{sync}")).await;
        if found["heldPlan"].is_object() { Ok(found) } else { Err(format!("{found:#}")) }
    })
    .await;
    let wrong = openapi.check(openapi.answer("/api/v1/gitsyncs/{namespace}/{name}", "get", 200), &found);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(found["heldPlan"]["doing"], "3 deletions");
    let plan = found["hold"]["plan"].as_str().unwrap();
    assert_eq!(found["heldPlan"]["approve"], format!("gitmoor approve {sync} --plan {plan}"));
    assert_eq!(viewer.read("/api/v1/overview").await["held"], 1);
}

/// What every answer says to a browser, and what no request may do.
async fn strict(viewer: &Viewer) {
    for path in
        ["/", "/services/shop/orders", "/assets/index.html", "/api/v1/overview", "/api/v1/nothing", "/api/v1/events"]
    {
        let answer = viewer.send(Method::GET, path, None).await;
        let policy = answer.headers()["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self'"), "{path}: {policy}");
        assert!(!policy.contains("unsafe") && policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        assert_eq!(answer.headers()["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(answer.headers()["referrer-policy"], "no-referrer", "{path}");
    }
    let page = viewer.send(Method::GET, "/services/shop/orders", None).await;
    assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS] {
        for path in ["/", "/api/v1/overview", "/api/v1/session"] {
            let answer = viewer.send(method.clone(), path, Some("{}")).await;
            assert_eq!(answer.status().as_u16(), 405, "{method} {path}");
        }
    }
    let answer = viewer.send(Method::HEAD, "/api/v1/overview", None).await;
    assert_eq!(http::said("HEAD", answer).await, (200, String::new()));
    let answer = viewer.send(Method::GET, "/api/v1/gitsyncs", None).await;
    let tag = answer.headers()["etag"].to_str().unwrap().to_owned();
    let again = viewer.with("if-none-match", tag).send(Method::GET, "/api/v1/gitsyncs", None).await;
    assert_eq!(again.status().as_u16(), 304);
    // A name of the internet that was made to lead here.
    let (status, body) = viewer.with("host", "evil.example").get("/api/v1/overview").await;
    assert_eq!((status, &body["code"]), (421, &json!("GM486")));
    let large = http::client().get(&viewer.page).header("x-large", "x".repeat(64 * 1024)).send().await;
    // A server that does not want the rest of a head may close while it is being sent.
    assert!(large.is_err() || large.is_ok_and(|answer| answer.status().as_u16() == 431), "a head beyond the bound");
}
