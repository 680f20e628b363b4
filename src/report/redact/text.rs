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
    ://([^/?\#\s"]+)@
    | (?i:\b(?:bearer|basic)\s+)([A-Za-z0-9+/._~=-]{16,})
    | \b((?:gh[oprsu]_|github_pat_|glpat-|xox[abeoprs]-|AKIA|ASIA|AIza|[rs]k_live_)[A-Za-z0-9_-]{8,})
    | \b(eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*)"#;
/// A name, and what stands between it and its value: `a=b`, `"a":"b"`, `a: b`, `--a b`, `a => b`, `{a:"b"}`. JSON within JSON has
/// its quotes escaped.
const NAMES: &str =
    r#"([\w.-]+)(\\*["']?[ \t]*[:+!?]?=+[>~]?[ \t]*|\\*["'][ \t]*:\s*|[ \t]*:(?:[ \t]+|\r?\n)|:|[ \t]+)"#;
/// A name that stands beside its value: `name: a`, and `value: b` behind it, as variables are written.
const PAIRS: &str =
    r#"(?i:\b(?:name|key))[\s"'\\:=]+([\w./-]+)[\s"'\\,;]+((?i:value))(\\*["']?[ \t]*(?:=[ \t]*|:[ \t]*(?:\r?\n)?))"#;
/// An element of XML, as it begins.
const ELEMENTS: &str = r"<(?:[\w.-]+:)?([\w.-]+)(?:\s[^<>]*)?>";
/// How often a text may be hidden within itself. Whoever nests deeper wants to keep somebody busy.
const NESTED: usize = 64;
/// What may stand behind a quoted text that is the whole of a value.
const BEHIND: &str = ",;:)]}>/&|";

/// Patterns of our own are valid: a test compiles them. Were one not, no text would be shown.
static PATTERNS: LazyLock<Option<[Regex; 4]>> = LazyLock::new(|| {
    let [secrets, names, pairs, elements] = [SECRETS, NAMES, PAIRS, ELEMENTS].map(Regex::new);
    Some([secrets.ok()?, names.ok()?, pairs.ok()?, elements.ok()?])
});

