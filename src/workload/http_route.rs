//! The HTTPRoutes of the Gateway API: one for each route that hangs on a Gateway. Clusters have the kind or not.

use serde_json::{Value, json};

use super::json::object;
use super::subject::Subject;
use super::{ChildKind, Draft, routes};
use crate::api::microservice::{ParentRef, PathType, Redirect, Route, RoutePath};

/// The HTTPRoute.
pub(super) static KIND: ChildKind = ChildKind {
    group: "gateway.networking.k8s.io",
    version: "v1",
    kind: "HTTPRoute",
    plural: "httproutes",
    optional: true,
    build,
};

/// What the API itself answers where no status is said.
const FOUND: i32 = 302;

fn build(subject: &Subject<'_>) -> Vec<Draft> {
    let routes = subject.spec.routes.iter().filter(|route| !route.parent_refs.is_empty());
    routes.filter_map(|route| http_route(subject, route)).collect()
}

/// The API fills in what is left out inside of lists that belong to us as a whole, so all of it is said.
fn http_route(subject: &Subject<'_>, route: &Route) -> Option<Draft> {
    let port = routes::port(subject, route)?;
    let backend = json!({
        "group": "", "kind": "Service", "name": subject.name, "port": port.service_port, "weight": 1
    });
    let matches: Vec<_> = routes::paths(route).iter().map(matching).collect();
    let served = json!({"matches": matches, "backendRefs": [backend]});
    let rules: Vec<_> = route.redirects.iter().map(redirect).chain([served]).collect();
    let spec = json!({
        "parentRefs": route.parent_refs.iter().map(parent).collect::<Vec<_>>(),
        "hostnames": route.hostnames,
        "rules": rules,
    });
    Some(routes::draft(subject, route, spec))
}

fn parent(parent: &ParentRef) -> Value {
    object([
        ("group", Some(json!(parent.group.as_deref().unwrap_or("gateway.networking.k8s.io")))),
        ("kind", Some(json!(parent.kind.as_deref().unwrap_or("Gateway")))),
        ("namespace", parent.namespace.as_ref().map(|namespace| json!(namespace))),
        ("name", Some(json!(parent.name))),
        ("sectionName", parent.section_name.as_ref().map(|section| json!(section))),
    ])
}

fn matching(path: &RoutePath) -> Value {
    let kind = match path.path_type.unwrap_or_default() {
        PathType::Prefix => "PathPrefix",
        PathType::Exact => "Exact",
    };
    json!({"path": {"type": kind, "value": path.path}})
}

fn redirect(redirect: &Redirect) -> Value {
    json!({
        "matches": [{"path": {"type": "PathPrefix", "value": redirect.path}}],
        "filters": [{
            "type": "RequestRedirect",
            "requestRedirect": {
                "path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": redirect.to},
                "statusCode": redirect.status_code.unwrap_or(FOUND),
            },
        }],
    })
}
