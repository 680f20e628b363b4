//! What is shown of values that may be secret.

use serde_json::{Value, json};

use super::*;

fn keyed(paths: &[&str]) -> Redactor {
    Redactor::new(Some([7; KEY]), paths.iter().map(|path| path.parse().unwrap()).collect())
}

/// What is shown, with each digest as its own name.
fn shown(redactor: &Redactor, root: &Value, pointer: &str) -> String {
    let pointer = Pointer::parse(pointer).unwrap();
    redactor.shown("shop", root, &pointer, pointer.get(root).unwrap()).to_string()
}

/// The value at `pointer` is shown without any of the canaries; whether with all of the others.
#[track_caller]
fn hides(root: &Value, pointer: &str, canaries: &[&str], rest: &[&str]) {
    let text = shown(&keyed(&[]), root, pointer);
    assert!(canaries.iter().all(|canary| !text.contains(canary)), "{text}");
    assert!(rest.iter().all(|rest| text.contains(rest)), "{text}");
    assert!(text.contains("(hidden "), "{text}");
}

#[test]
fn a_value_whose_name_says_that_it_is_secret_is_hidden_wherever_it_stands() {
    let root = json!({"spec": {
        "env": [{"name": "DB_PASSWORD", "value": "hunter2"}, {"name": "LOG", "value": "debug"}],
        "initContainers": [{"name": "a", "env": [{"name": "API-TOKEN", "value": "t0k"}]}],
        "readinessProbe": {"httpGet": {"httpHeaders": [{"name": "Authorization", "value": "abc"}]}},
        "podMetadata": {"annotations": {"vault/token": "v1", "team": "shop"}},
        "args": ["--password", "hunter2", "--verbose"],
        "configFiles": [
            {"path": "/etc/db-password", "content": "hunter2"}, {"path": "/etc/app", "content": "a: 1\npassword: hunter2\n"}
        ]
    }});
    hides(&root, "/spec/env/0/value", &["hunter2"], &[]);
    hides(&root, "/spec/env/0", &["hunter2"], &["DB_PASSWORD"]);
    hides(&root, "/spec/env", &["hunter2"], &["debug"]);
    hides(&root, "/spec/initContainers", &["t0k"], &["API-TOKEN"]);
    hides(&root, "/spec/readinessProbe/httpGet/httpHeaders/0/value", &["abc"], &[]);
    hides(&root, "/spec/podMetadata/annotations", &["v1"], &["shop"]);
    hides(&root, "/spec/podMetadata/annotations/vault~1token", &["v1"], &[]);
    hides(&root, "/spec/args", &["hunter2"], &["--password", "--verbose"]);
    hides(&root, "/spec/args/1", &["hunter2"], &[]);
    hides(&root, "/spec/configFiles", &["hunter2"], &["a: 1"]);
    hides(&root, "/spec", &["hunter2", "t0k", "abc", "v1"], &["debug", "shop"]);
    assert_eq!(shown(&keyed(&[]), &root, "/spec/env/1/value"), "\"debug\"");
}

