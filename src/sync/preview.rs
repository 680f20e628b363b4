//! What a sync would do with a folder, a branch or a commit if that were what it follows. Nothing is written: for
//! `gitmoor diff`.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use super::doomed::{Gathered, Sentence};
use super::fetch::{Found, FoundRevision, Parsed, look};
use super::settings::Settings;
use super::state::State;
use super::work::{Look, Task, View};
use crate::api::GitSync;
use crate::api::gitsync::DriftPolicy;
use crate::cluster::Targets;
use crate::model::{Declared, HoldReason, Target};
use crate::plan::Alone;
use crate::source::{MAX_BLOB_BYTES, Source, SourceError, SourceOptions, Sources};

/// What is looked at in the place of what the GitSync follows.
#[derive(Debug, Clone, Copy)]
pub enum Whence<'a> {
    /// A folder, as the root of the repository.
    Folder(&'a Path),
    /// Its repository.
    Repository {
        /// A branch, a full ref or a commit; the first that there is. None: what the GitSync itself follows.
        references: &'a [String],
        /// Folder for the copy.
        cache: &'a Path,
    },
}

/// A GitSync with something else in the place of what it follows.
pub struct Preview {
    state: State,
    /// The files that were read.
    pub contents: BTreeMap<Arc<str>, Vec<u8>>,
}

/// Why there is no preview.
#[derive(Debug, thiserror::Error)]
pub enum PreviewError {
    /// The GitSync cannot be acted on.
    #[error("the GitSync cannot be acted on: {0}")]
    Settings(String),
    /// What is looked at cannot be read.
    #[error("the source cannot be read")]
    Source(#[from] SourceError),
}

/// What would become of one object.
#[derive(Debug, Clone, PartialEq)]
pub struct Previewed {
    /// The object.
    pub key: Target,
    /// What would be done.
    pub would: Would,
    /// What is done about fields that no commit changed.
    pub policy: DriftPolicy,
}

/// What would be done. Where something is applied: the body, and what is there.
#[derive(Debug, Clone, PartialEq)]
pub enum Would {
    /// It does not exist.
    Create(Value),
    /// The manifest is another one than was applied.
    Update(Value, Value),
    /// The manifest is what was applied, and what is there differs.
    Correct(Value, Value),
    /// The same, and policy leaves it.
    Leave(Value, Value),
    /// No manifest declares it any more.
    Delete,
    /// Nothing, for a reason.
    Hold(HoldReason),
    /// Nothing: it is as declared.
    Nothing,
}

impl Preview {
    /// Reads it as the GitSync would.
    pub async fn of(gitsync: &GitSync, operator_namespace: &str, whence: Whence<'_>) -> Result<Self, PreviewError> {
        let settings = Arc::new(Settings::of(gitsync, operator_namespace));
        if let Some(invalid) = &settings.invalid {
            return Err(PreviewError::Settings(invalid.clone()));
        }
        let (source, found) = read(&settings, whence).await?;
        let mut state = State::new(Arc::clone(&settings), &gitsync.status.clone().unwrap_or_default());
        let mut contents = BTreeMap::new();
        if let Some(found) = found {
            for file in &found.snapshot.files {
                let read = source.read(vec![file.blob], MAX_BLOB_BYTES).await?;
                contents.extend(read.into_iter().map(|(_, bytes)| (file.path.clone(), bytes)));
            }
            state.read(found.snapshot, found.declared);
        }
        Ok(Self { state, contents })
    }

    /// The revision that was read.
    pub fn revision(&self) -> String {
        self.state.snapshot.as_ref().map(|snapshot| snapshot.revision.to_string()).unwrap_or_default()
    }

    /// What it declares.
    pub fn declared(&self) -> &Declared {
        &self.state.declared
    }

    /// Whether the GitSync is suspended: then nothing of this happens.
    pub fn suspended(&self) -> bool {
        self.state.settings.suspended
    }

