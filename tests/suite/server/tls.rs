//! A listener with TLS: who is let in, how long a greeting may take, and certificates that are renewed while it serves.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use gitmoor::server::{Limits, Listener, Tls, TlsFiles};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::client::{Server, patient};
use crate::support::authority::Authority;
use crate::support::{eventually, http};

async fn serve(authority: &Authority, clients: Option<&Authority>, limits: Limits) -> Server {
    let files = TlsFiles {
        certificate: authority.file("page.crt"),
        key: authority.file("page.key"),
        clients: clients.map(|authority| authority.file("ca.crt")),
    };
    let tls = Tls::new(files).unwrap().looking_each(Duration::ZERO);
    let listener = Listener::from(TcpListener::bind("127.0.0.1:0").await.unwrap()).with(Some(Arc::new(tls)));
    Server::on(listener, Router::new().route("/", get(async || "hello")), limits)
}

async fn asks(client: &reqwest::Client, server: &Server) -> Result<String, reqwest::Error> {
    let answer = client.get(format!("https://{}/", server.address)).send().await?;
    Ok(http::said("over TLS", answer).await.1)
}

#[tokio::test]
async fn who_has_no_certificate_of_the_authority_has_no_connection() {
    let (authority, other) = (Authority::new(), Authority::new());
    authority.give("page");
    authority.give("proxy");
    other.give("proxy");
    let server = serve(&authority, Some(&authority), patient()).await;
    assert_eq!(asks(&authority.client(Some("proxy")), &server).await.unwrap(), "hello");
    assert!(asks(&authority.client(None), &server).await.is_err(), "no certificate");
    // It trusts the server, and has a certificate of somebody else.
    std::fs::copy(other.file("proxy.crt"), authority.file("strange.crt")).unwrap();
    std::fs::copy(other.file("proxy.key"), authority.file("strange.key")).unwrap();
    assert!(asks(&authority.client(Some("strange")), &server).await.is_err(), "a certificate of another authority");
    assert!(asks(&other.client(Some("proxy")), &server).await.is_err(), "the server is not trusted");
    // Plain HTTP is no way around it.
    let mut plain = TcpStream::connect(server.address).await.unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    plain.read_to_end(&mut answer).await.ok();
    assert!(!String::from_utf8_lossy(&answer).contains("hello"));

    let open = serve(&authority, None, patient()).await;
    assert_eq!(asks(&authority.client(None), &open).await.unwrap(), "hello", "none is asked for");
}

#[tokio::test]
async fn a_greeting_that_does_not_come_keeps_nobody_waiting() {
    let authority = Authority::new();
    authority.give("page");
    let server = serve(&authority, None, Limits { head: Duration::from_millis(500), ..patient() }).await;
    let mut silent = TcpStream::connect(server.address).await.unwrap();
    assert_eq!(asks(&authority.client(None), &server).await.unwrap(), "hello", "beside one that says nothing");
    let mut rest = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(30), silent.read_to_end(&mut rest)).await;
    assert!(ended.is_ok() && rest.is_empty(), "it is ended, and was told nothing");

    // One that says nothing does not hold up the end.
    let _silent = TcpStream::connect(server.address).await.unwrap();
    server.shutdown.cancel();
    tokio::time::timeout(Duration::from_secs(30), server.task).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_certificate_is_renewed_while_it_serves_and_a_broken_one_is_not_taken() {
    let (first, second) = (Authority::new(), Authority::new());
    first.give("page");
    second.give("page");
    let server = serve(&first, None, patient()).await;
    assert_eq!(asks(&first.client(None), &server).await.unwrap(), "hello");
    // A certificate and a key that do not belong together, as in the middle of a renewal.
    std::fs::copy(second.file("page.crt"), first.file("page.crt")).unwrap();
    for _ in 0..3 {
        assert_eq!(asks(&first.client(None), &server).await.unwrap(), "hello", "what was goes on");
    }
    std::fs::copy(second.file("page.key"), first.file("page.key")).unwrap();
    let client = second.client(None);
    eventually("the new one is shown", async || asks(&client, &server).await.map_err(|why| why.to_string())).await;
    assert!(asks(&first.client(None), &server).await.is_err(), "and the old one is not any more");
}
