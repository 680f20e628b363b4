//! Mistakes: each is one clear message and exit code 2.

use std::time::{Duration, Instant};

use super::gitmoor;

#[tokio::test]
async fn a_sync_without_once_says_what_to_use() {
    let ran = gitmoor(&["sync", "main"]).await.exits(2);
    assert!(ran.err.contains("use `gitmoor run`"), "{}", ran.err);
    let ran = gitmoor(&["sync", "--once"]).await.exits(2);
    assert!(ran.err.contains("--url or --watch"), "{}", ran.err);
    gitmoor(&["sync", "--once", "main", "--url", "https://example.com/x"]).await.exits(2);
}

#[tokio::test]
async fn a_cluster_that_does_not_answer_is_an_error_within_seconds() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let config = "apiVersion: v1\nkind: Config\ncurrent-context: a\nclusters: [{name: a, cluster: {server: 'http://127.0.0.1:1'}}]\n\
                  users: [{name: a, user: {}}]\ncontexts: [{name: a, context: {cluster: a, user: a}}]\n";
    std::fs::write(file.path(), config).unwrap();
    let kubeconfig = file.path().to_str().unwrap();
    let started = Instant::now();
    let reading = [&["status"][..], &["drift"], &["diff", "examples/repo/basic"], &["tree"], &["history", "main"]];
    let acting = [
        &["sync", "--once", "main"][..],
        &["reconcile", "main"],
        &["suspend", "main"],
        &["resume", "main", "--wait"],
        &["approve", "main", "--plan", "abc"],
        &["rollback", "main"],
        &["webhook", "test", "main"],
    ];
    for command in reading.into_iter().chain(acting) {
        let ran = gitmoor(&[command, &["--kubeconfig", kubeconfig]].concat()).await.exits(2);
        assert!(ran.err.contains("the API server cannot be reached"), "{command:?}: {}", ran.err);
        assert_eq!((ran.err.lines().count(), ran.out.as_str()), (1, ""), "{command:?}: {}", ran.err);
    }
    assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
    for command in ["status", "drift"] {
        let ran = gitmoor(&[command]).await.exits(2);
        assert!(ran.err.contains("set KUBECONFIG or --kubeconfig"), "{}", ran.err);
    }
}

#[tokio::test]
async fn paths_that_do_not_fit_a_sync_are_refused() {
    let ran = gitmoor(&["diff", "--sync", "main", "a", "b"]).await.exits(2);
    assert!(ran.err.contains("name one PATH"), "{}", ran.err);
    let ran = gitmoor(&["diff", "--sync", "main", "Cargo.toml"]).await.exits(2);
    assert!(ran.err.contains("is not a folder"), "{}", ran.err);
}

#[tokio::test]
async fn flags_that_contradict_each_other_are_refused() {
    let ran = gitmoor(&["rollback", "main", "abcd", "--release"]).await.exits(2);
    assert!(ran.err.contains("cannot be used with"), "{}", ran.err);
    for arguments in [
        &["reconcile"][..],
        &["suspend"],
        &["suspend", "main", "--reason", " "],
        &["reconcile", "main", "--timeout", "soon"],
        &["tree", "--depth", "0"],
    ] {
        let ran = gitmoor(arguments).await.exits(2);
        assert!(ran.out.is_empty() && !ran.err.is_empty(), "{arguments:?}");
    }
    let ran = gitmoor(&["history", "a/b/c"]).await.exits(2);
    assert!(ran.err.contains("neither NAME nor NAMESPACE/NAME"), "{}", ran.err);
}
