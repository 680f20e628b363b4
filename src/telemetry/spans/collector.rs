//! Takes spans to a collector, some at a time. What it does not take is dropped: traces are for looking back, and
//! nothing may wait for them.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};
use tracing::{info, warn};

use super::Span;
use super::otlp::{self, Teller};

/// The variable by which OpenTelemetry's own programs are told where their collector is.
pub const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
/// What OTLP over HTTP adds to that.
const PATH: &str = "v1/traces";
/// Spans in one request.
const BATCH: usize = 512;
/// How long a span waits for others.
const GATHER: Duration = Duration::from_secs(1);
/// A request is given up after that.
const DEADLINE: Duration = Duration::from_secs(10);

/// A collector of traces that speaks OTLP over HTTP.
#[derive(Debug)]
pub struct Collector {
    url: reqwest::Url,
    client: reqwest::Client,
    teller: Teller,
}

impl Collector {
    /// The collector at a base such as `http://collector:4318`, and who tells it.
    pub fn at(base: &str, version: &'static str, instance: Option<String>) -> Result<Self, String> {
        let mut url = reqwest::Url::parse(base).map_err(|error| error.to_string())?;
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
            return Err("it is not an address such as http://collector:4318".into());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("an address with a password in it is not taken".into());
        }
        let path = format!("{}/{PATH}", url.path().trim_end_matches('/'));
        url.set_path(&path);
        let client = reqwest::Client::builder().timeout(DEADLINE).redirect(reqwest::redirect::Policy::none());
        let client = client.build().map_err(|error| error.to_string())?;
        Ok(Self { url, client, teller: Teller { version, instance } })
    }

    /// Sends what comes, until nobody tells anything any more.
    pub(super) async fn run(self, mut spans: mpsc::Receiver<Span>) {
        let mut away = false;
        while let Some(first) = spans.recv().await {
            let (mut batch, until) = (vec![first], Instant::now() + GATHER);
            while batch.len() < BATCH
                && let Ok(Some(span)) = timeout_at(until, spans.recv()).await
            {
                batch.push(span);
            }
            // Told once, and not for every request while it lasts.
            match self.send(&batch).await {
                Ok(()) => {
                    if std::mem::take(&mut away) {
                        info!("the collector of traces takes spans again");
                    }
                }
                Err(error) => {
                    if !std::mem::replace(&mut away, true) {
                        warn!(url = %self.url, error, "the collector does not take spans; they are dropped");
                    }
                }
            }
        }
    }

    async fn send(&self, batch: &[Span]) -> Result<(), String> {
        let body = otlp::request(&self.teller, batch).to_string();
        let request = self.client.post(self.url.clone()).header("Content-Type", "application/json").body(body);
        let answer = request.send().await.map_err(|error| error.to_string())?;
        if answer.status().is_success() { Ok(()) } else { Err(format!("it answered {}", answer.status())) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collector_is_named_by_its_base() {
        // reqwest wants to know which cryptography to use, even for http.
        let _ = rustls::crypto::ring::default_provider().install_default();
        for (base, url) in [
            ("http://collector:4318", Some("http://collector:4318/v1/traces")),
            ("https://otel.example.com/tenant/", Some("https://otel.example.com/tenant/v1/traces")),
            ("collector:4318", None),
            ("file:///tmp", None),
            ("http://user:secret@collector", None),
            ("", None),
        ] {
            let found = Collector::at(base, "1", None).ok().map(|collector| collector.url.to_string());
            assert_eq!(found.as_deref(), url, "{base}");
        }
    }
}
