//! A client of the listeners on loopback.

use std::sync::OnceLock;

use super::canary;

/// One for all tests: making one takes longer than most requests. It keeps no connection, for that would belong to the
/// runtime of the test that made it.
pub fn client() -> &'static reqwest::Client {
    static CLIENT: OnceLock<reqwest::Client> = OnceLock::new();
    CLIENT.get_or_init(|| reqwest::Client::builder().pool_max_idle_per_host(0).no_proxy().build().unwrap())
}

/// Status and body of an answer of Gitmoor's, once both it and its headers were searched for secrets.
pub async fn said(what: &str, answer: reqwest::Response) -> (u16, String) {
    let (status, headers) = (answer.status().as_u16(), format!("{:?}", answer.headers()));
    let text = answer.text().await.unwrap();
    canary::search(what, &format!("{headers}\n{text}"));
    (status, text)
}
