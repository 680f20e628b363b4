//! Where log lines go and how they look: one line each on stderr, as text for people or JSON for machines.

use std::io;
use std::iter;

use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::fmt::MakeWriter;
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
}

/// Logs to stderr from now on, for the whole process. `filter` is a level or a list of directives such as
/// `info,gitmoor::sync=debug`; nothing at all means `info`. `ansi` colours text: pass whether stderr is a terminal
/// that wants it.
pub fn init(format: LogFormat, filter: &str, ansi: bool) -> Result<(), LogError> {
    Ok(subscriber(format, filter, ansi, io::stderr)?.try_init()?)
}

fn subscriber<W>(
    format: LogFormat,
    filter: &str,
    ansi: bool,
    writer: W,
) -> Result<Box<dyn Subscriber + Send + Sync>, LogError>
where
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt().with_env_filter(env_filter(filter)?).with_writer(writer);
    Ok(match format {
        LogFormat::Text => Box::new(lines.with_ansi(ansi).finish()),
        LogFormat::Json => {
            Box::new(lines.json().flatten_event(true).with_current_span(false).with_span_list(true).finish())
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
        let subscriber = subscriber(format, filter, ansi, move || writer.clone()).unwrap();
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
