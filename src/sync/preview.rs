//! What a sync would do with a folder, a branch or a commit if that were what it follows. Nothing is written: for
//! `gitmoor diff`.
//!
//! It is the loop's own plan: the same looks, the same guards and budget, the same ancestry. What a loop learns from its
//! neighbours is worked out here from their specs; see [`neighbours`].

mod neighbours;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use neighbours::Neighbours;

use super::doomed::{Gathered, Sentence};
use super::errand::follows;
use super::fetch::{Found, FoundRevision, Parsed, look};
use super::lessons::Lessons;
use super::secrets::introduce;
use super::settings::Settings;
use super::state::State;
use super::work::{Look, Task, View};
use crate::api::GitSync;
use crate::cluster::{Cluster, Targets};
use crate::drift::Policies;
use crate::model::{Declared, HoldReason, Narrowing, Silence, Snapshot, Target};
use crate::plan::Held;
use crate::plan::rewrite::{Consequences, Rewritten};
use crate::source::{Fetch, MAX_BLOB_BYTES, Source, SourceError, SourceOptions, Sources};

/// What is looked at in the place of what the GitSync follows.
#[derive(Clone, Copy)]
pub enum Whence<'a> {
    /// A folder, as the root of the repository.
    Folder(&'a Path),
    /// Its repository.
    Repository {
        /// A branch, a full ref or a commit; the first that there is. None: what the GitSync itself follows.
        references: &'a [String],
        /// Folder for the copy.
        cache: &'a Path,
        /// Where the Secrets are that it is reached with.
        cluster: &'a Cluster,
    },
}

/// A GitSync with something else in the place of what it follows.
pub struct Preview {
    state: State,
    source: Source,
    parsed: Parsed,
    others: Neighbours,
    rewritten: Option<Rewritten>,
    /// Whether what was read is what the GitSync follows, not another ref of its repository.
    followed: bool,
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
    pub policies: Policies,
    /// Why it is not done: the whole revision is held.
    pub held: Option<HoldReason>,
}

/// What would become of everything.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Object by object: what is declared in order of name, then what is not.
    pub changes: Vec<Previewed>,
    /// What a guard holds of it until a person approves that, in a sentence with the plan's hash.
    pub held: Vec<String>,
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
        let mut parsed = Parsed::default();
        let Read { source, found, reference } = read(&settings, whence, &mut parsed).await?;
        let mut state = State::new(Arc::clone(&settings), &gitsync.status.clone().unwrap_or_default());
        let followed = reference.is_none();
        let (mut contents, mut rewritten) = (BTreeMap::new(), None);
        if let Some(found) = found {
            for file in &found.snapshot.files {
                let read = source.read(vec![file.blob], MAX_BLOB_BYTES).await?;
                contents.extend(read.into_iter().map(|(_, bytes)| (file.path.clone(), bytes)));
            }
            let past = state.past();
            // As if what is followed were there.
            let elsewhere = found.snapshot.revision.commit().filter(|_| !followed);
            let new = elsewhere.map(|id| settings.follow.revision(None, &id.to_string()));
            let new = new.unwrap_or_else(|| found.snapshot.revision.clone());
            rewritten = match follows(&source, reference.as_deref(), &settings, &past, &new).await {
                Ok(answer) => answer.err(),
                // Only a note depends on it: not every server tells the history of what no branch points to.
                Err(_) if !followed => None,
                Err(error) => return Err(error.into()),
            };
            state.read(found.snapshot, found.declared);
        }
        let others = Neighbours::default();
        Ok(Self { state, source, parsed, others, rewritten, followed, contents })
    }

    /// Reads what the other GitSyncs would declare, where that matters: something of this one is declared no more, or
    /// something that it declares has other marks. This makes no call to the cluster.
    pub async fn ask_neighbours(&mut self, live: &Targets, operator_namespace: &str) {
        let State { settings, declared, snapshot, .. } = &self.state;
        let sync = &settings.sync;
        let known =
            |target: &Target| declared.objects.contains_key(target) || declared.quarantined.contains_key(target);
        let is_other = |target: &Target| {
            let mark = live.get(target).map(|member| member.standing().mark.clone());
            mark.is_some_and(|mark| mark.is_none_or(|mark| !sync.key.is(&mark.sync)))
        };
        let gone = live.of(&sync.applyset).iter().any(|target| !known(target));
        let Some(snapshot) = snapshot.clone().filter(|_| gone || declared.objects.keys().any(is_other)) else { return };
        let mut others = Neighbours::of(settings, live, operator_namespace);
        for other in others.readers() {
            match same_revision(&self.source, &snapshot, &other.settings.narrowing).await {
                Ok(theirs) => match self.parsed.take(&self.source, theirs, &other.settings).await {
                    Ok(found) => other.declared = Some(found.declared),
                    Err(_) => other.silence = Some(Silence::Failing),
                },
                Err(_) => other.silence = Some(Silence::Failing),
            }
        }
        self.others = others;
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

    /// The commit that the GitSync is pinned to: then nothing of this happens before it is released.
    pub fn pinned(&self) -> Option<&str> {
        self.state.settings.pinned.as_deref()
    }

    /// What is wrong where another ref than the GitSync's does not descend from what is applied: it is only looked at, so
    /// nothing is held, but what later commits changed shows as taken back.
    pub fn strays(&self) -> Option<String> {
        self.rewritten.as_ref().filter(|_| !self.followed).map(Rewritten::wrong)
    }

    /// What would become of everything that is declared or that the GitSync applied, in order of name,
    /// deletions last.
    pub fn plan(&self, live: &Targets) -> Plan {
        let (mut changes, held) = self.changes(live);
        let sync = &self.state.settings.sync.key;
        let Some(rewritten) = self.rewritten.as_ref().filter(|_| self.followed) else {
            let held = held.filter(|held| !held.passes()).map(|held| held.message(sync));
            return Plan { changes, held: held.into_iter().collect() };
        };
        let mut would = Consequences::default();
        for change in &mut changes {
            match change.would {
                Would::Create(_) => would.creations += 1,
                Would::Update(..) => would.updates += 1,
                Would::Delete => would.deletions += 1,
                _ => continue,
            }
            change.held = Some(HoldReason::Rewritten(rewritten.wrong()));
        }
        // A guard of its deletions has its say once the revision is approved.
        Plan { changes, held: vec![rewritten.message(sync, &would)] }
    }

    fn changes(&self, live: &Targets) -> (Vec<Previewed>, Option<Held>) {
        let State { settings, declared, guards, snapshot, .. } = &self.state;
        let revision = snapshot.as_ref().map_or("", |snapshot| snapshot.revision.as_str());
        let (lessons, now) = (&Lessons::default(), jiff::Timestamp::now());
        let view = View { settings, declared, revision, live, guards, others: &self.others, lessons, now };
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
        let of_plan = verdict.held.iter().flat_map(|held| held.deletions.clone());
        let held = of_plan.map(|(doomed, reason)| (doomed.key, reason));
        let held = held.chain(gathered.held).map(|(key, reason)| (key, Would::Hold(reason)));
        let gone = verdict.permit.allowed().map(|doomed| (doomed.key.clone(), Would::Delete));
        let mut others: Vec<_> = held.chain(gone).collect();
        others.sort_by(|(a, _), (b, _)| a.cmp(b));
        let policies = |key: &Target| settings.drift.policies(key.kind.as_str(), key, None);
        let change = |(key, would)| Previewed { policies: policies(&key), key, would, held: None };
        changes.extend(others.into_iter().map(change));
        (changes, verdict.held)
    }
}

