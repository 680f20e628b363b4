//! What an installation is made of.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::*;

fn names(choice: &Choice) -> Vec<String> {
    objects(choice).unwrap().iter().map(Object::name).collect()
}

fn everything() -> Choice {
    Choice { attribution: true, prevention: true, restarts: true, page: Page::Token, ..Choice::default() }
}

#[test]
fn the_namespace_comes_first_and_what_runs_comes_last() {
    let all = names(&Choice::default());
    assert_eq!(all[0], "Namespace gitmoor-system");
    assert_eq!(
        all[1..3],
        ["CustomResourceDefinition gitsyncs.gitmoor.dev", "CustomResourceDefinition microservices.gitmoor.dev"]
    );
    assert_eq!(all.last().unwrap(), "Deployment gitmoor-system/gitmoor");
    let mut once = all.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), all.len(), "each object is there once");
}

#[test]
fn kinds_are_addressed_by_the_names_that_kubernetes_gives_them() {
    let all = everything();
    for Object { kind, .. } in objects(&all).unwrap() {
        let expected = match kind.kind.as_str() {
            "NetworkPolicy" => "networkpolicies",
            "ValidatingAdmissionPolicy" => "validatingadmissionpolicies",
            "MutatingAdmissionPolicy" => "mutatingadmissionpolicies",
            other => &format!("{}s", other.to_lowercase()),
        };
        assert_eq!(kind.plural, expected);
    }
}

#[test]
fn another_namespace_is_meant_everywhere() {
    let choice = Choice { namespace: "ops".into(), ..everything() };
    for object in objects(&choice).unwrap() {
        let text = object.body.to_string();
        // What a CRD says of the usual case is no reference.
        assert!(object.is("CustomResourceDefinition") || !text.contains(NAMESPACE), "{}: {text}", object.name());
        assert!(["", "ops"].contains(&&*object.key.namespace), "{}", object.name());
    }
}

#[test]
fn what_is_chosen_is_installed_and_nothing_else_changes() {
    let check = |choice: Choice, more: &[&str]| {
        let (plain, chosen) = (names(&Choice::default()), names(&choice));
        let added: Vec<_> = chosen.iter().filter(|one| !plain.contains(one)).map(String::as_str).collect();
        assert_eq!(added, more);
    };
    check(Choice::default(), &[]);
    check(Choice { restarts: true, ..Choice::default() }, &["ClusterRoleBinding gitmoor-restarts"]);
    check(
        Choice { attribution: true, ..Choice::default() },
        &["MutatingAdmissionPolicy gitmoor-attribution", "MutatingAdmissionPolicyBinding gitmoor-attribution"],
    );
    let bare = Choice { protection: false, ..Choice::default() };
    let gone: Vec<_> = left_out(&bare).unwrap().iter().map(Object::name).collect();
    assert!(gone.contains(&"ValidatingAdmissionPolicy gitmoor-protection".to_owned()), "{gone:?}");
    assert!(!names(&bare).iter().any(|one| one.contains("protection")));
}

#[test]
fn replicas_and_image_are_the_deployments() {
    let choice =
        Choice { replicas: Some(3), image: Some("registry.example.com/gitmoor:2".into()), ..Choice::default() };
    let deployment = objects(&choice).unwrap().pop().unwrap().body;
    assert_eq!(deployment["spec"]["replicas"], 3);
    assert_eq!(deployment["spec"]["template"]["spec"]["containers"][0]["image"], "registry.example.com/gitmoor:2");
    let plain = objects(&Choice::default()).unwrap().pop().unwrap().body;
    assert_eq!(plain["spec"]["replicas"], 2);
    assert_eq!(plain["metadata"]["labels"][VERSION_LABEL], env!("CARGO_PKG_VERSION"), "of each release");
    let image = plain["spec"]["template"]["spec"]["containers"][0]["image"].as_str().unwrap();
    assert!(image.ends_with(&format!(":{}", env!("CARGO_PKG_VERSION"))), "{image}");
}

