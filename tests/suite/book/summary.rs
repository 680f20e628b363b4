//! The table of contents has every page once, and the pages about codes follow from the table of codes.
//!
//! `UPDATE_GOLDEN=1 cargo test --test suite book` writes the part with the codes.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;

use gitmoor::model::codes;

use super::page::{Page, book};
use crate::support::plane::root;

const SUMMARY: &str = "docs/SUMMARY.md";
/// The entry below which those of the codes stand.
const CODES: &str = "- [Codes](codes.md)";

#[test]
fn every_page_is_in_the_table_of_contents_once() {
    let listed: Vec<_> = Page::read(SUMMARY).links.into_iter().map(|(_, link)| format!("docs/{link}")).collect();
    let distinct: BTreeSet<_> = listed.iter().cloned().collect();
    assert_eq!(distinct.len(), listed.len(), "a page is listed twice");
    let there: BTreeSet<_> = book().into_iter().map(|page| page.path).filter(|path| path != SUMMARY).collect();
    let forgotten: Vec<_> = there.difference(&distinct).collect();
    let stray: Vec<_> = distinct.difference(&there).collect();
    assert!(forgotten.is_empty() && stray.is_empty(), "not in {SUMMARY}: {forgotten:?}\nnot there: {stray:?}");
}

#[test]
fn the_codes_in_the_table_of_contents_are_those_of_the_table() {
    let path = root().join(SUMMARY);
    let committed = fs::read_to_string(&path).unwrap();
    let mut wanted = String::new();
    for line in committed.lines().filter(|line| !line.starts_with("  - [GM")) {
        writeln!(wanted, "{line}").unwrap();
        if line == CODES {
            for entry in codes::all() {
                writeln!(wanted, "  - [{0} {1}](codes/{0}.md)", entry.code, entry.name()).unwrap();
            }
        }
    }
    assert!(wanted.contains("(codes/GM101.md)"), "{SUMMARY} has no line {CODES}");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, &wanted).unwrap();
        return;
    }
    assert!(committed == wanted, "{SUMMARY} is stale: UPDATE_GOLDEN=1 writes it");
}

#[test]
fn every_page_has_a_title() {
    let untitled: Vec<_> = book().into_iter().filter(|page| page.title.is_empty()).map(|page| page.path).collect();
    assert!(untitled.is_empty(), "{untitled:?}");
}
