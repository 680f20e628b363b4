//! What a tenant's GitSync may name of others: nothing. Wherever a Secret can be named it is one of its own namespace, and
//! whatever it writes it writes as its account.

use serde_json::{Value, json};

use super::ownership::operator_namespace;
use crate::support::audit::Audit;
use crate::support::canary::secret;
use crate::support::daemon::OPERATOR;
use crate::support::scene::{Scene, service};

/// Each place where a GitSync names a Secret.
fn places(secret: &Value) -> [(&'static str, Value); 5] {
    [
        ("secretRef", json!({"secretRef": secret})),
        ("proxySecretRef", json!({"proxySecretRef": secret})),
        ("verify", json!({"verify": {"mode": "Commit", "secretRef": secret}})),
        ("webhook", json!({"webhook": {"secretRef": secret}})),
        ("notify", json!({"notify": [{"name": "hook", "type": "Webhook", "secretRef": secret}]})),
    ]
}

#[tokio::test]
async fn wherever_a_gitsync_names_a_secret_it_is_one_of_its_own_namespace() {
    let Some(scene) = Scene::new("tenant").await else { return };
    let Some(audit) = scene.kube.plane.audit_log.as_deref().map(Audit::of) else { return };
    operator_namespace(&scene.kube).await;
    let other = scene.kube.namespace("neighbour").await;
    // Of the operator and of another tenant; no Secret of the tenant's own has the name.
    let name = format!("{}-theirs", scene.namespace);
    let data = json!({
        "username": "ada", "password": secret!("theirs"), "token": secret!("theirs"), "hmacKey": secret!("theirs"),
        "address": concat!("http://127.0.0.1:1/", secret!("theirs")), "ada.pub": "ssh-ed25519 AAAA"
    });
    for namespace in [OPERATOR, other.as_str()] {
        let metadata = json!({"namespace": namespace, "name": name});
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data});
        scene.kube.create(&secret).await;
    }
    scene.commit(&[("a.yaml", service("a", json!({"imagee": "x"})))]);
    let since = audit.mark();
    for (place, spec) in places(&json!({"name": name})) {
        let sync = Scene { sync: place.to_lowercase(), ..Scene::new("tenant").await.unwrap() };
        let own = Scene { home: scene.namespace.clone(), url: scene.url.clone(), ..sync };
        own.create_sync(spec).await;
        own.settled().await;
    }
    let reads = audit.about(since, &name);
    let elsewhere: Vec<_> =
        reads.iter().filter(|entry| entry["objectRef"]["namespace"] != json!(scene.namespace)).collect();
    assert!(elsewhere.is_empty(), "{elsewhere:#?}");
    assert!(reads.len() >= 3, "it was looked for, in the tenant's own namespace: {reads:#?}");
}

#[tokio::test]
async fn no_reference_has_a_field_for_another_namespace() {
    let Some(scene) = Scene::new("unnamed").await else { return };
    let reference = json!({"name": "hook", "namespace": OPERATOR});
    for (place, spec) in places(&reference) {
        let mut object = json!({
            "apiVersion": "gitmoor.dev/v1alpha1", "kind": "GitSync",
            "metadata": {"namespace": scene.home, "name": place.to_lowercase()}, "spec": {"url": scene.url}
        });
        object["spec"].as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
        let refused = scene.kube.dry_run("suite", &object).await.unwrap_err().to_string();
        assert!(refused.contains(".namespace: field not declared in schema"), "{place}: {refused}");
    }
    let object = json!({
        "apiVersion": "gitmoor.dev/v1alpha1", "kind": "GitSync",
        "metadata": {"namespace": scene.home, "name": "account"},
        "spec": {"url": scene.url, "serviceAccountName": {"name": "gitmoor", "namespace": OPERATOR}}
    });
    scene.kube.dry_run("suite", &object).await.unwrap_err();
    // A name is a name, and leads nowhere else.
    for name in [format!("{OPERATOR}:gitmoor"), format!("{OPERATOR}/gitmoor"), format!("../{OPERATOR}/gitmoor")] {
        let sync = Scene { sync: format!("n{}", fastrand::u32(..)), ..Scene::new("unnamed").await.unwrap() };
        sync.create_sync(json!({"serviceAccountName": name})).await;
        sync.condition("Stalled", "True", "InvalidSpec").await;
    }
}
