//! `gitmoor pause`: nothing of a MicroService, or of all that a GitSync applied, is put back for a while.

pub mod target;

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::{Value, json};

use super::act::{PlaceArgs, duration};
use super::inert::{inert, print_json};
use super::reach::reach;
use super::table::{ODD, painted};
use super::{Output, Screen};
use crate::api::names::{PAUSE_REASON, PAUSE_UNTIL, PAUSED_BY};
use crate::drift::pause;
use crate::model::pause::Pause;

/// Characters of a reason: it is shown in a line.
const LONGEST_REASON: usize = 256;

/// Arguments of `gitmoor pause`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Exit codes: 0 it is paused, 2 error.")]
pub struct PauseArgs {
    /// A MicroService, by NAME or NAMESPACE/NAME; or all that a GitSync applied, by gitsync/NAME or gitsync/NAMESPACE/NAME.
    #[arg(value_name = "NAME")]
    pub name: String,
    /// For how long, as in 90m, 2h or 1d; 7 days at most.
    #[arg(long = "for", value_name = "DURATION", value_parser = how_long)]
    pub how_long: Duration,
    /// Why; status, Events and the log show it.
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub reason: String,
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
    /// How to print.
    #[arg(long, short, value_enum, default_value_t = Output::Text)]
    pub output: Output,
}

/// A pause as it is printed.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Said {
    until: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<String>,
}

/// What was done.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Done {
    kind: &'static str,
    name: String,
    #[serde(flatten)]
    pause: Said,
    /// The pause that it takes the place of.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<Said>,
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<String>,
    /// As a person writes it.
    #[serde(skip)]
    again: String,
}

