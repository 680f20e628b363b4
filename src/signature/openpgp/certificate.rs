//! Public keys with what their owner says about them: which subkeys may sign, until when, and what was taken back. Only what the
//! primary key itself signed counts; what others say of a key is not looked at.

use super::packet::{
    PUBLIC_KEY, PUBLIC_SUBKEY, Packet, SECRETS, SIGNATURE, USER_ATTRIBUTE, USER_ID, mpi, number, packets,
};
use super::signature::{
    CERTIFICATION_REVOCATION, CERTIFICATIONS, DIRECT, KEY_REVOCATION, MAY_SIGN, PRIMARY_BINDING, SUBKEY_BINDING,
    SUBKEY_REVOCATION, Signature,
};
use crate::signature::crypto::{PublicKey, sha1};
use crate::signature::{AHEAD, Failure, Refusal, Signer, armor, date, shown};

/// Signatures of one key file that are verified; a key that was flooded with others' has few of its own.
const MAX_CHECKS: usize = 2_000;

/// A primary key or a subkey, and when it may sign.
#[derive(Debug, Clone)]
pub(in crate::signature) struct SigningKey {
    pub(super) fingerprint: [u8; 20],
    key: Result<PublicKey, Failure>,
    /// Of the primary key and, of a subkey, its own: it must be alive by both.
    lives: Vec<Life>,
    name: String,
}

/// When a key is valid.
#[derive(Debug, Clone, Default)]
struct Life {
    begins: i64,
    ends: Option<i64>,
    revoked: Option<Revocation>,
}

/// What its owner took back.
#[derive(Debug, Clone)]
struct Revocation {
    at: i64,
    /// Replaced or out of use: what it signed before stays good.
    gently: bool,
    why: &'static str,
}

/// A key packet.
#[derive(Clone)]
struct Key<'a> {
    body: &'a [u8],
    fingerprint: [u8; 20],
    created: i64,
    key: Result<PublicKey, Failure>,
}

/// Something of a certificate, and the signatures after it.
struct Part<'a> {
    packet: Packet<'a>,
    signatures: Vec<Signature<'a>>,
}

/// The keys of an armoured file; of all its blocks.
pub(in crate::signature) fn armoured(text: &str) -> Result<Vec<SigningKey>, String> {
    let blocks = armor::blocks(text, "PGP PUBLIC KEY BLOCK").map_err(|why| format!("cannot be read: {why}"))?;
    if blocks.is_empty() {
        return Err("has no block PGP PUBLIC KEY BLOCK".into());
    }
    let mut keys = Vec::new();
    for block in &blocks {
        keys.extend(binary(block)?);
    }
    Ok(keys)
}

/// The keys of a file as it is.
pub(in crate::signature) fn binary(bytes: &[u8]) -> Result<Vec<SigningKey>, String> {
    let packets = packets(bytes).map_err(|why| format!("cannot be read: {why}"))?;
    if packets.iter().any(|packet| SECRETS.contains(&packet.tag)) {
        return Err("is a private key, which belongs to nobody but its owner".into());
    }
    let mut certificates: Vec<Vec<Part<'_>>> = Vec::new();
    for packet in packets {
        match packet.tag {
            PUBLIC_KEY => certificates.push(vec![Part { packet, signatures: Vec::new() }]),
            USER_ID | USER_ATTRIBUTE | PUBLIC_SUBKEY => {
                let certificate = certificates.last_mut().ok_or("does not begin with a public key")?;
                certificate.push(Part { packet, signatures: Vec::new() });
            }
            SIGNATURE => {
                let part = certificates.last_mut().and_then(|parts| parts.last_mut());
                let part = part.ok_or("does not begin with a public key")?;
                // What is not understood says nothing.
                part.signatures.extend(Signature::read(packet.body).ok());
            }
            _ => {}
        }
    }
    if certificates.is_empty() {
        return Err("has no OpenPGP public key".into());
    }
    let mut checks = MAX_CHECKS;
    let mut keys = Vec::new();
    for parts in &certificates {
        keys.extend(Certificate::of(parts, &mut checks)?.keys(&mut checks)?);
    }
    Ok(keys)
}

