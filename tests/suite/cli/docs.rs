//! docs/cli.md is what `--help` says.

use std::fmt::Write;
use std::fs;

use clap::CommandFactory;

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
    }
    page
}

fn section(page: &mut String, name: &str, help: &str) {
    let lines: Vec<_> = help.lines().map(str::trim_end).collect();
    write!(page, "\n## {name}\n\n```text\n{}\n```\n", lines.join("\n").trim_end()).unwrap();
}
