//! `gitmoor alert`: tries whether alerts arrive; and the flags of the daemon that say where alerts come from and may go.

use std::io::Write;
use std::process::ExitCode;

use anyhow::bail;
use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde::Serialize;

use super::act::{PlaceArgs, denied, find};
use super::inert::{inert, print_json};
use super::reach::{full_name, reach};
use super::{Output, Screen};
use crate::alert::commit::{self, CommitState, Status};
use crate::alert::plain::plain;
use crate::alert::{Credentials, Letter, Message, Setting, Target};
use crate::api::GitSync;
use crate::cluster::{Cluster, SecretError};
use crate::model::ObjectKey;
use crate::notify::{Answer, Courier, Reach, Undelivered};

/// Bytes of an answer that are shown.
const SHOWN: usize = 300;

/// Where alerts come from and may go.
#[derive(Debug, Clone, Default, Args)]
pub struct AlertFlags {
    /// Tell alerts over http, to this machine and within private networks, too. Whoever may create a GitSync may then have
    /// this process call addresses there.
    #[arg(long)]
    pub alerts_to_internal: bool,
    /// What alerts call this cluster.
    #[arg(long, value_name = "NAME")]
    pub cluster_name: Option<String>,
    /// Where people find the page, as in https://gitmoor.example.com: alerts and commit statuses link to it.
    #[arg(long, value_name = "URL", value_parser = page)]
    pub page_url: Option<String>,
}

impl AlertFlags {
    /// What alerts say of where they come from.
    pub fn setting(&self) -> Setting {
        Setting { cluster: self.cluster_name.clone(), page: self.page_url.clone() }
    }
}

fn page(text: &str) -> Result<String, String> {
    let fits = text.starts_with("https://") || text.starts_with("http://");
    if !fits || text.contains(['?', '#', ' ', '<', '>', '|', '"']) {
        return Err("not an address such as https://gitmoor.example.com, without ? and #".to_owned());
    }
    Ok(text.to_owned())
}

/// Arguments of `gitmoor alert`.
#[derive(Debug, Clone, Args)]
#[command(disable_help_subcommand = true)]
pub struct AlertArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: AlertCommand,
}

/// What to do.
#[derive(Debug, Clone, Subcommand)]
pub enum AlertCommand {
    /// Send a test message to the targets of a GitSync, and say what they answered.
    ///
    /// It is sent from here, in the form and with the Secret of each target in spec.notify, and is marked as a test. A forge
    /// is told a status of its own, gitmoor/NAMESPACE/NAME/test, of the newest commit. What is in the Secrets is never printed.
    Test(Box<TestArgs>),
}

/// Arguments of `gitmoor alert test`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Exit codes: 0 each target took it, 1 some did not, 2 error, also where there is no target.")]
pub struct TestArgs {
    /// GitSync, by NAME or NAMESPACE/NAME.
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Only this target of spec.notify.
    #[arg(long, value_name = "TARGET")]
    pub target: Option<String>,
    #[command(flatten)]
    pub(crate) flags: AlertFlags,
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
    /// How to print.
    #[arg(long, short, value_enum, default_value_t = Output::Text)]
    pub output: Output,
}

