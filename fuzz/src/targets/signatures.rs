//! Signatures and keys: commits and tags as they are stored, OpenPGP and SSH in their armour. Whatever was changed, nobody's name
//! stands for what they have not signed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::LazyLock;

use gitmoor::signature::{Refusal, Signed, Signers, commit, tag, verify};

use super::root;

const NOW: i64 = 1_790_000_000;
const TRUSTED: [&str; 6] = ["alice.asc", "bob.asc", "carol.asc", "eve.pub", "rosa.pub", "paul.pub"];

/// Keys that are trusted, and all that they have signed.
static KNOWN: LazyLock<(Signers, BTreeSet<Vec<u8>>)> = LazyLock::new(|| {
    let folder = root().join("tests/golden/signatures");
    let keys = TRUSTED.map(|name| (name.to_owned(), fs::read(folder.join("keys").join(name)).expect("it is there")));
    let signers = Signers::read(&keys.into()).expect("they are keys");
    let objects = fs::read_dir(folder.join("objects")).expect("it is there");
    let raw = objects.map(|entry| fs::read(entry.expect("it is there").path()).expect("it is a file"));
    let signed = raw.flat_map(|raw| object(&raw)).map(|signed| signed.payload).collect();
    (signers, signed)
});

pub fn run(data: &[u8]) {
    let (signers, known) = &*KNOWN;
    for signed in object(data) {
        assert!(signed.payload.len() <= data.len(), "nothing is made up");
        let judged = verify(&signed, signers, NOW);
        assert_eq!(judged, verify(&signed, signers, NOW), "the same is judged the same");
        match judged {
            Ok(signer) => assert!(known.contains(&signed.payload), "{signer} has not signed that"),
            Err(refusal) => said(&refusal),
        }
    }
    // As the signature of something that was signed, too.
    if let Some(payload) = known.first() {
        let signed = Signed { payload: payload.clone(), signature: Some(data.to_vec()), made: Some(NOW) };
        if let Err(refusal) = verify(&signed, signers, NOW) {
            said(&refusal);
        }
    }
    for name in ["a.asc", "allowed_signers", "a.pub"] {
        let keys = BTreeMap::from([(name.to_owned(), data.to_vec())]);
        if let Err(fault) = Signers::read(&keys) {
            let words = fault.to_string();
            assert!(words.len() < 600 && !words.chars().any(char::is_control), "{words:?}");
        }
    }
}

/// As a commit and as a tag, as far as it is one.
fn object(raw: &[u8]) -> Vec<Signed> {
    let text = String::from_utf8_lossy(raw);
    let name = text.lines().find_map(|line| line.strip_prefix("tag ")).unwrap_or_default();
    [commit(raw), tag(raw, name)].into_iter().flatten().collect()
}

fn said(refusal: &Refusal) {
    let words = refusal.to_string();
    assert!(!words.is_empty() && words.len() < 1_000 && !words.chars().any(char::is_control), "{words:?}");
}
