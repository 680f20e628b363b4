//! Which commit last touched a line: as `git blame` has it, with a shallow cache, through merges and renames, within bounds.

use std::collections::BTreeMap;
use std::sync::Arc;

use gitmoor::source::{Lines, Touched};

use super::*;
use crate::support::git_server::Stats;

const FILE: &str = "apps/shop.yaml";
const NOTHING: Stats = Stats { info_refs: 0, ls_refs: 0, fetch: 0, other: 0, told: 0 };

/// Writes, and commits at a minute of its own.
fn commit_at(repository: &Repository, minute: u32, path: &str, content: &str) -> String {
    repository.write(path, content);
    repository
        .commit_at(&format!("minute {minute}"), &format!("2026-01-02T{:02}:{:02}:00Z", 4 + minute / 60, minute % 60))
}

fn push(repository: &Repository) {
    repository.push(&["--force", "HEAD:refs/heads/main"]);
}

async fn blame(source: &Source, path: &str, first: u32, last: u32) -> Option<Touched> {
    let snapshot = fetch(source).await;
    let lines = Lines { commit: snapshot.revision.commit().unwrap(), path: path.into(), first, last };
    source.last_touched(lines).await.unwrap()
}

/// What Git itself says of each line.
fn git_blame(repository: &Repository, path: &str) -> Vec<String> {
    let text = repository.git(&["blame", "-s", "-l", "--root", "HEAD", "--", path]);
    text.lines().map(|line| line.split_whitespace().next().unwrap().to_owned()).collect()
}

async fn is_as_git_says(repository: &Repository, source: &Source, path: &str) {
    for (index, expected) in git_blame(repository, path).into_iter().enumerate() {
        let line = u32::try_from(index).unwrap() + 1;
        let found = blame(source, path, line, line).await.unwrap();
        assert_eq!((found.commit.to_string(), found.or_earlier), (expected, false), "line {line} of {path}");
    }
}

/// A history with all that makes a line hard to follow: it ends with the file under another name.
fn history(repository: &Repository) -> &'static str {
    let lines = |from: u32| -> String { (from..from + 12).map(|line| format!("line: {line}\n")).collect() };
    commit_at(repository, 0, FILE, &lines(0));
    commit_at(repository, 1, FILE, &format!("above: 1\nabove: 2\n{}", lines(0)));
    commit_at(repository, 2, FILE, &format!("above: 1\nabove: 2\n{}", lines(0).replace("line: 3\n", "line: three\n")));
    // Two branches that change different lines, and a merge of both.
    repository.git(&["checkout", "--quiet", "-b", "side"]);
    let side = std::fs::read_to_string(repository.work.path().join(FILE)).unwrap();
    commit_at(repository, 3, FILE, &side.replace("line: 9\n", "line: nine\n"));
    repository.git(&["checkout", "--quiet", "main"]);
    commit_at(repository, 4, FILE, &side.replace("above: 1\n", "above: one\n"));
    commit_at(repository, 5, "other.yaml", "other: 1\n");
    repository.git(&["merge", "--quiet", "--no-ff", "-m", "merge", "side"]);
    // A rename that changes a line at the same time, lines that move, and one that goes and comes back.
    let merged = std::fs::read_to_string(repository.work.path().join(FILE)).unwrap();
    repository.git(&["mv", FILE, "moved.yaml"]);
    commit_at(repository, 70, "moved.yaml", &merged.replace("line: 5\n", "line: five\n"));
    let moved = std::fs::read_to_string(repository.work.path().join("moved.yaml")).unwrap();
    commit_at(repository, 71, "moved.yaml", &moved.replace("line: 7\n", ""));
    commit_at(repository, 72, "moved.yaml", &format!("{moved}below: 1\n"));
    push(repository);
    "moved.yaml"
}

#[tokio::test]
async fn every_line_has_the_commit_that_git_says() {
    let Some(fixture) = Fixture::new() else { return };
    let path = history(&fixture.repository);
    is_as_git_says(&fixture.repository, &fixture.source(), path).await;
}

#[tokio::test]
async fn an_older_server_gives_history_as_well() {
    let Some(fixture) = Fixture::with(&["--old-protocol"]) else { return };
    let path = history(&fixture.repository);
    is_as_git_says(&fixture.repository, &fixture.source(), path).await;
}

#[tokio::test]
async fn what_is_found_says_who_what_and_when() {
    let Some(fixture) = Fixture::new() else { return };
    let commit = commit_at(&fixture.repository, 0, FILE, "name: shop\nreplicas: 2\n");
    commit_at(&fixture.repository, 1, "other.yaml", "a: 1\n");
    push(&fixture.repository);
    let found = blame(&fixture.source(), FILE, 2, 2).await.unwrap();
    assert_eq!(found.commit.to_string(), commit);
    assert_eq!((found.about.author.as_str(), found.about.subject.as_str()), ("Ada Lovelace", "minute 0"));
    assert_eq!(found.about.time, "2026-01-02T04:00:00Z".parse().unwrap());
}

