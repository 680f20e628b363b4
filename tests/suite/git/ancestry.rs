//! Whether a revision descends from another: after pushes, after rewritten history, with a cache and without.

use gitmoor::model::Ancestry;
use gitmoor::source::Ancestor;

use super::*;
use crate::support::git_server::Stats;

/// A commit of its own minute, on the branch that is checked out.
fn at(fixture: &Fixture, minute: u32) -> String {
    at_time(fixture, &format!("2026-01-02T04:{minute:02}:00Z"))
}

fn at_time(fixture: &Fixture, time: &str) -> String {
    fixture.repository.write("apps/time.yaml", &format!("time: {time}\n"));
    fixture.repository.commit_at(time, time)
}

fn push(fixture: &Fixture) {
    fixture.repository.push(&["--force", "HEAD:refs/heads/main"]);
}

/// The commit with its time, as a status has it.
fn ancestor(fixture: &Fixture, hex: &str) -> Ancestor {
    let time = fixture.repository.git(&["show", "--no-patch", "--format=%cI", hex]);
    Ancestor { commit: commit(hex), time: Some(time.parse().unwrap()) }
}

/// Fetches, asks, and says what that cost.
async fn ask(fixture: &Fixture, source: &Source, from: &str) -> (Ancestry, Stats) {
    let snapshot = fetch(source).await;
    let before = fixture.server.stats().await;
    let answer = source.descends(ancestor(fixture, from), snapshot.revision.commit().unwrap()).await.unwrap();
    (answer, fixture.server.stats().await - before)
}

const NOTHING: Stats = Stats { info_refs: 0, ls_refs: 0, fetch: 0, other: 0, told: 0 };
const ONE_FETCH: Stats = Stats { info_refs: 1, ls_refs: 1, fetch: 1, other: 0, told: 0 };

#[tokio::test]
async fn the_push_of_one_commit_costs_nothing_more() {
    let Some(fixture) = Fixture::new() else { return };
    let source = fixture.source();
    let mut known = fetch(&source).await.revision.clone();
    let mut from = fixture.repository.git(&["rev-parse", "HEAD"]);
    let mut costs = Vec::new();
    for minute in 0..12 {
        let to = at(&fixture, minute);
        push(&fixture);
        let before = fixture.server.stats().await;
        known = changed(source.fetch(Some(&known), &whole()).await).revision.clone();
        let answer = source.descends(ancestor(&fixture, &from), commit(&to)).await.unwrap();
        source.keep(vec![commit(&from), commit(&to)]).await.unwrap();
        costs.push((answer, fixture.server.stats().await - before));
        from = to;
    }
    assert_eq!(costs, [(Ancestry::Yes, ONE_FETCH); 12]);
}

#[tokio::test]
async fn the_same_commit_descends_from_itself() {
    let Some(fixture) = Fixture::new() else { return };
    let head = fixture.repository.git(&["rev-parse", "HEAD"]);
    assert_eq!(ask(&fixture, &fixture.source(), &head).await, (Ancestry::Yes, NOTHING));
}

#[tokio::test]
async fn a_push_of_many_commits_is_deepened_once() {
    let Some(fixture) = Fixture::new() else { return };
    let from = at(&fixture, 0);
    push(&fixture);
    let source = fixture.source();
    fetch(&source).await;
    (1..30).for_each(|minute| drop(at(&fixture, minute)));
    push(&fixture);
    assert_eq!(ask(&fixture, &source, &from).await, (Ancestry::Yes, ONE_FETCH));
    // What was received then is at hand now, and the next push costs what it always did.
    assert_eq!(ask(&fixture, &source, &from).await, (Ancestry::Yes, NOTHING));
    let before = fixture.server.stats().await;
    let last = at(&fixture, 31);
    push(&fixture);
    assert_eq!(fetch(&source).await.revision.commit(), Some(commit(&last)));
    assert_eq!(fixture.server.stats().await - before, ONE_FETCH);
}

