//! `gitmoor explain` for everything that there is, and for what there is not.

use super::*;

fn explain(what: Option<&str>, output: Output) -> anyhow::Result<String> {
    let mut out = Vec::new();
    run(&ExplainArgs { what: what.map(str::to_owned), output }, &mut out, false)?;
    Ok(String::from_utf8(out).unwrap())
}

#[test]
fn a_page_says_what_why_and_what_next() {
    let expected = "\
GM404 RefNotFound: The repository has no such branch or tag
  The repository was reached, and has no branch, tag or other ref of the name in spec.ref,
  or no tag whose version is in the range.

Why
  A branch that is gone is not a branch that is empty: what is in the cluster stays, and
  nothing is pruned.

What to do
  Push it, or name another one in spec.ref. Without spec.ref the branch is main.
  Pre-releases count only where the range names one.

How it looks
  Ready=False RefNotFound: https://git.example.com/acme/deploy.git has no branch \"mian\";
  push it, or name another in spec.ref.branch
";
    assert_eq!(explain(Some("GM404"), Output::Text).unwrap(), expected);
    for other in ["gm404", " RefNotFound ", "refnotfound"] {
        assert_eq!(explain(Some(other), Output::Text).unwrap(), expected, "{other}");
    }
}

#[test]
fn every_code_and_every_word_has_a_page_that_fits() {
    for entry in codes::all() {
        let page = explain(Some(entry.code), Output::Text).unwrap();
        for word in entry.words {
            assert_eq!(explain(Some(word), Output::Text).unwrap(), page, "{word}");
        }
        let text = page.split("\nA manifest").next().unwrap();
        // The first line is a heading; a word that is longer than a line stands alone.
        for line in text.lines().skip(1).filter(|line| line.trim().contains(' ')) {
            assert!(line.width() <= WIDTH, "{}: {line}", entry.code);
        }
        assert!(page.lines().all(|line| line.trim_end() == line), "{}: {page}", entry.code);
    }
}

#[test]
fn what_there_is_not_is_an_error_with_the_nearest_word() {
    let said = |what: &str| explain(Some(what), Output::Text).unwrap_err().to_string();
    assert_eq!(said("NotOur"), "there is no code or reason \"NotOur\"; did you mean NotOurs?");
    assert_eq!(
        said("NamespaceMising"),
        "there is no code or reason \"NamespaceMising\"; did you mean NamespaceMissing?"
    );
    assert_eq!(said("GM999"), "there is no code or reason \"GM999\"; `gitmoor explain` lists all");
    for nothing in ["", "\x1b[2J", "something else entirely", &"x".repeat(100_000)] {
        let said = said(nothing);
        assert!(said.contains("lists all") && said.len() < 200 && !said.contains('\x1b'), "{said}");
    }
}

#[test]
fn machines_get_the_same() {
    let one: serde_json::Value = serde_json::from_str(&explain(Some("GM715"), Output::Json).unwrap()).unwrap();
    assert_eq!((&one["code"], one["reasons"].as_array().unwrap().len()), (&"GM715".into(), 5));
    let all: Vec<serde_json::Value> = serde_json::from_str(&explain(None, Output::Json).unwrap()).unwrap();
    assert_eq!(all.len(), codes::all().count());
    for (view, entry) in all.iter().zip(codes::all()) {
        assert_eq!(view["code"], entry.code);
        for field in ["title", "meaning", "why", "next", "example"] {
            assert!(view[field].as_str().is_some_and(|text| !text.is_empty()), "{field} of {}", entry.code);
        }
    }
}

#[test]
fn without_a_code_all_are_listed() {
    let list = explain(None, Output::Text).unwrap();
    assert!(list.starts_with("CODE   REASON"), "{list}");
    for entry in codes::all() {
        assert!(list.contains(&format!("{}  {} ", entry.code, entry.name())), "{}", entry.code);
    }
}
