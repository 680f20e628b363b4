//! Armour: bytes as lines of base64 between a line that says what begins and one that says what ends. Its checksum is not looked
//! at: what is inside is signed or compared, and RFC 9580 has no use for it, either.

use data_encoding::BASE64;

/// What a signature is, by its first line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// OpenPGP.
    OpenPgp,
    /// SSH.
    Ssh,
    /// X.509, which is not read.
    X509,
}

/// First lines of signatures, as Git knows them.
pub(super) const BEGINNINGS: [(&str, Kind); 4] = [
    ("-----BEGIN PGP SIGNATURE-----", Kind::OpenPgp),
    ("-----BEGIN PGP MESSAGE-----", Kind::OpenPgp),
    ("-----BEGIN SSH SIGNATURE-----", Kind::Ssh),
    ("-----BEGIN SIGNED MESSAGE-----", Kind::X509),
];

/// What a signature is.
pub(super) fn kind(text: &[u8]) -> Option<Kind> {
    BEGINNINGS.into_iter().find(|(line, _)| text.starts_with(line.as_bytes())).map(|(_, kind)| kind)
}

/// The bytes of each block with that label. What stands between blocks is a remark.
pub(super) fn blocks(text: &str, label: &str) -> Result<Vec<Vec<u8>>, &'static str> {
    let (begin, end) = (format!("-----BEGIN {label}-----"), format!("-----END {label}-----"));
    let mut lines = text.lines().map(str::trim_end);
    let mut found = Vec::new();
    while let Some(line) = lines.next() {
        if line != begin {
            continue;
        }
        let mut inside = Vec::new();
        loop {
            match lines.next() {
                Some(line) if line == end => break,
                Some(line) => inside.push(line),
                None => return Err("its armour has no end"),
            }
        }
        // Headers, where there are any, end with an empty line.
        let body = inside.iter().position(|line| line.is_empty()).map_or(&inside[..], |empty| &inside[empty + 1..]);
        let body: String = body.iter().filter(|line| !(line.len() == 5 && line.starts_with('='))).copied().collect();
        found.push(BASE64.decode(body.as_bytes()).map_err(|_| "its armour is not base64")?);
    }
    Ok(found)
}
