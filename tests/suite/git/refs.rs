//! What can be followed beside a branch: tags, versions, commits and other refs; and what a tree leaves out.

use gitmoor::model::Follow;
use gitmoor::source::Wanted;
use serde_json::{Value, json};

use super::*;

impl Fixture {
    fn follow(&self, reference: &Value) -> Source {
        let reference = serde_json::from_value(reference.clone()).unwrap();
        let follow = Follow::of(Some(&reference)).unwrap();
        let url = self.server.url("deploy.git");
        self.sources().open_wanted(Wanted { url: &url, follow, timeout: PATIENCE, keys: "", who: "" }).unwrap()
    }

    /// Commits, and points a tag to it: an annotated one where there is a message.
    fn tag(&self, name: &str, message: Option<&str>) -> String {
        self.repository.write("apps/shop.yaml", &format!("name: {name}\n"));
        let commit = self.repository.commit(name);
        let about: Vec<&str> = message.map(|message| vec!["-a", "-m", message]).unwrap_or_default();
        self.repository.git(&[&["tag", "--force"], &about[..], &[name]].concat());
        self.repository.push(&["--force", &format!("refs/tags/{name}")]);
        commit
    }
}

#[tokio::test]
async fn a_tag_is_followed_to_its_commit() {
    let Some(fixture) = Fixture::new() else { return };
    for (name, message) in [("v1", None), ("v2", Some("second"))] {
        let commit = fixture.tag(name, message);
        fixture.repository.write("apps/shop.yaml", "name: later\n");
        fixture.repository.commit("later");
        let source = fixture.follow(&json!({"tag": name}));
        let snapshot = fetch(&source).await;
        assert_eq!(snapshot.revision.as_str(), format!("{name}@sha1:{commit}"));
        assert_eq!(content(&source, &snapshot, "apps/shop.yaml").await, format!("name: {name}\n"));
        let before = fixture.server.stats().await;
        assert!(is_unchanged(&source, &snapshot.revision).await);
        fetch(&source).await;
        let cost = fixture.server.stats().await - before;
        assert_eq!((cost.ls_refs, cost.fetch), (2, 0), "what is at hand is not received again");
    }
    let moved = fixture.tag("v1", Some("moved"));
    let source = fixture.follow(&json!({"tag": "v1"}));
    assert_eq!(fetch(&source).await.revision.as_str(), format!("v1@sha1:{moved}"));
    assert_eq!(reason(&fixture.follow(&json!({"tag": "v3"}))).await, "RefNotFound");
    assert_eq!(reason(&fixture.follow(&json!({"tag": "main"}))).await, "RefNotFound", "a branch is no tag");
    fixture.repository.git(&["tag", "file", "HEAD:apps/shop.yaml"]);
    fixture.repository.push(&["refs/tags/file"]);
    assert_eq!(reason(&fixture.follow(&json!({"tag": "file"}))).await, "CommitNotFound", "it is no commit");
}

#[tokio::test]
async fn the_highest_version_is_followed() {
    let Some(fixture) = Fixture::new() else { return };
    let source = fixture.follow(&json!({"semver": ">=1 <2"}));
    assert_eq!(reason(&source).await, "RefNotFound");
    for (tag, message) in [("v1.10.0", Some("ten")), ("v1.9.0", None), ("v1.11.0-rc.1", None), ("v2.0.0", None)] {
        fixture.tag(tag, message);
    }
    let ten = fixture.repository.git(&["rev-parse", "v1.10.0^{commit}"]);
    let first = fetch(&source).await;
    assert_eq!(first.revision.as_str(), format!("v1.10.0@sha1:{ten}"));
    let before = fixture.server.stats().await;
    assert!(is_unchanged(&source, &first.revision).await);
    let cost = fixture.server.stats().await - before;
    assert_eq!((cost.ls_refs, cost.fetch), (1, 0), "a poll is one listing");

    let eleven = fixture.tag("v1.11.0", Some("eleven"));
    let second = changed(source.fetch(Some(&first.revision), &whole()).await);
    assert_eq!(second.revision.as_str(), format!("v1.11.0@sha1:{eleven}"));
    assert_eq!(content(&source, &second, "apps/shop.yaml").await, "name: v1.11.0\n");
    let lines = gitmoor::source::Lines { commit: commit(&eleven), path: "apps/shop.yaml".into(), first: 1, last: 1 };
    assert_eq!(source.last_touched(lines).await.unwrap().unwrap().commit, commit(&eleven));
}

