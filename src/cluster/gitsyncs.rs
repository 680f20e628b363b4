//! Live GitSyncs: one watch for the loops, the webhooks, the controller's policies and those who declare GitSyncs.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use serde_json::Value;

use super::services::holds;
use super::store::{Extra, Store};
use crate::api::condition::{PAUSED, READY};
use crate::api::gitsync::GitRef;
use crate::api::names::{APPROVE_PLAN, FINALIZER, PINNED_REVISION, RECONCILE_REQUESTED_AT};
use crate::drift::{RuleBook, pause};
use crate::model::pause::PauseMarks;
use crate::model::{Follow, LiveObject, ObjectKey};
use crate::plan::Standing;

/// What is kept beside a live GitSync.
#[derive(Debug, PartialEq, Eq)]
pub struct Spec {
    /// What is done about drift.
    pub drift: Arc<RuleBook>,
    /// What of its repository it follows; none where its spec says that in no way that is understood.
    pub follow: Option<Follow>,
    /// The Secret with the token of announcements.
    pub webhook_secret: Option<String>,
    /// How it stands towards Git, where a GitSync declares it.
    pub standing: Standing,
    /// Whether condition Ready is True for the spec as it is.
    pub ready: bool,
    /// Changes whenever something does that Git may declare, or readiness.
    pub version: u64,
    /// Whether our finalizer is on it.
    pub finalizer: bool,
    /// GitSyncs that must be ready first.
    pub depends_on: Vec<ObjectKey>,
    /// The repository that it reads.
    pub url: String,
    /// The revision that it applied last.
    pub applied: Option<String>,
    /// Whether it stays at what it has: it is suspended, or pinned by a person.
    pub stays: bool,
    /// What its annotations ask for about corrections.
    pub pause: Option<PauseMarks>,
    /// Whether condition Paused is True.
    pub paused: bool,
    generation: i64,
    requested: Option<String>,
    approved: Option<String>,
    pinned: Option<String>,
}

impl Spec {
    /// Whether it asks for something else than before. Status and marks ask for nothing.
    pub fn asks_as(&self, before: &Self) -> bool {
        let asks = |spec: &Self| (spec.generation, spec.requested.clone(), spec.approved.clone(), spec.pinned.clone());
        asks(self) == asks(before) && self.finalizer == before.finalizer && self.pause == before.pause
    }
}

impl Extra for Spec {
    fn of(value: &Value) -> Self {
        let spec = &value["spec"];
        let generation = value["metadata"]["generation"].as_i64().unwrap_or(0);
        let annotation = |name: &str| value["metadata"]["annotations"][name].as_str().map(str::to_owned);
        let ready = holds(value, READY) && value["status"]["observedGeneration"] == generation;
        let metadata = &value["metadata"];
        let mut version = DefaultHasher::new();
        (metadata["labels"].to_string(), metadata["annotations"].to_string()).hash(&mut version);
        (generation, metadata.get("deletionTimestamp").is_some(), ready).hash(&mut version);
        Self {
            drift: Arc::new(RuleBook::of_spec(spec)),
            follow: follow(&spec["ref"]),
            webhook_secret: spec["webhook"]["secretRef"]["name"].as_str().map(str::to_owned),
            standing: Standing::of(value),
            finalizer: has_finalizer(value),
            ready,
            version: version.finish(),
            depends_on: depends_on(value),
            url: spec["url"].as_str().unwrap_or_default().to_owned(),
            applied: value["status"]["lastAppliedRevision"]["revision"].as_str().map(str::to_owned),
            stays: spec["suspend"] == true || annotation(PINNED_REVISION).is_some(),
            pause: pause::marks(value),
            paused: holds(value, PAUSED),
            generation,
            requested: annotation(RECONCILE_REQUESTED_AT),
            approved: annotation(APPROVE_PLAN),
            pinned: annotation(PINNED_REVISION),
        }
    }

    fn group(&self, _: &LiveObject) -> Option<Arc<str>> {
        self.standing.part_of.as_deref().map(Into::into)
    }
}

fn follow(reference: &Value) -> Option<Follow> {
    let reference = serde_json::from_value::<Option<GitRef>>(reference.clone()).ok()?;
    Follow::of(reference.as_ref()).ok()
}

fn has_finalizer(value: &Value) -> bool {
    value["metadata"]["finalizers"].as_array().is_some_and(|all| all.iter().any(|one| one == FINALIZER))
}

fn depends_on(value: &Value) -> Vec<ObjectKey> {
    let own = value["metadata"]["namespace"].as_str().unwrap_or_default();
    let all = value["spec"]["dependsOn"].as_array().into_iter().flatten();
    let named = all.filter_map(|one| Some((one["namespace"].as_str().unwrap_or(own), one["name"].as_str()?)));
    named.map(|(namespace, name)| ObjectKey::new(namespace, name)).collect()
}

/// Live GitSyncs, grouped by the ApplySet that they say they are part of.
pub type GitSyncs = Store<Spec>;
