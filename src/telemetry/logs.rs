//! Where log lines go and how they look: one line each on stderr, as text for people or JSON for machines. How many of
//! them there are may change while it runs: [`Filter`].

use std::fmt;
use std::io;
use std::iter;

use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::reload;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

/// Crates that speak of their own concerns: heard from `warn` on, unless the filter names them.
const NOISY: [&str; 12] = [
    "gix",
    "h2",
    "hyper",
    "hyper_util",
    "kube_client",
    "kube_runtime",
    "mio",
    "notify",
    "reqwest",
    "rustls",
    "tower",
    "want",
];

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines: one object per line, the event's fields at its top level, the spans' in `spans`.
    Json,
}

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The filter is not one.
    #[error("failed to read the log filter {filter:?}")]
    Filter {
        /// As it was given.
        filter: String,
        /// What is wrong with it.
        source: ParseError,
    },
    /// It was set up before.
    #[error("failed to install the log subscriber")]
    Install(#[from] TryInitError),
    /// Nobody logs any more.
    #[error("failed to change the log filter")]
    Change(#[from] reload::Error),
}

/// Which lines are written, from now on: it takes another filter at any time.
pub struct Filter(Box<dyn Fn(EnvFilter) -> Result<(), reload::Error> + Send + Sync>);

impl Filter {
    /// Reads another filter as [`init`] reads one, and gives back what takes it. One that cannot be read changes nothing.
    pub fn read(&self, filter: &str) -> Result<impl FnOnce() -> Result<(), LogError>, LogError> {
        let read = env_filter(filter)?;
        Ok(move || Ok((self.0)(read)?))
    }
}

impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Filter")
    }
}

/// Logs to stderr from now on, for the whole process. `filter` is a level or a list of directives such as
/// `info,gitmoor::sync=debug`; nothing at all means `info`. `ansi` colours text: pass whether stderr is a terminal
/// that wants it.
pub fn init(format: LogFormat, filter: &str, ansi: bool) -> Result<Filter, LogError> {
    let (subscriber, filter) = subscriber(format, filter, ansi, io::stderr)?;
    subscriber.try_init()?;
    Ok(filter)
}

type Made = (Box<dyn Subscriber + Send + Sync>, Filter);

fn subscriber<W>(format: LogFormat, filter: &str, ansi: bool, writer: W) -> Result<Made, LogError>
where
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt().with_env_filter(env_filter(filter)?).with_writer(writer);
    // Reloading comes last: its handle is of the type of all that was set before.
    Ok(match format {
        LogFormat::Text => {
            let lines = lines.with_ansi(ansi).with_filter_reloading();
            let handle = lines.reload_handle();
            (Box::new(lines.finish()), Filter(Box::new(move |filter| handle.reload(filter))))
        }
        LogFormat::Json => {
            let lines = lines.json().flatten_event(true).with_current_span(false).with_span_list(true);
            let lines = lines.with_filter_reloading();
            let handle = lines.reload_handle();
            (Box::new(lines.finish()), Filter(Box::new(move |filter| handle.reload(filter))))
        }
    })
}