/// A text less its secrets; `word` says what stands for one.
pub(super) fn without_secrets(text: &str, word: &dyn Fn(&str) -> String) -> String {
    let Some([secrets, names, pairs, elements]) = &*PATTERNS else { return word(text) };
    if text.contains("PRIVATE KEY-----") {
        return word(text);
    }
    let groups = secrets.captures_iter(text).filter_map(|found| found.iter().skip(1).flatten().next());
    let mut hidden: Vec<Range<usize>> = groups.map(|group| group.range()).collect();
    let named = names.captures_iter(text).filter_map(|found| {
        let (whole, name, is) = (found.get(0)?, found.get(1)?, found.get(2)?);
        // What cannot be secret is not measured.
        let range = || value(text, name.range(), is.as_str(), whole.end());
        Some((name.as_str(), is_secret(name.as_str(), "").then(range)??))
    });
    let paired = pairs.captures_iter(text).filter_map(|found| {
        let (whole, name, field, is) = (found.get(0)?, found.get(1)?, found.get(2)?, found.get(3)?);
        let range = || value(text, field.range(), is.as_str(), whole.end());
        Some((name.as_str(), is_secret(name.as_str(), "").then(range)??))
    });
    let within = elements.captures_iter(text).filter_map(|found| {
        let (whole, name) = (found.get(0)?, found.get(1)?);
        let range = || whole.end()..whole.end() + content(&text[whole.end()..]);
        Some((name.as_str(), is_secret(name.as_str(), "").then(range)?))
    });
    let mut work = 0;
    for (name, range) in named.chain(paired).chain(within) {
        work += range.len();
        if work > NESTED * text.len() {
            return word(text);
        }
        if !range.is_empty() && is_secret(name, &text[range.clone()]) {
            hidden.push(range);
        }
    }
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
    let flag = text[name.clone()].starts_with('-');
    // `a b` sets nothing but where `a` is a flag, and `b` is none.
    if by_blank && (!flag || line.is_empty() || line.starts_with('-')) {
        return None;
    }
    // `a:8080` is an address; `a:"b"` says what `a` is.
    if is == ":" && !line.trim_start_matches('\\').starts_with(['"', '\'', '[', '{']) {
        return None;
    }
    let last = before.rsplit('\n').next().unwrap_or_default();
    let own_line = !flag && is_lead(last);
    let with_rest = |end: usize| start + if own_line { with_rest_of_line(rest, end) } else { end };
    if let Some(quote) = line.chars().next().filter(|first| ['"', '\''].contains(first)) {
        return Some(start + 1..with_rest(closing(rest, quote)));
    }
    // A block of YAML: where it ends is not looked for.
    if is.contains(':') && line.starts_with(['|', '>']) {
        return Some(start..text.len());
    }
    // All that is in a list or a map.
    if !by_blank && line.starts_with(['[', '{']) {
        return Some(start..with_rest(matching(rest)));
    }
    if own_line && is.trim_start().starts_with(':') {
        return Some(start..block(text, last.len(), start, is.ends_with('\n')));
    }
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

/// The end of a value on a line of its own; further back where more stands on the line than what divides it from the next.
fn with_rest_of_line(text: &str, end: usize) -> usize {
    let more = text[end..].lines().next().unwrap_or_default().trim_end();
    let divides = |letter: char| letter.is_whitespace() || ",;\"'".contains(letter);
    if more.chars().all(divides) { end } else { end + more.len() }
}

/// Where the value ends that a name at that column has in YAML: what follows deeper belongs to it, and so does a list below.
fn block(text: &str, column: usize, start: usize, below: bool) -> usize {
    let mut lines = text[start..].split_inclusive('\n');
    let (mut end, mut at) = (start, start);
    if !below && let Some(first) = lines.next() {
        end += first.trim_end().len();
        at += first.len();
    }
    for line in lines {
        let (deep, inner) = (line.len() - line.trim_start().len(), line.trim());
        let belongs = deep > column || (deep == column && (inner == "-" || inner.starts_with("- ")));
        if !inner.is_empty() {
            if !belongs {
                break;
            }
            end = at + line.trim_end().len();
        }
        at += line.len();
    }
    end
}

/// How long the text of an element of XML is, at least up to its first element.
fn content(text: &str) -> usize {
    const BEGIN: &str = "<![CDATA[";
    const END: &str = "]]>";
    let mut length = 0;
    loop {
        let rest = &text[length..];
        if let Some(inner) = rest.strip_prefix(BEGIN) {
            length += inner.find(END).map_or(rest.len(), |end| BEGIN.len() + end + END.len());
            continue;
        }
        length += rest.find('<').unwrap_or(rest.len());
        if !text[length..].starts_with(BEGIN) {
            return length;
        }
    }
}

/// Where a list or a map ends; at the end of all where it is not closed.
fn matching(text: &str) -> usize {
    let (mut depth, mut quote, mut escaped) = (0_usize, None, false);
    for (at, letter) in text.char_indices() {
        match quote {
            Some(open) => {
                if letter == open && !escaped {
                    quote = None;
                }
                escaped = letter == '\\' && !escaped;
            }
            None => match letter {
                '"' | '\'' => quote = Some(letter),
                '[' | '{' => depth += 1,
                ']' | '}' if depth <= 1 => return at + 1,
                ']' | '}' => depth -= 1,
                _ => {}
            },
        }
    }
    text.len()
}

/// Where a quoted text ends, with what is joined to it: `'it''s'`, `"a"'b'c`. At the end of all where a quote is not closed.
fn closing(text: &str, quote: char) -> usize {
    let triple = String::from_iter([quote; 3]);
    if let Some(inner) = text.strip_prefix(&*triple) {
        return inner.find(&*triple).map_or(text.len(), |at| triple.len() + at);
    }
    let (mut quote, mut begin) = (quote, 1);
    while let Some(end) = unescaped(&text[begin..], quote).map(|at| begin + at) {
        let mut behind = text[end + 1..].chars();
        let (next, after) = (behind.next(), behind.next());
        let ends = |letter: Option<char>| letter.is_none_or(|letter| letter.is_whitespace() || BEHIND.contains(letter));
        match next {
            Some(next @ ('"' | '\'')) if next == quote || !ends(after) => (quote, begin) = (next, end + 2),
            Some('"' | '\'') => return end,
            next if ends(next) => return end,
            _ => {
                let rest = &text[end + 1..];
                return end + 1 + rest.find(char::is_whitespace).unwrap_or(rest.len());
            }
        }
    }
    text.len()
}

/// Where a quote stands that nothing escapes.
fn unescaped(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    text.char_indices().find_map(|(at, letter)| {
        let found = letter == quote && !escaped;
        escaped = letter == '\\' && !escaped;
        found.then_some(at)
    })
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
        check("a: 1\npassword : my phrase\nb: 2", "a: 1\npassword : <9>\nb: 2");
        check("-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----\n", "<58>");
    }

    #[test]
    fn a_value_ends_where_yaml_ends_it() {
        check("password:\n  two\n\n  words\nuser: a", "password:\n<14>\nuser: a");
        check("password: two\n  words\nuser: a", "password: <11>\nuser: a");
        check("x:\n  tokens:\n  - a\n  - b\n  user: a", "x:\n  tokens:\n<11>\n  user: a");
        check("- password: a\n  user: b\n", "- password: <1>\n  user: b\n");
        check("auth:\n  key: a\nport: 80", "auth:\n<8>\nport: 80");
        check("password: 'it''s mine'\nuser: a", "password: '<10>'\nuser: a");
        check("password:\nuser: a", "password:\nuser: a");
    }

    #[test]
    fn a_value_ends_where_json_toml_a_shell_or_xml_ends_it() {
        check(r#"{\"password\":\"x\"}"#, r#"{\"password\":<6>"#);
        check(
            "{\n  \"tokens\": [\n    \"a\",\n    \"b]\"\n  ],\n  \"port\": 80",
            "{\n  \"tokens\": <23>,\n  \"port\": 80",
        );
        check("\"password\":\n  \"x\",\n\"port\": 80", "\"password\":\n  \"<1>\",\n\"port\": 80");
        check("password = \"\"\"a\"b c\"\"\"\nuser = 1", "password = \"<7>\"\"\"\nuser = 1");
        check("run API_KEY=\"a\"'b'c d", "run API_KEY=\"<6> d");
        check("password = \"a\" b # c\nuser = 1", "password = \"<8>\nuser = 1");
        check("password: [a] b\nuser: a", "password: <5>\nuser: a");
        check("export API_KEY=\"a\"'b'c d", "export API_KEY=\"<8>");
        check("sh -c \"API_KEY='a' serve\" now", "sh -c \"API_KEY='<1>' serve\" now");
        check("sh -c \"API_KEY='a'\" now", "sh -c \"API_KEY='<1>'\" now");
        check(
            "<user>a</user><x:password a=\"1\">p w</x:password>",
            "<user>a</user><x:password a=\"1\"><3></x:password>",
        );
        check("<config><token>a<![CDATA[a<b]]>b</token></config>", "<config><token><17></token></config>");
    }

    #[test]
    fn a_value_is_known_by_whatever_divides_it_from_its_name() {
        check("{user:\"a\",password:\"x\"}", "{user:\"a\",password:\"<1>\"}");
        check(r#"{password:\"x\"}"#, "{password:<6>");
        check("{:password => \"x\", :user => 1}", "{:password => \"<1>\", :user => 1}");
        check("password => 'x'", "password => '<1>'");
        check("PASSWORD := x y", "PASSWORD := <3>");
        check("PASSWORD+=x", "PASSWORD+=<1>");
        check("if [ \"$PASSWORD\" == \"x\" ]; then", "if [ \"$PASSWORD\" == \"<1>\" ]; then");
    }

    #[test]
    fn a_name_beside_its_value_says_what_that_is() {
        check(
            "- name: DB_PASSWORD\n  value: x y\n- name: LOG\n  value: info",
            "- name: DB_PASSWORD\n  value: <3>\n- name: LOG\n  value: info",
        );
        check(
            r#"[{"name":"DB_PASSWORD","value":"x"},{"name":"LOG","value":"info"}]"#,
            r#"[{"name":"DB_PASSWORD","value":"<1>"},{"name":"LOG","value":"info"}]"#,
        );
        check(r#"{\"name\":\"DB_PASSWORD\",\"value\":\"x\"}"#, r#"{\"name\":\"DB_PASSWORD\",\"value\":<6>"#);
        check(r#"<add key="Password" value="x"/>"#, r#"<add key="Password" value="<1>"/>"#);
    }

    #[test]
    fn what_is_nested_to_keep_somebody_busy_is_hidden_as_a_whole() {
        for piece in ["token=[", "token=\"", "token={'", "token:\n "] {
            let text = piece.repeat(20_000);
            let shown = without_secrets(&text, &|secret| format!("<{}>", secret.len()));
            assert!(shown.len() < 1_000, "{piece}: {shown:.200}");
        }
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
