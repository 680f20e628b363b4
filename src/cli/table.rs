//! Columns of text. Whatever is put into a cell is inert when it is printed.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthStr;

use super::inert::inert;

/// As it should be.
pub const GOOD: Style = AnsiColor::Green.on_default();
/// Not as it should be.
pub const BAD: Style = AnsiColor::Red.on_default();
/// Worth a look.
pub const ODD: Style = AnsiColor::Yellow.on_default();
/// Beside the point.
pub const FAINT: Style = Style::new().dimmed();
/// A heading.
pub const STRONG: Style = Style::new().bold();
/// Nothing special.
pub const PLAIN: Style = Style::new();

/// Between two columns.
const GAP: &str = "  ";
/// Before a note.
const INDENT: &str = "    ";

/// Columns under headings.
#[derive(Debug)]
pub struct Table {
    headings: &'static [&'static str],
    rows: Vec<Row>,
}

/// One row, and what is said below it.
#[derive(Debug, Default)]
pub struct Row {
    cells: Vec<(String, Style)>,
    notes: Vec<(String, Style)>,
}

impl Row {
    /// One more cell.
    #[must_use]
    pub fn cell(self, text: impl Into<String>) -> Self {
        self.styled(text, PLAIN)
    }

    /// One more cell, in a style.
    #[must_use]
    pub fn styled(mut self, text: impl Into<String>, style: Style) -> Self {
        self.cells.push((text.into(), style));
        self
    }

    /// More lines below the row.
    #[must_use]
    pub fn notes(self, notes: Vec<String>) -> Self {
        notes.into_iter().fold(self, |row, note| row.note(note, PLAIN))
    }

    /// One more line below the row, in a style.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>, style: Style) -> Self {
        self.notes.push((note.into(), style));
        self
    }
}

impl Table {
    /// No rows yet.
    pub fn new(headings: &'static [&'static str]) -> Self {
        Self { headings, rows: Vec::new() }
    }

    /// One more row.
    pub fn push(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// Prints headings and rows; nothing where there are no rows.
    pub fn print(&self, out: &mut dyn Write, color: bool) -> io::Result<()> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let mut widths: Vec<usize> = self.headings.iter().map(|heading| heading.width()).collect();
        for row in &self.rows {
            for (width, (text, _)) in widths.iter_mut().zip(&row.cells) {
                *width = (*width).max(inert(text).width());
            }
        }
        line(out, self.headings.iter().map(|heading| (*heading, STRONG)), &widths, color)?;
        for row in &self.rows {
            line(out, row.cells.iter().map(|(text, style)| (text.as_str(), *style)), &widths, color)?;
            for (note, style) in &row.notes {
                writeln!(out, "{INDENT}{}", painted(note, *style, color))?;
            }
        }
        Ok(())
    }
}

/// A text in a style, inert.
pub fn painted(text: &str, style: Style, color: bool) -> String {
    let text = inert(text);
    if color && style != PLAIN { format!("{style}{text}{style:#}") } else { text.into_owned() }
}

fn line<'a>(
    out: &mut dyn Write,
    cells: impl ExactSizeIterator<Item = (&'a str, Style)>,
    widths: &[usize],
    color: bool,
) -> io::Result<()> {
    let last = cells.len().saturating_sub(1);
    for (at, ((text, style), width)) in cells.zip(widths).enumerate() {
        write!(out, "{}", painted(text, style, color))?;
        if at < last {
            write!(out, "{:1$}{GAP}", "", width.saturating_sub(inert(text).width()))?;
        }
    }
    writeln!(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(table: &Table, color: bool) -> String {
        let mut out = Vec::new();
        table.print(&mut out, color).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn columns_stand_under_each_other_whatever_the_width_of_the_letters() {
        let mut table = Table::new(&["NAME", "READY", "IMAGE"]);
        table.push(Row::default().cell("漢字").styled("True", GOOD).cell("a"));
        table.push(Row::default().cell("orders-long").cell("no").cell("b\x1b").notes(vec!["why\nso".into()]));
        let expected = "\
NAME         READY  IMAGE
漢字         True   a
orders-long  no     b\\u{1b}
    why\\nso
";
        assert_eq!(printed(&table, false), expected);
        assert!(printed(&table, true).contains("\x1b[32mTrue\x1b[0m   a\n"));
    }

    #[test]
    fn no_rows_are_no_headings() {
        assert_eq!(printed(&Table::new(&["NAME"]), false), "");
    }
}
