//! What Secrets have that sources are reached with: anything, in any of their keys, and none of it is ever repeated.

use std::time::Duration;

use gitmoor::source::{SecretData, Secrets, SourceOptions, Sources};

const KEYS: [&str; 9] =
    ["username", "password", "bearerToken", "ca.crt", "tls.crt", "tls.key", "identity", "known_hosts", "address"];
/// Something that is no word of a message.
const CANARY: &str = "cAnary-7f3a9";

pub fn run(data: &[u8]) {
    let mut parts: Vec<&[u8]> = data.split(|byte| *byte == 0).take(KEYS.len()).collect();
    // All in one key is an input, too.
    if parts.len() == 1 {
        parts = vec![data; KEYS.len()];
    }
    let mut secret: SecretData =
        KEYS.iter().zip(&parts).map(|(key, value)| ((*key).to_owned(), value.to_vec())).collect();
    reach(&secret);
    for value in secret.values_mut() {
        value.extend_from_slice(CANARY.as_bytes());
    }
    reach(&secret);
    // A password and a token do not go together, so each has a turn of its own.
    for key in ["bearerToken", "password", "tls.key", "tls.crt"] {
        secret.remove(key);
        reach(&secret);
    }
}

fn reach(secret: &SecretData) {
    let sources = Sources::new(SourceOptions::new("/nonexistent/gitmoor"));
    for url in ["https://git.example.com/x.git", "git@git.example.com:x.git"] {
        for proxy in [None, Some(secret)] {
            let source = sources.open(url, "main", Duration::from_secs(1)).expect("it is a URL");
            if let Err((_, fault)) = source.reach_by(Secrets { secret: Some(secret), proxy }) {
                let words = fault.to_string();
                assert!(words.len() < 600 && !words.chars().any(char::is_control), "{words:?}");
                assert!(!words.contains(CANARY) && !format!("{fault:?}").contains(CANARY), "{words}");
            }
            assert!(!format!("{source:?}").contains(CANARY), "a source prints no secret");
        }
    }
}
