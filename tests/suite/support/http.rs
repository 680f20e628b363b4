//! A client of the listeners on loopback.

use std::sync::OnceLock;

/// One for all tests: making one takes longer than most requests. It keeps no connection, for that would belong to the
/// runtime of the test that made it.
pub fn client() -> &'static reqwest::Client {
    static CLIENT: OnceLock<reqwest::Client> = OnceLock::new();
    CLIENT.get_or_init(|| reqwest::Client::builder().pool_max_idle_per_host(0).no_proxy().build().unwrap())
}
