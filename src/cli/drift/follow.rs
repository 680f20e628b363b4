//! `gitmoor drift --watch`: a line for each drift that begins, changes or ends, as statuses say it; quiet otherwise.

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tracing::warn;

use super::found::{Found, Report};
use super::{DriftArgs, DriftOutput};
use crate::cli::Screen;
use crate::cli::inert::print_json_line;
use crate::cli::pipe::closed;
use crate::cli::reach::Seen;
use crate::cli::run::stop_signals;
use crate::cli::table::{BAD, GOOD, ODD, painted};
use crate::cluster::{Cluster, Entry, Store, gitsyncs, microservices, watch};
use crate::report::drift::{same, same_place};
use crate::telemetry::{LogFormat, logs};

/// Changes within this time are looked at together.
const BURST: Duration = Duration::from_millis(50);

/// What became of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum What {
    /// It differs.
    Drift,
    /// It is another value, or by another hand.
    Changed,
    /// It differs no more.
    Ended,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct News {
    /// What became of it.
    pub event: What,
    /// The field.
    #[serde(flatten)]
    pub found: Found,
}

/// Goes on until stopped; the exit code speaks of the end.
pub async fn run(args: &DriftArgs, cluster: Cluster, out: &mut dyn Write, screen: Screen) -> anyhow::Result<ExitCode> {
    // A watch that is interrupted is said on stderr: something may be missing then.
    logs::init(LogFormat::Text, "warn", screen.color)?;
    let stop = stop_signals()?;
    let changed = Arc::new(Notify::new());
    let (syncs, services) = (Arc::new(Store::<()>::default()), Arc::new(Store::<()>::default()));
    let mut watches = JoinSet::new();
    for (kind, store) in [(gitsyncs(), &syncs), (microservices(), &services)] {
        let changed = Arc::clone(&changed);
        store.listen(move |_| changed.notify_one());
        watches.spawn(watch::follow(cluster.clone(), kind, None, Arc::clone(store)));
    }
    let synced = async {
        syncs.synced().await;
        services.synced().await;
    };
    tokio::select! {
        () = synced => {}
        () = stop.cancelled() => return Ok(ExitCode::from(1)),
        () = closed() => return Ok(ExitCode::SUCCESS),
    }
    let mut before: Option<Report> = None;
    loop {
        let seen = Seen { gitsyncs: parsed(&syncs), services: parsed(&services) }.within(args.namespace());
        // All episodes are compared; --since and --history say what is shown of those before.
        let shown = args.report(&seen, jiff::Timestamp::now());
        let all = DriftArgs { history: true, since: None, ..args.clone() }.report(&seen, jiff::Timestamp::now());
        let news = before.as_ref().map_or_else(|| first(&shown), |before| news(before, &all));
        news.iter().try_for_each(|news| news.print(args.output, out, screen.color))?;
        out.flush()?;
        let code = all.exit_code();
        before = Some(all);
        tokio::select! {
            () = changed.notified() => tokio::time::sleep(BURST).await,
            () = stop.cancelled() => return Ok(code),
            () = closed() => return Ok(ExitCode::SUCCESS),
        }
    }
}

/// What the store has, less what is not of this version of the CRDs.
fn parsed<T: DeserializeOwned>(store: &Store<()>) -> Vec<T> {
    let one = |entry: &Arc<Entry<()>>| {
        let told = |error: &serde_json::Error| warn!(object = %entry.object.key, %error, "object cannot be read");
        entry.object.parse().inspect_err(told).ok()
    };
    store.all().iter().filter_map(one).collect()
}

/// What there is at the start: the ends that were asked for, and what differs.
pub fn first(report: &Report) -> Vec<News> {
    let ended = report.history.iter().rev().map(|found| News::of(What::Ended, found));
    ended.chain(report.drift.iter().map(|found| News::of(What::Drift, found))).collect()
}

/// What became of drift between two looks. A drift that came and went in between is told by its end.
pub fn news(before: &Report, now: &Report) -> Vec<News> {
    let mut news = Vec::new();
    let is = |a: &Found, b: &Found| a.micro_service == b.micro_service && a.level == b.level;
    let ended: Vec<&Found> = now
        .history
        .iter()
        .filter(|found| {
            !before.history.iter().any(|known| is(known, found) && known.field == found.field && known.end == found.end)
        })
        .collect();
    news.extend(ended.iter().rev().map(|found| News::of(What::Ended, found)));
    for found in &now.drift {
        let at_place: Vec<_> =
            before.drift.iter().filter(|known| is(known, found) && same_place(&known.field, &found.field)).collect();
        // The same value by the same hand; the same value again after an end is another drift.
        let over = |known: &Found| ended.iter().any(|end| is(end, known) && same(&end.field, &known.field));
        let stands = at_place.iter().any(|known| {
            same(&known.field, &found.field) && known.field.manager == found.field.manager && !over(known)
        });
        let changed = at_place.iter().any(|known| !over(known));
        if !stands {
            news.push(News::of(if changed { What::Changed } else { What::Drift }, found));
        }
    }
    for known in &before.drift {
        let there = |found: &&Found| is(found, known) && same_place(&found.field, &known.field);
        if !now.drift.iter().any(|found| there(&found)) && !ended.iter().any(there) {
            news.push(News::of(What::Ended, known));
        }
    }
    news
}

impl News {
    fn of(event: What, found: &Found) -> Self {
        Self { event, found: found.clone() }
    }

    /// Prints it in one line.
    pub fn print(&self, output: DriftOutput, out: &mut dyn Write, color: bool) -> io::Result<()> {
        if output == DriftOutput::Json {
            return print_json_line(out, self);
        }
        let Found { level, field, end, .. } = &self.found;
        let (word, style) = match self.event {
            What::Drift => ("drift", BAD),
            What::Changed => ("changed", ODD),
            What::Ended => ("ended", GOOD),
        };
        let time = end.as_ref().map_or(&field.observed, |end| &end.until);
        let outcome = match (self.event, end) {
            // The object is gone with its status, or there was no place for how it ended.
            (What::Ended, None) => "how is not known".to_owned(),
            _ => self.found.outcome(),
        };
        let at = self.found.declared_at().map(|at| format!("; {at}")).unwrap_or_default();
        let line = format!(
            "{} {} {} {}; {}; {outcome}{at}",
            level.as_str(),
            field.kind,
            field.object,
            self.found.difference(),
            self.found.who()
        );
        writeln!(
            out,
            "{} {} {}",
            time.0,
            painted(&format!("{word:7}"), style, color),
            painted(&line, crate::cli::table::PLAIN, color)
        )
    }
}

#[cfg(test)]
mod tests;