#[tokio::test]
async fn of_several_lines_the_newest_commit_counts() {
    let Some(fixture) = Fixture::new() else { return };
    let repository = &fixture.repository;
    commit_at(repository, 0, FILE, "args:\n- a\n- b\nimage: x\n");
    let second = commit_at(repository, 1, FILE, "args:\n- a\n- c\nimage: x\n");
    let third = commit_at(repository, 2, FILE, "args:\n- a\n- c\nimage: y\n");
    push(repository);
    let source = fixture.source();
    assert_eq!(blame(&source, FILE, 1, 3).await.unwrap().commit.to_string(), second);
    assert_eq!(blame(&source, FILE, 1, 4).await.unwrap().commit.to_string(), third);
    assert_eq!(blame(&source, FILE, 9, 9).await, None, "there is no such line");
    assert_eq!(blame(&source, "none.yaml", 1, 1).await, None, "nor such a file");
}

#[tokio::test]
async fn history_is_received_once_and_no_more_of_it_than_it_takes() {
    let Some(fixture) = Fixture::new() else { return };
    let repository = &fixture.repository;
    let old = commit_at(repository, 0, FILE, "a: 1\nb: 1\n");
    let new = commit_at(repository, 1, FILE, "a: 1\nb: 2\n");
    (2..40).for_each(|minute| drop(commit_at(repository, minute, "other.yaml", &format!("m: {minute}\n"))));
    let last = commit_at(repository, 41, FILE, "a: 1\nb: 2\nc: 3\n");
    push(repository);
    let source = fixture.source();
    let snapshot = fetch(&source).await;
    let lines = |first| Lines { commit: commit(&last), path: FILE.into(), first, last: first };
    let cost = async |first: u32, expected: &str| {
        let before = fixture.server.stats().await;
        let found = source.last_touched(lines(first)).await.unwrap().unwrap();
        assert_eq!((found.commit.to_string().as_str(), found.or_earlier), (expected, false), "line {first}");
        fixture.server.stats().await - before
    };
    // The parent must be seen to know that it has no such line: that is the first step.
    let first = cost(3, &last).await;
    assert_eq!(first.fetch, 1);
    assert_eq!(cost(3, &last).await, NOTHING);
    assert!(cost(2, &new).await.fetch >= 1, "further back");
    assert_eq!(cost(1, &old).await.fetch, 0, "what came with it tells");
    // The shallow fetch goes on as before: an unchanged branch is one listing, a push is one fetch.
    assert!(is_unchanged(&source, &snapshot.revision).await);
    let before = fixture.server.stats().await;
    let pushed = commit_at(repository, 50, FILE, "a: 1\nb: 2\nc: 4\n");
    push(repository);
    let changed = changed(source.fetch(Some(&snapshot.revision), &whole()).await);
    assert_eq!(changed.revision.commit(), Some(commit(&pushed)));
    assert_eq!((fixture.server.stats().await - before).fetch, 1);
    assert_eq!(blame(&source, FILE, 3, 3).await.unwrap().commit.to_string(), pushed);
}

#[tokio::test]
async fn a_push_while_history_is_read_loses_nothing() {
    let Some(fixture) = Fixture::new() else { return };
    let repository = &fixture.repository;
    let first = commit_at(repository, 0, FILE, "a: 1\n");
    let seen = commit_at(repository, 1, "other.yaml", "a: 1\n");
    push(repository);
    let source = fixture.source();
    let snapshot = fetch(&source).await;
    let pushed = commit_at(repository, 2, FILE, "a: 2\n");
    push(repository);
    // The branch is elsewhere than what is asked about.
    let lines = Lines { commit: commit(&seen), path: FILE.into(), first: 1, last: 1 };
    let found = source.last_touched(lines).await.unwrap().unwrap();
    assert_eq!((found.commit.to_string(), found.or_earlier), (first, false));
    let after = changed(source.fetch(Some(&snapshot.revision), &whole()).await);
    assert_eq!(after.revision.commit(), Some(commit(&pushed)), "the next look finds what was pushed");
}