/// Pauses it and says until when.
pub async fn run(args: &PauseArgs, out: &mut dyn Write, screen: Screen) -> anyhow::Result<ExitCode> {
    let target = target::parse(&args.name, &args.place.namespace)?;
    let cluster = reach(&args.place.cluster).await?;
    let (by, warning) = match cluster.own_name().await {
        Ok(name) => (Some(name), None),
        Err(error) => (None, Some(format!("who you are could not be written down: {error}"))),
    };
    let now = Timestamp::now();
    let until = ends(now, args.how_long);
    let patch = patch(until, &args.reason, by.as_deref());
    let found = target::change(&cluster, &target, |_| Some(patch.clone())).await?;
    let done = Done {
        kind: target.kind.as_str(),
        name: target.key.to_string(),
        pause: Said { until, reason: Some(args.reason.clone()), by },
        before: holding(&found, now).map(Said::of),
        warning,
        again: target::written(&target),
    };
    match args.output {
        Output::Json => print_json(out, &done)?,
        Output::Text => done.print(out, args.how_long, screen.color)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The pause that an object's annotations ask for, while it holds.
pub fn holding(found: &Value, now: Timestamp) -> Option<Pause> {
    pause::holding([pause::marks(found).as_ref()], now)
}

/// The whole second at which a pause that begins now is over.
fn ends(now: Timestamp, how_long: Duration) -> Timestamp {
    let seconds = i64::try_from(how_long.as_secs()).unwrap_or(i64::MAX);
    let partly = i64::from(how_long.subsec_nanos() > 0 || now.subsec_nanosecond() > 0);
    let end = now.as_second().saturating_add(seconds).saturating_add(partly);
    Timestamp::from_second(end).unwrap_or(Timestamp::MAX)
}

/// What pauses it. Nothing is left of who asked before.
fn patch(until: Timestamp, reason: &str, by: Option<&str>) -> Value {
    let annotations = json!({PAUSE_UNTIL: until.to_string(), PAUSE_REASON: reason, PAUSED_BY: by});
    json!({"metadata": {"annotations": annotations}})
}

fn how_long(text: &str) -> Result<Duration, String> {
    let days = text.strip_suffix('d').and_then(|days| days.parse::<u32>().ok()).filter(|days| *days > 0);
    let found = match days {
        Some(days) => Duration::from_secs(u64::from(days) * 24 * 3600),
        None => duration(text).map_err(|_| "not a duration such as 90m, 2h or 1d".to_owned())?,
    };
    match SignedDuration::try_from(found) {
        Ok(found) if found > pause::LONGEST => {
            let days = pause::LONGEST.as_hours() / 24;
            Err(format!(
                "the longest pause is {days} days; what should stay so belongs into Git, or into a drift policy"
            ))
        }
        Ok(_) => Ok(found),
        Err(error) => Err(error.to_string()),
    }
}

fn reason(text: &str) -> Result<String, String> {
    let text = text.trim();
    match text.chars().count() {
        0 => Err("say why in a few words: others will want to know".into()),
        count if count > LONGEST_REASON => Err(format!("{count} characters; say it in {LONGEST_REASON}")),
        _ => Ok(text.to_owned()),
    }
}

impl Said {
    /// Of a pause.
    pub fn of(pause: Pause) -> Self {
        Self { until: pause.until, reason: pause.reason, by: pause.by }
    }

    /// Until when, by whom and why.
    pub fn words(&self) -> String {
        let by = self.by.as_deref().map(|by| format!(" by {by}")).unwrap_or_default();
        let why = self.reason.as_deref().map(|why| format!(" ({why})")).unwrap_or_default();
        format!("until {}{by}{why}", self.until)
    }
}

impl Done {
    fn print(&self, out: &mut dyn Write, how_long: Duration, color: bool) -> std::io::Result<()> {
        let (name, words) = (inert(&self.name), self.pause.words());
        writeln!(out, "{} {name}: corrections are paused {}", self.kind, inert(&words))?;
        if let Some(before) = &self.before {
            writeln!(out, "it was paused already, {}", inert(&before.words()))?;
        }
        let (minutes, again) = (how_long.as_secs().div_ceil(60), inert(&self.again));
        writeln!(out, "commits are still applied and drift is still told; in {minutes} min it is put back again")?;
        writeln!(out, "end it before with: gitmoor unpause {again}")?;
        self.warning.iter().try_for_each(|warning| writeln!(out, "{}", painted(&inert(warning), ODD, color)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_of_a_length_that_somebody_will_see_the_end_of() {
        let check = |text: &str, expected: Option<u64>| {
            assert_eq!(how_long(text).ok(), expected.map(Duration::from_secs), "{text}");
        };
        check("90m", Some(5400));
        check("2h", Some(7200));
        check("1h30m", Some(5400));
        check("1d", Some(86_400));
        check("7d", Some(604_800));
        check("168h", Some(604_800));
        for bad in ["", "0s", "0d", "2", "for ever", "-1h", "8d", "169h", "4294967295d", "1.5h"] {
            check(bad, None);
        }
        assert!(how_long("8d").unwrap_err().contains("7 days"));
    }

    #[test]
    fn it_ends_at_a_whole_second_and_not_before_its_time() {
        let check = |now: &str, millis: u64, expected: &str| {
            assert_eq!(ends(now.parse().unwrap(), Duration::from_millis(millis)).to_string(), expected);
        };
        check("2026-03-01T12:00:00Z", 2000, "2026-03-01T12:00:02Z");
        check("2026-03-01T12:00:00.1Z", 2000, "2026-03-01T12:00:03Z");
        check("2026-03-01T12:00:00Z", 1500, "2026-03-01T12:00:02Z");
    }

    #[test]
    fn who_asked_before_is_not_left_with_a_pause_of_somebody_else() {
        let until = "2026-03-01T12:00:00Z".parse().unwrap();
        let annotations = &patch(until, "incident 12", None)["metadata"]["annotations"];
        assert_eq!(annotations[PAUSE_UNTIL], "2026-03-01T12:00:00Z");
        assert!(annotations.as_object().unwrap().contains_key(PAUSED_BY) && annotations[PAUSED_BY].is_null());
    }

    #[test]
    fn a_reason_is_a_line() {
        assert_eq!(reason("  incident 12 ").as_deref(), Ok("incident 12"));
        assert!(reason(" ").is_err() && reason(&"x".repeat(257)).is_err());
    }
}
