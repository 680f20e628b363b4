//! Gathers all that a plan deletes, and has it judged together: by the loop, and for a preview.
//!
//! Pure over its arguments, like [`super::work`].

use std::collections::{BTreeMap, HashMap, HashSet};

use super::state::State;
use super::work::{View, live_view};
use crate::cluster::Targets;
use crate::model::{Action, HoldReason, Kind, Target};
use crate::plan::rename::{self, Side};
use crate::plan::{Case, Doomed, Standing, Verdict, judge};

/// What is not declared and is live, before it is judged.
#[derive(Debug, Default)]
pub struct Gathered {
    /// What is to be deleted: proven, and not protected.
    pub doomed: Vec<Doomed>,
    /// The resourceVersions at which they were proven.
    pub versions: HashMap<Target, u64>,
    /// What stays although it is not declared, and why.
    pub held: Vec<(Target, HoldReason)>,
    /// What is held for a reason that may pass: it goes one day, and may have a new name already.
    leaving: Vec<Doomed>,
    /// What is declared and does not exist yet.
    unmade: Vec<Target>,
    /// Members that stay.
    stay: usize,
    /// From the mark of a former name to what has it and is not ready.
    renamed: HashMap<String, Target>,
}

/// What becomes of it.
#[derive(Debug)]
pub struct Sentence {
    /// What was gathered.
    pub gathered: Gathered,
    /// The verdict.
    pub verdict: Verdict,
    /// What the plan creates under a new name: from the old name to the new one.
    pub renames: BTreeMap<Target, Target>,
}

impl Gathered {
    /// Walks over all members of the set. `gone` are those that were deleted and that the watch has not seen go.
    pub fn of(view: View<'_>, gone: &HashSet<Target>) -> Self {
        let mut gathered = Self::default();
        let mut undeclared = Vec::new();
        let mut seen = 0;
        let sync = &view.settings.sync;
        view.live.each_of(&sync.applyset, |member| {
            let target = member.target();
            if member.object.deleting || gone.contains(&target) {
                return;
            }
            let declared = view.declared.objects.contains_key(&target);
            if !declared && !view.declared.quarantined.contains_key(&target) {
                undeclared.push(target);
                return;
            }
            seen += usize::from(declared);
            // A GitSync that declares itself is nothing that it serves: it is not what is left of a set.
            if !sync.is(&target) && is_marked(view, member.standing) {
                gathered.stay += 1;
                if let Some(former) = member.standing.renamed_from.clone().filter(|_| !member.ready) {
                    gathered.renamed.insert(former, target);
                }
            }
        });
        // Not within the walk: other GitSyncs are asked, and looked up where the walk may be.
        undeclared.sort();
        undeclared.into_iter().for_each(|target| gathered.judge(view, target));
        if seen < view.declared.objects.len() {
            let unmade = view.declared.objects.keys().filter(|target| view.live.get(target).is_none());
            gathered.unmade = unmade.cloned().collect();
        }
        gathered
    }

    fn judge(&mut self, view: View<'_>, target: Target) {
        let Some(member) = view.live.get(&target) else { return };
        match view.undeclared(&target, live_view(&member)) {
            Action::Delete { resource_version, .. } => {
                self.versions.insert(target.clone(), resource_version);
                self.doomed.push(Doomed { key: target, uid: member.object().uid.clone() });
            }
            Action::Hold(reason) => {
                if reason != HoldReason::Itself && is_marked(view, member.standing()) {
                    self.stay += 1;
                    if !matches!(reason, HoldReason::PruneProtected | HoldReason::Unproven(_)) {
                        self.leaving.push(Doomed { key: target.clone(), uid: member.object().uid.clone() });
                    }
                }
                self.held.push((target, reason));
            }
            _ => {}
        }
    }
}

/// Whether an object's mark names this GitSync.
fn is_marked(view: View<'_>, standing: &Standing) -> bool {
    standing.mark.as_ref().is_some_and(|mark| view.settings.sync.key.is(&mark.sync))
}

impl Gathered {
    /// What an object that takes the name of another is marked with.
    pub fn mark_of(&self, old: &Target) -> Option<String> {
        // Both are in order of name.
        let uid_in = |all: &[Doomed]| {
            let at = all.binary_search_by(|one| one.key.cmp(old)).ok()?;
            all.get(at).map(|one| one.uid.clone())
        };
        let uid = uid_in(&self.doomed).or_else(|| uid_in(&self.leaving))?;
        Some(rename::mark(old, &uid))
    }
}

impl State {
    /// Judges all that was gathered.
    pub fn judge(&self, mut gathered: Gathered, live: &Targets, now: jiff::Timestamp) -> Sentence {
        // What a person deleted and policy leaves deleted is not made.
        gathered.unmade.retain(|target| !self.left_deleted.contains_key(target));
        let renames = self.renames(&gathered, live);
        let mut renamed = renames.clone();
        for doomed in &gathered.doomed {
            if let Some(new) = gathered.renamed.get(&rename::mark(&doomed.key, &doomed.uid)) {
                renamed.insert(doomed.key.clone(), new.clone());
            }
        }
        let verdict = judge(&Case {
            sync_uid: &self.settings.sync.uid,
            deletions: &gathered.doomed,
            stay: gathered.stay,
            creations: gathered.unmade.len(),
            asks: self.guards.asks(),
            unborn: self.unborn(live),
            renamed: &renamed,
            budget: self.settings.budget,
            recent: self.holds.recent(),
            held_of: self.holds.held_of(),
            approve: self.settings.approve.as_deref().filter(|_| !self.settings.suspended),
            approved: self.holds.approved(),
            now,
        });
        Sentence { gathered, verdict, renames }
    }

    /// Only a MicroService serves anybody: what else is renamed leaves no gap.
    fn renames(&self, gathered: &Gathered, live: &Targets) -> BTreeMap<Target, Target> {
        let services = gathered.unmade.iter().filter(|key| key.kind == Kind::MicroService);
        let made = services.filter_map(|key| {
            let object = self.declared.objects.get(key)?;
            Some(Side { key, body: &object.document.body, file: Some(&*object.file) })
        });
        let mut made = made.peekable();
        if made.peek().is_none() {
            return BTreeMap::new();
        }
        let going = gathered.doomed.iter().chain(&gathered.leaving);
        let doomed = going.filter(|doomed| doomed.key.kind == Kind::MicroService);
        let members: Vec<_> = doomed.filter_map(|doomed| Some((&doomed.key, live.get(&doomed.key)?))).collect();
        let gone = members.iter().map(|(key, member)| {
            let file = member.standing().path.as_deref();
            Side { key, body: member.object().json(), file }
        });
        rename::pairs(made, gone)
    }
}
