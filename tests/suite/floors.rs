//! The house: imports point down only, modules on one floor do not know each other, and the lower floors are pure.
//!
//! It reads the sources as text, without their tests and comments. What it cannot see (a macro that expands to an
//! import, say) nobody writes here.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

/// Every module of the crate and its floor; see src/lib.rs.
const FLOORS: [(&str, usize); 26] = [
    ("api", 0),
    ("model", 0),
    ("alert", 1),
    ("drift", 1),
    ("election", 1),
    ("health", 1),
    ("install", 1),
    ("manifest", 1),
    ("plan", 1),
    ("page", 1),
    ("report", 1),
    ("signature", 1),
    ("view", 1),
    ("webhook", 1),
    ("workload", 1),
    ("cluster", 2),
    ("server", 2),
    ("source", 2),
    ("telemetry", 2),
    ("notify", 2),
    ("trace", 2),
    ("alerting", 3),
    ("app", 3),
    ("cli", 3),
    ("controller", 3),
    ("sync", 3),
];

/// Who may know a module on the same floor, and why.
const NEIGHBOURS: [(&str, &str, &str); 19] = [
    ("model", "api", "a plan speaks of the two kinds"),
    ("alert", "report", "an alert says what status and Events say, in the same words"),
    ("workload", "drift", "an override merges by the keys by which fields compare"),
    ("manifest", "workload", "an override of what is not rendered is found"),
    ("view", "drift", "a field is shown with the policy that holds for it"),
    ("view", "plan", "the place of a document is read as the sync reads it"),
    ("view", "report", "what status says is said in the words of reports"),
    ("page", "view", "the page answers in the shapes that the commands print"),
    ("page", "report", "entries and lines are said in the words of reports, and hidden as there"),
    ("page", "health", "a tree shows what keeps pods from serving"),
    ("cluster", "telemetry", "every call is counted where it is made"),
    ("server", "telemetry", "a connection that falls over a bug is caught where it is answered"),
    ("trace", "source", "history is read where the source is"),
    ("trace", "telemetry", "a trace that ends is said where it ends"),
    ("app", "alerting", "app is the wiring"),
    ("app", "controller", "app is the wiring"),
    ("app", "sync", "app is the wiring"),
    ("cli", "app", "subcommands start what app wires"),
    ("cli", "sync", "diff shows what a sync would do"),
];

/// What a pure floor has no use for.
const IMPURE: [(&str, &str); 9] = [
    (r"\basync\b|\.await\b", "async"),
    (r"\btokio\b|\bfutures::", "a runtime"),
    (r"\bstd::(fs|net|env|process|thread)\b", "the outside world"),
    (r"\bSystemTime\b|\bInstant\b|\b(Timestamp|Zoned)::now\b", "a clock"),
    (r"\bfastrand\b|\brand::", "randomness"),
    (r"\bkube::(Client|Api|client|api::Api|runtime)\b", "a client"),
    (r"\breqwest\b|\bhyper\b|\baxum\b|\bgix\b|(?:^|[^:\w])notify::", "the network"),
    (r"\btracing\b|\bprintln!|\beprintln!", "output"),
    (r"\bstatic mut\b|\bthread_local!|\bRefCell\b|\bMutex\b", "hidden state"),
];

/// Lines in a file; past that it is asking to be two.
const LONG: usize = 400;
/// Files that are longer, up to which length, and why.
const LONGER: [(&str, usize, &str); 0] = [];

#[test]
fn every_module_has_a_floor() {
    let floors: BTreeMap<_, _> = FLOORS.into_iter().collect();
    let lib = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    for module in lib.lines().filter_map(|line| line.trim().strip_prefix("pub mod ")?.strip_suffix(';')) {
        assert!(floors.contains_key(module), "src/lib.rs has the module {module}, and FLOORS does not");
    }
}

