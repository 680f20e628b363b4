//! The options, and where results go.

use std::io::Write;
use std::path::PathBuf;

use clap::Parser;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::ended_with;
use crate::progress::Progress;

/// Measures the daemon against a control plane of its own. Use bench/run, which starts all that is needed.
#[derive(Debug, Parser)]
#[command(name = "bench/run")]
pub struct Args {
    /// Measure what so many MicroServices cost instead, at several sizes, and write docs/sizing.md.
    #[arg(long, conflicts_with = "load")]
    pub cost: bool,
    /// Measure much at once instead, and write docs/load.md.
    #[arg(long)]
    pub load: bool,
    /// How many MicroServices, one measurement after the other. Default: 1000,10000; 1000,5000,10000,20000 with --cost; 10000
    /// with --load.
    #[arg(long, value_delimiter = ',')]
    pub sizes: Vec<usize>,
    /// MicroServices of the runs of --cost with children.
    #[arg(long, value_delimiter = ',', default_value = "500,1000,2000,4000")]
    pub full_sizes: Vec<usize>,
    /// GitSyncs of --load.
    #[arg(long, default_value_t = 50)]
    pub gitsyncs: usize,
    /// Webhooks a second of --load.
    #[arg(long, default_value_t = 1000)]
    pub webhooks: usize,
    /// Commits in a row of --load.
    #[arg(long, default_value_t = 3000)]
    pub commits: usize,
    /// 200 MicroServices and few runs: shows that all works, and measures nothing worth keeping.
    #[arg(long)]
    pub quick: bool,
    /// First syncs and bare loops per size.
    #[arg(long, default_value_t = 3)]
    pub rounds: usize,
    /// Changes and hand edits per size.
    #[arg(long, default_value_t = 40)]
    pub runs: usize,
    /// Calls in flight.
    #[arg(long, default_value_t = 16)]
    pub concurrency: usize,
    /// MicroServices of the run with children; 0 for none.
    #[arg(long, default_value_t = 1000)]
    pub children: usize,
    /// Commits of the repository with a long history, which has 10,000 manifests; 0 for none.
    #[arg(long, default_value_t = 2000)]
    pub history: usize,
    /// Measure the daemon and what it is measured by, and nothing beside it: kubectl takes minutes.
    #[arg(long)]
    pub alone: bool,
    /// The date to write into the results. Default: today.
    #[arg(long)]
    pub date: Option<String>,
    /// Where the results go. Default: bench/results; nowhere with --quick.
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// Measure nothing: write table and chart again from these results.
    #[arg(long, value_name = "FILE")]
    pub again: Option<PathBuf>,
    /// Where --load keeps what it knows after each of its parts: `--load --again` with it makes a page of that.
    #[arg(long, value_name = "FILE", default_value = "target/bench/load.json")]
    pub so_far: PathBuf,
    /// The daemon.
    #[arg(long, default_value = "target/release/gitmoor")]
    pub gitmoor: PathBuf,
    /// The Git server.
    #[arg(long, default_value = "target/tools/bench/git-server")]
    pub git_server: PathBuf,
    /// kubectl.
    #[arg(long, default_value = "kubectl")]
    pub kubectl: PathBuf,
}

impl Args {
    /// With what follows from --quick, --cost and --load.
    pub fn settled(mut self) -> Self {
        if self.quick {
            (self.rounds, self.runs, self.children, self.history) = (1, 5, 50, 50);
            (self.full_sizes, self.gitsyncs, self.webhooks, self.commits) = (vec![20, 40], 10, 100, 60);
        }
        if self.sizes.is_empty() {
            self.sizes = match (self.cost, self.load, self.quick) {
                (true, _, true) => vec![100, 200],
                (true, _, false) => vec![1000, 5000, 10_000, 20_000],
                (_, _, true) => vec![200],
                (_, true, false) => vec![10_000],
                (_, false, false) => vec![1000, 10_000],
            };
        }
        self
    }

    /// What is measured, or was.
    pub async fn results<R: DeserializeOwned>(
        &self,
        measured: impl Future<Output = anyhow::Result<R>>,
        progress: Progress,
    ) -> anyhow::Result<R> {
        match &self.again {
            Some(file) => Ok(serde_json::from_str(&std::fs::read_to_string(file)?)?),
            None => ended_with(measured, progress).await,
        }
    }

    /// Where the results go, if anywhere.
    pub fn out(&self) -> Option<PathBuf> {
        self.out.clone().or_else(|| (!self.quick).then(|| PathBuf::from("bench/results")))
    }

    /// Keeps what is known so far of what takes long.
    pub fn keep_so_far(&self, results: &impl Serialize) -> anyhow::Result<()> {
        if let Some(folder) = self.so_far.parent() {
            std::fs::create_dir_all(folder)?;
        }
        Ok(std::fs::write(&self.so_far, serde_json::to_string_pretty(results)? + "\n")?)
    }

    /// Shows a page, and keeps it and its results; those that go elsewhere have their page beside them.
    pub fn keep(&self, file: &str, results: &impl Serialize, page: &str, text: &str) -> anyhow::Result<()> {
        std::io::stdout().write_all(text.as_bytes())?;
        let Some(out) = self.out() else { return Ok(()) };
        std::fs::create_dir_all(&out)?;
        std::fs::write(out.join(file), serde_json::to_string_pretty(results)? + "\n")?;
        let page = PathBuf::from(page);
        let page = if self.out.is_some() { out.join(page.file_name().unwrap_or_default()) } else { page };
        Ok(std::fs::write(page, text)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_those_of_what_is_measured() {
        let check = |flags: &[&str], expected: &[usize]| {
            let args = Args::try_parse_from(["bench/run"].iter().chain(flags)).unwrap().settled();
            assert_eq!(args.sizes, expected, "{flags:?}");
        };
        check(&[], &[1000, 10_000]);
        check(&["--cost"], &[1000, 5000, 10_000, 20_000]);
        check(&["--load"], &[10_000]);
        check(&["--load", "--sizes", "500"], &[500]);
        check(&["--cost", "--quick"], &[100, 200]);
        assert!(Args::try_parse_from(["bench/run", "--cost", "--load"]).is_err());
    }

    #[test]
    fn what_measures_nothing_worth_keeping_is_not_kept() {
        let out = |flags: &[&str]| Args::try_parse_from(["bench/run"].iter().chain(flags)).unwrap().settled().out();
        assert_eq!(out(&["--load", "--quick"]), None);
        assert_eq!(out(&["--load"]), Some("bench/results".into()));
        assert_eq!(out(&["--load", "--quick", "--out", "x"]), Some("x".into()));
    }
}
