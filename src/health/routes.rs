//! Whether a route leads to the service, from the HTTPRoute or Ingress alone: what those say who serve it.

use serde_json::Value;

use crate::model::Acceptance;

/// An HTTPRoute: each parent says whether it takes the route, and whether what the route leads to is there.
pub fn http_route(live: &Value) -> Acceptance {
    let parents = list(&live["spec"]["parentRefs"]);
    let mut silent = None;
    for parent in parents {
        match parent_says(live, parent) {
            Acceptance::Accepted => {}
            Acceptance::Unknown(why) => silent = silent.or(Some(why)),
            refused @ Acceptance::Refused(_) => return refused,
        }
    }
    silent.map_or(Acceptance::Accepted, Acceptance::Unknown)
}

/// An Ingress: its controller gives it an address. It has no word for a refusal.
pub fn ingress(live: &Value) -> Acceptance {
    if list(&live["status"]["loadBalancer"]["ingress"]).is_empty() {
        return Acceptance::Unknown("no controller has given it an address yet".into());
    }
    Acceptance::Accepted
}

fn parent_says(live: &Value, parent: &Value) -> Acceptance {
    let name = called(parent);
    let namespace = live["metadata"]["namespace"].as_str().unwrap_or_default();
    let of_parent =
        list(&live["status"]["parents"]).iter().filter(|status| is_same(&status["parentRef"], parent, namespace));
    let mut accepted = false;
    for condition in of_parent.flat_map(|status| list(&status["conditions"])) {
        let about = condition["type"].as_str().unwrap_or_default();
        let current = condition["observedGeneration"]
            .as_i64()
            .is_none_or(|seen| live["metadata"]["generation"].as_i64().is_none_or(|now| seen >= now));
        if !current || !matches!(about, "Accepted" | "ResolvedRefs") {
            continue;
        }
        if condition["status"] == "False" {
            let text = |field: &str| condition[field].as_str().unwrap_or_default().trim_end_matches('.');
            return Acceptance::Refused(format!("{name}: {} ({})", text("message"), text("reason")));
        }
        accepted |= about == "Accepted" && condition["status"] == "True";
    }
    if accepted { Acceptance::Accepted } else { Acceptance::Unknown(format!("{name} has not answered yet")) }
}

/// `Gateway infra/edge`.
fn called(parent: &Value) -> String {
    let text = |field: &str| parent[field].as_str();
    let namespace = text("namespace").map(|namespace| format!("{namespace}/")).unwrap_or_default();
    format!("{} {namespace}{}", text("kind").unwrap_or("Gateway"), text("name").unwrap_or_default())
}

fn is_same(one: &Value, other: &Value, own: &str) -> bool {
    let text = |parent: &Value, field: &str| parent[field].as_str().map(str::to_owned);
    let namespace = |parent: &Value| text(parent, "namespace").unwrap_or_else(|| own.to_owned());
    let same = |field: &str| text(one, field) == text(other, field);
    let kind = |parent: &Value| text(parent, "kind").unwrap_or_else(|| "Gateway".into());
    same("name") && same("sectionName") && namespace(one) == namespace(other) && kind(one) == kind(other)
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn route(statuses: &Value) -> Value {
        json!({
            "metadata": {"namespace": "shop", "generation": 2},
            "spec": {"parentRefs": [
                {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "edge", "namespace": "infra"},
                {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "inside"}
            ]},
            "status": {"parents": statuses}
        })
    }

    fn said(parent: &Value, about: &str, status: &str, generation: i64) -> Value {
        json!({"parentRef": parent, "controllerName": "example.com/gateway", "conditions": [{
            "type": about, "status": status, "reason": "Because", "message": "it is so.", "observedGeneration": generation
        }]})
    }

    #[track_caller]
    fn check(statuses: &[Value], expected: &Acceptance) {
        assert_eq!(http_route(&route(&json!(statuses))), *expected);
    }

    #[test]
    fn a_route_is_accepted_once_every_parent_has_said_so() {
        let edge = json!({"name": "edge", "namespace": "infra"});
        let inside = json!({"name": "inside", "namespace": "shop"});
        let silent = |name: &str| Acceptance::Unknown(format!("Gateway {name} has not answered yet"));
        check(&[], &silent("infra/edge"));
        check(&[said(&edge, "Accepted", "True", 2)], &silent("inside"));
        check(&[said(&edge, "Accepted", "True", 2), said(&inside, "Accepted", "True", 2)], &Acceptance::Accepted);
        // What it says of an earlier generation is about another route.
        check(&[said(&edge, "Accepted", "False", 1), said(&inside, "Accepted", "True", 2)], &silent("infra/edge"));
        check(&[said(&edge, "Programmed", "False", 2)], &silent("infra/edge"));
    }

    #[test]
    fn one_parent_that_refuses_is_enough() {
        let edge = json!({"name": "edge", "namespace": "infra"});
        let refused = Acceptance::Refused("Gateway infra/edge: it is so (Because)".into());
        check(&[said(&edge, "Accepted", "False", 2)], &refused);
        check(&[said(&edge, "Accepted", "True", 2), said(&edge, "ResolvedRefs", "False", 2)], &refused);
    }

    #[test]
    fn an_ingress_is_known_by_its_address() {
        let with = |ingress: Value| json!({"status": {"loadBalancer": {"ingress": ingress}}});
        assert_eq!(ingress(&with(json!([{"ip": "192.0.2.1"}]))), Acceptance::Accepted);
        assert!(matches!(ingress(&with(json!([]))), Acceptance::Unknown(_)));
        assert!(matches!(ingress(&json!({})), Acceptance::Unknown(_)));
    }
}
