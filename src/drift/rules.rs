//! What is done about each difference: a GitSync's policy and rules, compiled, and one answer per field.
//!
//! The first rule that fits a field decides; then what the object says of itself; then the GitSync's policy. A rule
//! comes before the object because it speaks of a field: whoever sets an object to Correct does not mean the replicas
//! that a rule leaves to an autoscaler. It never decides about the marks that say whose an object is.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::correct::is_own_mark;
use super::learned::Learned;
use crate::api::drift::{DriftRule, DriftTarget};
use crate::api::gitsync::{Drift, DriftPolicy};
use crate::model::pattern::{Glob, PathPattern, PatternError};
use crate::model::{ChangeKind, FieldDrift, ObjectKey};

/// What a GitSync says about drift, compiled.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RuleBook {
    policy: DriftPolicy,
    rules: Box<[Rule]>,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    kind: Option<Box<str>>,
    name: Option<Glob>,
    namespace: Option<Glob>,
    paths: Box<[PathPattern]>,
    managers: Box<[Glob]>,
    policy: DriftPolicy,
    /// What tells it from others, wherever it stands in the list.
    identity: u64,
}

/// A rule that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("spec.drift.rules[{rule}] has the path {path:?}: {error}")]
pub struct RuleError {
    rule: usize,
    path: String,
    error: PatternError,
}

/// What is done about differences of one object, field by field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policies {
    book: Arc<RuleBook>,
    /// Rules for this object, in their order.
    rules: Box<[usize]>,
    /// Where no rule fits.
    own: DriftPolicy,
    /// Whether nothing is put back, and what would be is told.
    reporting: bool,
}

/// What is done, and which rule says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ruling {
    /// What is done.
    pub policy: DriftPolicy,
    /// The rule, from 0; none where it is the policy of the object or of the GitSync.
    pub rule: Option<usize>,
}

/// The two forms of an object.
#[derive(Debug, Clone, Copy)]
pub struct Forms<'a> {
    /// What is declared.
    pub declared: &'a Value,
    /// What the cluster has.
    pub live: &'a Value,
}

/// Differences, each with what is done about it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ruled {
    fields: Vec<RuledField>,
    /// Whether what is put back has to wait.
    waits: bool,
}

/// One difference.
#[derive(Debug, Clone, PartialEq)]
pub struct RuledField {
    /// The difference.
    pub drift: FieldDrift,
    /// What is done about it.
    pub ruling: Ruling,
}

impl RuleBook {
    /// One policy for everything.
    pub fn uniform(policy: DriftPolicy) -> Self {
        Self { policy, rules: Box::default() }
    }

    /// Compiles what a spec says.
    pub fn compile(drift: Option<&Drift>) -> Result<Self, RuleError> {
        let Some(drift) = drift else { return Ok(Self::default()) };
        let rules = drift.rules.iter().enumerate().map(|(at, rule)| Rule::compile(at, rule));
        Ok(Self { policy: drift.policy.unwrap_or_default(), rules: rules.collect::<Result<_, _>>()? })
    }

    /// The same, from JSON. What cannot be read may be another version's way to leave something alone: then everything
    /// is left alone, and told.
    pub fn of_spec(spec: &Value) -> Self {
        let drift = spec.get("drift").filter(|drift| !drift.is_null());
        let read = drift.map(Drift::deserialize).transpose().ok();
        let compiled = read.and_then(|drift| Self::compile(drift.as_ref()).ok());
        compiled.unwrap_or_else(|| Self::uniform(DriftPolicy::Report))
    }

    /// How many rules it has.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether it has no rule.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// What is done about an object; `own` is what it says of itself.
    pub fn policies(self: &Arc<Self>, kind: &str, key: &ObjectKey, own: Option<DriftPolicy>) -> Policies {
        let fitting = self.rules.iter().enumerate().filter(|(_, rule)| rule.is_for(kind, key));
        Policies {
            rules: fitting.map(|(at, _)| at).collect(),
            own: own.unwrap_or(self.policy),
            book: Arc::clone(self),
            reporting: false,
        }
    }