#[tokio::test]
async fn a_lost_cache_still_answers() {
    let Some(fixture) = Fixture::new() else { return };
    let from = at(&fixture, 0);
    (1..5).for_each(|minute| drop(at(&fixture, minute)));
    push(&fixture);
    assert_eq!(ask(&fixture, &fixture.source(), &from).await, (Ancestry::Yes, ONE_FETCH));
    let of_nobody = Ancestor { commit: commit(&"7".repeat(40)), time: ancestor(&fixture, &from).time };
    let tip = fetch(&fixture.source()).await.revision.commit().unwrap();
    assert_eq!(fixture.source().descends(of_nobody, tip).await.unwrap(), Ancestry::No);
    let timeless = Ancestor { time: None, ..of_nobody };
    fixture.source().forget().await.unwrap();
    let source = fixture.source();
    fetch(&source).await;
    assert_eq!(source.descends(timeless, tip).await.unwrap(), Ancestry::Unknown);
}

#[tokio::test]
async fn rewritten_history_is_seen() {
    let Some(fixture) = Fixture::new() else { return };
    let source = fixture.source();
    let first = at(&fixture, 0);
    let dropped = at(&fixture, 10);
    push(&fixture);
    fetch(&source).await;
    // Another commit in the place of the newest.
    fixture.repository.git(&["reset", "--quiet", "--hard", &first]);
    at(&fixture, 11);
    push(&fixture);
    let (answer, _) = ask(&fixture, &source, &dropped).await;
    assert_eq!(answer, Ancestry::No);
    assert_eq!(ask(&fixture, &source, &first).await.0, Ancestry::Yes);
    // Back to what was before it.
    fixture.repository.push(&["--force", &format!("{first}:refs/heads/main")]);
    assert_eq!(ask(&fixture, &source, &dropped).await.0, Ancestry::No);
    fixture.source().forget().await.unwrap();
    assert_eq!(ask(&fixture, &fixture.source(), &dropped).await.0, Ancestry::No, "without a cache");
    // A history that has nothing to do with it.
    fixture.repository.git(&["checkout", "--quiet", "--orphan", "other"]);
    at(&fixture, 20);
    push(&fixture);
    assert_eq!(ask(&fixture, &source, &first).await.0, Ancestry::No);
}

#[tokio::test]
async fn another_commit_on_the_same_parent_is_seen_without_asking() {
    let Some(fixture) = Fixture::new() else { return };
    let source = fixture.source();
    at(&fixture, 0);
    let amended = at(&fixture, 10);
    push(&fixture);
    fetch(&source).await;
    fixture.repository.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
    at(&fixture, 11);
    push(&fixture);
    assert_eq!(ask(&fixture, &source, &amended).await, (Ancestry::No, NOTHING));
}

#[tokio::test]
async fn what_may_be_behind_a_commit_of_another_time_is_unknown() {
    let Some(fixture) = Fixture::new() else { return };
    let source = fixture.source();
    let old = at_time(&fixture, "2025-11-01T00:00:00Z");
    at(&fixture, 10);
    let dropped = at(&fixture, 11);
    push(&fixture);
    fetch(&source).await;
    fixture.repository.git(&["reset", "--quiet", "--hard", &old]);
    at(&fixture, 20);
    at(&fixture, 21);
    push(&fixture);
    // Nothing before the first of January is received, and the dropped commit's own past is not at hand either.
    assert_eq!(ask(&fixture, &source, &dropped).await.0, Ancestry::Unknown);
}

#[tokio::test]
async fn a_merge_descends_from_both_sides() {
    let Some(fixture) = Fixture::new() else { return };
    let source = fixture.source();
    let base = at(&fixture, 0);
    let ours = at(&fixture, 5);
    push(&fixture);
    fetch(&source).await;
    fixture.repository.git(&["checkout", "--quiet", "-b", "side", &base]);
    fixture.repository.write("side.yaml", "side: 1\n");
    let side = fixture.repository.commit_at("side", "2026-01-02T04:03:00Z");
    fixture.repository.git(&["checkout", "--quiet", "-"]);
    fixture.repository.git(&["checkout", "--quiet", "--detach", &ours]);
    fixture.repository.git(&["merge", "--quiet", "--no-ff", "-m", "merge", "side"]);
    push(&fixture);
    assert_eq!(ask(&fixture, &source, &ours).await, (Ancestry::Yes, NOTHING), "a parent of the merge");
    assert_eq!(ask(&fixture, &source, &side).await, (Ancestry::Yes, NOTHING), "the other parent");
    assert_eq!(ask(&fixture, &source, &base).await.0, Ancestry::Yes);
}

