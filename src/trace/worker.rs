//! Looks commits up, beside the loops: a few at once, each within a deadline.

use std::time::{Duration, Instant};

use futures::{StreamExt, stream};
use tokio::sync::mpsc;
use tracing::debug;

use super::declaration::with_commit;
use super::{AGAIN, Identity, Traced, Tracer, Wanted, lock};
use crate::api::drift::DeclaredAt;
use crate::api::status::DriftedField;
use crate::model::pointer::Pointer;
use crate::source::{Lines, MAX_BLOB_BYTES, Touched};
use crate::telemetry::drift::traced;

/// Traces that are under way at once.
const AT_ONCE: usize = 4;
/// One trace takes no longer.
const DEADLINE: Duration = Duration::from_secs(120);

/// Does the work of a [`Tracer`].
pub struct Worker {
    tracer: Tracer,
    waiting: mpsc::Receiver<Wanted>,
}

impl Worker {
    pub(super) fn new(tracer: Tracer, waiting: mpsc::Receiver<Wanted>) -> Self {
        Self { tracer, waiting }
    }

    #[cfg(test)]
    pub(super) fn waiting(&mut self) -> &mut mpsc::Receiver<Wanted> {
        &mut self.waiting
    }

    /// Works for as long as it is polled.
    pub async fn run(self) {
        let Self { tracer, waiting } = self;
        let next = |mut waiting: mpsc::Receiver<Wanted>| async { Some((waiting.recv().await?, waiting)) };
        stream::unfold(waiting, next).for_each_concurrent(AT_ONCE, |wanted| tracer.look_up(wanted)).await;
    }
}

impl Tracer {
    async fn look_up(&self, wanted: Wanted) {
        let found = match tokio::time::timeout(DEADLINE, self.commit_of(&wanted)).await {
            Ok(found) => found,
            Err(_) => {
                debug!(object = wanted.field.object, path = wanted.field.path, "drift not traced in time");
                None
            }
        };
        let Wanted { whose, field, said, .. } = wanted;
        // What is not found, or not for sure, may be another time: Git may be back by then.
        let sure = found.as_ref().is_some_and(|(_, retry)| !retry);
        let again = (!sure).then(|| Instant::now() + AGAIN);
        let Some(found) = self.answer(&field, &said, found.map(|(found, _)| found), again) else { return };
        let news = Traced { whose, field: DriftedField { declared_at: Some(found), ..field } };
        if news.field.declared_at.as_ref().is_some_and(|found| found.commit.is_some()) {
            traced(news.whose.level, &news.whose.target.key, &news.field);
        }
        if let Some(listener) = self.inner.listener.get() {
            listener(&news);
        }
    }

    /// Remembers what was found. None where that is no news.
    fn answer(
        &self,
        field: &DriftedField,
        said: &DeclaredAt,
        found: Option<DeclaredAt>,
        again: Option<Instant>,
    ) -> Option<DeclaredAt> {
        let (mut answers, identity) = (lock(&self.inner.answers), Identity::of(field));
        // Whatever else was asked meanwhile has its own turn.
        let known = answers.get_mut(&identity).filter(|answer| answer.is_about(said))?;
        known.again = again;
        let news = found.filter(|found| found != said && known.found.as_ref() != Some(found))?;
        known.found = Some(news.clone());
        Some(news)
    }

    /// The place with its commit, and whether another try may find more.
    async fn commit_of(&self, wanted: &Wanted) -> Option<(DeclaredAt, bool)> {
        let Wanted { whose, declaration, pointer, .. } = wanted;
        let (place, lines) = self.find_waiting(wanted, pointer).await?;
        let lines = lines?;
        let key = (whose.sync.clone(), lines.clone());
        let known = lock(&self.inner.lines).get(&key).cloned();
        let touched = match known {
            Some(known) => known,
            None => self.last_touched(wanted, lines).await?,
        };
        if !touched.retry {
            lock(&self.inner.lines).put(key, touched.clone(), 1);
        }
        debug!(file = &*declaration.file, line = place.line, commit = %touched.commit, "line traced");
        Some((with_commit(place, &touched), touched.retry))
    }

    async fn last_touched(&self, wanted: &Wanted, lines: Lines) -> Option<Touched> {
        match wanted.declaration.source.last_touched(lines).await {
            Ok(touched) => touched,
            Err(error) => {
                debug!(object = wanted.field.object, reason = error.reason(), %error, "drift not traced");
                None
            }
        }
    }

    /// As [`Tracer::find`], for whoever may wait for a file to be read and parsed.
    async fn find_waiting(&self, wanted: &Wanted, pointer: &Pointer) -> Option<(DeclaredAt, Option<Lines>)> {
        let declaration = &wanted.declaration;
        let blob = declaration.blob?;
        let known = lock(&self.inner.files).get(&blob).cloned();
        let places = match known {
            Some(known) => known,
            None => {
                let mut read = declaration.source.read(vec![blob], MAX_BLOB_BYTES).await.ok()?;
                let (_, content) = read.pop()?;
                let tracer = self.clone();
                tokio::task::spawn_blocking(move || tracer.parsed(blob, &content)).await.ok()?
            }
        };
        declaration.find(&places, pointer)
    }
}
