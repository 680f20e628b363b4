//! The benchmark: a fleet in Git, a real API server, and the daemon as it is shipped. Started by `bench/run`.

mod api;
mod args;
mod audit;
mod change;
mod chart;
mod children;
mod cost;
mod course;
mod crowd;
mod daemon;
mod edits;
mod everything;
mod fit;
mod flood;
mod flow;
mod git;
mod limit;
mod load;
mod loadpage;
mod manifests;
mod plan;
mod process;
mod progress;
mod results;
mod shards;
mod sizing;
mod source;
mod stage;
mod stats;
mod sync;
mod table;
mod week;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;
use clap::Parser;
use tempfile::TempDir;

use api::{Api, gitsyncs, microservices};
use args::Args;
use audit::Audit;
use cost::Cost;
use daemon::{GITSYNC, NAMESPACE, Program, SECRET, TOKEN};
use git::GitServer;
use load::Load;
use manifests::{Manifest, manifests, namespaces};
use progress::Progress;
use results::{Machine, Others, Results, Size, Versions};
use stage::{Fleet, Stage};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    // Without a provider the first TLS connection panics. A second call would only say that there is one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let args = Args::parse().settled();
    let progress = Progress::new();
    if args.cost {
        let results: Cost = args.results(Box::pin(costs(&args, progress)), progress).await?;
        let page = sizing::page(&results, &std::fs::read_to_string("deploy/gitmoor.yaml")?);
        return args.keep("cost.json", &results, "docs/sizing.md", &page);
    }
    if args.load {
        let results: Load = args.results(Box::pin(loads(&args, progress)), progress).await?;
        return args.keep("load.json", &results, "docs/load.md", &loadpage::page(&results));
    }
    let results: Results = args.results(Box::pin(measure(&args, progress)), progress).await?;
    let results = results.judged();
    let text = table::markdown(&results);
    std::io::stdout().write_all(text.as_bytes())?;
    if let Some(out) = args.out() {
        std::fs::create_dir_all(&out)?;
        std::fs::write(out.join("table.md"), &text)?;
        std::fs::write(out.join("results.json"), serde_json::to_string_pretty(&results)? + "\n")?;
        std::fs::write(out.join("chart.svg"), chart::svg(&results))?;
    }
    Ok(())
}

/// Whatever ends the benchmark ends its processes, too.
async fn ended_with<R>(measured: impl Future<Output = anyhow::Result<R>>, progress: Progress) -> anyhow::Result<R> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    let result = tokio::select! {
        result = measured => result,
        _ = terminate.recv() => anyhow::bail!("terminated"),
        _ = tokio::signal::ctrl_c() => anyhow::bail!("interrupted"),
    };
    progress.done();
    result
}

/// What every measurement stands on.
async fn stage(args: &Args, progress: Progress) -> anyhow::Result<Stage> {
    let instance = PathBuf::from(std::env::var("GITMOOR_CP_INSTANCE").context("use bench/run")?);
    let audit = Audit::new(Path::new(&std::env::var("GITMOOR_CP_AUDIT_LOG").context("use bench/run")?));
    let program =
        Program { path: args.gitmoor.clone(), concurrency: args.concurrency, components: "sync", kubeconfig: None };
    let git = GitServer::start(&args.git_server)?;
    let stage =
        Stage { api: Api::connect().await?, audit, instance, git, program, kubectl: args.kubectl.clone(), progress };
    stage.api.install_crds().await?;
    stage.api.make_namespaces(&[NAMESPACE.to_owned()]).await?;
    stage.api.make_token(NAMESPACE, SECRET, TOKEN).await?;
    Ok(stage)
}

/// When, where and of what. How busy the machine was is what bench/run found before it built and started anything: that is
/// over when something is measured, and would look like somebody else's work.
async fn ground(args: &Args, stage: &Stage) -> anyhow::Result<(String, Machine, Versions)> {
    let load = std::env::var("GITMOOR_BENCH_LOAD").context("use bench/run")?;
    let load_before = load.parse().with_context(|| format!("GITMOOR_BENCH_LOAD is {load:?}, and no number"))?;
    let machine = Machine {
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        processor: process::processor(),
        memory_bytes: process::machine_memory()?,
        kernel: process::kernel(),
        load_before,
    };
    let versions = Versions {
        gitmoor: stage.program.version()?,
        commit: said("git", &["describe", "--always", "--dirty"]),
        kubernetes: stage.api.version().await?,
        git: said("git", &["--version"]),
    };
    let date = args.date.clone().unwrap_or_else(|| jiff::Timestamp::now().strftime("%Y-%m-%d").to_string());
    Ok((date, machine, versions))
}

async fn costs(args: &Args, progress: Progress) -> anyhow::Result<Cost> {
    let stage = stage(args, progress).await?;
    let ground = ground(args, &stage).await?;
    // A dozen is enough of each: what is asked for is the mean.
    let runs = args.runs.min(12);
    let sizes = cost::Sizes { sync: args.sizes.clone(), full: args.full_sizes.clone(), runs };
    cost::measure(&stage, &sizes, ground).await
}

async fn loads(args: &Args, progress: Progress) -> anyhow::Result<Load> {
    let stage = stage(args, progress).await?;
    let ground = ground(args, &stage).await?;
    let services = args.sizes.first().copied().context("--sizes is empty")?;
    let sizes = load::Sizes {
        services,
        gitsyncs: args.gitsyncs,
        webhooks: args.webhooks,
        commits: args.commits,
        edits: args.runs,
    };
    load::measure(&stage, sizes, ground, |load| args.keep_so_far(load)).await
}

