//! One signature packet. Only what is signed itself counts; what stands beside it may name the key to try, no more.

use super::packet::{length, mpi, number};
use crate::signature::Failure;
use crate::signature::crypto::{Hash, Numbers, PublicKey};

/// Of bytes as they are: what Git has made.
pub(super) const BINARY: u8 = 0x00;
/// Of a name, by any degree of care.
pub(super) const CERTIFICATIONS: std::ops::RangeInclusive<u8> = 0x10..=0x13;
/// Of a subkey, by the primary key.
pub(super) const SUBKEY_BINDING: u8 = 0x18;
/// Of the primary key, by a subkey that signs: it cannot be claimed by another.
pub(super) const PRIMARY_BINDING: u8 = 0x19;
/// Of a key alone.
pub(super) const DIRECT: u8 = 0x1f;
/// Takes back a key.
pub(super) const KEY_REVOCATION: u8 = 0x20;
/// Takes back a subkey.
pub(super) const SUBKEY_REVOCATION: u8 = 0x28;
/// Takes back a certification.
pub(super) const CERTIFICATION_REVOCATION: u8 = 0x30;

/// Flag of a key that may sign.
pub(super) const MAY_SIGN: u8 = 0x02;

/// A signature of version 4.
#[derive(Debug, Clone)]
pub(super) struct Signature<'a> {
    pub kind: u8,
    algorithm: u8,
    hash: u8,
    /// From the version to the end of what is signed of it.
    hashed: &'a [u8],
    material: &'a [u8],
    /// When it was made.
    pub created: i64,
    /// Seconds from then on until it ends.
    pub lasts: Option<i64>,
    /// Seconds from the key's creation until it ends.
    pub key_lasts: Option<i64>,
    /// What the key may do.
    pub flags: Option<u8>,
    /// Why something is taken back.
    pub why: Option<u8>,
    /// A signature by the subkey that this one is of.
    pub embedded: Option<&'a [u8]>,
    fingerprint: Option<[u8; 20]>,
    key_id: Option<[u8; 8]>,
}

impl<'a> Signature<'a> {
    /// Reads one.
    pub fn read(body: &'a [u8]) -> Result<Self, Failure> {
        let version = body.first().copied().unwrap_or_default();
        if version != 4 {
            return Err(Failure::Unsupported(format!("an OpenPGP signature of version {version}")));
        }
        Self::parse(body)?.ok_or_else(|| Failure::Unsupported("an OpenPGP signature that is cut off".into()))
    }

    fn parse(body: &'a [u8]) -> Result<Option<Self>, Failure> {
        let Some(&[_, kind, algorithm, hash, high, low]) = body.get(..6) else { return Ok(None) };
        let end = 6 + number(&[high, low]);
        let Some((hashed, rest)) = body.split_at_checked(end) else { return Ok(None) };
        let Some((octets, rest)) = rest.split_at_checked(2) else { return Ok(None) };
        let Some((beside, rest)) = rest.split_at_checked(number(octets)) else { return Ok(None) };
        let Some(material) = rest.get(2..) else { return Ok(None) };
        let mut signature = Self {
            kind,
            algorithm,
            hash,
            hashed,
            material,
            created: 0,
            lasts: None,
            key_lasts: None,
            flags: None,
            why: None,
            embedded: None,
            fingerprint: None,
            key_id: None,
        };
        let mut dated = false;
        let Some(subpackets) = subpackets(&hashed[6..]) else { return Ok(None) };
        for (kind, body) in subpackets {
            dated |= kind & 0x7f == 2;
            signature.take(kind, body)?;
        }
        let Some(beside) = self::subpackets(beside) else { return Ok(None) };
        for (kind, body) in beside {
            signature.hint(kind & 0x7f, body);
        }
        if !dated {
            return Err(Failure::Unsupported("an OpenPGP signature without a time".into()));
        }
        Ok(Some(signature))
    }

