//! OpenPGP, as far as a verifier needs it: public keys and detached signatures of version 4 (RFC 4880, RFC 9580), by RSA, Ed25519
//! and ECDSA over P-256 and P-384, with SHA-2. What is older, newer or made to be decrypted is refused by name.

mod certificate;
mod packet;
mod signature;

pub(super) use certificate::{SigningKey, armoured, binary};

use super::{Refusal, Signer, armor};
use packet::{SIGNATURE, packets};
use signature::{BINARY, Signature};

/// Signatures that one object may have.
const MAX_SIGNATURES: usize = 8;

/// Judges a signature. Where there are several, one good one is enough.
pub(super) fn verify(payload: &[u8], armoured: &[u8], keys: &[SigningKey], now: i64) -> Result<Signer, Refusal> {
    let damaged = || Refusal::Bad("it is damaged".into());
    let text = std::str::from_utf8(armoured).map_err(|_| damaged())?;
    let mut blocks = Vec::new();
    for label in ["PGP SIGNATURE", "PGP MESSAGE"] {
        blocks.extend(armor::blocks(text, label).map_err(|why| Refusal::Bad(why.into()))?);
    }
    let mut refused = None;
    let mut count = 0;
    for block in &blocks {
        for packet in packets(block).map_err(|why| Refusal::Bad(why.into()))? {
            count += 1;
            if packet.tag != SIGNATURE || count > MAX_SIGNATURES {
                return Err(Refusal::Unsupported("it is not a detached signature, or many of them".into()));
            }
            match Signature::read(packet.body).map_err(Refusal::from).and_then(|one| one_of(&one, payload, keys, now)) {
                Ok(signer) => return Ok(signer),
                Err(refusal) => refused = refused.or(Some(refusal)),
            }
        }
    }
    Err(refused.unwrap_or_else(damaged))
}

fn one_of(signature: &Signature<'_>, payload: &[u8], keys: &[SigningKey], now: i64) -> Result<Signer, Refusal> {
    if signature.kind != BINARY {
        return Err(Refusal::Unsupported(format!("OpenPGP signature of type {:#04x}", signature.kind)));
    }
    let Some(issuer) = signature.issuer() else {
        return Err(Refusal::Unsupported("it does not say by which key it is".into()));
    };
    let mut found = Err(Refusal::UnknownKey(issuer));
    // A short name of a key may stand for two: the one that fits decides.
    for key in keys.iter().filter(|key| signature.is_by(&key.fingerprint)) {
        found = key.judge(signature, payload, now);
        if found.is_ok() {
            break;
        }
    }
    found
}
