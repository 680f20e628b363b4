//! `gitmoor history`: the last revisions of a GitSync, and what applying each of them did.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::Screen;
use super::act::{PlaceArgs, find};
use super::inert::{inert, print_json};
use super::reach::{full_name, reach};
use super::say::{age, short, short_commit};
use super::table::{BAD, FAINT, GOOD, ODD, PLAIN, Row, STRONG, Table, painted};
use crate::api::GitSync;
use crate::api::gitsync_status::HistoryResult;
use crate::view::history::{Entry, Report};

/// Arguments of `gitmoor history`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Exit codes: 0 it was shown, 2 error.")]
pub struct HistoryArgs {
    /// The GitSync, by NAME or NAMESPACE/NAME.
    #[arg(value_name = "NAME")]
    pub name: String,
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
    /// How to print.
    #[arg(long, short, value_enum, default_value_t = Form::Text)]
    pub output: Form,
}

/// How to print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// For people.
    Text,
    /// For people, with whole commits and times.
    Wide,
    /// For machines.
    Json,
}

/// Prints the history.
pub async fn run(args: &HistoryArgs, out: &mut dyn Write, screen: Screen) -> anyhow::Result<ExitCode> {
    let key = full_name(&args.name, &args.place.namespace)?;
    let gitsync = find(&reach(&args.place.cluster).await?, &key).await?;
    match args.output {
        Form::Json => print_json(out, &Report::of(&gitsync))?,
        form => print(&gitsync, out, screen.color, form == Form::Wide)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints it as a table.
pub fn print(gitsync: &GitSync, out: &mut dyn Write, color: bool, wide: bool) -> io::Result<()> {
    let report = Report::of(gitsync);
    let name = inert(&report.name);
    if report.history.is_empty() {
        writeln!(out, "{name} has no history yet: nothing was applied since its status keeps one")?;
    }
    let now = jiff::Timestamp::now();
    report.table(wide, now).print(out, color)?;
    if let Some(pinned) = &report.pinned_revision {
        let words =
            format!("pinned to {}; go on with: gitmoor rollback {} --release", short_commit(pinned), report.name);
        writeln!(out, "{}", painted(&words, ODD, color))?;
    }
    Ok(())
}

impl Report {
    fn table(&self, wide: bool, now: jiff::Timestamp) -> Table {
        let mut table = Table::new(&[
            "",
            "REVISION",
            "AUTHOR",
            "APPLIED",
            "TOOK",
            "RESULT",
            "CHANGED",
            "PRUNED",
            "QUARANTINED",
            "HELD",
            "SUBJECT",
        ]);
        self.history.iter().for_each(|entry| table.push(entry.row(wide, now)));
        table
    }
}

impl Entry {
    fn row(&self, wide: bool, now: jiff::Timestamp) -> Row {
        let entry = &self.entry;
        let mark = if self.live { "*" } else { "" };
        let revision = if wide { entry.revision.clone() } else { short(&entry.revision) };
        let applied = entry.applied.0;
        let when = if wide { applied.to_string() } else { format!("{} ago", age(applied, now)) };
        let (result, style) = match entry.result {
            HistoryResult::Applied => ("Applied", GOOD),
            HistoryResult::Partial => ("Partial", BAD),
            HistoryResult::Superseded => ("Superseded", ODD),
        };
        let row = Row::default().styled(mark, STRONG).styled(revision, if self.live { STRONG } else { PLAIN });
        let row = row.cell(entry.author.as_deref().unwrap_or("-")).cell(when).cell(&entry.took);
        let row = row.styled(result, style);
        let counted =
            |row: Row, (count, style): (u32, _)| row.styled(count.to_string(), if count == 0 { FAINT } else { style });
        let counts = [(entry.changed, PLAIN), (entry.pruned, PLAIN), (entry.quarantined, BAD), (entry.held, ODD)];
        let row = counts.into_iter().fold(row, counted);
        let subject = entry.subject.as_deref().unwrap_or("-");
        row.cell(format!("{subject}{}", self.marks(wide)))
    }

    fn marks(&self, wide: bool) -> String {
        let entry = &self.entry;
        let approved = entry.approved.as_deref().map(|plan| match plan.get(..12) {
            Some(short) if !wide && plan.len() > 12 => format!("approved plan {short}…"),
            _ => format!("approved plan {plan}"),
        });
        let live = self.live.then(|| "live".to_owned());
        let pinned = entry.pinned.then(|| "pinned".to_owned());
        let marks: Vec<String> = [live, pinned, approved].into_iter().flatten().collect();
        if marks.is_empty() { String::new() } else { format!("  [{}]", marks.join(", ")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::names::PINNED_REVISION;
    use serde_json::{Value, json};

    fn gitsync(annotations: &Value, status: &Value) -> GitSync {
        serde_json::from_value(json!({
            "apiVersion": "gitmoor.dev/v1alpha1", "kind": "GitSync", "spec": {"url": "https://example.com"},
            "metadata": {"namespace": "ops", "name": "shop", "annotations": annotations}, "status": status
        }))
        .unwrap()
    }

    fn entry(commit: &str, result: &str, more: &Value) -> Value {
        let mut entry = json!({
            "revision": format!("main@sha1:{}", commit.repeat(40)), "author": "Ada Lovelace",
            "subject": format!("change {commit}"), "applied": "2026-01-02T00:02:00Z", "took": "1.25s",
            "result": result, "changed": 3, "pruned": 1, "quarantined": 0, "held": 0
        });
        json_patch::merge(&mut entry, more);
        entry
    }

    fn printed(gitsync: &GitSync, wide: bool) -> String {
        let mut out = Vec::new();
        let now = "2026-01-02T00:05:00Z".parse().unwrap();
        Report::of(gitsync).table(wide, now).print(&mut out, false).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn three() -> GitSync {
        let history = [
            entry("c", "Superseded", &json!({"author": null, "subject": null})),
            entry("b", "Partial", &json!({"quarantined": 2, "held": 1, "pinned": true})),
            entry("a", "Applied", &json!({"approved": "0123456789abcdef", "subject": "evil\u{1b}[2J"})),
        ];
        let applied = json!({"revision": format!("main@sha1:{}", "b".repeat(40)), "applied": "2026-01-02T00:02:00Z"});
        gitsync(&json!({}), &json!({"history": history, "lastAppliedRevision": applied}))
    }

    #[test]
    fn each_revision_is_a_row_and_the_live_one_is_marked() {
        let expected = "
   REVISION      AUTHOR        APPLIED  TOOK   RESULT      CHANGED  PRUNED  QUARANTINED  HELD  SUBJECT
   main@ccccccc  -             3m ago   1.25s  Superseded  3        1       0            0     -
*  main@bbbbbbb  Ada Lovelace  3m ago   1.25s  Partial     3        1       2            1     change b  [live, pinned]
   main@aaaaaaa  Ada Lovelace  3m ago   1.25s  Applied     3        1       0            0     evil\\u{1b}[2J  [approved plan 0123456789ab…]
";
        assert_eq!(format!("\n{}", printed(&three(), false)), expected);
    }

    #[test]
    fn wide_is_in_full() {
        let wide = printed(&three(), true);
        for part in [&format!("main@sha1:{}", "c".repeat(40)), "2026-01-02T00:02:00Z", "plan 0123456789abcdef]"] {
            assert!(wide.contains(part), "{part} in {wide}");
        }
    }

    #[test]
    fn machines_are_told_which_is_live_and_what_is_pinned() {
        let report = serde_json::to_value(Report::of(&three())).unwrap();
        let live: Vec<_> = report["history"].as_array().unwrap().iter().map(|entry| entry["live"].clone()).collect();
        assert_eq!(live, [json!(false), json!(true), json!(false)]);
        assert_eq!((&report["name"], &report["history"][1]["result"]), (&json!("ops/shop"), &json!("Partial")));
        let check = |annotations: Value, status: Value, expected: Value| {
            assert_eq!(
                serde_json::to_value(Report::of(&gitsync(&annotations, &status))).unwrap()["pinnedRevision"],
                expected
            );
        };
        check(json!({}), json!({}), Value::Null);
        check(json!({}), json!({"pinnedRevision": "abc"}), json!("abc"));
        // What was asked for counts, also before the daemon has acted on it.
        check(json!({PINNED_REVISION: "def"}), json!({"pinnedRevision": "abc"}), json!("def"));
    }

    #[test]
    fn without_a_history_that_is_said() {
        let mut out = Vec::new();
        print(&gitsync(&json!({}), &json!({})), &mut out, false, false).unwrap();
        assert_eq!(String::from_utf8(out).unwrap().lines().count(), 1);
    }
}
