//! Private repositories over http: what servers are told, what they make of it, and who is told nothing.

use std::process::Command;

use gitmoor::source::{SecretData, Secrets, Told};

use super::*;
use crate::support::canary::secret;
use crate::support::way::{Speaks, Way};
use crate::support::{eventually, holds};

const BASIC: &[&str] = &["--basic", concat!("ada:", secret!("password"))];
const KNOWN: &[(&str, &str)] = &[("username", "ada"), ("password", secret!("password"))];

fn secret(keys: &[(&str, &str)]) -> SecretData {
    keys.iter().map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_vec())).collect()
}

fn reach(source: &Source, keys: &[(&str, &str)]) -> Told {
    source.reach_by(Secrets { secret: Some(&secret(keys)), proxy: None }).unwrap()
}

/// Why a source cannot be read with a Secret, or none where it can. Nothing that is said has one of the Secret's values.
async fn outcome(source: &Source, keys: &[(&str, &str)]) -> &'static str {
    reach(source, keys);
    match source.fetch(None, &whole()).await {
        Ok(_) => "none",
        Err(error) => {
            let said = format!("{error} {error:?}");
            for (key, value) in keys.iter().filter(|(key, _)| *key != "username") {
                assert!(!said.contains(value), "{key} is in {said}");
            }
            error.reason()
        }
    }
}

/// A server with TLS, and what is in the files of its authority.
struct Tls {
    fixture: Fixture,
    folder: TempDir,
}

impl Tls {
    fn new(args: &[&str]) -> Option<Self> {
        let folder = TempDir::new().unwrap();
        let fixture = Fixture::with(&[&["--ca", folder.path().to_str().unwrap()], args].concat())?;
        Some(Self { fixture, folder })
    }

    fn file(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(name)).unwrap()
    }
}

#[tokio::test]
async fn a_server_that_knows_its_readers_is_told_who_reads() {
    let Some(tls) = Tls::new(BASIC) else { return };
    let (ca, source) = (tls.file("ca.crt"), tls.fixture.source());
    let check = async |keys: &[(&str, &str)], expected: &str| {
        assert_eq!(outcome(&source, keys).await, expected, "{:?}", keys.iter().map(|(key, _)| key).collect::<Vec<_>>());
    };
    assert_eq!(reason(&source).await, "CertificateRefused");
    check(KNOWN, "CertificateRefused").await;
    check(&[("ca.crt", &ca)], "AuthenticationRequired").await;
    check(&[("caFile", &ca), ("username", "ada"), ("password", secret!("another"))], "CredentialsRefused").await;
    check(&[("ca.crt", &ca), ("bearerToken", secret!("token"))], "CredentialsRefused").await;
    // The same source, with a Secret that was put right.
    check(&[&[("ca.crt", &*ca)], KNOWN].concat(), "none").await;
    let known = fetch(&source).await.revision.clone();
    assert!(is_unchanged(&source, &known).await);
}

#[tokio::test]
async fn a_bearer_token_is_told() {
    let Some(fixture) = Fixture::with(&["--bearer", secret!("bearer")]) else { return };
    let source = fixture.source();
    assert_eq!(reason(&source).await, "AuthenticationRequired");
    assert_eq!(outcome(&source, &[("bearerToken", secret!("another-token"))]).await, "CredentialsRefused");
    assert_eq!(outcome(&source, &[("bearerToken", concat!(secret!("bearer"), "\n"))]).await, "none");
    assert_eq!(reach(&source, &[("bearerToken", secret!("bearer"))]), Told::InClear, "and whoever listens hears it");
}

#[tokio::test]
async fn a_server_is_shown_a_certificate() {
    let Some(tls) = Tls::new(&["--client-certificate"]) else { return };
    let other = Tls::new(&[]).unwrap();
    let (ca, source) = (tls.file("ca.crt"), tls.fixture.source());
    let with = |of: &Tls| (of.file("client.crt"), of.file("client.key"));
    // The server may close the connection before what it says of the certificate, or of there being none, was heard.
    eventually("a certificate is asked for", async || {
        let found = outcome(&source, &[("ca.crt", &ca)]).await;
        holds(found == "AuthenticationRequired", found)
    })
    .await;
    let (certificate, key) = with(&other);
    let strange = [("ca.crt", &*ca), ("tls.crt", &certificate), ("tls.key", &key)];
    eventually("a certificate of another authority is refused", async || {
        let found = outcome(&source, &strange).await;
        holds(found == "CredentialsRefused", found)
    })
    .await;
    let (certificate, key) = with(&tls);
    assert_eq!(outcome(&source, &[("ca.crt", &ca), ("tls.crt", &certificate), ("tls.key", &key)]).await, "none");
    assert_eq!(outcome(&source, &[("caFile", &ca), ("certFile", &certificate), ("keyFile", &key)]).await, "none");
}

#[tokio::test]
async fn another_host_is_told_nothing() {
    let (Some(open), Some(closed)) = (Fixture::new(), Fixture::with(BASIC)) else { return };
    for (target, expected) in [(&open, "none"), (&closed, "CredentialsWithheld")] {
        let to = target.server.url("deploy.git");
        let to = to.strip_suffix("/deploy.git").unwrap();
        let server = GitServer::start(&["--elsewhere", to]).unwrap();
        let sources = Sources::new(SourceOptions::new(open.cache.path().join(expected)));
        let source = sources.open(&server.url("_elsewhere/deploy.git"), "main", PATIENCE).unwrap();
        assert_eq!(outcome(&source, KNOWN).await, expected);
        let stats = target.server.stats().await;
        assert!(stats.info_refs > 0 && stats.told == 0, "{stats:?}");
    }
}

