//! Signatures by SSH keys, as `ssh-keygen -Y sign -n git` makes them, and the files that say whose they are.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use ssh_key::public::{EcdsaPublicKey, KeyData};
use ssh_key::{Algorithm, HashAlg, PublicKey as SshKey, SshSig};

use super::crypto::{Hash, Numbers, PublicKey};
use super::object::Signed;
use super::{AHEAD, Failure, Refusal, Signer, armor, date, shown};

/// What Git's signatures are for.
const NAMESPACE: &str = "git";
/// How lines of keys begin.
const TYPES: [&str; 4] = ["ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-"];

/// Who may sign with a key, and when.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    name: String,
    key: KeyData,
    for_git: bool,
    after: Option<i64>,
    before: Option<i64>,
}

/// Whether a text begins like a file of public keys.
pub(super) fn begins(text: &str) -> bool {
    let first = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
    first.is_some_and(|line| TYPES.iter().any(|start| line.starts_with(start)))
}

/// Public keys, one a line.
pub(super) fn plain(text: &str, entry: &str) -> Result<Vec<Entry>, String> {
    let mut entries = Vec::new();
    for (number, line) in meant(text) {
        let key = SshKey::from_openssh(line).map_err(|_| format!("has no SSH public key in line {number}"))?;
        let name = if key.comment().is_empty() { entry } else { key.comment() };
        let (name, key) = (shown(name), key.key_data().clone());
        entries.push(Entry { name, key, for_git: true, after: None, before: None });
    }
    Ok(entries)
}

/// OpenSSH's allowed_signers: `principals [options] type key [comment]`.
pub(super) fn allowed(text: &str) -> Result<Vec<Entry>, String> {
    meant(text).map(|(number, line)| signer(line).map_err(|why| format!("has in line {number} {why}"))).collect()
}

/// Lines that say something, numbered from 1.
fn meant(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
    lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}

fn signer(line: &str) -> Result<Entry, String> {
    let (principals, rest) = word(line);
    let mut rest = rest;
    let mut options = "";
    if !TYPES.iter().any(|start| rest.starts_with(start)) {
        (options, rest) = word(rest);
    }
    let key = SshKey::from_openssh(rest).map_err(|_| "no SSH public key".to_owned())?;
    let name = shown(principals.trim_matches('"'));
    let mut entry = Entry { name, key: key.key_data().clone(), for_git: true, after: None, before: None };
    for option in split(options) {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        let value = value.trim_matches('"');
        match name.to_ascii_lowercase().as_str() {
            "namespaces" => entry.for_git = value.split(',').any(covers_git),
            "valid-after" => entry.after = Some(moment(value)?),
            "valid-before" => entry.before = Some(moment(value)?),
            "cert-authority" => return Err("cert-authority, which is not supported: write the keys themselves".into()),
            _ => return Err(format!("the option {:?}, which is not known", shown(name))),
        }
    }
    Ok(entry)
}

/// The first word, and what follows it. A space within quotes ends no word.
fn word(line: &str) -> (&str, &str) {
    let mut quoted = false;
    let end = line.find(|letter: char| {
        quoted ^= letter == '"';
        !quoted && letter.is_ascii_whitespace()
    });
    let (word, rest) = line.split_at(end.unwrap_or(line.len()));
    (word, rest.trim_start())
}

/// Options between commas; a comma within quotes divides nothing.
fn split(options: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    let parts = options.split(move |letter: char| {
        quoted ^= letter == '"';
        !quoted && letter == ','
    });
    parts.filter(|part| !part.is_empty())
}

/// Whether a pattern of namespaces covers `git`: its name, or stars alone.
fn covers_git(pattern: &str) -> bool {
    let pattern = pattern.trim();
    pattern == NAMESPACE || (!pattern.is_empty() && pattern.bytes().all(|byte| byte == b'*'))
}

/// `YYYYMMDD[HHMM[SS]][Z]`. There is no local time where this runs: all of it is UTC.
fn moment(text: &str) -> Result<i64, String> {
    let wrong = || format!("the time {:?}, which is not YYYYMMDD or YYYYMMDDHHMM[SS]", shown(text));
    let digits = text.trim_end_matches(['Z', 'z']);
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) || !matches!(digits.len(), 8 | 12 | 14) {
        return Err(wrong());
    }
    let number = |from: usize, to: usize| digits.get(from..to).and_then(|part| part.parse::<i8>().ok()).unwrap_or(0);
    let year = digits[..4].parse::<i16>().map_err(|_| wrong())?;
    let (hour, minute, second) = (number(8, 10), number(10, 12), number(12, 14));
    let time = DateTime::new(year, number(4, 6), number(6, 8), hour, minute, second, 0).map_err(|_| wrong())?;
    time.to_zoned(TimeZone::UTC).map(|time| time.timestamp().as_second()).map_err(|_| wrong())
}