/// What was asked for, after the defaults that it can overrule one by one. Who asks for less than `warn` of everything
/// gets less of the noisy crates, too.
fn env_filter(filter: &str) -> Result<EnvFilter, LogError> {
    let says_little = |directive: &str| matches!(directive.trim().to_ascii_lowercase().as_str(), "off" | "error");
    let quiet = NOISY.iter().filter(|_| !filter.split(',').any(says_little)).map(|name| format!("{name}=warn"));
    let asked = filter.split(',').map(|directive| directive.trim().to_owned());
    let directives: Vec<String> = iter::once("info".to_owned()).chain(quiet).chain(asked).collect();
    EnvFilter::builder()
        .parse(directives.join(","))
        .map_err(|source| LogError::Filter { filter: filter.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// The lines that `log` leads to.
    fn lines(format: LogFormat, filter: &str, ansi: bool, log: impl FnOnce()) -> Vec<String> {
        let sink = Sink::default();
        let writer = sink.clone();
        let (subscriber, _) = subscriber(format, filter, ansi, move || writer.clone()).unwrap();
        tracing::subscriber::with_default(subscriber, log);
        String::from_utf8(sink.0.lock().unwrap().clone()).unwrap().lines().map(str::to_owned).collect()
    }

    fn chatter() {
        tracing::info!(target: "gitmoor::sync", "ours at info");
        tracing::debug!(target: "gitmoor::sync", "ours at debug");
        tracing::info!(target: "hyper::proto", "theirs at info");
        tracing::warn!(target: "hyper::proto", "theirs at warn");
        tracing::debug!(target: "kube_client::client", "kube at debug");
    }

    #[test]
    fn noisy_crates_are_heard_from_warn_on_unless_they_are_named() {
        for (filter, heard) in [
            ("", vec!["ours at info", "theirs at warn"]),
            ("info", vec!["ours at info", "theirs at warn"]),
            (" debug ", vec!["ours at info", "ours at debug", "theirs at warn"]),
            ("error", vec![]),
            ("off,hyper=off", vec![]),
            ("warn,hyper=info", vec!["theirs at info", "theirs at warn"]),
            ("info,kube_client=debug", vec!["ours at info", "theirs at warn", "kube at debug"]),
            ("info,gitmoor::sync=debug", vec!["ours at info", "ours at debug", "theirs at warn"]),
        ] {
            let lines = lines(LogFormat::Text, filter, false, chatter);
            assert_eq!(lines.len(), heard.len(), "{filter:?}: {lines:?}");
            assert!(lines.iter().zip(&heard).all(|(line, end)| line.ends_with(end)), "{filter:?}: {lines:?}");
        }
    }

    #[test]
    fn another_filter_is_taken_while_it_runs_and_one_that_is_none_changes_nothing() {
        let sink = Sink::default();
        let writer = sink.clone();
        let (subscriber, filter) = subscriber(LogFormat::Text, "info", false, move || writer.clone()).unwrap();
        tracing::subscriber::with_default(subscriber, || {
            for (wanted, taken) in [("debug", true), ("gitmoor=loud", false), ("warn", true)] {
                assert_eq!(filter.read(wanted).and_then(|take| take()).is_ok(), taken, "{wanted}");
                tracing::debug!("{wanted}");
            }
        });
        let lines = String::from_utf8(sink.0.lock().unwrap().clone()).unwrap();
        let ends: Vec<_> = lines.lines().filter_map(|line| line.rsplit(' ').next()).collect();
        assert_eq!(ends, ["debug", "gitmoor=loud"]);
    }

    #[test]
    fn a_filter_that_is_none_is_an_error() {
        for filter in ["gitmoor=loud", "a=b=c", "[{"] {
            assert!(matches!(env_filter(filter), Err(LogError::Filter { .. })), "{filter}");
        }
    }

    #[test]
    fn json_has_the_fields_on_top_and_the_spans_beside_them() {
        let lines = lines(LogFormat::Json, "info", true, || {
            let _outer = tracing::info_span!("sync", gitsync = "shop/deploy").entered();
            let _inner = tracing::info_span!("fetch", attempt = 2).entered();
            tracing::info!(revision = "main@sha1:1", "fetched");
        });
        let line: serde_json::Value = serde_json::from_str(&lines[0]).unwrap();
        assert_eq!(line["message"], "fetched");
        assert_eq!(line["revision"], "main@sha1:1");
        assert_eq!(line["level"], "INFO");
        assert_eq!(line["spans"][0]["gitsync"], "shop/deploy");
        assert_eq!(line["spans"][1]["attempt"], 2);
    }

    #[test]
    fn text_is_coloured_only_where_that_is_asked_for_and_stays_on_one_line() {
        let log = || tracing::info!(evil = "a\n\u{1b}[31mb", "message");
        let plain = lines(LogFormat::Text, "", false, log);
        assert_eq!(plain.len(), 1, "{plain:?}");
        assert!(!plain[0].contains('\u{1b}'), "{plain:?}");
        assert!(lines(LogFormat::Text, "", true, log)[0].contains('\u{1b}'));
    }
}