struct Certificate<'a> {
    primary: Key<'a>,
    life: Life,
    /// What the primary key may do.
    signs: Result<bool, Failure>,
    name: String,
    subkeys: Vec<&'a Part<'a>>,
}

impl<'a> Certificate<'a> {
    fn of(parts: &'a [Part<'a>], checks: &mut usize) -> Result<Self, String> {
        let (first, others) = parts.split_first().ok_or("has no OpenPGP public key")?;
        let primary = Key::read(first.packet.body)?;
        let own = primary.framed();
        let mut latest: Option<&Signature<'_>> = None;
        let mut doubt = None;
        let mut revoked = None;
        for signature in &first.signatures {
            match signature.kind {
                DIRECT => primary.says(signature, &[&own], &mut latest, &mut doubt, checks)?,
                KEY_REVOCATION => revoked = primary.revocation(signature, &[&own], revoked, checks)?,
                _ => {}
            }
        }
        let mut name = String::new();
        for part in others.iter().filter(|part| matches!(part.packet.tag, USER_ID | USER_ATTRIBUTE)) {
            let prefix = if part.packet.tag == USER_ID { 0xb4 } else { 0xd1 };
            let length = u32::try_from(part.packet.body.len()).unwrap_or_default().to_be_bytes();
            let signed: [&[u8]; 4] = [&own, &[prefix], &length, part.packet.body];
            let mut taken_back = None;
            for signature in part.signatures.iter().filter(|one| one.kind == CERTIFICATION_REVOCATION) {
                taken_back = primary.revocation(signature, &signed, taken_back, checks)?;
            }
            let mut of_name: Option<&Signature<'_>> = None;
            for signature in part.signatures.iter().filter(|one| CERTIFICATIONS.contains(&one.kind)) {
                primary.says(signature, &signed, &mut of_name, &mut doubt, checks)?;
            }
            let gone = |one: &&Signature<'_>| taken_back.as_ref().is_some_and(|back| back.at >= one.created);
            let Some(of_name) = of_name.filter(|one| !gone(one)) else { continue };
            if name.is_empty() && part.packet.tag == USER_ID {
                name = shown(&String::from_utf8_lossy(part.packet.body));
            }
            if latest.is_none_or(|latest| of_name.created > latest.created) {
                latest = Some(of_name);
            }
        }
        let life = Life { revoked, ..primary.life(latest) };
        let signs = match (latest, doubt) {
            (Some(latest), _) => Ok(latest.flags.is_none_or(|flags| flags & MAY_SIGN != 0)),
            (None, Some(doubt)) => Err(doubt),
            (None, None) => Err(Failure::Unsupported("an OpenPGP key that its owner never signed".into())),
        };
        let subkeys = others.iter().filter(|part| part.packet.tag == PUBLIC_SUBKEY).collect();
        Ok(Self { primary, life, signs, name, subkeys })
    }

    fn keys(&self, checks: &mut usize) -> Result<Vec<SigningKey>, String> {
        let no = |why: &str| Failure::Unsupported(why.into());
        let named = |fingerprint, key, lives| SigningKey { fingerprint, key, lives, name: self.name.clone() };
        let whole = self.signs.as_ref().map_err(Clone::clone);
        let key = match &whole {
            Ok(true) => self.primary.key.clone(),
            Ok(false) => Err(no("a key that may not sign")),
            Err(doubt) => Err(doubt.clone()),
        };
        let mut keys = vec![named(self.primary.fingerprint, key, vec![self.life.clone()])];
        for part in &self.subkeys {
            // A subkey of a kind that is not read spoils nothing: most are for encryption.
            let Ok(subkey) = Key::read(part.packet.body) else { continue };
            let (own, sub) = (self.primary.framed(), subkey.framed());
            let (mut latest, mut doubt, mut revoked) = (None, None, None);
            for signature in &part.signatures {
                let signed: [&[u8]; 2] = [&own, &sub];
                match signature.kind {
                    SUBKEY_BINDING => self.primary.says(signature, &signed, &mut latest, &mut doubt, checks)?,
                    SUBKEY_REVOCATION => revoked = self.primary.revocation(signature, &signed, revoked, checks)?,
                    _ => {}
                }
            }
            let key = match (&whole, latest) {
                (Err(doubt), _) => Err(doubt.clone()),
                (_, None) => Err(doubt.unwrap_or_else(|| no("a subkey that its primary key never signed"))),
                (_, Some(binding)) if binding.flags.is_none_or(|flags| flags & MAY_SIGN == 0) => {
                    Err(no("a subkey that may not sign"))
                }
                (_, Some(binding)) if !subkey.agrees(binding, &[&own, &sub]) => {
                    Err(no("a subkey that does not say whose it is"))
                }
                (_, Some(_)) => subkey.key.clone(),
            };
            let life = Life { revoked, ..subkey.life(latest) };
            keys.push(named(subkey.fingerprint, key, vec![self.life.clone(), life]));
        }
        Ok(keys)
    }
}

