//! What of a commit or a tag was signed, and the signature. The rules are Git's own (`gpg-interface.c`, `commit.c`); what Git lets
//! pass and nobody writes by accident is refused: a second signature, a tag that was given another name.

use super::armor::BEGINNINGS;
use super::{Refusal, shown};

/// The largest commit or tag that is looked at.
pub const MAX_OBJECT: u64 = 1 << 20;
/// The largest signature.
const MAX_SIGNATURE: usize = 64 << 10;

/// What was signed, and by what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// The bytes that the signature is of.
    pub payload: Vec<u8>,
    /// The signature, armoured.
    pub signature: Option<Vec<u8>>,
    /// When it was made, as the committer or the tagger says.
    pub made: Option<i64>,
}

/// A commit.
pub fn commit(raw: &[u8]) -> Result<Signed, Refusal> {
    let parts = Parts::of(raw)?;
    let made = time(parts.header(b"committer"));
    let Parts { payload, mut signatures, foreign, .. } = parts;
    if signatures.len() > 1 {
        return Err(Refusal::Bad("it has more than one".into()));
    }
    let signature = signatures.pop().map(bounded).transpose()?;
    if signature.is_none() && foreign {
        return Err(Refusal::Unsupported("it is of the commit's SHA-256 form (gpgsig-sha256)".into()));
    }
    Ok(Signed { payload, signature, made })
}

/// A tag. It must be called what was asked for: a signature under another name is of another tag.
pub fn tag(raw: &[u8], name: &str) -> Result<Signed, Refusal> {
    let parts = Parts::of(raw)?;
    let called = parts.header(b"tag").unwrap_or_default();
    if called != name.as_bytes() {
        let called = shown(&String::from_utf8_lossy(called));
        return Err(Refusal::Bad(format!("it is of the tag {called:?}, and stands under the name {name:?}")));
    }
    let made = time(parts.header(b"tagger"));
    // The last line that begins a signature begins it; headers with signatures are never part of what is signed.
    let payload = parts.payload;
    let at = lines(&payload).filter(|(_, line)| begins(line)).map(|(at, _)| at).last();
    let Some(at) = at else { return Ok(Signed { payload, signature: None, made }) };
    let signature = bounded(payload[at..].to_vec())?;
    Ok(Signed { payload: payload[..at].to_vec(), signature: Some(signature), made })
}

/// What an object comes apart into.
struct Parts {
    /// All but the headers that have signatures.
    payload: Vec<u8>,
    headers: Vec<(Vec<u8>, Vec<u8>)>,
    signatures: Vec<Vec<u8>>,
    /// Whether it has a signature of another form of it.
    foreign: bool,
}

impl Parts {
    fn of(raw: &[u8]) -> Result<Self, Refusal> {
        if raw.len() as u64 > MAX_OBJECT {
            return Err(Refusal::Unsupported(format!("it stands on {} bytes; {MAX_OBJECT} is the limit", raw.len())));
        }
        let mut parts = Self { payload: Vec::new(), headers: Vec::new(), signatures: Vec::new(), foreign: false };
        let mut within: Option<Within> = None;
        let mut end = raw.len();
        for (at, line) in lines(raw) {
            if line == b"\n" || line.is_empty() {
                end = at;
                break;
            }
            if let Some(rest) = line.strip_prefix(b" ") {
                match within {
                    Some(Within::Ours) => parts.signatures.last_mut().map(|last| last.extend_from_slice(rest)),
                    Some(Within::Foreign) => None,
                    None => {
                        parts.payload.extend_from_slice(line);
                        None
                    }
                };
                continue;
            }
            within = None;
            if let Some(first) = line.strip_prefix(b"gpgsig ") {
                within = Some(Within::Ours);
                parts.signatures.push(first.to_vec());
            } else if line.starts_with(b"gpgsig-sha256 ") {
                within = Some(Within::Foreign);
                parts.foreign = true;
            } else {
                parts.payload.extend_from_slice(line);
                let line = line.strip_suffix(b"\n").unwrap_or(line);
                let space = line.iter().position(|byte| *byte == b' ').unwrap_or(line.len());
                let value = line.get(space + 1..).unwrap_or_default();
                parts.headers.push((line[..space].to_vec(), value.to_vec()));
            }
        }
        parts.payload.extend_from_slice(&raw[end..]);
        Ok(parts)
    }

    /// A header that is there just once.
    fn header(&self, name: &[u8]) -> Option<&[u8]> {
        let mut found = self.headers.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_slice());
        found.next().filter(|_| found.next().is_none())
    }
}

enum Within {
    Ours,
    Foreign,
}

fn begins(line: &[u8]) -> bool {
    BEGINNINGS.iter().any(|(beginning, _)| line.starts_with(beginning.as_bytes()))
}

fn bounded(signature: Vec<u8>) -> Result<Vec<u8>, Refusal> {
    if signature.len() > MAX_SIGNATURE {
        return Err(Refusal::Unsupported(format!("it has {} bytes; {MAX_SIGNATURE} is the limit", signature.len())));
    }
    Ok(signature)
}

/// Lines with their line feeds, and where they begin.
fn lines(bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    bytes.split_inclusive(|byte| *byte == b'\n').scan(0, |at, line| {
        let begins = *at;
        *at += line.len();
        Some((begins, line))
    })
}

/// The seconds of `name <mail> 1767323045 +0100`.
fn time(person: Option<&[u8]>) -> Option<i64> {
    std::str::from_utf8(person?.rsplit(|byte| *byte == b' ').nth(1)?).ok()?.parse().ok()
}
