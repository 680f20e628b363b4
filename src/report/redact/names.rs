//! Names that say that their value is secret.

/// Parts of such names, in lower case and with underscores.
const WORDS: [&str; 19] = [
    "pass",
    "pwd",
    "secret",
    "token",
    "apikey",
    "api_key",
    "access_key",
    "account_key",
    "encrypt",
    "credential",
    "private",
    "auth",
    "dsn",
    "salt",
    "jwt",
    "cookie",
    "webhook",
    "connection_string",
    "signing",
];

/// Whether a name says that its value is secret: that of a variable, a header, an annotation, a key in a text.
pub(super) fn is_secret(name: &str, value: &str) -> bool {
    let name = name.to_ascii_lowercase().replace(['-', '.'], "_");
    // Where a secret is, is none.
    let place = ["_file", "_path", "_dir"].iter().any(|end| name.ends_with(end)) && value.starts_with('/');
    // Who wrote it is no secret either, and who is authorised is one.
    let name = name.replace("authoriz", "auth").replace("authoris", "auth").replace("author", "");
    !place && !is_reference(value) && WORDS.iter().any(|word| name.contains(word))
}

/// Whether an item of a command line says that the next one is secret: `--token`, `-password`.
pub(super) fn is_flag(item: &str, value: &str) -> bool {
    item.starts_with('-') && !item.contains(['=', ':', ' ']) && is_secret(item, value)
}

/// `$(DB_PASSWORD)` and `${DB_PASSWORD}` name a secret and do not tell it.
fn is_reference(value: &str) -> bool {
    let inner = value.strip_prefix("$(").and_then(|rest| rest.strip_suffix(')'));
    let inner = inner.or_else(|| value.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')));
    inner.is_some_and(|name| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'))
}