#[tokio::test]
async fn clocks_that_differ_do_not_hide_an_ancestor() {
    let Some(fixture) = Fixture::new() else { return };
    let source = fixture.source();
    let ahead = at_time(&fixture, "2026-01-02T12:00:00Z");
    push(&fixture);
    fetch(&source).await;
    // Committed later, by somebody whose clock is eleven hours behind; and the newest with a clock that is right again.
    at_time(&fixture, "2026-01-02T01:00:00Z");
    at_time(&fixture, "2026-01-02T12:00:01Z");
    push(&fixture);
    assert_eq!(ask(&fixture, &source, &ahead).await.0, Ancestry::Yes);
    // The newest is the one that is behind.
    at_time(&fixture, "2026-01-02T02:00:00Z");
    push(&fixture);
    fixture.source().forget().await.unwrap();
    assert_eq!(ask(&fixture, &fixture.source(), &ahead).await.0, Ancestry::Yes);
}

#[tokio::test]
async fn bounds_make_it_unknown() {
    let Some(fixture) = Fixture::new() else { return };
    let from = at(&fixture, 0);
    push(&fixture);
    let noise: String = (0..60_000).map(|_| fastrand::alphanumeric()).collect();
    fixture.repository.write("noise.yaml", &noise);
    at(&fixture, 1);
    fixture.repository.git(&["rm", "--quiet", "-f", "noise.yaml"]);
    at(&fixture, 2);
    push(&fixture);
    let mut options = fixture.options();
    options.max_deepen_bytes = 20_000;
    let open = |options: &SourceOptions, timeout| {
        Sources::new(options.clone()).open(&fixture.server.url("deploy.git"), "main", timeout).unwrap()
    };
    let bounded = open(&options, PATIENCE);
    assert_eq!(ask(&fixture, &bounded, &from).await.0, Ancestry::Unknown, "bytes");
    let impatient = open(&fixture.options(), Duration::from_millis(400));
    let tip = fetch(&impatient).await.revision.commit().unwrap();
    fixture.server.fault(Some(0), 0).await;
    assert_eq!(impatient.descends(ancestor(&fixture, &from), tip).await.unwrap(), Ancestry::Unknown, "time");
    fixture.server.fault(None, 503).await;
    let failed = impatient.descends(ancestor(&fixture, &from), tip).await.unwrap_err();
    assert_eq!(failed.reason(), "ServerFailed", "a server that fails is tried again, and is no bound");
    fixture.server.fault(None, 0).await;
    assert_eq!(ask(&fixture, &fixture.source(), &from).await.0, Ancestry::Yes);
}

#[tokio::test]
async fn a_server_that_is_shallow_itself_is_not_believed_beyond_its_cut() {
    let Some(fixture) = Fixture::new() else { return };
    let from = at(&fixture, 0);
    (1..4).for_each(|minute| drop(at(&fixture, minute)));
    push(&fixture);
    let shallow = fixture.server.repository("shallow.git");
    let url = format!("file://{}", fixture.repository.bare.display());
    crate::support::repository::git(&shallow.bare, &["fetch", "--quiet", "--depth=2", &url, "main:main"]);
    let source = fixture.sources().open(&fixture.server.url("shallow.git"), "main", PATIENCE).unwrap();
    let tip = fetch(&source).await.revision.commit().unwrap();
    let answer = source.descends(ancestor(&fixture, &from), tip).await.unwrap();
    assert_ne!(answer, Ancestry::Yes);
}

#[tokio::test]
async fn an_older_server_answers_as_well() {
    let Some(fixture) = Fixture::with(&["--old-protocol"]) else { return };
    let from = at(&fixture, 0);
    push(&fixture);
    let source = fixture.source();
    fetch(&source).await;
    (1..5).for_each(|minute| drop(at(&fixture, minute)));
    push(&fixture);
    assert_eq!(ask(&fixture, &source, &from).await.0, Ancestry::Yes);
    fixture.repository.git(&["reset", "--quiet", "--hard", "HEAD~5"]);
    at(&fixture, 10);
    push(&fixture);
    assert_eq!(ask(&fixture, &source, &from).await.0, Ancestry::No);
}
