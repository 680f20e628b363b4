//! Draws trees: with lines on a terminal, indented in a pipe. Whatever is drawn is inert.

use std::io::{self, Write};

use crate::cli::say::count;
use crate::cli::table::{BAD, FAINT, GOOD, ODD, PLAIN, painted};
use crate::view::tree::Node;

/// What lines are drawn with: beside a branch that has another below it, beside the last, and what goes on under each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lines {
    branch: &'static str,
    last: &'static str,
    goes_on: &'static str,
    ends: &'static str,
}

/// For terminals that show Unicode.
pub const UNICODE: Lines = Lines { branch: "├── ", last: "└── ", goes_on: "│   ", ends: "    " };
/// For those that do not.
pub const ASCII: Lines = Lines { branch: "|-- ", last: "`-- ", goes_on: "|   ", ends: "    " };
/// For pipes.
pub const INDENT: Lines = Lines { branch: "  ", last: "  ", goes_on: "  ", ends: "  " };

/// How to draw.
#[derive(Debug, Clone, Copy)]
pub struct Pen {
    /// With which lines.
    pub lines: Lines,
    /// Whether in colour.
    pub color: bool,
    /// How many of the objects below one are drawn; none for all. Those that are not ready come first.
    pub limit: Option<usize>,
}

/// Draws the trees, one below the other.
pub fn draw(trees: &[Node], pen: Pen, out: &mut dyn Write) -> io::Result<()> {
    let shown = shown(trees, pen.limit);
    for (tree, _) in trees.iter().zip(&shown).filter(|(_, shown)| **shown) {
        writeln!(out, "{}", line(tree, pen.color))?;
        below(tree, "", pen, out)?;
    }
    rest(trees, &shown, "", pen, out)
}

fn below(node: &Node, indent: &str, pen: Pen, out: &mut dyn Write) -> io::Result<()> {
    let shown = shown(&node.children, pen.limit);
    let drawn: Vec<&Node> =
        node.children.iter().zip(&shown).filter(|(_, shown)| **shown).map(|(node, _)| node).collect();
    let cut = drawn.len() < node.children.len();
    for (at, child) in drawn.iter().enumerate() {
        let last = at + 1 == drawn.len() && !cut;
        let (branch, under) =
            if last { (pen.lines.last, pen.lines.ends) } else { (pen.lines.branch, pen.lines.goes_on) };
        writeln!(out, "{indent}{branch}{}", line(child, pen.color))?;
        below(child, &format!("{indent}{under}"), pen, out)?;
    }
    rest(&node.children, &shown, &format!("{indent}{}", pen.lines.last), pen, out)
}

/// Which are drawn: all, or as many as may be, those that are not ready before the others.
fn shown(nodes: &[Node], limit: Option<usize>) -> Vec<bool> {
    let Some(limit) = limit.filter(|limit| nodes.len() > *limit) else { return vec![true; nodes.len()] };
    let mut order: Vec<(bool, usize)> = nodes.iter().enumerate().map(|(at, node)| (!node.is_unready(), at)).collect();
    order.sort_unstable();
    let mut shown = vec![false; nodes.len()];
    order.into_iter().take(limit).for_each(|(_, at)| shown[at] = true);
    shown
}

/// Says how many are not drawn.
fn rest(nodes: &[Node], shown: &[bool], before: &str, pen: Pen, out: &mut dyn Write) -> io::Result<()> {
    let hidden: Vec<&Node> = nodes.iter().zip(shown).filter(|(_, shown)| !**shown).map(|(node, _)| node).collect();
    if hidden.is_empty() {
        return Ok(());
    }
    let unready = hidden.iter().filter(|node| node.is_unready()).count();
    let which = match (unready, hidden.iter().all(|node| node.verdict.is_none())) {
        (_, true) => String::new(),
        (0, false) => ", all ready".to_owned(),
        _ => format!(", {unready} not ready"),
    };
    let more = count(hidden.len(), "more object");
    let words = format!("and {more}{which}; show all with --limit 0, or those that are not ready with --not-ready");
    writeln!(out, "{before}{}", painted(&words, FAINT, pen.color))
}

