//! Proof that a delivery was sent by somebody who knows the token: HMAC-SHA256 over the raw body.

use std::fmt;

use data_encoding::HEXLOWER_PERMISSIVE;
use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use sha2::Sha256;

/// Bytes of a SHA-256 digest.
const DIGEST: usize = 32;
/// The header that GitHub, Gitea and Forgejo send.
const HEADER: &str = "x-hub-signature-256";

/// A shared secret. Its value is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(Box<[u8]>);

impl Token {
    /// The token in these bytes, without the line break that an editor put at their end.
    /// None where nothing is left: everybody can sign with an empty token.
    pub fn new(bytes: impl AsRef<[u8]>) -> Option<Self> {
        let bytes = bytes.as_ref();
        let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
        (!bytes.is_empty()).then(|| Self(bytes.into()))
    }

    /// A token that nobody knows, to spend the same work on a GitSync that has none.
    pub(super) fn decoy() -> Self {
        Self(Box::new(std::array::from_fn::<u8, DIGEST, _>(|_| fastrand::u8(..))))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// A signature as it was sent: well formed, and not yet compared with anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Signature([u8; DIGEST]);

impl Signature {
    /// The request's one signature; none where it is missing, sent twice or malformed.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(HEADER).iter();
        match (values.next(), values.next()) {
            (Some(value), None) => Self::parse(value.as_bytes()),
            _ => None,
        }
    }

    fn parse(value: &[u8]) -> Option<Self> {
        let hex = value.strip_prefix(b"sha256=")?;
        let bytes = HEXLOWER_PERMISSIVE.decode(hex).ok()?;
        bytes.try_into().ok().map(Self)
    }

    /// Whether one of the tokens made this signature of that body. Compares in constant time and tries every token,
    /// so that the time taken tells neither how much matched nor which token did.
    pub(super) fn is_of(&self, body: &[u8], tokens: &[Token]) -> bool {
        tokens.iter().fold(false, |found, token| self.is_by(body, token) | found)
    }

    fn is_by(&self, body: &[u8], token: &Token) -> bool {
        Hmac::<Sha256>::new_from_slice(&token.0).is_ok_and(|mac| mac.chain_update(body).verify_slice(&self.0).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231, test case 2: key "Jefe", data "what do ya want for nothing?".
    const RFC: &str = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    const RFC_BODY: &[u8] = b"what do ya want for nothing?";

    fn token(text: &str) -> Token {
        Token::new(text).unwrap()
    }

    #[test]
    fn a_signature_is_read_strictly() {
        let upper = RFC.to_uppercase();
        for (value, well_formed) in [
            (format!("sha256={RFC}"), true),
            (format!("sha256={upper}"), true),
            (RFC.to_owned(), false),
            (format!("SHA256={RFC}"), false),
            (format!("sha1={RFC}"), false),
            (format!("sha256= {RFC}"), false),
            (format!("sha256={RFC}00"), false),
            (format!("sha256={}", &RFC[2..]), false),
            (format!("sha256={}", &RFC[1..]), false),
            (format!("sha256={}zz", &RFC[2..]), false),
            ("sha256=".to_owned(), false),
            (String::new(), false),
        ] {
            assert_eq!(Signature::parse(value.as_bytes()).is_some(), well_formed, "{value}");
        }
    }

    #[test]
    fn two_signatures_are_none() {
        let mut headers = HeaderMap::new();
        assert_eq!(Signature::of(&headers), None);
        headers.append(HEADER, format!("sha256={RFC}").parse().unwrap());
        assert!(Signature::of(&headers).is_some());
        headers.append(HEADER, format!("sha256={RFC}").parse().unwrap());
        assert_eq!(Signature::of(&headers), None);
    }

    #[test]
    fn a_signature_is_of_one_body_and_one_token() {
        let signature = Signature::parse(format!("sha256={RFC}").as_bytes()).unwrap();
        for (body, tokens, genuine) in [
            (RFC_BODY, vec![token("Jefe")], true),
            (RFC_BODY, vec![token("old"), token("Jefe")], true),
            (RFC_BODY, vec![token("Jefe"), token("new")], true),
            (RFC_BODY, vec![token("jefe")], false),
            (RFC_BODY, vec![], false),
            (b"what do ya want for nothing".as_slice(), vec![token("Jefe")], false),
            (b"", vec![token("Jefe")], false),
        ] {
            assert_eq!(signature.is_of(body, &tokens), genuine, "{body:?} by {tokens:?}");
        }
    }

    #[test]
    fn a_token_loses_its_last_line_break_and_is_never_empty() {
        assert_eq!(token("abc\n"), token("abc"));
        assert_eq!(token("abc\r\n"), token("abc"));
        assert_ne!(token("abc\n\n"), token("abc"));
        assert_ne!(token("abc "), token("abc"));
        for empty in ["", "\n", "\r\n"] {
            assert_eq!(Token::new(empty), None);
        }
    }

    #[test]
    fn a_token_prints_nothing_and_a_decoy_is_new_each_time() {
        assert_eq!(format!("{:?}", token("hunter2")), "Token(…)");
        assert_ne!(Token::decoy(), Token::decoy());
    }
}
