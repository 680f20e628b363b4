//! What is left out: patterns of files, as `.gitmoorignore` has them, and patterns of fields, as rules about drift have them.

use gitmoor::model::pattern::{Glob, PathPattern};
use gitmoor::model::pointer::Pointer;
use gitmoor::source::Excludes;
use serde_json::json;

pub fn run(data: &[u8]) {
    let end = data.iter().position(|byte| *byte == 0).unwrap_or(data.len());
    let (patterns, rest) = data.split_at(end);
    let path = String::from_utf8_lossy(rest).replace('\0', "");
    files(patterns, path.trim_matches('/'));
    fields(&String::from_utf8_lossy(patterns), &path);
}

fn files(patterns: &[u8], path: &str) {
    let (mut one, mut other) = (Excludes::of(&[]), Excludes::of(&[]));
    let taken = one.add("", patterns);
    assert_eq!(taken, other.add("", patterns));
    if taken.is_none() || path.is_empty() || path.contains("//") {
        return;
    }
    for folder in [false, true] {
        assert_eq!(one.has(path, folder), other.has(path, folder), "the same is answered twice");
        let below = format!("{path}/x.yaml");
        assert!(!one.covers(path, true) || one.covers(&below, false), "what is below a folder goes with it");
    }
    if patterns.is_empty() {
        assert!(!one.covers(path, false), "no pattern leaves nothing out");
    }
}

fn fields(pattern: &str, text: &str) {
    // The slow and obvious way, for texts that it can bear.
    if pattern.len() <= 64 && text.len() <= 64 {
        let (fast, slow) = (Glob::new(pattern).fits(text), fits(&letters(pattern), &letters(text)));
        assert_eq!(fast, slow, "{pattern:?} {text:?}");
    }
    let object = json!({"spec": {"ports": [{"name": "web", "port": 80}, {"name": "a/b"}], "a~b": {"c": [1, 2]}}});
    if let Ok(pattern) = PathPattern::parse(pattern) {
        let everywhere = PathPattern::parse("/**").expect("it is a pattern");
        for place in ["/spec/ports/0/port", "/spec/ports/1", "/spec/a~0b/c/1", text] {
            let Some(pointer) = Pointer::parse(place) else { continue };
            assert_eq!(Pointer::parse(&pointer.to_string()), Some(pointer.clone()), "it is written as it is read");
            let value = pointer.get(&object);
            let answer = pattern.fits(&pointer, &object, value);
            assert_eq!(answer, pattern.fits(&pointer, &object, value), "the same is answered twice");
            assert!(!answer || everywhere.fits(&pointer, &object, value), "{place}");
        }
    }
}

fn letters(text: &str) -> Vec<char> {
    text.chars().collect()
}

/// Row by row: whether the pattern up to here fits the text up to there.
fn fits(pattern: &[char], text: &[char]) -> bool {
    let mut row = vec![false; text.len() + 1];
    row[0] = true;
    for letter in pattern {
        let mut next = vec![false; text.len() + 1];
        next[0] = *letter == '*' && row[0];
        for at in 0..text.len() {
            next[at + 1] = if *letter == '*' { row[at + 1] || next[at] } else { row[at] && *letter == text[at] };
        }
        row = next;
    }
    row[text.len()]
}
