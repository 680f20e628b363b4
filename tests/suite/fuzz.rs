//! A short pass over all that is fuzzed: the corpus, and some thousand mutations of it that are the same each time. The long
//! passes are `make fuzz`; what they find comes into `fuzz/corpus`.

#[path = "../../fuzz/src/targets/mod.rs"]
mod targets;

use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use fastrand::Rng;

use self::targets::{TARGETS, Target, root};

/// Mutations of one target, and how long they may take together: a slow machine makes fewer.
const MUTATIONS: u64 = 3_000;
const ENOUGH: Duration = Duration::from_secs(12);
/// Bytes of an input.
const LONGEST: usize = 16 << 10;
/// Larger files are examples of something else.
const SEED: u64 = 8 << 10;

#[test]
fn manifests_hold() {
    pass("manifests");
}

#[test]
fn webhooks_hold() {
    pass("webhooks");
}

#[test]
fn urls_and_refs_hold() {
    pass("urls");
}

#[test]
fn patterns_hold() {
    pass("ignores");
}

#[test]
fn managed_fields_hold() {
    pass("managed_fields");
}

#[test]
fn a_diff_that_is_applied_leaves_nothing() {
    pass("round_trip");
}

#[test]
fn overrides_hold() {
    pass("overrides");
}

#[test]
fn signatures_hold() {
    pass("signatures");
}

#[test]
fn requests_to_the_page_hold() {
    pass("page");
}

#[test]
fn secrets_hold() {
    pass("secrets");
}

#[test]
fn every_target_has_a_program_a_corpus_and_a_test() {
    let manifest = fs::read_to_string(root().join("fuzz/Cargo.toml")).unwrap();
    let own = fs::read_to_string(root().join("tests/suite/fuzz.rs")).unwrap();
    for Target { name, .. } in TARGETS {
        let program = fs::read_to_string(root().join(format!("fuzz/fuzz_targets/{name}.rs"))).unwrap();
        assert!(program.contains(&format!("run(\"{name}\", data)")), "{name}");
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name} is in fuzz/Cargo.toml");
        assert!(own.contains(&format!("pass(\"{name}\")")), "{name} has a test here");
        assert!(!files(&root().join("fuzz/corpus").join(name)).is_empty(), "{name} has a corpus");
    }
    let programs = files(&root().join("fuzz/fuzz_targets"));
    assert_eq!(programs.len(), TARGETS.len(), "{programs:?}");
}

/// The corpus and the seeds of a target, then mutations of them.
fn pass(name: &str) {
    let target = TARGETS.into_iter().find(|target| target.name == name).unwrap();
    let folders = target.seeds.iter().map(|folder| root().join(folder));
    let mut inputs = Vec::new();
    for file in [root().join("fuzz/corpus").join(name)].into_iter().chain(folders).flat_map(|folder| files(&folder)) {
        let input = fs::read(&file).unwrap();
        check(&target, &input, &file.display().to_string());
        inputs.push(input);
    }
    // For those that choose by bytes there is always something to choose by.
    inputs.push((0..64).collect());
    let began = Instant::now();
    for number in 0..MUTATIONS {
        let mut rng = Rng::with_seed(number);
        let mut input = rng.choice(&inputs).unwrap().clone();
        for _ in 0..=rng.u8(0..6) {
            mutate(&mut input, &inputs, target.words, &mut rng);
        }
        check(&target, &input, &format!("mutation {number}"));
        if began.elapsed() > ENOUGH {
            eprintln!("{name}: {number} mutations were enough for this machine");
            break;
        }
    }
}

fn check(target: &Target, input: &[u8], what: &str) {
    if catch_unwind(|| targets::run(target.name, input)).is_err() {
        let place = std::env::temp_dir().join(format!("gitmoor-fuzz-{}", target.name));
        fs::write(&place, input).unwrap();
        panic!(
            "{}: {what} does not hold; it is kept in {}: {:.300}",
            target.name,
            place.display(),
            String::from_utf8_lossy(input)
        );
    }
}

/// Files of a folder and of those in it, in their order; none where it is not there.
fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut found = Vec::new();
    for entry in entries.map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if entry.metadata().unwrap().len() <= SEED {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Changes one thing.
fn mutate(input: &mut Vec<u8>, inputs: &[Vec<u8>], words: &[&str], rng: &mut Rng) {
    let at = rng.usize(0..=input.len());
    let end = rng.usize(at..=input.len().min(at + 64));
    match rng.u8(0..9) {
        0 if at < input.len() => input[at] ^= 1 << rng.u8(0..8),
        1 if at < input.len() => input[at] = rng.u8(..),
        2 => drop(input.drain(at..end)),
        3 => {
            let piece = input[at..end].to_vec();
            input.splice(at..at, piece);
        }
        4 => {
            // Many of one thing.
            let piece = input[at..end].repeat(rng.usize(2..64));
            input.splice(at..at, piece);
        }
        5 => {
            let other = rng.choice(inputs).unwrap();
            let from = rng.usize(0..=other.len());
            input.splice(at..end, other[from..].iter().take(512).copied());
        }
        6 => input.truncate(at),
        7 => input.insert(at, rng.u8(..)),
        _ => drop(input.splice(at..at, rng.choice(words).unwrap_or(&"\0").bytes())),
    }
    input.truncate(LONGEST);
}
