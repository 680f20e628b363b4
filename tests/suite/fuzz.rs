//! A short pass over all that is fuzzed: the corpus, and some thousand mutations of it that are the same each time, by the words
//! of its dictionary. The long passes are `make fuzz`; what they find comes into `fuzz/corpus`.

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
const ENOUGH: Duration = Duration::from_secs(1);
/// Bytes of an input.
const LONGEST: usize = 16 << 10;
/// Larger files are examples of something else.
const SEED: u64 = 8 << 10;
/// Bytes that libFuzzer takes of a word.
const WORD: usize = 64;

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
fn plans_hold() {
    pass("plans");
}

#[test]
fn objects_that_others_wrote_hold() {
    pass("live");
}

#[test]
fn no_secret_is_shown() {
    pass("redaction");
}

#[test]
fn words_of_others_hold() {
    pass("words");
}

#[test]
fn a_word_of_a_dictionary_is_read_as_libfuzzer_reads_it() {
    let check = |line: &str, expected: Option<&[u8]>| assert_eq!(word(line).as_deref(), expected, "{line}");
    check(r#""a \\ \" b""#, Some(br#"a \ " b"#));
    check(r#""\x0a\xff""#, Some(b"\x0a\xff"));
    check(r#"name="a""#, Some(b"a"));
    for bad in ["a", "\"", "\"a", r#""\q""#, r#""\x1""#, "\"\"", "\"ä\""] {
        check(bad, None);
    }
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
        let corpus = root().join("fuzz/corpus").join(name);
        let all = fs::read_dir(&corpus).unwrap().count();
        assert!(
            all > 0 && files(&corpus).len() == all,
            "{name} has a corpus, and each input of it is small enough to be run"
        );
        assert!(dictionary(name).iter().all(|word| word.len() <= WORD), "{name} has a dictionary of short words");
    }
    for folder in ["fuzz_targets", "dictionaries"] {
        let all = files(&root().join("fuzz").join(folder));
        assert_eq!(all.len(), TARGETS.len(), "{all:?}");
    }
}

/// The corpus and the seeds of a target, then mutations of them.
fn pass(name: &str) {
    let target = TARGETS.into_iter().find(|target| target.name == name).unwrap();
    let words = dictionary(name);
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
            mutate(&mut input, &inputs, &words, &mut rng);
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

/// Words that mean something in an input.
fn dictionary(name: &str) -> Vec<Vec<u8>> {
    let text = fs::read_to_string(root().join(format!("fuzz/dictionaries/{name}.dict"))).unwrap();
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| word(line).unwrap_or_else(|| panic!("{name}: {line} is no word"))).collect()
}

/// A word of a dictionary: printable, with escapes for what is not.
fn word(line: &str) -> Option<Vec<u8>> {
    let (_, text) = line.split_once('"')?;
    let mut rest = text.strip_suffix('"')?.as_bytes();
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut word = Vec::new();
    while let Some((first, tail)) = rest.split_first() {
        let (byte, tail) = match (*first, tail) {
            (b'\\', [escaped @ (b'\\' | b'"'), tail @ ..]) => (*escaped, tail),
            (b'\\', [b'x', high, low, tail @ ..]) => (digit(*high)? << 4 | digit(*low)?, tail),
            (plain @ (b' ' | b'!' | b'#'..=b'[' | b']'..=b'~'), tail) => (plain, tail),
            _ => return None,
        };
        word.push(byte);
        rest = tail;
    }
    (!word.is_empty()).then_some(word)
}

/// Changes one thing.
fn mutate(input: &mut Vec<u8>, inputs: &[Vec<u8>], words: &[Vec<u8>], rng: &mut Rng) {
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
        _ => drop(input.splice(at..at, rng.choice(words).unwrap_or(&vec![0]).iter().copied())),
    }
    input.truncate(LONGEST);
}
