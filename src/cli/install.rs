//! `gitmoor install`: puts Gitmoor into a cluster, or a newer one in its place, and waits until it runs.

mod apply;
mod ready;

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use serde::Serialize;
use tokio::time::Instant;

use super::act::duration;
use super::inert::{inert, print_json};
use super::reach::reach;
use super::table::{ODD, painted};
use super::{ClusterArgs, Output, Screen};
use crate::cluster::{CallError, Cluster};
use crate::install::{
    self, Choice, NAME, Object, PAGE_PORT, PROXY_SECRET, Page, ServerVersion, VERSION_LABEL, is_older,
};
use crate::model::{ObjectKey, is_name};
use apply::{Applied, Applying, apply};
pub use ready::{deployments, gone, health_of};

/// Field manager of what is installed.
pub const INSTALL_MANAGER: &str = "gitmoor-install";
/// No call takes longer: a CRD is large.
pub(super) const DEADLINE: Duration = Duration::from_secs(30);
/// This program.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Arguments of `gitmoor install`.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "Exit codes: 0 it is installed and ready, 1 it is installed and not ready, 2 error: the cluster was not \
                  reached, or something was not applied."
)]
pub struct InstallArgs {
    /// Namespace to install into.
    #[arg(long, short, value_name = "NAME", default_value = "gitmoor-system", value_parser = namespace)]
    pub namespace: String,
    /// How many processes: one acts, the others stand by. Default: 2.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=9))]
    pub replicas: Option<u16>,
    /// Image of the daemon. Default: that of this version.
    #[arg(long, value_name = "IMAGE", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub image: Option<String>,
    /// Who looks at the page.
    #[arg(long, value_enum, default_value_t = PageFor::Open, ignore_case = true)]
    pub page: PageFor,
    /// Secret of that namespace with what the proxy proves itself with, under the key secret. For --page Proxy.
    #[arg(long, value_name = "NAME", default_value = PROXY_SECRET, value_parser = secret)]
    pub page_proxy_secret: String,
    /// Have the API server stamp who changes what, so that drift is told with the user's name. For Kubernetes 1.36 or later.
    #[arg(long)]
    pub attribution: bool,
    /// Refuse hand edits of what Git declares.
    #[arg(long)]
    pub prevention: bool,
    /// Let Gitmoor read the Secrets of all namespaces, so that services restart when one changes.
    #[arg(long)]
    pub restarts: bool,
    /// Leave out the policy that refuses deletions of MicroServices, GitSyncs and CRDs by hand.
    #[arg(long)]
    pub no_protection: bool,
    /// Print the manifests and do nothing.
    #[arg(long, conflicts_with_all = ["dry_run", "output"])]
    pub export: bool,
    /// Ask the API server what would change, and change nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Take fields over from whoever else manages them, as from kubectl.
    #[arg(long)]
    pub force_conflicts: bool,
    /// Put this version in the place of a newer one.
    #[arg(long)]
    pub allow_downgrade: bool,
    /// Do not wait until the daemon is ready.
    #[arg(long)]
    pub no_wait: bool,
    /// Wait no longer than this for the daemon.
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = duration)]
    pub timeout: Duration,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
    /// How to print.
    #[arg(long, short, value_enum, default_value_t = Output::Text)]
    pub output: Output,
}

/// Who looks at the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PageFor {
    /// Nobody: there is none.
    #[value(name = "none")]
    Nobody,
    /// Whoever may forward a port to the daemon's pods. Nothing of it is on the network.
    #[value(name = "Open")]
    Open,
    /// Whoever has a token of the cluster, each the namespaces that they may read. It has a Service.
    #[value(name = "Token")]
    Token,
    /// Whom a proxy names that proves itself. It has a Service.
    #[value(name = "Proxy")]
    Proxy,
}

/// What was done.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Installed {
    namespace: String,
    version: &'static str,
    /// The version that was there before.
    #[serde(skip_serializing_if = "Option::is_none")]
    replaced: Option<String>,
    dry_run: bool,
    objects: Vec<Applied>,
    /// Whether it runs; none where that was not waited for.
    ready: Option<bool>,
    /// What is worth knowing.
    notes: Vec<String>,
}

impl InstallArgs {
    fn choice(&self) -> Choice {
        Choice {
            namespace: self.namespace.clone(),
            replicas: self.replicas,
            image: self.image.clone(),
            page: match self.page {
                PageFor::Nobody => Page::None,
                PageFor::Open => Page::Open,
                PageFor::Token => Page::Token,
                PageFor::Proxy => Page::Proxy { secret: self.page_proxy_secret.clone() },
            },
            protection: !self.no_protection,
            attribution: self.attribution,
            prevention: self.prevention,
            restarts: self.restarts,
        }
    }
}

