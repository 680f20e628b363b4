//! Kubernetes Events: written in the background, never waited for, and never a flood.

use std::time::Duration;

use k8s_openapi::api::core::v1::ObjectReference;
use kube::Client;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use tokio::sync::{mpsc, oneshot};
use tracing::{debug, warn};

use super::error::CallError;
use crate::api::API_VERSION;
use crate::model::ObjectKey;

/// Events that may wait to be written; beyond that they are dropped: logs and status have the same facts.
const BACKLOG: usize = 256;
/// Bytes that the API server takes as a note.
const NOTE: usize = 1024;

/// One Event to write.
#[derive(Debug, Clone)]
pub struct EventNote {
    /// The object that it is about.
    pub object: ObjectReference,
    /// Whether a person should look.
    pub warning: bool,
    /// CamelCase word.
    pub reason: String,
    /// What was being done, CamelCase.
    pub action: &'static str,
    /// Sentence.
    pub note: String,
}

impl EventNote {
    /// A note on an object of ours.
    pub fn on(
        kind: &str,
        key: &ObjectKey,
        uid: Option<&str>,
        reason: &str,
        action: &'static str,
        note: impl Into<String>,
    ) -> Self {
        let object = ObjectReference {
            api_version: Some(API_VERSION.into()),
            kind: Some(kind.to_owned()),
            namespace: Some(key.namespace.to_string()),
            name: Some(key.name.to_string()),
            uid: uid.map(str::to_owned),
            ..ObjectReference::default()
        };
        Self { object, warning: false, reason: reason.to_owned(), action, note: note.into() }
    }

    /// The same about a part of the object: what is about the same part is counted as one Event, what is not is another.
    #[must_use]
    pub fn about(mut self, part: String) -> Self {
        self.object.field_path = Some(part).filter(|part| !part.is_empty());
        self
    }

    /// The same, as a warning where a person should look.
    #[must_use]
    pub fn warning_if(self, warning: bool) -> Self {
        Self { warning, ..self }
    }

    /// The same as a warning.
    #[must_use]
    pub fn warning(self) -> Self {
        Self { warning: true, ..self }
    }
}

/// Where Events are handed in.
#[derive(Clone)]
pub struct Events {
    sender: mpsc::Sender<Job>,
}

/// What the writer does, in order.
enum Job {
    Write(Box<EventNote>),
    /// Everything before it is written.
    Tell(oneshot::Sender<()>),
}

impl Events {
    /// Starts the writer; it ends when every handle is dropped.
    pub fn start(client: Client, controller: &str, instance: Option<String>) -> Self {
        let (sender, mut receiver) = mpsc::channel(BACKLOG);
        let recorder = Recorder::new(client, Reporter { controller: controller.to_owned(), instance });
        tokio::spawn(async move {
            let mut told = false;
            while let Some(job) = receiver.recv().await {
                let note = match job {
                    Job::Write(note) => note,
                    Job::Tell(written) => {
                        // Who asked may have given up.
                        let _ = written.send(());
                        continue;
                    }
                };
                let deadline = Duration::from_secs(5);
                match tokio::time::timeout(deadline, recorder.publish(&event(&note), &note.object)).await {
                    Ok(Ok(())) => told = false,
                    Ok(Err(error)) => {
                        let error = CallError::from_kube(error, "");
                        // What one is refused, the next is, too: that is told again once one was written.
                        if matches!(error, CallError::Forbidden(_)) && !std::mem::replace(&mut told, true) {
                            warn!(reason = error.reason(), %error, "Events are not written");
                        }
                        debug!(%error, "event not written");
                    }
                    Err(_) => debug!("event not written in time"),
                }
            }
        });
        Self { sender }
    }

    /// Hands one in. A full backlog drops it.
    pub fn emit(&self, note: EventNote) {
        if self.sender.try_send(Job::Write(Box::new(note))).is_err() {
            debug!("event dropped: too many at once");
        }
    }

    /// Waits until what was handed in is written: a process that ends would lose it.
    pub async fn flush(&self, within: Duration) {
        let (written, told) = oneshot::channel();
        let flush = async {
            if self.sender.send(Job::Tell(written)).await.is_ok() {
                // An error is a writer that ended, and there is nothing to wait for.
                let _ = told.await;
            }
        };
        if tokio::time::timeout(within, flush).await.is_err() {
            warn!(waited = ?within, "not all Events were written in time; what they say is in the log and in status, too");
        }
    }
}

fn event(note: &EventNote) -> Event {
    let mut text = note.note.clone();
    if text.len() > NOTE {
        let end = (0..=NOTE - 3).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
    Event {
        type_: if note.warning { EventType::Warning } else { EventType::Normal },
        reason: note.reason.clone(),
        note: Some(text),
        action: note.action.to_owned(),
        secondary: None,
    }
}
