//! Sources of one repository share one store and one conversation with the server, where the same may be said to all of them.

use gitmoor::model::{Ancestry, Follow};
use gitmoor::source::{Ancestor, Secrets, Wanted};
use tokio::time::Instant;

use super::*;
use crate::support::canary::secret;
use crate::support::git_server::Stats;

/// So many read it.
const MANY: usize = 100;
const ONE: Stats = Stats { info_refs: 1, ls_refs: 1, fetch: 1, other: 0, told: 0 };
const LISTED: Stats = Stats { fetch: 0, ..ONE };
const NOTHING: Stats = Stats { info_refs: 0, ls_refs: 0, fetch: 0, other: 0, told: 0 };

/// A source of one GitSync.
fn open(fixture: &Fixture, sources: &Sources, keys: &str, who: &str) -> Source {
    open_within(fixture, sources, keys, who, PATIENCE)
}

fn open_within(fixture: &Fixture, sources: &Sources, keys: &str, who: &str, timeout: Duration) -> Source {
    let (url, follow) = (fixture.server.url("deploy.git"), Follow::Branch("main".into()));
    sources.open_wanted(Wanted { url: &url, follow, timeout, keys, who }).unwrap()
}

/// It is reached with this name and password from now on.
fn reach(source: &Source, user: &str, password: &str) {
    let data = [("username", user), ("password", password)].map(|(key, value)| (key.to_owned(), value.into()));
    let data = data.into_iter().collect();
    source.reach_by(Secrets { secret: Some(&data), proxy: None }).unwrap();
}

/// A hundred folders with a manifest each.
fn monorepo(fixture: &Fixture, version: &str) -> String {
    for number in 0..MANY {
        fixture.repository.write(&format!("team-{number}/app.yaml"), &format!("{version}: {number}\n"));
    }
    fixture.repository.commit(version)
}

