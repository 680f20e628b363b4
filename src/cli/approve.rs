//! `gitmoor approve`: a person lets a plan go on that a guard holds. Just that plan: another has another hash.

use std::io::Write;
use std::process::ExitCode;

use anyhow::bail;
use clap::Args;
use serde::Serialize;
use tokio::time::Instant;

use super::act::{PlaceArgs, WaitArgs, annotation, annotations, change, find, request};
use super::answer::{Answer, Asked, Goal, Plan};
use super::held;
use super::inert::{inert, print_json};
use super::reach::{full_name, reach};
use super::table::{ODD, painted};
use super::{Output, Screen, wait};
use crate::api::GitSync;
use crate::api::gitsync_status::HeldPlan;
use crate::api::names::APPROVE_PLAN;
use crate::model::ObjectKey;

/// Arguments of `gitmoor approve`.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Exit codes: 0 it is approved (with --wait: it is carried out, and all is ready), or nothing is held; \
                        1 without --plan: a plan is held, with --wait: something is not ready or the plan was not carried \
                        out; 2 error, also where another plan is held."
)]
pub struct ApproveArgs {
    /// The GitSync, by NAME or NAMESPACE/NAME.
    #[arg(value_name = "NAME")]
    pub name: String,
    /// The plan that is approved, as it is shown without this flag.
    #[arg(long, value_name = "HASH")]
    pub plan: Option<String>,
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
    #[command(flatten)]
    pub(crate) wait: WaitArgs,
    /// How to print.
    #[arg(long, short, value_enum, default_value_t = Output::Text)]
    pub output: Output,
}

/// What is held, and what was done about it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Done {
    name: String,
    state: State,
    #[serde(skip_serializing_if = "Option::is_none")]
    hold: Option<HeldPlan>,
    suspended: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<Answer>,
}

/// How a plan stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
enum State {
    /// No plan is held.
    NothingHeld,
    /// One is, and nobody has approved it.
    Held,
    /// Another one is held than the one that was named.
    AnotherHeld,
    /// It is approved.
    Approved,
    /// It was approved before, and nothing is held now.
    HeldNoMore,
}

/// Shows the held plan, or approves it.
pub async fn run(args: &ApproveArgs, out: &mut dyn Write, screen: Screen) -> anyhow::Result<ExitCode> {
    let key = full_name(&args.name, &args.place.namespace)?;
    let cluster = reach(&args.place.cluster).await?;
    let deadline = Instant::now() + args.wait.timeout;
    let Some(plan) = &args.plan else {
        let gitsync = find(&cluster, &key).await?;
        let done = Done::of(&key, &gitsync, standing(&gitsync, None));
        match args.output {
            Output::Json => print_json(out, &done)?,
            Output::Text => done.print(out, screen.color)?,
        }
        return Ok(ExitCode::from(u8::from(done.state == State::Held)));
    };
    let request = request();
    let changed = change(&cluster, &key, |gitsync| {
        let approves = standing(gitsync, Some(plan)) == State::Held;
        // Approved already, but whoever waits needs an answer to something.
        let waits = args.wait.wait && standing(gitsync, Some(plan)) == State::Approved;
        Ok((approves || waits).then(|| annotations(&request, &[(APPROVE_PLAN, Some(plan))])))
    })
    .await?;
    let state = match standing(&changed.found, Some(plan)) {
        State::Held => State::Approved,
        state => state,
    };
    let mut done = Done::of(&key, &changed.found, state);
    if args.output == Output::Text {
        done.print(out, screen.color)?;
        out.flush()?;
    }
    if args.wait.wait
        && state == State::Approved
        && let Some(plan) = changed.found.status.as_ref().and_then(Plan::of)
    {
        let asked = Asked { request, goal: Goal::CarriedOut(plan) };
        let answer = wait::until(&cluster, &key, &asked, changed.version, deadline).await?;
        if args.output == Output::Text {
            answer.print(&asked.goal, out, screen.color)?;
        }
        done.answer = Some(answer);
    }
    if args.output == Output::Json {
        print_json(out, &done)?;
    }
    match state {
        State::AnotherHeld => bail!("plan {plan} is not held, another one is; nothing was approved"),
        State::NothingHeld => {
            bail!("GitSync {key} holds nothing, and plan {plan} was not approved before; nothing was approved")
        }
        _ => Ok(ExitCode::from(done.answer.as_ref().map_or(0, Answer::code))),
    }
}

