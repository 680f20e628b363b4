//! Thousands of commits in a row, each pushed before the one before is applied.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::Context;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use crate::api::{Watch, key, microservices};
use crate::audit::Calls;
use crate::course::{Course, Sampler};
use crate::crowd::Crowd;
use crate::daemon::Daemon;
use crate::flood::client;
use crate::manifests::Manifest;
use crate::stage::{LONG, SETTLE, Stage};
use crate::stats::Latency;

/// Between two pushes.
const PUSHES: Duration = Duration::from_millis(50);
/// Addresses that announce them: of one, 600 a minute are let through.
const FORGES: u8 = 8;
/// Releases of the week: no other commit has these.
const RELEASES: usize = 1000;

/// Many commits.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Week {
    /// How many, each of one file.
    pub commits: usize,
    /// GitSyncs that read the repository.
    pub gitsyncs: usize,
    /// Pushes in a second.
    pub per_second: f64,
    /// From the first push until every GitSync has applied the last.
    pub seconds: f64,
    /// From the last push until then.
    pub behind: f64,
    /// From the push of a commit until the watch shows its change; those that a newer one overtook have none.
    pub applied: Latency,
    /// Announcements that were refused; each was made again until it was not.
    pub refused: usize,
    /// How the first of them was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
    /// Looks at the repository.
    pub looks: u64,
    /// Packs that were fetched.
    pub packs: u64,
    /// CPU of the daemon.
    pub cpu_seconds: f64,
    /// Its calls.
    pub calls: Calls,
    /// The daemon meanwhile.
    pub course: Course,
}

/// Pushes so many commits to the repository of many GitSyncs, and announces each to one of them.
pub async fn week(
    stage: &Stage,
    crowd: &Crowd,
    daemon: &Daemon,
    cache: &TempDir,
    commits: usize,
) -> anyhow::Result<Week> {
    let services = crowd.monorepo();
    let names = &crowd.names[..crowd.shared()];
    let repository = &crowd.repositories[0];
    let change = |number: usize| -> (&Manifest, usize) { (services[number % services.len()], RELEASES + number) };
    let prepared = repository.prepare((0..commits).map(|number| {
        let (manifest, release) = change(number);
        (manifest.path.clone(), manifest.text(release))
    }))?;
    anyhow::ensure!(prepared.len() == commits, "{} of {commits} commits are there", prepared.len());
    let images: HashMap<(String, String), usize> = (0..commits)
        .map(|number| {
            let (manifest, release) = change(number);
            ((manifest.key(), manifest.image(release)), number)
        })
        .collect();
    let forges: Vec<reqwest::Client> = (0..FORGES).map(client).collect::<Result<_, _>>()?;
    let mut watch = stage.api.watch(&microservices()).await?;
    let sampler = Sampler::start(stage.api.clone(), daemon.pid(), cache.path().to_owned());
    let (mark, cpu, before, began) = (stage.audit.mark()?, daemon.cpu()?, stage.git.stats().await?, Instant::now());
    let pushing = async {
        let mut ticks = tokio::time::interval(PUSHES);
        let (mut pushed, mut refused, mut refusal) = (Vec::new(), 0, None);
        for (number, commit) in prepared.iter().enumerate() {
            ticks.tick().await;
            pushed.push(Instant::now());
            repository.push_prepared(commit)?;
            let announced =
                async || daemon.announced(&forges[number % forges.len()], &names[number % names.len()]).await;
            while let Some(said) = announced().await? {
                refused += 1;
                refusal.get_or_insert(said);
                anyhow::ensure!(pushed[number].elapsed() < LONG, "a push is refused all the time: {refusal:?}");
                ticks.tick().await;
            }
            if number.is_multiple_of(50) {
                stage.progress.say(&format!("{number} of {commits} commits are pushed"));
            }
        }
        let last = Instant::now();
        let revision = format!("main@sha1:{}", prepared.last().context("no commits")?);
        crowd.all_applied(stage, &vec![revision; names.len()]).await?;
        anyhow::Ok((pushed, last, refused, refusal))
    };
    // It ends with the pushing.
    let mut seen = HashMap::new();
    let (pushed, last, refused, refusal) = tokio::select! {
        done = pushing => done?,
        broken = shown(&mut watch, &images, &mut seen) => return Err(broken),
    };
    let (seconds, behind) = (began.elapsed().as_secs_f64(), last.elapsed().as_secs_f64());
    tokio::time::sleep(SETTLE * 10).await;
    let course = sampler.end();
    let cpu_seconds = daemon.cpu()? - cpu;
    let after = stage.git.stats().await?;
    converged(stage, crowd, commits).await?;
    let took: Vec<Duration> = seen
        .iter()
        .filter_map(|(number, at): (&usize, &Instant)| Some(at.saturating_duration_since(*pushed.get(*number)?)))
        .collect();
    Ok(Week {
        commits,
        gitsyncs: names.len(),
        per_second: commits as f64 / (last - began).as_secs_f64(),
        seconds,
        behind,
        applied: Latency::of(&took),
        refused,
        refusal,
        looks: after.ls_refs - before.ls_refs,
        packs: after.fetch - before.fetch,
        cpu_seconds,
        calls: stage.audit.since(mark, "gitmoor")?,
        course,
    })
}

/// Notes when which commit's change was seen, for ever; says why it cannot go on.
async fn shown(
    watch: &mut Watch,
    images: &HashMap<(String, String), usize>,
    seen: &mut HashMap<usize, Instant>,
) -> anyhow::Error {
    loop {
        let event = match watch.until(LONG, |_| true).await {
            Ok(event) => event,
            Err(broken) => return broken,
        };
        let image = event.object["spec"]["image"].as_str().unwrap_or_default().to_owned();
        if let Some(number) = images.get(&(key(&event.object), image)) {
            seen.entry(*number).or_insert(event.at);
        }
    }
}

/// Every service is what the last commit about it says.
async fn converged(stage: &Stage, crowd: &Crowd, commits: usize) -> anyhow::Result<()> {
    let services = crowd.monorepo();
    let mut wanted: HashMap<String, String> = HashMap::new();
    for number in 0..commits {
        let manifest = services[number % services.len()];
        wanted.insert(manifest.key(), manifest.image(RELEASES + number));
    }
    let live = stage.api.list(&microservices()).await?;
    anyhow::ensure!(live.len() == crowd.manifests.len(), "{} of {} are there", live.len(), crowd.manifests.len());
    let other: Vec<String> = live
        .iter()
        .filter(|one| wanted.get(&key(one)).is_some_and(|image| one["spec"]["image"] != **image))
        .map(key)
        .collect();
    anyhow::ensure!(other.is_empty(), "not as the last commit says: {other:?}");
    Ok(())
}
