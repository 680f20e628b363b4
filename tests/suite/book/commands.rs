//! Every `gitmoor …` that a page shows is one that the program understands.

use clap::{CommandFactory, Parser};
use gitmoor::cli::Cli;

use super::page::{Page, everything};
use super::shell;

#[test]
fn every_command_in_a_block_is_one() {
    let mut wrong = Vec::new();
    let mut read = 0;
    for page in pages() {
        for block in &page.blocks {
            let lines = match block.language.as_str() {
                "console" => shell::session(&block.text),
                "sh" | "bash" => shell::script(&block.text),
                _ => continue,
            };
            for words in lines.iter().flat_map(|line| shell::simple(line)).filter_map(ours) {
                read += 1;
                if let Err(why) = Cli::try_parse_from(&words)
                    && why.use_stderr()
                {
                    wrong.push(format!("{}:{}: {}: {why}", page.path, block.line, words.join(" ")));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    assert!(read > 20, "only {read} commands were found: are blocks still read?");
}

#[test]
fn every_command_in_a_sentence_has_its_name_and_its_flags() {
    let mut wrong = Vec::new();
    for page in pages() {
        for (line, code) in &page.codes {
            for words in shell::simple(code).into_iter().filter_map(ours) {
                if let Err(why) = known(&words) {
                    wrong.push(format!("{}:{line}: `{code}`: {why}", page.path));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// Pages that speak of the program as it is now.
fn pages() -> Vec<Page> {
    everything().into_iter().filter(|page| page.path != "CHANGELOG.md").collect()
}

/// The words of a call of our program, whatever it is called by.
fn ours(mut words: Vec<String>) -> Option<Vec<String>> {
    if words.first().is_some_and(|word| word == "kubectl") && words.get(1).is_some_and(|word| word == "gitmoor") {
        words.remove(0);
    }
    let name = words.first()?.rsplit('/').next()?;
    (name == "gitmoor" && words.len() > 1).then_some(words)
}

/// Whether there is such a command with such flags. In a sentence, values are often left out.
fn known(words: &[String]) -> Result<(), String> {
    let mut command = Cli::command();
    command.build();
    let mut at = &command;
    for word in words[1..].iter().filter(|word| !word.contains('…')) {
        if let Some(flag) = word.strip_prefix("--") {
            let flag = flag.split('=').next().unwrap_or_default();
            let known = flag.is_empty() || at.get_arguments().any(|argument| argument.get_long() == Some(flag));
            if !known && !matches!(flag, "help" | "version") {
                return Err(format!("{} has no --{flag}", at.get_name()));
            }
        } else if let Some(below) = at.find_subcommand(word) {
            at = below;
        } else if at.get_positionals().next().is_none() && at.has_subcommands() && is_word(word) {
            return Err(format!("{} has no command {word}", at.get_name()));
        }
    }
    Ok(())
}

/// Neither a placeholder nor a value.
fn is_word(word: &str) -> bool {
    word.chars().all(|letter| letter.is_ascii_lowercase() || letter == '-') && !word.starts_with('-')
}

#[test]
fn what_the_program_does_not_have_is_found() {
    for (code, good) in [
        ("gitmoor drift --watch", true),
        ("gitmoor drift --wach", false),
        ("gitmoor dirft", false),
        ("gitmoor webhook test NAME", true),
        ("gitmoor webhook tset NAME", false),
        ("gitmoor explain CODE", true),
        ("gitmoor pause NAME --for 2h --reason …", true),
    ] {
        let words = ours(shell::simple(code).remove(0)).unwrap();
        assert_eq!(known(&words).is_ok(), good, "{code}: {:?}", known(&words));
    }
}
