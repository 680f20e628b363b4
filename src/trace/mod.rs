//! Where Git declares what drifted, which commit last touched that line, and which user drifted it: one answer for both
//! loops. The sync says what it has read; whoever sees a drift asks for its place, which is at hand, and has its commit
//! looked up, which may take a while and happens beside.
//!
//! It decides nothing and writes nothing to the cluster. Nothing here makes an announcement or a correction wait: what is
//! asked for at once is answered from memory and from objects at hand. Everything that is kept is bounded.

mod bounded;
mod declaration;
mod hands;
#[cfg(test)]
mod tests;
mod worker;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::sync::mpsc;
use tracing::debug;

use crate::api::drift::DeclaredAt;
use crate::api::names::{SOURCE_HASH, SOURCE_PATH, SOURCE_REVISION};
use crate::api::status::{DriftStatus, DriftedField};
use crate::manifest::Places;
use crate::model::pointer::Pointer;
use crate::model::{BlobId, Declared, ObjectKey, Revision, Snapshot, Target};
use crate::source::{Lines, Source, Touched};
use crate::telemetry::metrics::DriftLevel;
use bounded::Bounded;

pub use declaration::Declaration;
pub use hands::Hands;
pub use worker::Worker;

/// Traces that wait for their turn. In a burst beyond it, the last ones stay without a commit.
const WAITING: usize = 8_192;
/// Answers that are remembered, for what is written later.
const ANSWERS: usize = 8_192;
/// Lines whose commit is remembered.
const LINES: usize = 8_192;
/// Files whose places are remembered, and their bytes altogether.
const FILES: usize = 256;
const FILES_BYTES: usize = 16 << 20;
/// A larger file is not parsed while somebody waits to announce what differs.
const AT_ONCE: u64 = 256 << 10;
/// What may be found later is looked up again after this long, if somebody still asks.
const AGAIN: Duration = Duration::from_secs(300);

/// Traces drift to Git. Clones share it.
#[derive(Clone)]
pub struct Tracer {
    inner: Arc<Inner>,
}

struct Inner {
    syncs: Mutex<HashMap<ObjectKey, Read>>,
    files: Mutex<Bounded<BlobId, Arc<Vec<Places>>>>,
    lines: Mutex<Bounded<LinesOf, Touched>>,
    answers: Mutex<Bounded<Identity, Answer>>,
    wanted: mpsc::Sender<Wanted>,
    hands: Hands,
    listener: OnceLock<Listener>,
}

type Listener = Box<dyn Fn(&Traced) + Send + Sync>;
/// Lines of the repository of a GitSync.
type LinesOf = (ObjectKey, Lines);

/// What a sync has read.
struct Read {
    source: Arc<Source>,
    seen: Option<(Arc<Snapshot>, Arc<Declared>)>,
}

/// Which drift is spoken of.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Identity {
    kind: String,
    object: String,
    /// Where its items are named by their keys, where the lists have them.
    place: String,
}

impl Identity {
    fn of(field: &DriftedField) -> Self {
        let place = field.keyed_path.as_ref().unwrap_or(&field.path);
        Self { kind: field.kind.clone(), object: field.object.clone(), place: place.clone() }
    }
}

/// What was found out about a drift.
#[derive(Debug, Clone)]
struct Answer {
    /// What had been said of it.
    said: DeclaredAt,
    /// What it is; none while it is looked up, and where nothing more is known.
    found: Option<DeclaredAt>,
    /// When another try may find more.
    again: Option<Instant>,
}

impl Answer {
    /// Whether what is said of a drift now is what was asked about, or answered.
    fn is_about(&self, said: &DeclaredAt) -> bool {
        self.said == *said || self.found.as_ref() == Some(said)
    }
}

/// Whose drift is traced.
#[derive(Debug, Clone)]
pub struct Whose {
    /// Between what it differs.
    pub level: DriftLevel,
    /// The object that Git declares.
    pub target: Target,
    /// The GitSync that declares it.
    pub sync: ObjectKey,
}

/// A drift whose commit was found.
#[derive(Debug, Clone)]
pub struct Traced {
    /// Whose it is.
    pub whose: Whose,
    /// The field, with what was found.
    pub field: DriftedField,
}

/// A drift whose commit is looked for.
#[derive(Clone)]
pub(crate) struct Wanted {
    whose: Whose,
    field: DriftedField,
    said: DeclaredAt,
    declaration: Declaration,
    pointer: Pointer,
}

