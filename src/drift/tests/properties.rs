//! Random objects, edited by a simulated person through a simulated API server.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::{Map, json};

use super::server::{Server, leaves};
use super::*;

/// One thing that a person does to a Deployment. Numbers choose among what there is.
#[derive(Debug, Clone)]
enum Edit {
    Scale(u8),
    Image(usize),
    Args(usize),
    EnvValue(usize, usize),
    EnvAdd(usize, usize),
    EnvRemove(usize, usize),
    LabelAdd(u8),
    LabelRemove(usize),
    Sidecar(usize),
    Shuffle(usize),
}

fn edit() -> impl Strategy<Value = Edit> {
    let at = 0_usize..8;
    prop_oneof![
        (10_u8..20).prop_map(Edit::Scale),
        at.clone().prop_map(Edit::Image),
        at.clone().prop_map(Edit::Args),
        (at.clone(), at.clone()).prop_map(|(c, e)| Edit::EnvValue(c, e)),
        (at.clone(), at.clone()).prop_map(|(c, e)| Edit::EnvAdd(c, e)),
        (at.clone(), at.clone()).prop_map(|(c, e)| Edit::EnvRemove(c, e)),
        (0_u8..5).prop_map(Edit::LabelAdd),
        at.clone().prop_map(Edit::LabelRemove),
        at.clone().prop_map(Edit::Sidecar),
        at.prop_map(Edit::Shuffle),
    ]
}

prop_compose! {
    fn declared()(
        containers in prop::collection::vec(0_usize..12, 1..4),
        labels in prop::collection::btree_map("[a-z]{1,3}", "[a-z]{0,2}", 0..4),
        replicas in 0_u8..9,
    ) -> Value {
        let container = |(at, size): (usize, &usize)| {
            let env: Vec<_> = (0..*size).map(|n| json!({"name": format!("E{n}"), "value": "v"})).collect();
            json!({"name": format!("c{at}"), "image": "i", "args": ["a"], "env": env})
        };
        let containers: Vec<_> = containers.iter().enumerate().map(container).collect();
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "x", "labels": labels},
               "spec": {"replicas": replicas, "template": {"spec": {"containers": containers}}}})
    }
}

fn containers(object: &mut Value) -> &mut Vec<Value> {
    object["spec"]["template"]["spec"]["containers"].as_array_mut().expect("there are containers")
}

/// Makes an edit, unless it would touch what another did; says what it means.
fn perform(server: &mut Server, edit: &Edit, touched: &mut BTreeMap<String, ChangeKind>) {
    let c_of = |object: &mut Value, c: usize| {
        let count = containers(object).iter().filter(|item| item["image"] != "sidecar").count();
        format!("c{}", c % count)
    };
    let mut object = server.object.clone();
    let object = &mut object;
    let position =
        |object: &mut Value, name: &str| containers(object).iter().position(|item| item["name"] == name).unwrap();
    let mut once = |what: String, change| touched.insert(what.clone(), change).is_none().then_some(what);
    match edit {
        Edit::Scale(to) => {
            if once("replicas".into(), ChangeKind::Modified).is_some() {
                object["spec"]["replicas"] = (*to).into();
            }
        }
        Edit::Image(c) | Edit::Args(c) => {
            let name = c_of(object, *c);
            let (field, value) =
                if matches!(edit, Edit::Image(_)) { ("image", json!("j")) } else { ("args", json!(["b", "c"])) };
            if once(format!("{name}/{field}"), ChangeKind::Modified).is_some() {
                let at = position(object, &name);
                containers(object)[at][field] = value;
            }
        }
        Edit::EnvValue(c, e) | Edit::EnvRemove(c, e) => {
            let name = c_of(object, *c);
            let at = position(object, &name);
            let env = containers(object)[at]["env"].as_array_mut().unwrap();
            let declared: Vec<_> = (0..env.len()).filter(|at| env[*at]["value"] == "v").collect();
            // An empty list would be one removal, not one per item.
            if declared.len() < 2 {
                return;
            }
            let place = declared[e % declared.len()];
            let entry = format!("{name}/{}", env[place]["name"].as_str().unwrap());
            if matches!(edit, Edit::EnvRemove(..)) {
                if once(entry, ChangeKind::Removed).is_some() {
                    env.remove(place);
                }
            } else if once(entry, ChangeKind::Modified).is_some() {
                env[place]["value"] = "w".into();
            }
        }
        Edit::EnvAdd(c, e) => {
            let name = c_of(object, *c);
            let at = position(object, &name);
            let env = containers(object)[at]["env"].as_array_mut().unwrap();
            // Where none is declared, the list itself is what was added.
            if env.is_empty() || once(format!("{name}/N{e}"), ChangeKind::Added).is_none() {
                return;
            }
            env.insert(e % env.len(), json!({"name": format!("N{e}"), "value": "n"}));
        }
        Edit::LabelAdd(n) => {
            if once(format!("label/team-{n}"), ChangeKind::Added).is_some() {
                object["metadata"]["labels"][format!("team-{n}")] = "t".into();
            }
        }
        Edit::LabelRemove(n) => {
            let labels = object["metadata"]["labels"].as_object_mut().unwrap();
            let names: Vec<_> = labels.keys().filter(|name| !name.contains('-')).cloned().collect();
            if let Some(name) = names.get(n % names.len().max(1)) {
                labels.remove(name);
                once(format!("label/{name}"), ChangeKind::Removed);
            }
        }
        Edit::Sidecar(n) => {
            if once(format!("s{n}"), ChangeKind::Added).is_some() {
                let place = n % containers(object).len();
                containers(object).insert(place, json!({"name": format!("s{n}"), "image": "sidecar"}));
            }
        }
        Edit::Shuffle(n) => {
            let list = containers(object);
            let middle = n % list.len();
            list.rotate_left(middle);
        }
    }
    let object = object.clone();
    server.update(|live| *live = object);
}

