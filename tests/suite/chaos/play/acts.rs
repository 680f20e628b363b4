//! What people do to the cluster in a story.

use jiff::{SignedDuration, Timestamp};
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};

use super::super::history::Hand;
use super::super::judge::{APPROVE, Approved, Did, Edit, REWRITTEN, SECOND, Span, Suspended, Why, says_deleted};
use super::super::tree::{NAMES, Policy};
use super::{Play, pass};
use crate::support::chronicle::version;
use crate::support::kube::condition;
use crate::support::scene::SYNC;

const SERVICE: &str = "MicroService";
const DEPLOYMENT: &str = "Deployment";
const PAUSE: &str = "gitmoor.dev/pause-until";
/// Longer than any story, and than its clocks can be wrong.
const LONG: SignedDuration = SignedDuration::from_hours(6);
/// Looks at a status that may never say what is waited for: there may be nobody who can.
const LOOKS: usize = 20;

impl Play<'_> {
    pub(super) async fn edit(&mut self, name: &'static str, replicas: u32, hand: Hand) -> Result<(), String> {
        let (at, stays) = (Timestamp::now(), self.stays(name).await);
        self.model.edited(name, replicas);
        if let Some(after) = self.by(hand, SERVICE, name, "replicas", json!(replicas)).await? {
            self.model.is_edited(name, replicas, stays);
            self.did(SERVICE, name, at, Did::Replicas { replicas, version: version(&after) });
        }
        Ok(())
    }

    pub(super) async fn add(&mut self, name: &'static str, hand: Hand) -> Result<(), String> {
        let (at, stays) = (Timestamp::now(), self.stays(name).await);
        self.model.added(name);
        if let Some(after) = self.by(hand, SERVICE, name, "terminationGracePeriodSeconds", json!(77)).await? {
            self.model.is_added(name, stays);
            self.did(SERVICE, name, at, Did::Added { version: version(&after) });
        }
        Ok(())
    }

    pub(super) async fn edit_child(&mut self, name: &'static str, replicas: u32, hand: Hand) -> Result<(), String> {
        let at = Timestamp::now();
        if let Some(after) = self.by(hand, DEPLOYMENT, name, "replicas", json!(replicas)).await? {
            self.did(DEPLOYMENT, name, at, Did::Replicas { replicas, version: version(&after) });
        }
        Ok(())
    }

    pub(super) async fn delete(&mut self, name: &'static str) -> Result<(), String> {
        let (at, stays) = (Timestamp::now(), self.stays(name).await);
        self.model.deleted(name);
        if let Some(uid) = self.gone(SERVICE, name).await? {
            self.did(SERVICE, name, at, Did::Deleted { uid });
            // Until the status says so, a daemon that is killed may not have got to know of it.
            let known = stays && self.once(&[SYNC], |sync| says_deleted(sync, name)).await.is_some();
            self.model.is_gone(name, known);
        }
        Ok(())
    }

    pub(super) async fn delete_child(&mut self, name: &'static str) -> Result<(), String> {
        let at = Timestamp::now();
        if let Some(uid) = self.gone(DEPLOYMENT, name).await? {
            self.did(DEPLOYMENT, name, at, Did::Deleted { uid });
        }
        Ok(())
    }

    fn did(&mut self, kind: &'static str, name: &'static str, at: Timestamp, did: Did) {
        self.story.edits.push(Edit { kind, name, at, did });
    }

    /// Whether what is done to a service now stays by the policy of its GitSync, which knows all of Git.
    async fn stays(&self, name: &str) -> bool {
        let left = self.story.left.iter().any(|(why, span)| *why == Why::Policy && span.until.is_none());
        if !left || self.model.is_special(name) {
            return false;
        }
        let sync = self.scene.get_sync().await;
        let applied = sync["status"]["lastAppliedRevision"]["revision"].as_str().unwrap_or_default();
        self.model.commits.last().is_some_and(|head| applied.ends_with(&head.id))
    }

    /// Somebody sets a field of an object; the object after that, if it was there.
    async fn by(&self, hand: Hand, kind: &str, name: &str, field: &str, value: Value) -> Result<Option<Value>, String> {
        let (kube, namespace) = (&self.scene.kube, &self.scene.namespace);
        found(match hand {
            Hand::Patch(manager) => {
                let patch = json!([{"op": "add", "path": format!("/spec/{field}"), "value": value}]);
                kube.try_edit(manager, kind, namespace, name, patch).await
            }
            Hand::Apply(manager) => {
                let api = if kind == "Deployment" { "apps/v1" } else { "gitmoor.dev/v1alpha1" };
                let metadata = json!({"namespace": namespace, "name": name});
                let object = json!({"apiVersion": api, "kind": kind, "metadata": metadata, "spec": {field: value}});
                // What somebody who applies leaves out goes: each field has an applier of its own.
                kube.apply(&format!("{manager}-{field}"), &object).await
            }
        })
    }

    /// Somebody deletes an object; its UID, if it was there.
    async fn gone(&self, kind: &str, name: &str) -> Result<Option<String>, String> {
        let api = self.scene.kube.api(kind, &self.scene.namespace);
        let deleted = api.delete(name, &DeleteParams::background()).await;
        let uid = deleted
            .map(|gone| gone.either(|object| object.metadata.uid, |status| status.details.map(|details| details.uid)));
        Ok(found(uid)?.and_then(|uid| uid.as_str().map(str::to_owned)))
    }

    /// Sets something of a GitSync.
    async fn set(&self, sync: &str, patch: Value) {
        self.scene.kube.merge("suite", "GitSync", &self.scene.home, sync, patch).await;
    }

    /// Asks for a sync of all; what each status will echo.
    pub(super) async fn request(&self) -> String {
        let request = self.scene.request().await;
        for sync in self.syncs().into_iter().filter(|sync| *sync != SYNC) {
            let annotations = json!({"gitmoor.dev/reconcile-requested-at": request});
            self.set(sync, json!({"metadata": {"annotations": annotations}})).await;
        }
        request
    }

    pub(super) async fn policy(&mut self, policy: Policy) {
        self.model.policy(policy);
        self.ends(Why::Policy);
        self.story.stays |= policy != Policy::Correct;
        for sync in self.syncs() {
            self.set(sync, json!({"spec": {"drift": {"policy": policy.word()}}})).await;
        }
        if policy != Policy::Correct {
            let known = |sync: &Value| sync["status"]["observedGeneration"] == sync["metadata"]["generation"];
            let from = self.once(&self.syncs(), known).await;
            self.begins(Why::Policy, from);
        }
    }

    /// What somebody does by hand is left from then on.
    pub(super) fn begins(&mut self, why: Why, from: Option<Timestamp>) {
        let open = self.story.left.iter().any(|(one, span)| *one == why && span.until.is_none());
        if !open {
            self.story.left.extend(from.map(|from| (why, Span { from, until: None })));
        }
    }

    fn ends(&mut self, why: Why) {
        for (_, span) in self.story.left.iter_mut().filter(|(one, _)| *one == why) {
            span.until.get_or_insert_with(Timestamp::now);
        }
    }

    pub(super) async fn freeze(&mut self, name: Option<&'static str>) -> Result<(), String> {
        self.story.stays = true;
        self.annotate(name, json!((Timestamp::now() + LONG).to_string())).await?;
        let paused = |object: &Value| condition(object, "Paused")["status"] == "True";
        let from = match name {
            None => self.once(&self.syncs(), paused).await,
            Some(name) => self.once_service(name, paused).await,
        };
        self.begins(Why::Pause(name), from);
        Ok(())
    }

    pub(super) async fn thaw(&mut self, name: Option<&'static str>) -> Result<(), String> {
        self.ends(Why::Pause(name));
        self.annotate(name, Value::Null).await
    }

    /// Nothing is paused any more.
    pub(super) async fn thaw_all(&mut self) -> Result<(), String> {
        for name in [None].into_iter().chain(NAMES.map(Some)) {
            if self.story.stays {
                self.thaw(name).await?;
            }
        }
        Ok(())
    }

    async fn annotate(&self, name: Option<&str>, until: Value) -> Result<(), String> {
        let patch = json!({"metadata": {"annotations": {PAUSE: until}}});
        let Some(name) = name else {
            for sync in self.syncs() {
                self.set(sync, patch.clone()).await;
            }
            return Ok(());
        };
        let api = self.scene.kube.api("MicroService", &self.scene.namespace);
        let params = PatchParams { field_manager: Some("ann".into()), ..PatchParams::default() };
        found(api.patch(name, &params, &Patch::Merge(patch)).await).map(drop)
    }

    pub(super) async fn suspend(&mut self, both: bool) {
        if self.story.suspended.last().is_some_and(|one| one.span.until.is_none()) {
            return;
        }
        let syncs = if both { self.syncs() } else { vec![SYNC] };
        for sync in &syncs {
            self.set(sync, json!({"spec": {"suspend": true}})).await;
        }
        let said = |sync: &Value| {
            let ready = condition(sync, "Ready");
            ready["reason"] == "Suspended" && ready["observedGeneration"] == sync["metadata"]["generation"]
        };
        let from = self.once(&syncs, said).await;
        self.story.suspended.extend(from.map(|from| Suspended { both, span: Span { from, until: None } }));
    }

    pub(super) async fn resume(&mut self) {
        if let Some(one) = self.story.suspended.last_mut() {
            one.span.until.get_or_insert_with(Timestamp::now);
        }
        for sync in self.syncs() {
            self.set(sync, json!({"spec": {"suspend": null}})).await;
        }
    }

    /// When all of these GitSyncs said so, if they do in time.
    async fn once(&self, syncs: &[&str], said: impl Fn(&Value) -> bool) -> Option<Timestamp> {
        for _ in 0..LOOKS {
            let mut all = true;
            for sync in syncs {
                all &= said(&self.scene.kube.get("GitSync", &self.scene.home, sync).await);
            }
            if all {
                return Some(Timestamp::now());
            }
            pass(100).await;
        }
        None
    }

    /// When a service said so, if it is there and does in time.
    async fn once_service(&self, name: &str, said: impl Fn(&Value) -> bool) -> Option<Timestamp> {
        for _ in 0..LOOKS {
            let found = self.scene.kube.find("MicroService", &self.scene.namespace, name).await?;
            if said(&found) {
                return Some(Timestamp::now());
            }
            pass(100).await;
        }
        None
    }

    /// What is held may go on, whatever it is; of another history, only that which somebody wanted.
    pub(super) async fn approve(&mut self) {
        for sync in self.syncs() {
            let hold = self.scene.kube.get("GitSync", &self.scene.home, sync).await["status"]["hold"].take();
            let (Some(plan), Some(deletions)) = (hold["plan"].as_str(), hold["deletions"].as_u64()) else { continue };
            if hold["reason"] == REWRITTEN {
                self.approve_rewrite(sync, &hold).await;
                continue;
            }
            self.model.approved();
            let deletions = deletions.try_into().unwrap_or(usize::MAX);
            self.story.approved.insert(plan.into(), Approved { second: sync == SECOND, deletions });
            self.approve_plan(sync, plan).await;
        }
    }

    /// What takes the place of what is applied may do so where the branch is meant to be like that.
    pub(super) async fn approve_rewrite(&mut self, sync: &str, hold: &Value) {
        let (Some(plan), Some(revision)) = (hold["plan"].as_str(), hold["revision"].as_str()) else { return };
        let wanted = self.model.commits.last().filter(|head| revision.ends_with(&head.id));
        let Some(wanted) = wanted.filter(|_| hold["reason"] == REWRITTEN).map(|head| head.id.clone()) else { return };
        self.story.followed.insert(wanted);
        self.approve_plan(sync, plan).await;
    }

    async fn approve_plan(&self, sync: &str, plan: &str) {
        self.set(sync, json!({"metadata": {"annotations": {APPROVE: plan}}})).await;
    }
}

/// Somebody may come too late: the object is gone, or was never there.
fn found<T: serde::Serialize>(done: kube::Result<T>) -> Result<Option<Value>, String> {
    match done {
        Ok(object) => Ok(serde_json::to_value(object).ok()),
        Err(kube::Error::Api(status)) if [404, 409, 422].contains(&status.code) => Ok(None),
        Err(error) => Err(error.to_string()),
    }
}
