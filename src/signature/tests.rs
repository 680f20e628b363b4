//! Against what the real git, gpg and ssh-keygen made; see tests/golden/signatures/make.

use std::collections::BTreeMap;

use super::*;

mod hostile;

/// Later than all that was made.
const NOW: i64 = 1_790_000_000;

fn file(path: &str) -> Vec<u8> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/signatures");
    std::fs::read(folder.join(path)).unwrap()
}

/// The name of a key.
fn id(name: &str) -> String {
    String::from_utf8(file(&format!("keys/{name}.id"))).unwrap().trim().to_owned()
}

/// The keys of some files.
fn signers(names: &[&str]) -> Signers {
    let data: BTreeMap<_, _> = names.iter().map(|name| ((*name).to_owned(), file(&format!("keys/{name}")))).collect();
    Signers::read(&data).unwrap()
}

/// Every key but the stranger's.
fn everybody() -> Signers {
    signers(&[
        "alice.asc",
        "bob.asc",
        "carol.asc",
        "dora.asc",
        "expired.asc",
        "compromised.asc",
        "replaced.asc",
        "subgone.asc",
        "short.asc",
        "dsa.asc",
        "eve.pub",
        "rosa.pub",
        "paul.pub",
        "pia.pub",
    ])
}

fn judge(object: &str, signers: &Signers) -> Result<Signer, Refusal> {
    let raw = file(&format!("objects/{object}"));
    let signed = match object.split_once('.') {
        Some((_, "commit")) => commit(&raw)?,
        _ => tag(&raw, name_of(&raw))?,
    };
    verify(&signed, signers, NOW)
}

fn name_of(raw: &[u8]) -> &str {
    std::str::from_utf8(raw).unwrap().lines().find_map(|line| line.strip_prefix("tag ")).unwrap()
}

#[track_caller]
fn good(object: &str, key: &str) {
    let signer = judge(object, &everybody()).unwrap_or_else(|refusal| panic!("{object}: {refusal}"));
    assert_eq!(signer.fingerprint, id(key), "{object}");
    assert!(signer.name.contains("@example.com"), "{signer}");
}

#[track_caller]
fn refused(object: &str, signers: &Signers, reason: &str, words: &[&str]) {
    let refusal = judge(object, signers).unwrap_err();
    assert_eq!(refusal.reason(), reason, "{object}: {refusal}");
    let said = refusal.to_string();
    assert!(words.iter().all(|words| said.contains(words)), "{said}");
}

#[test]
fn what_gpg_signs_is_good() {
    good("alice.commit", "alice");
    good("carol.commit", "carol");
    good("dora.commit", "dora");
    // RSA, by a subkey of a primary key that may not sign.
    good("bob.commit", "bob-subkey");
}

#[test]
fn what_ssh_keygen_signs_is_good() {
    for name in ["eve", "rosa", "paul", "pia"] {
        good(&format!("{name}.commit"), name);
    }
}

#[test]
fn tags_are_good_by_either() {
    good("alice.tag", "alice");
    good("eve.tag", "eve");
}

#[test]
fn of_a_merge_the_merge_itself_counts() {
    good("merge.commit", "alice");
    good("mergetag-signed.commit", "alice");
    // The signature of the tag that was merged is none of the commit.
    refused("mergetag.commit", &signers(&["stranger.asc"]), "SignatureMissing", &[]);
}

#[test]
fn keys_may_be_binary_and_many_in_one_file() {
    assert!(judge("alice.commit", &signers(&["alice.gpg"])).is_ok());
    let all = [file("keys/bob.asc"), file("keys/alice.asc")].concat();
    let ring = Signers::read(&BTreeMap::from([("team.asc".to_owned(), all)])).unwrap();
    assert!(judge("alice.commit", &ring).is_ok() && judge("bob.commit", &ring).is_ok());
}

#[test]
fn what_is_not_signed_is_missing_it() {
    refused("unsigned.commit", &everybody(), "SignatureMissing", &["not signed"]);
    refused("unsigned.tag", &everybody(), "SignatureMissing", &["not signed"]);
}

#[test]
fn a_key_that_is_not_there_is_named() {
    refused("stranger.commit", &everybody(), "SignatureUnknownKey", &[&id("stranger")]);
    refused("alice.commit", &signers(&["bob.asc", "eve.pub"]), "SignatureUnknownKey", &[&id("alice")]);
    refused("eve.commit", &signers(&["bob.asc", "rosa.pub"]), "SignatureUnknownKey", &[&id("eve")]);
    refused("bob.commit", &signers(&["alice.asc"]), "SignatureUnknownKey", &[&id("bob-subkey")]);
}

