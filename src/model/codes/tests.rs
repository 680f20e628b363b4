//! The table by itself: its form, and that no code or word is given out twice.

use std::collections::BTreeSet;

use super::*;
use crate::model::Code;

#[test]
fn no_two_share_a_code_or_a_word() {
    let (mut codes, mut words) = (BTreeSet::new(), BTreeSet::new());
    for entry in all() {
        assert!(codes.insert(entry.code), "{} is given out twice", entry.code);
        assert!(!entry.words.is_empty(), "{} has no word", entry.code);
        for word in entry.words {
            assert!(words.insert(*word), "{word} has two codes; one of them is {}", entry.code);
            assert!(by_word(word).is_some_and(|found| found.code == entry.code), "{word}");
        }
    }
}

#[test]
fn codes_are_in_order_and_in_the_area_that_their_digit_names() {
    for family in &FAMILIES {
        let codes: Vec<_> = family.entries.iter().map(|entry| entry.code).collect();
        assert!(codes.is_sorted(), "{codes:?}");
        for code in codes {
            let digits = code.strip_prefix("GM").unwrap();
            assert!(digits.len() == 3 && digits.bytes().all(|byte| byte.is_ascii_digit()), "{code}");
            assert!(family.digits.iter().any(|digit| digits.starts_with(digit)), "{code} in {}", family.title);
        }
    }
}

#[test]
fn every_entry_says_all_that_a_page_needs() {
    let camel = regex::Regex::new("^[A-Z][A-Za-z]+$").unwrap();
    for entry in all() {
        let code = entry.code;
        for word in entry.words {
            assert!(camel.is_match(word), "{code}: {word} is no CamelCase word");
        }
        assert!((10..=80).contains(&entry.title.len()) && !entry.title.ends_with('.'), "{code}: {}", entry.title);
        for text in [entry.means, entry.why, entry.next] {
            assert!(text.ends_with('.') && !text.contains("  ") && !text.contains('\n'), "{code}: {text}");
        }
        let said = entry.example.text();
        assert!(!said.is_empty() && !said.ends_with(['\n', ' ']), "{code}: {said}");
        match entry.example {
            Example::Said(_) => {
                let named = entry.words.iter().any(|word| said.contains(word)) || said.contains(code);
                assert!(named, "{code}: its example does not name it: {said}");
            }
            Example::Manifest(_) => assert!(said.starts_with("apiVersion: "), "{code}: {said}"),
        }
    }
}

#[test]
fn every_finding_about_a_manifest_is_in_the_table() {
    for code in Code::ALL {
        let entry = by_code(code.as_str()).unwrap();
        assert!(entry.name().starts_with(&format!("{code:?}")), "{code} is {code:?}, and {} there", entry.name());
        assert_eq!(entry.words.len(), 1, "{code}");
    }
}

#[test]
fn codes_are_found_however_they_are_written_and_words_as_they_are_printed() {
    assert_eq!(by_code("gm207").unwrap().name(), "RuleViolated");
    assert_eq!(code_of("NotOurs"), Some("GM501"));
    assert_eq!(code_of("FailedCreate"), Some("GM713"));
    assert_eq!(code_of("notours"), None);
    assert!(by_code("GM999").is_none() && by_code("").is_none());
}
