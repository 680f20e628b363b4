//! `drift::compare` on what people and other controllers do to a child: which field, who, how, and since when,
//! as the real `managedFields` tell it. And what is sent puts it back.

use gitmoor::api::names::CONTROLLER_MANAGER;
use gitmoor::drift::{Compare, compare, declared_for_apply, removal_patch};
use gitmoor::model::{ChangeKind, FieldDrift};
use serde_json::{Value, json};

use super::drift::Rolled;
use crate::support::{Kube, eventually, holds};

async fn orders(topic: &str) -> Option<Rolled> {
    let kube = Kube::shared().await?;
    let namespace = kube.namespace(topic).await;
    let service = json!({
        "apiVersion": "gitmoor.dev/v1alpha1", "kind": "MicroService",
        "metadata": {"namespace": namespace, "name": "orders"},
        "spec": {
            "image": "example.com/orders:1", "replicas": 2,
            "ports": [{"name": "http", "containerPort": 8080, "servicePort": 80}],
            "env": [{"name": "LOG", "value": "info"}, {"name": "MODE", "value": "live"}],
            "resources": {"requests": {"cpu": "0.5", "memory": "128Mi"}}
        }
    });
    Some(Rolled::out(kube, &namespace, service).await)
}

/// The one drift of a child, with its pointer, how it differs, and who did it how.
async fn only(rolled: &Rolled, kind: &str) -> FieldDrift {
    let mut drifts = rolled.compare(kind).await.drifts;
    assert_eq!(drifts.len(), 1, "{drifts:#?}");
    drifts.remove(0)
}

fn check(drift: &FieldDrift, pointer: &str, change: ChangeKind, declared: Value, live: Value) {
    let value = |value: &Option<Value>| value.clone().unwrap_or_default();
    assert_eq!(
        (drift.pointer.to_string().as_str(), drift.change, value(&drift.declared), value(&drift.live)),
        (pointer, change, declared, live)
    );
}

fn by<'a>(drift: &'a FieldDrift) -> (&'a str, &'a str, &'a str) {
    let who = &drift.attribution;
    let word = |word: &'a Option<String>| word.as_deref().unwrap_or("-");
    (word(&who.manager), word(&who.operation), word(&who.subresource))
}

/// Puts back what differs, as the controller does: looks again when the object moved in between.
async fn correct(rolled: &Rolled, kind: &str) {
    eventually("it is put back", async || correct_once(rolled, kind).await.map_err(|error| error.to_string())).await;
    rolled.complete().await;
    assert_eq!(rolled.compare(kind).await.drifts, [], "as declared again");
}

async fn correct_once(rolled: &Rolled, kind: &str) -> kube::Result<()> {
    let (declared, mut live) = (rolled.declared(kind), rolled.live(kind).await);
    let compared = compare(declared, &live, &Compare { manager: CONTROLLER_MANAGER });
    if let Some(patch) = removal_patch(&live, &compared.drifts) {
        let patch = serde_json::to_value(patch).unwrap();
        live = rolled.kube.try_edit(CONTROLLER_MANAGER, kind, &rolled.namespace, "orders", patch).await?;
    }
    let mut body = declared_for_apply(declared, &live, &[], &compared.yielded, CONTROLLER_MANAGER);
    body["metadata"]["resourceVersion"] = live["metadata"]["resourceVersion"].clone();
    rolled.kube.apply(CONTROLLER_MANAGER, &body).await.map(drop)
}

#[tokio::test]
async fn an_edited_image_names_kubectl_edit_and_the_second() {
    let Some(rolled) = orders("edit").await else { return };
    rolled.kube.kubectl_edit(&rolled.namespace, "deployment/orders", "s|orders:1|orders:2|").await;
    let drift = only(&rolled, "Deployment").await;
    let (was, is) = (json!("example.com/orders:1"), json!("example.com/orders:2"));
    check(&drift, "/spec/template/spec/containers/0/image", ChangeKind::Modified, was, is);
    assert_eq!(by(&drift), ("kubectl-edit", "Update", "-"));
    let age = jiff::Timestamp::now().as_second() - drift.attribution.time.unwrap().as_second();
    assert!((0..60).contains(&age), "{age} s ago");
    correct(&rolled, "Deployment").await;
}