/// What the restricted Pod Security Standard asks for, and what a read-only container needs.
#[test]
fn the_pod_has_nothing_that_it_does_not_need() {
    let deployment = objects(&Choice::default()).unwrap().pop().unwrap().body;
    let pod = &deployment["spec"]["template"]["spec"];
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault");
    let container = &pod["containers"][0];
    let expected =
        json!({"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"]}});
    assert_eq!(container["securityContext"], expected);
    for probe in ["startupProbe", "livenessProbe", "readinessProbe"] {
        assert!(container[probe]["httpGet"]["port"] == "ops", "{probe}");
    }
    assert!(
        container["resources"]["limits"]["cpu"].is_null() && container["resources"]["requests"]["memory"].is_string()
    );
    let writable: Vec<_> =
        pod["volumes"].as_array().unwrap().iter().map(|one| one["emptyDir"]["sizeLimit"].is_string()).collect();
    assert_eq!(writable, [true, true], "what it writes to is bounded");
}

#[test]
fn no_right_is_a_wildcard() {
    let all = everything();
    for object in objects(&all).unwrap().iter().filter(|one| one.is("ClusterRole") || one.is("Role")) {
        for rule in object.body["rules"].as_array().unwrap() {
            for field in ["apiGroups", "resources", "verbs", "resourceNames"] {
                let list = rule[field].as_array().cloned().unwrap_or_default();
                assert!(list.iter().all(|one| !one.as_str().unwrap().contains('*')), "{}: {rule}", object.name());
            }
        }
    }
}

#[test]
fn rights_are_those_of_the_roles_that_are_bound() {
    let all = rights(&Choice { namespace: "ops".into(), ..Choice::default() }).unwrap();
    let said: Vec<_> = all.iter().map(ToString::to_string).collect();
    for expected in [
        "patch microservices.gitmoor.dev",
        "patch microservices/status.gitmoor.dev",
        "patch leases.coordination.k8s.io/gitmoor in ops",
        "get secrets in ops",
        "watch mutatingadmissionpolicies.admissionregistration.k8s.io/gitmoor-attribution",
    ] {
        assert!(said.iter().any(|one| one == expected), "{expected} in {said:#?}");
    }
    // Of a role that nobody is bound to, and of people.
    assert!(!said.iter().any(|one| one == "list secrets" || one == "update gitsyncs.gitmoor.dev"), "{said:#?}");
    let status = all.iter().find(|one| one.resource == "gitsyncs/status").unwrap().attributes();
    assert_eq!((&status["resource"], &status["subresource"]), (&json!("gitsyncs"), &json!("status")));
}

#[test]
fn servers_are_judged_by_their_version() {
    let check = |minor: &str, usable: bool, stamps: bool, note: bool| {
        let answer = json!({"major": "1", "minor": minor, "gitVersion": format!("v1.{minor}.2")});
        let version = ServerVersion::of(&answer).unwrap();
        let found = (version.too_old().is_none(), version.cannot_stamp().is_none(), version.note().is_some());
        assert_eq!(found, (usable, stamps, note), "{minor}");
    };
    check("29", false, false, true);
    check("30+", true, false, true);
    check("36", true, true, false);
    check("37", true, true, false);
    check("38+", true, true, true);
    for odd in [
        json!({}),
        json!({"major": "1", "minor": "x", "gitVersion": "v"}),
        json!({"major": "2", "minor": "0", "gitVersion": "v2"}),
    ] {
        assert_eq!(ServerVersion::of(&odd), None, "{odd}");
    }
}

#[test]
fn releases_are_compared_as_versions_and_not_as_words() {
    for (one, other, older) in [
        ("0.9.0", "0.10.0", true),
        ("0.10.0", "0.9.0", false),
        ("1.0.0", "1.0.0", false),
        ("1.0.0-rc.1", "1.0.0", true),
        ("main", "1.0.0", false),
    ] {
        assert_eq!(is_older(one, other), older, "{one} {other}");
    }
}

#[test]
fn clocks_are_compared_within_what_an_answer_can_tell() {
    let at = |milliseconds: i64| Timestamp::from_millisecond(1_800_000_000_000 + milliseconds).unwrap();
    let check = |server: i64, asked: i64, answered: i64, expected: Skew| {
        assert_eq!(skew(at(server), at(asked), at(answered)), expected, "{server} {asked} {answered}");
    };
    let seconds = SignedDuration::from_secs;
    check(0, 0, 100, Skew::None);
    check(0, 999, 1100, Skew::None);
    check(4000, 0, 100, Skew::None);
    check(10_000, 0, 0, Skew::Some(seconds(10)));
    check(-10_000, 0, 100, Skew::Some(seconds(-9)));
    check(120_000, 0, 0, Skew::TooMuch(seconds(120)));
    // A slow answer proves nothing.
    check(10_000, 0, 30_000, Skew::None);
}