async fn measure(args: &Args, progress: Progress) -> anyhow::Result<Results> {
    let stage = stage(args, progress).await?;
    let (date, machine, versions) = ground(args, &stage).await?;
    let mut sizes = Vec::new();
    for count in &args.sizes {
        sizes.push(Box::pin(size(&stage, args, *count)).await?);
    }
    let with_children = if args.children > 0 {
        let fleet = fleet(&stage, args.children, "children.git").await?;
        stage.make_gitsync(&fleet.repository).await?;
        Some(Box::pin(children::with_children(&stage, &fleet)).await?)
    } else {
        None
    };
    let history = if args.history > 0 {
        let manifests = if args.quick { 200 } else { 10_000 };
        stage.progress.say(&format!("a repository with {} commits", args.history));
        Some(source::measure(&stage.git, manifests, args.history, (args.rounds, args.runs)).await?)
    } else {
        None
    };
    let targets = Vec::new();
    Ok(Results {
        date,
        machine,
        versions,
        note: None,
        concurrency: args.concurrency,
        sizes,
        with_children,
        history,
        targets,
    })
}

async fn fleet(stage: &Stage, count: usize, name: &str) -> anyhow::Result<Fleet> {
    stage.progress.say(&format!("writing {count} manifests"));
    let (manifests, namespaces) = (manifests(count), namespaces(count));
    stage.api.make_namespaces(&namespaces).await?;
    let repository = stage.git.repository(name, &manifests)?;
    Ok(Fleet { manifests, namespaces, repository })
}

async fn size(stage: &Stage, args: &Args, count: usize) -> anyhow::Result<Size> {
    let fleet = fleet(stage, count, &format!("{count}.git")).await?;
    let say = |what: &str| stage.progress.say(&format!("{count} MicroServices: {what}"));
    let (mut bare, mut cold) = (Vec::new(), Vec::new());
    let mut kept = None;
    for round in 1..=args.rounds {
        say(&format!("bare loop {round} of {}", args.rounds));
        bare.push(limit::bare(stage, &fleet).await?);
        stage.api.wipe(&fleet.namespaces).await?;
        stage.make_gitsync(&fleet.repository).await?;
        say(&format!("first sync {round} of {}", args.rounds));
        let cache = TempDir::new()?;
        let (run, daemon) = sync::cold(stage, &fleet, &cache).await?;
        cold.push(run);
        if round == args.rounds {
            kept = Some((cache, daemon));
        } else {
            daemon.stop()?;
            stage.api.delete(&gitsyncs(), NAMESPACE, GITSYNC).await?;
            stage.api.wipe(&fleet.namespaces).await?;
        }
    }
    let (cache, mut daemon) = kept.context("--rounds is at least 1")?;
    say("nothing new");
    let unchanged = sync::unchanged(stage, &daemon, if args.quick { 5 } else { 20 }).await?;
    let touched = sync::touched(stage, &fleet, &daemon, if args.quick { 3 } else { 10 }).await?;
    say("changed files");
    let changed = change::changed(stage, &fleet, &daemon, args.runs).await?;
    say("hand edits");
    let drifted = change::drifted(stage, &fleet.manifests, &mut daemon, args.runs).await?;
    let (peak_bytes, resident_bytes) = (daemon.peak()?, daemon.resident()?);
    daemon.stop()?;
    say("plans");
    let plans = plans(stage, &fleet, args.runs).await?;
    say("restart");
    let (restart, daemon) = sync::cold(stage, &fleet, &cache).await?;
    daemon.stop()?;
    stage.api.delete(&gitsyncs(), NAMESPACE, GITSYNC).await?;
    stage.api.wipe(&fleet.namespaces).await?;
    let others = if args.alone { None } else { Some(others(stage, &fleet).await?) };
    let manifest_bytes = fleet.manifests.iter().map(|one: &Manifest| one.text(0).len()).sum();
    Ok(Size {
        services: count,
        namespaces: fleet.namespaces.len(),
        manifest_bytes,
        bare,
        cold,
        restart,
        unchanged,
        touched,
        changed,
        drifted,
        plans: Some(plans),
        peak_bytes,
        resident_bytes,
        others,
    })
}

/// The plan alone, of what is live now.
async fn plans(stage: &Stage, fleet: &Fleet, runs: usize) -> anyhow::Result<plan::Plans> {
    let gitsync = stage.api.get(&gitsyncs(), NAMESPACE, GITSYNC).await?;
    let live = stage.api.list(&microservices()).await?;
    let releases = change::releases(runs, fleet.manifests.len());
    let release = |number: usize| releases.get(&number).copied().unwrap_or_default();
    plan::plans(&fleet.manifests, release, &gitsync, live, runs)
}

/// What others do with the same fleet.
async fn others(stage: &Stage, fleet: &Fleet) -> anyhow::Result<Others> {
    let say = |what: &str| stage.progress.say(&format!("{} MicroServices: {what}", fleet.manifests.len()));
    say("kubectl apply");
    let kubectl_apply = limit::kubectl_apply(stage, fleet)?;
    say("kubectl apply, again");
    let kubectl_apply_again = limit::kubectl_apply(stage, fleet)?;
    say("kubectl diff");
    let kubectl_diff = limit::kubectl_diff(stage, fleet)?;
    say("bare loop, again");
    // The first apply that changes nothing still writes, where the definition has a default status.
    limit::bare(stage, fleet).await?;
    let bare_again = limit::bare(stage, fleet).await?;
    stage.api.wipe(&fleet.namespaces).await?;
    Ok(Others { bare_again, kubectl_apply, kubectl_apply_again, kubectl_diff })
}

fn said(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).output();
    output.map_or_else(|_| "unknown".into(), |done| String::from_utf8_lossy(&done.stdout).trim().to_owned())
}