#[tokio::test]
async fn another_managers_apply_is_named() {
    let Some(rolled) = orders("apply").await else { return };
    let theirs = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"namespace": rolled.namespace, "name": "orders"},
        "spec": {"sessionAffinity": "ClientIP"}
    });
    rolled
        .kube
        .kubectl_with(&["apply", "--server-side", "--field-manager", "mesh", "-f", "-"], &theirs.to_string())
        .await;
    let drifts = rolled.compare("Service").await.drifts;
    let pointers: Vec<_> = drifts.iter().map(|drift| drift.pointer.to_string()).collect();
    assert_eq!(pointers, ["/spec/sessionAffinity"]);
    assert_eq!(drifts[0].change, ChangeKind::Added);
    assert_eq!(by(&drifts[0]), ("mesh", "Apply", "-"));
    correct(&rolled, "Service").await;
}

#[tokio::test]
async fn scaling_by_hand_is_drift_through_the_scale_subresource() {
    let Some(rolled) = orders("scale").await else { return };
    rolled.kube.kubectl(&["scale", "-n", &rolled.namespace, "deployment/orders", "--replicas=5"]).await;
    let drift = only(&rolled, "Deployment").await;
    check(&drift, "/spec/replicas", ChangeKind::Modified, json!(2), json!(5));
    assert_eq!(by(&drift), ("kubectl", "Update", "scale"));
    correct(&rolled, "Deployment").await;
}

#[tokio::test]
async fn an_added_sidecar_is_one_finding_and_goes_again() {
    let Some(rolled) = orders("sidecar").await else { return };
    let sidecar = json!({"name": "spy", "image": "example.com/spy:1"});
    let patch = json!([{"op": "add", "path": "/spec/template/spec/containers/-", "value": sidecar}]);
    rolled.kube.edit("somebody", "Deployment", &rolled.namespace, "orders", patch).await;
    let drift = only(&rolled, "Deployment").await;
    assert_eq!(drift.pointer.to_string(), "/spec/template/spec/containers/1");
    assert_eq!(drift.change, ChangeKind::Added);
    assert_eq!(drift.live.as_ref().unwrap()["image"], "example.com/spy:1");
    assert_eq!(by(&drift), ("somebody", "Update", "-"));
    correct(&rolled, "Deployment").await;
}

#[tokio::test]
async fn added_variables_labels_and_annotations_are_found_by_name() {
    let Some(rolled) = orders("added").await else { return };
    let patch = json!([
        {"op": "add", "path": "/spec/template/spec/containers/0/env/-", "value": {"name": "DEBUG", "value": "1"}},
        {"op": "add", "path": "/metadata/labels/team", "value": "x"},
        {"op": "add", "path": "/spec/template/metadata/annotations", "value": {"note": "y"}}
    ]);
    rolled.kube.edit("somebody", "Deployment", &rolled.namespace, "orders", patch).await;
    let drifts = rolled.compare("Deployment").await.drifts;
    let found: Vec<_> = drifts.iter().map(|drift| (drift.pointer.to_string(), drift.change, by(drift).0)).collect();
    let expected = [
        ("/metadata/labels/team".to_owned(), ChangeKind::Added, "somebody"),
        ("/spec/template/metadata/annotations/note".to_owned(), ChangeKind::Added, "somebody"),
        ("/spec/template/spec/containers/0/env/2".to_owned(), ChangeKind::Added, "somebody"),
    ];
    assert_eq!(found, expected);
    correct(&rolled, "Deployment").await;
}

#[tokio::test]
async fn a_removed_variable_is_found_where_it_is_declared() {
    let Some(rolled) = orders("removed").await else { return };
    let patch = json!([{"op": "remove", "path": "/spec/template/spec/containers/0/env/0"}]);
    rolled.kube.edit("somebody", "Deployment", &rolled.namespace, "orders", patch).await;
    let drift = only(&rolled, "Deployment").await;
    assert_eq!((drift.change, drift.live.as_ref()), (ChangeKind::Removed, None));
    let declared = rolled.declared("Deployment");
    assert_eq!(drift.pointer.get(declared).unwrap()["name"], "LOG", "{}", drift.pointer);
    correct(&rolled, "Deployment").await;
}