/// What was read.
struct Read {
    source: Source,
    found: Option<FoundRevision>,
    /// Where it was found, if not at what the GitSync follows.
    reference: Option<String>,
}

/// Without a known revision there is always one to be found.
async fn read(settings: &Settings, whence: Whence<'_>, parsed: &mut Parsed) -> Result<Read, SourceError> {
    let (source, references) = match whence {
        Whence::Folder(folder) => {
            let mut options = SourceOptions::new(folder);
            options.allow_dir = Some(folder.to_owned());
            let url = format!("dir://{}", folder.display());
            (Sources::new(options).open(&url, "main", settings.timeout)?, &[][..])
        }
        Whence::Repository { references, cache, cluster } => {
            let source = settings.open(&Sources::new(SourceOptions::new(cache)), 0)?;
            introduce(cluster, &source, settings).await?;
            (source, references)
        }
    };
    let mut missing = None;
    for reference in references {
        match source.peek(reference, &settings.narrowing).await {
            Ok(snapshot) => {
                let found = Some(parsed.take(&source, snapshot, settings).await?);
                let reference = Some(reference.clone()).filter(|reference| !settings.follow.is(reference));
                return Ok(Read { source, found, reference });
            }
            // The first is the one that was meant.
            Err(error) => missing = missing.or(Some(error)),
        }
    }
    if let Some(error) = missing {
        return Err(error);
    }
    let found = match look(&source, parsed, None, settings).await? {
        Found::Revision(found) => Some(*found),
        _ => None,
    };
    Ok(Read { source, found, reference: None })
}

/// The same revision, narrowed otherwise: of a commit, without another request.
async fn same_revision(source: &Source, seen: &Snapshot, narrowing: &Narrowing) -> Result<Arc<Snapshot>, SourceError> {
    match seen.revision.commit() {
        Some(commit) => source.at(commit, narrowing).await,
        None => match source.fetch(None, narrowing).await? {
            Fetch::Changed(snapshot) => Ok(snapshot),
            // Never, where no revision is known.
            Fetch::Unchanged => Ok(Arc::new(seen.clone())),
        },
    }
}

fn previewed(view: View<'_>, key: &Target) -> Previewed {
    let object = view.declared.objects.get(key);
    let policies = match object {
        Some(object) => view.policies(key, object),
        None => view.settings.drift.policies(key.kind.as_str(), key, None),
    };
    let Look { task, hold, ruled, compared } = view.look(key, true);
    let would = match (hold, task, compared, object) {
        (Some(reason), ..) => Would::Hold(reason),
        (None, Some(Task::Create), _, Some(object)) => Would::Create(view.body(key, object)),
        (None, Some(Task::TakeOver { .. }), _, Some(object)) => match view.live.get(key) {
            Some(live) => Would::Update(view.body(key, object), live.object().value()),
            None => Would::Nothing,
        },
        (None, Some(Task::Update { .. }), Some((declared, live)), _) => Would::Update(declared, live),
        (None, Some(Task::Correct | Task::Try), Some((declared, live)), _) => Would::Correct(declared, live),
        (None, None, Some((declared, live)), _) if ruled.told().next().is_some() => Would::Leave(declared, live),
        _ => Would::Nothing,
    };
    Previewed { key: key.clone(), would, policies, held: None }
}