    /// Whether a rule may be for some of these objects, or for a child of them. Names of children are not known here.
    pub fn may_be_for<'a>(
        &self,
        rule: usize,
        objects: impl IntoIterator<Item = (&'a str, &'a ObjectKey)>,
        child_kinds: &[&str],
    ) -> bool {
        let Some(rule) = self.rules.get(rule) else { return false };
        let child = rule.kind.as_deref().is_none_or(|kind| child_kinds.contains(&kind));
        let namespace = |key: &ObjectKey| rule.namespace.as_ref().is_none_or(|glob| glob.fits(&key.namespace));
        objects.into_iter().any(|(kind, key)| rule.is_for(kind, key) || (child && namespace(key)))
    }

    /// A rule in words, counted from 1: `rule 2 (Deployment *-canary, /spec/replicas, by keda: Ignore)`.
    pub fn describe(&self, rule: usize) -> String {
        let Some(found) = self.rules.get(rule) else { return format!("rule {}", rule + 1) };
        let target = [
            found.kind.as_ref().map(ToString::to_string),
            found.name.as_ref().map(ToString::to_string),
            found.namespace.as_ref().map(|namespace| format!("in {namespace}")),
        ];
        let target = target.into_iter().flatten().collect::<Vec<_>>().join(" ");
        let managers = (!found.managers.is_empty()).then(|| format!("by {}", listed(&found.managers)));
        let paths = (!found.paths.is_empty()).then(|| listed(&found.paths));
        let parts = [(!target.is_empty()).then_some(target), paths, managers];
        let parts = parts.into_iter().flatten().collect::<Vec<_>>().join(", ");
        let parts = if parts.is_empty() { "everything".into() } else { parts };
        format!("rule {} ({parts}: {})", rule + 1, found.policy.as_str())
    }

    /// What tells a rule from others, wherever it stands in the list.
    pub(super) fn identity(&self, rule: usize) -> Option<u64> {
        self.rules.get(rule).map(|rule| rule.identity)
    }
}

/// The first ones of a list, in words.
fn listed<T: ToString>(all: &[T]) -> String {
    const SHOWN: usize = 3;
    let mut shown: Vec<_> = all.iter().take(SHOWN).map(ToString::to_string).collect();
    if all.len() > SHOWN {
        shown.push(format!("{} more", all.len() - SHOWN));
    }
    shown.join(" or ")
}

impl Rule {
    fn compile(at: usize, rule: &DriftRule) -> Result<Self, RuleError> {
        let DriftRule { target, paths, managers, policy } = rule;
        let DriftTarget { kind, name, namespace } = target.clone().unwrap_or_default();
        let path =
            |path: &String| PathPattern::parse(path).map_err(|error| RuleError { rule: at, path: path.clone(), error });
        let mut identity = DefaultHasher::new();
        format!("{rule:?}").hash(&mut identity);
        let glob = |text: Option<String>| text.map(|text| Glob::new(&text));
        Ok(Self {
            kind: kind.map(Into::into),
            name: glob(name),
            namespace: glob(namespace),
            paths: paths.iter().map(path).collect::<Result<_, _>>()?,
            managers: managers.iter().map(|manager| Glob::new(manager)).collect(),
            policy: *policy,
            identity: identity.finish(),
        })
    }

    fn is_for(&self, kind: &str, key: &ObjectKey) -> bool {
        self.kind.as_deref().is_none_or(|wanted| wanted == kind)
            && self.name.as_ref().is_none_or(|glob| glob.fits(&key.name))
            && self.namespace.as_ref().is_none_or(|glob| glob.fits(&key.namespace))
    }

    fn fits(&self, drift: &FieldDrift, forms: &Forms<'_>) -> bool {
        let removed = drift.change == ChangeKind::Removed;
        let object = if removed { forms.declared } else { forms.live };
        // A value that only one side has is there or not there with everything in it.
        let whole = match drift.change {
            ChangeKind::Added => drift.live.as_ref(),
            ChangeKind::Removed => drift.declared.as_ref(),
            _ => None,
        };
        let by = |manager: &str| self.managers.iter().any(|glob| glob.fits(manager));
        let manager = self.managers.is_empty() || drift.attribution.manager.as_deref().is_some_and(by);
        let path = |path: &PathPattern| path.fits(&drift.pointer, object, whole);
        manager && (self.paths.is_empty() || self.paths.iter().any(path))
    }
}

impl Policies {
    /// The same, where nothing may be put back: what would be is told and left. Who wants corrections to pause asks here.
    #[must_use]
    pub fn reporting_if(mut self, reporting: bool) -> Self {
        self.reporting |= reporting;
        self
    }

    /// What is done about one difference.
    pub fn of(&self, drift: &FieldDrift, forms: &Forms<'_>) -> Ruling {
        if is_own_mark(&drift.pointer) {
            // They say whose the object is: what is not told of them could hide whose it became.
            let policy = if self.own == DriftPolicy::Ignore { DriftPolicy::Report } else { self.own };
            return self.ruling(policy, None);
        }
        self.decide(|rule| rule.fits(drift, forms))
    }

    /// What is done about the object as a whole, where somebody deleted it. Nobody knows who: a rule about fields or
    /// managers has nothing to say.
    pub fn of_object(&self) -> Ruling {
        self.decide(|rule| rule.paths.is_empty() && rule.managers.is_empty())
    }

