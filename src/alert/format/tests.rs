//! Every form of one message with hostile text, as files in `tests/golden/alerts`. UPDATE_GOLDEN=1 writes them.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::*;
use crate::alert::desk::{Batch, Over};
use crate::alert::incident::{Incident, Key, Note};
use crate::alert::message::{Message, Setting};
use crate::api::notify::AlertSeverity;
use crate::model::ObjectKey;

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn incident(key: &str, severity: AlertSeverity, reason: &str, text: &str, lines: &[&str]) -> Arc<Incident> {
    Arc::new(Incident {
        key: Key::parse(key).unwrap(),
        severity,
        since: Some(time("2026-01-02T03:04:05Z")),
        reason: reason.into(),
        text: text.into(),
        lines: lines.iter().map(|line| (*line).to_owned()).collect(),
        command: (reason == "PruneBudget").then(|| "gitmoor approve shop/main --plan 0123abcd".into()),
        said: "1".into(),
    })
}

fn batch() -> Batch {
    let hostile = "<!channel> @here **bold** [click](https://evil.example) `code` ``` <script>alert(1)</script>\n\u{1b}[31m\u{202e}& more";
    let began = vec![
        incident(
            "PlanHeld",
            AlertSeverity::Warning,
            "PruneBudget",
            "plan 0123abcd is held: it deletes too many",
            &["would delete shop/a"],
        ),
        incident("Drifted shop/orders", AlertSeverity::Warning, "FieldsDiffer", hostile, &[hostile]),
        incident(
            "ServiceFailing shop/pay",
            AlertSeverity::Error,
            "CrashLoopBackOff",
            "container pay: exit code 1",
            &[],
        ),
    ];
    let note = Note {
        key: Key::parse("Corrected shop/cart").unwrap(),
        severity: AlertSeverity::Warning,
        at: time("2026-01-02T03:05:00Z"),
        text:
            "Deployment shop/cart /spec/replicas is 5; declared 3 (by kubectl-edit at 2026-01-02T03:04:59Z); put back"
                .into(),
        id: "1".into(),
    };
    let over = Over { key: Key::parse("SourceStale").unwrap(), since: time("2026-01-02T03:00:00Z"), how: None };
    let standing =
        began.iter().cloned().chain([incident("Fighting shop/x", AlertSeverity::Warning, "Fighting", "x", &[])]);
    Batch {
        at: time("2026-01-02T03:05:10Z"),
        standing: standing.collect(),
        began,
        changed: Vec::new(),
        ended: vec![over],
        notes: vec![note],
        dropped: 0,
    }
}

fn setting() -> Setting {
    Setting { cluster: Some("prod-eu".into()), page: Some("https://gitmoor.example.com/".into()) }
}

fn message() -> Message {
    Message::of(&ObjectKey::new("shop", "main"), &setting(), &batch())
}

#[track_caller]
fn golden(name: &str, body: &Value) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/alerts").join(name);
    let text = serde_json::to_string_pretty(body).unwrap() + "\n";
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &text).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, committed, "{name}: UPDATE_GOLDEN=1 cargo test --lib writes it");
}

#[test]
fn every_form_is_as_its_golden_file() {
    let (message, now) = (message(), time("2026-01-02T03:05:10Z"));
    golden("slack.json", &slack::body(&message));
    golden("teams.json", &teams::body(&message));
    golden("webhook.json", &webhook::body(&message));
    golden("cloudevents.json", &cloudevents::body(&message));
    golden("alertmanager.json", &alertmanager::body(&message.with_standing(&batch()), now));
    let test = Message::test(&ObjectKey::new("shop", "main"), &setting(), now);
    golden("test.json", &webhook::body(&test));
}

/// All texts in a value.
fn texts(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::String(text) => into.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| texts(item, into)),
        Value::Object(fields) => fields.values().for_each(|item| texts(item, into)),
        _ => {}
    }
}

