//! Public keys and what is verified with them, by ring. What is weak is named here, once for both formats.

use std::fmt;

use ring::digest;
use ring::signature as by;
use ring::signature::{RsaPublicKeyComponents, UnparsedPublicKey};

use super::Failure;

/// The smallest RSA key that is not weak, and the largest that is read, in bits.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// A public key.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum PublicKey {
    /// Modulus and exponent, without leading zeros.
    Rsa { n: Vec<u8>, e: Vec<u8> },
    /// The point.
    Ed25519(Vec<u8>),
    /// The uncompressed point.
    P256(Vec<u8>),
    /// The uncompressed point.
    P384(Vec<u8>),
}

/// How a message was hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

/// A signature's numbers.
pub(super) enum Numbers<'a> {
    /// Of RSA.
    One(&'a [u8]),
    /// Of ECDSA: r and s. Of Ed25519: both halves.
    Two(&'a [u8], &'a [u8]),
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Hash {
    /// The digest.
    pub fn digest(self, message: &[u8]) -> Vec<u8> {
        let algorithm = match self {
            Self::Sha256 => &digest::SHA256,
            Self::Sha384 => &digest::SHA384,
            Self::Sha512 => &digest::SHA512,
        };
        digest::digest(algorithm, message).as_ref().to_vec()
    }
}

/// The name of an OpenPGP key of version 4 is a SHA-1 digest. Nothing but the name rests on it.
pub(super) fn sha1(bytes: &[u8]) -> [u8; 20] {
    let mut name = [0; 20];
    name.copy_from_slice(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, bytes).as_ref());
    name
}

impl PublicKey {
    /// An RSA key that is neither weak nor endless.
    pub fn rsa(n: &[u8], e: &[u8]) -> Result<Self, Failure> {
        let (n, e) = (stripped(n), stripped(e));
        let bits = n.len() * 8 - n.first().map_or(0, |first| first.leading_zeros() as usize);
        if bits < *RSA_BITS.start() {
            return Err(Failure::Weak(format!("an RSA key of {bits} bits")));
        }
        if bits > *RSA_BITS.end() {
            return Err(Failure::Unsupported(format!("an RSA key of {bits} bits")));
        }
        Ok(Self::Rsa { n: n.to_vec(), e: e.to_vec() })
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Rsa { .. } => "RSA",
            Self::Ed25519(_) => "Ed25519",
            Self::P256(_) => "ECDSA P-256",
            Self::P384(_) => "ECDSA P-384",
        }
    }

    /// Whether the message was signed by this key. Ed25519 signs just these bytes: whoever hashes first does so before.
    pub fn verify(&self, hash: Hash, message: &[u8], numbers: &Numbers<'_>) -> Result<(), Failure> {
        let verified = match (self, numbers) {
            (Self::Rsa { n, e }, Numbers::One(number)) => {
                let parameters = match hash {
                    Hash::Sha256 => &by::RSA_PKCS1_2048_8192_SHA256,
                    Hash::Sha384 => &by::RSA_PKCS1_2048_8192_SHA384,
                    Hash::Sha512 => &by::RSA_PKCS1_2048_8192_SHA512,
                };
                let number = padded(number, n.len()).ok_or(Failure::Mismatch)?;
                RsaPublicKeyComponents { n, e }.verify(parameters, message, &number)
            }
            (Self::Ed25519(point), Numbers::Two(r, s)) => {
                let (Some(r), Some(s)) = (padded(r, 32), padded(s, 32)) else { return Err(Failure::Mismatch) };
                UnparsedPublicKey::new(&by::ED25519, point).verify(message, &[r, s].concat())
            }
            (Self::P256(point), Numbers::Two(r, s)) => {
                let algorithm = match hash {
                    Hash::Sha256 => &by::ECDSA_P256_SHA256_ASN1,
                    Hash::Sha384 => &by::ECDSA_P256_SHA384_ASN1,
                    Hash::Sha512 => return Err(Failure::Unsupported("ECDSA P-256 with SHA-512".into())),
                };
                UnparsedPublicKey::new(algorithm, point).verify(message, &der(r, s)?)
            }
            (Self::P384(point), Numbers::Two(r, s)) => {
                let algorithm = match hash {
                    Hash::Sha256 => &by::ECDSA_P384_SHA256_ASN1,
                    Hash::Sha384 => &by::ECDSA_P384_SHA384_ASN1,
                    Hash::Sha512 => return Err(Failure::Unsupported("ECDSA P-384 with SHA-512".into())),
                };
                UnparsedPublicKey::new(algorithm, point).verify(message, &der(r, s)?)
            }
            (Self::Rsa { .. }, Numbers::Two(..)) | (_, Numbers::One(_)) => return Err(Failure::Mismatch),
        };
        verified.map_err(|_| Failure::Mismatch)
    }
}

fn stripped(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    &number[zeros..]
}

/// A number with just that many bytes, if it fits.
fn padded(number: &[u8], length: usize) -> Option<Vec<u8>> {
    let number = stripped(number);
    let zeros = length.checked_sub(number.len())?;
    Some([&vec![0; zeros], number].concat())
}

/// Two numbers as ASN.1 has them. No curve has numbers of more than 66 bytes.
fn der(r: &[u8], s: &[u8]) -> Result<Vec<u8>, Failure> {
    let mut inside = Vec::new();
    for number in [r, s] {
        let number = stripped(number);
        if number.is_empty() || number.len() > 48 {
            return Err(Failure::Mismatch);
        }
        let sign = usize::from(number[0] >= 0x80);
        inside.extend([2, (number.len() + sign) as u8]);
        inside.extend(std::iter::repeat_n(0, sign).chain(number.iter().copied()));
    }
    // Two numbers of at most 49 bytes: a short length is enough.
    Ok([&[0x30, inside.len() as u8][..], &inside].concat())
}