    /// What would become of everything that is declared or that the GitSync applied, in order of name,
    /// deletions last.
    pub fn changes(&self, live: &Targets) -> Vec<Previewed> {
        let State { settings, declared, guards, snapshot, .. } = &self.state;
        let revision = snapshot.as_ref().map_or("", |snapshot| snapshot.revision.as_str());
        let now = jiff::Timestamp::now();
        let view = View { settings, declared, revision, live, guards, others: &Alone, now };
        let mut changes: Vec<_> = declared.objects.keys().map(|key| previewed(view, key)).collect();
        let gathered = Gathered::of(view, &HashSet::new());
        let Sentence { gathered, verdict, renames } = self.state.judge(gathered, live, self.state.holds.now());
        let holds = |old: &Target| verdict.held.as_ref().is_some_and(|held| held.holds_creations() && held.holds(old));
        let waits: HashMap<_, _> =
            renames.iter().filter(|(old, _)| holds(old)).map(|(old, new)| (new, old.to_string())).collect();
        for change in &mut changes {
            if let Some(old) = waits.get(&change.key) {
                change.would = Would::Hold(HoldReason::RenameHeld(old.clone()));
            }
        }
        let held =
            verdict.held.into_iter().flat_map(|held| held.deletions).map(|(doomed, reason)| (doomed.key, reason));
        let held = held.chain(gathered.held).map(|(key, reason)| (key, Would::Hold(reason)));
        let gone = verdict.permit.allowed().map(|doomed| (doomed.key.clone(), Would::Delete));
        let mut others: Vec<_> = held.chain(gone).collect();
        others.sort_by(|(a, _), (b, _)| a.cmp(b));
        let policy = settings.drift_policy;
        changes.extend(others.into_iter().map(|(key, would)| Previewed { key, would, policy }));
        changes
    }
}

/// Without a known revision there is always one to be found.
async fn read(settings: &Settings, whence: Whence<'_>) -> Result<(Source, Option<FoundRevision>), SourceError> {
    let mut parsed = Parsed::default();
    let (source, references) = match whence {
        Whence::Folder(folder) => {
            let mut options = SourceOptions::new(folder);
            options.allow_dir = Some(folder.to_owned());
            let url = format!("dir://{}", folder.display());
            (Sources::new(options).open(&url, &settings.branch, settings.timeout)?, &[][..])
        }
        Whence::Repository { references, cache } => {
            let sources = Sources::new(SourceOptions::new(cache));
            (sources.open(&settings.url, &settings.branch, settings.timeout)?, references)
        }
    };
    let mut missing = None;
    for reference in references {
        match source.peek(reference, &settings.paths).await {
            Ok(snapshot) => {
                let found = parsed.take(&source, snapshot, settings).await?;
                return Ok((source, Some(found)));
            }
            // The first is the one that was meant.
            Err(error) => missing = missing.or(Some(error)),
        }
    }
    if let Some(error) = missing {
        return Err(error);
    }
    let found = match look(&source, &mut parsed, None, settings).await? {
        Found::Revision(found) => Some(*found),
        _ => None,
    };
    Ok((source, found))
}

fn previewed(view: View<'_>, key: &Target) -> Previewed {
    let object = view.declared.objects.get(key);
    let policy = object.map_or(view.settings.drift_policy, |object| view.policy(key, object));
    let Look { task, hold, drifts, compared } = view.look(key, true);
    let would = match (hold, task, compared, object) {
        (Some(reason), ..) => Would::Hold(reason),
        (None, Some(Task::Create), _, Some(object)) => Would::Create(view.body(key, object)),
        (None, Some(Task::TakeOver { .. }), _, Some(object)) => match view.live.get(key) {
            Some(live) => Would::Update(view.body(key, object), live.object().value()),
            None => Would::Nothing,
        },
        (None, Some(Task::Update { .. }), Some((declared, live)), _) => Would::Update(declared, live),
        (None, Some(Task::Correct), Some((declared, live)), _) => Would::Correct(declared, live),
        (None, None, Some((declared, live)), _) if !drifts.is_empty() => Would::Leave(declared, live),
        _ => Would::Nothing,
    };
    Previewed { key: key.clone(), would, policy }
}
