//! From the plan to work: what is to be done about each object, drift included.
//!
//! Pure over its arguments: the live objects come from the store, nothing is called.

use serde::Deserialize;
use serde_json::Value;

use super::lessons::Lessons;
use super::settings::Settings;
use crate::api::names::SYNC_MANAGER;
use crate::api::status::{DriftStatus, DriftedField};
use crate::cluster::{Member, Targets};
use crate::drift::{self, Compare, Forms, Learned, Policies, Ruled};
use crate::model::pause::Pause;
use crate::model::{Action, Declared, DeclaredObject, FieldDrift, HoldReason, Target};
use crate::plan::decide::LiveView;
use crate::plan::{self, Guards, Marks, Others, Rules};
use crate::report::drift::{self as words, Subject};
use crate::report::redact::Redactor;

/// One thing to do.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// The object.
    pub key: Target,
    /// What.
    pub task: Task,
}

impl Item {
    /// The object and its UID, where it is to be deleted.
    pub fn deletes(&self) -> Option<(&Target, &str)> {
        match &self.task {
            Task::Delete { uid, .. } => Some((&self.key, uid)),
            _ => None,
        }
    }
}

/// What is to be done about one object.
#[derive(Debug, Clone, PartialEq)]
pub enum Task {
    /// Create it.
    Create,
    /// Apply what a commit changed.
    Update {
        /// UID that it must still have.
        uid: String,
    },
    /// Put back what no commit changed.
    Correct,
    /// Only say in its status how it differs, or that it differs no more.
    Note,
    /// Find out whether the API server itself makes a difference.
    Try,
    /// Say in its status which commits declared what differs, or differed.
    Trace,
    /// Make it ours.
    TakeOver {
        /// UID that it must still have.
        uid: String,
        /// resourceVersion that it must still have.
        resource_version: u64,
        /// The GitSync that had it; none where nobody did.
        from: Option<String>,
    },
    /// Delete it.
    Delete {
        /// UID that it must still have.
        uid: String,
        /// resourceVersion that it must still have.
        resource_version: u64,
    },
}

/// What a look at one object found.
#[derive(Debug, Default)]
pub struct Look {
    /// What is to be done.
    pub task: Option<Task>,
    /// Why nothing is done although it is not as declared.
    pub hold: Option<HoldReason>,
    /// Fields that no commit changed, and what is done about each.
    pub ruled: Ruled,
    /// What was declared and what was seen, for the report.
    pub compared: Option<(Value, Value)>,
}

/// What every look needs.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// The GitSync.
    pub settings: &'a Settings,
    /// What Git says.
    pub declared: &'a Declared,
    /// The revision, as text.
    pub revision: &'a str,
    /// What the cluster has.
    pub live: &'a Targets,
    /// What forbids deletions.
    pub guards: &'a Guards,
    /// What decides about objects that are not ours.
    pub others: &'a dyn Others,
    /// What was learned about differences.
    pub lessons: &'a Lessons,
    /// The time: a pause ends.
    pub now: jiff::Timestamp,
}