impl Tracer {
    /// A tracer, and what does its work: it must be spawned.
    pub fn new() -> (Self, Worker) {
        let (wanted, waiting) = mpsc::channel(WAITING);
        let inner = Inner {
            syncs: Mutex::default(),
            files: Mutex::new(Bounded::new(FILES, FILES_BYTES)),
            lines: Mutex::new(Bounded::new(LINES, usize::MAX)),
            answers: Mutex::new(Bounded::new(ANSWERS, usize::MAX)),
            wanted,
            hands: Hands::default(),
            listener: OnceLock::new(),
        };
        let tracer = Self { inner: Arc::new(inner) };
        (tracer.clone(), Worker::new(tracer, waiting))
    }

    /// Who is told of each commit that was found. It must not block. The first listener stays.
    pub fn listen(&self, listener: impl Fn(&Traced) + Send + Sync + 'static) {
        // A second listener would be a mistake of the wiring; the first one goes on working.
        let _ = self.inner.listener.set(Box::new(listener));
    }

    /// Who changed what, where the API server says so.
    pub fn hands(&self) -> &Hands {
        &self.inner.hands
    }

    /// A sync reads this source. What it had read from another one is forgotten.
    pub fn opened(&self, sync: &ObjectKey, source: &Arc<Source>) {
        let mut syncs = lock(&self.inner.syncs);
        if syncs.get(sync).is_none_or(|read| !Arc::ptr_eq(&read.source, source)) {
            syncs.insert(sync.clone(), Read { source: Arc::clone(source), seen: None });
        }
    }

    /// A sync has read a revision.
    pub fn read(&self, sync: &ObjectKey, snapshot: &Arc<Snapshot>, declared: &Arc<Declared>) {
        if let Some(read) = lock(&self.inner.syncs).get_mut(sync) {
            read.seen = Some((Arc::clone(snapshot), Arc::clone(declared)));
        }
    }

    /// A file as a sync has read it last, where it is at hand and no larger than `limit`; it waits for nobody.
    pub fn text(&self, sync: &ObjectKey, file: &str, limit: u64) -> Option<String> {
        let (source, blob) = {
            let syncs = lock(&self.inner.syncs);
            let read = syncs.get(sync)?;
            let (snapshot, _) = read.seen.as_ref()?;
            let entry = snapshot.files.iter().find(|entry| *entry.path == *file)?;
            (Arc::clone(&read.source), entry.blob)
        };
        String::from_utf8(source.glance(blob, limit)?).ok()
    }

    /// A sync ended.
    pub fn forget(&self, sync: &ObjectKey) {
        lock(&self.inner.syncs).remove(sync);
    }

    /// Where the newest revision that was read declares an object.
    pub fn declaration(&self, sync: &ObjectKey, target: &Target) -> Option<Declaration> {
        let syncs = lock(&self.inner.syncs);
        let read = syncs.get(sync)?;
        let (snapshot, declared) = read.seen.as_ref()?;
        let object = declared.objects.get(target)?;
        let at = snapshot.files.binary_search_by(|file| file.path.as_ref().cmp(&object.file)).ok();
        Some(Declaration {
            source: Arc::clone(&read.source),
            commit: snapshot.revision.commit(),
            file: Arc::clone(&object.file),
            start: object.document.start.line,
            blob: at.map(|at| snapshot.files[at].blob),
        })
    }

    /// Where a live object was declared when it was applied. Where the newest revision declares the same, that is at hand;
    /// else the object's own marks say it, as they do after a restart, before anything was read.
    pub fn applied(&self, sync: &ObjectKey, target: &Target, live: &Value) -> Option<Declaration> {
        let mark = |name: &str| live["metadata"]["annotations"][name].as_str();
        let hash = mark(SOURCE_HASH);
        let same = {
            let syncs = lock(&self.inner.syncs);
            let seen = syncs.get(sync).and_then(|read| read.seen.as_ref());
            let object = seen.and_then(|(_, declared)| declared.objects.get(target));
            object.is_some_and(|object| hash == Some(&*object.document.hash))
        };
        if same {
            return self.declaration(sync, target);
        }
        let (file, line) = mark(SOURCE_PATH)?.rsplit_once(':')?;
        let commit = mark(SOURCE_REVISION).and_then(|revision| Revision(revision.into()).commit());
        let source = Arc::clone(&lock(&self.inner.syncs).get(sync)?.source);
        let blob = commit.and_then(|commit| source.file_at(commit, file));
        Some(Declaration { source, commit, file: file.into(), start: line.parse().ok()?, blob })
    }

