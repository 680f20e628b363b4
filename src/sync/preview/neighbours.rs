//! What the other GitSyncs would declare, as far as that can be known without their daemon: those of the same repository and
//! ref would read what a preview reads. Of the others only their spec and status are known, and what is not known is said
//! to be unknown.

use std::collections::BTreeMap;

use crate::api::GitSync;
use crate::cluster::Targets;
use crate::model::{Declared, HoldReason, ObjectKey, Silence, Target};
use crate::plan::applyset;
use crate::plan::moves::{self, Other};
use crate::plan::ownership::{Known, Others, Says};
use crate::sync::neighbours::may_write;
use crate::sync::settings::Settings;

/// All other GitSyncs of the cluster.
#[derive(Debug, Default)]
pub(super) struct Neighbours {
    all: BTreeMap<ObjectKey, Neighbour>,
    /// ApplySet of the one that plans, and those of the others: with their names.
    sets: BTreeMap<String, ObjectKey>,
}

/// One of them.
#[derive(Debug)]
pub(super) struct Neighbour {
    /// What its spec says.
    pub settings: Settings,
    /// Whether it follows the same repository and ref.
    pub same_source: bool,
    deleting: bool,
    /// What its status says that it declares and another has.
    wanted: Vec<Target>,
    /// What it would declare, where that was read.
    pub declared: Option<Declared>,
    /// Why it was not.
    pub silence: Option<Silence>,
}

impl Neighbours {
    /// As the cluster lists them; what they declare is yet to be read.
    pub fn of(own: &Settings, live: &Targets, operator_namespace: &str) -> Self {
        let mut neighbours = Self::default();
        for entry in live.gitsyncs.all() {
            let key = &entry.object.key;
            neighbours.sets.insert(applyset::id(&key.namespace, &key.name), key.clone());
            // One that cannot be read by its schema is run by no daemon of this version.
            let Some(gitsync) = entry.object.parse::<GitSync>().ok().filter(|_| *key != own.sync.key) else { continue };
            let settings = Settings::of(&gitsync, operator_namespace);
            let same_source = settings.repository == own.repository && settings.follow == own.follow;
            let problems = gitsync.status.into_iter().flat_map(|status| status.problems);
            let owned = problems.filter(|problem| problem.reason == "OwnedByOther");
            let wanted = owned.filter_map(|problem| Target::parse(&problem.object)).collect();
            let silence = match &settings {
                _ if entry.object.deleting => Some(Silence::Leaving),
                settings if settings.suspended => Some(Silence::Suspended),
                settings if settings.invalid.is_some() => Some(Silence::Failing),
                // A pinned one stays where it is, whatever the branch has.
                settings if !same_source || settings.pinned.is_some() => Some(Silence::Elsewhere),
                _ => None,
            };
            let deleting = entry.object.deleting;
            let neighbour = Neighbour { settings, same_source, deleting, wanted, declared: None, silence };
            neighbours.all.insert(key.clone(), neighbour);
        }
        neighbours
    }

    /// Those that would read what the preview reads.
    pub fn readers(&mut self) -> impl Iterator<Item = &mut Neighbour> {
        self.all.values_mut().filter(|one| one.same_source && one.silence.is_none())
    }
}

impl Neighbour {
    /// Whether it declares an object; none where that is not known.
    fn declares(&self, target: &Target) -> Option<bool> {
        let declared = self.declared.as_ref()?;
        Some(declared.objects.contains_key(target) || declared.quarantined.contains_key(target))
    }

    fn silence(&self) -> Option<Silence> {
        let partial = self.declared.as_ref().is_some_and(|declared| declared.unreadable);
        self.silence.or(partial.then_some(Silence::Partial))
    }
}

impl Others for Neighbours {
    fn says(&self, sync: &str, uid: Option<&str>, target: &Target) -> Says {
        let Some(one) = ObjectKey::parse(sync).and_then(|key| self.all.get(&key)) else { return Says::Gone };
        let same = uid.is_none_or(|uid| *one.settings.sync.uid == *uid);
        Known { same, declares: one.declares(target), silence: one.silence() }.says()
    }

    fn parent(&self, set: &str) -> Option<String> {
        self.sets.get(set).map(ToString::to_string)
    }

    fn claimed(&self, target: &Target) -> Option<HoldReason> {
        let others = self.all.iter().filter(|(_, one)| !one.deleting).map(|(key, one)| Other {
            sync: key,
            may_write: may_write(&one.settings, target),
            // A pinned one reads nothing new.
            same_source: one.same_source && one.settings.pinned.is_none(),
            declares: one.declares(target).unwrap_or_else(|| one.wanted.contains(target)),
            has_looked: true,
            silence: one.silence(),
        });
        moves::claimed(others)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json};

