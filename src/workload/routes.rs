//! What an Ingress and an HTTPRoute of a route have in common.

use serde_json::{Value, json};

use super::subject::{NamedPort, Subject};
use super::{Draft, names};
use crate::api::microservice::{Protocol, Route, RoutePath};

/// The port that a route leads to. The CRD refuses a route that leads to none.
pub(super) fn port<'s, 'a>(subject: &'s Subject<'a>, route: &Route) -> Option<&'s NamedPort<'a>> {
    let fits = |port: &&NamedPort<'_>| {
        port.protocol == Protocol::Tcp && route.port.as_deref().is_none_or(|name| name == port.name)
    };
    subject.ports.iter().find(fits)
}

/// Its paths; all, where it names none.
pub(super) fn paths(route: &Route) -> Vec<RoutePath> {
    if route.paths.is_empty() {
        return vec![RoutePath { path: "/".into(), path_type: None }];
    }
    route.paths.clone()
}

/// `service-route`.
pub(super) fn draft(subject: &Subject<'_>, route: &Route, spec: Value) -> Draft {
    Draft {
        name: names::fit(&format!("{}-{}", subject.owner, route.name)),
        annotations: route.annotations.clone(),
        content: json!({"spec": spec}),
    }
}
