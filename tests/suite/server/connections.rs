//! What ends a connection: its client, its time, garbage, or the server's shutdown.

use std::sync::Arc;

use gitmoor::server::Limits;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use super::client::{GUARD, Notes, Request, Response, SOON, Server, TOKEN, WHILE, lenient, patient};

/// A delivery whose answer the test releases, and the server that has begun to handle it.
async fn held_delivery(limits: Limits) -> (Server, Arc<Notes>, super::client::Client) {
    let (server, notes) = Server::of_notes(Notes::gated(), lenient(), limits).await;
    // "100 Continue" is sent when the body is being read, so the request is then in our hands.
    let request = Request::post("shop/slow", "{}").signed(TOKEN).with("Expect", "100-continue");
    let mut client = server.send(&request.head()).await;
    assert_eq!(client.until("\r\n\r\n").await, "HTTP/1.1 100 Continue\r\n\r\n");
    client.0.write_all(b"{}").await.unwrap();
    (server, notes, client)
}

#[tokio::test]
async fn a_head_that_comes_slowly_ends_the_connection() {
    let limits = Limits { head: SOON, ..patient() };
    let (server, notes) = Server::of_notes(Notes::default(), lenient(), limits).await;
    for slow in ["", "P", "POST /hooks/shop/deploy HTTP/1.1\r\nHost: hooks\r\nX-A"] {
        assert_eq!(server.send(slow.as_bytes()).await.rest().await, "", "{slow:?}");
    }
    assert!(notes.answered().is_empty());
}

#[tokio::test]
async fn a_request_that_falls_over_a_bug_ends_its_connection_and_no_other() {
    let (server, notes, mut waits) = held_delivery(Limits { connections: 2, ..patient() }).await;
    // Of two places one is taken: each that falls gives the other one back.
    for _ in 0..4 {
        let fallen = server.send(&Request::post("shop/sick", "{}").signed(TOKEN).bytes()).await.rest().await;
        assert_eq!(fallen, "", "nothing is said of it");
    }
    let good = server.exchange(&Request::delivery("{}").bytes()).await;
    assert_eq!(good.status, 202, "{good:?}");
    notes.gate.as_ref().unwrap().add_permits(1);
    assert!(waits.until("\r\n\r\n").await.starts_with("HTTP/1.1 202 "));
}

#[tokio::test]
async fn a_connection_is_kept_between_requests_but_not_for_long() {
    for limits in [Limits { head: WHILE, ..patient() }, Limits { connection: WHILE, ..patient() }] {
        let (server, _) = Server::of_notes(Notes::default(), lenient(), limits).await;
        let request = Request::delivery("{}").without("Connection").bytes();
        let text = server.send(&[request.clone(), request].concat()).await.rest().await;
        assert_eq!(text.matches("HTTP/1.1 202").count(), 2, "{text}");
    }
}

#[tokio::test]
async fn a_request_in_hand_is_cut_off_when_its_connection_is_too_old() {
    let (_server, notes, client) = held_delivery(Limits { connection: WHILE, drain: SOON, ..patient() }).await;
    assert_eq!(client.rest().await, "");
    assert!(notes.announced().is_empty());
}

#[tokio::test]
async fn garbage_after_a_request_harms_nothing_but_its_connection() {
    let (server, notes) = Server::of_hooks(lenient()).await;
    let good = Request::delivery("{}");
    let kept = good.clone().without("Connection").bytes();
    let text = server.send(&[kept, b"\x00\xff garbage\r\n\r\n".to_vec()].concat()).await.rest().await;
    assert!(text.starts_with("HTTP/1.1 202 "), "{text}");
    assert!(text.contains("HTTP/1.1 400 "), "{text}");
    for garbage in [&b"\x16\x03\x01\x02\x00\x01\x00"[..], b"GET\r\n\r\n", b"POST / HTTP/9.9\r\n\r\n"] {
        let text = server.send(garbage).await.rest().await;
        assert!(text.is_empty() || text.starts_with("HTTP/1.1 400 "), "{text}");
    }
    assert_eq!(server.exchange(&good.bytes()).await.status, 202);
    assert_eq!(notes.announced().len(), 2);
}

#[tokio::test]
async fn a_head_without_end_is_refused() {
    let (server, _) = Server::of_hooks(lenient()).await;
    let mut client = server.send(b"POST /hooks/shop/deploy HTTP/1.1\r\nX-A: ").await;
    let flood = vec![b'a'; 1 << 20];
    // The server stops reading, so writing may fail.
    let _ = timeout(GUARD, client.0.write_all(&flood)).await.unwrap();
    let text = client.rest().await;
    assert!(text.is_empty() || text.starts_with("HTTP/1.1 431 "), "{text}");
}

#[tokio::test]
async fn connections_at_once_are_bounded() {
    let (server, notes, client) = held_delivery(Limits { connections: 1, ..patient() }).await;
    let mut second = server.send(&Request::delivery("{}").bytes()).await;
    assert!(timeout(SOON, second.until("\r\n")).await.is_err(), "it has to wait for its turn");
    notes.gate.as_ref().unwrap().add_permits(1);
    assert!(client.rest().await.starts_with("HTTP/1.1 202 "));
    assert!(second.rest().await.starts_with("HTTP/1.1 202 "));
    assert_eq!(notes.announced(), ["shop/slow", "shop/deploy"]);
}

#[tokio::test]
async fn shutdown_lets_a_request_finish() {
    let (server, notes, client) = held_delivery(patient()).await;
    server.shutdown.cancel();
    notes.gate.as_ref().unwrap().add_permits(1);
    let response = Response::parse(&client.rest().await);
    assert_eq!((response.status, response.headers["connection"].as_str()), (202, "close"));
    timeout(GUARD, server.task).await.unwrap().unwrap();
}

#[tokio::test]
async fn shutdown_does_not_wait_for_a_connection_that_hangs() {
    let (server, notes, client) = held_delivery(Limits { drain: SOON, ..patient() }).await;
    let silent = server.send(b"").await;
    let halfway = server.send(b"POST /hooks/shop/deploy HTTP/1.1\r\nHo").await;
    server.shutdown.cancel();
    timeout(GUARD, server.task).await.unwrap().unwrap();
    for client in [client, silent, halfway] {
        assert_eq!(client.rest().await, "");
    }
    assert!(notes.announced().is_empty());
}

#[tokio::test]
async fn after_shutdown_nothing_listens() {
    let (server, _) = Server::of_hooks(lenient()).await;
    server.shutdown.cancel();
    timeout(GUARD, server.task).await.unwrap().unwrap();
    assert!(tokio::net::TcpStream::connect(server.address).await.is_err());
}
