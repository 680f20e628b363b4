//! What Secrets have that sources are reached with, and targets of alerts: anything, in any of their keys, and none of it is ever
//! repeated.

use std::time::Duration;

use gitmoor::alert::Credentials;
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
    alert(&secret);
    for value in secret.values_mut() {
        value.extend_from_slice(CANARY.as_bytes());
    }
    reach(&secret);
    alert(&secret);
    // A password and a token do not go together, so each has a turn of its own.
    for key in ["bearerToken", "password", "tls.key", "tls.crt"] {
        secret.remove(key);
        reach(&secret);
    }
}

/// A target of alerts has some keys of the same names, and two of its own.
fn alert(secret: &SecretData) {
    let mut data = secret.clone();
    for (own, of) in [("token", "bearerToken"), ("hmacKey", "identity")] {
        data.insert(own.to_owned(), secret.get(of).cloned().unwrap_or_default());
    }
    match Credentials::of(&data) {
        Ok(read) => {
            let address = read.address.unwrap_or("https://a".to_owned());
            assert!(address.starts_with("http") && !address.chars().any(char::is_control), "{address:?}");
            let (user, password) = read.basic.unzip();
            let mut words = [read.token, user, password].into_iter().flatten();
            assert!(words.all(|word| !word.chars().any(char::is_control)), "a header has one line");
        }
        Err(fault) => {
            let words = fault.to_string();
            assert!(words.len() < 600 && !words.contains(CANARY) && !format!("{fault:?}").contains(CANARY), "{words}");
        }
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