/// What a drift is about, in the words of `perform`.
fn subject(drift: &FieldDrift, declared: &Value, live: &Value) -> String {
    let object = if drift.change == ChangeKind::Removed { declared } else { live };
    let segments = drift.pointer.segments();
    let name = |length: usize| {
        let item: Pointer = segments[..length].iter().cloned().collect();
        item.get(object).and_then(|item| item["name"].as_str()).unwrap_or_default().to_owned()
    };
    match segments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["spec", "replicas"] => "replicas".into(),
        ["metadata", "labels", label] => format!("label/{label}"),
        ["spec", "template", "spec", "containers", _] => name(5),
        ["spec", "template", "spec", "containers", _, "env", ..] => format!("{}/{}", name(5), name(7)),
        ["spec", "template", "spec", "containers", _, field] => format!("{}/{field}", name(5)),
        _ => drift.pointer.to_string(),
    }
}

fn edited(declared: &Value, edits: &[Edit]) -> (Value, BTreeMap<String, ChangeKind>) {
    let mut server = Server::with(declared);
    let mut expected = BTreeMap::new();
    for edit in edits {
        perform(&mut server, edit, &mut expected);
    }
    (server.live(), expected)
}

/// Any JSON, of words that mean something here.
fn any_json() -> impl Strategy<Value = Value> {
    let word = prop::sample::select(vec![
        "metadata",
        "spec",
        "env",
        "name",
        "labels",
        "managedFields",
        "fieldsV1",
        "f:spec",
        "f:env",
        "k:{\"name\":\"a\"}",
        "v:1",
        "i:0",
        ".",
        "manager",
        "a",
        "containers",
        "template",
        "ports",
        "containerPort",
        "f:metadata",
        "uid",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        word.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(word.clone().prop_map(str::to_owned), inner, 0..5)
                .prop_map(|map| map.into_iter().collect::<Map<_, _>>().into()),
        ]
    })
}

