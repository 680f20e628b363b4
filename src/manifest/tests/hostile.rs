//! Files that are large, odd or meant ill: each comes to its end, and says what it is. How long it takes is measured
//! elsewhere.

use super::*;
use crate::manifest::limits::{MAX_DOCUMENT, MAX_FILE};

fn service(index: usize) -> String {
    format!("{HEAD}metadata: {{name: s{index}}}\nspec: {{image: a}}\n")
}

#[test]
fn ten_thousand_documents_of_one_file_are_each_judged() {
    let documents: Vec<_> = (0..10_000).map(service).collect();
    let file = check(&documents.join("---\n"), &[]);
    assert_eq!((file.documents.len(), file.ignored, file.unreadable), (10_000, 0, false));
    // One that is wrong, and one that cannot be read, are found where they are, and hide nothing.
    let mut documents = documents;
    documents[5_000] = documents[5_000].replace("image", "imgae");
    documents[7_000] = "a: [\n".to_owned();
    let file = parse(documents.join("---\n").as_bytes());
    assert_eq!((file.documents.len(), file.quarantined.len(), file.unreadable), (9_998, 1, true));
    let lines: Vec<_> = file.diagnostics.iter().map(|found| (found.position.line, found.code.as_str())).collect();
    assert_eq!(lines, [(25_004, "GM203"), (35_001, "GM101")]);
}

#[test]
fn a_document_of_twenty_megabytes_is_one_finding_or_nobodys_business() {
    let filled = |head: &str| format!("{head}{}\n", "x".repeat(MAX_FILE - head.len() - 1));
    let ours = filled(&with_spec("  image: "));
    let file = parse(ours.as_bytes());
    assert_eq!((file.diagnostics.len(), file.unreadable), (1, true));
    assert_eq!(file.diagnostics[0].code.as_str(), "GM104");
    let other = filled("apiVersion: v1\nkind: ConfigMap\ndata:\n  a: ");
    let file = parse(other.as_bytes());
    assert_eq!((file.diagnostics.len(), file.ignored, file.unreadable), (0, 1, false));
    let file = parse(format!("{ours}x").as_bytes());
    assert_eq!(file.diagnostics[0].message, "the file is larger than 20 MiB and was not read");
}

#[test]
fn what_comes_behind_a_document_that_is_too_large_is_read() {
    let large = with_spec(&format!("  image: {}\n", "x".repeat(MAX_DOCUMENT)));
    let file = parse(format!("{large}---\n{}", service(1)).as_bytes());
    assert_eq!((file.documents.len(), file.unreadable), (1, true));
}

#[test]
fn aliases_that_multiply_in_a_manifest_are_one_finding() {
    let mut text =
        format!("{HEAD}metadata: {{name: a}}\nspec:\n  image: a\n  args: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..10 {
        let below = vec![format!("*a{}", level - 1); 10].join(", ");
        text += &format!("  a{level}: &a{level} [{below}]\n");
    }
    let file = parse(format!("{text}---\n{}", service(1)).as_bytes());
    let codes: Vec<_> = file.diagnostics.iter().map(|found| found.code.as_str()).collect();
    assert_eq!((codes, file.documents.len(), file.unreadable), (vec!["GM104"], 1, true));
}

#[test]
fn the_kinds_of_other_groups_are_theirs_however_they_are_called() {
    let other = |version: &str, kind: &str| {
        format!(
            "apiVersion: {version}\nkind: {kind}\nmetadata: {{name: a}}\nspec: {{imgae: yes, replicas: many}}\n---\n"
        )
    };
    let text = [
        other("example.com/v1", "MicroService"),
        other("platform.example.com/v1alpha1", "GitSync"),
        other("v1", "MicroService"),
        other("apps/v1", "Deployment"),
        other("kustomize.toolkit.fluxcd.io/v1", "Kustomization"),
        other("argoproj.io/v1alpha1", "Application"),
    ];
    let file = check(&text.concat().repeat(1_000), &[]);
    assert_eq!((file.ignored, file.documents.len(), file.unreadable), (6_000, 0, false));
}

#[test]
fn tabs_carriage_returns_and_marks_of_byte_order_are_told_or_taken() {
    check(&with_spec("\timage: a\n"), &["5:2 GM101"]);
    check(&with_spec("  image: a\t# a comment after a tab\n"), &[]);
    check(&with_spec("  image: \"a\\tb\"\n"), &[]);
    check(&format!("\u{feff}{}", with_spec("  image: a\n").replace('\n', "\r\n")), &[]);
    let bytes = with_spec("  image: a\n").into_bytes();
    let utf16: Vec<u8> = bytes.iter().flat_map(|byte| [*byte, 0]).collect();
    for broken in
        [[&[0xff, 0xfe], &*utf16].concat(), [&*bytes, b"\xc3\x28"].concat(), [&*bytes, b"\xed\xa0\x80"].concat()]
    {
        let file = parse(&broken);
        let codes: Vec<_> = file.diagnostics.iter().map(|found| found.code.as_str()).collect();
        assert_eq!((codes, file.unreadable), (vec!["GM105"], true));
    }
}
