//! A watch as it comes through the weather, line by line.

use std::time::Duration;

use axum::body::{Body, Bytes};
use futures::stream::{self, BoxStream, StreamExt};
use serde_json::json;
use tokio::sync::watch;

use super::{Counts, Lost, Weather, count, until};

/// What becomes of one event of a watch.
#[derive(Debug, Clone, Copy)]
enum Trouble {
    /// The connection ends amid it.
    Cut,
    /// It comes twice.
    Twice,
    /// The API server says that it has forgotten what came before.
    Gone,
    /// It comes that much later, as from a server whose cache is behind, and all after it, too.
    Late(Duration),
}

/// The lines of a watch.
pub struct Lines {
    from: BoxStream<'static, Option<Bytes>>,
    buffer: Vec<u8>,
    weather: watch::Receiver<Weather>,
    expired: watch::Receiver<u64>,
    random: fastrand::Rng,
    counts: Counts,
    over: bool,
}

impl Lines {
    pub fn of(
        body: Body,
        weather: watch::Receiver<Weather>,
        mut expired: watch::Receiver<u64>,
        seed: u64,
        counts: Counts,
    ) -> Self {
        // What was told before this began is none of its.
        expired.mark_unchanged();
        Self {
            from: body.into_data_stream().map(Result::ok).boxed(),
            buffer: Vec::new(),
            weather,
            expired,
            random: fastrand::Rng::with_seed(seed),
            counts,
            over: false,
        }
    }

    pub fn into_body(self) -> Body {
        let lines = stream::unfold(self, async |mut lines| {
            let next = lines.next().await?;
            Some((next, lines))
        });
        Body::from_stream(lines)
    }

    /// Whether the next event meets trouble, and which.
    fn trouble(&mut self) -> Option<Trouble> {
        let Weather::Rough(chance) = *self.weather.borrow() else { return None };
        (self.random.u8(..100) < chance).then(|| match self.random.u8(..6) {
            0 => Trouble::Cut,
            1 => Trouble::Gone,
            2 | 3 => Trouble::Late(Duration::from_millis(self.random.u64(50..2000))),
            _ => Trouble::Twice,
        })
    }

    async fn next(&mut self) -> Option<Result<Bytes, Lost>> {
        if self.over {
            return None;
        }
        loop {
            if let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.buffer.drain(..=end).collect();
                return Some(self.through(line).await);
            }
            let mut weather = self.weather.clone();
            let fallen = until(&mut weather, |weather| matches!(weather, Weather::Silent | Weather::Closed));
            let more = tokio::select! {
                more = self.from.next() => more,
                Ok(()) = self.expired.changed() => return Some(Ok(self.gone())),
                () = fallen => {
                    // A half-open connection is told of its end when the network is back.
                    count(&self.counts, "half-open watch");
                    until(&mut self.weather, |weather| weather != Weather::Silent).await;
                    return self.lost();
                }
            };
            match more {
                Some(Some(bytes)) => self.buffer.extend_from_slice(&bytes),
                Some(None) => return self.lost(),
                None => return None,
            }
        }
    }

    fn lost(&mut self) -> Option<Result<Bytes, Lost>> {
        self.over = true;
        Some(Err(Lost))
    }

    async fn through(&mut self, mut line: Vec<u8>) -> Result<Bytes, Lost> {
        match self.trouble() {
            None => Ok(line.into()),
            Some(Trouble::Twice) => {
                count(&self.counts, "event of a watch that comes twice");
                line.extend_from_within(..);
                Ok(line.into())
            }
            Some(Trouble::Late(time)) => {
                count(&self.counts, "late events of a watch: a stale cache");
                tokio::time::sleep(time).await;
                Ok(line.into())
            }
            Some(Trouble::Cut) => {
                count(&self.counts, "event of a watch that is cut off");
                // The rest never comes: the next look ends the connection.
                line.truncate(line.len() / 2);
                self.buffer.clear();
                self.from = stream::once(async { None }).boxed();
                Ok(line.into())
            }
            Some(Trouble::Gone) => Ok(self.gone()),
        }
    }

    /// The API server has forgotten the place of this watch, which ends with that.
    fn gone(&mut self) -> Bytes {
        count(&self.counts, "410 to a watch");
        self.over = true;
        let status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": "too old resource version", "reason": "Expired", "code": 410});
        format!("{}\n", json!({"type": "ERROR", "object": status})).into()
    }
}
