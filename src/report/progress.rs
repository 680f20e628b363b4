//! What a rollout waits for, what the cluster lacks, and how the service is reached, as conditions.

use crate::api::MicroServiceSpec;
use crate::api::condition::{Finding, PRE_DEPLOY_COMPLETE, ROUTES_ACCEPTED, Truth};
use crate::api::microservice::Route;
use crate::model::Acceptance;

/// How the Job before the rollout is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PreDeploy {
    /// It succeeded: the hash of what it ran.
    Succeeded(String),
    /// It has not ended, or not begun: a sentence.
    Running(String),
    /// Something keeps it from its work: a CamelCase word and a sentence.
    Hindered(String, String),
    /// It gave up: a sentence.
    Failed(String),
}

impl PreDeploy {
    /// Why the rollout does not begin: a CamelCase word, a sentence, and whether it waits for a person.
    pub fn obstacle(&self) -> Option<(&str, &str, bool)> {
        match self {
            Self::Succeeded(_) => None,
            Self::Hindered(reason, message) => Some((reason, message, false)),
            Self::Running(message) => Some(("PreDeployRunning", message, false)),
            Self::Failed(message) => Some(("PreDeployFailed", message, true)),
        }
    }

    /// The condition.
    pub fn finding(&self) -> Finding {
        match self.obstacle() {
            None => {
                Finding::new(PRE_DEPLOY_COMPLETE, true, "PreDeploySucceeded", "the job before the rollout succeeded")
            }
            Some((reason, message, _)) => Finding::new(PRE_DEPLOY_COMPLETE, false, reason, message),
        }
    }
}

/// One route: what it is called, and what is known of it.
pub type KnownRoute = (String, Acceptance);

/// The condition of all routes; none where there are no routes.
pub fn routes_accepted(routes: &[KnownRoute]) -> Option<Finding> {
    let first = |wanted: fn(&Acceptance) -> Option<&str>| {
        routes.iter().find_map(|(name, known)| wanted(known).map(|why| format!("{name}: {why}")))
    };
    let refused = first(|known| match known {
        Acceptance::Refused(why) => Some(why),
        _ => None,
    });
    let silent = first(|known| match known {
        Acceptance::Unknown(why) => Some(why),
        _ => None,
    });
    Some(match (refused, silent) {
        _ if routes.is_empty() => return None,
        (Some(why), _) => Finding::new(ROUTES_ACCEPTED, false, "RouteNotAccepted", why),
        (None, Some(why)) => Finding::new(ROUTES_ACCEPTED, Truth::Unknown, "RouteNotObserved", why),
        (None, None) => {
            let count =
                if routes.len() == 1 { "the route leads".into() } else { format!("all {} routes lead", routes.len()) };
            Finding::new(ROUTES_ACCEPTED, true, "RouteAccepted", format!("{count} to the service"))
        }
    })
}

/// Where the service is reached, once its routes are accepted: the first name that stands for itself alone. Whether a
/// Gateway speaks HTTPS is its listeners' to say, and most do.
pub fn url(spec: &MicroServiceSpec, routes: &[KnownRoute]) -> Option<String> {
    if routes.is_empty() || routes.iter().any(|(_, known)| *known != Acceptance::Accepted) {
        return None;
    }
    spec.routes.iter().find_map(of_route)
}

fn of_route(route: &Route) -> Option<String> {
    let host = route.hostnames.iter().find(|host| !host.starts_with('*'))?;
    let plain = route.parent_refs.is_empty() && route.tls.is_none();
    let path = route.paths.first().map_or("/", |path| &path.path);
    Some(format!("{}://{host}{}", if plain { "http" } else { "https" }, path.trim_end_matches('/')))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn known(all: &[Acceptance]) -> Vec<KnownRoute> {
        all.iter().enumerate().map(|(index, known)| (format!("HTTPRoute r{index}"), known.clone())).collect()
    }

    #[test]
    fn the_worst_route_decides() {
        use Acceptance::{Accepted, Refused, Unknown};
        let refused = || Refused("Gateway edge: no (No)".into());
        let unknown = || Unknown("nobody".into());
        for (routes, expected) in [
            (vec![], None),
            (vec![Accepted], Some(("True", "the route leads to the service"))),
            (vec![Accepted, Accepted], Some(("True", "all 2 routes lead to the service"))),
            (vec![Accepted, unknown()], Some(("Unknown", "HTTPRoute r1: nobody"))),
            (vec![unknown(), refused()], Some(("False", "HTTPRoute r1: Gateway edge: no (No)"))),
        ] {
            let found = routes_accepted(&known(&routes));
            let found = found.as_ref().map(|found| (found.truth.as_str(), found.message.as_str()));
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn a_url_is_of_the_first_name_and_only_once_it_is_so() {
        let spec = |route: serde_json::Value| -> MicroServiceSpec {
            serde_json::from_value(json!({"image": "a:1", "routes": [route]})).unwrap()
        };
        for (route, expected) in [
            (
                json!({"parentRefs": [{"name": "edge"}], "hostnames": ["*.a.example", "a.example"]}),
                Some("https://a.example"),
            ),
            (
                json!({"ingressClassName": "x", "hostnames": ["a.example"], "paths": [{"path": "/x"}]}),
                Some("http://a.example/x"),
            ),
            (json!({"tls": {}, "hostnames": ["a.example"], "paths": [{"path": "/"}]}), Some("https://a.example")),
            (json!({"tls": {}, "hostnames": ["*.example"]}), None),
        ] {
            let mut route = route;
            route["name"] = json!("r");
            let spec = spec(route);
            assert_eq!(url(&spec, &known(&[Acceptance::Accepted])).as_deref(), expected);
            assert_eq!(url(&spec, &known(&[Acceptance::Unknown("x".into())])), None);
        }
    }
}
