//! What a repository over HTTP gives.

use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;
use gitmoor::model::UnreadKind;

#[tokio::test]
async fn the_first_fetch_lists_yaml_files_and_says_who_committed() {
    let Some(fixture) = Fixture::new() else { return };
    let repository = &fixture.repository;
    for path in ["apps/pay.yml", "b.yaml", "README.md", ".github/ci.yaml", "apps/.hidden/x.yaml", ".dotfile.yaml"] {
        repository.write(path, path);
    }
    for (target, link) in
        [("b.yaml", "again.yaml"), ("none.yaml", "gone.yaml"), ("../..", "apps/out"), (".", "apps/me")]
    {
        symlink(target, repository.work.path().join(link)).unwrap();
    }
    let program = repository.work.path().join("apps/pay.yml");
    std::fs::set_permissions(program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let elsewhere = format!("160000,{},module.yaml", "1".repeat(40));
    repository.git(&["add", "."]);
    repository.git(&["update-index", "--add", "--cacheinfo", &elsewhere]);
    let subject = "é".repeat(300);
    repository.git(&["commit", "--quiet", "-m", &format!("{subject}\n\nbody")]);
    repository.push(&["HEAD:refs/heads/main"]);

    let source = fixture.source();
    let snapshot = fetch(&source).await;
    assert_eq!(paths(&snapshot), [".dotfile.yaml", "apps/pay.yml", "apps/shop.yaml", "b.yaml"]);
    assert_eq!(snapshot.missing_paths, [""; 0]);
    let mut unread: Vec<_> = snapshot.unread.iter().map(|one| (&*one.path, one.what)).collect();
    unread.sort_by_key(|(path, _)| *path);
    let expected = [
        ("apps/me", UnreadKind::LinkLoop),
        ("apps/out", UnreadKind::LinkOutside),
        ("gone.yaml", UnreadKind::LinkDangling),
        ("module.yaml", UnreadKind::Submodule),
    ];
    assert_eq!(unread, expected);
    assert_eq!(snapshot.revision.as_str(), format!("main@sha1:{}", repository.git(&["rev-parse", "HEAD"])));
    let commit = snapshot.commit.as_ref().unwrap();
    assert_eq!(commit.author, "Ada Lovelace");
    assert_eq!(commit.subject, "é".repeat(200));
    assert_eq!(commit.time.to_string(), "2026-01-02T03:04:05Z");
    assert_eq!(content(&source, &snapshot, "apps/shop.yaml").await, "name: shop\n");
}

#[tokio::test]
async fn a_poll_without_a_new_commit_costs_one_ref_listing() {
    let Some(fixture) = Fixture::new() else { return };
    let source = fixture.source();
    let known = fetch(&source).await.revision.clone();
    let before = fixture.server.stats().await;
    assert!(is_unchanged(&source, &known).await);
    let cost = fixture.server.stats().await - before;
    assert_eq!((cost.info_refs, cost.ls_refs, cost.fetch, cost.other), (1, 1, 0, 0));
}

#[tokio::test]
async fn a_known_commit_is_polled_without_any_cache() {
    let Some(fixture) = Fixture::new() else { return };
    let head = fixture.repository.git(&["rev-parse", "HEAD"]);
    assert!(is_unchanged(&fixture.source(), &Revision::of_commit("main", &head)).await);
    let of_another_branch = Revision::of_commit("next", &head);
    assert!(!is_unchanged(&fixture.source(), &of_another_branch).await);
    assert_eq!(fixture.server.stats().await.fetch, 1);
}

#[tokio::test]
async fn a_new_commit_brings_what_it_changed() {
    let Some(fixture) = Fixture::new() else { return };
    fixture.repository.write("apps/pay.yaml", "name: pay\n");
    fixture.repository.commit("pay");
    let source = fixture.source();
    let first = fetch(&source).await;
    fixture.repository.write("apps/shop.yaml", "name: shop2\n");
    let head = fixture.repository.commit("shop2");

    let second = changed(source.fetch(Some(&first.revision), &whole()).await);
    assert_eq!(second.revision, Revision::of_commit("main", &head));
    assert_eq!(first.files[0], second.files[0], "what did not change keeps its blob");
    assert_ne!(first.files[1].blob, second.files[1].blob);
    assert_eq!(content(&source, &second, "apps/shop.yaml").await, "name: shop2\n");
    assert_eq!(content(&source, &second, "apps/pay.yaml").await, "name: pay\n");
    assert_eq!(content(&source, &first, "apps/shop.yaml").await, "name: shop\n", "the older one is still at hand");
}

#[tokio::test]
async fn a_rewritten_branch_is_followed() {
    let Some(fixture) = Fixture::new() else { return };
    let source = fixture.source();
    let mut known = fetch(&source).await.revision.clone();
    for round in 0..3 {
        fixture.repository.git(&["checkout", "--quiet", "--orphan", &format!("other{round}")]);
        fixture.repository.write("apps/shop.yaml", &format!("round: {round}\n"));
        fixture.repository.git(&["add", "--all"]);
        fixture.repository.git(&["commit", "--quiet", "-m", "rewritten"]);
        fixture.repository.push(&["--force", "HEAD:refs/heads/main"]);
        let snapshot = changed(source.fetch(Some(&known), &whole()).await);
        assert_eq!(content(&source, &snapshot, "apps/shop.yaml").await, format!("round: {round}\n"));
        known = snapshot.revision.clone();
    }
}

#[tokio::test]
async fn a_branch_that_goes_back_is_followed() {
    let Some(fixture) = Fixture::new() else { return };
    let source = fixture.source();
    let first = fetch(&source).await;
    fixture.repository.write("apps/shop.yaml", "name: shop2\n");
    fixture.repository.commit("shop2");
    let second = changed(source.fetch(Some(&first.revision), &whole()).await);
    fixture.repository.push(&["--force", "HEAD~1:refs/heads/main"]);
    let third = changed(source.fetch(Some(&second.revision), &whole()).await);
    assert_eq!(third.revision, first.revision);
    assert_eq!(third.files, first.files);
}

#[tokio::test]
async fn only_wanted_paths_are_listed_and_missing_ones_named() {
    let Some(fixture) = Fixture::new() else { return };
    for path in ["apps/pay/a.yaml", "apps/paying.yaml", "one.yaml", ".moor/x.yaml", ".moor/.y/z.yaml", "notes.txt"] {
        fixture.repository.write(path, path);
    }
    symlink("apps", fixture.repository.work.path().join("linked")).unwrap();
    fixture.repository.commit("more");
    let source = fixture.source();
    let check = async |wanted: &[&str], files: &[&str], missing: &[&str]| {
        let snapshot = fetch_paths(&source, wanted).await;
        assert_eq!(paths(&snapshot), files, "{wanted:?}");
        assert_eq!(snapshot.missing_paths, missing, "{wanted:?}");
    };
    check(&["./apps/pay/"], &["apps/pay/a.yaml"], &[]).await;
    check(&["one.yaml", "apps/pay"], &["apps/pay/a.yaml", "one.yaml"], &[]).await;
    check(&["apps", "apps/pay", "apps"], &["apps/pay/a.yaml", "apps/paying.yaml", "apps/shop.yaml"], &[]).await;
    check(&["apps/pa", "gone/", "one.yaml/x"], &[], &["apps/pa", "gone/", "one.yaml/x"]).await;
    check(&["linked"], &["linked/pay/a.yaml", "linked/paying.yaml", "linked/shop.yaml"], &[]).await;
    check(&["linked/pay", "apps/pay"], &["apps/pay/a.yaml"], &[]).await;
    check(&["linked/none"], &[], &["linked/none (a symbolic link that leads to no folder and no manifest)"]).await;
    check(&[".moor"], &[".moor/x.yaml"], &[]).await;
    check(&["notes.txt"], &[], &["notes.txt (a file there, and not YAML)"]).await;
    let error = source.fetch(None, &Narrowing::to(&["../x"])).await.unwrap_err();
    assert_eq!(error.reason(), "PathRefused");
}

#[tokio::test]
async fn other_branches_are_neither_listed_nor_received() {
    let Some(fixture) = Fixture::new() else { return };
    fixture.repository.push(&["HEAD:refs/heads/main-2", "HEAD:refs/heads/a/main"]);
    fixture.repository.write("only.yaml", "on: next\n");
    fixture.repository.git(&["add", "--all"]);
    fixture.repository.git(&["commit", "--quiet", "-m", "next"]);
    fixture.repository.push(&["HEAD:refs/heads/team/next"]);
    assert_eq!(paths(&*fetch(&fixture.source()).await), ["apps/shop.yaml"]);
    let next = fixture.sources().open(&fixture.server.url("deploy.git"), "team/next", PATIENCE).unwrap();
    assert_eq!(paths(&*fetch(&next).await), ["apps/shop.yaml", "only.yaml"]);
}

#[tokio::test]
async fn a_moved_repository_is_followed() {
    let Some(fixture) = Fixture::new() else { return };
    let source = fixture.sources().open(&fixture.server.url("_moved/deploy.git"), "main", PATIENCE).unwrap();
    assert_eq!(paths(&*fetch(&source).await), ["apps/shop.yaml"]);
}