/// Judges a signature.
pub(super) fn verify(signed: &Signed, signature: &[u8], entries: &[Entry], now: i64) -> Result<Signer, Refusal> {
    let damaged = || Refusal::Bad("it is damaged".into());
    let text = std::str::from_utf8(signature).map_err(|_| damaged())?;
    // The armour is read here, for other tools break its lines elsewhere.
    let blocks = armor::blocks(text, "SSH SIGNATURE").map_err(|why| Refusal::Bad(why.into()))?;
    let [bytes] = &blocks[..] else { return Err(damaged()) };
    let signature = parsed(bytes).ok_or_else(|| Refusal::Unsupported("an SSH signature of an unknown kind".into()))?;
    let fingerprint = signature.public_key().fingerprint(HashAlg::Sha256).to_string();
    let known: Vec<&Entry> = entries.iter().filter(|entry| entry.key == *signature.public_key()).collect();
    if known.is_empty() {
        return Err(Refusal::UnknownKey(fingerprint));
    }
    if signature.namespace() != NAMESPACE {
        let made_for = shown(signature.namespace());
        return Err(Refusal::Bad(format!("it was made for {made_for:?}, not for {NAMESPACE:?}")));
    }
    let message = SshSig::signed_data(NAMESPACE, signature.hash_alg(), &signed.payload).map_err(|_| damaged())?;
    check(&signature, &message)?;
    let mut refused = None;
    for entry in known {
        let key = Signer { fingerprint: fingerprint.clone(), name: entry.name.clone() };
        match entry.refuses(signed.made, now) {
            None => return Ok(key),
            Some(why) => refused = Some(Refusal::Expired { key, why }),
        }
    }
    Err(refused.unwrap_or(Refusal::UnknownKey(fingerprint)))
}

fn parsed(bytes: &[u8]) -> Option<SshSig> {
    // The crate reads armour of just its own shape.
    let text = data_encoding::BASE64.encode(bytes);
    let lines: Vec<&str> = text.as_bytes().chunks(70).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    let pem = format!("-----BEGIN SSH SIGNATURE-----\n{}\n-----END SSH SIGNATURE-----\n", lines.join("\n"));
    SshSig::from_pem(pem).ok()
}

impl Entry {
    /// Why this entry does not let that signature count, although it is the key's.
    fn refuses(&self, made: Option<i64>, now: i64) -> Option<String> {
        if !self.for_git {
            return Some("its namespaces in allowed_signers do not have git".into());
        }
        let Some(made) = made else {
            let limited = self.after.is_some() || self.before.is_some();
            return limited.then(|| "when that was is not said, while the key is valid for some time only".into());
        };
        if made > now + AHEAD {
            return Some(format!("that was made in the future, at {}", date(made)));
        }
        if let Some(after) = self.after.filter(|after| made < *after) {
            return Some(format!("the key is valid from {}, later than {}", date(after), date(made)));
        }
        let before = self.before.filter(|before| made >= *before)?;
        Some(format!("the key was valid until {}, earlier than {}", date(before), date(made)))
    }
}

fn check(signature: &SshSig, message: &[u8]) -> Result<(), Failure> {
    let bytes = signature.signature_bytes();
    let algorithm = signature.algorithm();
    match (signature.public_key(), &algorithm) {
        (KeyData::Ed25519(key), Algorithm::Ed25519) => {
            let (r, s) = bytes.split_at_checked(32).ok_or(Failure::Mismatch)?;
            // Ed25519 hashes by itself.
            PublicKey::Ed25519(key.0.to_vec()).verify(Hash::Sha512, message, &Numbers::Two(r, s))
        }
        (KeyData::Rsa(key), Algorithm::Rsa { hash: Some(hash) }) => {
            let hash = match hash {
                HashAlg::Sha256 => Hash::Sha256,
                HashAlg::Sha512 => Hash::Sha512,
                _ => return Err(Failure::Unsupported("RSA with an unknown digest".into())),
            };
            let number = |number: &ssh_key::Mpint| number.as_positive_bytes().map(<[u8]>::to_vec).unwrap_or_default();
            PublicKey::rsa(&number(&key.n), &number(&key.e))?.verify(hash, message, &Numbers::One(bytes))
        }
        (KeyData::Ecdsa(key), Algorithm::Ecdsa { .. }) => {
            let (r, s) = two(bytes).ok_or(Failure::Mismatch)?;
            let (key, hash) = match key {
                EcdsaPublicKey::NistP256(_) => (PublicKey::P256(key.as_sec1_bytes().to_vec()), Hash::Sha256),
                EcdsaPublicKey::NistP384(_) => (PublicKey::P384(key.as_sec1_bytes().to_vec()), Hash::Sha384),
                EcdsaPublicKey::NistP521(_) => return Err(Failure::Unsupported("ECDSA P-521".into())),
            };
            key.verify(hash, message, &Numbers::Two(r, s))
        }
        (KeyData::Dsa(_), _) => Err(Failure::Weak("DSA".into())),
        (KeyData::SkEd25519(_) | KeyData::SkEcdsaSha2NistP256(_), _) => {
            Err(Failure::Unsupported("a key of a security token (sk-)".into()))
        }
        _ => Err(Failure::Unsupported("the key and its signature are of two kinds".into())),
    }
}

/// Two numbers, each behind its length.
fn two(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let number =
        |bytes: &'_ [u8]| -> Option<usize> { Some(u32::from_be_bytes(bytes.get(..4)?.try_into().ok()?) as usize) };
    let length = number(bytes)?;
    let (first, rest) = bytes.get(4..)?.split_at_checked(length)?;
    let second = rest.get(4..).filter(|second| Some(second.len()) == number(rest))?;
    Some((first, second))
}
