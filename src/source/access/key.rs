//! Keys for ssh. A passphrase is taken off here, in memory: OpenSSH takes one only from a terminal or from a program, and a
//! program would have it in its arguments, its environment or a file.

use ssh_key::{Kdf, LineEnding, PrivateKey};

use super::{Hidden, Keys, SecretFault, SshAccess, malformed, missing};

const IDENTITY: &str = "identity";
const KNOWN_HOSTS: &str = "known_hosts";
const PASSPHRASE: &str = "password";
/// How much work a passphrase may be; `ssh-keygen` asks for 16 or 24 of these.
const MAX_ROUNDS: u32 = 512;
/// No list of hosts is longer.
const MAX_FILE: usize = 1 << 20;

pub(super) fn ssh(secret: Keys<'_>) -> Result<SshAccess, SecretFault> {
    let identity = secret.bytes(IDENTITY).ok_or_else(|| missing(IDENTITY, "the private key, which ssh needs"))?;
    let known_hosts = secret.bytes(KNOWN_HOSTS).ok_or_else(|| {
        let why = "without it anybody could answer in the server's place; compare what `ssh-keyscan HOST` prints with what \
                   the server's owner publishes, and put it there";
        missing(KNOWN_HOSTS, why)
    })?;
    let identity = text(IDENTITY, identity)?;
    let identity = without_passphrase(identity, secret.word(PASSPHRASE)?)?;
    let known_hosts = text(KNOWN_HOSTS, known_hosts)?;
    if !known_hosts.lines().any(is_host) {
        return Err(malformed(KNOWN_HOSTS, "it has no line with a host, the kind of a key and the key"));
    }
    Ok(SshAccess { identity: Hidden(identity.into_bytes()), known_hosts: Hidden(known_hosts.into_bytes()) })
}

/// Text with one line break at its end, as OpenSSH wants it.
fn text(key: &'static str, bytes: &[u8]) -> Result<String, SecretFault> {
    if bytes.len() > MAX_FILE {
        return Err(malformed(key, "it is longer than 1 MiB"));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| malformed(key, "it is not UTF-8 text"))?;
    if text.contains('\0') {
        return Err(malformed(key, "it has NUL characters"));
    }
    let lines: Vec<&str> = text.trim().lines().map(str::trim_end).collect();
    Ok(lines.join("\n") + "\n")
}

fn is_host(line: &str) -> bool {
    !line.trim_start().starts_with('#') && line.split_whitespace().count() >= 3
}

/// The same key, which asks for nothing.
fn without_passphrase(identity: String, passphrase: Option<&str>) -> Result<String, SecretFault> {
    let refused = |why: &str| Err(malformed(IDENTITY, why));
    let first = identity.lines().next().unwrap_or_default();
    if !first.starts_with("-----BEGIN ") || !first.contains("PRIVATE KEY") {
        return refused(
            "it is no private key; it begins with -----BEGIN OPENSSH PRIVATE KEY-----, or another kind of key",
        );
    }
    if !first.contains("OPENSSH") {
        let locked =
            first.contains("ENCRYPTED") || identity.lines().nth(1).is_some_and(|line| line.contains("ENCRYPTED"));
        return if locked {
            refused("it has a passphrase in an old format; rewrite it with `ssh-keygen -p -f FILE`")
        } else {
            Ok(identity)
        };
    }
    let Ok(key) = PrivateKey::from_openssh(&identity) else {
        // OpenSSH knows kinds of keys that are not known here; it is the judge of those.
        return Ok(identity);
    };
    if !key.is_encrypted() {
        return Ok(identity);
    }
    let Some(passphrase) = passphrase else {
        return Err(missing(PASSPHRASE, "the private key has a passphrase, which is expected there"));
    };
    if matches!(key.kdf(), Kdf::Bcrypt { rounds, .. } if *rounds > MAX_ROUNDS) {
        return refused("its passphrase takes more than 512 rounds; rewrite it with `ssh-keygen -p -a 100 -f FILE`");
    }
    let Ok(open) = key.decrypt(passphrase) else {
        return Err(malformed(PASSPHRASE, "it is not the passphrase of the private key"));
    };
    match open.to_openssh(LineEnding::LF) {
        Ok(text) => Ok(String::clone(&text)),
        Err(_) => refused("it cannot be written without its passphrase"),
    }
}