#[test]
fn the_leaders_clock_is_known_by_its_lease() {
    let lease = |holder: &str, renewed: &str, stored: &str| {
        let entry = |field: &str, time: &str| json!({"time": time, "fieldsV1": {"f:spec": {field: {}}}});
        json!({
            "metadata": {"managedFields": [entry("f:other", "2026-01-01T09:00:00Z"), entry("f:renewTime", stored)]},
            "spec": {"holderIdentity": holder, "renewTime": renewed}
        })
    };
    let check = |renewed: &str, stored: &str, expected: Skew| {
        assert_eq!(of_leader(&lease("a", renewed, stored)), Some(expected), "{renewed} {stored}");
    };
    let seconds = SignedDuration::from_secs;
    check("2026-01-01T00:00:00.900000Z", "2026-01-01T00:00:00Z", Skew::None);
    check("2026-01-01T00:00:00.000000Z", "2026-01-01T00:00:09Z", Skew::None);
    check("2026-01-01T00:00:00.000000Z", "2026-01-01T00:00:30Z", Skew::Some(seconds(20)));
    check("2026-01-01T00:02:01.000000Z", "2026-01-01T00:00:00Z", Skew::TooMuch(seconds(-120)));
    assert_eq!(of_leader(&lease("", "2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z")), None, "nobody leads");
    assert_eq!(of_leader(&json!({"spec": {"holderIdentity": "a", "renewTime": "soon"}})), None);
}

#[test]
fn a_crd_is_compared_by_what_it_says_of_the_kind() {
    let ours = crate::api::crds::gitsync();
    let mut live = serde_json::to_value(&ours).unwrap();
    let accepted = json!([{"type": "NamesAccepted", "status": "True"}, {"type": "Established", "status": "True"}]);
    live["status"] = json!({"conditions": accepted});
    // What a server fills in.
    live["spec"]["conversion"] = json!({"strategy": "None"});
    let check = |change: fn(&mut Value), expected: Freshness| {
        let mut changed = live.clone();
        change(&mut changed);
        assert_eq!(freshness(&ours, Some(&changed)), expected);
    };
    assert_eq!(freshness(&ours, None), Freshness::Missing);
    check(|_| {}, Freshness::Same);
    check(whole, Freshness::Same);
    check(|live| live["spec"]["versions"][0]["schema"] = json!({}), Freshness::Other);
    check(|live| live["spec"]["versions"][0]["name"] = json!("v1"), Freshness::Unspoken);
    check(|live| live["spec"]["versions"][0]["served"] = json!(false), Freshness::Unspoken);
    let words = "the API server has not looked at it yet".to_owned();
    check(|live| live["status"] = json!({}), Freshness::Unserved(words));
}

/// Numbers as the API server writes them.
fn whole(value: &mut Value) {
    match value {
        Value::Number(number) => {
            let float = number.as_f64().filter(|float| float.fract() == 0.0);
            *value = float.map_or(Value::Null, |float| format!("{float:.0}").parse::<i64>().unwrap().into());
        }
        Value::Array(items) => items.iter_mut().for_each(whole),
        Value::Object(fields) => fields.values_mut().for_each(whole),
        _ => {}
    }
}

#[test]
fn what_became_of_an_object_is_told_by_its_content() {
    let object = |version: Option<&str>, replicas: u32, manager: &str| {
        json!({
            "metadata": {"name": "a", "resourceVersion": version, "managedFields": [{"manager": manager}]},
            "spec": {"replicas": replicas}, "status": {"replicas": version}
        })
    };
    let check =
        |before: Option<Value>, after: Value, expected: Step| assert_eq!(Step::between(before, after), expected);
    check(None, object(None, 1, "a"), Step::Created);
    check(Some(object(Some("1"), 1, "a")), object(Some("2"), 1, "b"), Step::Unchanged);
    check(Some(object(Some("1"), 1, "a")), object(Some("1"), 2, "a"), Step::Configured);
}