    /// What is done about some differences.
    pub fn rule(&self, drifts: impl IntoIterator<Item = FieldDrift>, forms: &Forms<'_>) -> Ruled {
        let ruled = |drift| RuledField { ruling: self.of(&drift, forms), drift };
        let mut fields: Vec<_> = drifts.into_iter().map(ruled).collect();
        if !self.reporting {
            regain(&mut fields);
        }
        Ruled { fields, waits: false }
    }

    fn decide(&self, fits: impl Fn(&Rule) -> bool) -> Ruling {
        let rules = self.rules.iter().filter_map(|at| Some((*at, self.book.rules.get(*at)?)));
        match rules.into_iter().find(|(_, rule)| fits(rule)) {
            Some((at, rule)) => self.ruling(rule.policy, Some(at)),
            None => self.ruling(self.own, None),
        }
    }

    fn ruling(&self, policy: DriftPolicy, rule: Option<usize>) -> Ruling {
        let reported = self.reporting && policy == DriftPolicy::Correct;
        Ruling { policy: if reported { DriftPolicy::Report } else { policy }, rule }
    }
}

/// A field that is as declared, and that Gitmoor no longer owns, is regained under Report, too: no value changes by that,
/// and without it a drift that a person took back would go on until the next commit. But not while something else is
/// left as it is: the apply would have to keep that.
fn regain(fields: &mut [RuledField]) {
    let lost =
        |field: &RuledField| field.drift.change == ChangeKind::Disowned && !field.drift.pointer.segments().is_empty();
    let left = |field: &RuledField| field.ruling.policy == DriftPolicy::Report;
    if fields.iter().filter(|field| left(field)).all(lost) {
        fields.iter_mut().filter(|field| left(field)).for_each(|field| field.ruling.policy = DriftPolicy::Correct);
    }
}

impl Ruled {
    /// The same, where corrections wait: nothing is put back now, and everything stays what it is under.
    #[must_use]
    pub fn waiting_if(mut self, waits: bool) -> Self {
        self.waits = waits;
        self
    }

    /// The same, where some of it cannot be put back: it is told and left.
    #[must_use]
    pub fn leaving(mut self, stuck: impl Fn(&FieldDrift) -> bool) -> Self {
        for field in self.fields.iter_mut().filter(|field| field.ruling.policy == DriftPolicy::Correct) {
            if stuck(&field.drift) {
                field.ruling.policy = DriftPolicy::Report;
            }
        }
        self
    }

    /// Whether it says anything of a difference.
    pub fn speaks_of(&self, drift: &FieldDrift) -> bool {
        self.fields.iter().any(|field| field.drift == *drift)
    }

    /// What is told, in the order of the fields.
    pub fn told(&self) -> impl Iterator<Item = &RuledField> {
        self.fields.iter().filter(|field| field.ruling.policy != DriftPolicy::Ignore)
    }

    /// What nothing is said about.
    pub fn ignored(&self) -> impl Iterator<Item = &FieldDrift> {
        self.fields.iter().filter(|field| field.ruling.policy == DriftPolicy::Ignore).map(|field| &field.drift)
    }

    /// What is put back now.
    pub fn corrected(&self) -> Vec<FieldDrift> {
        self.fields.iter().filter(|field| self.is_corrected(field)).map(|field| field.drift.clone()).collect()
    }

    /// What stays as it is.
    pub fn kept(&self) -> Vec<FieldDrift> {
        self.fields.iter().filter(|field| !self.is_corrected(field)).map(|field| field.drift.clone()).collect()
    }

    /// Whether one of them is put back now.
    pub fn is_corrected(&self, field: &RuledField) -> bool {
        field.ruling.policy == DriftPolicy::Correct && !self.waits
    }

    /// Whether anything is put back now.
    pub fn corrects(&self) -> bool {
        self.fields.iter().any(|field| self.is_corrected(field))
    }

    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Takes out what would be told, and of which it is to be found out first whether the API server itself makes it so.
    pub fn take_open(&mut self, learned: &Learned, live: &Value, manager: &str) -> Vec<FieldDrift> {
        let told = |field: &RuledField| field.ruling.policy != DriftPolicy::Ignore;
        let open = |field: &mut RuledField| told(field) && learned.is_open(&field.drift, live, manager);
        self.fields.extract_if(.., open).map(|field| field.drift).collect()
    }

    /// Rules that decided, from 0.
    pub fn rules(&self) -> impl Iterator<Item = usize> {
        self.fields.iter().filter_map(|field| field.ruling.rule)
    }
}

#[cfg(test)]
mod tests;
