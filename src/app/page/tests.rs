//! A bug at one row of the page leaves the others alone.

use std::convert::Infallible;

use http::{Request, Response};
use kube::Client;
use kube::client::Body;
use serde_json::json;

use super::*;
use crate::model::LiveObject;
use crate::telemetry::Metrics;

/// Pages of GitSyncs in these namespaces, before an API server that never answers.
fn pages(namespaces: &[&str]) -> (LivePages, Vec<Target>) {
    let silent = tower::service_fn(|_: Request<Body>| std::future::pending::<Result<Response<Body>, Infallible>>());
    let deps = PageDeps {
        cluster: Cluster::new(Client::new(silent, "default"), Metrics::new("1"), Duration::from_secs(1)),
        services: Arc::default(),
        gitsyncs: Arc::default(),
        tracer: Tracer::new().0,
        pulse: Pulse::default(),
    };
    let mut targets = Vec::new();
    for (version, namespace) in (1..).zip(namespaces) {
        let gitsync = json!({
            "apiVersion": "gitmoor.dev/v1alpha1", "kind": "GitSync", "spec": {"url": "https://git.example.com/a.git"},
            "metadata": {"namespace": namespace, "name": "main", "uid": namespace, "resourceVersion": version.to_string()}
        });
        let gitsync = LiveObject::from_json(gitsync).unwrap();
        targets.push(Target::new(Kind::GitSync, gitsync.key.clone()));
        deps.gitsyncs.answered(gitsync);
    }
    let options = PageOptions {
        address: "127.0.0.1:0".parse().unwrap(),
        access: Access::Open,
        proxy: ProxyHeaders::default(),
        proxy_secret: None,
        tls: None,
    };
    (LivePages::new(deps, &options), targets)
}

#[tokio::test]
async fn a_bug_at_one_row_leaves_the_others_and_the_next_try_alone() {
    let (pages, targets) = pages(&["pay", "shop", "sick"]);
    let shown = || pages.pen().namespaces().iter().map(ToString::to_string).collect::<Vec<_>>();
    pages.write_as(&targets, |target| {
        assert_ne!(&*target.key.namespace, "sick", "as a test wants");
        pages.read(target)
    });
    assert_eq!(shown(), ["pay", "shop"]);
    pages.write(&targets);
    assert_eq!(shown(), ["pay", "shop", "sick"]);
}
