//! What would become of each MicroService, and field by field how it differs. Pure.

use serde_json::{Value, json};

use crate::api::gitsync::DriftPolicy;
use crate::api::names::{PART_OF, SOURCE, SOURCE_HASH, SOURCE_PATH, SOURCE_REVISION, SYNC_MANAGER};
use crate::cluster::Targets;
use crate::drift::{Compare, Forms, Policies, compare};
use crate::model::pointer::Pointer;
use crate::model::{Attribution, ChangeKind, Declared, DeclaredObject, FieldDrift, HoldReason, Target};
use crate::sync::{Previewed, Would};

/// Labels and annotations of our own, which no manifest has.
const MARKS: [(&str, &str); 5] = [
    ("labels", PART_OF),
    ("annotations", SOURCE),
    ("annotations", SOURCE_PATH),
    ("annotations", SOURCE_HASH),
    ("annotations", SOURCE_REVISION),
];
/// Stands for our own earlier apply: what it owns and Git declares no more, the next apply takes away.
const EARLIER: &str = "gitmoor (earlier)";

/// What would become of one object.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The object.
    pub key: Target,
    /// What would be done.
    pub action: Action,
    /// Why it is held.
    pub hold: Option<HoldReason>,
    /// How it differs, and in which two objects.
    pub difference: Option<Difference>,
}

/// What would be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// It does not exist.
    Create,
    /// The manifest is another one than was applied.
    Update,
    /// What another hand changed is put back.
    Correct,
    /// What another hand changed stays, by policy.
    Leave,
    /// No manifest declares it.
    Delete,
    /// Nothing, for a reason.
    Hold,
    /// Nothing: it is as declared.
    Unchanged,
}

/// Two forms of one object.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// As it would be applied.
    pub declared: Value,
    /// As it is.
    pub live: Value,
    /// What differs between them.
    pub fields: Vec<Field>,
}

/// One field that differs.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// How.
    pub drift: FieldDrift,
    /// Whether another hand wrote the live value.
    pub foreign: bool,
    /// What is done about it, where no commit caused it.
    pub policy: Option<DriftPolicy>,
}

/// Manifests against the live objects of the same names, whoever applied those.
pub fn against_live(declared: &Declared, live: &Targets) -> Vec<Change> {
    let one = |(key, object): (&Target, &DeclaredObject)| {
        let body = body(key, object);
        let Some(live) = live.get(key) else { return Change::create(key, body) };
        let difference = Difference::of(&body, &live.object().value(), None, false);
        let action = if difference.fields.is_empty() { Action::Unchanged } else { Action::Update };
        Change { key: key.clone(), action, hold: None, difference: Some(difference) }
    };
    declared.objects.iter().map(one).collect()
}

impl From<Previewed> for Change {
    fn from(previewed: Previewed) -> Self {
        let Previewed { key, would, policies, held } = previewed;
        if let Some(reason) = held {
            // What it would be is shown all the same: that is what a person approves.
            let would = Self::from(Previewed { key, would, policies, held: None });
            return Self { action: Action::Hold, hold: Some(reason), ..would };
        }
        // Where the manifest is what was applied, every difference is another hand's.
        let applied = matches!(would, Would::Correct(..) | Would::Leave(..));
        let differs = |declared: &Value, live: &Value| Some(Difference::of(declared, live, Some(&policies), applied));
        let (action, hold, difference) = match &would {
            Would::Create(body) => return Self::create(&key, body.clone()),
            Would::Update(declared, live) => (Action::Update, None, differs(declared, live)),
            Would::Correct(declared, live) => (Action::Correct, None, differs(declared, live)),
            Would::Leave(declared, live) => (Action::Leave, None, differs(declared, live)),
            Would::Delete => (Action::Delete, None, None),
            Would::Hold(reason) => (Action::Hold, Some(reason.clone()), None),
            Would::Nothing => (Action::Unchanged, None, None),
        };
        Self { key, action, hold, difference }
    }
}

impl Change {
    /// A new one shows all that its manifest says, field by field.
    fn create(key: &Target, body: Value) -> Self {
        let declared = with_marks_of(body, &Value::Null);
        let within = |path: &'static str| {
            let map = declared.pointer(path).and_then(Value::as_object).into_iter().flatten();
            map.map(move |(name, value)| Field::added(path, name, value))
        };
        let fields = within("/metadata/annotations").chain(within("/metadata/labels")).chain(within("/spec")).collect();
        let difference = Difference { fields, declared, live: Value::Null };
        Self { key: key.clone(), action: Action::Create, hold: None, difference: Some(difference) }
    }
}

impl Field {
    fn added(path: &str, name: &str, value: &Value) -> Self {
        let pointer = Pointer::parse(path).unwrap_or_default().child(name);
        let drift = FieldDrift {
            co_owned: false,
            pointer,
            keyed: None,
            change: ChangeKind::Removed,
            declared: Some(value.clone()),
            live: None,
            attribution: Attribution::default(),
        };
        Self { drift, foreign: false, policy: None }
    }
}

impl Difference {
    /// Compares what would be applied with what is there, less our own marks. Fields that our own earlier apply left
    /// and that are declared no more differ, too: they go. What policy ignores is left out: it stays, without a word.
    fn of(declared: &Value, live: &Value, policies: Option<&Policies>, applied: bool) -> Self {
        let declared = with_marks_of(declared.clone(), live);
        let compared = compare(&declared, &as_earlier(live), &Compare { manager: SYNC_MANAGER });
        let forms = Forms { declared: &declared, live };
        // Under its other name, our apply owns nothing; and whose a value is changes no value.
        let differ = compared.drifts.into_iter().filter(|drift| drift.change != ChangeKind::Disowned);
        let field = |mut drift: FieldDrift| {
            let manager = drift.attribution.manager.as_deref();
            let foreign = manager.is_some_and(|manager| manager != EARLIER);
            if !foreign {
                drift.attribution = Attribution::default();
            }
            let policy = policies.filter(|_| foreign || applied).map(|policies| policies.of(&drift, &forms).policy);
            Field { foreign, policy, drift }
        };
        let told = |field: &Field| field.policy != Some(DriftPolicy::Ignore);
        let fields = differ.map(field).filter(told).collect();
        Self { fields, declared, live: live.clone() }
    }
}

fn body(key: &Target, object: &DeclaredObject) -> Value {
    // A document's body was made by serialising JSON.
    let mut body: Value = serde_json::from_str(&object.document.body).unwrap_or_else(|_| json!({}));
    body["metadata"]["namespace"] = json!(&*key.namespace);
    body
}

/// The body with the marks that the live object has, and no others.
fn with_marks_of(mut body: Value, live: &Value) -> Value {
    for (map, name) in MARKS {
        match live["metadata"][map].get(name) {
            Some(value) => body["metadata"][map][name] = value.clone(),
            None => {
                if let Some(marks) = body["metadata"][map].as_object_mut() {
                    marks.remove(name);
                }
            }
        }
    }
    body
}

/// The live object with our own apply entry under another name, so that what only it owns is found as added.
fn as_earlier(live: &Value) -> Value {
    let mut live = live.clone();
    let entries = live.pointer_mut("/metadata/managedFields").and_then(Value::as_array_mut);
    for entry in entries.into_iter().flatten() {
        if entry["manager"] == SYNC_MANAGER && entry["operation"] == "Apply" {
            entry["manager"] = json!(EARLIER);
        }
    }
    live
}