fn line(node: &Node, color: bool) -> String {
    let mut line = format!("{} {}", painted(&node.kind, FAINT, color), painted(&node.name, PLAIN, color));
    if let Some(verdict) = &node.verdict {
        let (words, style) = match (verdict.ready.as_str(), verdict.reason.as_str()) {
            ("True", "Ready") => ("Ready".into(), GOOD),
            ("True", _) => (verdict.line(), GOOD),
            ("False", _) => (verdict.line(), BAD),
            _ => (verdict.line(), ODD),
        };
        line.push_str(&format!("  {}", painted(&words, style, color)));
    }
    for (word, style) in node.marks.words() {
        line.push_str(&format!("  {}", painted(&format!("[{word}]"), style, color)));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::status::Verdict;
    use crate::view::Marks;

    fn node(name: &str, ready: &str, children: Vec<Node>) -> Node {
        let said = |text: &str| text.to_owned();
        let reason = if ready == "True" { "Ready" } else { "ImagePullBackOff" };
        let verdict = Verdict { ready: said(ready), reason: said(reason), message: said("cannot\x1b pull") };
        Node { kind: said("MicroService"), name: said(name), verdict: Some(verdict), marks: Marks::default(), children }
    }

    fn child(name: &str) -> Node {
        Node { kind: "Service".into(), verdict: None, ..node(name, "True", Vec::new()) }
    }

    fn trees() -> Vec<Node> {
        let first = node("a", "True", vec![child("x"), child("y")]);
        let second = node("b", "False", vec![child("z")]);
        vec![node("root", "True", vec![first, second]), node("other", "True", Vec::new())]
    }

    #[track_caller]
    fn check(trees: &[Node], lines: Lines, limit: Option<usize>, expected: &str) {
        let mut out = Vec::new();
        draw(trees, Pen { lines, color: false, limit }, &mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn lines_lead_from_each_to_what_is_below_it() {
        let expected = "\
MicroService root  Ready
├── MicroService a  Ready
│   ├── Service x
│   └── Service y
└── MicroService b  Ready=False ImagePullBackOff: cannot\\u{1b} pull
    └── Service z
MicroService other  Ready
";
        check(&trees(), UNICODE, None, expected);
        let ascii = expected.replace("├──", "|--").replace("└──", "`--").replace('│', "|");
        check(&trees(), ASCII, None, &ascii);
        let indented = "\
MicroService root  Ready
  MicroService a  Ready
    Service x
    Service y
  MicroService b  Ready=False ImagePullBackOff: cannot\\u{1b} pull
    Service z
MicroService other  Ready
";
        check(&trees(), INDENT, None, indented);
    }

    #[test]
    fn of_many_those_that_are_not_ready_are_drawn_first_and_the_rest_is_counted() {
        let expected = "\
MicroService root  Ready
├── MicroService b  Ready=False ImagePullBackOff: cannot\\u{1b} pull
│   └── Service z
└── and 1 more object, all ready; show all with --limit 0, or those that are not ready with --not-ready
and 1 more object, all ready; show all with --limit 0, or those that are not ready with --not-ready
";
        check(&trees(), UNICODE, Some(1), expected);
        // Children say nothing of being ready.
        let mut out = Vec::new();
        draw(&[child("x"), child("y")], Pen { lines: INDENT, color: false, limit: Some(1) }, &mut out).unwrap();
        assert!(String::from_utf8(out).unwrap().contains("and 1 more object; show all"));
        let unready = ["a", "b", "c"].map(|name| node(name, "False", Vec::new()));
        let mut out = Vec::new();
        draw(&unready, Pen { lines: INDENT, color: false, limit: Some(2) }, &mut out).unwrap();
        assert!(String::from_utf8(out).unwrap().contains("and 1 more object, 1 not ready"));
    }

    #[test]
    fn what_matters_is_loud() {
        let marks = Marks {
            held_reason: Some("PruneBudget".into()),
            suspended: true,
            suspend_reason: Some("freeze\x07".into()),
            pinned_revision: Some("0123456789".into()),
            drifted_fields: 2,
            concerns: vec!["AutoscalerInactive: no metrics".into()],
            wave: Some("-1".into()),
            depends_on: vec!["platform".into()],
            revision: Some("main@sha1:abcdefabcdef".into()),
            ..Marks::default()
        };
        let line = line(&Node { marks, ..node("a", "True", Vec::new()) }, false);
        let expected = "MicroService a  Ready  [HELD: PruneBudget]  [SUSPENDED: freeze\\u{7}]  [AutoscalerInactive]  [PINNED to 0123456]  \
                        [2 fields drifted]  [wave -1]  [depends on platform]  [main@abcdefa]";
        assert_eq!(line, expected);
        assert!(super::line(&node("a", "False", Vec::new()), true).contains("\x1b[31mReady=False"));
    }
}
