//! Text from Git and from the cluster, made harmless for whoever shows it: no character that does something instead of showing
//! something, no word that calls people, and bounded.

use crate::model::letter::is_active;
use crate::report::shorten;

/// The text in one line without control characters and those that turn the direction of reading, in that many bytes.
pub fn plain(text: &str, limit: usize) -> String {
    let shown = |c: char| match c {
        '\n' | '\r' | '\t' => ' ',
        c if is_active(c) => '\u{fffd}',
        c => c,
    };
    // Not more than needed: the text may be long.
    let bounded: String = text.chars().take(limit.saturating_add(1)).map(shown).collect();
    shorten(&bounded, limit)
}

/// The text with nothing in it that calls people where names are called by `@` or `<!…>`: a character without width comes
/// between.
pub fn uncalled(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + 8);
    let mut before = ' ';
    for c in text.chars() {
        let calls = match before {
            '@' => c.is_alphanumeric() || c == '<',
            '<' => matches!(c, '!' | '@' | '#'),
            _ => false,
        };
        if calls {
            safe.push('\u{200b}');
        }
        safe.push(c);
        before = c;
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_something_is_shown_instead() {
        let check = |text: &str, expected: &str| assert_eq!(plain(text, 40), expected, "{text:?}");
        check("a\nb\tc\r\n", "a b c  ");
        check("\u{1b}[31mred\u{0}", "\u{fffd}[31mred\u{fffd}");
        check("a\u{202e}b\u{200b}c", "a\u{fffd}b\u{fffd}c");
        check("a\u{e0168}\u{ad}", "a\u{fffd}\u{fffd}");
        check(&"x".repeat(60), &format!("{}…", "x".repeat(37)));
        check("größer", "größer");
    }

    #[test]
    fn nobody_is_called() {
        let check = |text: &str, expected: &str| assert_eq!(uncalled(text), expected);
        check("@here and <!channel> and <@U1>", "@\u{200b}here and <\u{200b}!channel> and <\u{200b}@\u{200b}U1>");
        check("a < b @ c", "a < b @ c");
    }
}