#[tokio::test]
async fn a_commit_is_followed_without_asking_twice() {
    let Some(fixture) = Fixture::new() else { return };
    let old = fixture.repository.git(&["rev-parse", "HEAD"]);
    fixture.repository.write("apps/shop.yaml", "name: later\n");
    fixture.repository.commit("later");
    let source = fixture.follow(&json!({"commit": old}));
    let snapshot = fetch(&source).await;
    assert_eq!(snapshot.revision.as_str(), format!("sha1:{old}"));
    assert_eq!(content(&source, &snapshot, "apps/shop.yaml").await, "name: shop\n");
    let before = fixture.server.stats().await;
    assert!(is_unchanged(&source, &snapshot.revision).await);
    assert_eq!(fetch(&source).await.revision, snapshot.revision);
    let cost = fixture.server.stats().await - before;
    assert_eq!((cost.info_refs, cost.fetch), (0, 0));
    assert_eq!(reason(&fixture.follow(&json!({"commit": "7".repeat(40)}))).await, "CommitNotFound");
}

#[tokio::test]
async fn a_server_that_gives_out_no_commit_is_told_of() {
    let Some(fixture) = Fixture::with(&["--old-protocol"]) else { return };
    let old = fixture.repository.git(&["rev-parse", "HEAD"]);
    // Nothing leads to it any more.
    fixture.repository.git(&["commit", "--quiet", "--amend", "-m", "another first"]);
    fixture.repository.push(&["--force", "HEAD:refs/heads/main"]);
    let error = fixture.follow(&json!({"commit": old})).fetch(None, &whole()).await.unwrap_err();
    assert_eq!((error.reason(), error.is_transient()), ("CommitNotFound", false), "{error}");
}

#[tokio::test]
async fn a_full_ref_is_followed() {
    let Some(fixture) = Fixture::new() else { return };
    let first = fixture.repository.git(&["rev-parse", "HEAD"]);
    fixture.repository.push(&["HEAD:refs/pull/1/head"]);
    fixture.repository.commit("later");
    let source = fixture.follow(&json!({"name": "refs/pull/1/head"}));
    let snapshot = fetch(&source).await;
    assert_eq!(snapshot.revision.as_str(), format!("refs/pull/1/head@sha1:{first}"));
    assert!(is_unchanged(&source, &snapshot.revision).await);
    assert_eq!(reason(&fixture.follow(&json!({"name": "refs/pull/2/head"}))).await, "RefNotFound");
}

#[tokio::test]
async fn what_is_excluded_is_not_listed() {
    let Some(fixture) = Fixture::new() else { return };
    let files = [
        ("apps/drafts/a.yaml", "a"),
        ("apps/drafts/keep.yaml", "b"),
        ("apps/x.test.yaml", "c"),
        (".gitmoorignore", "*.test.yaml\n"),
        ("apps/.gitmoorignore", "drafts/*\n!keep.yaml\n"),
    ];
    for (path, content) in files {
        fixture.repository.write(path, content);
    }
    fixture.repository.commit("more");
    let source = fixture.source();
    let check = async |exclude: &[&str], expected: &[&str], excluded: u32| {
        let exclude = exclude.iter().map(ToString::to_string).collect();
        let snapshot = changed(source.fetch(None, &Narrowing { paths: Vec::new(), exclude }).await);
        assert_eq!(
            (paths(&snapshot), snapshot.excluded),
            (expected.to_vec(), excluded),
            "{:?}",
            snapshot.missing_paths
        );
    };
    check(&[], &["apps/drafts/keep.yaml", "apps/shop.yaml"], 2).await;
    check(&["**/drafts/**"], &["apps/shop.yaml"], 3).await;
    check(&["!*.test.yaml", "shop.yaml"], &["apps/drafts/keep.yaml", "apps/x.test.yaml"], 2).await;
    let bad = Narrowing { paths: Vec::new(), exclude: vec!["a\nb".into()] };
    assert_eq!(source.fetch(None, &bad).await.unwrap_err().reason(), "PathRefused");
}
