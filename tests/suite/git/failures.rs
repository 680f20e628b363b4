//! How reading fails: in time, with a reason, and without harm to the next fetch.

use tokio::time::timeout;

use super::*;

/// Short, because tests wait for it to pass.
const SHORT: Duration = Duration::from_millis(400);

#[tokio::test]
async fn a_server_that_hangs_at_any_byte_ends_with_the_deadline() {
    let Some(fixture) = Fixture::new() else { return };
    // Random text, so that the pack is longer than the last bound.
    let noise: String = (0..20_000).map(|_| fastrand::alphanumeric()).collect();
    fixture.repository.write("noise.yaml", &noise);
    fixture.repository.commit("noise");
    for bytes in [0, 1, 30, 200, 5_000] {
        let source = fixture.source_within(SHORT);
        fixture.server.fault(Some(bytes), 0).await;
        let ended = timeout(PATIENCE, reason(&source)).await;
        assert_eq!(ended, Ok("Timeout"), "after {bytes} bytes");
        fixture.server.fault(None, 0).await;
        let patient = fixture.source();
        fetch(&patient).await;
    }
}

#[tokio::test]
async fn the_source_works_again_after_a_deadline_and_after_a_caller_that_left() {
    let Some(fixture) = Fixture::new() else { return };
    let source = fixture.source();
    fixture.server.fault(Some(0), 0).await;
    assert!(timeout(SHORT, source.fetch(None, &whole())).await.is_err());
    fixture.server.fault(None, 0).await;
    // The worker let go of the cache, or this would wait for it.
    timeout(PATIENCE / 2, fetch(&source)).await.unwrap();
}

#[tokio::test]
async fn refusals_have_reasons() {
    let Some(fixture) = Fixture::new() else { return };
    let check = async |status, expected, transient| {
        fixture.server.fault(None, status).await;
        let error = fixture.source().fetch(None, &whole()).await.unwrap_err();
        assert_eq!((error.reason(), error.is_transient()), (expected, transient), "{error}");
        assert!(error.to_string().contains("/deploy.git"), "{error}");
    };
    check(401, "AuthenticationRequired", false).await;
    check(403, "AccessDenied", false).await;
    check(404, "RepositoryNotFound", false).await;
    check(429, "RateLimited", true).await;
    check(503, "ServerFailed", true).await;
    check(418, "ServerFailed", false).await;
    check(200, "NotGit", false).await;
    check(302, "NotGit", false).await;
}

#[tokio::test]
async fn what_is_not_there_is_named() {
    let Some(fixture) = Fixture::new() else { return };
    let check = async |name: &str, branch: &str, expected: &str| {
        let source = fixture.sources().open(&fixture.server.url(name), branch, PATIENCE).unwrap();
        assert_eq!(reason(&source).await, expected, "{name} {branch}");
    };
    fixture.server.repository("empty.git");
    check("deploy.git", "mai", "RefNotFound").await;
    check("deploy.git", "main/x", "RefNotFound").await;
    check("empty.git", "main", "RefNotFound").await;
    check("none.git", "main", "RepositoryNotFound").await;
    fixture.repository.push(&["HEAD:refs/tags/v1"]);
    check("deploy.git", "v1", "RefNotFound").await;
}

#[tokio::test]
async fn a_branch_that_vanishes_is_not_taken_for_unchanged() {
    let Some(fixture) = Fixture::new() else { return };
    let source = fixture.source();
    let known = fetch(&source).await.revision.clone();
    fixture.repository.push(&["HEAD:refs/heads/other"]);
    crate::support::repository::git(&fixture.repository.bare, &["update-ref", "-d", "refs/heads/main"]);
    assert_eq!(source.fetch(Some(&known), &whole()).await.unwrap_err().reason(), "RefNotFound");
}

#[tokio::test]
async fn nobody_at_home_and_strangers_certificates() {
    let Some(fixture) = Fixture::new() else { return };
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let source = fixture.sources().open(&format!("http://{free}/x.git"), "main", PATIENCE).unwrap();
    let error = source.fetch(None, &whole()).await.unwrap_err();
    assert_eq!((error.reason(), error.is_transient()), ("TransportFailed", true), "{error}");

    let Some(stranger) = GitServer::start(&["--tls"]) else { return };
    stranger.repository("x.git").with_file("a.yaml", "a");
    let source = fixture.sources().open(&stranger.url("x.git"), "main", PATIENCE).unwrap();
    let error = source.fetch(None, &whole()).await.unwrap_err();
    assert_eq!((error.reason(), error.is_transient()), ("CertificateRefused", false), "{error}");
}

#[tokio::test]
async fn bounds_are_kept() {
    let Some(fixture) = Fixture::new() else { return };
    let noise: String = (0..50_000).map(|_| fastrand::alphanumeric()).collect();
    fixture.repository.write("noise.yaml", &noise);
    fixture.repository.commit("noise");
    let open = |change: &dyn Fn(&mut SourceOptions)| {
        let mut options = fixture.options();
        change(&mut options);
        Sources::new(options).open(&fixture.server.url("deploy.git"), "main", PATIENCE).unwrap()
    };
    assert_eq!(reason(&open(&|options| options.max_fetch_bytes = 20_000)).await, "TooLarge");
    assert_eq!(reason(&open(&|options| options.max_object_bytes = 20_000)).await, "TooLarge");

    let source = open(&|_| {});
    let snapshot = fetch(&source).await;
    let blob = snapshot.files[1].blob;
    let error = source.read(vec![blob], 49_999).await.unwrap_err();
    assert!(matches!(error, SourceError::BlobTooLarge { bytes: 50_000, limit: 49_999, .. }), "{error}");
    assert_eq!(source.read(vec![blob], 50_000).await.unwrap()[0].1.len(), 50_000);
    assert!(is_unchanged(&source, &snapshot.revision).await, "a large file casts no doubt on the cache");
}

#[tokio::test]
async fn odd_branches_and_urls_never_reach_a_server() {
    let sources = Sources::new(SourceOptions::new("/nonexistent/gitmoor"));
    let check = |url: &str, branch: &str, expected: &str| {
        assert_eq!(sources.open(url, branch, PATIENCE).unwrap_err().reason(), expected, "{url} {branch}");
    };
    check("http://127.0.0.1:1/x.git", "-x", "BranchRefused");
    check("http://127.0.0.1:1/x.git", "main:refs/heads/y", "BranchRefused");
    check("http://127.0.0.1:1/x.git", "*", "BranchRefused");
    check("ext::sh", "main", "UrlRefused");
    check("file:///srv/x.git", "main", "UrlRefused");
}

#[tokio::test]
async fn a_server_that_only_gives_out_files_is_told_of() {
    let Some(fixture) = Fixture::new() else { return };
    crate::support::repository::git(&fixture.repository.bare, &["update-server-info"]);
    // What any web server makes of the folder.
    let refs = std::fs::read(fixture.repository.bare.join("info/refs")).unwrap();
    let app = axum::Router::new().fallback(move || async move { ([("content-type", "text/plain")], refs) });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/deploy.git", listener.local_addr().unwrap());
    let server = tokio::spawn(async move { drop(axum::serve(listener, app).await) });
    let error = fixture.sources().open(&url, "main", PATIENCE).unwrap().fetch(None, &whole()).await.unwrap_err();
    assert!(error.reason() == "NotGit" && error.to_string().contains("dumb protocol"), "{error}");
    server.abort();
}
