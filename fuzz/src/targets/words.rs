//! Words of others: what Git, a forge or a cluster says, as it is printed on a terminal, put into Markdown, told in a chat, or
//! read as a time, a name or a key. It acts on nothing, calls nobody, opens no markup, and is bounded.

use std::sync::Arc;

use gitmoor::alert::desk::{Batch, Over};
use gitmoor::alert::format::{alertmanager, cloudevents, slack, teams, webhook};
use gitmoor::alert::message::Setting;
use gitmoor::alert::plain::{plain, uncalled};
use gitmoor::alert::{Incident, Key, Message, Note};
use gitmoor::api::SourceMark;
use gitmoor::api::names::{PAUSE_REASON, PAUSE_UNTIL};
use gitmoor::api::notify::{AlertKind, AlertSeverity};
use gitmoor::cli::inert::{inert, print_json, print_json_line};
use gitmoor::cli::markdown;
use gitmoor::drift::pause;
use gitmoor::model::pause::Asked;
use gitmoor::model::{ObjectKey, Target, is_name, parse_duration};
use gitmoor::report::shorten;
use gitmoor::webhook::printable;
use serde_json::{Value, json};

pub fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    terminal(&text);
    in_markdown(&text);
    chat(&text);
    times(&text);
    names(&text);
}

fn terminal(text: &str) {
    let shown = inert(text);
    assert!(!shown.chars().any(|letter| acts(letter) || hides(letter)), "{shown:?}");
    assert_eq!(inert(&shown), shown, "what is harmless stays as it is");
    assert!(shown.len() <= 10 * text.len(), "{shown:?}");
    let value = json!({text: [text]});
    let mut out = Vec::new();
    print_json(&mut out, &value).expect("there is room");
    print_json_line(&mut out, &value).expect("there is room");
    let out = String::from_utf8(out).expect("JSON is text");
    assert!(!out.chars().any(|letter| letter != '\n' && (acts(letter) || hides(letter))), "{out:?}");
    let read: Vec<Value> = serde_json::Deserializer::from_str(&out)
        .into_iter()
        .collect::<Result<_, _>>()
        .expect("what is printed as JSON is JSON");
    assert_eq!(read, [value.clone(), value], "JSON stays the same value");
}

fn in_markdown(text: &str) {
    let inline = markdown::inline(text);
    assert!(!inline.contains(['<', '>', '\n', '\r']), "{inline:?}");
    for (at, letter) in inline.char_indices() {
        let before = inline[..at].bytes().rev().take_while(|byte| *byte == b'\\').count();
        match letter {
            '@' => assert!(inline[at..].starts_with("@&#8203;"), "{inline:?} calls somebody"),
            '#' if !inline[..at].ends_with('&') => {
                assert!(inline[at..].starts_with("#&#8203;"), "{inline:?} is a link");
            }
            '`' | '*' | '_' | '[' | ']' | '|' | '~' => assert!(before % 2 == 1, "{letter:?} of {inline:?} is markup"),
            _ => {}
        }
    }
    let span = markdown::code_span(text);
    let ticks = span.len() - span.trim_start_matches('`').len();
    assert!(!span.contains(['|', '\n', '\r']), "{span:?}");
    if !text.is_empty() {
        let inner = &span[ticks..span.len() - ticks];
        let runs = inner.split(|letter| letter != '`').map(str::len);
        assert!(runs.into_iter().all(|run| run != ticks), "{span:?} ends within");
    }
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let fence = markdown::fence(&lines);
    assert!(fence.len() >= 3 && lines.iter().all(|line| !line.contains(&fence)), "{fence} of {text:?}");
}

fn chat(text: &str) {
    for limit in [3, 40, 400] {
        for bounded in [plain(text, limit), shorten(text, limit)] {
            assert!(bounded.len() <= limit, "{bounded:?} of {limit}");
        }
        assert!(!plain(text, limit).chars().any(|letter| acts(letter) || hides(letter)), "{text:?}");
    }
    assert!(printable(text).chars().count() <= 200 && !printable(text).chars().any(char::is_control));
    let safe = uncalled(text);
    assert_eq!(safe.replace('\u{200b}', ""), text.replace('\u{200b}', ""), "nothing else is changed");
    assert!(calls_nobody(&safe), "{safe:?}");

    let batch = batch(text);
    let setting = Setting { cluster: Some(text.to_owned()), page: Some("https://gitmoor.example.com".to_owned()) };
    let sync = ObjectKey::new("shop", "main");
    let message = Message::of(&sync, &setting, &batch);
    assert_eq!(message.id, Message::of(&sync, &setting, &batch).id, "the same news are the same");
    let told = [slack::body(&message), teams::body(&message)];
    for body in &told {
        every_text(body, &mut |text| {
            assert!(!text.chars().any(|letter| letter != '\n' && letter != '\u{200b}' && acts(letter)), "{text:?}");
            assert!(calls_nobody(text), "{text:?}");
        });
    }
    assert!(told[1].to_string().len() <= 28_000, "Teams takes no more");
    let code = told[0]["text"].as_str().expect("it is a text");
    let fences = code.matches("```").count();
    assert!(fences == 2 || message.headline.contains('`'), "{code:?}");
    let mut kinds = told[1]["attachments"][0]["content"]["body"].as_array().expect("it is a list").iter();
    assert!(kinds.all(|block| block["type"] == "RichTextBlock"), "Teams has no other kind of text");
    let alerts = alertmanager::body(&message.clone().with_standing(&batch), batch.at);
    for alert in alerts.as_array().expect("it is a list") {
        let ends = alert["endsAt"].as_str().and_then(|at| at.parse::<jiff::Timestamp>().ok());
        let starts = alert["startsAt"].as_str().and_then(|at| at.parse::<jiff::Timestamp>().ok());
        assert!(starts.is_some() && starts <= ends, "{alert}");
    }
    let (own, event) = (webhook::body(&message), cloudevents::body(&message));
    assert_eq!(event["data"], own);
    assert!(!event["source"].as_str().unwrap_or(" ").contains([' ', '"', '<', '\n']), "{event}");
}