impl View<'_> {
    /// What is to be done about one object. `drift` says whether an object that is as the commit says is compared
    /// field by field.
    pub fn look(&self, key: &Target, drift: bool) -> Look {
        let live = self.live.get(key);
        let view = live.as_ref().map(live_view);
        let sync = &self.settings.sync;
        // What is not declared is judged together with all that is not: see [`super::doomed`].
        let Some(object) = self.declared.objects.get(key) else { return Look::default() };
        match plan::decide::decide(sync, key, object, view, self.rules()) {
            Action::Create => Look { task: Some(Task::Create), ..Look::default() },
            Action::Update { uid } => self.changed(key, object, live.as_ref(), Task::Update { uid }),
            // What it is like is told once it is ours: whoever may not take it may not see it either.
            Action::TakeOver { uid, resource_version, from } => {
                Look { task: Some(Task::TakeOver { uid, resource_version, from }), ..Look::default() }
            }
            Action::Hold(reason) => Look { hold: Some(reason), ..Look::default() },
            Action::Unchanged if drift => self.changed(key, object, live.as_ref(), Task::Correct),
            Action::Unchanged | Action::Delete { .. } => Look::default(),
        }
    }

    /// Whether a look without drift would find nothing to do. Most objects of most revisions are settled.
    fn is_settled(&self, key: &Target, object: &DeclaredObject) -> bool {
        self.live.get(key).is_some_and(|live| {
            let view = live_view(&live);
            let action = plan::decide::decide(&self.settings.sync, key, object, Some(view), self.rules());
            action == Action::Unchanged
        })
    }

    /// What is declared and not as the revision says, in order of name.
    pub fn unsettled(&self) -> Vec<Target> {
        let all = self.declared.objects.iter();
        all.filter(|(key, object)| !self.is_settled(key, object)).map(|(key, _)| key.clone()).collect()
    }

    /// What decides about objects that are not ours.
    fn rules(&self) -> Rules<'_> {
        Rules { take_over: self.settings.take_over, others: self.others }
    }

    /// What is done about drift of an object. While the GitSync is suspended, or corrections are paused, it is only told.
    pub fn policies(&self, key: &Target, object: &DeclaredObject) -> Policies {
        let own = object.document.drift_policy;
        let reporting = self.settings.suspended || self.pause(key).is_some();
        self.settings.drift.policies(key.kind.as_str(), key, own).reporting_if(reporting)
    }

    /// The pause that holds for an object: its own, or that of all that the GitSync applied.
    pub fn pause(&self, key: &Target) -> Option<Pause> {
        let (own, sync) = (self.live.get(key), self.live.gitsyncs.get(&self.settings.sync.key));
        let own = own.as_ref().and_then(Member::pause);
        drift::pause::holding([own, sync.as_ref().and_then(|sync| sync.extra.pause.as_ref())], self.now)
    }

    /// What an object is applied as.
    pub fn body(&self, key: &Target, object: &DeclaredObject) -> Value {
        let sync = &self.settings.sync;
        let marks = Marks { sync: &sync.key, sync_uid: &sync.uid, applyset: &sync.applyset, revision: self.revision };
        plan::apply_body(key, object, &marks)
    }

    /// What is to be done about a member of our set that is not declared, judged by itself.
    pub fn undeclared(&self, key: &Target, live: LiveView<'_>) -> Action {
        plan::undeclared(&self.settings.sync, key, live, self.guards, self.rules())
    }

    /// How an object differs. Where a commit changed it, what differs is mostly the commit; only what another hand
    /// wrote is drift.
    fn changed(&self, key: &Target, object: &DeclaredObject, live: Option<&Member>, task: Task) -> Look {
        let Some(live) = live else { return Look::default() };
        let live = live.object().value();
        let updating = task != Task::Correct;
        let declared = plan::body::with_live_marks(self.body(key, object), &live);
        let compared = drift::compare(&declared, &live, &Compare { manager: SYNC_MANAGER });
        let learned = self.lessons.of(key);
        let drifts = compared.drifts.into_iter().filter(|drift| !learned.is_injected(drift));
        let forms = Forms { declared: &declared, live: &live };
        let drifts: Vec<_> = if updating {
            not_by_the_commit(key, drifts, &forms, &learned, &self.settings.redact)
        } else {
            drifts.collect()
        };
        let mut ruled = self.policies(key, object).rule(drifts, &forms);
        // While nothing may be written, nothing is tried either.
        let tries = !updating && !self.settings.suspended;
        let task = if tries && !ruled.take_open(&learned, &live, SYNC_MANAGER).is_empty() {
            Some(Task::Try)
        } else {
            (updating || ruled.corrects()).then_some(task)
        };
        Look { task, hold: None, ruled, compared: Some((declared, live)) }
    }
}

/// What differs and is surely not the commit's doing: another hand wrote it, or it is known to have differed before.
pub fn not_by_the_commit(
    key: &Target,
    drifts: impl IntoIterator<Item = FieldDrift>,
    &Forms { declared, live }: &Forms<'_>,
    learned: &Learned,
    redact: &Redactor,
) -> Vec<FieldDrift> {
    let known = standing(live);
    let subject = Subject { kind: key.kind.as_str(), key, declared, live, redact };
    let stood = |drift: &FieldDrift| learned.was_ignored(drift) || words::stands(&subject, drift, &known);
    drifts.into_iter().filter(|drift| drift.is_by_another_than(SYNC_MANAGER) || stood(drift)).collect()
}

/// Drift that the live object's status says to stand.
pub fn standing(live: &Value) -> Vec<DriftedField> {
    source_drift(live).filter(|drift| drift.count > 0).map(|drift| drift.fields).unwrap_or_default()
}

/// What the live object's status says of drift from Git.
pub fn source_drift(live: &Value) -> Option<DriftStatus> {
    live["status"].get("sourceDrift").and_then(|drift| DriftStatus::deserialize(drift).ok())
}

/// What the plan sees of a live object.
pub fn live_view(member: &Member) -> LiveView<'_> {
    let object = member.object();
    LiveView {
        uid: &object.uid,
        resource_version: object.resource_version,
        deleting: object.deleting,
        standing: member.standing(),
    }
}