#[test]
fn a_key_counts_for_what_it_signed_before_it_ended() {
    good("expired-before.commit", "expired");
    refused("expired-after.commit", &everybody(), "SignatureExpired", &[&id("expired"), "2025-01-01"]);
    refused("younger.commit", &everybody(), "SignatureExpired", &["younger"]);
    refused("brief.commit", &everybody(), "SignatureExpired", &["ended at 2025-06-02"]);
}

#[test]
fn a_revoked_key_counts_no_more_unless_it_was_only_replaced() {
    refused("compromised.commit", &everybody(), "SignatureRevoked", &[&id("compromised"), "compromised", "2025-09-01"]);
    refused("subgone.commit", &everybody(), "SignatureRevoked", &[&id("subgone-subkey")]);
    good("replaced.commit", "replaced");
}

#[test]
fn what_can_be_forged_is_refused() {
    refused("sha1.commit", &everybody(), "SignatureWeak", &["SHA-1"]);
    refused("short.commit", &everybody(), "SignatureWeak", &["1024 bits"]);
    refused("dsa.commit", &everybody(), "SignatureWeak", &["DSA"]);
    refused("text.commit", &everybody(), "SignatureUnsupported", &["0x01"]);
}

#[test]
fn a_signature_for_something_else_than_git_is_refused() {
    refused("for-files.commit", &everybody(), "SignatureBad", &["\"file\""]);
}

#[test]
fn a_signature_from_the_future_is_refused() {
    for object in ["alice.commit", "eve.commit"] {
        let signed = commit(&file(&format!("objects/{object}"))).unwrap();
        let made = 1_748_736_000;
        assert!(verify(&signed, &everybody(), made - 3600).is_ok(), "{object}: clocks differ");
        let refusal = verify(&signed, &everybody(), made - 3 * 24 * 3600).unwrap_err();
        assert_eq!(refusal.reason(), "SignatureExpired", "{object}: {refusal}");
    }
}

#[test]
fn allowed_signers_say_who_when_and_for_what() {
    let key = String::from_utf8(file("keys/eve.pub")).unwrap();
    let key = key.rsplit_once(' ').unwrap().0;
    let check = |line: String, expected: &str| {
        let read = Signers::read(&BTreeMap::from([("allowed_signers".to_owned(), line.clone().into_bytes())]));
        let found = match read.map(|signers| judge("eve.commit", &signers)) {
            Ok(Ok(signer)) => signer.name,
            Ok(Err(refusal)) => refusal.reason().to_owned(),
            Err(fault) => fault.to_string(),
        };
        assert!(found.contains(expected), "{line}: {found}");
    };
    check(format!("# the team\n\neve@example.com,eve@example.org {key} a remark\n"), "eve@example.com,eve@example.org");
    check(format!("eve namespaces=\"git\" {key}"), "eve");
    check(format!("eve namespaces=\"file,git\",valid-before=\"20260101\" {key}"), "eve");
    check(format!("\"eve smith\" namespaces=\"*\" {key}"), "eve smith");
    check(format!("eve namespaces=\"file\" {key}"), "SignatureExpired");
    check(format!("eve valid-after=\"20250602\" {key}"), "SignatureExpired");
    check(format!("eve valid-after=\"20250601Z\" {key}"), "eve");
    check(format!("eve valid-before=\"202506010000\" {key}"), "SignatureExpired");
    // One of two lines is enough.
    check(format!("old valid-before=\"20240101\" {key}\nnew {key}"), "new");
    check(format!("eve cert-authority {key}"), "cert-authority, which is not supported");
    check(format!("eve verify-required {key}"), "\"verify-required\", which is not known");
    check(format!("eve valid-after=\"tomorrow\" {key}"), "not YYYYMMDD");
    check("eve ssh-ed25519 AAAA".to_owned(), "in line 1 no SSH public key");
}

#[test]
fn a_secret_that_is_of_no_use_says_which_key_and_never_what_is_in_it() {
    let check = |entry: &str, content: &[u8], expected: &str| {
        let fault = Signers::read(&BTreeMap::from([(entry.to_owned(), content.to_vec())])).unwrap_err().to_string();
        assert!(fault.contains(expected) && !fault.contains("hunter2"), "{fault}");
        assert!(fault.contains(entry), "{fault}");
    };
    assert_eq!(Signers::read(&BTreeMap::new()).unwrap_err(), SignerFault::Empty);
    check("token", b"hunter2", "is neither");
    check("key", b"-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2", "is a private key");
    check("a.asc", b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nhunter2", "has no end");
    check("a.asc", b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nhunter2!\n-----END PGP PUBLIC KEY BLOCK-----", "base64");
    check("a.gpg", &[0xff, 0xff, 0xff], "cut off");
    check("a.pub", b"ssh-ed25519 hunter2", "no SSH public key in line 1");
}
