//! How long it takes. Run with `cargo test --release --lib manifest::tests::speed -- --ignored --nocapture`.

use std::sync::Arc;
use std::time::Instant;

use super::*;
use crate::manifest::{Allowed, Scope, assemble};

/// 800 bytes, as a team would write them.
fn typical(name: &str) -> String {
    let head = format!("{HEAD}metadata:\n  name: {name}\n  namespace: shop\n  labels:\n    team: checkout\n");
    head + "spec:\n  image: ghcr.io/acme/orders:1.42.0\n  replicas: 3\n  args: [serve, --log-format, json]\n  ports:\n\
            \x20 - name: http\n    containerPort: 8080\n  - name: metrics\n    containerPort: 9090\n  env:\n\
            \x20 - name: LOG\n    value: info\n  - name: DB_PASSWORD\n    valueFrom:\n      secretKeyRef:\n        name: orders-db\n        key: password\n\
            \x20 resources:\n    requests:\n      cpu: 100m\n      memory: 128Mi\n    limits:\n      memory: 256Mi\n\
            \x20 readinessProbe:\n    httpGet:\n      path: /ready\n      port: http\n  livenessProbe:\n    httpGet:\n      path: /healthz\n      port: http\n\
            \x20 podDisruptionBudget:\n    maxUnavailable: 1\n"
}

#[test]
#[ignore = "measures, and asserts nothing about time"]
fn how_fast() {
    let text = typical("orders");
    assert_eq!(parse(text.as_bytes()).diagnostics, []);
    let rounds = 5_000;
    let start = Instant::now();
    (0..rounds).for_each(|_| drop(parse(text.as_bytes())));
    println!("parse: {} bytes in {:?}", text.len(), start.elapsed() / rounds);

    let files: Vec<(Arc<str>, _)> = (0..10_000)
        .map(|index| (format!("apps/{index}.yaml").into(), parse(typical(&format!("orders-{index}")).as_bytes())))
        .collect();
    let scope = Scope { target_namespace: "shop".into(), allowed: Allowed::Only(vec!["shop".into()]), gitsyncs: false };
    let start = Instant::now();
    let declared = assemble(files.iter().map(|(name, file)| (name, file)), &scope);
    println!("assemble: {} objects in {:?}", declared.objects.len(), start.elapsed());
}
