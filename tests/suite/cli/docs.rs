//! docs/cli.md is what `--help` says, and docs/codes what the table of codes says.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;

use clap::CommandFactory;
use gitmoor::model::codes::{self, Entry, Example, FAMILIES};

use crate::support::plane::root;

#[test]
fn the_page_about_the_command_line_is_what_help_says() {
    let page = root().join("docs/cli.md");
    let document = document();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&page, &document).unwrap();
    }
    let committed = fs::read_to_string(&page).unwrap_or_default();
    assert!(committed == document, "docs/cli.md is stale: run this test with UPDATE_GOLDEN=1 and commit the page");
}

fn document() -> String {
    let mut gitmoor = gitmoor::cli::Cli::command().term_width(100);
    gitmoor.build();
    let mut page = String::from("# The command line\n\nGenerated from `gitmoor --help` by tests/suite/cli/docs.rs.\n");
    section(&mut page, "gitmoor", &gitmoor.render_long_help().to_string());
    for command in gitmoor.get_subcommands_mut() {
        let name = format!("gitmoor {}", command.get_name());
        section(&mut page, &name, &command.render_long_help().to_string());
        for below in command.get_subcommands_mut() {
            section(&mut page, &format!("{name} {}", below.get_name()), &below.render_long_help().to_string());
        }
    }
    page
}

fn section(page: &mut String, name: &str, help: &str) {
    let lines: Vec<_> = help.lines().map(str::trim_end).collect();
    write!(page, "\n## {name}\n\n```text\n{}\n```\n", lines.join("\n").trim_end()).unwrap();
}

#[test]
fn the_pages_about_codes_are_what_the_table_says() {
    let docs = root().join("docs");
    let mut wanted: BTreeMap<_, _> =
        codes::all().map(|entry| (docs.join(format!("codes/{}.md", entry.code)), page(entry))).collect();
    wanted.insert(docs.join("codes.md"), index());
    let there: Vec<_> =
        fs::read_dir(docs.join("codes")).into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
    let stray: Vec<_> = there.iter().filter(|path| !wanted.contains_key(*path)).collect();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(docs.join("codes")).unwrap();
        stray.iter().for_each(|path| fs::remove_file(path).unwrap());
        wanted.iter().for_each(|(path, text)| fs::write(path, text).unwrap());
        return;
    }
    let is_stale = |(path, text): &(_, &String)| fs::read_to_string(path).unwrap_or_default() != **text;
    let stale: Vec<_> = wanted.iter().filter(is_stale).map(|(path, _)| path).collect();
    assert!(
        stale.is_empty() && stray.is_empty(),
        "run this test with UPDATE_GOLDEN=1 and commit the pages\nstale: {stale:?}\nnot in the table: {stray:?}"
    );
}

fn index() -> String {
    let mut text = String::from(
        "# Codes\n\n\
         Every finding, every reason of a condition, every problem and every refusal has a stable code. A code keeps its\n\
         meaning and is never given to something else. `gitmoor explain CODE` prints its page; so does\n\
         `gitmoor explain REASON`. Generated from src/model/codes by tests/suite/cli/docs.rs.\n",
    );
    for family in &FAMILIES {
        write!(text, "\n## {}\n\n| code | reason | what it is |\n|---|---|---|\n", family.title).unwrap();
        for entry in family.entries {
            let reasons: Vec<_> = entry.words.iter().map(|word| format!("`{word}`")).collect();
            writeln!(text, "| [{0}](codes/{0}.md) | {1} | {2} |", entry.code, reasons.join(" "), entry.title).unwrap();
        }
    }
    text
}

fn page(entry: &Entry) -> String {
    let Entry { code, title, means, why, next, .. } = entry;
    let (language, heading) = match entry.example {
        Example::Manifest(_) => ("yaml", "A manifest that leads to it"),
        Example::Said(_) => ("text", "How it looks"),
    };
    format!(
        "# {code} {}\n\n**{title}.** {means}\n\n## Why\n\n{why}\n\n## What to do\n\n{next}\n\n## {heading}\n\n```{language}\n{}\n```\n\n\
         [All codes](../codes.md)\n",
        entry.words.join(", "),
        entry.example.text()
    )
}