/// Installs, and says each object as it is done.
pub async fn run(args: &InstallArgs, out: &mut dyn Write, screen: Screen) -> anyhow::Result<ExitCode> {
    let choice = args.choice();
    let objects = install::objects(&choice)?;
    if args.export {
        return export(&objects, out);
    }
    let cluster = reach(&args.cluster).await?.with_deadline(DEADLINE);
    let mut notes = server(&cluster, &choice).await?;
    let replaced = replaced(&cluster, args).await?;
    let text = args.output == Output::Text;
    let how = Applying { force: args.force_conflicts, dry_run: args.dry_run };
    let mut done = Vec::new();
    for object in &objects {
        let applied = apply(&cluster, object, how).await?;
        if text {
            applied.print(out, screen.color)?;
            out.flush()?;
        }
        done.push(applied);
    }
    notes.extend(leftovers(&cluster, &choice).await?);
    let deadline = Instant::now() + args.timeout;
    let waits = !args.dry_run && !args.no_wait;
    let ready = if waits { Some(ready::wait(&cluster, &args.namespace, deadline).await?) } else { None };
    let installed = Installed {
        namespace: args.namespace.clone(),
        version: VERSION,
        replaced,
        dry_run: args.dry_run,
        objects: done,
        ready: ready.as_ref().map(Result::is_ok),
        notes,
    };
    match args.output {
        Output::Json => print_json(out, &installed)?,
        Output::Text => {
            installed.print(ready.as_ref(), args.timeout, out, screen.color)?;
            if matches!(ready, Some(Ok(_))) {
                next(&choice, out)?;
            }
        }
    }
    Ok(ExitCode::from(u8::from(matches!(ready, Some(Err(_))))))
}

