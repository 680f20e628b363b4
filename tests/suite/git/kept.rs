//! Kept commits are read whatever becomes of the server, of the branch and of the cache; and previews of other refs.

use std::path::Path;

use super::*;

/// Commits with `apps/shop.yaml` of one round each; the commit of each, oldest first.
fn rounds(fixture: &Fixture, rounds: std::ops::Range<u32>) -> Vec<String> {
    let round = |round| {
        fixture.repository.write("apps/shop.yaml", &format!("round: {round}\n"));
        fixture.repository.commit("round")
    };
    rounds.map(round).collect()
}

/// What the commit says, read with no server at all.
async fn offline(fixture: &Fixture, source: &Source, hex: &str) -> Result<String, SourceError> {
    fixture.server.fault(None, 503).await;
    let read = source.at(commit(hex), &Narrowing::to(&["apps"])).await;
    let read = match read {
        Ok(snapshot) => {
            assert_eq!(snapshot.revision, Revision::of_commit("main", hex));
            assert_eq!(paths(&snapshot), ["apps/shop.yaml"]);
            Ok(content(source, &snapshot, "apps/shop.yaml").await)
        }
        Err(error) => Err(error),
    };
    fixture.server.fault(None, 0).await;
    read
}

#[tokio::test]
async fn kept_commits_are_read_while_git_is_down_and_by_another_process() {
    let Some(fixture) = Fixture::new() else { return };
    let source = fixture.source();
    let mut commits = Vec::new();
    for round in 0..3 {
        commits.extend(rounds(&fixture, round..round + 1));
        fetch(&source).await;
        source.keep(commits.iter().map(|hex| commit(hex)).collect()).await.unwrap();
    }
    drop(source);
    let source = fixture.source();
    for (round, hex) in commits.iter().enumerate() {
        assert_eq!(offline(&fixture, &source, hex).await.unwrap(), format!("round: {round}\n"));
    }
    let error = offline(&fixture, &source, &"7".repeat(40)).await.unwrap_err();
    assert_eq!((error.reason(), error.is_transient()), ("ServerFailed", true), "{error}");
}

#[tokio::test]
async fn only_what_is_wanted_stays_kept() {
    let Some(fixture) = Fixture::new() else { return };
    let source = fixture.source();
    let mut commits = Vec::new();
    for round in 0..3 {
        commits.extend(rounds(&fixture, round..round + 1));
        fetch(&source).await;
    }
    let ids: Vec<_> = commits.iter().map(|hex| commit(hex)).collect();
    source.keep(ids.clone()).await.unwrap();
    assert_eq!(kept(fixture.cache.path()).len(), 3);
    let unknown = commit(&"7".repeat(40));
    source.keep(vec![ids[2], unknown]).await.unwrap();
    assert_eq!(kept(fixture.cache.path()), [commits[2].clone()], "what is not at hand cannot be kept");
}

#[tokio::test]
async fn a_compaction_keeps_them_whole_and_without_network() {
    let Some(fixture) = Fixture::new() else { return };
    let repository = &fixture.repository;
    // Large enough to be sent as a difference to what the client says it has.
    let notes: String = (0..400).map(|line| format!("line {line}\n")).collect();
    repository.write("notes.txt", &notes);
    repository.write("deep/er/still/x.txt", "x");
    let old = rounds(&fixture, 0..1).remove(0);
    let source = fixture.source();
    let mut known = fetch(&source).await.revision.clone();
    source.keep(vec![commit(&old)]).await.unwrap();
    repository.git(&["rm", "--quiet", "-r", "deep", "notes.txt"]);
    for round in 1..56 {
        rounds(&fixture, round..round + 1);
        known = changed(source.fetch(Some(&known), &whole()).await).revision.clone();
    }
    assert!(packs(fixture.cache.path()) < 10, "it was made anew");
    assert_eq!(kept(fixture.cache.path()), std::slice::from_ref(&old));
    assert_eq!(offline(&fixture, &source, &old).await.unwrap(), "round: 0\n");
    drop(source);
    let source = fixture.source();
    assert_eq!(offline(&fixture, &source, &old).await.unwrap(), "round: 0\n", "by another process, too");
    // The server leaves out what the kept commit has: so it must be there.
    repository.git(&["checkout", "--quiet", &old, "--", "deep"]);
    repository.write("notes.txt", &format!("{notes}one more\n"));
    rounds(&fixture, 60..61);
    let back = changed(source.fetch(Some(&known), &whole()).await);
    assert_eq!(content(&source, &back, "apps/shop.yaml").await, "round: 60\n");
    let cache = repositories(fixture.cache.path());
    crate::support::repository::git(&cache, &["fsck", "--connectivity-only", "--no-dangling", &old]);
}

