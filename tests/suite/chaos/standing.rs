//! What the status of a GitSync may say at rest, by what it declares and what is live. Pure: it knows nothing of daemons.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::model::Found;
use super::tree::{Policy, Says, Spec, Tree};
use crate::support::kube::condition;

/// Deletions of a held plan that a status names.
const NAMED: usize = 20;

/// A service at rest, with what is said of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Live {
    pub found: Found,
    /// It says that it is ready.
    pub ready: bool,
    /// Its Deployment is not as it says.
    pub differs: bool,
}

/// A GitSync at rest, when all is well.
#[derive(Debug, Clone, Copy)]
pub struct Standing<'a> {
    pub sync: &'a Value,
    /// Whether it is the second one.
    pub second: bool,
    /// Whether the first one is not ready: the second waits for it.
    pub waits: bool,
    /// What Git declares.
    pub head: &'a Tree,
    pub services: &'a BTreeMap<String, Live>,
    /// What is done about drift where a service says nothing else.
    pub policy: Policy,
    /// Percent of the members that may be deleted in an hour without a word.
    pub budget: usize,
}

impl Standing<'_> {
    /// All that its status says and that is not so, or does not say and is.
    pub fn wrong(&self) -> Vec<String> {
        if self.second && self.waits {
            return self.waiting().into_iter().collect();
        }
        let mut wrong = self.hold();
        wrong.extend(self.conditions());
        wrong.extend(self.counts());
        wrong
    }

    /// Services whose deletion waits, as the status says, and whether it names them all.
    pub fn held(&self) -> (BTreeSet<String>, bool) {
        let hold = &self.sync["status"]["hold"];
        let names = hold["deletes"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let names = names.map(|name| name.rsplit('/').next().unwrap_or(name).to_owned()).collect();
        (names, number(&hold["deletions"]) <= NAMED)
    }

    /// What is live of it, and no commit declares any more.
    pub fn undeclared(&self) -> BTreeSet<&str> {
        self.own().filter(|(name, _)| self.head.get(name).is_none()).map(|(name, _)| name).collect()
    }

    fn own(&self) -> impl Iterator<Item = (&str, &Live)> {
        let own = self.services.iter().filter(|(_, live)| live.found.spec.second == self.second);
        own.map(|(name, live)| (name.as_str(), live))
    }

    /// What Git declares of it. A refused manifest is the first one's.
    fn declared(&self) -> impl Iterator<Item = (&'static str, Says)> {
        self.head.iter().filter(|(_, says)| match says {
            Says::Good(spec) => spec.second == self.second,
            Says::Bad => !self.second,
        })
    }

    fn bad(&self) -> impl Iterator<Item = &'static str> {
        self.declared().filter(|(_, says)| *says == Says::Bad).map(|(name, _)| name)
    }

    fn hold_reason(&self) -> Option<&str> {
        self.sync["status"]["hold"]["reason"].as_str()
    }

    fn waiting(&self) -> Option<String> {
        let ready = condition(self.sync, "Ready");
        let known = ["Applied", "DependencyNotReady", "PlanHeld"].iter().any(|reason| ready["reason"] == *reason);
        (!known).then(|| format!("it waits for the first one, and says {ready:#}"))
    }

    /// What is not declared is gone, or held: each of them, and for a reason that there is.
    fn hold(&self) -> Vec<String> {
        let (hold, undeclared) = (&self.sync["status"]["hold"], self.undeclared());
        let Some(reason) = self.hold_reason() else {
            let left = (!undeclared.is_empty()).then(|| format!("not declared, and nothing says why: {undeclared:?}"));
            return left.into_iter().collect();
        };
        let mut wrong = Vec::new();
        let (named, _) = self.held();
        let others: Vec<_> = named.iter().filter(|name| !undeclared.contains(name.as_str())).collect();
        if number(&hold["deletions"]) != undeclared.len() || named.len() != undeclared.len().min(NAMED) {
            wrong.push(format!("{undeclared:?} are not declared, and held are: {hold:#}"));
        }
        if !others.is_empty() {
            wrong.push(format!("held, and declared or gone: {others:?}"));
        }
        let known = match reason {
            "PruneBudget" => self.is_beyond_budget(undeclared.len()),
            "EmptyTree" => self.declared().next().is_none(),
            "LastObject" => undeclared.len() == self.own().count(),
            // What is refused and not there may be a new name of what would go; or a new name is not ready.
            "RenamePending" => {
                self.bad().any(|name| !self.services.contains_key(name)) || self.own().any(|(_, live)| !live.ready)
            }
            _ => false,
        };
        if !known {
            wrong.push(format!("held for a reason that there is not: {hold:#}"));
        }
        wrong
    }

    /// As docs/syncing.md has it.
    fn is_beyond_budget(&self, deletions: usize) -> bool {
        let status = &self.sync["status"];
        let recent = || status["recentDeletions"].as_array().into_iter().flatten();
        let earlier: usize = recent().map(|entry| number(&entry["count"])).sum();
        let first = recent().next().map(|entry| number(&entry["members"]));
        let held_of = status["hold"]["members"].as_u64().map(|_| number(&status["hold"]["members"]));
        let base = [first, held_of].into_iter().flatten().fold(self.own().count() + earlier, usize::min);
        let allowed = if self.budget == 0 { 0 } else { (base * self.budget / 100).max(1) };
        deletions + earlier > allowed
    }

    /// It is ready, or says the one reason that there is; and nothing is under way.
    fn conditions(&self) -> Option<String> {
        let held = self.hold_reason();
        let expected = match held {
            Some(reason) if reason != "RenamePending" => ("False", "PlanHeld", true, false),
            _ if self.bad().next().is_some() => ("False", "InvalidManifests", true, false),
            Some(reason) => ("False", reason, false, true),
            None => ("True", "Applied", false, false),
        };
        let said = |kind: &str| condition(self.sync, kind);
        let (ready, is) = (said("Ready"), |kind: &str| said(kind)["status"] == "True");
        let found = (text(&ready["status"]), text(&ready["reason"]), is("Stalled"), is("Reconciling"));
        let should = "Ready, its reason, Stalled and Reconciling should be";
        (found != expected).then(|| format!("{should} {expected:?}, and are {found:?}: {ready:#}"))
    }

    /// What it counts is there.
    fn counts(&self) -> Vec<String> {
        let counts = &self.sync["status"]["counts"];
        let mut wrong = Vec::new();
        let ready = self.own().filter(|(_, live)| live.ready).count();
        for (what, there) in
            [("declared", self.declared().count()), ("ready", ready), ("quarantined", self.bad().count())]
        {
            if number(&counts[what]) != there {
                wrong.push(format!("{there} are {what}, and it counts {counts:#}"));
            }
        }
        let (least, most) = self.drifted();
        let drifted = number(&counts["drifted"]);
        if drifted < least || drifted > most {
            wrong.push(format!("from {least} to {most} have drifted, and it counts {counts:#}"));
        }
        let said = condition(self.sync, "Drifted");
        if (said["status"] == "True") != (drifted > 0) {
            wrong.push(format!("it counts {drifted} that have drifted, and says {said:#}"));
        }
        wrong
    }

    /// How many have drifted: at least, and at most, for of what is not declared nobody can say that it has.
    fn drifted(&self) -> (usize, usize) {
        let (mut least, mut most) = (0, 0);
        for (name, says) in self.declared() {
            let Says::Good(spec) = says else { continue };
            let policy = spec.policy.unwrap_or(self.policy);
            let live = self.services.get(name);
            let drifted = policy == Policy::Report && live.is_none_or(|live| live.has_drifted(spec));
            least += usize::from(drifted);
            most += usize::from(drifted);
        }
        most += self.own().filter(|(name, _)| !matches!(self.head.get(name), Some(Says::Good(_)))).count();
        (least, most)
    }
}