#[tokio::test]
async fn a_place_on_the_same_host_is_told_who_reads() {
    let Some(fixture) = Fixture::with(BASIC) else { return };
    let source = fixture.sources().open(&fixture.server.url("_moved/deploy.git"), "main", PATIENCE).unwrap();
    assert_eq!(outcome(&source, KNOWN).await, "none");
}

#[tokio::test]
async fn a_server_is_reached_through_a_proxy() {
    let Some(tls) = Tls::new(BASIC) else { return };
    let known = secret(&[&[("ca.crt", &*tls.file("ca.crt"))], KNOWN].concat());
    for speaks in [Speaks::Connect, Speaks::Socks] {
        for user in [None, Some(("grace", secret!("proxy")))] {
            let way = Way::open(speaks, user).await;
            let cache = TempDir::new().unwrap();
            let sources = Sources::new(SourceOptions::new(cache.path()));
            let source = sources.open(&tls.fixture.server.url("deploy.git"), "main", PATIENCE).unwrap();
            let mut keys = vec![("address", &*way.address)];
            let through = |keys: &[(&str, &str)]| {
                source.reach_by(Secrets { secret: Some(&known), proxy: Some(&secret(keys)) }).unwrap();
            };
            if user.is_some() {
                through(&[&keys[..], &[("username", "grace"), ("password", secret!("wrong"))]].concat());
                let error = source.fetch(None, &whole()).await.unwrap_err();
                let expected = if speaks == Speaks::Connect { "ProxyRefused" } else { "TransportFailed" };
                assert!(error.reason() == expected && !format!("{error:?}").contains(secret!("wrong")), "{error:?}");
                assert_eq!(way.passed(), 0);
                keys.extend([("username", "grace"), ("password", secret!("proxy"))]);
            }
            through(&keys);
            assert_eq!(paths(&*fetch(&source).await), ["apps/shop.yaml"]);
            assert!(way.passed() > 0, "{speaks:?} {user:?}");
        }
    }
}

/// What a process with this environment makes of a URL: the test below, which is started once more.
async fn read_in(environment: &[(&'static str, String)], url: &str) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE"] {
        command.env_remove(name).env_remove(name.to_lowercase());
    }
    let test = "git::access::the_environment_names_proxies_and_authorities";
    command.args(["--exact", test, "--nocapture"]).envs(environment.iter().cloned()).env(READ, url);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let word = said.split("READ: ").nth(1).and_then(|rest| rest.split_whitespace().next());
    word.unwrap_or_else(|| panic!("{said}")).to_owned()
}

/// Names the URL that the other process reads.
const READ: &str = "GITMOOR_TEST_READ";

#[tokio::test]
async fn the_environment_names_proxies_and_authorities() {
    if let Ok(url) = std::env::var(READ) {
        let cache = TempDir::new().unwrap();
        let source = Sources::new(SourceOptions::new(cache.path())).open(&url, "main", PATIENCE).unwrap();
        println!("READ: {}", reason(&source).await);
        return;
    }
    let Some(tls) = Tls::new(&[]) else { return };
    let url = tls.fixture.server.url("deploy.git");
    let authority = ("SSL_CERT_FILE", tls.folder.path().join("ca.crt").display().to_string());
    assert_eq!(read_in(&[], &url).await, "CertificateRefused");
    assert_eq!(read_in(std::slice::from_ref(&authority), &url).await, "none");
    for speaks in [Speaks::Connect, Speaks::Socks] {
        let way = Way::open(speaks, None).await;
        for name in ["HTTPS_PROXY", "ALL_PROXY", "https_proxy"] {
            let before = way.passed();
            assert_eq!(read_in(&[authority.clone(), (name, way.address.clone())], &url).await, "none", "{name}");
            assert!(way.passed() > before, "{name} by {speaks:?}");
        }
        let before = way.passed();
        let past = ("NO_PROXY", "127.0.0.1".to_owned());
        assert_eq!(read_in(&[authority.clone(), past, ("HTTPS_PROXY", way.address.clone())], &url).await, "none");
        assert_eq!(way.passed(), before, "who is named in NO_PROXY is reached without");
    }
}

#[tokio::test]
async fn what_was_received_with_a_secret_is_shown_to_nobody_without_it() {
    let Some(fixture) = Fixture::with(BASIC) else { return };
    let open = |keys: &'static str| {
        let follow = gitmoor::model::Follow::Branch("main".into());
        let url = fixture.server.url("deploy.git");
        let wanted = gitmoor::source::Wanted { url: &url, follow, timeout: PATIENCE, keys, who: "" };
        fixture.sources().open_wanted(wanted).unwrap()
    };
    let source = open("team/git-auth");
    reach(&source, KNOWN);
    let received = fetch(&source).await.revision.commit().unwrap();
    source.keep(vec![received]).await.unwrap();
    drop(source);
    // The folder of the first is free, and has all of it.
    let error = open("").at(received, &whole()).await.unwrap_err();
    assert_eq!(error.reason(), "AuthenticationRequired", "{error}");
    let error = open("others/git-auth").at(received, &whole()).await.unwrap_err();
    assert_eq!(error.reason(), "AuthenticationRequired", "{error}");
    assert!(open("team/git-auth").at(received, &whole()).await.is_ok(), "whoever has the Secret needs no server");
}
