//! Signatures and keys: commits and tags as they are stored, OpenPGP and SSH in their armour. Whatever was changed, nobody's name
//! stands for what they have not signed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::LazyLock;

use gitmoor::signature::{Refusal, Signed, Signers, commit, tag, verify};

use super::root;

const NOW: i64 = 1_790_000_000;
const TRUSTED: [&str; 6] = ["alice.asc", "bob.asc", "carol.asc", "eve.pub", "rosa.pub", "paul.pub"];
/// What they have signed for Git, in time and by no weak method, and by which key. There is more of theirs that is refused.
const SIGNED: [(&str, &str); 10] = [
    ("alice.commit", "alice"),
    ("alice.tag", "alice"),
    ("bob.commit", "bob-subkey"),
    ("carol.commit", "carol"),
    ("eve.commit", "eve"),
    ("eve.tag", "eve"),
    ("merge.commit", "alice"),
    ("mergetag-signed.commit", "alice"),
    ("paul.commit", "paul"),
    ("rosa.commit", "rosa"),
];
/// How the signature at the end of a tag begins.
const BEGINNINGS: [&str; 4] = [
    "\n-----BEGIN PGP SIGNATURE-----",
    "\n-----BEGIN PGP MESSAGE-----",
    "\n-----BEGIN SSH SIGNATURE-----",
    "\n-----BEGIN SIGNED MESSAGE-----",
];
/// No tag is called so.
const OTHER: &str = "v9.9.9-of-nobody";

/// What is signed, and the fingerprint of the key that did.
type Vouched = (Vec<u8>, String);

/// Keys that are trusted; and all that counts as signed by them, with the keys' fingerprints.
static KNOWN: LazyLock<(Signers, BTreeSet<Vouched>)> = LazyLock::new(|| {
    let folder = root().join("tests/golden/signatures");
    let read = |path: String| fs::read(folder.join(path)).expect("it is there");
    let keys = TRUSTED.map(|name| (name.to_owned(), read(format!("keys/{name}"))));
    let signers = Signers::read(&keys.into()).expect("they are keys");
    let signed = SIGNED.map(|(object, key)| {
        let id = String::from_utf8(read(format!("keys/{key}.id"))).expect("it is text");
        let raw = read(format!("objects/{object}"));
        (if object.ends_with(".tag") { of_tag(&raw) } else { of_commit(&raw) }, id.trim().to_owned())
    });
    (signers, signed.into())
});

pub fn run(data: &[u8]) {
    let (signers, known) = &*KNOWN;
    let text = String::from_utf8_lossy(data);
    let name = text.lines().find_map(|line| line.strip_prefix("tag ")).unwrap_or_default();
    let objects = [(commit(data), of_commit(data)), (tag(data, name), of_tag(data))];
    for (signed, whole) in objects.into_iter().filter_map(|(signed, whole)| Some((signed.ok()?, whole))) {
        assert!(signed.payload.len() <= data.len(), "nothing is made up");
        let judged = verify(&signed, signers, NOW);
        assert_eq!(judged, verify(&signed, signers, NOW), "the same is judged the same");
        match judged {
            // All that stands in the object must be signed, and not only what was taken for it.
            Ok(signer) => assert!(known.contains(&(whole, signer.fingerprint.clone())), "{signer} has not signed that"),
            Err(refusal) => said(&refusal),
        }
    }
    assert!(tag(data, OTHER).is_err() || text.contains(OTHER), "a tag stands under another name");
    // As the signature of something that was signed, too.
    if let Some((payload, _)) = known.first() {
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

/// A commit without the headers that have signatures, and without anything else left out.
fn of_commit(raw: &[u8]) -> Vec<u8> {
    let head = raw.windows(2).position(|pair| pair == b"\n\n").map_or(raw.len(), |end| end + 1);
    let (mut whole, mut is_signature) = (Vec::new(), false);
    for line in raw[..head].split_inclusive(|byte| *byte == b'\n') {
        is_signature = if line.starts_with(b" ") { is_signature } else { line.starts_with(b"gpgsig") };
        if !is_signature {
            whole.extend_from_slice(line);
        }
    }
    whole.extend_from_slice(&raw[head..]);
    whole
}

/// A tag up to the signature at its end.
fn of_tag(raw: &[u8]) -> Vec<u8> {
    let mut whole = of_commit(raw);
    let begins = |at: &usize| BEGINNINGS.iter().any(|beginning| whole[*at..].starts_with(beginning.as_bytes()));
    let end = (0..whole.len()).rev().find(begins);
    whole.truncate(end.map_or(whole.len(), |at| at + 1));
    whole
}

fn said(refusal: &Refusal) {
    let words = refusal.to_string();
    assert!(!words.is_empty() && words.len() < 1_000 && !words.chars().any(char::is_control), "{words:?}");
}
