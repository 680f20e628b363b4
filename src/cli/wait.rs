//! Waiting for what a GitSync answers, by watch, with what is waited for on a terminal and nothing in a pipe.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use anyhow::bail;
use futures::StreamExt;
use tokio::time::{Instant, timeout_at};

use super::act::denied;
use super::answer::{Answer, Asked, Judged, judge};
use super::inert::inert;
use super::reach::typed;
use crate::api::GitSync;
use crate::cluster::{Cluster, follow_one, gitsyncs};
use crate::model::ObjectKey;

/// Columns of the line that shows what is waited for: it must not wrap.
const WIDTH: usize = 100;

/// How long what should follow an answer in a moment is waited for.
const SOON: Duration = Duration::from_secs(15);

/// Where what is waited for is shown: stderr, when it is a terminal.
pub struct Teller {
    terminal: bool,
    shown: String,
}

impl Teller {
    /// Shows only on a terminal.
    pub fn new() -> Self {
        Self { terminal: std::io::stderr().is_terminal(), shown: String::new() }
    }

    /// Shows what is waited for.
    pub fn show(&mut self, key: &ObjectKey, words: &str) {
        let line: String = inert(&format!("{key}: {words}")).chars().take(WIDTH).collect();
        if self.terminal && line != self.shown {
            // Nothing can be done when stderr is gone.
            let _ = write!(std::io::stderr(), "\r\x1b[K{line}").and_then(|()| std::io::stderr().flush());
            self.shown = line;
        }
    }
}

impl Drop for Teller {
    fn drop(&mut self) {
        if !self.shown.is_empty() {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}

/// Follows a GitSync until its status answers, or time is up; then the answer says that it was not handled. What it was
/// before `version`, when something was asked, is no answer.
pub async fn until(
    cluster: &Cluster,
    key: &ObjectKey,
    asked: &Asked,
    version: Option<u64>,
    deadline: Instant,
) -> anyhow::Result<Answer> {
    let mut teller = Teller::new();
    let mut events = follow_one(cluster, &gitsyncs(), key);
    let (mut last, mut soon) = (None, None);
    loop {
        let deadline = soon.map_or(deadline, |soon: Instant| deadline.min(soon));
        let gitsync: GitSync = match timeout_at(deadline, events.next()).await {
            Ok(Some(Ok(Some(value)))) => typed(value)?,
            Ok(Some(Ok(None))) => bail!("GitSync {key} is gone"),
            Ok(Some(Err(error))) => return Err(denied(error, "watch", &gitsyncs(), Some(&key.namespace))),
            Ok(None) => bail!("the watch of GitSync {key} ended"),
            Err(_) => match last {
                Some(answer) => return Ok(answer),
                None => bail!("the API server did not show GitSync {key} in time; give it more with --timeout"),
            },
        };
        let seen: Option<u64> = gitsync.metadata.resource_version.as_deref().and_then(|version| version.parse().ok());
        if seen < version {
            continue;
        }
        let answer = Answer::of(&gitsync, asked);
        match judge(&gitsync, asked) {
            Judged::Over => return Ok(answer),
            Judged::Waiting(words) => {
                soon = None;
                teller.show(key, &words);
            }
            Judged::Soon(words) => {
                soon = soon.or_else(|| Some(Instant::now() + SOON));
                teller.show(key, &words);
            }
        }
        last = Some(answer);
    }
}
