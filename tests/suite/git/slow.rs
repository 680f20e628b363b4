//! Servers that are slow: what lives goes on until the deadline, what has all but stopped ends before.

use gitmoor::source::Slowest;
use tokio::time::timeout;

use super::*;
use crate::support::speech::Speech;
use crate::support::throttle::Throttle;

/// At once, for tests.
const STRICT: Slowest = Slowest { bytes: 2_000, within: Duration::from_millis(500) };

impl Fixture {
    /// With a commit whose pack has some thousand bytes.
    fn noisy() -> Option<Self> {
        let fixture = Self::new()?;
        let noise: String = (0..20_000).map(|_| fastrand::alphanumeric()).collect();
        fixture.repository.write("noise.yaml", &noise);
        fixture.repository.commit("noise");
        Some(fixture)
    }

    fn by(&self, line: &Throttle, slowest: Slowest, timeout: Duration) -> Source {
        let options = SourceOptions { slowest, ..self.options() };
        Sources::new(options).open(&line.url(&self.server.url("deploy.git")), "main", timeout).unwrap()
    }
}

#[tokio::test]
async fn a_thousand_bytes_a_second_are_slow_and_good_enough() {
    let Some(fixture) = Fixture::new() else { return };
    let line = Throttle::before(&fixture.server.url(""), 100, Duration::from_millis(100)).await;
    let source = fixture.by(&line, Slowest::default(), PATIENCE);
    assert_eq!(paths(&*fetch(&source).await), ["apps/shop.yaml"]);
}

#[tokio::test]
async fn what_is_slow_and_lives_ends_with_the_deadline() {
    let Some(fixture) = Fixture::noisy() else { return };
    let line = Throttle::before(&fixture.server.url(""), 50, Duration::from_millis(50)).await;
    let error = fixture.by(&line, Slowest::default(), Duration::from_secs(2)).fetch(None, &whole()).await.unwrap_err();
    assert!(error.reason() == "Timeout" && error.to_string().contains("only a part of it came in"), "{error}");
}

#[tokio::test]
async fn a_pack_that_all_but_stops_ends_before_the_deadline_and_leaves_nothing() {
    let Some(fixture) = Fixture::noisy() else { return };
    let line = Throttle::before(&fixture.server.url(""), 50, Duration::from_millis(100)).await;
    let source = fixture.by(&line, STRICT, PATIENCE);
    let error = timeout(PATIENCE / 2, source.fetch(None, &whole())).await.expect("it ends by itself").unwrap_err();
    assert_eq!((error.reason(), error.is_transient(), error.is_of_the_server()), ("TooSlow", true, true), "{error}");
    drop((source, line));

    // The same for silence, and the cache is good afterwards.
    fixture.server.fault(Some(5_000), 0).await;
    let options = SourceOptions { slowest: STRICT, ..fixture.options() };
    let source = Sources::new(options).open(&fixture.server.url("deploy.git"), "main", PATIENCE).unwrap();
    assert_eq!(timeout(PATIENCE / 2, reason(&source)).await, Ok("TooSlow"));
    fixture.server.fault(None, 0).await;
    assert_eq!(paths(&*fetch(&source).await), ["apps/shop.yaml", "noise.yaml"]);
}

#[tokio::test]
async fn before_the_pack_begins_a_server_may_think() {
    let Some(fixture) = Fixture::noisy() else { return };
    // It stops within the list of refs.
    fixture.server.fault(Some(150), 0).await;
    let options =
        SourceOptions { slowest: Slowest { bytes: 2_000, within: Duration::from_millis(50) }, ..fixture.options() };
    let url = fixture.server.url("deploy.git");
    let source = Sources::new(options).open(&url, "main", Duration::from_secs(1)).unwrap();
    assert_eq!(reason(&source).await, "Timeout");
}

#[tokio::test]
async fn a_program_whose_pack_stops_is_ended() {
    let place = TempDir::new().unwrap();
    let repository = Repository::new(&place.path().join("x.git")).with_file("a.yaml", &"a: 1\n".repeat(10));
    let speech =
        Speech::of(&repository).listing(&[format!("{} refs/heads/main\n", repository.git(&["rev-parse", "HEAD"]))]);
    let options = SourceOptions {
        ssh_command: speech.as_ssh(place.path(), speech.all_but(30)),
        slowest: STRICT,
        ..SourceOptions::new(place.path().join("cache"))
    };
    let source = Sources::new(options).open("git@git.test:x.git", "main", PATIENCE).unwrap();
    assert_eq!(timeout(PATIENCE / 2, reason(&source)).await, Ok("TooSlow"));
    timeout(PATIENCE / 2, source.forget()).await.expect("the program is gone, and the cache is free").unwrap();
}
