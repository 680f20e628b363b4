//! What a watcher is told, from two looks.

use serde_json::json;

use super::*;
use crate::api::status::DriftedField;
use crate::cli::drift::found::{End, Level};

fn field(path: &str, live: u32) -> DriftedField {
    serde_json::from_value(json!({
        "kind": "Deployment", "object": "shop/orders", "path": path, "change": "Modified", "declared": 2, "live": live,
        "manager": "kubectl", "observed": "2026-01-02T00:00:01Z", "policy": "Report"
    }))
    .unwrap()
}

fn found(path: &str, live: u32) -> Found {
    Found {
        micro_service: "shop/orders".into(),
        level: Level::Workload,
        field: field(path, live),
        end: None,
        source: None,
    }
}

fn over(path: &str, live: u32, until: &str) -> Found {
    let mut episode = json!(field(path, live));
    (episode["until"], episode["ended"]) = (json!(until), json!("Corrected"));
    let episode = serde_json::from_value(episode).unwrap();
    Found { end: Some(End::of(&episode)), ..found(path, live) }
}

fn report(drift: Vec<Found>, history: Vec<Found>) -> Report {
    Report { drift, history, ..Report::default() }
}

#[track_caller]
fn check(before: &Report, now: &Report, expected: &[(What, &str)]) {
    let told = news(before, now);
    let told: Vec<_> = told.iter().map(|news| (news.event, news.found.field.path.as_str())).collect();
    assert_eq!(told, expected);
}

#[test]
fn each_change_is_told_once() {
    let (one, two) = ("2026-01-02T00:00:05Z", "2026-01-02T00:00:09Z");
    let none = report(vec![], vec![]);
    let a = report(vec![found("/a", 5)], vec![]);
    check(&none, &none, &[]);
    check(&none, &a, &[(What::Drift, "/a")]);
    check(&a, &a, &[]);
    check(&a, &report(vec![found("/a", 6)], vec![]), &[(What::Changed, "/a")]);
    let ended = report(vec![], vec![over("/a", 5, one)]);
    check(&a, &ended, &[(What::Ended, "/a")]);
    check(&ended, &ended, &[]);
    // It came and went between two looks, or came again at once.
    check(&none, &ended, &[(What::Ended, "/a")]);
    check(&a, &report(vec![found("/a", 5)], vec![over("/a", 5, one)]), &[(What::Ended, "/a"), (What::Drift, "/a")]);
    check(&ended, &report(vec![], vec![over("/a", 5, two), over("/a", 5, one)]), &[(What::Ended, "/a")]);
    // Its object went, and nothing says how it ended.
    check(&a, &none, &[(What::Ended, "/a")]);
}

#[test]
fn a_line_says_all_of_it_and_nothing_acts_on_a_terminal() {
    let print = |news: &News, output| {
        let mut out = Vec::new();
        news.print(output, &mut out, false).unwrap();
        String::from_utf8(out).unwrap()
    };
    let mut drift = News::of(What::Drift, &found("/spec/replicas", 5));
    assert_eq!(
        print(&drift, DriftOutput::Text),
        "2026-01-02T00:00:01Z drift   workload Deployment shop/orders /spec/replicas: declared 2, live 5; by kubectl, \
         seen 2026-01-02T00:00:01Z; policy Report\n"
    );
    let ended = News::of(What::Ended, &over("/spec/replicas", 5, "2026-01-02T00:00:05Z"));
    let text = print(&ended, DriftOutput::Text);
    assert!(text.ends_with("; put back 2026-01-02T00:00:05Z after 4s\n"), "{text}");
    let line: serde_json::Value = serde_json::from_str(&print(&ended, DriftOutput::Json)).unwrap();
    assert_eq!(
        (&line["event"], &line["ended"], &line["path"]),
        (&json!("ended"), &json!("Corrected"), &json!("/spec/replicas"))
    );
    drift.found.field.manager = Some("\u{1b}[31mmallory\u{202e}\n".into());
    for output in [DriftOutput::Text, DriftOutput::Json] {
        let line = print(&drift, output);
        assert_eq!(line.trim_end_matches('\n').chars().find(|c| crate::cli::inert::is_active(*c)), None, "{line:?}");
    }
}