#[tokio::test]
async fn bounds_and_a_server_that_is_away_leave_the_commit_at_or_before() {
    let Some(fixture) = Fixture::new() else { return };
    let repository = &fixture.repository;
    commit_at(repository, 0, FILE, "a: 1\n");
    let noise: String = (0..60_000).map(|_| fastrand::alphanumeric()).collect();
    commit_at(repository, 1, "noise.yaml", &noise);
    repository.git(&["rm", "--quiet", "-f", "noise.yaml"]);
    let last = commit_at(repository, 2, "other.yaml", "a: 1\n");
    push(repository);
    let check = async |source: &Source, what: &str, retry: bool| {
        let lines = Lines { commit: commit(&last), path: FILE.into(), first: 1, last: 1 };
        let found = source.last_touched(lines).await.unwrap().unwrap();
        assert_eq!((found.commit.to_string(), found.or_earlier, found.retry), (last.clone(), true, retry), "{what}");
    };
    let mut options = fixture.options();
    options.max_deepen_bytes = 20_000;
    let open = |options: &SourceOptions, timeout| {
        Sources::new(options.clone()).open(&fixture.server.url("deploy.git"), "main", timeout).unwrap()
    };
    let bounded = open(&options, PATIENCE);
    fetch(&bounded).await;
    check(&bounded, "bytes", false).await;

    let source = fixture.source();
    fetch(&source).await;
    fixture.server.fault(None, 503).await;
    check(&source, "a server that fails", true).await;
    fixture.server.fault(None, 0).await;
    let impatient = open(&fixture.options(), Duration::from_secs(3));
    fetch(&impatient).await;
    fixture.server.fault(Some(0), 0).await;
    check(&impatient, "time", true).await;
    fixture.server.fault(None, 0).await;
    assert!(!blame(&source, FILE, 1, 1).await.unwrap().or_earlier, "it comes back, and tells");
}

#[tokio::test]
async fn a_server_that_is_shallow_itself_is_not_believed_beyond_its_cut() {
    let Some(fixture) = Fixture::new() else { return };
    let repository = &fixture.repository;
    commit_at(repository, 0, FILE, "a: 1\n");
    let cut = commit_at(repository, 1, "other.yaml", "a: 1\n");
    commit_at(repository, 2, "other.yaml", "a: 2\n");
    push(repository);
    let shallow = fixture.server.repository("shallow.git");
    let url = format!("file://{}", repository.bare.display());
    crate::support::repository::git(&shallow.bare, &["fetch", "--quiet", "--depth=2", &url, "main:main"]);
    let source = fixture.sources().open(&fixture.server.url("shallow.git"), "main", PATIENCE).unwrap();
    let found = blame(&source, FILE, 1, 1).await.unwrap();
    assert_eq!((found.commit.to_string(), found.or_earlier), (cut, true));
}

#[tokio::test]
async fn history_and_kept_commits_go_together() {
    let Some(fixture) = Fixture::new() else { return };
    let repository = &fixture.repository;
    let mut commits = Vec::new();
    let source = fixture.source();
    for minute in 0..6 {
        commits.push(commit_at(repository, minute, FILE, &format!("a: {minute}\nb: {}\n", minute / 3)));
        push(repository);
        fetch(&source).await;
        source.keep(commits.iter().map(|hex| commit(hex)).collect()).await.unwrap();
    }
    let oldest = commit(&commits[0]);
    assert_eq!(blame(&source, FILE, 2, 2).await.unwrap().commit.to_string(), commits[3]);
    // Of a commit that somebody went back to, too.
    let lines = Lines { commit: commit(&commits[4]), path: FILE.into(), first: 1, last: 1 };
    assert_eq!(source.last_touched(lines).await.unwrap().unwrap().commit.to_string(), commits[4]);
    // Kept commits are read without the server, after history was received as well.
    fixture.server.fault(None, 503).await;
    let snapshot = source.at(oldest, &whole()).await.unwrap();
    assert_eq!(content(&source, &snapshot, FILE).await, "a: 0\nb: 0\n");
}

#[tokio::test]
async fn what_is_at_hand_is_seen_while_the_source_is_being_read() {
    let Some(fixture) = Fixture::new() else { return };
    let source = Arc::new(fixture.source());
    let snapshot = fetch(&source).await;
    let at: BTreeMap<&str, _> = snapshot.files.iter().map(|file| (&*file.path, file.blob)).collect();
    fixture.server.fault(Some(0), 0).await;
    let hanging = tokio::spawn({
        let (source, known) = (Arc::clone(&source), snapshot.revision.clone());
        async move { source.fetch(Some(&known), &whole()).await }
    });
    let content = source.glance(at[FILE], MAX_BLOB_BYTES).unwrap();
    assert_eq!(content, b"name: shop\n");
    assert_eq!(source.file_at(snapshot.revision.commit().unwrap(), FILE), Some(at[FILE]));
    assert_eq!(source.glance(at[FILE], 3), None, "larger than wanted");
    assert!(!hanging.is_finished(), "it hangs still");
    hanging.abort();
}