/// How the plan stands that is named; without a name, the one that is held.
fn standing(gitsync: &GitSync, plan: Option<&str>) -> State {
    let status = gitsync.status.as_ref();
    let held = status.and_then(|status| status.hold.as_ref()).map(|held| held.plan.as_str());
    let history = status.map_or(&[][..], |status| &status.history);
    match (held, plan) {
        (Some(held), Some(plan)) if held != plan => State::AnotherHeld,
        (Some(held), Some(_)) if annotation(gitsync, APPROVE_PLAN) == Some(held) => State::Approved,
        (Some(_), _) => State::Held,
        (None, Some(plan)) if annotation(gitsync, APPROVE_PLAN) == Some(plan) => State::HeldNoMore,
        (None, Some(plan)) if history.iter().any(|entry| entry.approved.as_deref() == Some(plan)) => State::HeldNoMore,
        (None, _) => State::NothingHeld,
    }
}

impl Done {
    fn of(key: &ObjectKey, gitsync: &GitSync, state: State) -> Self {
        Self {
            name: key.to_string(),
            state,
            hold: gitsync.status.as_ref().and_then(|status| status.hold.clone()),
            suspended: gitsync.spec.suspended(),
            answer: None,
        }
    }

    fn print(&self, out: &mut dyn Write, color: bool) -> std::io::Result<()> {
        let name = inert(&self.name);
        match (self.state, &self.hold) {
            (State::Held | State::AnotherHeld, Some(hold)) => {
                writeln!(out, "{name}")?;
                for (line, style) in held::lines(&self.name, hold, jiff::Timestamp::now()) {
                    writeln!(out, "    {}", painted(&line, style, color))?;
                }
            }
            (State::Approved, Some(hold)) => {
                writeln!(out, "{name}: plan {} is approved: {}", inert(&hold.plan), inert(&held::doing(hold)))?;
                if self.suspended {
                    let words = format!("it is suspended, so nothing is done until: gitmoor resume {}", self.name);
                    writeln!(out, "    {}", painted(&words, ODD, color))?;
                }
            }
            (State::HeldNoMore, _) => writeln!(out, "{name}: that plan was approved before, and nothing is held now")?,
            _ => writeln!(out, "{name} holds nothing back")?,
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_the_plan_that_is_held_can_be_approved() {
        let check = |held: Option<&str>, approved: Option<&str>, done: Option<&str>, plan: Option<&str>, expected| {
            let hold = held.map(|plan| {
                json!({"plan": plan, "revision": "main@sha1:1", "reason": "PruneBudget", "message": "m",
                       "since": "2026-01-02T00:00:00Z"})
            });
            let entry = json!({"revision": "main@sha1:1", "applied": "2026-01-02T00:00:00Z", "took": "1s",
                "result": "Applied", "changed": 0, "pruned": 0, "quarantined": 0, "held": 0, "approved": done});
            let gitsync: GitSync = serde_json::from_value(json!({
                "apiVersion": "gitmoor.dev/v1alpha1", "kind": "GitSync", "spec": {"url": "https://example.com"},
                "metadata": {"name": "a", "annotations": approved.map(|plan| json!({APPROVE_PLAN: plan}))},
                "status": {"hold": hold, "history": [entry]}
            }))
            .unwrap();
            assert_eq!(standing(&gitsync, plan), expected, "{held:?} {approved:?} {done:?} {plan:?}");
        };
        check(None, None, None, None, State::NothingHeld);
        check(Some("a"), None, None, None, State::Held);
        check(Some("a"), Some("a"), None, None, State::Held);
        check(Some("a"), None, None, Some("a"), State::Held);
        check(Some("a"), Some("old"), None, Some("a"), State::Held);
        check(Some("a"), Some("a"), None, Some("a"), State::Approved);
        check(Some("b"), Some("a"), None, Some("a"), State::AnotherHeld);
        check(Some("ab"), None, None, Some("a"), State::AnotherHeld);
        check(None, Some("a"), None, Some("a"), State::HeldNoMore);
        check(None, Some("b"), None, Some("a"), State::NothingHeld);
        check(None, None, Some("a"), Some("a"), State::HeldNoMore);
        check(None, None, Some("b"), Some("a"), State::NothingHeld);
    }
}
