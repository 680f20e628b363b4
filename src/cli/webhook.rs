//! `gitmoor webhook`: tries out the set-up of a webhook, or says what to enter in a forge.

mod heard;
mod post;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use clap::{Args, Subcommand, ValueEnum};
use k8s_openapi::api::core::v1::Secret;
use kube::core::ApiResource;
use serde::Serialize;

use super::act::{PlaceArgs, denied, duration, find};
use super::inert::{inert, print_json};
use super::reach::{full_name, reach};
use super::{Output, Screen};
use crate::app::TOKENS;
use crate::cluster::{Cluster, SecretError};
use crate::model::{Follow, ObjectKey};
use crate::webhook::{About, Forge, Token, compose};
use heard::{Heard, words};
use post::post;

/// Where the listener has its webhooks.
const PATH: &str = "/hooks/";
/// The largest file that may be a token.
const TOKEN_FILE: u64 = 64 * 1024;

/// Arguments of `gitmoor webhook`.
#[derive(Debug, Clone, Args)]
#[command(disable_help_subcommand = true)]
pub struct WebhookArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: WebhookCommand,
}

/// What to do.
#[derive(Debug, Clone, Subcommand)]
pub enum WebhookCommand {
    /// Send a signed delivery and say what came back; without --url, say what to enter in the forge.
    ///
    /// The delivery says that the ref was pushed that the GitSync follows, and is signed as the forge signs. Gitmoor then looks
    /// at the source, which does no harm. The token is read from the GitSync's Secret, or from --token-file, and never
    /// printed.
    Test(Box<TestArgs>),
}

/// Arguments of `gitmoor webhook test`.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Exit codes: 0 the delivery was taken (without --url: what to enter was said), 1 it was not, or \
                        something else answered, 2 error, also where nothing answered."
)]
pub struct TestArgs {
    /// GitSync, by NAME or NAMESPACE/NAME.
    #[arg(value_name = "NAME")]
    pub name: String,
    /// As which forge.
    #[arg(long, value_enum, value_name = "FORGE", default_value_t = Forge::GitHub)]
    pub forge: Forge,
    /// Where the forge reaches the listener, as in https://hooks.example.com; /hooks/NAMESPACE/NAME is added where it is
    /// missing.
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// The ref that is said to be pushed. Default: what the GitSync follows.
    #[arg(long = "ref", value_name = "REF")]
    pub reference: Option<String>,
    /// Read the token from this file instead of the Secret; then no cluster is asked.
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// Give up after this time.
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration)]
    pub timeout: Duration,
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
    /// How to print.
    #[arg(long, short, value_enum, default_value_t = Output::Text)]
    pub output: Output,
}

impl ValueEnum for Forge {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        Some(clap::builder::PossibleValue::new(self.as_str()).help(self.name()))
    }
}

/// The token, and where it came from.
struct Shared {
    token: Option<Token>,
    /// The Secret; none where a file was read.
    secret: Option<ObjectKey>,
    /// The ref that the GitSync follows, where it was asked.
    follows: Option<String>,
}

/// What a person enters in the forge.
#[derive(Debug, Serialize)]
struct Setup<'a> {
    gitsync: String,
    forge: &'a str,
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    /// Whether the token is there.
    token: bool,
    steps: &'a [&'a str],
}

/// What was sent, and what came back.
#[derive(Debug, Serialize)]
struct Tried<'a> {
    gitsync: String,
    forge: &'a str,
    url: String,
    #[serde(rename = "ref")]
    reference: String,
    milliseconds: u128,
    #[serde(flatten)]
    heard: Heard,
}

/// Does it and prints it.
pub async fn run(args: &WebhookArgs, out: &mut dyn Write, _: Screen) -> anyhow::Result<ExitCode> {
    match &args.command {
        WebhookCommand::Test(args) => test(args, out).await,
    }
}