impl Live {
    fn has_drifted(&self, spec: Spec) -> bool {
        let Found { spec: live, added, .. } = self.found;
        live.replicas != spec.replicas || added || self.differs
    }
}

fn number(value: &Value) -> usize {
    value.as_u64().unwrap_or_default().try_into().unwrap_or(usize::MAX)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn good(second: bool) -> Says {
        Says::Good(Spec { image: 1, replicas: 1, second, policy: None })
    }

    fn live(replicas: u32) -> Live {
        let spec = Spec { image: 1, replicas, ..Spec::default() };
        Live { found: Found { spec, added: false, generation: 1 }, ready: true, differs: false }
    }

    /// A status that says so: Ready and its reason, and so many declared, ready, refused and drifted.
    fn said(ready: &str, counts: [usize; 4]) -> Value {
        let held = !["Applied", "RenamePending", "DependencyNotReady"].contains(&ready);
        let truth = |yes: bool| if yes { "True" } else { "False" };
        let condition = |kind: &str, yes: bool| json!({"type": kind, "status": truth(yes), "reason": ready});
        let conditions = [
            condition("Ready", ready == "Applied"),
            condition("Stalled", held),
            condition("Reconciling", !held && ready != "Applied"),
            condition("Drifted", counts[3] > 0),
        ];
        let [declared, ready, quarantined, drifted] = counts;
        let counts = json!({"declared": declared, "ready": ready, "quarantined": quarantined, "drifted": drifted});
        json!({"status": {"conditions": conditions, "counts": counts}})
    }

    fn held(mut sync: Value, reason: &str, names: &[&str]) -> Value {
        let names: Vec<_> = names.iter().map(|name| format!("shop/{name}")).collect();
        sync["status"]["hold"] = json!({"reason": reason, "deletions": names.len(), "deletes": names});
        sync
    }

    #[derive(Clone, Copy)]
    struct Case {
        policy: Policy,
        second: bool,
        waits: bool,
    }

    const PLAIN: Case = Case { policy: Policy::Correct, second: false, waits: false };

    /// How much is wrong with what is said where Git declares that and this is live.
    #[track_caller]
    fn check(case: Case, head: &[(&'static str, Says)], services: &[(&str, Live)], sync: &Value, wrong: usize) {
        let Case { policy, second, waits } = case;
        let head: Tree = head.iter().copied().collect();
        let services = services.iter().map(|(name, live)| ((*name).to_owned(), *live)).collect();
        let standing = Standing { sync, second, waits, head: &head, services: &services, policy, budget: 20 };
        let said = standing.wrong();
        assert_eq!(said.len(), wrong, "{said:#?}");
    }

    #[test]
    fn where_all_is_as_declared_it_says_so() {
        let (head, there) = ([("ant", good(false)), ("bee", good(false))], [("ant", live(1)), ("bee", live(1))]);
        check(PLAIN, &head, &there, &said("Applied", [2, 2, 0, 0]), 0);
        check(PLAIN, &head, &there, &said("Progressing", [2, 2, 0, 0]), 1);
        check(PLAIN, &head, &there, &said("PlanHeld", [2, 2, 0, 0]), 1);
        for counts in [[1, 2, 0, 0], [2, 1, 0, 0], [2, 2, 1, 0], [2, 2, 0, 1]] {
            check(PLAIN, &head, &there, &said("Applied", counts), 1);
        }
        let mut reconciling = said("Applied", [2, 2, 0, 0]);
        reconciling["status"]["conditions"][2]["status"] = json!("True");
        check(PLAIN, &head, &there, &reconciling, 1);
    }

    #[test]
    fn a_refused_manifest_is_why_it_is_not_ready() {
        let (head, there) = ([("ant", good(false)), ("bee", Says::Bad)], [("ant", live(1)), ("bee", live(1))]);
        check(PLAIN, &head, &there, &said("InvalidManifests", [2, 2, 1, 0]), 0);
        check(PLAIN, &head, &there, &said("Applied", [2, 2, 1, 0]), 1);
    }

    #[test]
    fn what_is_held_is_named_and_for_a_reason() {
        let head = [("ant", good(false))];
        let there = [("ant", live(1)), ("bee", live(1)), ("cat", live(1))];
        let says = || said("PlanHeld", [1, 3, 0, 0]);
        check(PLAIN, &head, &there, &held(says(), "PruneBudget", &["bee", "cat"]), 0);
        check(PLAIN, &head, &there, &held(says(), "PruneBudget", &["bee"]), 1);
        check(PLAIN, &head, &there, &held(says(), "PruneBudget", &["ant", "bee"]), 1);
        for reason in ["UnreadableDocument", "LastObject", "EmptyTree", "RewrittenHistory"] {
            check(PLAIN, &head, &there, &held(says(), reason, &["bee", "cat"]), 1);
        }
        // One may go by the budget.
        check(PLAIN, &head, &there[..2], &held(said("PlanHeld", [1, 2, 0, 0]), "PruneBudget", &["bee"]), 1);
        check(PLAIN, &[], &there[1..2], &held(said("PlanHeld", [0, 1, 0, 0]), "EmptyTree", &["bee"]), 0);
        // A manifest that is refused and can be told from others keeps nothing back, unless it is of nothing that is there.
        let refused = [("ant", good(false)), ("dog", Says::Bad)];
        let says = || said("InvalidManifests", [2, 2, 1, 0]);
        check(PLAIN, &refused, &there[..2], &held(says(), "RenamePending", &["bee"]), 0);
        let says = |count| said("InvalidManifests", [2, count, 1, 0]);
        let with_dog = [there[0], there[1], ("dog", live(1))];
        check(PLAIN, &refused, &with_dog, &held(says(3), "RenamePending", &["bee"]), 1);
        check(PLAIN, &refused, &with_dog, &says(3), 1);
    }

    #[test]
    fn what_has_drifted_and_stays_is_counted() {
        let head = [("ant", good(false)), ("bee", good(false))];
        let case = |policy| Case { policy, ..PLAIN };
        let edited = [("ant", live(5)), ("bee", Live { differs: true, ..live(1) })];
        check(case(Policy::Report), &head, &edited, &said("Applied", [2, 2, 0, 2]), 0);
        check(case(Policy::Report), &head, &edited, &said("Applied", [2, 2, 0, 1]), 1);
        check(case(Policy::Ignore), &head, &edited, &said("Applied", [2, 2, 0, 0]), 0);
        check(case(Policy::Ignore), &head, &edited, &said("Applied", [2, 2, 0, 1]), 1);
        check(case(Policy::Report), &head, &edited[..1], &said("Applied", [2, 1, 0, 2]), 0);
    }

    #[test]
    fn the_second_one_may_wait_for_the_first() {
        let case = |waits| Case { second: true, waits, ..PLAIN };
        let head = [("ant", good(true))];
        check(case(true), &head, &[], &said("DependencyNotReady", [1, 0, 0, 0]), 0);
        check(case(true), &head, &[], &said("Progressing", [1, 0, 0, 0]), 1);
        check(case(false), &head, &[], &said("DependencyNotReady", [1, 0, 0, 0]), 1);
        let mut there = live(1);
        there.found.spec.second = true;
        check(case(false), &head, &[("ant", there)], &said("Applied", [1, 1, 0, 0]), 0);
    }
}
