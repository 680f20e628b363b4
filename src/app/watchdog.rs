//! Tells when a loop stands still, and when it goes on: in the log with where it stands, and as a metric. Liveness says the
//! same to whoever asks; what is done about it is up to Kubernetes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tracing::{error, info};

use crate::model::codes;
use crate::report::bug::STUCK;
use crate::server::{Pulse, Stalled};
use crate::telemetry::Metrics;

/// How often it looks.
const EVERY: Duration = Duration::from_secs(1);

/// Watches for as long as it runs.
pub(super) async fn watch(pulse: Pulse, metrics: Metrics) {
    let mut told = Told::default();
    loop {
        told.see(&pulse.stalled(), &metrics);
        tokio::time::sleep(EVERY).await;
    }
}

/// Loops that were told, by name. Of loops with one name that stand still at a time, one is told.
#[derive(Default)]
struct Told(BTreeMap<Arc<str>, Duration>);

impl Told {
    fn see(&mut self, stalled: &[Stalled], metrics: &Metrics) {
        metrics.stalled_loops(stalled.len());
        let before = std::mem::take(&mut self.0);
        for one in stalled {
            // One that is silent for less than before has gone on meanwhile.
            if before.get(&one.name).is_none_or(|silent| one.silent < *silent) && !self.0.contains_key(&one.name) {
                tell(one);
            }
            self.0.insert(Arc::clone(&one.name), one.silent);
        }
        for name in before.keys().filter(|name| !self.0.contains_key(*name)) {
            info!(r#loop = %name, "a loop goes on");
        }
    }
}

fn tell(one: &Stalled) {
    let Stalled { name, silent, panicked, at } = one;
    let (phase, object) = at.as_ref().map(|at| (at.phase, at.object.as_deref())).unzip();
    let (code, silent) = (codes::code_of(STUCK), Duration::from_secs(silent.as_secs()));
    let object = object.flatten();
    error!(code, reason = STUCK, r#loop = %name, phase, object, ?silent, fell = panicked, "a loop is stuck");
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Mutex;

    use tracing_subscriber::fmt::MakeWriter;

    use super::*;
    use crate::server::At;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl<'a> MakeWriter<'a> for Lines {
        type Writer = Self;

        fn make_writer(&'a self) -> Self {
            self.clone()
        }
    }

    fn stalled(name: &str, seconds: u64) -> Stalled {
        let at = At { phase: "applying", object: Some("shop/orders".into()) };
        Stalled { name: name.into(), silent: Duration::from_secs(seconds), panicked: false, at: Some(at) }
    }

    #[test]
    fn a_loop_that_stands_still_is_told_once_with_where_it_stands_and_so_is_that_it_goes_on() {
        let (lines, metrics) = (Lines::default(), Metrics::new("1"));
        let subscriber = tracing_subscriber::fmt().json().flatten_event(true).with_writer(lines.clone()).finish();
        let seen = |metrics: &Metrics| {
            let text = metrics.encode();
            let line = text.lines().find(|line| line.starts_with("gitmoor_stalled_loops")).map(str::to_owned);
            line.unwrap_or_default()
        };
        tracing::subscriber::with_default(subscriber, || {
            let mut told = Told::default();
            told.see(&[], &metrics);
            told.see(&[stalled("sync shop/main", 121)], &metrics);
            told.see(&[stalled("sync shop/main", 122), stalled("controller", 181)], &metrics);
            assert_eq!(seen(&metrics), "gitmoor_stalled_loops{} 2");
            told.see(&[stalled("controller", 182)], &metrics);
            // It went on between two looks, and stands again.
            told.see(&[stalled("controller", 181)], &metrics);
            told.see(&[], &metrics);
            assert_eq!(seen(&metrics), "gitmoor_stalled_loops{} 0");
        });
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let told: Vec<_> =
            lines.iter().map(|line| (line["message"].as_str().unwrap(), line["loop"].as_str().unwrap())).collect();
        let (stuck, on) = ("a loop is stuck", "a loop goes on");
        let expected = [
            (stuck, "sync shop/main"),
            (stuck, "controller"),
            (on, "sync shop/main"),
            (stuck, "controller"),
            (on, "controller"),
        ];
        assert_eq!(told, expected);
        let first = &lines[0];
        assert_eq!((&first["code"], &first["phase"]), (&"GM551".into(), &"applying".into()), "{first}");
        assert_eq!((&first["object"], &first["silent"]), (&"shop/orders".into(), &"121s".into()), "{first}");
    }
}
