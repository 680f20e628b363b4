//! What the page about security says is shown by a test, is: the tests that it names exist.

use std::collections::BTreeSet;
use std::fs;

use regex::Regex;

use super::page::Page;
use crate::support::files::rust_files;

#[test]
fn every_test_that_the_security_model_names_exists() {
    let mut tests = BTreeSet::new();
    let test = r"#\[(?:tokio::)?test(?:\([^\]]*\))?\]\s*(?:#\[[^\]]*\]\s*)*(?:async )?fn ([a-z0-9_]+)";
    let test = Regex::new(test).unwrap();
    for file in ["src", "tests"].into_iter().flat_map(rust_files) {
        let text = fs::read_to_string(file).unwrap();
        tests.extend(test.captures_iter(&text).map(|test| test[1].to_owned()));
    }
    let name = Regex::new("^[a-z0-9]+(?:_[a-z0-9]+){2,}$").unwrap();
    let page = Page::read("docs/security.md");
    let named: Vec<_> = page.codes.iter().filter(|(_, code)| name.is_match(code)).collect();
    assert!(named.len() > 40, "only {} are named: has the page another form?", named.len());
    let gone: Vec<_> = named.iter().filter(|(_, code)| !tests.contains(code)).collect();
    assert!(gone.is_empty(), "docs/security.md names tests that there are not: {gone:#?}");
}