impl<'a> Key<'a> {
    fn read(body: &'a [u8]) -> Result<Self, String> {
        let version = body.first().copied().unwrap_or_default();
        if version != 4 {
            return Err(format!("has an OpenPGP key of version {version}; version 4 is read"));
        }
        let cut = || "has an OpenPGP key that is cut off".to_owned();
        let (head, material) = body.split_at_checked(6).ok_or_else(cut)?;
        let created = i64::try_from(number(&head[1..5])).unwrap_or_default();
        let mut key = Self { body, fingerprint: [0; 20], created, key: public_key(head[5], material).ok_or_else(cut)? };
        key.fingerprint = sha1(&key.framed());
        Ok(key)
    }

    /// As it is signed.
    fn framed(&self) -> Vec<u8> {
        let length = u16::try_from(self.body.len()).unwrap_or_default().to_be_bytes();
        [&[0x99], &length[..], self.body].concat()
    }

    /// Whether this key made that signature of it. Those of others are not even tried.
    fn made(
        &self,
        signature: &Signature<'_>,
        signed: &[&[u8]],
        checks: &mut usize,
    ) -> Result<Result<(), Failure>, String> {
        if !signature.is_by(&self.fingerprint) {
            return Ok(Err(Failure::Mismatch));
        }
        *checks = checks.checked_sub(1).ok_or("has too many signatures")?;
        Ok(self.key.as_ref().map_err(Clone::clone).and_then(|key| signature.verify(key, signed)))
    }

    /// Takes what the key's owner says, if it is the latest.
    fn says<'s>(
        &self,
        signature: &'s Signature<'s>,
        signed: &[&[u8]],
        latest: &mut Option<&'s Signature<'s>>,
        doubt: &mut Option<Failure>,
        checks: &mut usize,
    ) -> Result<(), String> {
        match self.made(signature, signed, checks)? {
            Ok(()) if latest.is_none_or(|latest| signature.created > latest.created) => *latest = Some(signature),
            Ok(()) | Err(Failure::Mismatch) => {}
            Err(other) => *doubt = Some(other),
        }
        Ok(())
    }

    /// The earlier of two revocations, the hard before the gentle. One that cannot be verified for its method counts: what is
    /// in doubt is not trusted.
    fn revocation(
        &self,
        signature: &Signature<'_>,
        signed: &[&[u8]],
        before: Option<Revocation>,
        checks: &mut usize,
    ) -> Result<Option<Revocation>, String> {
        if self.made(signature, signed, checks)? == Err(Failure::Mismatch) {
            return Ok(before);
        }
        let (gently, why) = match signature.why {
            Some(1) => (true, "was replaced by another"),
            Some(3) => (true, "is no longer in use"),
            Some(2) => (false, "was revoked as compromised"),
            _ => (false, "was revoked"),
        };
        let new = Revocation { at: signature.created, gently, why };
        let worse = |old: &Revocation| (old.gently, old.at) <= (new.gently, new.at);
        Ok(before.filter(worse).or(Some(new.clone())))
    }

    /// When it is valid, by what its owner says.
    fn life(&self, said: Option<&Signature<'_>>) -> Life {
        let key = said.and_then(|said| said.key_lasts).map(|seconds| self.created + seconds);
        let word = said.and_then(|said| Some(said.created + said.lasts?));
        Life { begins: self.created, ends: key.into_iter().chain(word).min(), revoked: None }
    }

    /// Whether a subkey says itself whose it is. Else anybody could call it theirs.
    fn agrees(&self, binding: &Signature<'_>, signed: &[&[u8]]) -> bool {
        let Some(embedded) = binding.embedded.and_then(|bytes| Signature::read(bytes).ok()) else { return false };
        embedded.kind == PRIMARY_BINDING && self.key.as_ref().is_ok_and(|key| embedded.verify(key, signed).is_ok())
    }
}