    /// What is signed itself.
    fn take(&mut self, kind: u8, body: &'a [u8]) -> Result<(), Failure> {
        let seconds = || i64::try_from(number(body.get(..4).unwrap_or_default())).unwrap_or(0);
        match kind & 0x7f {
            2 => self.created = seconds(),
            3 => self.lasts = Some(seconds()).filter(|seconds| *seconds > 0),
            9 => self.key_lasts = Some(seconds()).filter(|seconds| *seconds > 0),
            27 => self.flags = body.first().copied(),
            29 => self.why = body.first().copied(),
            known @ (16 | 32 | 33) => self.hint(known, body),
            // What others may do with the key, and what its owner prefers: nothing of it restricts a signature.
            4..=7 | 11 | 12 | 21..=26 | 28 | 30 | 31 | 34 | 35 | 39 => {}
            20 if kind < 0x80 => {}
            other if kind >= 0x80 => {
                return Err(Failure::Unsupported(format!("an OpenPGP signature with the unknown condition {other}")));
            }
            _ => {}
        }
        Ok(())
    }

    /// Which key to try, and what proves itself.
    fn hint(&mut self, kind: u8, body: &'a [u8]) {
        match (kind, body) {
            (16, id) => self.key_id = self.key_id.or(id.try_into().ok()),
            (33, [4, fingerprint @ ..]) => self.fingerprint = self.fingerprint.or(fingerprint.try_into().ok()),
            (32, embedded) => self.embedded = self.embedded.or(Some(embedded)),
            _ => {}
        }
    }

    /// The name of the key that is said to have made it.
    pub fn issuer(&self) -> Option<String> {
        let hex = |bytes: &[u8]| data_encoding::HEXUPPER.encode(bytes);
        self.fingerprint.map(|name| hex(&name)).or(self.key_id.map(|id| hex(&id)))
    }

    /// Whether it may be by the key of that name.
    pub fn is_by(&self, name: &[u8; 20]) -> bool {
        match (&self.fingerprint, &self.key_id) {
            (Some(fingerprint), _) => fingerprint == name,
            (None, Some(id)) => name.ends_with(id),
            (None, None) => true,
        }
    }

    /// Whether it is by this key and of these bytes.
    pub fn verify(&self, key: &PublicKey, parts: &[&[u8]]) -> Result<(), Failure> {
        let hash = match self.hash {
            8 => Hash::Sha256,
            9 => Hash::Sha384,
            10 => Hash::Sha512,
            1 => return Err(Failure::Weak("MD5".into())),
            2 => return Err(Failure::Weak("SHA-1".into())),
            3 => return Err(Failure::Weak("RIPEMD-160".into())),
            other => return Err(Failure::Unsupported(format!("the OpenPGP digest {other}"))),
        };
        let length = u32::try_from(self.hashed.len()).unwrap_or_default().to_be_bytes();
        let message = [&parts.concat(), self.hashed, &[4, 0xff], &length[..]].concat();
        let cut = || Failure::Mismatch;
        match (self.algorithm, key) {
            (1 | 3, PublicKey::Rsa { .. }) => {
                let (number, _) = mpi(self.material).ok_or_else(cut)?;
                key.verify(hash, &message, &Numbers::One(number))
            }
            (19, PublicKey::P256(_) | PublicKey::P384(_)) => {
                let (r, rest) = mpi(self.material).ok_or_else(cut)?;
                let (s, _) = mpi(rest).ok_or_else(cut)?;
                key.verify(hash, &message, &Numbers::Two(r, s))
            }
            // Here it is the digest that is signed.
            (22, PublicKey::Ed25519(_)) => {
                let (r, rest) = mpi(self.material).ok_or_else(cut)?;
                let (s, _) = mpi(rest).ok_or_else(cut)?;
                key.verify(hash, &hash.digest(&message), &Numbers::Two(r, s))
            }
            (27, PublicKey::Ed25519(_)) => {
                let (r, s) = self.material.split_at_checked(32).ok_or_else(cut)?;
                key.verify(hash, &hash.digest(&message), &Numbers::Two(r, s))
            }
            _ => Err(Failure::Mismatch),
        }
    }
}

fn subpackets(mut bytes: &[u8]) -> Option<Vec<(u8, &[u8])>> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        // Two octets of length begin at 192 here, too; what is a part elsewhere is a length here.
        let (octets, rest) = match bytes {
            [first @ 192..=254, second, rest @ ..] => {
                ((usize::from(*first) - 192) * 256 + usize::from(*second) + 192, rest)
            }
            _ => length(bytes)?,
        };
        let (body, rest) = rest.split_at_checked(octets)?;
        let (kind, body) = body.split_first()?;
        found.push((*kind, body));
        bytes = rest;
    }
    Some(found)
}
