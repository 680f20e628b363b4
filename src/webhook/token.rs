//! The secret that a forge and a GitSync share.

use std::fmt;

use data_encoding::BASE64;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// What a token of the Standard Webhooks specification begins with.
const STANDARD: &[u8] = b"whsec_";

/// A shared secret. Its value is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(Box<[u8]>);

impl Token {
    /// The token in these bytes, without the line break that an editor put at their end.
    /// None where nothing is left, or nothing behind `whsec_`: everybody can sign with an empty key.
    pub fn new(bytes: impl AsRef<[u8]>) -> Option<Self> {
        let bytes = bytes.as_ref();
        let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        (!bytes.is_empty() && bytes != STANDARD).then(|| Self(bytes.into()))
    }

    /// The bytes, to be sent or to sign with; never to be printed.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether it is one of the Standard Webhooks specification, which GitLab calls a signing token.
    pub(super) fn is_standard(&self) -> bool {
        self.0.starts_with(STANDARD)
    }

    /// The key of a signature by the Standard Webhooks specification: the bytes that stand behind `whsec_` in base64. What
    /// is not written so signs as it is.
    pub(super) fn standard_key(&self) -> Vec<u8> {
        let encoded = self.0.strip_prefix(STANDARD);
        encoded.and_then(|encoded| BASE64.decode(encoded).ok()).unwrap_or_else(|| self.0.to_vec())
    }

    /// Whether these bytes are the token. The time that it takes depends on neither.
    pub(super) fn is(&self, bytes: &[u8]) -> bool {
        let keyed = |message: &[u8]| Hmac::<Sha256>::new_from_slice(STANDARD).map(|mac| mac.chain_update(message));
        match (keyed(&self.0), keyed(bytes)) {
            (Ok(own), Ok(other)) => own.verify(&other.finalize().into_bytes()).is_ok(),
            _ => false,
        }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(text: &str) -> Token {
        Token::new(text).unwrap()
    }

    #[test]
    fn a_token_loses_its_last_line_break_and_is_never_empty() {
        assert_eq!(token("abc\n"), token("abc"));
        assert_eq!(token("abc\r\n"), token("abc"));
        assert_ne!(token("abc\n\n"), token("abc"));
        assert_ne!(token("abc "), token("abc"));
        for empty in ["", "\n", "\r\n", "whsec_", "whsec_\n"] {
            assert_eq!(Token::new(empty), None);
        }
    }

    #[test]
    fn a_token_prints_nothing() {
        assert_eq!(format!("{:?}", token("hunter2")), "Token(…)");
    }

    #[test]
    fn a_token_is_itself_alone() {
        for (own, other, same) in
            [("abc", "abc", true), ("abc", "abd", false), ("abc", "", false), ("abc", "abcd", false)]
        {
            assert_eq!(token(own).is(other.as_bytes()), same, "{own} {other}");
        }
    }

    #[test]
    fn what_stands_behind_whsec_is_a_key_in_base64() {
        assert_eq!(token("whsec_YWJj").standard_key(), b"abc");
        for plain in ["abc", "whsec_a b", "YWJj"] {
            assert_eq!(token(plain).standard_key(), plain.as_bytes());
        }
    }
}
