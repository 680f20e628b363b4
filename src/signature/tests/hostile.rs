//! What somebody made to be taken for good, or to do harm while it is read.

use super::*;
use crate::signature::{armor, openpgp};

fn text(object: &str) -> String {
    String::from_utf8(file(&format!("objects/{object}"))).unwrap()
}

#[track_caller]
fn check(what: &str, raw: &str, reason: &str) {
    let found = commit(raw.as_bytes()).and_then(|signed| verify(&signed, &everybody(), NOW));
    assert_eq!(found.as_ref().map_err(Refusal::reason).unwrap_err(), reason, "{what}: {found:?}");
}

/// The header of a signature, as it stands in a commit.
fn header(raw: &str) -> String {
    let at = raw.find("gpgsig ").unwrap();
    let lines = raw[at..].split_inclusive('\n');
    lines.enumerate().take_while(|(index, line)| *index == 0 || line.starts_with(' ')).map(|(_, line)| line).collect()
}

#[test]
fn a_commit_that_was_changed_after_it_was_signed_is_bad() {
    for object in ["alice.commit", "bob.commit", "carol.commit", "eve.commit", "rosa.commit", "pia.commit"] {
        let raw = text(object);
        check(object, &raw.replace("signed by", "signed  by"), "SignatureBad");
        let tree = &raw["tree ".len()..][..40];
        check(object, &raw.replacen(tree, &"1".repeat(40), 1), "SignatureBad");
        check(object, &raw.replacen("committer Ada", "committer Eve", 1), "SignatureBad");
        check(object, &format!("{raw}more\n"), "SignatureBad");
    }
}

#[test]
fn the_signature_of_another_commit_is_bad() {
    let (mine, other) = (text("alice.commit"), text("merge.commit"));
    check("moved", &mine.replace(&header(&mine), &header(&other)), "SignatureBad");
    let (mine, other) = (text("eve.commit"), text("paul.commit"));
    check("moved", &mine.replace(&header(&mine), &header(&other)), "SignatureBad");
}

#[test]
fn a_tag_that_was_changed_or_stands_under_another_name_is_bad() {
    let raw = text("alice.tag");
    let check = |raw: &str, name: &str| {
        let found = tag(raw.as_bytes(), name).and_then(|signed| verify(&signed, &everybody(), NOW));
        assert_eq!(found.map_err(|refusal| refusal.reason()), Err("SignatureBad"), "{name}");
    };
    check(&raw.replace("the first", "the other"), "v1.0.0");
    check(&raw.replace("tag v1.0.0", "tag v9.0.0"), "v9.0.0");
    check(&raw, "v9.0.0");
    // Something signed put before something that is not: the last signature is of all before it.
    check(&format!("{raw}{}", &raw[raw.find("-----BEGIN").unwrap()..]), "v1.0.0");
}

#[test]
fn two_signatures_of_a_commit_are_refused() {
    let raw = text("alice.commit");
    let signature = header(&raw);
    check("twice", &raw.replacen(&signature, &format!("{signature}{signature}"), 1), "SignatureBad");
    let (first, other) = (header(&text("stranger.commit")), header(&raw));
    check("two", &raw.replacen(&other, &format!("{first}{other}"), 1), "SignatureBad");
}

#[test]
fn only_a_header_signs_a_commit() {
    let raw = text("alice.commit");
    let signature = header(&raw);
    let without = raw.replace(&signature, "");
    check("in the message", &format!("{without}{signature}"), "SignatureMissing");
    check("for another form", &raw.replace("gpgsig ", "gpgsig-sha256 "), "SignatureUnsupported");
}

#[test]
fn what_is_no_signature_is_refused() {
    let raw = text("alice.commit");
    let with = |signature: &str| raw.replace(&header(&raw), &format!("gpgsig {}\n", signature.replace('\n', "\n ")));
    check("x509", &with("-----BEGIN SIGNED MESSAGE-----\nAAAA\n-----END SIGNED MESSAGE-----"), "SignatureUnsupported");
    check("nothing", &with("signed, Alice"), "SignatureUnsupported");
    check("empty", &with("-----BEGIN PGP SIGNATURE-----\n\n-----END PGP SIGNATURE-----"), "SignatureBad");
    check("no end", &with("-----BEGIN PGP SIGNATURE-----\n\nAAAA"), "SignatureBad");
    check("no packets", &with("-----BEGIN PGP SIGNATURE-----\n\nAAAA\n-----END PGP SIGNATURE-----"), "SignatureBad");
    check("ssh", &with("-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----"), "SignatureUnsupported");
    let many = "A".repeat(100_000);
    check("large", &with(&format!("-----BEGIN PGP SIGNATURE-----\n\n{many}")), "SignatureUnsupported");
    assert_eq!(commit(&vec![b'x'; (1 << 20) + 1]).unwrap_err().reason(), "SignatureUnsupported");
}

#[test]
fn a_key_that_was_changed_vouches_for_nothing() {
    // Whatever byte of a key is another: who made the signature is never told wrongly, and nothing panics.
    let key = file("keys/alice.gpg");
    let signed = commit(&file("objects/alice.commit")).unwrap();
    let mut unchanged = 0;
    for at in 0..key.len() {
        let mut changed = key.clone();
        changed[at] ^= 1;
        let Ok(keys) = openpgp::binary(&changed) else { continue };
        let signature = signed.signature.as_deref().unwrap();
        match openpgp::verify(&signed.payload, signature, &keys, NOW) {
            Ok(signer) => {
                assert_eq!(signer.fingerprint, id("alice"), "byte {at}");
                unchanged += 1;
            }
            Err(refusal) => assert_ne!(refusal.reason(), "SignatureMissing"),
        }
    }
    // What is beside the signed part of the certification only.
    assert!(unchanged < 20, "{unchanged} bytes do not matter");
}

#[test]
fn a_subkey_of_one_key_is_not_to_be_had_by_another() {
    // Somebody puts bob's subkey, with bob's binding, behind alice's primary key.
    let armoured = String::from_utf8(file("keys/bob.asc")).unwrap();
    let bob = armor::blocks(&armoured, "PGP PUBLIC KEY BLOCK").unwrap().remove(0);
    let stolen =
        bob.windows(4).position(|bytes| matches!(bytes, [0xb9, ..=2, _, 4])).map(|at| bob[at..].to_vec()).unwrap();
    let alice = [file("keys/alice.gpg"), stolen].concat();
    let keys = Signers::read(&BTreeMap::from([("alice.gpg".to_owned(), alice)])).unwrap();
    let refusal = judge("bob.commit", &keys).unwrap_err();
    assert_eq!(refusal.reason(), "SignatureUnsupported", "{refusal}");
    assert!(judge("alice.commit", &keys).is_ok());
}

#[test]
fn no_signature_that_is_cut_or_changed_anywhere_is_good() {
    for object in ["alice.commit", "bob.commit", "eve.commit", "paul.commit"] {
        let signed = commit(&file(&format!("objects/{object}"))).unwrap();
        let signature = signed.signature.clone().unwrap();
        let keys = everybody();
        for at in (0..signature.len()).step_by(3) {
            let cut = Signed { signature: Some(signature[..at].to_vec()), ..signed.clone() };
            assert!(verify(&cut, &keys, NOW).is_err(), "{object} cut at {at}");
        }
    }
}
