//! What is left out: patterns of files, as `.gitmoorignore` has them, and patterns of fields, as rules about drift have them.

use gitmoor::model::pattern::{Glob, PathPattern};
use gitmoor::model::pointer::Pointer;
use gitmoor::source::Excludes;
use serde_json::{Value, json};

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
    let object = json!({
        "spec": {"ports": [{"name": "web", "port": 80}, {"name": "a/b"}], "a~b": {"c": [1, 2]}, "~1": {"/": true, "*": {}}},
    });
    let small = pattern.len() <= 64 && pattern.matches("**").count() <= 3;
    let steps: Vec<&str> = pattern.split('/').skip(1).collect();
    if let Ok(pattern) = PathPattern::parse(pattern) {
        let everywhere = PathPattern::parse("/**").expect("it is a pattern");
        for place in ["/spec/ports/0/port", "/spec/ports/1", "/spec/a~0b/c/1", "/spec/~01/~1", "/spec/~01", text] {
            let Some(pointer) = Pointer::parse(place) else { continue };
            assert_eq!(Pointer::parse(&pointer.to_string()), Some(pointer.clone()), "it is written as it is read");
            let value = pointer.get(&object);
            let answer = pattern.fits(&pointer, &object, value);
            assert_eq!(answer, pattern.fits(&pointer, &object, value), "the same is answered twice");
            assert!(!answer || everywhere.fits(&pointer, &object, value), "{place}");
            if small && place.len() <= 64 && pointer.segments().len() <= 8 {
                let obvious = means(&steps, pointer.segments(), Some(&object))
                    || value.is_some_and(|value| means_all(&steps, pointer.segments(), value, &object));
                assert_eq!(answer, obvious, "{pattern} {place}");
            }
        }
    }
}

/// Whether a place is meant, or something around it: each step is tried wherever it may stand.
fn means(steps: &[&str], place: &[String], around: Option<&Value>) -> bool {
    let Some((step, later)) = steps.split_first() else { return true };
    if *step == "**" && means(later, place, around) {
        return true;
    }
    let Some((segment, below)) = place.split_first() else { return false };
    let item = around.and_then(Value::as_array).and_then(|items| {
        let at = segment.parse::<usize>().ok().filter(|at| at.to_string() == *segment)?;
        items.get(at)
    });
    let next = around.and_then(|around| around.get(segment)).or(item);
    match step.strip_prefix('[').and_then(|step| step.strip_suffix(']')) {
        _ if *step == "**" => means(steps, below, next),
        Some(fields) => {
            item.is_some_and(|item| fields.split(',').all(|field| has(item, field))) && means(later, below, next)
        }
        None => fits(&letters(&unescaped(step)), &letters(segment)) && means(later, below, next),
    }
}

/// Whether all that is in a value is meant, and there is something.
fn means_all(steps: &[&str], place: &[String], value: &Value, object: &Value) -> bool {
    let names: Vec<String> = match value {
        Value::Object(fields) => fields.keys().cloned().collect(),
        Value::Array(items) => (0..items.len()).map(|at| at.to_string()).collect(),
        _ => return false,
    };
    let meant = |name: &String| {
        let (inner, below) = ([place, std::slice::from_ref(name)].concat(), Pointer::root().child(name));
        let value = below.get(value).expect("it is there");
        means(steps, &inner, Some(object)) || means_all(steps, &inner, value, object)
    };
    !names.is_empty() && names.iter().all(meant)
}

/// Whether an item has a field like that: `name=web`.
fn has(item: &Value, field: &str) -> bool {
    let (name, wanted) = field.split_once('=').expect("it is a pattern");
    let found = match item.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(plain @ (Value::Number(_) | Value::Bool(_))) => plain.to_string(),
        _ => return false,
    };
    fits(&letters(&unescaped(wanted)), &letters(&found))
}

/// Letter by letter, so that what an escape stands for begins no other one.
fn unescaped(step: &str) -> String {
    let (mut letters, mut text) = (step.chars(), String::new());
    while let Some(letter) = letters.next() {
        let slash = letter == '~' && letters.next() == Some('1');
        text.push(if slash { '/' } else { letter });
    }
    text
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
