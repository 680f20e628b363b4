//! The Ingresses: one for each route that hangs on no Gateway.

use serde_json::{Value, json};

use super::json::object;
use super::subject::Subject;
use super::{ChildKind, Draft, routes};
use crate::api::microservice::{PathType, Route, RoutePath};

/// The Ingress.
pub(super) static KIND: ChildKind = ChildKind {
    group: "networking.k8s.io",
    version: "v1",
    kind: "Ingress",
    plural: "ingresses",
    optional: false,
    build,
};

fn build(subject: &Subject<'_>) -> Vec<Draft> {
    let routes = subject.spec.routes.iter().filter(|route| route.parent_refs.is_empty());
    routes.filter_map(|route| ingress(subject, route)).collect()
}

fn ingress(subject: &Subject<'_>, route: &Route) -> Option<Draft> {
    let port = routes::port(subject, route)?;
    let backend = json!({"service": {"name": subject.name, "port": {"name": port.name}}});
    let path = |path: &RoutePath| {
        let kind = match path.path_type.unwrap_or_default() {
            PathType::Prefix => "Prefix",
            PathType::Exact => "Exact",
        };
        json!({"path": path.path, "pathType": kind, "backend": backend})
    };
    let paths: Vec<_> = routes::paths(route).iter().map(path).collect();
    let rules: Vec<_> =
        route.hostnames.iter().map(|host| json!({"host": host, "http": {"paths": paths.clone()}})).collect();
    let tls = route.tls.as_ref().map(|tls| {
        let secret = tls.secret_name.as_ref().map(|name| json!(name));
        Value::Array(vec![object([("hosts", Some(json!(route.hostnames))), ("secretName", secret)])])
    });
    let spec = object([
        ("ingressClassName", route.ingress_class_name.as_ref().map(|name| json!(name))),
        ("tls", tls),
        ("rules", Some(json!(rules))),
    ]);
    Some(routes::draft(subject, route, spec))
}