/// What one target answered.
#[derive(Debug, Serialize)]
struct Heard {
    target: String,
    r#type: &'static str,
    told: bool,
    /// HTTP status, where something answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// The beginning of what it answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

/// Does it and prints it.
pub async fn run(args: &AlertArgs, out: &mut dyn Write, _: Screen) -> anyhow::Result<ExitCode> {
    match &args.command {
        AlertCommand::Test(args) => test(args, out).await,
    }
}

async fn test(args: &TestArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let key = full_name(&args.name, &args.place.namespace)?;
    let cluster = reach(&args.place.cluster).await?;
    let gitsync = find(&cluster, &key).await?;
    let targets = gitsync.spec.notify.iter().map(|target| Target::of(target, &key.namespace));
    let wanted = |target: &Target| args.target.as_ref().is_none_or(|name| *name == target.name);
    let targets: Vec<Target> = targets.filter(wanted).collect();
    match &args.target {
        Some(name) if targets.is_empty() => {
            let names: Vec<&str> = gitsync.spec.notify.iter().map(|target| target.name.as_str()).collect();
            bail!("GitSync {key} has no target {name:?} in spec.notify; it has: {}", names.join(", "));
        }
        None if targets.is_empty() => bail!("GitSync {key} tells nobody: it has no spec.notify"),
        _ => {}
    }
    let try_out = Try { cluster, key, gitsync, flags: &args.flags, operator: &args.place.namespace };
    let mut heard = Vec::new();
    for target in &targets {
        heard.push(try_out.tell(target).await?);
    }
    match args.output {
        Output::Json => print_json(out, &heard)?,
        Output::Text => heard.iter().try_for_each(|one| writeln!(out, "{}", inert(&one.line())))?,
    }
    Ok(if heard.iter().all(|one| one.told) { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

struct Try<'a> {
    cluster: Cluster,
    key: ObjectKey,
    gitsync: GitSync,
    flags: &'a AlertFlags,
    operator: &'a str,
}

impl Try<'_> {
    async fn tell(&self, target: &Target) -> anyhow::Result<Heard> {
        let credentials = match &target.secret {
            None => Credentials::default(),
            Some(secret) => match self.cluster.secret_content(secret).await {
                Ok(content) => match Credentials::of(&content.data) {
                    Ok(credentials) => credentials,
                    Err(fault) => return Ok(Heard::not(target, fault.reason(), fault.code(), fault.to_string())),
                },
                Err(SecretError::Unread { source, .. }) => {
                    let kind = kube::core::ApiResource::erase::<k8s_openapi::api::core::v1::Secret>(&());
                    return Err(denied(source, "get", &kind, Some(&secret.namespace)));
                }
                Err(error) => {
                    let code = crate::model::codes::code_of("AlertSecretMissing").unwrap_or_default();
                    return Ok(Heard::not(target, "AlertSecretMissing", code, error.to_string()));
                }
            },
        };
        let letter = match self.letter(target, &credentials) {
            Ok(letter) => letter,
            Err(heard) => return Ok(*heard),
        };
        let operators = *self.key.namespace == *self.operator;
        let far = Reach::of(operators, self.flags.alerts_to_internal);
        Ok(match Courier::default().send(letter, far).await {
            Ok(answer) => Heard::told(target, &answer),
            Err(Undelivered::Refused(answer)) if commit::is_so(target.kind, answer.status, &answer.body) => {
                Heard::told(target, &answer)
            }
            Err(error) => {
                let heard = Heard::not(target, error.reason(), error.code(), error.to_string());
                match error {
                    Undelivered::Refused(answer) => heard.with(&answer),
                    _ => heard,
                }
            }
        })
    }

    fn letter(&self, target: &Target, credentials: &Credentials) -> Result<Letter, Box<Heard>> {
        let (setting, now) = (self.flags.setting(), Timestamp::now());
        let letter = if target.kind.is_forge() {
            let state = self.gitsync.status.as_ref().and_then(CommitState::test);
            let Some(state) = state else {
                let message = "no commit was read yet, of which it could be told".to_owned();
                return Err(Box::new(Heard { message: Some(message), ..Heard::of(target) }));
            };
            let link = setting.page.as_ref().map(|page| crate::alert::message::link(page, &self.key));
            let status =
                Status { kind: target.kind, sync: &self.key, state: &state, link: link.as_deref(), test: true };
            Letter::of_commit(target, credentials, &self.gitsync.spec.url, &status)
        } else {
            Letter::of(target, credentials, &Message::test(&self.key, &setting, now), now)
        };
        letter.map_err(|fault| Box::new(Heard::not(target, fault.reason(), fault.code(), fault.to_string())))
    }
}

impl Heard {
    fn of(target: &Target) -> Self {
        Self {
            target: target.name.clone(),
            r#type: target.kind.as_str(),
            told: false,
            status: None,
            answer: None,
            reason: None,
            code: None,
            message: None,
        }
    }

    fn told(target: &Target, answer: &Answer) -> Self {
        Self { told: true, ..Self::of(target).with(answer) }
    }

    fn not(target: &Target, reason: &'static str, code: &'static str, message: String) -> Self {
        Self { reason: Some(reason), code: Some(code), message: Some(message), ..Self::of(target) }
    }

    fn with(self, answer: &Answer) -> Self {
        let text = plain(&String::from_utf8_lossy(&answer.body), SHOWN);
        Self { status: Some(answer.status), answer: Some(text).filter(|text| !text.trim().is_empty()), ..self }
    }

    fn line(&self) -> String {
        let Self { target, r#type, .. } = self;
        let status = self.status.map(|status| format!(", it answered {status}")).unwrap_or_default();
        let answer = self.answer.as_ref().map(|answer| format!(": {answer}")).unwrap_or_default();
        if self.told {
            return format!("{target} ({type}): told{status}{answer}");
        }
        let reason =
            self.reason.zip(self.code).map(|(reason, code)| format!(" {reason} ({code}):")).unwrap_or_default();
        format!("{target} ({type}): not told:{reason} {}{answer}", self.message.as_deref().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_an_address_that_a_link_can_be_made_of() {
        let check = |text: &str, good: bool| assert_eq!(page(text).is_ok(), good, "{text}");
        check("https://gitmoor.example.com/x", true);
        check("http://10.0.0.1:8080", true);
        for bad in ["gitmoor.example.com", "javascript:alert(1)", "https://x/?a", "https://x/|b>", "https://x y"] {
            check(bad, false);
        }
    }
}
