//! `gitmoor unpause`: a pause of corrections ends before its time.

use std::io::Write;
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;
use serde_json::{Value, json};

use super::act::PlaceArgs;
use super::inert::{inert, print_json};
use super::pause::{Said, holding, target};
use super::reach::reach;
use super::{Output, Screen};
use crate::api::names::{PAUSE_REASON, PAUSE_UNTIL, PAUSED_BY};

/// Arguments of `gitmoor unpause`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Exit codes: 0 it is not paused any more, 2 error.")]
pub struct UnpauseArgs {
    /// What is paused, as for gitmoor pause.
    #[arg(value_name = "NAME")]
    pub name: String,
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
    kind: &'static str,
    name: String,
    was_paused: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<Said>,
}

/// Takes the annotations away and says what they were.
pub async fn run(args: &UnpauseArgs, out: &mut dyn Write, _: Screen) -> anyhow::Result<ExitCode> {
    let target = target::parse(&args.name, &args.place.namespace)?;
    let cluster = reach(&args.place.cluster).await?;
    let found = target::change(&cluster, &target, patch).await?;
    let before = holding(&found, jiff::Timestamp::now()).map(Said::of);
    let done = Done { kind: target.kind.as_str(), name: target.key.to_string(), was_paused: before.is_some(), before };
    match args.output {
        Output::Json => print_json(out, &done)?,
        Output::Text => done.print(out)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// What ends it; nothing where nobody asked for a pause. What is over goes, too.
fn patch(found: &Value) -> Option<Value> {
    let there = &found["metadata"]["annotations"];
    let all = [PAUSE_UNTIL, PAUSE_REASON, PAUSED_BY];
    let gone: serde_json::Map<_, _> =
        all.into_iter().filter(|key| there.get(key).is_some()).map(|key| (key.to_owned(), Value::Null)).collect();
    (!gone.is_empty()).then(|| json!({"metadata": {"annotations": gone}}))
}

impl Done {
    fn print(&self, out: &mut dyn Write) -> std::io::Result<()> {
        let name = inert(&self.name);
        match &self.before {
            Some(before) => {
                let words = before.words();
                writeln!(out, "{} {name}: what differs is put back again; it was paused {}", self.kind, inert(&words))
            }
            None => writeln!(out, "{} {name} was not paused", self.kind),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_there_is_taken_away() {
        let check = |annotations: Value, expected: Option<Value>| {
            let patch = patch(&json!({"metadata": {"annotations": annotations}}));
            assert_eq!(patch.map(|patch| patch["metadata"]["annotations"].clone()), expected);
        };
        check(Value::Null, None);
        check(json!({"a": "b"}), None);
        check(json!({PAUSE_UNTIL: "x", "a": "b"}), Some(json!({PAUSE_UNTIL: null})));
        check(json!({PAUSE_REASON: "x", PAUSED_BY: "y"}), Some(json!({PAUSE_REASON: null, PAUSED_BY: null})));
    }
}
