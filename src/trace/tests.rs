//! The tracer before sources of its own: what is answered at once, what is asked for once, and what is completed later.

use std::time::Duration;

use serde_json::json;

use super::*;
use crate::manifest::{Allowed, Scope, assemble, parse};
use crate::model::CommitId;
use crate::source::{Fetch, SourceOptions, Sources};

const MANIFEST: &str =
    "apiVersion: gitmoor.dev/v1alpha1\nkind: MicroService\nmetadata:\n  name: a\nspec:\n  image: a:1\n";

fn sync() -> ObjectKey {
    ObjectKey::new("ops", "main")
}

fn target() -> Target {
    Target::service(ObjectKey::new("shop", "a"))
}

fn pointer(text: &str) -> Pointer {
    Pointer::parse(text).unwrap()
}

/// A tracer whose sync has read a folder, and the folder.
async fn folder() -> (Tracer, Worker, tempfile::TempDir) {
    let dir = tempfile::TempDir::new().unwrap();
    std::fs::write(dir.path().join("a.yaml"), MANIFEST).unwrap();
    let mut options = SourceOptions::new(dir.path().join(".cache"));
    options.allow_dir = Some(dir.path().to_owned());
    let url = format!("dir://{}", dir.path().display());
    let source = Arc::new(Sources::new(options).open(&url, "", Duration::from_secs(60)).unwrap());
    let Fetch::Changed(snapshot) = source.fetch(None, &crate::model::Narrowing::default()).await.unwrap() else {
        panic!("nothing there")
    };
    let scope = Scope { target_namespace: "shop".into(), allowed: Allowed::Any, gitsyncs: false };
    let file = parse(MANIFEST.as_bytes());
    let declared = Arc::new(assemble([(&Arc::from("a.yaml"), &file)], &scope));
    let (tracer, worker) = Tracer::new();
    tracer.opened(&sync(), &source);
    tracer.read(&sync(), &snapshot, &declared);
    (tracer, worker, dir)
}

fn field(at: &DeclaredAt) -> DriftedField {
    serde_json::from_value(json!({
        "kind": "MicroService", "object": "shop/a", "path": "/spec/image", "change": "Modified",
        "observed": "2026-01-02T00:00:00Z", "declaredAt": at
    }))
    .unwrap()
}

#[tokio::test]
async fn a_local_folder_has_lines_and_no_commits() {
    let (tracer, mut worker, _dir) = folder().await;
    let declaration = tracer.declaration(&sync(), &target()).unwrap();
    let at = tracer.place(&sync(), &declaration, &pointer("/spec/image"));
    assert_eq!((at.file.as_str(), at.line, at.field.as_str(), &at.commit), ("a.yaml", 6, "/spec/image", &None));
    let whose = Whose { level: DriftLevel::Source, target: target(), sync: sync() };
    tracer.trace(&whose, &field(&at), &declaration, &pointer("/spec/image"));
    assert!(worker.waiting().try_recv().is_err(), "there is nothing to look up");
}

#[tokio::test]
async fn a_live_object_is_traced_by_what_it_was_applied_from() {
    let (tracer, _worker, _dir) = folder().await;
    let hash = parse(MANIFEST.as_bytes()).documents[0].hash.to_string();
    let live = |hash: &str| {
        json!({"metadata": {"annotations": {
            SOURCE_HASH: hash, SOURCE_PATH: "old.yaml:7", SOURCE_REVISION: "main@sha1:0123456789012345678901234567890123456789"
        }}})
    };
    let place = |live: &Value| {
        let declaration = tracer.applied(&sync(), &target(), live)?;
        let at = tracer.place(&sync(), &declaration, &pointer("/spec/image"));
        Some((at.file, at.line, at.field))
    };
    assert_eq!(place(&live(&hash)), Some(("a.yaml".into(), 6, "/spec/image".into())), "as it is declared now");
    assert_eq!(place(&live("other")), Some(("old.yaml".into(), 7, String::new())), "as its marks say");
    assert_eq!(place(&json!({})), None, "nothing says it");
    tracer.forget(&sync());
    assert_eq!(place(&live(&hash)), None, "nobody reads its source");
}

#[tokio::test]
async fn a_drift_is_looked_up_once_and_completed_from_then_on() {
    let (tracer, mut worker, _dir) = folder().await;
    let declaration = tracer.declaration(&sync(), &target()).unwrap();
    let said = tracer.place(&sync(), &declaration, &pointer("/spec/image"));
    let commit = CommitId::parse("0123456789012345678901234567890123456789");
    let declaration = Declaration { commit, ..declaration };
    let whose = Whose { level: DriftLevel::Source, target: target(), sync: sync() };
    let ask = |field: &DriftedField| tracer.trace(&whose, field, &declaration, &pointer("/spec/image"));
    let drifted = field(&said);
    (0..3).for_each(|_| ask(&drifted));
    assert!(worker.waiting().try_recv().is_ok());
    assert!(worker.waiting().try_recv().is_err(), "asked once");

    let found = |or_earlier: bool| DeclaredAt { commit: Some("x".repeat(40)), or_earlier, ..said.clone() };
    let answer = |found: DeclaredAt, again: Option<Instant>| {
        lock(&tracer.inner.answers).put(
            Identity::of(&drifted),
            Answer { said: said.clone(), found: Some(found), again },
            1,
        );
    };
    let complete = |field: &DriftedField| {
        let mut status = DriftStatus { fields: vec![field.clone()], ..DriftStatus::default() };
        tracer.complete(&mut status);
        status.fields.remove(0)
    };
    answer(found(false), None);
    assert_eq!(complete(&drifted).declared_at, Some(found(false)));
    assert_eq!(complete(&complete(&drifted)).declared_at, Some(found(false)), "and stays so");
    let elsewhere = DriftedField { declared_at: Some(DeclaredAt { line: 99, ..said.clone() }), ..drifted.clone() };
    assert_eq!(complete(&elsewhere), elsewhere, "another line is another drift");
    let keyed =
        |path: &str| DriftedField { path: path.into(), keyed_path: Some("/spec/[a]".into()), ..drifted.clone() };
    assert_eq!(Identity::of(&keyed("/spec/0")), Identity::of(&keyed("/spec/1")), "wherever its item stands");
    ask(&complete(&drifted));
    assert!(worker.waiting().try_recv().is_err(), "what is known is not looked up");

    // What may be found later is looked up again after a while, and until then stays as it is.
    answer(found(true), Some(Instant::now() + AGAIN));
    ask(&complete(&drifted));
    assert!(worker.waiting().try_recv().is_err(), "not yet");
    answer(found(true), Some(Instant::now()));
    ask(&complete(&drifted));
    assert!(worker.waiting().try_recv().is_ok(), "again");
    assert_eq!(complete(&drifted).declared_at, Some(found(true)));
}

#[tokio::test]
async fn another_source_of_a_sync_forgets_what_was_read() {
    let (tracer, _worker, _dir) = folder().await;
    let (_other, _other_worker, dir) = folder().await;
    let mut options = SourceOptions::new(dir.path().join(".cache"));
    options.allow_dir = Some(dir.path().to_owned());
    let url = format!("dir://{}", dir.path().display());
    let source = Arc::new(Sources::new(options).open(&url, "", Duration::from_secs(60)).unwrap());
    assert!(tracer.declaration(&sync(), &target()).is_some());
    tracer.opened(&sync(), &source);
    assert!(tracer.declaration(&sync(), &target()).is_none());
}
