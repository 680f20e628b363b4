//! Commands that need no cluster.

use serde_json::json;
use tempfile::TempDir;

use super::gitmoor;
use crate::support::files::documents;
use crate::support::scene::service;
use crate::support::{Kube, plane::root};

#[tokio::test]
async fn crds_prints_what_kubectl_can_apply() {
    let yaml = gitmoor(None, &["crds"]).await;
    assert_eq!((yaml.code, yaml.err.as_str()), (0, ""));
    let json = gitmoor(None, &["crds", "--output", "json"]).await;
    assert_eq!(json.json()["items"].as_array().unwrap().len(), 2);
    let Some(kube) = Kube::shared().await else { return };
    for printed in [&yaml.out, &json.out] {
        let apply = ["apply", "--server-side", "--force-conflicts", "--dry-run=server", "-f", "-"];
        let said = kube.kubectl_with(&apply, printed).await;
        assert_eq!(said.lines().count(), 2, "{said}");
    }
}

#[tokio::test]
async fn validate_tells_every_finding_with_its_place_and_fails() {
    let folder = TempDir::new().unwrap();
    let write = |name: &str, manifest: &serde_json::Value| {
        std::fs::write(folder.path().join(name), serde_yaml::to_string(manifest).unwrap()).unwrap();
    };
    let path = folder.path().to_str().unwrap();
    write("good.yaml", &service("good", json!({})));
    assert_eq!(gitmoor(None, &["validate", path]).await.code, 0);

    let mut typo = service("typo", json!({"imgae": "x"}));
    typo["spec"].as_object_mut().unwrap().remove("image");
    write("typo.yaml", &typo);
    write("type.yaml", &service("kind", json!({"replicas": "many"})));
    let text = gitmoor(None, &["validate", path]).await;
    assert_eq!(text.code, 1, "{}{}", text.out, text.err);
    for said in ["GM203", "GM204", "typo.yaml:6:3", "type.yaml:7:13", "^^^^^", "image"] {
        assert!(text.out.contains(said), "{said}: {}", text.out);
    }
    let json = gitmoor(None, &["validate", path, "--output", "json"]).await;
    assert_eq!(json.code, 1);
    let codes = json.out.matches("GM2").count();
    assert!(codes >= 2 && json.json().is_object(), "{}", json.out);
    assert_eq!(gitmoor(None, &["validate", "/nonexistent/path"]).await.code, 2);
}

#[tokio::test]
async fn render_prints_the_children_that_the_controller_would_apply() {
    for case in ["everything", "minimal"] {
        let folder = root().join("tests/golden/render").join(case);
        let file = folder.join("microservice.yaml");
        let done = gitmoor(None, &["render", file.to_str().unwrap()]).await;
        assert_eq!((done.code, done.err.as_str()), (0, ""));
        assert_eq!(done.out, std::fs::read_to_string(folder.join("children.yaml")).unwrap());
        let json = gitmoor(None, &["render", file.to_str().unwrap(), "--output", "json"]).await.json();
        let printed = json.to_string();
        for child in documents(&folder.join("children.yaml")) {
            assert!(printed.contains(&child["spec"].to_string()) || child["spec"].is_null(), "{child:#}");
        }
    }
}

#[tokio::test]
async fn what_is_not_understood_is_an_error_and_no_answer() {
    for arguments in [&["nothing"][..], &["diff"], &["render", "/nonexistent/file"], &["status", "--output", "xml"]] {
        let done = gitmoor(None, arguments).await;
        assert_eq!((done.code, done.out.as_str()), (2, ""), "{arguments:?}: {}", done.err);
        assert!(!done.err.is_empty(), "{arguments:?}");
    }
    let done = gitmoor(None, &["status"]).await;
    assert_eq!((done.code, done.out.as_str()), (2, ""), "no cluster to be reached: {}", done.err);
}

#[tokio::test]
async fn explain_says_what_a_code_means_without_a_cluster() {
    let page = gitmoor(None, &["explain", "gm207"]).await;
    assert_eq!((page.code, page.err.as_str()), (0, ""));
    assert!(page.out.starts_with("GM207 RuleViolated: ") && page.out.contains("\nWhat to do\n"), "{}", page.out);
    let word = gitmoor(None, &["explain", "NotOurs", "--output", "json"]).await;
    assert_eq!(word.json()["code"], "GM501");
    let list = gitmoor(None, &["explain"]).await;
    assert!(list.code == 0 && list.out.lines().count() > 100, "{}", list.out);
    let unknown = gitmoor(None, &["explain", "NotOur"]).await;
    assert_eq!((unknown.code, unknown.out.as_str()), (2, ""));
    assert!(unknown.err.contains("did you mean NotOurs?"), "{}", unknown.err);
}

#[tokio::test]
async fn render_explains_every_field_of_the_largest_service() {
    let file = root().join("tests/golden/render/everything/microservice.yaml");
    let file = file.to_str().unwrap();
    let plain = gitmoor(None, &["render", file]).await;
    let done = gitmoor(None, &["render", file, "--explain"]).await;
    assert_eq!((done.code, done.err.as_str()), (0, ""));
    let without = |line: &str| line.split("  # ").next().unwrap().trim_end().to_owned();
    let bare: Vec<_> = done.out.lines().map(without).collect();
    assert_eq!(
        bare,
        plain.out.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>(),
        "beside the comments it is the same"
    );
    let explained = done.out.lines().filter(|line| line.contains("  # ")).count();
    assert!(explained > 100 && done.out.contains(&format!("# spec.image ({file}:")), "{}", done.out);
    let coloured = gitmoor(None, &["render", file, "--explain", "--color", "always"]).await;
    assert!(coloured.out.contains("\u{1b}[32m# spec.image"), "{}", coloured.out);
    let json = gitmoor(None, &["render", file, "--explain", "--output", "json"]).await.json();
    let objects = json["objects"].as_array().unwrap();
    let fields = objects.iter().flat_map(|object| object["fields"].as_array().unwrap());
    assert!(fields.clone().count() > 100);
    assert!(fields.into_iter().all(|field| field["from"].is_string() && field["path"].is_string()));
}
