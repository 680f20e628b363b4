//! Secrets within a text: a command line, a configuration file, an annotation, a URL.
//!
//! It would rather hide too much than too little: what follows a name that says that it is secret is hidden up to where
//! the value surely ends.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::names::is_secret;

/// Who logs in by a URL; what is sent in a header; what some well-known tokens look like.
const SECRETS: &str = r#"(?x)
    ://([^/?\#\s"']+)@
    | (?i:\b(?:bearer|basic)\s+)([A-Za-z0-9+/._~=-]{16,})
    | \b((?:gh[oprsu]_|github_pat_|glpat-|xox[abeoprs]-|AKIA|ASIA|AIza|[rs]k_live_)[A-Za-z0-9_-]{8,})
    | \b(eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*)"#;
/// A name, and what stands between it and its value: `a=b`, `"a":"b"`, `a: b`, `--a b`.
const NAMES: &str = r#"([\w.-]+)(["']?[ \t]*=[ \t]*|["'][ \t]*:[ \t]*|:[ \t]+|[ \t]+)"#;

/// Patterns of our own are valid: a test compiles them. Were one not, no text would be shown.
static PATTERNS: LazyLock<Option<[Regex; 2]>> =
    LazyLock::new(|| Some([Regex::new(SECRETS).ok()?, Regex::new(NAMES).ok()?]));

/// A text less its secrets; `word` says what stands for one.
pub(super) fn without_secrets(text: &str, word: &dyn Fn(&str) -> String) -> String {
    let Some([secrets, names]) = &*PATTERNS else { return word(text) };
    if text.contains("PRIVATE KEY-----") {
        return word(text);
    }
    let groups = secrets.captures_iter(text).filter_map(|found| found.iter().skip(1).flatten().next());
    let mut hidden: Vec<Range<usize>> = groups.map(|group| group.range()).collect();
    hidden.extend(names.captures_iter(text).filter_map(|found| {
        let (whole, name, is) = (found.get(0)?, found.get(1)?, found.get(2)?);
        let range = value(text, name.range(), is.as_str(), whole.end())?;
        is_secret(name.as_str(), &text[range.clone()]).then_some(range)
    }));
    hidden.sort_by_key(|range| range.start);
    let (mut shown, mut at) = (String::with_capacity(text.len()), 0);
    let mut ranges = hidden.into_iter().peekable();
    while let Some(Range { start, mut end }) = ranges.next() {
        // What is within another, or meets it, is one.
        while let Some(next) = ranges.next_if(|next| next.start < end) {
            end = end.max(next.end);
        }
        shown.push_str(&text[at..start]);
        shown.push_str(&word(&text[start..end]));
        at = end;
    }
    shown.push_str(&text[at..]);
    shown
}

/// Where the value of a name is, if it has one.
fn value(text: &str, name: Range<usize>, is: &str, start: usize) -> Option<Range<usize>> {
    let rest = &text[start..];
    let line = rest.lines().next().unwrap_or_default();
    let (before, by_blank) = (&text[..name.start], is.trim().is_empty());
    // `a b` sets nothing but where `a` is a flag, and `b` is none.
    if line.is_empty() || (by_blank && (!text[name.clone()].starts_with('-') || line.starts_with('-'))) {
        return None;
    }
    if let Some(quote) = line.chars().next().filter(|first| ['"', '\''].contains(first)) {
        return Some(start + 1..start + closing(rest, quote));
    }
    // A block of YAML: where it ends is not looked for.
    if is.contains(':') && line.starts_with(['|', '>']) {
        return Some(start..text.len());
    }
    let own_line = !text[name.clone()].starts_with('-')
        && before.lines().last().is_none_or(|line| before.ends_with('\n') || is_lead(line));
    let length = if is.contains(':') || (own_line && !by_blank) {
        // A line of a configuration file, or a header: a phrase has blanks.
        line.trim_end().len()
    } else {
        match before.chars().next_back() {
            Some(quote @ ('"' | '\'')) => line.find(quote),
            Some('?' | '&') => line.find(['&', '#', ' ', '\t', '"', '\'']),
            _ => line.find([' ', '\t', '"', '\'']),
        }
        .unwrap_or(line.len())
    };
    Some(start..start + length)
}

/// What may stand on a line before a name that has the line to itself.
fn is_lead(line: &str) -> bool {
    ["", "-", "export", "set"].contains(&line.trim())
}

/// Where a quoted text ends; at the end of all where the quote is not closed.
fn closing(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, letter) in text.char_indices().skip(1) {
        if letter == quote && !escaped {
            return at;
        }
        escaped = letter == '\\' && !escaped;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(without_secrets(text, &|secret| format!("<{}>", secret.len())), expected, "{text}");
    }

    #[test]
    fn the_patterns_compile() {
        assert!(PATTERNS.is_some());
    }

    #[test]
    fn a_url_tells_nobody_who_logs_in() {
        check("postgres://u:p@db/x?a=b@c", "postgres://<3>@db/x?a=b@c");
        check("a http://h/1 and redis://:pw@r:1 b", "a http://h/1 and redis://<3>@r:1 b");
        check("https://example.com/a@b", "https://example.com/a@b");
        check("https://h/x?user=a&token=abc&page=2", "https://h/x?user=a&token=<3>&page=2");
        check("mail@example.com", "mail@example.com");
    }

    #[test]
    fn a_command_line_tells_no_password() {
        check("--password=hunter2", "--password=<7>");
        check("run --token abc --verbose", "run --token <3> --verbose");
        check("run --token --verbose", "run --token --verbose");
        check("-Dspring.datasource.password=a,b&c -jar x", "-Dspring.datasource.password=<5> -jar x");
        check("sh -c \"API_KEY='a b' serve\"", "sh -c \"API_KEY='<3>' serve\"");
        check("curl -H 'Authorization: Basic dTpw'", "curl -H 'Authorization: <11>");
        check(
            "--password=$(DB_PASSWORD) --tls-private-key-file=/etc/x",
            "--password=$(DB_PASSWORD) --tls-private-key-file=/etc/x",
        );
        check("Server=a;Password=x;Timeout=3", "Server=a;Password=<11>");
    }

    #[test]
    fn a_configuration_tells_its_settings_and_not_its_secrets() {
        check("port: 80\npassword: my own phrase\nuser: a", "port: 80\npassword: <13>\nuser: a");
        check("user=a\ndb.password = x y\n", "user=a\ndb.password = <3>\n");
        check(r#"{"user":"a","password":"b\"c","port":1}"#, r#"{"user":"a","password":"<4>","port":1}"#);
        check("key: 1\nsecret: |\n  two\n  lines\n", "key: 1\nsecret: <16>");
        check("token: 'never\nclosed", "token: '<12>");
        check("-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----\n", "<58>");
    }

    #[test]
    fn tokens_are_known_by_what_they_look_like() {
        check("use ghp_0123456789abcdef now", "use <20> now");
        check("x eyJhbGciOiJI.eyJzdWIiOiI.c2ln y", "x <29> y");
        check("Bearer 0123456789abcdef0123", "Bearer <20>");
    }

    #[test]
    fn what_only_sounds_like_a_secret_is_shown() {
        for text in [
            "auth:8080",
            "example.com/token-service:1.2",
            "basic functionality",
            "author: Jane Doe",
            "the password was changed",
            "/etc/secrets/db",
            "DB_PASSWORD_FILE=/run/secrets/db",
        ] {
            check(text, text);
        }
    }
}
