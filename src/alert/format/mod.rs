//! The forms of a message, one file each. Whatever Git or the cluster says is text in them and nothing else.

pub mod alertmanager;
pub mod cloudevents;
pub mod slack;
pub mod teams;
pub mod webhook;

use super::message::{Item, State};

/// Who is told this shows it as a line.
fn title(item: &Item) -> String {
    let mark = match item.state {
        State::Ended => "recovered",
        State::Changed => "changed",
        State::Began | State::Stands | State::Happened => item.severity.label(),
    };
    let object = item.key.object.as_ref().map(|object| format!(" {object}")).unwrap_or_default();
    format!("{mark}: {}{object}", item.key.kind.as_str())
}

/// The lines below it.
fn lines(item: &Item) -> Vec<String> {
    let code = item.code.map(|code| format!(" ({code})")).unwrap_or_default();
    let mut lines = vec![format!("{}{code}", item.text)];
    lines.extend(item.lines.iter().map(|line| format!("• {line}")));
    lines.extend(item.command.iter().map(|command| format!("$ {command}")));
    lines
}

/// What is said of those that are not shown.
fn more(more: usize) -> Option<String> {
    (more > 0).then(|| format!("and {more} more"))
}

#[cfg(test)]
mod tests;