#[test]
fn a_name_of_kubernetes_own_hides_nothing() {
    let root = json!({"spec": {
        "imagePullSecrets": [{"name": "ghcr"}], "envFrom": [{"secretRef": {"name": "db"}}],
        "env": [{"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}}],
        "automountServiceAccountToken": true, "tls": {"secretName": "orders-tls"}, "replicas": 3
    }});
    assert_eq!(shown(&keyed(&[]), &root, "/spec"), root["spec"].to_string());
}

#[test]
fn what_the_operator_lists_is_hidden_with_all_below() {
    let root =
        json!({"spec": {"env": [{"name": "LICENSE", "value": "l1c"}, {"name": "N", "value": 5}], "x": {"y": [1]}}});
    let check = |path: &str, pointer: &str, hidden: bool| {
        let text = shown(&keyed(&[path]), &root, pointer);
        assert_eq!(text.starts_with("\"(hidden "), hidden, "{path}: {text}");
        assert!(!hidden || !text.contains("l1c"), "{text}");
    };
    check("/**/env/[name=LICENSE]/value", "/spec/env/0/value", true);
    check("/**/env/[name=LICENSE]/value", "/spec/env/1/value", false);
    check("/spec/env", "/spec/env/0/value", true);
    check("/spec/x", "/spec/x", true);
    check("/spec/x", "/spec/x/y/0", true);
    assert!(!shown(&keyed(&["/spec/env/*/value"]), &root, "/spec").contains("l1c"));
}

#[test]
fn nothing_of_a_secret_or_of_a_manifest_as_text_is_shown() {
    let secret = json!({"kind": "Secret", "data": {"a": "canary"}, "metadata": {"name": "x"}});
    hides(&secret, "/data/a", &["canary"], &[]);
    hides(&secret, "/data", &["canary"], &[]);
    let applied = json!({"metadata": {"annotations": {LAST_APPLIED: "{\"value\":\"canary\"}"}}});
    hides(&applied, "/metadata/annotations", &["canary"], &[]);
}

#[test]
fn equal_values_of_a_namespace_have_one_digest_and_no_others() {
    let root = json!({"env": [{"name": "PASS_A", "value": "x"}, {"name": "PASS_B", "value": "x"}, {"name": "PASS_C", "value": "y"}]});
    let digest = |redactor: &Redactor, namespace: &str, at: usize| {
        let pointer = Pointer::parse(&format!("/env/{at}/value")).unwrap();
        redactor.shown(namespace, &root, &pointer, pointer.get(&root).unwrap())
    };
    let one = keyed(&[]);
    assert_eq!(digest(&one, "shop", 0), digest(&one, "shop", 1));
    assert_ne!(digest(&one, "shop", 0), digest(&one, "shop", 2), "another value");
    assert_ne!(digest(&one, "shop", 0), digest(&one, "pay", 0), "another namespace");
    assert_ne!(digest(&one, "shop", 0), digest(&Redactor::new(Some([8; KEY]), vec![]), "shop", 0), "another key");
    assert_eq!(digest(&one, "shop", 0).as_str().unwrap().len(), "(hidden )".len() + DIGITS);
    assert_eq!(digest(&Redactor::default(), "shop", 0), "(hidden)");
}

#[test]
fn a_value_that_looks_like_a_mask_opens_nothing_and_is_hidden_like_any_other() {
    let masks = [
        "***",
        "++++++++",
        "<redacted>",
        "[REDACTED]",
        "(hidden)",
        "(hidden 0123456789ab)",
        "******** (sensitive)",
        "",
        "null",
        "$(DB_PASSWORD) ",
        "$(DB PASSWORD)",
        "/run/secrets/x",
    ];
    let of = |value: &str| {
        json!({"spec": {
            "env": [{"name": "DB_PASSWORD", "value": value}], "args": ["--password", value],
            "podMetadata": {"annotations": {"vault/token": value}},
            "configFiles": [{"path": "/etc/app", "content": format!("password: {value}\n")}]
        }})
    };
    let places =
        ["/spec/env/0/value", "/spec/args/1", "/spec/podMetadata/annotations/vault~1token", "/spec/args", "/spec"];
    let redactor = keyed(&[]);
    let real = of("hunter2");
    for mask in masks {
        let spoofed = of(mask);
        for place in places {
            // Both sides of a difference, whichever of the two is the mask.
            let (one, other) = (shown(&redactor, &real, place), shown(&redactor, &spoofed, place));
            assert!(!one.contains("hunter2") && one.contains("(hidden "), "{mask:?} at {place}: {one}");
            // That nothing is there is no secret.
            let hidden = mask.is_empty() || other.contains("(hidden ");
            assert!(hidden, "{mask:?} at {place} is told as it is: {other}");
            assert_ne!(one, other, "{mask:?} at {place} looks like another value than it is");
        }
    }
}

#[test]
fn a_key_is_never_printed() {
    let text = format!("{:?}", keyed(&["/spec/x"]));
    assert!(text.contains("keyed: true") && !text.contains('7'), "{text}");
}
