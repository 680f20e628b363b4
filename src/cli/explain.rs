//! `gitmoor explain`: what a code or a reason word means, and what to do next. It needs no cluster and no network.

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::bail;
use clap::Args;
use serde::Serialize;
use unicode_width::UnicodeWidthStr;

use super::Output;
use super::inert::{inert, print_json};
use super::table::{Row, STRONG, Table, painted};
use crate::model::codes::{self, Entry, Example};

/// Columns of a page.
const WIDTH: usize = 92;

/// Arguments of `gitmoor explain`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Exit codes: 0 it is explained, 2 there is no such code.")]
pub struct ExplainArgs {
    /// A code like GM207, or a reason like NotOurs. Without one, all are listed.
    #[arg(value_name = "CODE|REASON")]
    pub what: Option<String>,
    /// How to print.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub output: Output,
}

/// Prints one page, or the list.
pub fn run(args: &ExplainArgs, out: &mut dyn Write, color: bool) -> anyhow::Result<ExitCode> {
    match &args.what {
        Some(what) => {
            let entry = find(what)?;
            match args.output {
                Output::Json => print_json(out, &View::of(entry))?,
                Output::Text => page(out, entry, color)?,
            }
        }
        None => match args.output {
            Output::Json => print_json(out, &codes::all().map(View::of).collect::<Vec<_>>())?,
            Output::Text => list(out, color)?,
        },
    }
    Ok(ExitCode::SUCCESS)
}

/// What is printed for machines.
#[derive(Debug, Serialize)]
struct View {
    code: &'static str,
    reasons: &'static [&'static str],
    title: &'static str,
    meaning: &'static str,
    why: &'static str,
    next: &'static str,
    example: &'static str,
}

impl View {
    fn of(entry: &'static Entry) -> Self {
        Self {
            code: entry.code,
            reasons: entry.words,
            title: entry.title,
            meaning: entry.means,
            why: entry.why,
            next: entry.next,
            example: entry.example.text(),
        }
    }
}

fn find(what: &str) -> anyhow::Result<&'static Entry> {
    let what = what.trim();
    let written_otherwise =
        || codes::all().find(|entry| entry.words.iter().any(|word| word.eq_ignore_ascii_case(what)));
    if let Some(entry) = codes::by_code(what).or_else(|| codes::by_word(what)).or_else(written_otherwise) {
        return Ok(entry);
    }
    let short: String = what.chars().take(60).collect();
    match nearest(what) {
        Some(near) => bail!("there is no code or reason {short:?}; did you mean {near}?"),
        None => bail!("there is no code or reason {short:?}; `gitmoor explain` lists all"),
    }
}

/// The code or word that was probably meant: the nearest one, if it is near.
fn nearest(what: &str) -> Option<&'static str> {
    const LONGEST: usize = 60;
    if what.len() > LONGEST {
        return None;
    }
    let written = what.to_lowercase();
    let distance = |known: &str| strsim::damerau_levenshtein(&written, &known.to_lowercase());
    // A code with a wrong digit is as near to a dozen others: only what is not a code can be told.
    let words = codes::all().flat_map(|entry| entry.words.iter().copied());
    let (edits, word) = words.map(|word| (distance(word), word)).min()?;
    (edits <= (what.chars().count() / 3).clamp(1, 5)).then_some(word)
}

fn list(out: &mut dyn Write, color: bool) -> io::Result<()> {
    let mut table = Table::new(&["CODE", "REASON", "WHAT IT IS"]);
    for entry in codes::all() {
        table.push(Row::default().cell(entry.code).cell(entry.name()).cell(entry.title));
    }
    table.print(out, color)?;
    writeln!(out, "\n`gitmoor explain CODE` says what one means, and what to do next.")
}

fn page(out: &mut dyn Write, entry: &Entry, color: bool) -> io::Result<()> {
    let (reasons, title) = (entry.words.join(", "), entry.title);
    writeln!(out, "{}: {title}", painted(&format!("{} {reasons}", entry.code), STRONG, color))?;
    wrapped(out, entry.means)?;
    for (heading, text) in [("Why", entry.why), ("What to do", entry.next)] {
        writeln!(out, "\n{}", painted(heading, STRONG, color))?;
        wrapped(out, text)?;
    }
    let heading = match entry.example {
        Example::Manifest(_) => "A manifest that leads to it",
        Example::Said(_) => "How it looks",
    };
    writeln!(out, "\n{}", painted(heading, STRONG, color))?;
    for line in entry.example.text().lines() {
        match entry.example {
            // A manifest is shown as it is written; what is said may be wrapped like any text.
            Example::Manifest(_) => writeln!(out, "  {}", inert(line))?,
            Example::Said(_) => wrapped(out, line)?,
        }
    }
    Ok(())
}

/// A text between words, indented.
fn wrapped(out: &mut dyn Write, text: &str) -> io::Result<()> {
    let mut line = String::new();
    for word in text.split(' ') {
        if !line.is_empty() && line.width() + 1 + word.width() > WIDTH - 2 {
            writeln!(out, "  {}", inert(&line))?;
            line.clear();
        } else if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    writeln!(out, "  {}", inert(&line))
}

#[cfg(test)]
mod tests;