/// A folder with all that is in another.
fn copied(from: &Path, end: &str) {
    let mut to = from.as_os_str().to_owned();
    to.push(end);
    if Path::new(&to).exists() {
        std::fs::remove_dir_all(&to).unwrap();
    }
    assert!(std::process::Command::new("cp").args(["-r".as_ref(), from.as_os_str(), &to]).status().unwrap().success());
}

#[tokio::test]
async fn what_was_kept_survives_a_kill_amid_a_compaction_or_a_fetch() {
    let Some(fixture) = Fixture::new() else { return };
    let old = rounds(&fixture, 0..1).remove(0);
    let source = fixture.source();
    fetch(&source).await;
    source.keep(vec![commit(&old)]).await.unwrap();
    drop(source);
    let dir = repositories(fixture.cache.path());
    let beside = |end: &str| std::path::PathBuf::from(format!("{}{end}", dir.display()));
    let mut round = 1;
    let mut check = async |what: &str, killed: &dyn Fn()| {
        killed();
        let source = fixture.source();
        assert_eq!(offline(&fixture, &source, &old).await.unwrap(), "round: 0\n", "{what}");
        assert!(!beside(".new").exists() && !beside(".old").exists(), "{what}: nobody needs what stands beside");
        let new = rounds(&fixture, round..round + 1).remove(0);
        let snapshot = fetch(&source).await;
        assert_eq!(snapshot.revision, Revision::of_commit("main", &new), "{what}");
        assert_eq!(content(&source, &snapshot, "apps/shop.yaml").await, format!("round: {round}\n"), "{what}");
        source.keep(vec![commit(&old), commit(&new)]).await.unwrap();
        assert_eq!(kept(fixture.cache.path()).len(), 2, "{what}");
        source.keep(vec![commit(&old)]).await.unwrap();
        round += 1;
    };
    check("before the old cache is taken away", &|| copied(&dir, ".new")).await;
    check("half a clone", &|| {
        copied(&dir, ".new");
        std::fs::remove_dir_all(beside(".new").join("objects")).unwrap();
    })
    .await;
    check("before the new cache is in its place", &|| {
        copied(&dir, ".new");
        std::fs::rename(&dir, beside(".old")).unwrap();
    })
    .await;
    check("before the old cache is gone", &|| {
        copied(&dir, ".old");
        std::fs::remove_dir_all(beside(".old").join("refs")).unwrap();
    })
    .await;
    let leave = |name: &str| std::fs::write(dir.join(name), "").unwrap();
    check("the lock of the branch", &|| leave("refs/gitmoor/tracked.lock")).await;
    check("the lock of what is cut off", &|| leave("shallow.lock")).await;
    check("half a pack", &|| leave("objects/pack/pack-0123456789012345678901234567890123456789.pack")).await;
    check("a pack in the making", &|| leave("objects/pack/.tmp-pack")).await;
}

#[tokio::test]
async fn a_damaged_cache_becomes_good_even_if_what_was_kept_is_lost() {
    let Some(fixture) = Fixture::new() else { return };
    let old = rounds(&fixture, 0..1).remove(0);
    let source = fixture.source();
    fetch(&source).await;
    source.keep(vec![commit(&old)]).await.unwrap();
    let new = rounds(&fixture, 1..2).remove(0);
    drop(source);
    for pack in std::fs::read_dir(repositories(fixture.cache.path()).join("objects/pack")).unwrap() {
        std::fs::remove_file(pack.unwrap().path()).unwrap();
    }
    let source = fixture.source();
    let snapshot = fetch(&source).await;
    assert_eq!(snapshot.revision, Revision::of_commit("main", &new));
    assert_eq!(content(&source, &snapshot, "apps/shop.yaml").await, "round: 1\n");
    assert!(kept(fixture.cache.path()).is_empty());
    assert_eq!(offline(&fixture, &source, &old).await.unwrap_err().reason(), "ServerFailed");
    // The server has it still.
    assert_eq!(source.at(commit(&old), &whole()).await.unwrap().revision, Revision::of_commit("main", &old));
}