async fn test(args: &TestArgs, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let key = full_name(&args.name, &args.place.namespace)?;
    let url = args.url.as_deref().map(|url| address(url, &key)).transpose()?;
    let shared = shared(args, &key).await?;
    let Some(url) = url else { return setup(args, &key, &shared, out) };
    let token = shared.token.with_context(|| match &shared.secret {
        Some(secret) => format!("Secret {secret} has no key token with a value; make one, or use --token-file"),
        None => "the file with the token is empty".to_owned(),
    })?;
    let reference = args.reference.clone().or(shared.follows);
    let reference = reference.map_or_else(|| "refs/heads/main".to_owned(), |reference| full_ref(&reference));
    let now = jiff::Timestamp::now();
    let id = format!("gitmoor-test-{}", now.as_nanosecond());
    let composed = compose(args.forge, &token, &About { reference: &reference, id: &id, now: now.as_second() });
    let began = std::time::Instant::now();
    let answer = post(&url, composed, args.timeout).await?;
    let milliseconds = began.elapsed().as_millis();
    let heard = words(&answer);
    let code = u8::from(!heard.taken);
    let tried = Tried { gitsync: key.to_string(), forge: args.forge.as_str(), url, reference, milliseconds, heard };
    match args.output {
        Output::Json => print_json(out, &tried)?,
        Output::Text => tried.print(args.forge, out)?,
    }
    Ok(ExitCode::from(code))
}