#[test]
fn imports_point_down_only() {
    let mut wrong = Vec::new();
    for file in sources() {
        for (line, used) in file.uses() {
            if let Some(why) = looks_wrong(&file.module, &used) {
                wrong.push(format!("{}:{line}: {} uses {used}: {why}", file.path, file.module));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn every_exception_is_still_needed() {
    let used: Vec<_> = sources()
        .into_iter()
        .flat_map(|file| file.uses().into_iter().map(|(_, used)| (file.module.clone(), used)).collect::<Vec<_>>())
        .collect();
    for (from, to, _) in NEIGHBOURS {
        assert!(used.contains(&(from.to_owned(), to.to_owned())), "{from} uses {to} no more: take it off NEIGHBOURS");
    }
}

#[test]
fn the_lower_floors_are_pure() {
    let patterns = IMPURE.map(|(pattern, what)| (Regex::new(pattern).unwrap(), what));
    let mut wrong = Vec::new();
    for file in sources().iter().filter(|file| floor(&file.module).is_some_and(|floor| floor < 2)) {
        for (number, line) in &file.lines {
            for (pattern, what) in &patterns {
                if let Some(found) = pattern.find(line) {
                    wrong.push(format!("{}:{number}: {what}: {}", file.path, found.as_str()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn every_file_says_what_it_is_for_and_is_short() {
    let mut wrong = Vec::new();
    for path in rust_files(&root().join("src")) {
        let text = fs::read_to_string(&path).unwrap();
        let name = path.strip_prefix(root()).unwrap().display().to_string();
        if !text.starts_with("//! ") {
            wrong.push(format!("{name} does not begin with a line `//! `"));
        }
        let length = text.lines().count();
        let allowed = LONGER.iter().find(|(longer, ..)| *longer == name).map_or(LONG, |(_, allowed, _)| *allowed);
        if length > allowed {
            wrong.push(format!("{name} has {length} lines, more than {allowed}: make it two"));
        }
        if length <= LONG && allowed > LONG {
            wrong.push(format!("{name} has {length} lines only: take it off LONGER"));
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn what_is_read_is_understood() {
    let text = "use crate::{api, cluster::{Store, watch}, model};\n// crate::sync\nlet x = crate::plan::now();\nuse super::super::report::X;\n";
    let uses = |depth| Source::new("src/drift/x.rs".into(), "drift".into(), depth, text).uses();
    let names = |depth| uses(depth).into_iter().map(|(_, used)| used).collect::<Vec<_>>();
    assert_eq!(names(2), ["api", "cluster", "model", "plan", "report"]);
    assert_eq!(names(3), ["api", "cluster", "model", "plan"]);
    let tested =
        "fn a() {}\n#[cfg(test)]\nmod tests {\n    use crate::sync;\n}\n#[cfg(test)]\nuse crate::sync;\nfn b() {}\n";
    let lines: Vec<_> = untested(tested).into_iter().map(|(_, line)| line).collect();
    assert_eq!(lines, ["fn a() {}", "fn b() {}"]);
}

/// A file of the crate, without its tests and comments.
pub struct Source {
    /// From the root of the repository.
    pub path: String,
    /// Its module of the crate.
    pub module: String,
    /// How many `super` lead to the root of the crate.
    depth: usize,
    /// Its lines, numbered.
    pub lines: Vec<(usize, String)>,
}

impl Source {
    fn new(path: String, module: String, depth: usize, text: &str) -> Self {
        Self { path, module, depth, lines: untested(text) }
    }

    /// Modules of the crate that it names, with the line.
    fn uses(&self) -> Vec<(usize, String)> {
        let text: String = self.lines.iter().map(|(_, line)| format!("{line}\n")).collect();
        let start = Regex::new(r"\bcrate::(\{)?|((?:\bsuper::)+)").unwrap();
        let mut found = Vec::new();
        for begin in start.captures_iter(&text) {
            let whole = begin.get(0).unwrap();
            let line = self.lines[text[..whole.start()].matches('\n').count()].0;
            let supers = begin.get(2).map_or(0, |supers| supers.as_str().matches("super").count());
            if begin.get(2).is_some() && supers < self.depth {
                continue;
            }
            let rest = &text[whole.end()..];
            let names = if begin.get(1).is_some() { firsts(rest) } else { vec![word(rest)] };
            found.extend(names.into_iter().filter(|name| floor(name).is_some()).map(|name| (line, name)));
        }
        found
    }
}

/// The first words of the items of a brace that was just opened.
fn firsts(text: &str) -> Vec<String> {
    let (mut depth, mut names, mut begins) = (0, Vec::new(), true);
    for (at, letter) in text.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => begins = true,
            letter if begins && !letter.is_whitespace() => {
                names.push(word(&text[at..]));
                begins = false;
            }
            _ => {}
        }
    }
    names
}

fn word(text: &str) -> String {
    text.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect()
}

/// The lines of a file, numbered, without comments and what is only compiled for tests. It relies on rustfmt.
fn untested(text: &str) -> Vec<(usize, String)> {
    let mut lines = text.lines().enumerate().map(|(index, line)| (index + 1, line));
    let mut kept = Vec::new();
    while let Some((number, line)) = lines.next() {
        if line.trim_start().starts_with("//") {
            continue;
        }
        if !line.trim().starts_with("#[cfg(test)]") {
            let code = line.split_once(" // ").map_or(line, |(code, _)| code);
            kept.push((number, code.to_owned()));
            continue;
        }
        let indent = &line[..line.len() - line.trim_start().len()];
        let ends = [format!("{indent}}}"), format!("{indent}}};")];
        // The item that follows: up to its `;` on the same line, or its closing brace.
        for (_, line) in lines.by_ref() {
            if ends.iter().any(|end| end == line)
                || line.ends_with(';') && line.starts_with(indent) && !line[indent.len()..].starts_with(' ')
            {
                break;
            }
        }
    }
    kept
}

fn looks_wrong(module: &str, used: &str) -> Option<String> {
    let (from, to) = (floor(module)?, floor(used)?);
    if module == used || to < from || NEIGHBOURS.iter().any(|(a, b, _)| *a == module && *b == used) {
        return None;
    }
    Some(if to > from { "it looks up".into() } else { format!("both are on floor {to}") })
}

fn floor(module: &str) -> Option<usize> {
    FLOORS.iter().find(|(name, _)| *name == module).map(|(_, floor)| *floor)
}

/// The files of the crate that have a floor; modules of tests are left out.
pub fn sources() -> Vec<Source> {
    let src = root().join("src");
    let mut sources = Vec::new();
    for path in rust_files(&src) {
        let inside = path.strip_prefix(&src).unwrap();
        let parts: Vec<_> =
            inside.iter().map(|part| part.to_str().unwrap().trim_end_matches(".rs").to_owned()).collect();
        if parts.iter().any(|part| part == "tests") || floor(&parts[0]).is_none() {
            continue;
        }
        let depth = parts.iter().filter(|part| *part != "mod").count();
        let text = fs::read_to_string(&path).unwrap();
        sources.push(Source::new(format!("src/{}", inside.display()), parts[0].clone(), depth, &text));
    }
    assert!(sources.len() > 50, "the sources were not found");
    sources
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