#[tokio::test]
async fn a_commit_that_was_not_kept_is_asked_for() {
    let Some(fixture) = Fixture::new() else { return };
    let old = rounds(&fixture, 0..1).remove(0);
    rounds(&fixture, 1..3);
    let source = fixture.source();
    fetch(&source).await;
    let snapshot = source.at(commit(&old), &whole()).await.unwrap();
    assert_eq!(content(&source, &snapshot, "apps/shop.yaml").await, "round: 0\n");
    assert_eq!(offline(&fixture, &source, &old).await.unwrap(), "round: 0\n", "and is at hand then");
    let tree = fixture.repository.git(&["rev-parse", "HEAD^{tree}"]);
    for nothing in ["7".repeat(40), tree] {
        let error = source.at(commit(&nothing), &whole()).await.unwrap_err();
        assert_eq!((error.reason(), error.is_transient()), ("CommitNotFound", false), "{error}");
        assert!(error.to_string().contains(&nothing), "{error}");
    }
    let tip = fetch(&source).await;
    assert!(is_unchanged(&source, &tip.revision).await, "the cache is not doubted for that");
}

#[tokio::test]
async fn a_server_that_gives_out_only_what_refs_point_to_is_understood() {
    let Some(fixture) = Fixture::with(&["--old-protocol"]) else { return };
    let old = rounds(&fixture, 0..1).remove(0);
    fixture.repository.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
    fixture.repository.push(&["--force", "HEAD:refs/heads/main"]);
    let new = rounds(&fixture, 1..3).pop().unwrap();
    let source = fixture.source();
    fetch(&source).await;
    assert_eq!(source.at(commit(&new), &whole()).await.unwrap().revision, Revision::of_commit("main", &new));
    let error = source.at(commit(&old), &whole()).await.unwrap_err();
    assert_eq!((error.reason(), error.is_transient()), ("CommitNotFound", false), "{error}");
    fixture.repository.push(&[&format!("{old}:refs/tags/keep")]);
    assert_eq!(source.at(commit(&old), &whole()).await.unwrap().revision, Revision::of_commit("main", &old));
}

#[tokio::test]
async fn other_refs_are_previewed_and_change_nothing() {
    let Some(fixture) = Fixture::new() else { return };
    let source = fixture.source();
    let known = fetch(&source).await.revision.clone();
    let repository = &fixture.repository;
    repository.write("pull.yaml", "pull: 1\n");
    let pull = repository.commit_at("pull", "2026-01-02T04:00:00Z");
    repository.push(&["HEAD:refs/pull/1/head", "HEAD:refs/merge-requests/2/head", "HEAD:refs/heads/team/next"]);
    repository.git(&["tag", "-a", "v1", "-m", "one"]);
    repository.push(&["v1"]);
    for (reference, name) in [
        ("refs/pull/1/head", "refs/pull/1/head"),
        ("refs/merge-requests/2/head", "refs/merge-requests/2/head"),
        ("refs/tags/v1", "refs/tags/v1"),
        ("team/next", "team/next"),
        (&*pull, "main"),
    ] {
        let snapshot = source.peek(reference, &whole()).await.unwrap();
        assert_eq!(snapshot.revision, Revision::of_commit(name, &pull), "{reference}");
        assert_eq!(paths(&snapshot), ["apps/shop.yaml", "pull.yaml"]);
        assert_eq!(content(&source, &snapshot, "pull.yaml").await, "pull: 1\n");
    }
    let refused = async |reference: &str| source.peek(reference, &whole()).await.unwrap_err().reason();
    assert_eq!(refused("refs/pull/9/head").await, "CommitNotFound");
    assert_eq!(refused("none").await, "CommitNotFound");
    assert_eq!(refused("-x").await, "ReferenceRefused");
    assert!(is_unchanged(&source, &known).await);
}

fn repositories(cache: &Path) -> std::path::PathBuf {
    let mut entries = std::fs::read_dir(cache).unwrap().map(|entry| entry.unwrap().path());
    entries.find(|path| path.extension().is_none()).unwrap()
}

fn packs(cache: &Path) -> usize {
    let entries = std::fs::read_dir(repositories(cache).join("objects/pack")).unwrap();
    entries.filter(|entry| entry.as_ref().unwrap().path().extension().is_some_and(|end| end == "pack")).count()
}

/// The commits that have a ref, in a folder of whoever keeps them.
fn kept(cache: &Path) -> Vec<String> {
    let Ok(folders) = std::fs::read_dir(repositories(cache).join("refs/gitmoor/applied")) else { return vec![] };
    let refs = folders.flat_map(|folder| std::fs::read_dir(folder.unwrap().path()).unwrap());
    refs.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}