/// What is entered in the forge; the token itself is never shown.
fn setup(args: &TestArgs, key: &ObjectKey, shared: &Shared, out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    let setup = Setup {
        gitsync: key.to_string(),
        forge: args.forge.as_str(),
        path: format!("{PATH}{key}"),
        secret: shared.secret.as_ref().map(ToString::to_string),
        token: shared.token.is_some(),
        steps: args.forge.setup(),
    };
    match args.output {
        Output::Json => print_json(out, &setup)?,
        Output::Text => {
            writeln!(out, "URL    https://<where the listener is reached>{}", inert(&setup.path))?;
            match (&shared.secret, setup.token) {
                (Some(secret), true) => {
                    let (namespace, name) = (inert(&secret.namespace), inert(&secret.name));
                    writeln!(
                        out,
                        "token  kubectl -n {namespace} get secret {name} -o jsonpath='{{.data.token}}' | base64 -d"
                    )?;
                }
                (Some(secret), false) => writeln!(out, "token  missing: the Secret {secret} has no key token")?,
                (None, _) => writeln!(out, "token  in the file")?,
            }
            writeln!(out, "in {}:", args.forge.name())?;
            setup.steps.iter().try_for_each(|step| writeln!(out, "  {step}"))?;
            writeln!(out, "then: gitmoor webhook test {} --forge {} --url URL", inert(&setup.gitsync), setup.forge)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

impl Tried<'_> {
    fn print(&self, forge: Forge, out: &mut dyn Write) -> std::io::Result<()> {
        let (url, reference) = (inert(&self.url), inert(&self.reference));
        writeln!(out, "POST {url}: a push to {reference}, as {} sends it", forge.name())?;
        let result = self.heard.result.as_deref().map(|result| format!(" {}", inert(result))).unwrap_or_default();
        writeln!(out, "{}{result} after {} ms: {}", self.heard.status, self.milliseconds, self.heard.means)?;
        match &self.heard.reason {
            Some(reason) => writeln!(out, "it said: {}", inert(reason)),
            None => Ok(()),
        }
    }
}

/// The token: of the file, else of the Secret that the GitSync names.
async fn shared(args: &TestArgs, key: &ObjectKey) -> anyhow::Result<Shared> {
    if let Some(file) = &args.token_file {
        return Ok(Shared { token: read(file)?, secret: None, follows: None });
    }
    let cluster = reach(&args.place.cluster).await?;
    let gitsync = find(&cluster, key).await?;
    let follows = match Follow::of(gitsync.spec.reference.as_ref()) {
        // Any tag may have a version that fits.
        Ok(Follow::Versions(_)) => Some("refs/tags/gitmoor-test".to_owned()),
        Ok(follow) => follow.full_name(),
        Err(error) => bail!("GitSync {key}: {error}"),
    };
    let Some(webhook) = &gitsync.spec.webhook else {
        bail!(
            "GitSync {key} has no spec.webhook, so its deliveries are refused; make a Secret with the key token and name it \
             in spec.webhook.secretRef.name"
        );
    };
    let secret = ObjectKey::new(key.namespace.clone(), webhook.secret_ref.name.as_str());
    let token = of_secret(&cluster, &secret).await?;
    Ok(Shared { token, secret: Some(secret), follows })
}

async fn of_secret(cluster: &Cluster, secret: &ObjectKey) -> anyhow::Result<Option<Token>> {
    match cluster.secret_keys(secret, TOKENS).await {
        Ok(values) => Ok(values.into_iter().flatten().find_map(Token::new)),
        Err(SecretError::Unread { source, .. }) => {
            let kind = ApiResource::erase::<Secret>(&());
            let error = denied(source, "get", &kind, Some(&secret.namespace));
            Err(error.context("the token cannot be read; --token-file needs no right to"))
        }
        Err(error) => Err(anyhow!(error).context("there is no token, so every delivery is refused")),
    }
}

fn read(file: &Path) -> anyhow::Result<Option<Token>> {
    let shown = file.display();
    let length = std::fs::metadata(file).with_context(|| format!("cannot read {shown}"))?.len();
    if length > TOKEN_FILE {
        bail!("{shown} has {length} bytes, which is no token");
    }
    Ok(Token::new(std::fs::read(file).with_context(|| format!("cannot read {shown}"))?))
}

/// The URL that the forge is given. One that is of another GitSync is a mistake.
fn address(url: &str, key: &ObjectKey) -> anyhow::Result<String> {
    let parsed =
        reqwest::Url::parse(url).with_context(|| format!("{url:?} is no URL such as https://hooks.example.com"))?;
    if !matches!(parsed.scheme(), "http" | "https") {
        bail!("{url:?} is no URL such as https://hooks.example.com");
    }
    if !parsed.username().is_empty() || parsed.password().is_some() {
        bail!("credentials do not belong in the URL of a webhook; the token is sent beside it");
    }
    let path = format!("{PATH}{key}");
    let base = url.trim_end_matches('/');
    match base.find(PATH) {
        Some(_) if base.ends_with(&path) => Ok(base.to_owned()),
        Some(at) => bail!(
            "{url} is the webhook of another GitSync; that of {key} ends with {path}, as in {}{path}",
            &base[..at]
        ),
        None => Ok(format!("{base}{path}")),
    }
}

/// A branch is written short; what is no branch in full.
fn full_ref(reference: &str) -> String {
    if reference.starts_with("refs/") { reference.to_owned() } else { format!("refs/heads/{reference}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_the_gitsync_is_added_where_it_is_missing() {
        let check = |url: &str, expected: Result<&str, &str>| {
            let found = address(url, &ObjectKey::new("shop", "deploy"));
            match expected {
                Ok(expected) => assert_eq!(found.unwrap(), expected, "{url}"),
                Err(words) => assert!(format!("{:#}", found.unwrap_err()).contains(words), "{url}"),
            }
        };
        check("https://hooks.example.com", Ok("https://hooks.example.com/hooks/shop/deploy"));
        check("https://hooks.example.com/", Ok("https://hooks.example.com/hooks/shop/deploy"));
        check("http://127.0.0.1:9292/gitmoor/", Ok("http://127.0.0.1:9292/gitmoor/hooks/shop/deploy"));
        check("https://x/hooks/shop/deploy", Ok("https://x/hooks/shop/deploy"));
        check("https://x/hooks/shop/other", Err("as in https://x/hooks/shop/deploy"));
        check("hooks.example.com", Err("no URL"));
        check("ftp://x", Err("no URL"));
        check("https://a:b@x", Err("credentials do not belong"));
    }

    #[test]
    fn a_branch_is_written_short() {
        for (text, expected) in
            [("main", "refs/heads/main"), ("refs/tags/v1", "refs/tags/v1"), ("feature/a", "refs/heads/feature/a")]
        {
            assert_eq!(full_ref(text), expected);
        }
    }
}
