//! Repositories that are large or odd, through Git and the daemon: ten thousand documents in one file, a document of 20 MB,
//! and names that only one file system takes.

use serde_json::{Value, json};

use crate::support::scene::{Scene, service};

/// Ten thousand documents, of which three are ours.
fn ten_thousand() -> String {
    let mut text = String::new();
    for number in 0..10_000 {
        let document = match number {
            0 | 5_000 | 9_999 => {
                serde_yaml::to_string(&service(&format!("n{number}"), json!({"replicas": 0}))).unwrap()
            }
            _ => format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c{number}}}\n"),
        };
        text += &document;
        text += "---\n";
    }
    text
}

#[tokio::test]
async fn ten_thousand_documents_in_one_file_are_read_and_those_of_others_are_counted() {
    let files = [("all.yaml", json!(ten_thousand()))];
    let Some(scene) = Scene::synced("documents", json!({}), &files).await else { return };
    assert_eq!(scene.services().await, ["n0", "n5000", "n9999"]);
    let status = scene.settled().await;
    assert_eq!((&status["counts"]["declared"], &status["counts"]["ignoredDocuments"]), (&json!(3), &json!(9_997)));
    assert_eq!(status["diagnostics"], Value::Null, "{status:#}");
}

#[tokio::test]
async fn a_document_of_20_mb_is_one_files_mistake_and_deletes_nothing() {
    let files = [("a.yaml", service("a", json!({"replicas": 0}))), ("b.yaml", service("b", json!({"replicas": 0})))];
    let Some(scene) = Scene::synced("heavy", json!({}), &files).await else { return };
    for bytes in [20 << 20, 21 << 20] {
        let mut text = serde_yaml::to_string(&service("b", json!({"replicas": 0}))).unwrap();
        text += "  args: [\"";
        text += &"x".repeat(bytes - text.len() - 8);
        text += "\"]\n";
        scene
            .push(&[
                ("b.yaml", json!(text)),
                ("a.yaml", service("a", json!({"image": format!("example.com/a:{bytes}"), "replicas": 0}))),
            ])
            .await;
        let status = scene.settled().await;
        let found = &status["diagnostics"][0];
        assert_eq!((&found["code"], &found["place"]), (&json!("GM104"), &json!("b.yaml:1:1")), "{bytes}: {status:#}");
        assert_eq!(scene.services().await, ["a", "b"]);
        assert_eq!(
            scene.service("a").await.unwrap()["spec"]["image"],
            format!("example.com/a:{bytes}"),
            "the rest goes on"
        );
    }
}

#[tokio::test]
async fn names_that_windows_would_not_take_are_names() {
    // Reserved there, with a dot or a blank at the end, with what separates folders or drives there, and one that says to git
    // how it is quoted.
    let names = [
        "con.yaml",
        "aux/nul.yaml",
        "trailing. /x.yaml",
        "back\\slash.yaml",
        "c:/drive.yaml",
        "what?.yaml",
        "star*.yaml",
        "\"quoted\".yaml",
        "ünï/ço∂é.yaml",
    ];
    let files: Vec<_> =
        names.iter().enumerate().map(|(n, path)| (*path, service(&format!("s{n}"), json!({"replicas": 0})))).collect();
    let Some(scene) = Scene::synced("names", json!({}), &files).await else { return };
    let all: Vec<_> = (0..names.len()).map(|n| format!("s{n}")).collect();
    assert_eq!(scene.services().await, all);
    let status = scene.settled().await;
    assert_eq!(status["diagnostics"], Value::Null, "{status:#}");
    let place = scene.service("s3").await.unwrap()["metadata"]["annotations"]["gitmoor.dev/source-path"].clone();
    assert_eq!(place, "back\\slash.yaml:1");
    // Line ends and a byte order mark as editors there write them.
    let text = serde_yaml::to_string(&service("s0", json!({"replicas": 1}))).unwrap();
    scene.push(&[("con.yaml", json!(format!("\u{feff}{}", text.replace('\n', "\r\n"))))]).await;
    assert_eq!(scene.service("s0").await.unwrap()["spec"]["replicas"], 1);
}