fn batch(text: &str) -> Batch {
    let at = "2026-01-02T03:05:10Z".parse().expect("it is a time");
    let object = ObjectKey::new("shop", "orders");
    let incident = |kind, severity| {
        Arc::new(Incident {
            key: Key::new(kind, Some(&object)),
            severity,
            since: Some(at),
            reason: text.to_owned(),
            text: text.to_owned(),
            lines: vec![text.to_owned(); 3],
            command: Some(text.to_owned()),
            said: text.to_owned(),
        })
    };
    let note = Note {
        key: Key::new(AlertKind::Corrected, Some(&object)),
        severity: AlertSeverity::Warning,
        at,
        text: text.to_owned(),
        id: text.to_owned(),
    };
    Batch {
        at,
        began: vec![incident(AlertKind::Drifted, AlertSeverity::Warning); 9],
        changed: vec![incident(AlertKind::ServiceFailing, AlertSeverity::Error)],
        ended: vec![Over { key: Key::new(AlertKind::SourceStale, None), since: at, how: Some(text.to_owned()) }],
        notes: vec![note; 12],
        dropped: text.len(),
        standing: vec![incident(AlertKind::Fighting, AlertSeverity::Info)],
    }
}

/// Pauses and durations that somebody asks for.
fn times(text: &str) {
    if let Some(duration) = parse_duration(text) {
        assert!(!duration.is_zero() && text.bytes().all(|byte| byte.is_ascii_digit() || b"hms".contains(&byte)));
    }
    let now = "2026-03-01T12:00:00Z".parse().expect("it is a time");
    let live = json!({"metadata": {"annotations": {PAUSE_UNTIL: text, PAUSE_REASON: text}}});
    let marks = pause::marks(&live).expect("there is a time");
    assert!(marks.until.chars().count() <= 64);
    match pause::asked(&marks, now) {
        Asked::Holds(pause) => {
            let left = pause.until.duration_since(now);
            assert!(left.is_positive() && left <= pause::LONGEST + jiff::SignedDuration::from_mins(5), "{pause:?}");
            assert!(pause.reason.is_none_or(|reason| reason.chars().count() <= 1024));
        }
        Asked::Over(pause) => assert!(pause.until <= now, "{pause:?}"),
        Asked::Refused(said) => assert!(said.len() < 1_000 && !said.chars().any(char::is_control), "{said:?}"),
    }
}

/// What is read is written as it was.
fn names(text: &str) {
    if is_name(text) {
        assert!(!text.is_empty() && text.len() <= 253 && !text.contains(['/', '%', '_', ' ']), "{text:?}");
    }
    if let Some(key) = ObjectKey::parse(text) {
        assert!(key.to_string() == text && key.is(text), "{key}");
    }
    if let Some(target) = Target::parse(text) {
        assert_eq!(target.to_string(), text);
    }
    if let Some(key) = Key::parse(text) {
        assert_eq!(key.to_string(), text);
    }
    if let Some(mark) = SourceMark::parse(text) {
        assert_eq!(mark.to_string(), text, "a mark is exactly one");
    }
}

fn acts(letter: char) -> bool {
    let turns =
        matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    letter.is_control() || turns
}

/// Whether nothing is seen of it: of tags and selectors, whole sentences are made.
fn hides(letter: char) -> bool {
    matches!(letter, '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}')
}

/// Whether no name stands behind an `@`, and nothing is a command of Slack's.
fn calls_nobody(text: &str) -> bool {
    let calls = |pair: &[char]| match pair {
        ['@', next] => next.is_alphanumeric(),
        ['<', next] => matches!(next, '!' | '@' | '#'),
        _ => false,
    };
    // That of a link is our own.
    let letters: Vec<char> = text.chars().collect();
    !letters.windows(2).any(calls)
}

fn every_text(value: &Value, check: &mut impl FnMut(&str)) {
    match value {
        Value::String(text) => check(text),
        Value::Array(items) => items.iter().for_each(|item| every_text(item, check)),
        Value::Object(fields) => fields.values().for_each(|item| every_text(item, check)),
        _ => {}
    }
}
