//! Trees, from values.

use super::*;
use serde_json::{Value, json};

fn conditions(ready: &str) -> Value {
    json!([{"type": "Ready", "status": ready, "reason": "R", "message": "m", "lastTransitionTime": "2026-01-02T00:00:00Z"}])
}

fn mark(object: &str, sync: &str) -> Value {
    if sync.is_empty() {
        json!({})
    } else {
        json!({"gitmoor.dev/source": format!("sync={sync}; uid=1; object={object}")})
    }
}

/// `ops/root`, declared by another or by nobody.
fn gitsync(name: &str, sync: &str) -> GitSync {
    let (namespace, short) = name.split_once('/').unwrap();
    serde_json::from_value(json!({
        "apiVersion": "gitmoor.dev/v1alpha1", "kind": "GitSync", "spec": {"url": "https://example.com"},
        "metadata": {"namespace": namespace, "name": short, "annotations": mark(name, sync)},
        "status": {"conditions": conditions("True")}
    }))
    .unwrap()
}

fn service(name: &str, sync: &str, ready: &str) -> MicroService {
    let (namespace, short) = name.split_once('/').unwrap();
    let child = |kind: &str| json!({"apiVersion": "v1", "kind": kind, "name": short, "uid": "1"});
    serde_json::from_value(json!({
        "apiVersion": "gitmoor.dev/v1alpha1", "kind": "MicroService", "spec": {"image": "a:1"},
        "metadata": {"namespace": namespace, "name": short, "annotations": mark(name, sync)},
        "status": {"conditions": conditions(ready), "children": [child("Deployment"), child("Service")]}
    }))
    .unwrap()
}

/// Each node on a line, indented by its level.
fn drawn(trees: &[Node], level: usize) -> Vec<String> {
    let one = |node: &Node| {
        let line = format!("{}{} {}", " ".repeat(level), node.kind, node.name);
        [vec![line], drawn(&node.children, level + 1)].concat()
    };
    trees.iter().flat_map(one).collect()
}

fn grown(gitsyncs: Vec<GitSync>, services: Vec<MicroService>) -> Vec<Node> {
    grow(&Seen { gitsyncs, services })
}

#[test]
fn each_stands_below_what_declares_it() {
    let gitsyncs = vec![gitsync("ops/root", ""), gitsync("team/shop", "ops/root"), gitsync("team/pay", "ops/gone")];
    let services = vec![service("shop/a", "team/shop", "True"), service("shop/hand", "", "True")];
    let expected = [
        "GitSync ops/root",
        " GitSync team/shop",
        "  MicroService shop/a",
        "   Deployment a",
        "   Service a",
        "GitSync team/pay",
        "MicroService shop/hand",
        " Deployment hand",
        " Service hand",
    ];
    assert_eq!(drawn(&grown(gitsyncs, services), 0), expected);
}

#[test]
fn a_copy_stands_where_nobody_declared_it() {
    let mut copy = service("shop/a", "team/shop", "True");
    copy.metadata.name = Some("copy".into());
    let trees = grown(vec![gitsync("team/shop", "")], vec![copy]);
    assert_eq!(drawn(&trees, 0)[..2], ["GitSync team/shop", "MicroService shop/copy"]);
}

#[test]
fn circles_and_endless_chains_are_cut() {
    let names = |trees: &[Node]| drawn(trees, 0).iter().map(|line| line.trim().to_owned()).collect::<Vec<_>>();
    // An installation that declares itself.
    assert_eq!(drawn(&grown(vec![gitsync("ops/root", "ops/root")], vec![]), 0), ["GitSync ops/root"]);
    let circle = vec![gitsync("a/a", "c/c"), gitsync("b/b", "a/a"), gitsync("c/c", "b/b")];
    assert_eq!(drawn(&grown(circle, vec![]), 0), ["GitSync a/a", " GitSync b/b", "  GitSync c/c"]);
    let beside = vec![gitsync("a/a", "b/b"), gitsync("b/b", "b/b"), gitsync("c/c", "a/a")];
    assert_eq!(drawn(&grown(beside, vec![]), 0), ["GitSync b/b", " GitSync a/a", "  GitSync c/c"]);
    let chain = |at: usize| {
        let parent = if at == 0 { String::new() } else { format!("n/{:04}", at - 1) };
        gitsync(&format!("n/{at:04}"), &parent)
    };
    let trees = grown((0..2000).map(chain).collect(), vec![]);
    let mut found = names(&trees);
    found.sort();
    assert_eq!(found.len(), 2000, "each is there once");
    assert!(drawn(&trees, 0).iter().all(|line| line.len() < DEEPEST + 30));
}

