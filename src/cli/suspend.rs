//! `gitmoor suspend`: a GitSync fetches and writes nothing until it is resumed.

use std::io::Write;
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;
use serde_json::{Value, json};

use super::act::{PlaceArgs, annotation, change, is_declared};
use super::inert::{inert, print_json};
use super::reach::{full_name, reach};
use super::table::{ODD, painted};
use super::{Output, Screen};
use crate::api::GitSync;
use crate::api::names::SUSPEND_REASON;

/// Characters of a reason: it is shown in a line.
const LONGEST_REASON: usize = 256;

/// Arguments of `gitmoor suspend`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Exit codes: 0 it is suspended, 2 error.")]
pub struct SuspendArgs {
    /// The GitSync, by NAME or NAMESPACE/NAME.
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Why; gitmoor status shows it.
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub reason: Option<String>,
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
    /// How to print.
    #[arg(long, short, value_enum, default_value_t = Output::Text)]
    pub output: Output,
}

/// What was done.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Done {
    name: String,
    suspended: bool,
    was_suspended: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<String>,
}

/// Suspends it and says what it was.
pub async fn run(args: &SuspendArgs, out: &mut dyn Write, screen: Screen) -> anyhow::Result<ExitCode> {
    let key = full_name(&args.name, &args.place.namespace)?;
    let cluster = reach(&args.place.cluster).await?;
    let changed = change(&cluster, &key, |gitsync| Ok(patch(gitsync, args.reason.as_deref()))).await?;
    let found = &changed.found;
    let was_suspended = found.spec.suspended();
    // The reason of an earlier time says nothing of this one.
    let before = annotation(found, SUSPEND_REASON).filter(|_| was_suspended);
    let done = Done {
        name: key.to_string(),
        suspended: true,
        was_suspended,
        reason: args.reason.as_deref().or(before).map(str::to_owned),
        warning: warning(found),
    };
    match args.output {
        Output::Json => print_json(out, &done)?,
        Output::Text => done.print(out, screen.color)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// What makes it suspended for that reason; nothing where it is.
fn patch(gitsync: &GitSync, reason: Option<&str>) -> Option<Value> {
    let was = gitsync.spec.suspended();
    if was && (reason.is_none() || reason == annotation(gitsync, SUSPEND_REASON)) {
        return None;
    }
    Some(json!({"spec": {"suspend": true}, "metadata": {"annotations": {SUSPEND_REASON: reason}}}))
}

/// Where Git declares the field, what a person writes into it may not stay.
pub fn warning(gitsync: &GitSync) -> Option<String> {
    let words = "Git declares spec.suspend of it: where that says otherwise, it is put back; commit what you want";
    is_declared(gitsync, "suspend").then(|| words.to_owned())
}

fn reason(text: &str) -> Result<String, String> {
    let text = text.trim();
    match text.chars().count() {
        0 => Err("say why in a few words, or leave it out".into()),
        count if count > LONGEST_REASON => Err(format!("{count} characters; say it in {LONGEST_REASON}")),
        _ => Ok(text.to_owned()),
    }
}

impl Done {
    fn print(&self, out: &mut dyn Write, color: bool) -> std::io::Result<()> {
        let why = self.reason.as_deref().map(|why| format!(" ({why})")).unwrap_or_default();
        let (name, why) = (inert(&self.name), inert(&why));
        if self.was_suspended {
            writeln!(out, "{name} was suspended already{why}; go on with: gitmoor resume {name}")?;
        } else {
            writeln!(
                out,
                "{name} is suspended{why}: nothing is fetched or written, drift is still seen; it was not before"
            )?;
            writeln!(out, "go on with: gitmoor resume {name}")?;
        }
        self.warning.iter().try_for_each(|warning| writeln!(out, "{}", painted(warning, ODD, color)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gitsync(suspend: Option<bool>, reason: Option<&str>) -> GitSync {
        serde_json::from_value(json!({
            "apiVersion": "gitmoor.dev/v1alpha1", "kind": "GitSync",
            "metadata": {"name": "a", "annotations": reason.map(|reason| json!({SUSPEND_REASON: reason}))},
            "spec": {"url": "https://example.com", "suspend": suspend}
        }))
        .unwrap()
    }

    #[test]
    fn only_what_is_not_so_is_written() {
        let check = |was: (Option<bool>, Option<&str>), reason: Option<&str>, expected: Option<Value>| {
            let written = patch(&gitsync(was.0, was.1), reason);
            let annotation = written.map(|patch| patch["metadata"]["annotations"][SUSPEND_REASON].clone());
            assert_eq!(annotation, expected, "{was:?} {reason:?}");
        };
        check((None, None), None, Some(Value::Null));
        check((Some(false), None), Some("x"), Some(json!("x")));
        // A reason that was left over says nothing of this time.
        check((None, Some("old")), None, Some(Value::Null));
        check((Some(true), None), None, None);
        check((Some(true), Some("x")), None, None);
        check((Some(true), Some("x")), Some("x"), None);
        check((Some(true), Some("x")), Some("y"), Some(json!("y")));
    }

    #[test]
    fn a_reason_is_a_line() {
        assert_eq!(reason("  release freeze ").as_deref(), Ok("release freeze"));
        assert!(reason("  ").is_err());
        assert!(reason(&"x".repeat(257)).is_err());
    }
}
