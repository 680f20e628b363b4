//! Words of others on a terminal and in Markdown: whatever stands in Git, in a status or in an annotation, no command prints
//! a character that does something, and no table, tag or link of its own begins.

use serde_json::{Value, json};

use super::gitmoor_on;
use crate::support::alone::Alone;
use crate::support::scene::service;

/// Moves the cursor, sets the title, turns the direction of reading, ends a line, and begins markup.
const EVIL: &str = "\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}\u{2066}\u{200b}\r\n| <img src=x onerror=alert(1)> @everyone #1 [x](javascript:alert(1)) `` ``` **b**";

/// What does something on a terminal, but for the end of a line.
fn acts(c: char) -> bool {
    (c.is_control() && c != '\n')
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
}

fn condition(kind: &str, status: &str) -> Value {
    json!({
        "type": kind, "status": status, "reason": "Evil", "message": EVIL, "observedGeneration": 1,
        "lastTransitionTime": "2026-01-01T00:00:00Z"
    })
}

fn field(object: &str) -> Value {
    json!({
        "kind": EVIL, "object": object, "path": format!("/spec/{EVIL}"), "change": "Modified", "declared": EVIL,
        "live": {"key": EVIL}, "manager": EVIL, "operation": "Update", "observed": "2026-01-01T00:00:00Z",
        "user": EVIL, "policy": "Report", "time": "2026-01-01T00:00:00Z"
    })
}

#[tokio::test]
async fn no_command_lets_words_of_others_act_on_a_terminal_or_as_markup() {
    let Some(alone) = Alone::new().await else { return };
    let (kube, namespace) = (alone.kube.clone(), alone.kube.namespace("evil").await);
    let object = format!("{namespace}/orders");
    let mut orders = service("orders", json!({"args": [EVIL], "suspend": true}));
    orders["metadata"]["namespace"] = json!(namespace);
    let mark = format!("sync={namespace}/main; uid=1; object={object}");
    orders["metadata"]["annotations"] =
        json!({"gitmoor.dev/source": mark, "gitmoor.dev/source-path": EVIL, "gitmoor.dev/source-revision": EVIL});
    kube.create(&orders).await;
    let drift = json!({"count": 1, "since": "2026-01-01T00:00:00Z", "fields": [field(&object)]});
    let status = json!({
        "observedGeneration": 1, "conditions": [condition("Ready", "False"), condition("Stalled", "True")],
        "image": {"declared": EVIL, "running": EVIL}, "url": EVIL, "replicasSummary": EVIL,
        "source": {"sync": format!("{namespace}/main"), "revision": EVIL, "file": EVIL, "line": 1},
        "children": [{"apiVersion": "v1", "kind": EVIL, "name": EVIL, "uid": EVIL}],
        "sourceDrift": drift, "workloadDrift": drift
    });
    kube.merge_status("MicroService", &namespace, "orders", status).await;
    let sync = json!({
        "apiVersion": "gitmoor.dev/v1alpha1", "kind": "GitSync", "metadata": {"namespace": namespace, "name": "main"},
        "spec": {"url": "https://git.example.com/a.git"}
    });
    kube.create(&sync).await;
    let revision = json!({"revision": EVIL, "author": EVIL, "subject": EVIL, "applied": "2026-01-01T00:00:00Z"});
    let problem = json!({"object": EVIL, "reason": "Evil", "message": EVIL, "place": EVIL});
    let status = json!({
        "observedGeneration": 1, "conditions": [condition("Ready", "False"), condition("Stalled", "True")],
        "lastAttemptedRevision": EVIL, "lastAppliedRevision": revision, "problems": [problem],
        "diagnostics": [{"code": "GM101", "place": EVIL, "message": EVIL}], "drift": [field(EVIL)],
        "hold": {
            "plan": EVIL, "revision": EVIL, "reason": "Evil", "message": EVIL, "creations": 0, "updates": 0,
            "deletions": 1, "deletes": [EVIL], "since": "2026-01-01T00:00:00Z"
        }
    });
    kube.merge_status("GitSync", &namespace, "main", status).await;

    let (sync, mut printed) = (format!("{namespace}/main"), 0);
    for (command, outputs) in [
        (vec!["status", &sync], &["", "json"][..]),
        (vec!["status", "--namespace", &namespace], &[""]),
        (vec!["tree", &sync], &["", "json"]),
        (vec!["history", &sync], &["", "json"]),
        (vec!["approve", &sync], &["", "json"]),
        (vec!["drift", &sync], &["", "json", "markdown"]),
        (vec!["drift", &object, "--history"], &["", "json", "markdown"]),
        (vec!["explain", &object], &[""]),
        (vec!["explain", EVIL.trim()], &[""]),
    ] {
        for output in outputs {
            let more = if output.is_empty() { vec![] } else { vec!["--output", output] };
            let ran = gitmoor_on(kube.plane, &[&command[..], &more].concat()).await;
            for text in [&ran.out, &ran.err] {
                let acting = text.chars().find(|c| acts(*c));
                assert_eq!(acting, None, "{command:?} {output}: {text:?}");
                printed += usize::from(text.contains("owned"));
                if *output == "markdown" {
                    let markup = ["<img", "@everyone", "[x](", "**b**"].into_iter().filter(|markup| {
                        // Within a span or a block of code it is text.
                        outside_of_code(text).contains(markup)
                    });
                    assert_eq!(markup.collect::<Vec<_>>(), [""; 0], "{command:?}: {text}");
                }
            }
        }
    }
    assert!(printed >= 8, "most of them had such words to print: {printed}");
}

/// Markdown less its code, as a host would show it.
fn outside_of_code(text: &str) -> String {
    use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
    let (mut shown, mut within) = (String::new(), false);
    for event in Parser::new_ext(text, Options::all()) {
        match event {
            Event::Start(Tag::CodeBlock(_)) => within = true,
            Event::End(TagEnd::CodeBlock) => within = false,
            Event::Html(html) | Event::InlineHtml(html) => shown.push_str(&html),
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                shown.push_str(&format!("[x]({dest_url})"));
            }
            Event::Start(Tag::Strong) => shown.push_str("**b**"),
            Event::Text(_) | Event::Code(_) if within => {}
            _ => {}
        }
    }
    shown
}
