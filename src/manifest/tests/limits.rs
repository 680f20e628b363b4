//! What a hostile or careless file may cost.

use super::*;
use crate::manifest::limits::{MAX_DEPTH, MAX_DOCUMENT, MAX_DOCUMENTS, MAX_FILE, MAX_FILE_FINDINGS};

fn check_limit(text: &str) -> ParsedFile {
    let file = parse(text.as_bytes());
    let codes: Vec<_> = file.diagnostics.iter().map(|found| found.code.as_str()).collect();
    assert_eq!((codes, file.unreadable), (vec!["GM104"], true), "{}", text.get(..80).unwrap_or(text));
    file
}

fn nested(open: &str, close: &str, depth: usize) -> String {
    format!("{}{}", open.repeat(depth), close.repeat(depth))
}

#[test]
fn depth_is_bounded() {
    assert_eq!(check(&nested("[", "]", MAX_DEPTH), &[]).ignored, 1);
    check_limit(&nested("[", "]", MAX_DEPTH + 1));
    check_limit(&nested("[", "]", 10_000));
    check_limit(&nested("{a: ", "}", 10_000));
    check_limit(&"[".repeat(10_000));
    check_limit(&"- ".repeat(10_000));
    let block: String = (0..10_000).map(|depth| format!("{}a:\n", " ".repeat(depth.min(200)))).collect();
    assert!(parse(block.as_bytes()).unreadable);
}

#[test]
fn a_deep_document_hides_no_other() {
    let text = format!("{}\n---\n{}", nested("[", "]", 10_000), with_spec("  image: a\n"));
    assert_eq!(check_limit(&text).documents.len(), 1);
}

#[test]
fn a_foreign_document_may_pass_limits() {
    let deep = format!("apiVersion: v1\nkind: ConfigMap\ndata: {}\n", nested("[", "]", 100));
    let large = format!("apiVersion: v1\nkind: ConfigMap\ndata:\n  a: {}\n  b: c\n", "x".repeat(MAX_DOCUMENT));
    for text in [deep, large] {
        let file = check(&text, &[]);
        assert_eq!((file.ignored, file.unreadable), (1, false));
    }
}

#[test]
fn size_is_bounded() {
    check_limit(&with_spec(&format!("  image: {}\n", "x".repeat(MAX_DOCUMENT))));
    check_limit(&" ".repeat(MAX_FILE + 1));
    let file = check_limit(&"--- a\n".repeat(MAX_DOCUMENTS + 1));
    assert_eq!(file.ignored as usize, MAX_DOCUMENTS);
}

#[test]
fn aliases_are_bounded() {
    let mut laughs = String::from("a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n");
    for level in 1..20 {
        let below = vec![format!("*a{}", level - 1); 9].join(", ");
        laughs += &format!("a{level}: &a{level} [{below}]\n");
    }
    check_limit(&laughs);
    let chain: String = (1..64).map(|level| format!("a{level}: &a{level} [*a{}]\n", level - 1)).collect();
    check_limit(&format!("a0: &a0 [[[]]]\n{chain}"));
    let anchors: String = (0..60).map(|level| format!("&a{level} [")).collect();
    check_limit(&format!("{anchors}{}{}", "1, ".repeat(100_000), "]".repeat(60)));
}

#[test]
fn findings_are_bounded() {
    let many: String = (0..1000).map(|field| format!("  f{field}: 1\n")).collect();
    assert_eq!(parse(with_spec(&many).as_bytes()).diagnostics.len(), 100);
    let file = parse(format!("{}---\n", with_spec(&many)).repeat(100).as_bytes());
    assert_eq!(file.diagnostics.len(), MAX_FILE_FINDINGS + 1);
    assert_eq!(file.quarantined.len(), 100);
}

#[test]
fn words_of_the_author_are_short_and_inert_in_messages() {
    let key = format!("\"{}\\u0007\\n\"", "x".repeat(5000));
    let file = parse(with_spec(&format!("  image: a\n  ? {key}\n  : 1\n")).as_bytes());
    let message = &file.diagnostics[0].message;
    assert!(message.len() < 200 && !message.contains(char::is_control), "{message}");
    let file = parse(format!("{HEAD}metadata: {{name: {}}}\n", "x".repeat(5000)).as_bytes());
    assert!(file.quarantined.is_empty() && file.unreadable);
}

#[test]
fn a_thousand_variables_are_more_than_fit() {
    let env = |count: usize| {
        let variable = |index| format!("  - {{name: A{index}, value: b}}\n");
        format!("  image: a\n  env:\n{}", (0..count).map(variable).collect::<String>())
    };
    check_spec(&env(256), &[]);
    check_spec(&env(257), &["7:5 GM206"]);
    check_spec(&env(1_000), &["7:5 GM206"]);
}

#[test]
fn configuration_is_bounded_by_file_and_in_all() {
    let file =
        |length: usize| format!("  image: a\n  configFiles:\n  - path: /a\n    content: {}\n", "x".repeat(length));
    check_spec(&file(262_144), &[]);
    check_spec(&file(262_145), &["8:14 GM206"]);
    let file = parse(with_spec(&file(1 << 20)).as_bytes());
    assert!(file.documents.is_empty() && !file.diagnostics.is_empty());
}
