//! What people do to the cluster in a story.

use jiff::{SignedDuration, Timestamp};
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};

use super::super::history::Hand;
use super::super::tree::{NAMES, Policy};
use super::{Edit, Play, Span, Why, pass};
use crate::support::chronicle::version;
use crate::support::kube::condition;
use crate::support::scene::SYNC;

const PAUSE: &str = "gitmoor.dev/pause-until";
/// Longer than any story, and than its clocks can be wrong.
const LONG: SignedDuration = SignedDuration::from_hours(6);
/// Looks at a status that may never say what is waited for: there may be nobody who can.
const LOOKS: usize = 20;

impl Play<'_> {
    pub(super) async fn edit(&mut self, name: &'static str, replicas: u32, hand: Hand) -> Result<(), String> {
        self.model.edited(name, replicas);
        if let Some(after) = self.by(hand, "MicroService", name, "replicas", json!(replicas)).await? {
            self.story.edits.push(Edit { name, replicas, version: version(&after) });
        }
        Ok(())
    }

    pub(super) async fn add(&mut self, name: &'static str, hand: Hand) -> Result<(), String> {
        self.model.added(name);
        self.by(hand, "MicroService", name, "terminationGracePeriodSeconds", json!(77)).await.map(drop)
    }

    pub(super) async fn edit_child(&self, name: &str, replicas: u32, hand: Hand) -> Result<(), String> {
        self.by(hand, "Deployment", name, "replicas", json!(replicas)).await.map(drop)
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
                kube.apply(manager, &object).await
            }
        })
    }

    pub(super) async fn delete(&self, kind: &str, name: &str) -> Result<(), String> {
        let api = self.scene.kube.api(kind, &self.scene.namespace);
        found(api.delete(name, &DeleteParams::background()).await.map(|_| ())).map(drop)
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

    pub(super) async fn suspend(&mut self) {
        if self.story.suspended.last().is_some_and(|span| span.until.is_none()) {
            return;
        }
        self.set(SYNC, json!({"spec": {"suspend": true}})).await;
        let said = |sync: &Value| {
            let ready = condition(sync, "Ready");
            ready["reason"] == "Suspended" && ready["observedGeneration"] == sync["metadata"]["generation"]
        };
        let from = self.once(&[SYNC], said).await;
        self.story.suspended.extend(from.map(|from| Span { from, until: None }));
    }

    pub(super) async fn resume(&mut self) {
        if let Some(span) = self.story.suspended.last_mut() {
            span.until.get_or_insert_with(Timestamp::now);
        }
        self.set(SYNC, json!({"spec": {"suspend": null}})).await;
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

    /// What deletes too much may do so. Another history is never approved: nobody wants that one.
    pub(super) async fn approve(&mut self) {
        for sync in self.syncs() {
            let hold = self.scene.kube.get("GitSync", &self.scene.home, sync).await["status"]["hold"].take();
            let (Some(plan), Some(deletions)) = (hold["plan"].as_str(), hold["deletions"].as_u64()) else { continue };
            if hold["reason"] == "RewrittenHistory" {
                continue;
            }
            self.model.approved();
            self.story.approved.insert(plan.into(), deletions.try_into().unwrap_or(usize::MAX));
            self.set(sync, json!({"metadata": {"annotations": {"gitmoor.dev/approve-plan": plan}}})).await;
        }
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