fn export(objects: &[Object], out: &mut dyn Write) -> anyhow::Result<ExitCode> {
    for object in objects {
        write!(out, "---\n{}", serde_yaml::to_string(&object.body).context("cannot print a manifest")?)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What should be known of the server; an error where it cannot be used.
async fn server(cluster: &Cluster, choice: &Choice) -> anyhow::Result<Vec<String>> {
    let greeting = cluster.greet(Duration::from_secs(6)).await.context("cannot ask the API server for its version")?;
    let Some(version) = ServerVersion::of(&greeting.version) else {
        return Ok(vec!["the API server says no version that is understood; it is tested with Kubernetes 1.37".into()]);
    };
    if let Some(why) = version.too_old() {
        bail!("{why}");
    }
    if let Some(why) = version.cannot_stamp().filter(|_| choice.attribution) {
        bail!("{why}; install without --attribution");
    }
    Ok(version.note().into_iter().collect())
}

/// The version that is installed, where it is another.
async fn replaced(cluster: &Cluster, args: &InstallArgs) -> anyhow::Result<Option<String>> {
    let key = ObjectKey::new(args.namespace.as_str(), NAME);
    let found = cluster.get(&ready::deployments(), &key).await;
    let found = found.with_context(|| format!("cannot see what is installed in {}", args.namespace))?;
    let live = found.map(|live| live.value());
    let version = live.as_ref().and_then(|live| live["metadata"]["labels"][VERSION_LABEL].as_str()).map(str::to_owned);
    let Some(installed) = version.filter(|installed| installed != VERSION) else { return Ok(None) };
    if is_older(VERSION, &installed) && !args.allow_downgrade {
        bail!(
            "gitmoor {installed} is installed in {}, and this is {VERSION}: its CRDs may lack fields that are in use. Install \
             with that version or a newer one, or go back with --allow-downgrade",
            args.namespace
        );
    }
    Ok(Some(installed))
}

/// What an earlier installation chose and this one does not. It is told and left: somebody may rely on it.
async fn leftovers(cluster: &Cluster, choice: &Choice) -> anyhow::Result<Vec<String>> {
    let mut notes = Vec::new();
    for object in install::left_out(choice)? {
        // It is only for a note: what cannot be seen is not told.
        if let Ok(Some(_)) = cluster.get(&object.kind, &object.key).await {
            let (kind, name) = (object.kind.kind.to_lowercase(), &object.key.name);
            let place = match &*object.key.namespace {
                "" => String::new(),
                namespace => format!("-n {namespace} "),
            };
            notes.push(format!(
                "{} stays from before and was not asked for; remove it with: kubectl {place}delete {kind} {name}",
                object.name()
            ));
        }
    }
    Ok(notes)
}

/// What a person may want to do now.
fn next(choice: &Choice, out: &mut dyn Write) -> std::io::Result<()> {
    let Choice { namespace, page, .. } = choice;
    if let Some((target, port)) = match page {
        Page::None => None,
        Page::Open => Some((format!("deployment/{NAME}"), PAGE_PORT.to_string())),
        Page::Token => Some(("service/gitmoor-page".to_owned(), format!("{PAGE_PORT}:80"))),
        Page::Proxy { .. } => None,
    } {
        writeln!(
            out,
            "the page: kubectl -n {namespace} port-forward {target} {port}, then http://localhost:{PAGE_PORT}"
        )?;
    }
    writeln!(out, "next: gitmoor init FOLDER starts a repository with a first service")
}

impl Installed {
    fn print(
        &self,
        ready: Option<&Result<String, String>>,
        timeout: Duration,
        out: &mut dyn Write,
        color: bool,
    ) -> std::io::Result<()> {
        let Self { namespace, version, .. } = self;
        for note in &self.notes {
            writeln!(out, "{}", painted(note, ODD, color))?;
        }
        let instead =
            self.replaced.as_deref().map(|old| format!(" in the place of {}", inert(old))).unwrap_or_default();
        match ready {
            _ if self.dry_run => writeln!(out, "nothing was changed: this is what would be"),
            None => writeln!(
                out,
                "gitmoor {version} is installed in {namespace}{instead}; see: gitmoor check -n {namespace}"
            ),
            Some(Ok(how)) => {
                writeln!(out, "gitmoor {version} runs in {namespace}{instead}: {}", inert(how))
            }
            Some(Err(why)) => {
                writeln!(
                    out,
                    "gitmoor {version} is installed in {namespace} and not ready after {timeout:?}: {}",
                    inert(why)
                )?;
                writeln!(
                    out,
                    "look at: kubectl -n {namespace} get pods, and: kubectl -n {namespace} logs deployment/{NAME}"
                )
            }
        }
    }
}

/// Reads the name of a namespace.
pub(super) fn namespace(text: &str) -> Result<String, String> {
    let label = !text.contains('.') && text.len() <= 63;
    if label && is_name(text) { Ok(text.to_owned()) } else { Err("not a name of a namespace".to_owned()) }
}

fn secret(text: &str) -> Result<String, String> {
    if is_name(text) { Ok(text.to_owned()) } else { Err("not a name of a Secret".to_owned()) }
}

/// What to do about an object that was not applied or deleted.
pub(super) fn advice(error: CallError, doing: &str) -> anyhow::Error {
    let hint = match &error {
        CallError::Conflict(_) => {
            "; somebody else manages it: take it over with --force-conflicts, or ask for what is there"
        }
        CallError::Forbidden(_) => {
            "; whoever installs needs the ClusterRole cluster-admin, for the daemon's rights are granted"
        }
        CallError::NamespaceTerminating(_) => "; wait until it is gone, and try again",
        CallError::KindMissing(_) => "; the cluster is too old for it",
        _ => "",
    };
    let said = error.missing_right().map_or_else(|| error.to_string(), str::to_owned);
    anyhow::anyhow!("cannot {doing}: {said}{hint}")
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::super::{Cli, Command};
    use super::*;
    use crate::page::access::Access;

    fn args(flags: &[&str]) -> InstallArgs {
        let cli = Cli::try_parse_from(["gitmoor", "install"].iter().chain(flags)).unwrap();
        let Command::Install(args) = cli.command else { unreachable!() };
        *args
    }

    /// The daemon is started with flags that it takes, and they mean what was asked for.
    #[test]
    fn the_page_that_is_installed_is_the_page_that_is_served() {
        let check = |flags: &[&str], expected: Option<(Access, bool)>| {
            let deployment = install::objects(&args(flags).choice()).unwrap().pop().unwrap().body;
            let said = deployment["spec"]["template"]["spec"]["containers"][0]["args"].as_array().unwrap().clone();
            let said = said.iter().map(|one| one.as_str().unwrap());
            let Command::Run(run) = Cli::try_parse_from(["gitmoor"].into_iter().chain(said)).unwrap().command else {
                panic!("the daemon is run")
            };
            let served = run.page.options();
            assert_eq!(
                served.as_ref().map(|page| (page.access, page.address.ip().is_loopback())),
                expected,
                "{flags:?}"
            );
            assert!(served.is_none_or(|page| page.access.fits(page.address).is_ok()), "{flags:?}");
        };
        check(&[], Some((Access::Open, true)));
        check(&["--page", "none"], None);
        check(&["--page", "open"], Some((Access::Open, true)));
        check(&["--page", "token"], Some((Access::Token, false)));
        check(&["--page", "Proxy", "--page-proxy-secret", "sso"], Some((Access::Proxy, false)));
    }

    #[test]
    fn what_to_do_next_is_what_works_with_what_was_chosen() {
        let check = |flags: &[&str], expected: Option<&str>| {
            let mut out = Vec::new();
            next(&args(flags).choice(), &mut out).unwrap();
            let said = String::from_utf8(out).unwrap();
            assert_eq!(said.lines().find_map(|line| line.strip_prefix("the page: ")), expected, "{flags:?}");
            assert!(said.ends_with("starts a repository with a first service\n"), "{said}");
        };
        check(&[], Some("kubectl -n gitmoor-system port-forward deployment/gitmoor 8082, then http://localhost:8082"));
        check(
            &["--page", "Token", "-n", "ops"],
            Some("kubectl -n ops port-forward service/gitmoor-page 8082:80, then http://localhost:8082"),
        );
        check(&["--page", "none"], None);
        check(&["--page", "Proxy"], None);
    }

    #[test]
    fn a_name_of_no_secret_is_refused() {
        assert!(Cli::try_parse_from(["gitmoor", "install", "--page-proxy-secret", "not a name"]).is_err());
    }
}
