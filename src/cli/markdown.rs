//! What comes from manifests and from the cluster, as text in Markdown: it opens no tag, ends no table and mentions
//! nobody.

/// Hosts cut or refuse longer texts; GitHub takes 65,536 characters.
pub const MOST: usize = 60_000;

/// A fence that no line can close.
pub fn fence(lines: &[String]) -> String {
    "`".repeat(longest_run(&lines.join("\n")).max(2) + 1)
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

/// Text within a line: what Markdown or HTML would read is escaped.
pub fn inline(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in one_line(text).chars() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            // Nobody is called, and no issue is linked: hosts look for that in what was rendered, where an escaped character
            // is itself again, so a space without width comes after it.
            '@' | '#' => {
                escaped.push(c);
                escaped.push_str("&#8203;");
            }
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '!' => escaped.extend(['\\', c]),
            c => escaped.push(c),
        }
    }
    escaped
}

/// A span of code, also where the text has backticks; a bar would end a table's cell even there.
pub fn code_span(text: &str) -> String {
    let text = one_line(text).replace('|', "\u{2502}");
    let ticks = "`".repeat(longest_run(&text) + 1);
    if text.contains('`') { format!("{ticks} {text} {ticks}") } else { format!("{ticks}{text}{ticks}") }
}

/// Control characters, also those that turn the direction of writing, become visible.
pub fn one_line(text: &str) -> String {
    super::inert::inert(text).replace(['\n', '\r'], " ")
}