fn any_object() -> impl Strategy<Value = Value> {
    let kind = prop::sample::select(vec![
        ("apps/v1", "Deployment"),
        ("gitmoor.dev/v1alpha1", "MicroService"),
        ("v1", "Service"),
        ("", ""),
    ]);
    (kind, any_json(), any_json(), any_json()).prop_map(|((api_version, kind), spec, labels, fields)| {
        json!({"apiVersion": api_version, "kind": kind, "spec": spec, "metadata": {
            "labels": labels, "uid": "u", "resourceVersion": "1",
            "managedFields": [{"manager": "x", "operation": "Update", "fieldsV1": fields}],
        }})
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn edits_are_found_and_nothing_else(declared in declared(), edits in prop::collection::vec(edit(), 0..10)) {
        let (live, expected) = edited(&declared, &edits);
        let found = compared(&declared, &live);
        let subjects: BTreeMap<_, _> =
            found.drifts.iter().map(|drift| (subject(drift, &declared, &live), drift.change)).collect();
        prop_assert_eq!(subjects.len(), found.drifts.len(), "each once: {:?}", lines(&found));
        prop_assert_eq!(subjects, expected);
        for drift in &found.drifts {
            let manager = drift.attribution.manager.as_deref();
            prop_assert_eq!(manager, (drift.change != ChangeKind::Removed).then_some("person"));
        }
    }

    #[test]
    fn the_removal_patch_leaves_no_addition(declared in declared(), edits in prop::collection::vec(edit(), 0..10)) {
        let (mut live, _) = edited(&declared, &edits);
        let found = compared(&declared, &live);
        let (added, others): (Vec<_>, Vec<_>) = found.drifts.iter().partition(|drift| drift.change == ChangeKind::Added);
        let patch = removal_patch(&live, &found.drifts);
        prop_assert_eq!(patch.is_some(), !added.is_empty());
        if let Some(patch) = patch {
            json_patch::patch(&mut live, &patch).expect("the patch applies");
        }
        let left = compared(&declared, &live);
        // In any order: the places of items in live have moved.
        let values = |drifts: &mut dyn Iterator<Item = &FieldDrift>| {
            let text = |drift: &FieldDrift| format!("{:?} {:?} {:?}", drift.change, drift.declared, drift.live);
            drifts.map(text).collect::<BTreeSet<_>>()
        };
        prop_assert_eq!(values(&mut left.drifts.iter()), values(&mut others.into_iter()));
    }

    #[test]
    fn the_apply_body_keeps_every_declared_field_that_is_not_kept(
        declared in declared(),
        edits in prop::collection::vec(edit(), 0..10),
        choice in any::<u16>(),
    ) {
        let (live, _) = edited(&declared, &edits);
        let found = compared(&declared, &live);
        let kept: Vec<_> = found.drifts.iter().enumerate()
            .filter(|(at, _)| choice >> (at % 16) & 1 == 1).map(|(_, drift)| drift.clone()).collect();
        let body = declared_for_apply(&declared, &live, &kept, &[], "gitmoor-controller");
        let kept: BTreeSet<_> = kept.iter().filter(|drift| drift.change != ChangeKind::Added)
            .map(|drift| subject(drift, &declared, &live)).collect();
        let (before, after) = (leaves(&declared), leaves(&body));
        for (path, value) in &before {
            if after.get(path) != Some(value) {
                let named: Vec<_> = path.iter().map(|step| step.trim_start_matches("f:")).collect();
                let text = named.join("/").replace("k:{\"name\":\"", "").replace("\"}", "")
                    .replace("spec/template/spec/containers/", "").replace("metadata/labels", "label").replace("env/", "")
                    .replace("spec/replicas", "replicas");
                let is_kept = kept.iter().any(|kept| text == *kept || text.starts_with(&format!("{kept}/")));
                prop_assert!(is_kept || value == &json!({}) , "{text} is lost, kept are {kept:?}");
            }
        }
        prop_assert!(after.iter().all(|(path, value)| before.get(path) == Some(value)), "nothing is invented");
    }

    #[test]
    fn what_is_kept_stays_through_an_apply_and_what_is_corrected_is_as_declared(
        declared in declared(),
        edits in prop::collection::vec(edit(), 0..10),
        choice in any::<u32>(),
    ) {
        let mut server = Server::with(&declared);
        edits.iter().for_each(|edit| perform(&mut server, edit, &mut BTreeMap::new()));
        let live = server.live();
        let found = compared(&declared, &live);
        let rule = |(at, drift): (usize, &FieldDrift)| {
            let policy = ["Ignore", "Report", "Correct", "Correct"][(choice >> (2 * (at % 16)) & 3) as usize];
            json!({"paths": [drift.pointer.to_string()], "policy": policy})
        };
        let rules: Vec<_> = found.drifts.iter().enumerate().map(rule).take(64).collect();
        let book = std::sync::Arc::new(RuleBook::of_spec(&json!({"drift": {"rules": rules}})));
        let policies = book.policies("Deployment", &crate::model::ObjectKey::new("a", "x"), None);
        let ruled = policies.rule(found.drifts, &Forms { declared: &declared, live: &live });
        let (kept, corrected) = (ruled.kept(), ruled.corrected());
        let body = declared_for_apply(&declared, &live, &kept, &found.yielded, "gitmoor-controller");
        if let Some(patch) = removal_patch(&live, &corrected) {
            server.update(|object| json_patch::patch(object, &patch).expect("the patch applies"));
        }
        server.apply(&body);
        let left = compared(&declared, &server.live()).drifts;
        // In any order: the places of items in live may have moved.
        let texts = |drifts: &[FieldDrift]| -> BTreeSet<_> {
            drifts.iter().map(|drift| format!("{:?} {:?} {:?}", drift.change, drift.declared, drift.live)).collect()
        };
        prop_assert_eq!(texts(&left), texts(&kept), "{:#}", server.live());
        prop_assert_eq!(left.len(), kept.len());
    }

    #[test]
    fn an_object_never_drifts_from_itself(object in any_object(), foreign in any::<bool>()) {
        let mut declared = object.clone();
        let mut live = object;
        declared["metadata"]["managedFields"] = Value::Null;
        if !foreign {
            live["metadata"]["managedFields"] = Value::Null;
        }
        let mut found = compared(&declared, &live);
        // Random managed fields know nothing of us.
        found.drifts.retain(|drift| drift.change != ChangeKind::Disowned);
        prop_assert_eq!(lines(&found), Vec::<String>::new());
    }

    #[test]
    fn no_input_panics(declared in prop_oneof![any_object(), any_json()], live in prop_oneof![any_object(), any_json()]) {
        let found = compared(&declared, &live);
        for drift in &found.drifts {
            let _ = declared_pointer(&declared, &live, drift);
        }
        declared_for_apply(&declared, &live, &found.drifts, &found.yielded, "gitmoor");
        if let Some(patch) = removal_patch(&live, &found.drifts) {
            let mut live = live.clone();
            prop_assert!(json_patch::patch(&mut live, &patch).is_ok());
        }
    }
}