#[tokio::test]
async fn the_same_quantity_in_other_words_is_no_drift() {
    let Some(rolled) = orders("quantity").await else { return };
    assert_eq!(rolled.live("Deployment").await.pointer(CPU), Some(&json!("500m")), "the server writes 0.5 its own way");
    assert_eq!(rolled.compare("Deployment").await.drifts, []);
    // An edit that says the same in other words.
    let patch = json!([{"op": "replace", "path": CPU, "value": "0.5"}]);
    rolled.kube.edit("somebody", "Deployment", &rolled.namespace, "orders", patch).await;
    assert_eq!(rolled.compare("Deployment").await.drifts, []);
}

const CPU: &str = "/spec/template/spec/containers/0/resources/requests/cpu";

#[tokio::test]
async fn a_restart_by_kubectl_is_a_wish_and_not_drift() {
    let Some(rolled) = orders("restart").await else { return };
    rolled.kube.kubectl(&["rollout", "restart", "-n", &rolled.namespace, "deployment/orders"]).await;
    rolled.complete().await;
    assert_eq!(rolled.compare("Deployment").await.drifts, []);
    // What is sent next keeps it.
    let live = rolled.live("Deployment").await;
    let body = declared_for_apply(rolled.declared("Deployment"), &live, &[], &[], CONTROLLER_MANAGER);
    let applied = rolled.kube.apply(CONTROLLER_MANAGER, &body).await.unwrap();
    let restarted = "/spec/template/metadata/annotations/kubectl.kubernetes.io~1restartedAt";
    assert!(applied.pointer(restarted).is_some(), "{:#}", applied["spec"]["template"]["metadata"]);
}

#[tokio::test]
async fn a_kept_drift_stays_through_an_apply_that_changes_something_else() {
    let Some(rolled) = orders("kept").await else { return };
    rolled.kube.kubectl_edit(&rolled.namespace, "deployment/orders", "s|value: info|value: debug|").await;
    let live = rolled.live("Deployment").await;
    let mut declared = rolled.declared("Deployment").clone();
    let keep = compare(&declared, &live, &Compare { manager: CONTROLLER_MANAGER }).drifts;
    assert_eq!(keep.len(), 1, "{keep:#?}");
    declared["spec"]["template"]["spec"]["containers"][0]["image"] = json!("example.com/orders:9");
    let body = declared_for_apply(&declared, &live, &keep, &[], CONTROLLER_MANAGER);
    let applied = rolled.kube.apply(CONTROLLER_MANAGER, &body).await.unwrap();
    let container = &applied["spec"]["template"]["spec"]["containers"][0];
    assert_eq!((&container["image"], &container["env"][0]["value"]), (&json!("example.com/orders:9"), &json!("debug")));
    // It is still drift, and still the editor's.
    let after = compare(&declared, &applied, &Compare { manager: CONTROLLER_MANAGER }).drifts;
    assert_eq!(after.len(), 1, "{after:#?}");
    assert_eq!(by(&after[0]).0, "kubectl-edit");
}

#[tokio::test]
async fn replicas_that_an_autoscaler_wrote_are_its_own() {
    let Some(rolled) = orders("hpa").await else { return };
    let autoscaler = json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": {"namespace": rolled.namespace, "name": "orders"},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "orders"},
            "minReplicas": 4, "maxReplicas": 6,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}}}]
        }
    });
    rolled.kube.create(&autoscaler).await;
    eventually("the autoscaler raises the replicas to its minimum", async || {
        let live = rolled.live("Deployment").await;
        holds(live["spec"]["replicas"] == 4, &live["spec"]["replicas"])
    })
    .await;
    let compared = rolled.compare("Deployment").await;
    assert_eq!(compared.drifts, []);
    let yielded: Vec<_> = compared.yielded.iter().map(ToString::to_string).collect();
    assert_eq!(yielded, ["/spec/replicas"]);
    let body = declared_for_apply(
        rolled.declared("Deployment"),
        &rolled.live("Deployment").await,
        &[],
        &compared.yielded,
        CONTROLLER_MANAGER,
    );
    assert_eq!(body["spec"].get("replicas"), None);
}