#[test]
fn a_child_is_marked_where_its_fields_differ() {
    let mut drifted = service("shop/a", "", "True");
    let field = |kind: &str| {
        json!({"kind": kind, "object": "shop/a", "path": "/spec/replicas", "change": "Modified",
               "observed": "2026-01-02T00:00:00Z"})
    };
    let check = |drifted: &MicroService, expected: &[u32]| {
        let trees = grown(vec![], vec![drifted.clone()]);
        let children: Vec<u32> = trees[0].children.iter().map(|child| child.marks.drifted_fields).collect();
        assert_eq!([&[trees[0].marks.drifted_fields][..], &children].concat(), expected);
    };
    let set = |service: &mut MicroService, drift: Value| {
        service.status.as_mut().unwrap().workload_drift = serde_json::from_value(drift).unwrap();
    };
    set(&mut drifted, json!({"count": 2, "fields": [field("Deployment"), field("Deployment")]}));
    check(&drifted, &[2, 2, 0]);
    // What was put back is listed, and differs no more.
    set(&mut drifted, json!({"count": 0, "fields": [field("Deployment")]}));
    check(&drifted, &[0, 0, 0]);
}

#[test]
fn marks_of_a_gitsync_are_what_a_person_should_see() {
    let mut gitsync = serde_json::to_value(gitsync("ops/a", "")).unwrap();
    json_patch::merge(
        &mut gitsync,
        &json!({
            "spec": {"suspend": true, "dependsOn": [{"name": "b"}, {"name": "c", "namespace": "sys"}, {"name": "d", "namespace": "ops"}]},
            "metadata": {"annotations": {"gitmoor.dev/suspend-reason": "freeze", "gitmoor.dev/pinned-revision": "abc"}},
            "status": {"hold": {"plan": "p", "revision": "r", "reason": "PruneBudget", "message": "m", "since": "2026-01-02T00:00:00Z"}}
        }),
    );
    let marks = |gitsync: &Value| {
        let gitsync: GitSync = serde_json::from_value(gitsync.clone()).unwrap();
        serde_json::to_value(Marks::of_sync(&gitsync)).unwrap()
    };
    let expected = json!({"suspended": true, "suspendReason": "freeze", "pinnedRevision": "abc", "heldPlan": "p",
                          "heldReason": "PruneBudget", "dependsOn": ["b", "sys/c", "d"]});
    assert_eq!(marks(&gitsync), expected);
    gitsync["spec"]["suspend"] = json!(false);
    assert_eq!(marks(&gitsync)["suspendReason"], Value::Null, "an old reason says nothing");
}

#[test]
fn a_wave_is_said_where_it_is_not_the_first() {
    let check = |wave: Option<&str>, expected: Option<&str>| {
        let mut service = service("shop/a", "", "True");
        if let Some(wave) = wave {
            service.metadata.annotations.get_or_insert_default().insert("gitmoor.dev/wave".into(), wave.into());
        }
        assert_eq!(Marks::of_service(&service).wave.as_deref(), expected);
    };
    check(None, None);
    check(Some("0"), None);
    check(Some("2"), Some("2"));
    check(Some("-1"), Some("-1"));
}

#[test]
fn a_tree_is_cut_by_depth_and_by_what_is_ready() {
    let trees = || {
        let services = vec![
            service("shop/a", "ops/root", "True"),
            service("shop/b", "ops/root", "False"),
            service("shop/hand", "", "True"),
        ];
        grown(vec![gitsync("ops/root", ""), gitsync("ops/well", "")], services)
    };
    let check = |depth: Option<usize>, not_ready: bool, expected: &[&str]| {
        assert_eq!(drawn(&cut(trees(), Cut { depth, not_ready }), 0), expected, "{depth:?} {not_ready}");
    };
    check(Some(1), false, &["GitSync ops/root", "GitSync ops/well", "MicroService shop/hand"]);
    check(Some(2), true, &["GitSync ops/root", " MicroService shop/b"]);
    check(None, true, &["GitSync ops/root", " MicroService shop/b", "  Deployment b", "  Service b"]);
    assert_eq!(drawn(&cut(trees(), Cut::default()), 0).len(), 11);
    assert!(trees()[0].is_unready() && !trees()[1].is_unready());
}

#[test]
fn one_gitsync_is_found_wherever_it_stands() {
    let trees =
        || grown(vec![gitsync("ops/root", ""), gitsync("team/shop", "ops/root")], vec![service("team/x", "", "True")]);
    let check = |name: &str, expected: Option<&str>| {
        let found = find(trees(), &ObjectKey::parse(name).unwrap());
        assert_eq!(found.map(|node| node.name).as_deref(), expected);
    };
    check("team/shop", Some("team/shop"));
    check("ops/root", Some("ops/root"));
    check("team/x", None);
}
