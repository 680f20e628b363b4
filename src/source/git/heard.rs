//! What is noticed in what a Git server says while gix reads it: how many refs it lists, what it refuses, by which hash it names
//! objects, and when a pack begins. It keeps nothing but the first bytes of a packet, and changes nothing of what gix reads.

use super::attempt::printable;

/// How much of a packet is looked at.
const LOOKED_AT: usize = 1024;
/// Bytes of a packet's length, in hex.
const HEAD: usize = 4;
/// What a packet begins with that has a part of a pack.
const PACK: u8 = 1;
/// And one that has the last words of a server that breaks off.
const FATAL: u8 = 3;

/// One conversation with a server, as far as it got.
#[derive(Debug, Default)]
pub(super) struct Heard {
    head: Vec<u8>,
    /// Bytes of the packet that are still to come.
    left: usize,
    start: Vec<u8>,
    /// What comes is no packets: a pack without bands, or no Git at all.
    raw: bool,
    /// Packets that had something in them.
    pub packets: usize,
    /// Whether a pack has begun.
    pub pack: bool,
    /// What the server says in place of an answer.
    pub refusal: Option<String>,
    /// Whether it names objects by SHA-256.
    pub sha256: bool,
}

impl Heard {
    /// More comes in.
    pub fn hear(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() && !self.raw {
            bytes = if self.left == 0 { self.length(bytes) } else { self.content(bytes) };
        }
    }

    /// Another answer begins; what was said in those before stays said.
    pub fn turn(&mut self) {
        (self.left, self.raw, self.pack) = (0, false, false);
        self.head.clear();
    }

    fn length<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let (now, rest) = bytes.split_at(bytes.len().min(HEAD - self.head.len()));
        self.head.extend_from_slice(now);
        if self.head.len() == HEAD {
            // A sign is none of a number's digits here.
            let plain = self.head.iter().all(u8::is_ascii_hexdigit);
            let digits = std::str::from_utf8(&self.head).ok().filter(|_| plain);
            match digits.and_then(|digits| usize::from_str_radix(digits, 16).ok()) {
                // Up to three are marks between packets, and four is one with nothing in it.
                Some(length) => self.left = length.saturating_sub(HEAD),
                None => (self.raw, self.pack) = (true, self.head == b"PACK"),
            }
            self.head.clear();
            self.start.clear();
        }
        rest
    }

    fn content<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let (now, rest) = bytes.split_at(bytes.len().min(self.left));
        let room = LOOKED_AT - self.start.len();
        self.start.extend_from_slice(&now[..now.len().min(room)]);
        self.left -= now.len();
        // A server that lives says so by packets with a band and nothing in it.
        self.pack |= self.start.len() > 1 && self.start.first() == Some(&PACK);
        if self.left == 0 {
            self.packets += 1;
            self.notice();
        }
        rest
    }

    fn notice(&mut self) {
        let fatal = self.start.strip_prefix(&[FATAL]).or_else(|| self.start.strip_prefix(b"ERR "));
        if let Some(said) = fatal.filter(|_| self.refusal.is_none()) {
            self.refusal = Some(printable(&String::from_utf8_lossy(said)));
        }
        self.sha256 |= speaks_sha256(&self.start);
    }
}

/// Whether a packet says so: on a line of its own, or among what stands behind the first ref in the older protocol.
fn speaks_sha256(packet: &[u8]) -> bool {
    const SAID: &[u8] = b"object-format=sha256";
    match packet.iter().position(|byte| *byte == 0) {
        Some(end) => packet[end + 1..].split(|byte| b" \n".contains(byte)).any(|word| word == SAID),
        None => packet.trim_ascii_end() == SAID,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(content: &[u8]) -> Vec<u8> {
        [format!("{:04x}", content.len() + HEAD).as_bytes(), content].concat()
    }

    /// What is noticed, whole or byte by byte: packets, whether a pack began, what is refused, whether it is SHA-256.
    fn check(said: &[u8], expected: (usize, bool, Option<&str>, bool)) {
        let (mut whole, mut slowly) = (Heard::default(), Heard::default());
        whole.hear(said);
        said.chunks(1).for_each(|byte| slowly.hear(byte));
        for heard in [whole, slowly] {
            let found = (heard.packets, heard.pack, heard.refusal.as_deref(), heard.sha256);
            assert_eq!(found, expected, "{}", String::from_utf8_lossy(said));
            assert!(heard.start.len() <= LOOKED_AT && heard.head.len() < HEAD);
        }
    }

    #[test]
    fn packets_are_counted_and_marks_between_them_are_not() {
        check(b"", (0, false, None, false));
        check(b"0000", (0, false, None, false));
        check(
            &[packet(b"# service=x\n"), b"0000".to_vec(), packet(b"version 2\n"), b"00010002".to_vec()].concat(),
            (2, false, None, false),
        );
        check(&[packet(b""), packet(b"a")].concat(), (1, false, None, false));
        check(&packet(b"a")[..4], (0, false, None, false));
        check(&packet(&[b'a'; 60_000]), (1, false, None, false));
    }

    #[test]
    fn a_pack_begins_with_its_first_byte_and_not_with_a_sign_of_life() {
        check(&packet(b"packfile\n"), (1, false, None, false));
        check(&packet(&[PACK]), (1, false, None, false));
        check(&packet(b"\x02Counting\n"), (1, false, None, false));
        check(&packet(b"\x01PACK")[..6], (0, true, None, false));
        check(b"PACK\0\0\0\x02ERR ", (0, true, None, false));
        check(b"<html>", (0, false, None, false));
        check(b"+00fERR no", (0, false, None, false));
    }

    #[test]
    fn what_a_server_refuses_is_one_printable_line_and_the_first_counts() {
        check(&packet(b"ERR \x1b[1mno\nway\n"), (1, false, Some("[1mno way"), false));
        check(&[packet(b"\x03first"), packet(b"ERR second")].concat(), (2, false, Some("first"), false));
        check(&packet(b"ERROR"), (1, false, None, false));
        let long = [b"ERR ", &[b'x'; 5_000][..]].concat();
        check(&packet(&long), (1, false, Some(&"x".repeat(400)), false));
    }

    #[test]
    fn the_hash_is_said_on_a_line_or_behind_the_first_ref() {
        check(&packet(b"object-format=sha256\n"), (1, false, None, true));
        check(&packet(b"aa HEAD\0multi_ack object-format=sha256 agent=x\n"), (1, false, None, true));
        check(&packet(b"aa HEAD\0object-format=sha1\n"), (1, false, None, false));
        check(&packet(b"aa object-format=sha256\n"), (1, false, None, false));
    }

    #[test]
    fn another_answer_begins_anew() {
        let mut heard = Heard::default();
        heard.hear(b"00ffERR");
        heard.turn();
        heard.hear(&packet(b"ERR x"));
        assert_eq!((heard.packets, heard.refusal.as_deref()), (1, Some("x")));
    }
}
