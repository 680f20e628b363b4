//! What the Secret of a target has, checked once. Nothing of it is ever printed: it has no `Debug`, and no error has a value.

use std::collections::BTreeMap;

use super::letter::Fault;

/// Bytes of one value, a bundle of certificates aside.
const WORD: usize = 16 << 10;

/// What a Secret has for a target.
#[derive(Default, Clone)]
pub struct Credentials {
    /// The address, where that is a secret itself.
    pub address: Option<String>,
    /// Value of the header `Authorization`, or of a forge's own.
    pub token: Option<String>,
    /// Name and password.
    pub basic: Option<(String, String)>,
    /// What messages are signed with.
    pub hmac_key: Option<Vec<u8>>,
    /// Certificates that are trusted beside the system's, as PEM.
    pub ca: Option<Vec<u8>>,
}

impl Credentials {
    /// Reads a Secret.
    pub fn of(data: &BTreeMap<String, Vec<u8>>) -> Result<Self, Fault> {
        let user = word(data, "username")?;
        let basic = match (user, word(data, "password")?) {
            (Some(user), Some(_)) if user.contains(':') => return Err(Fault::key("username", "it has a colon")),
            (Some(user), Some(password)) => Some((user, password)),
            (None, None) => None,
            (Some(_), None) => return Err(Fault::key("password", "it is missing; username goes with it")),
            (None, Some(_)) => return Err(Fault::key("username", "it is missing; password goes with it")),
        };
        let address = match word(data, "address")? {
            Some(address) if !is_address(&address) => {
                return Err(Fault::key("address", "it is no https:// or http:// address without credentials in it"));
            }
            address => address,
        };
        let bytes = |key: &str| data.get(key).filter(|value| !value.is_empty()).cloned();
        let hmac_key = word(data, "hmacKey")?.map(String::into_bytes);
        Ok(Self { address, token: word(data, "token")?, basic, hmac_key, ca: bytes("ca.crt") })
    }
}

/// Whether an address can be called. It may have its secret in its path.
fn is_address(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| {
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        !host.is_empty() && !host.contains('@') && !text.contains(['#', ' '])
    })
}

/// One line of text. The line break that `echo` and editors leave at its end is none of it.
fn word(data: &BTreeMap<String, Vec<u8>>, key: &'static str) -> Result<Option<String>, Fault> {
    let Some(bytes) = data.get(key).filter(|value| !value.is_empty()) else { return Ok(None) };
    let text = std::str::from_utf8(bytes).map_err(|_| Fault::key(key, "it is no text"))?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.len() > WORD {
        return Err(Fault::key(key, "it is longer than 16 KiB"));
    }
    if text.chars().any(char::is_control) {
        return Err(Fault::key(key, "it has line breaks or other control characters"));
    }
    Ok(Some(text.to_owned()).filter(|text| !text.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the Secret is refused for.
    fn fault(entries: &[(&str, &str)]) -> Option<String> {
        let data = entries.iter().map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_vec())).collect();
        Credentials::of(&data).err().map(|fault| fault.to_string())
    }

    #[test]
    fn a_secret_is_read_or_refused_without_a_word_of_it() {
        let check = |entries: &[(&str, &str)], expected: Option<&str>| {
            let found = fault(entries);
            assert_eq!(found.is_some(), expected.is_some(), "{found:?}");
            let said = found.unwrap_or_default();
            assert!(expected.is_none_or(|key| said.contains(key)) && !said.contains("c4nary"), "{said}");
        };
        check(&[], None);
        check(&[("address", "https://hooks.example.com/c4nary\n"), ("unknown", "x")], None);
        check(&[("username", "a"), ("password", "b")], None);
        check(&[("token", "c4nary\nx")], Some("token"));
        check(&[("username", "c4nary:x"), ("password", "b")], Some("username"));
        check(&[("password", "c4nary")], Some("username"));
        for bad in ["c4nary", "ftp://c4nary", "https://c4nary@host/", "https:///c4nary", "https://h/ c4nary"] {
            check(&[("address", bad)], Some("address"));
        }
    }
}
