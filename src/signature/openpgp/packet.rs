//! Packets: what OpenPGP is made of. Lengths that are not said at the beginning are refused: neither keys nor signatures have them.

/// A signature.
pub(super) const SIGNATURE: u8 = 2;
/// A primary key.
pub(super) const PUBLIC_KEY: u8 = 6;
/// A subkey.
pub(super) const PUBLIC_SUBKEY: u8 = 14;
/// Whose key it is.
pub(super) const USER_ID: u8 = 13;
/// The same, as a picture.
pub(super) const USER_ATTRIBUTE: u8 = 17;
/// Private keys.
pub(super) const SECRETS: [u8; 2] = [5, 7];

/// Packets of one file.
const MAX_PACKETS: usize = 20_000;

/// A packet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Packet<'a> {
    pub tag: u8,
    pub body: &'a [u8],
}

/// What some bytes come apart into.
pub(super) fn packets(mut bytes: &[u8]) -> Result<Vec<Packet<'_>>, &'static str> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let (packet, rest) = packet(bytes).ok_or("it is cut off or damaged")?;
        if found.len() == MAX_PACKETS {
            return Err("it has too many parts");
        }
        found.push(packet);
        bytes = rest;
    }
    Ok(found)
}

fn packet(bytes: &[u8]) -> Option<(Packet<'_>, &[u8])> {
    let (first, rest) = bytes.split_first()?;
    let (tag, length, rest) = match first {
        0xc0.. => {
            let (length, rest) = length(rest)?;
            (first & 0x3f, length, rest)
        }
        0x80..=0xbf => {
            let octets = match first & 3 {
                0 => 1,
                1 => 2,
                2 => 4,
                _ => return None,
            };
            let (length, rest) = rest.split_at_checked(octets)?;
            (first >> 2 & 0xf, number(length), rest)
        }
        _ => return None,
    };
    let (body, rest) = rest.split_at_checked(length)?;
    Some((Packet { tag, body }, rest))
}

/// A length of one, two or five octets.
pub(super) fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (first, rest) = bytes.split_first()?;
    match first {
        0..=191 => Some((usize::from(*first), rest)),
        192..=223 => {
            let (second, rest) = rest.split_first()?;
            Some(((usize::from(*first) - 192) * 256 + usize::from(*second) + 192, rest))
        }
        255 => {
            let (length, rest) = rest.split_at_checked(4)?;
            Some((number(length), rest))
        }
        // A part of a packet.
        224..=254 => None,
    }
}

/// A number, the highest octet first; of no more than four octets.
pub(super) fn number(octets: &[u8]) -> usize {
    octets.iter().fold(0, |number, octet| number << 8 | usize::from(*octet))
}

/// A number of many digits, behind its length in bits.
pub(super) fn mpi(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (bits, rest) = bytes.split_at_checked(2)?;
    rest.split_at_checked(number(bits).div_ceil(8))
}
