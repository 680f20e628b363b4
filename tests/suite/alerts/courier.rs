//! The courier by itself: whom it trusts, and where it does not go.

use gitmoor::alert::Letter;
use gitmoor::notify::{Courier, Reach};
use tempfile::TempDir;

use super::receiver::Receiver;
use crate::support::git_server::GitServer;

fn letter(url: &str, ca: Option<Vec<u8>>) -> Letter {
    Letter { url: url.into(), headers: vec![("x-test", "1".into())], body: b"{}".to_vec(), ca }
}

async fn outcome(url: &str, ca: Option<Vec<u8>>, reach: Reach) -> (&'static str, String) {
    match Courier::default().send(letter(url, ca), reach).await {
        Ok(_) => ("told", String::new()),
        Err(error) => (error.reason(), error.to_string()),
    }
}

#[tokio::test]
async fn a_server_with_an_authority_of_its_own_is_trusted_by_ca_crt_alone() {
    let folder = TempDir::new().unwrap();
    let Some(server) = GitServer::start(&["--ca", folder.path().to_str().unwrap()]) else { return };
    let (url, ca) = (server.url("hook"), std::fs::read(folder.path().join("ca.crt")).unwrap());
    assert!(url.starts_with("https://"), "{url}");
    let (reason, said) = outcome(&url, None, Reach::Any).await;
    assert_eq!(reason, "AlertUnreached", "{said}");
    assert!(said.contains("certificate") && !said.contains("/hook"), "{said}");
    // It answers, if only that it is no receiver of alerts.
    let (reason, said) = outcome(&url, Some(ca), Reach::Any).await;
    assert_eq!(reason, "AlertRefused", "{said}");
    let (reason, _) = outcome(&url, Some(b"nothing".to_vec()), Reach::Any).await;
    assert_eq!(reason, "AlertSecretInvalid");
}

#[tokio::test]
async fn a_name_that_leads_to_this_machine_is_not_called() {
    let receiver = Receiver::start().await;
    let port = receiver.url.rsplit(':').next().unwrap();
    for reach in [Reach::Public, Reach::Private] {
        let (reason, said) = outcome(&format!("https://localhost:{port}/"), None, reach).await;
        assert_eq!(reason, "AlertAddressForbidden", "{said}");
    }
    let (reason, said) = outcome(&format!("http://localhost:{port}/"), None, Reach::Any).await;
    assert_eq!(reason, "told", "{said}");
    assert_eq!(receiver.heard("/").len(), 1);
}

#[tokio::test]
async fn nobody_listens_and_no_word_of_the_address_is_said() {
    let receiver = Receiver::start().await;
    let url = format!("{}/c4nary", receiver.url);
    drop(receiver);
    let listens = async || outcome(&url, None, Reach::Any).await;
    let (reason, said) = crate::support::eventually("the receiver is gone", async || {
        let found = listens().await;
        if found.0 == "told" { Err("it answers".into()) } else { Ok(found) }
    })
    .await;
    assert_eq!(reason, "AlertUnreached");
    assert!(!said.contains("c4nary"), "{said}");
}