impl SigningKey {
    /// Judges a signature that names this key.
    pub(super) fn judge(&self, signature: &Signature<'_>, payload: &[u8], now: i64) -> Result<Signer, Refusal> {
        let fingerprint = data_encoding::HEXUPPER.encode(&self.fingerprint);
        let key = Signer { fingerprint, name: self.name.clone() };
        let public = self.key.clone().map_err(|failure| match failure {
            Failure::Weak(why) => Refusal::Weak(format!("{why}, of the key {key}")),
            Failure::Unsupported(why) => Refusal::Unsupported(format!("{why}, {key}")),
            Failure::Mismatch => Refusal::from(Failure::Mismatch),
        })?;
        // Before anything that it says is believed.
        signature.verify(&public, &[payload])?;
        let made = signature.created;
        for revoked in self.lives.iter().filter_map(|life| life.revoked.as_ref()) {
            if !revoked.gently || made >= revoked.at {
                let why = format!("{} at {}", revoked.why, date(revoked.at));
                return Err(Refusal::Revoked { key, why });
            }
        }
        let ended = signature.lasts.map(|seconds| made + seconds).filter(|ends| now >= *ends);
        let why = if made > now + AHEAD {
            Some(format!("that was made in the future, at {}", date(made)))
        } else if let Some(ended) = ended {
            Some(format!("the signature ended at {}", date(ended)))
        } else {
            self.lives.iter().find_map(|life| life.refuses(made))
        };
        why.map_or(Ok(key.clone()), |why| Err(Refusal::Expired { key, why }))
    }
}

impl Life {
    fn refuses(&self, made: i64) -> Option<String> {
        if made < self.begins {
            return Some(format!("the key is younger: it was made at {}", date(self.begins)));
        }
        let ends = self.ends.filter(|ends| made >= *ends)?;
        Some(format!("the key ended at {}, earlier than the signature of {}", date(ends), date(made)))
    }
}

/// A key's numbers. None: they are cut off.
fn public_key(algorithm: u8, material: &[u8]) -> Option<Result<PublicKey, Failure>> {
    let unsupported = |what: String| Some(Err(Failure::Unsupported(what)));
    match algorithm {
        1 | 3 => {
            let (n, rest) = mpi(material)?;
            let (e, _) = mpi(rest)?;
            Some(PublicKey::rsa(n, e))
        }
        17 => Some(Err(Failure::Weak("DSA".into()))),
        19 | 22 => {
            let (length, rest) = material.split_first()?;
            let (curve, rest) = rest.split_at_checked(usize::from(*length))?;
            let (point, _) = mpi(rest)?;
            match (algorithm, curve, point) {
                (22, [0x2b, 6, 1, 4, 1, 0xda, 0x47, 0x0f, 1], [0x40, point @ ..]) => {
                    Some(Ok(PublicKey::Ed25519(point.to_vec())))
                }
                (19, [0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7], point) => Some(Ok(PublicKey::P256(point.to_vec()))),
                (19, [0x2b, 0x81, 4, 0, 0x22], point) => Some(Ok(PublicKey::P384(point.to_vec()))),
                _ => unsupported("a key on another curve than Ed25519, P-256 and P-384".into()),
            }
        }
        27 => Some(Ok(PublicKey::Ed25519(material.get(..32)?.to_vec()))),
        other => unsupported(format!("an OpenPGP key of the kind {other}")),
    }
}
