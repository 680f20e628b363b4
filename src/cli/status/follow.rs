//! `gitmoor status --watch`: the same, again with each change.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinSet;
use tracing::warn;

use super::rows::View;
use super::{StatusArgs, narrow, print};
use crate::cli::inert::inert;
use crate::cli::reach::Seen;
use crate::cli::run::stop_signals;
use crate::cli::{Output, Screen};
use crate::cluster::{Cluster, Entry, Store, gitsyncs, microservices, watch};
use crate::telemetry::{LogFormat, logs};

/// Changes within this time are one.
const BURST: Duration = Duration::from_millis(100);
/// A terminal shows ages; they grow without a change.
const AGES: Duration = Duration::from_secs(10);

/// Goes on until stopped; the exit code speaks of what was shown last.
pub async fn run(args: &StatusArgs, cluster: Cluster, out: &mut dyn Write, screen: Screen) -> anyhow::Result<ExitCode> {
    // A watch that is interrupted is said on stderr: what stands on the screen may be old then.
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
    let mut lines = BTreeMap::new();
    let synced = async {
        syncs.synced().await;
        services.synced().await;
    };
    tokio::select! {
        () = synced => {}
        () = stop.cancelled() => return Ok(ExitCode::from(1)),
    }
    loop {
        let seen = Seen { gitsyncs: parsed(&syncs), services: parsed(&services) }.within(args.namespace());
        let view = View::of(&narrow(seen, args.name.as_deref()), jiff::Timestamp::now());
        let clear = screen.terminal && args.output == Output::Text;
        if clear {
            write!(out, "\x1b[H\x1b[2J\x1b[3J")?;
        }
        if clear || args.output == Output::Json {
            print(args, &view, out, screen.color)?;
        } else {
            append(&view, &mut lines, out)?;
        }
        out.flush()?;
        let grow = async { if clear { tokio::time::sleep(AGES).await } else { std::future::pending().await } };
        tokio::select! {
            () = changed.notified() => tokio::time::sleep(BURST).await,
            () = grow => {}
            () = stop.cancelled() => return Ok(view.exit_code()),
        }
    }
}

/// What the store has, less what is not of this version of the CRDs.
fn parsed<T: serde::de::DeserializeOwned>(store: &Store<()>) -> Vec<T> {
    let one = |entry: &Arc<Entry<()>>| {
        let told = |error: &serde_json::Error| warn!(object = %entry.object.key, %error, "object cannot be read");
        entry.object.parse().inspect_err(told).ok()
    };
    store.all().iter().filter_map(one).collect()
}

/// Prints the lines that are new or other ones than before.
fn append(view: &View, known: &mut BTreeMap<String, String>, out: &mut dyn Write) -> std::io::Result<()> {
    let current: BTreeMap<String, String> = view.lines().into_iter().collect();
    for (object, line) in &current {
        if known.get(object) != Some(line) {
            writeln!(out, "{}: {}", inert(object), inert(line))?;
        }
    }
    for object in known.keys().filter(|object| !current.contains_key(*object)) {
        writeln!(out, "{}: gone", inert(object))?;
    }
    *known = current;
    Ok(())
}
