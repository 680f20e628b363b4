//! Text from Git and from clusters, made harmless: what is printed must not move a cursor, hide a line or turn the
//! direction of reading.

use std::borrow::Cow;
use std::io::{self, Write};

use serde::Serialize;

pub use crate::model::letter::is_active;

/// The text with every character escaped that does something instead of showing something. Of one line it stays one.
pub fn inert(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_active) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_active(c) { safe.extend(c.escape_default()) } else { safe.push(c) }
    }
    Cow::Owned(safe)
}

/// Prints a value as indented JSON that is as harmless: JSON itself escapes only some of these characters.
pub fn print_json(out: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    let text = serde_json::to_string_pretty(value).map_err(io::Error::other)?;
    writeln!(out, "{}", inert_json(&text))
}

/// The same in one line.
pub fn print_json_line(out: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    let text = serde_json::to_string(value).map_err(io::Error::other)?;
    writeln!(out, "{}", inert_json(&text))
}

/// Outside of strings JSON has no such character but line feeds, and within them it escapes those.
fn inert_json(json: &str) -> Cow<'_, str> {
    let active = |c: char| c != '\n' && is_active(c);
    if !json.chars().any(active) {
        return Cow::Borrowed(json);
    }
    let mut safe = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if active(c) {
            c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| safe.push_str(&format!("\\u{unit:04x}")));
        } else {
            safe.push(c);
        }
    }
    Cow::Owned(safe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_is_escaped_and_what_shows_is_not() {
        let check = |text: &str, expected: &str| assert_eq!(inert(text), expected);
        check("plain text, ümlaut, 漢字, ✓, →", "plain text, ümlaut, 漢字, ✓, →");
        check("\x1b]0;title\x07", "\\u{1b}]0;title\\u{7}");
        check("a\u{9b}31mb", "a\\u{9b}31mb");
        check("one\ntwo\r\tthree", "one\\ntwo\\r\\tthree");
        check("a\u{202e}b\u{2066}c\u{feff}", "a\\u{202e}b\\u{2066}c\\u{feff}");
        check("tag \u{e0041}", "tag \\u{e0041}");
        check("hid\u{e0168}den \u{ad}", "hid\\u{e0168}den \\u{ad}");
    }

    #[test]
    fn json_stays_the_same_value() {
        let value = serde_json::json!({"a": "\u{1b}[31m\u{9b}\u{202e}\n\u{e0041}ü"});
        let mut out = Vec::new();
        print_json(&mut out, &value).unwrap();
        print_json_line(&mut out, &value).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(!text.chars().any(|c| c != '\n' && is_active(c)), "{text:?}");
        let read: Vec<serde_json::Value> =
            serde_json::Deserializer::from_str(&text).into_iter().collect::<Result<_, _>>().unwrap();
        assert_eq!(read, [value.clone(), value]);
    }
}