    use super::*;
    use crate::cluster::Targets;
    use crate::manifest::{assemble, parse};
    use crate::model::{Kind, LiveObject};

    fn gitsync(name: &str, change: &Value) -> Value {
        let mut object = json!({
            "apiVersion": "gitmoor.dev/v1alpha1", "kind": "GitSync",
            "metadata": {"namespace": "team", "name": name, "uid": format!("uid-of-{name}"), "resourceVersion": "1"},
            "spec": {"url": "https://git.example.com/a.git"}
        });
        json_patch::merge(&mut object, change);
        object
    }

    fn x() -> Target {
        Target::service(ObjectKey::new("team", "x"))
    }

    /// A neighbour `b` of `a`, which would declare these where it reads the same.
    fn neighbours(change: &Value, manifests: &str) -> Neighbours {
        let live = Targets { services: Arc::default(), gitsyncs: Arc::default() };
        for value in [gitsync("a", &json!({})), gitsync("b", change)] {
            live.answered(Kind::GitSync, LiveObject::from_json(value).unwrap());
        }
        let own: GitSync = serde_json::from_value(gitsync("a", &json!({}))).unwrap();
        let mut neighbours = Neighbours::of(&Settings::of(&own, "gitmoor-system"), &live, "gitmoor-system");
        for one in neighbours.readers() {
            let file: Arc<str> = "x.yaml".into();
            one.declared = Some(assemble([(&file, &parse(manifests.as_bytes()))], &one.settings.scope));
        }
        neighbours
    }

    const X: &str = "apiVersion: gitmoor.dev/v1alpha1\nkind: MicroService\nmetadata: {name: x}\nspec: {image: a}\n";

    /// What becomes of `x` where `a` gives it up, and what `b` says of it where it has it.
    #[track_caller]
    fn check(change: &Value, manifests: &str, claimed: Option<HoldReason>, says: Says) {
        let neighbours = neighbours(change, manifests);
        assert_eq!(neighbours.claimed(&x()), claimed, "{change}");
        assert_eq!(neighbours.says("team/b", Some("uid-of-b"), &x()), says, "{change}");
    }

    fn moving() -> Option<HoldReason> {
        Some(HoldReason::Moving("team/b".into()))
    }

    fn may_move(why: Silence) -> Option<HoldReason> {
        Some(HoldReason::MayMove("team/b".into(), why))
    }

    #[test]
    fn who_reads_the_same_says_what_it_would_declare() {
        check(&json!({}), X, moving(), Says::Declares);
        check(&json!({}), "", None, Says::Nothing);
        check(&json!({}), "a: [", may_move(Silence::Partial), Says::Unknown(Silence::Partial));
        check(&json!({"metadata": {"uid": "another"}}), "", None, Says::Gone);
    }

    #[test]
    fn who_does_not_read_is_not_guessed_at() {
        check(&json!({"spec": {"suspend": true}}), X, may_move(Silence::Suspended), Says::Unknown(Silence::Suspended));
        check(&json!({"spec": {"interval": "soon"}}), X, may_move(Silence::Failing), Says::Unknown(Silence::Failing));
        let elsewhere = Says::Unknown(Silence::Elsewhere);
        check(&json!({"spec": {"url": "https://git.example.com/b.git"}}), X, None, elsewhere);
        check(&json!({"spec": {"ref": {"branch": "other"}}}), X, None, elsewhere);
        check(&json!({"metadata": {"annotations": {"gitmoor.dev/pinned-revision": "7"}}}), X, None, elsewhere);
        let leaving = json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}});
        check(&leaving, X, None, Says::Unknown(Silence::Leaving));
    }

    #[test]
    fn a_status_tells_of_another_repository_what_it_waits_for() {
        let problem = json!({"object": "team/x", "reason": "OwnedByOther", "message": "m"});
        let status = json!({"spec": {"url": "https://git.example.com/b.git"}, "status": {"problems": [problem]}});
        check(&status, "", moving(), Says::Unknown(Silence::Elsewhere));
    }

    #[test]
    fn sets_have_names_and_who_is_not_there_is_gone() {
        let neighbours = neighbours(&json!({}), X);
        assert_eq!(neighbours.parent(&applyset::id("team", "b")).as_deref(), Some("team/b"));
        assert_eq!(neighbours.parent("applyset-x-v1"), None);
        assert_eq!(neighbours.says("team/nobody", None, &x()), Says::Gone);
    }
}