/// All fetch at once, each its own folder; what each found there.
async fn all(sources: &[Arc<Source>], known: Option<&Revision>, since: Instant) -> Vec<Option<String>> {
    let one = async |(number, source): (usize, Arc<Source>)| {
        let paths = Narrowing::to(&[&format!("team-{number}")]);
        match source.fetch_since(known, &paths, since).await.unwrap() {
            Fetch::Unchanged => None,
            Fetch::Changed(snapshot) => Some(content(&source, &snapshot, &format!("team-{number}/app.yaml")).await),
        }
    };
    futures::future::join_all(sources.iter().cloned().enumerate().map(one)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_that_read_one_monorepo_cost_what_one_does() {
    let Some(fixture) = Fixture::new() else { return };
    let first = monorepo(&fixture, "first");
    let sources = fixture.sources();
    let readers: Vec<_> =
        (0..MANY).map(|number| Arc::new(open(&fixture, &sources, "", &format!("team-{number}/main")))).collect();
    let began = Instant::now();
    let found = all(&readers, None, began).await;
    let expected = |version: &str| (0..MANY).map(|number| Some(format!("{version}: {number}\n"))).collect::<Vec<_>>();
    assert_eq!(found, expected("first"));
    assert_eq!(fixture.server.stats().await, ONE, "one conversation, and one pack");

    // A round of polls without a new commit, and one that somebody asked for.
    let known = Revision::of_commit("main", &first);
    let before = fixture.server.stats().await;
    assert_eq!(all(&readers, Some(&known), began).await, vec![None; MANY]);
    assert_eq!(fixture.server.stats().await - before, NOTHING, "it was asked no longer ago than that");
    assert_eq!(all(&readers, Some(&known), Instant::now()).await, vec![None; MANY]);
    assert_eq!(fixture.server.stats().await - before, LISTED);

    let mut news: Vec<_> = readers.iter().map(|source| source.news().unwrap()).collect();
    let second = monorepo(&fixture, "second");
    let before = fixture.server.stats().await;
    let asked = Instant::now();
    let paths = Narrowing::to(&["team-0"]);
    changed(readers[0].fetch_since(Some(&known), &paths, asked).await);
    // The others hear of it, and need not ask.
    for one in news.iter_mut().skip(1) {
        tokio::time::timeout(PATIENCE, one.next()).await.unwrap();
    }
    assert_eq!(all(&readers, Some(&known), asked).await, expected("second"));
    let ancestor = Ancestor { commit: commit(&first), time: None };
    for source in &readers {
        assert_eq!(source.descends(ancestor, commit(&second)).await.unwrap(), Ancestry::Yes);
    }
    assert_eq!(fixture.server.stats().await - before, ONE, "one conversation for the new commit");
    assert_eq!(repositories(&fixture), 1, "one store");
}

#[tokio::test]
async fn what_the_server_told_one_is_told_to_nobody_with_other_credentials() {
    let Some(fixture) = Fixture::with(&["--basic", concat!("ada:", secret!("right"))]) else { return };
    let sources = fixture.sources();
    let began = Instant::now();
    let check = async |source: &Source, expected: &str| {
        let told = source.fetch_since(None, &whole(), began).await;
        assert_eq!(told.map_or_else(|error| error.reason(), |_| "read"), expected);
    };
    let good = open(&fixture, &sources, "shop/git-auth", "shop/main");
    reach(&good, "ada", secret!("right"));
    check(&good, "read").await;
    // A Secret of another name, which has the wrong password; and none at all.
    let wrong = open(&fixture, &sources, "evil/git-auth", "evil/main");
    reach(&wrong, "ada", secret!("wrong"));
    check(&wrong, "CredentialsRefused").await;
    check(&open(&fixture, &sources, "", "evil/other"), "AuthenticationRequired").await;
    // The same Secret, which somebody changes: who knows only the new word is asked for it.
    let changed = open(&fixture, &sources, "shop/git-auth", "shop/second");
    reach(&changed, "ada", secret!("wrong"));
    check(&changed, "CredentialsRefused").await;
    check(&good, "read").await;
    reach(&changed, "ada", secret!("right"));
    check(&changed, "read").await;
    assert_eq!(repositories(&fixture), 3, "a store for each name of a Secret, and one for none");
}

#[tokio::test]
async fn a_failure_is_shared_for_as_long_as_an_answer_is() {
    let Some(fixture) = Fixture::new() else { return };
    let sources = fixture.sources();
    let [one, other] = ["a/main", "b/main"].map(|who| open(&fixture, &sources, "", who));
    let asked = Instant::now();
    fixture.server.fault(None, 503).await;
    for source in [&one, &other] {
        let error = source.fetch_since(None, &whole(), asked).await.unwrap_err();
        assert_eq!(error.reason(), "ServerFailed");
    }
    assert_eq!(fixture.server.stats().await, Stats { info_refs: 1, ..NOTHING });
    fixture.server.fault(None, 0).await;
    assert_eq!(other.fetch_since(None, &whole(), asked).await.unwrap_err().reason(), "ServerFailed");
    fetch(&other).await;
    assert_eq!(paths(&changed(one.fetch_since(None, &whole(), asked).await)), ["apps/shop.yaml"]);
}

#[tokio::test]
async fn one_that_goes_takes_nothing_from_the_others() {
    let Some(fixture) = Fixture::new() else { return };
    let sources = fixture.sources();
    let [one, other] = ["a/main", "b/main"].map(|who| open(&fixture, &sources, "", who));
    let first = fixture.repository.git(&["rev-parse", "HEAD"]);
    let known = fetch(&one).await.revision.clone();
    fetch(&other).await;
    for source in [&one, &other] {
        source.keep(vec![commit(&first)]).await.unwrap();
    }
    one.keep(vec![]).await.unwrap();
    one.forget().await.unwrap();
    drop(one);
    let before = fixture.server.stats().await;
    assert!(matches!(other.fetch_since(Some(&known), &whole(), Instant::now()).await.unwrap(), Fetch::Unchanged));
    assert_eq!(fixture.server.stats().await - before, LISTED);
    // What the other keeps survives that the cache is made anew of a history that does not have it.
    fixture.repository.git(&["checkout", "--quiet", "--orphan", "new"]);
    for round in 0..52 {
        fixture.repository.write("apps/shop.yaml", &format!("round: {round}\n"));
        fixture.repository.git(&["add", "--all"]);
        fixture.repository.git(&["commit", "--quiet", "--allow-empty", "-m", "round"]);
        fixture.repository.push(&["--force", "HEAD:refs/heads/main"]);
        fetch(&other).await;
    }
    fixture.server.fault(None, 503).await;
    let kept = other.at(commit(&first), &whole()).await.unwrap();
    assert_eq!(content(&other, &kept, "apps/shop.yaml").await, "name: shop\n");
    fixture.server.fault(None, 0).await;
    other.forget().await.unwrap();
    assert_eq!(repositories(&fixture), 0, "the last one takes the store with it");
}

#[tokio::test]
async fn what_is_at_hand_is_read_while_another_one_waits_for_the_server() {
    let Some(fixture) = Fixture::new() else { return };
    let sources = fixture.sources();
    let [one, other] = ["a/main", "b/main"].map(|who| open(&fixture, &sources, "", who));
    let began = Instant::now();
    let snapshot = fetch(&one).await;
    fixture.server.fault(Some(0), 0).await;
    let all = whole();
    let hangs = one.fetch(None, &all);
    let reads = async {
        let again = changed(other.fetch_since(None, &whole(), began).await);
        assert_eq!(again.files, snapshot.files);
        content(&other, &again, "apps/shop.yaml").await
    };
    tokio::select! {
        _ = hangs => panic!("the server hangs"),
        read = reads => assert_eq!(read, "name: shop\n"),
    }
}

#[tokio::test]
async fn who_waits_longer_does_not_keep_the_others_waiting() {
    let Some(fixture) = Fixture::new() else { return };
    let sources = fixture.sources();
    let patient = open_within(&fixture, &sources, "", "a/main", PATIENCE);
    let short = open_within(&fixture, &sources, "", "b/main", PATIENCE / 2);
    fixture.server.fault(Some(0), 0).await;
    let all = whole();
    let hangs = patient.fetch(None, &all);
    let reads = async {
        // The one that hangs has sent its request by then.
        crate::support::eventually("it was asked", async || {
            let asked = fixture.server.stats().await.info_refs;
            crate::support::holds(asked > 0, asked)
        })
        .await;
        fixture.server.fault(None, 0).await;
        fetch(&short).await
    };
    tokio::select! {
        _ = hangs => panic!("the server hangs"),
        snapshot = reads => assert_eq!(paths(&snapshot), ["apps/shop.yaml"]),
    }
}

/// How many stores there are.
fn repositories(fixture: &Fixture) -> usize {
    let entries = std::fs::read_dir(fixture.cache.path()).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_none_or(|end| end != "lock")).count()
}