#[test]
fn nothing_that_git_says_calls_people_or_is_markup() {
    let message = message();
    let mut all = Vec::new();
    texts(&slack::body(&message), &mut all);
    texts(&teams::body(&message), &mut all);
    for text in &all {
        assert!(!text.contains("<!") && !text.contains("@here") && !text.contains('\u{1b}'), "{text}");
        assert!(!text.contains('\u{202e}'), "{text}");
    }
    // Mattermost reads the text as Markdown: there is one block of code, and nothing in it ends it.
    let slack = slack::body(&message);
    let text = slack["text"].as_str().unwrap();
    assert_eq!((text.matches('`').count(), text.ends_with("```")), (6, true), "{text}");
    let blocks = slack["blocks"].as_array().unwrap();
    assert!(
        blocks.iter().filter(|block| block["type"] == "section").all(|block| block["text"]["type"] == "plain_text")
    );
    // Teams has no other kind of text than runs, which know no Markdown.
    let teams = teams::body(&message);
    let mut kinds = teams["attachments"][0]["content"]["body"].as_array().unwrap().iter().map(|block| &block["type"]);
    assert!(kinds.all(|kind| kind == "RichTextBlock"), "{teams:#}");
}

#[test]
fn five_hundred_drifts_are_one_message_that_counts_them() {
    let notes = (0..500).map(|number| Note {
        key: Key::parse(&format!("Corrected shop/s{number}")).unwrap(),
        severity: AlertSeverity::Warning,
        at: time("2026-01-02T03:05:00Z"),
        text: "x".repeat(5000),
        id: number.to_string(),
    });
    let notes: Vec<_> = notes.collect();
    let batch = Batch { began: Vec::new(), ended: Vec::new(), notes: notes[400..].to_vec(), dropped: 400, ..batch() };
    let message = Message::of(&ObjectKey::new("shop", "main"), &Setting::default(), &batch);
    assert_eq!(message.headline, "GitSync shop/main: 500 corrected drifts");
    assert_eq!(message.shown().1, 492);
    let slack = slack::body(&message);
    assert!(slack.to_string().len() < 30_000 && slack.to_string().contains("and 492 more"));
    assert!(teams::body(&message).to_string().len() < 28_000, "more than Teams takes");
}

#[test]
fn what_grows_by_being_made_harmless_is_less_and_still_taken() {
    // Quotes are escaped, and names behind an `@` are pushed away.
    for hostile in ["\"", "\\", "@a"] {
        let text = hostile.repeat(500);
        let drift = |number: usize| {
            let key = format!("Drifted shop/s{number}");
            incident(&key, AlertSeverity::Warning, "FieldsDiffer", &text, &[&text, &text, &text])
        };
        let batch = Batch { began: (0..20).map(drift).collect(), ended: Vec::new(), notes: Vec::new(), ..batch() };
        let message = Message::of(&ObjectKey::new("shop", "main"), &Setting::default(), &batch);
        let teams = teams::body(&message).to_string();
        assert!(teams.len() < 28_000, "{}: more than Teams takes", teams.len());
        let shown = (0..20).filter(|number| teams.contains(&format!("shop/s{number}\""))).count();
        assert!(shown > 0 && teams.contains(&format!("and {} more", 20 - shown)), "{shown} are shown");
    }
}

#[test]
fn an_alert_has_the_same_labels_at_its_begin_and_at_its_end() {
    let sync = ObjectKey::new("shop", "main");
    let now = time("2026-01-02T03:05:10Z");
    let labels = |batch: &Batch| alertmanager::body(&Message::of(&sync, &setting(), batch), now)[0]["labels"].clone();
    for alert in ["Drifted shop/orders", "ServiceFailing shop/orders", "PlanHeld", "Quarantined"] {
        let key = Key::parse(alert).unwrap();
        let severity = crate::alert::incident::severity(key.kind);
        let none = Batch { began: Vec::new(), ended: Vec::new(), notes: Vec::new(), ..batch() };
        let begin = Batch { began: vec![incident(alert, severity, "A", "a", &[])], ..none.clone() };
        let over = Over { key, since: now, how: None };
        let end = Batch { ended: vec![over], ..none };
        assert_eq!(labels(&begin), labels(&end), "{alert}");
    }
}

#[test]
fn the_address_of_an_alertmanager_may_be_its_root_or_its_api() {
    let expected = "https://am.example.com/x/api/v2/alerts";
    for url in ["https://am.example.com/x", "https://am.example.com/x/", "https://am.example.com/x/api/v2/alerts"] {
        assert_eq!(alertmanager::address(url), expected);
    }
}

#[test]
fn the_same_news_have_the_same_id_and_others_another() {
    let (sync, setting) = (ObjectKey::new("shop", "main"), setting());
    let id = |batch: &Batch| Message::of(&sync, &setting, batch).id;
    let later = Batch { at: time("2026-01-02T03:05:10Z"), ..batch() };
    assert_eq!(id(&batch()), id(&later));
    assert_ne!(id(&batch()), id(&Batch { notes: Vec::new(), ..batch() }));
}
