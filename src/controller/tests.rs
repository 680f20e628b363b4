//! What is done about one child, decided from values alone.

use serde_json::json;

use super::settle::{Relation, relation};
use crate::model::LiveObject;

fn live(owners: serde_json::Value) -> LiveObject {
    LiveObject::from_json(json!({"metadata": {
        "namespace": "shop", "name": "orders", "uid": "u", "resourceVersion": "5", "ownerReferences": owners
    }}))
    .unwrap()
}

#[test]
fn a_child_is_ours_by_the_uid_of_its_controller() {
    let of = |version: &str, uid: &str, kind: &str| json!([{"apiVersion": version, "kind": kind, "name": "orders", "uid": uid, "controller": true}]);
    let owner = |uid: &str, kind: &str| of("gitmoor.dev/v1alpha1", uid, kind);
    let check = |owners, expected| assert_eq!(relation(&live(owners), "s", "orders"), expected);
    check(owner("s", "MicroService"), Relation::Ours);
    check(owner("dead", "MicroService"), Relation::Leaving);
    check(owner("x", "StatefulSet"), Relation::Foreign);
    check(of("example.com/v1", "dead", "MicroService"), Relation::Foreign);
    check(json!([]), Relation::Foreign);
}
