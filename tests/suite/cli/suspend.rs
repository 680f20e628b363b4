//! `gitmoor suspend` and `gitmoor resume`, with a daemon.

use serde_json::{Value, json};

use super::gitmoor_on;
use crate::support::scene::{Scene, service};

#[tokio::test]
async fn suspended_for_a_reason_until_resumed() {
    let files = [("apps/orders.yaml", service("orders", json!({})))];
    let Some(scene) = Scene::synced("suspendcli", json!({}), &files).await else { return };
    // So that the daemon has nothing more to say.
    scene.ready("orders").await;
    scene.status("it is counted", |status| status["counts"]["ready"] == 1).await;
    let name = format!("{}/main", scene.namespace);
    let on = async |arguments: &[&str]| gitmoor_on(scene.kube.plane, arguments).await;
    let ran = on(&["suspend", &name, "--reason", "release freeze"]).await.exits(0);
    assert!(ran.out.starts_with(&format!("{name} is suspended (release freeze)")), "{}", ran.out);
    assert!(ran.out.contains("it was not before"), "{}", ran.out);
    scene.condition("Ready", "True", "Suspended").await;
    let before = scene.get_sync().await;

    // Again, and nothing is written; another reason is.
    let ran = on(&["suspend", &name]).await.exits(0);
    assert!(ran.out.contains("was suspended already (release freeze)"), "{}", ran.out);
    let json = on(&["suspend", &name, "--reason", "release freeze", "-o", "json"]).await.exits(0).json();
    assert_eq!((&json["wasSuspended"], &json["reason"]), (&json!(true), &json!("release freeze")));
    let after = scene.get_sync().await;
    for field in ["generation", "annotations"] {
        assert_eq!(after["metadata"][field], before["metadata"][field], "a reason that is not given again stays");
    }
    on(&["suspend", &name, "--reason", "incident 12"]).await.exits(0);
    let managers = scene.get_sync().await["metadata"]["managedFields"].to_string();
    assert!(managers.contains("\"gitmoor-cli\""), "{managers}");

    let ran = on(&["status", &name]).await;
    assert!(ran.out.contains("SUSPENDED (incident 12): nothing is written; go on with: gitmoor resume"), "{}", ran.out);
    let json = on(&["status", &name, "-o", "json"]).await.json();
    assert_eq!(json["gitsyncs"][0]["suspendReason"], "incident 12");
    let ran = on(&["tree", &name]).await;
    assert!(ran.out.contains("[SUSPENDED: incident 12]"), "{}", ran.out);

    let commit = scene.commit(&[("apps/new.yaml", service("new", json!({})))]);
    let ran = on(&["reconcile", &name, "--wait"]).await.exits(2);
    assert!(ran.err.contains("is suspended (incident 12)") && ran.err.contains("gitmoor resume"), "{}", ran.err);
    assert_eq!(scene.services().await, ["orders"]);

    let json = on(&["resume", &name, "--wait", "-o", "json"]).await.exits(0).json();
    assert_eq!((&json["wasSuspended"], &json["answer"]["ready"]), (&json!(true), &json!("True")), "{json:#}");
    assert!(json["answer"]["revision"].as_str().unwrap().ends_with(&commit), "{json:#}");
    assert_eq!(scene.services().await, ["new", "orders"]);
    let sync = scene.get_sync().await;
    assert_eq!(
        (&sync["spec"]["suspend"], &sync["metadata"]["annotations"]["gitmoor.dev/suspend-reason"]),
        (&Value::Null, &Value::Null)
    );
    let ran = on(&["resume", &name]).await.exits(0);
    assert_eq!(ran.out, format!("{name} was not suspended\n"));
}

#[tokio::test]
async fn where_git_declares_it_a_person_is_told() {
    let Some(scene) = Scene::new("declared").await else { return };
    let sync = json!({"apiVersion": "gitmoor.dev/v1alpha1", "kind": "GitSync",
        "metadata": {"namespace": scene.namespace, "name": "main"}, "spec": {"url": scene.url, "suspend": true}});
    scene.kube.apply("gitmoor", &sync).await.unwrap();
    let name = format!("{}/main", scene.namespace);
    let ran = gitmoor_on(scene.kube.plane, &["resume", &name]).await.exits(0);
    assert!(ran.out.contains("goes on; it was suspended\nGit declares spec.suspend of it"), "{}", ran.out);
    assert_eq!(scene.get_sync().await["spec"]["suspend"], false);
}