    /// Where a field stands, and its commit if that is known already. It waits for nothing.
    pub fn place(&self, sync: &ObjectKey, declaration: &Declaration, field: &Pointer) -> DeclaredAt {
        let Some((said, lines)) = self.find(declaration, field, AT_ONCE) else { return declaration.beginning() };
        let known = lines.and_then(|lines| lock(&self.inner.lines).get(&(sync.clone(), lines)).cloned());
        known.map_or(said.clone(), |touched| declaration::with_commit(said, &touched))
    }

    /// The same of a field of which something was said before. That stays, with its commit, while it is the same line, and
    /// where the file is not at hand.
    pub fn place_now(
        &self,
        sync: &ObjectKey,
        declaration: &Declaration,
        field: &Pointer,
        before: Option<DeclaredAt>,
    ) -> DeclaredAt {
        let now = self.place(sync, declaration, field);
        match before {
            Some(before) if (now.field.is_empty() && !before.field.is_empty()) || before.is_at(&now) => before,
            _ => now,
        }
    }

    /// Has the commit of a drift looked up, unless that is known or under way.
    pub fn trace(&self, whose: &Whose, field: &DriftedField, declaration: &Declaration, pointer: &Pointer) {
        let Some(said) = field.declared_at.clone().filter(|said| said.commit.is_none() || said.or_earlier) else {
            return;
        };
        if declaration.commit.is_none() {
            return;
        }
        let identity = Identity::of(field);
        {
            let mut answers = lock(&self.inner.answers);
            let known = answers.get(&identity).filter(|answer| answer.is_about(&said));
            if known.is_some_and(|answer| answer.again.is_none_or(|again| again > Instant::now())) {
                return;
            }
            let answer = match known {
                // What was found stays until something better is.
                Some(known) => Answer { again: None, ..known.clone() },
                None => Answer { said: said.clone(), found: None, again: None },
            };
            answers.put(identity.clone(), answer, 1);
        }
        let wanted = Wanted {
            whose: whose.clone(),
            field: field.clone(),
            said,
            declaration: declaration.clone(),
            pointer: pointer.clone(),
        };
        if self.inner.wanted.try_send(wanted).is_err() {
            lock(&self.inner.answers).remove(&identity);
            debug!(object = field.object, path = field.path, "drift not traced: too many at once");
        }
    }

    /// Completes what a status says with what was found out since.
    pub fn complete(&self, status: &mut DriftStatus) {
        self.complete_fields(&mut status.fields);
        status.history.iter_mut().for_each(|episode| self.complete_fields(std::slice::from_mut(&mut episode.field)));
    }

    /// Completes some fields with what was found out since.
    pub fn complete_fields(&self, fields: &mut [DriftedField]) {
        let answers = lock(&self.inner.answers);
        for field in fields {
            let Some(said) = &field.declared_at else { continue };
            let answer = answers.get(&Identity::of(field)).filter(|answer| answer.is_about(said));
            if let Some(found) = answer.and_then(|answer| answer.found.clone()) {
                field.declared_at = Some(found);
            }
        }
    }

    /// The place of a field, and its lines where there is a commit; files up to `limit` bytes are parsed for it.
    fn find(&self, declaration: &Declaration, field: &Pointer, limit: u64) -> Option<(DeclaredAt, Option<Lines>)> {
        let places = self.places(declaration, limit)?;
        declaration.find(&places, field)
    }

    /// The places of a file, parsed once.
    fn places(&self, declaration: &Declaration, limit: u64) -> Option<Arc<Vec<Places>>> {
        let blob = declaration.blob?;
        if let Some(known) = lock(&self.inner.files).get(&blob) {
            return Some(Arc::clone(known));
        }
        let content = declaration.source.glance(blob, limit)?;
        Some(self.parsed(blob, &content))
    }

    fn parsed(&self, blob: BlobId, content: &[u8]) -> Arc<Vec<Places>> {
        let places = Arc::new(crate::manifest::places(content));
        lock(&self.inner.files).put(blob, Arc::clone(&places), content.len());
        places
    }
}

// A panic while a lock is held is a bug; what is kept is whole after each step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
