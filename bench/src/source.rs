//! What a repository with a long history costs: the source alone, without a cluster, beside Git itself.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use gitmoor::model::{Narrowing, Revision};
use gitmoor::source::{Fetch, Source, SourceOptions, Sources};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use crate::git::GitServer;
use crate::manifests::manifests;
use crate::process;
use crate::stats::{Latency, median};

const TIMEOUT: Duration = Duration::from_secs(300);

/// What was measured.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct History {
    /// Files.
    pub manifests: usize,
    /// Commits, all of which but the first change one file.
    pub commits: usize,
    /// First clones and their listings, in seconds, in turn with those of Git.
    pub clones: Vec<f64>,
    /// `git clone --depth 1 --bare` of the same repository from the same server.
    pub git_clones: Vec<f64>,
    /// A look that finds nothing new.
    pub poll: Latency,
    /// A look that finds one new commit, with its tree and its file.
    pub fetch: Latency,
    /// Most memory beyond what this process had before.
    pub peak_bytes: u64,
}

impl History {
    /// How much longer a first clone takes than Git's.
    pub fn ratio(&self) -> f64 {
        median(self.clones.iter().copied()) / median(self.git_clones.iter().copied())
    }
}

/// Measures with a repository of so many manifests and commits.
pub async fn measure(
    git: &GitServer,
    count: usize,
    commits: usize,
    (rounds, runs): (usize, usize),
) -> anyhow::Result<History> {
    let repository = git.repository("history.git", &manifests(count))?;
    repository.history(commits.saturating_sub(1))?;
    let before = process::resident(std::process::id())?;
    process::forget_peak()?;
    let (mut clones, mut git_clones) = (Vec::new(), Vec::new());
    let mut kept = None;
    for _ in 0..rounds.max(1) {
        let folder = TempDir::new()?;
        let began = Instant::now();
        crate::git::git(folder.path(), &["clone", "--quiet", "--depth", "1", "--bare", &repository.url, "clone.git"])?;
        git_clones.push(began.elapsed().as_secs_f64());
        let source = open(folder.path(), &repository.url)?;
        let began = Instant::now();
        let known = changed(&source, None).await?;
        clones.push(began.elapsed().as_secs_f64());
        kept = Some((folder, source, known));
    }
    let (_folder, source, mut known) = kept.context("at least one round")?;
    let (mut polls, mut fetches) = (Vec::new(), Vec::new());
    for run in 0..runs {
        let began = Instant::now();
        if !matches!(source.fetch(Some(&known), &Narrowing::default()).await?, Fetch::Unchanged) {
            bail!("a look found something new, and nothing was pushed");
        }
        polls.push(began.elapsed());
        repository.write("apps/changed.yaml", &format!("run: {run}\n"))?;
        repository.commit("one file")?;
        let began = Instant::now();
        known = changed(&source, Some(&known)).await?;
        fetches.push(began.elapsed());
    }
    let peak_bytes = process::peak(std::process::id())?.saturating_sub(before);
    let (poll, fetch) = (Latency::of(&polls), Latency::of(&fetches));
    Ok(History { manifests: count, commits, clones, git_clones, poll, fetch, peak_bytes })
}

fn open(folder: &Path, url: &str) -> anyhow::Result<Source> {
    Ok(Sources::new(SourceOptions::new(folder.join("cache"))).open(url, "main", TIMEOUT)?)
}

async fn changed(source: &Source, known: Option<&Revision>) -> anyhow::Result<Revision> {
    match source.fetch(known, &Narrowing::default()).await? {
        Fetch::Changed(snapshot) => Ok(snapshot.revision.clone()),
        Fetch::Unchanged => bail!("nothing new was found"),
    }
}
