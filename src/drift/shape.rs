//! What kind of value stands where: the part of Kubernetes' schemas that decides how values compare.
//! The tables are in `kinds`.

use serde_json::Value;

/// How a value compares.
#[derive(Debug)]
pub(super) enum Shape {
    /// Not compared: written by the API server, or by nobody who declares anything.
    Ignored,
    /// Somebody's wish where it is not declared, and compared where it is.
    Wish,
    /// The same, and compared as this.
    WishOf(&'static Shape),
    /// Anything else: scalars as they are, maps field by field, lists whole.
    Any,
    /// A scalar whose zero value (`""`, `0`, `false`) the API server drops.
    Omitted,
    /// A text that the API server fills in where it is absent.
    Text(&'static str),
    /// A whole number that the API server fills in where it is absent.
    Whole(i64),
    /// A flag that the API server fills in where it is absent.
    Flag(bool),
    /// A container's pull policy; its default follows from the image.
    PullPolicy,
    /// A Service's target port, a number or a name; its default is the port.
    TargetPort,
    /// A Service's affinity in detail; its default follows from the affinity that is declared.
    AffinityConfig,
    /// A number with a unit.
    Quantity,
    /// A number, or a text that may be one.
    IntOrString,
    /// The same, with what the API server fills in where it is absent.
    IntOrPercent(&'static str),
    /// A whole object with these fields beside the usual ones.
    Object(Fields),
    /// A map with these known fields.
    Record(Fields),
    /// The same, and the API server fills it in where nobody declares it: it is never added or
    /// removed itself, its fields are.
    Filled(Fields),
    /// A map whose entries live on their own.
    Map(&'static Shape),
    /// Labels or annotations: a map in which some keys are marks of tools.
    Marks,
    /// A list whose items are known by these fields, in any order.
    Keyed(&'static [Key], &'static Shape),
    /// A map that belongs to one manager as a whole.
    Atomic(&'static Shape),
    /// A list that belongs to one manager as a whole, with the shape of its items.
    List(&'static Shape),
    /// Such a list, which the API server fills in where it is absent: this, as compact JSON with sorted keys;
    /// with the shape of its items.
    Given(&'static str, &'static Shape),
    /// A list of scalars, each of which lives on its own, in any order.
    Set,
}

/// Known fields with their shapes; all others are [`Shape::Any`].
pub(super) type Fields = &'static [(&'static str, &'static Shape)];

/// A field that is part of the key of a list's items.
#[derive(Debug)]
pub(super) struct Key {
    /// The field.
    pub(super) name: &'static str,
    /// What it is where it is absent.
    pub(super) default: Option<&'static str>,
}

impl Shape {
    /// The shape of a field of a map.
    pub(super) fn field(&self, name: &str) -> &'static Self {
        let known = |fields: Fields| fields.iter().find(|(field, _)| *field == name).map(|(_, shape)| *shape);
        match self {
            Self::Ignored => &Self::Ignored,
            Self::Record(fields) | Self::Filled(fields) => known(fields).unwrap_or(&Self::Any),
            Self::Object(fields) => match name {
                "apiVersion" | "kind" | "status" => &Self::Ignored,
                "metadata" => &METADATA,
                _ => known(fields).unwrap_or(&Self::Any),
            },
            Self::Map(values) => values,
            Self::Atomic(inner) | Self::WishOf(inner) => inner.field(name),
            _ => &Self::Any,
        }
    }

    /// What counts where it is declared.
    pub(super) fn declared(&'static self) -> &'static Self {
        if let Self::WishOf(inner) = self { inner } else { self }
    }

    /// The shape of an item of a list.
    pub(super) fn item(&self) -> &'static Self {
        match self {
            Self::Ignored => &Self::Ignored,
            Self::Keyed(_, item) | Self::List(item) | Self::Given(_, item) => item,
            Self::Atomic(inner) => inner.item(),
            _ => &Self::Any,
        }
    }

    /// How a value merges, in the words of Kubernetes' OpenAPI documents, and how it is written.
    pub(super) fn word(&self) -> String {
        match self {
            Self::Atomic(_) => "atomic map".into(),
            Self::WishOf(inner) => inner.word(),
            Self::Keyed(keys, _) => {
                let names: Vec<_> = keys.iter().map(|key| key.name).collect();
                format!("map by {}", names.join(","))
            }
            Self::Set => "set".into(),
            Self::Quantity => "quantity".into(),
            Self::IntOrString | Self::IntOrPercent(_) | Self::TargetPort => "int-or-string".into(),
            _ => "plain".into(),
        }
    }

    /// What the API server fills in; none where that follows from something beside it.
    pub(super) fn default(&self) -> Option<Value> {
        match self {
            Self::Text(default) | Self::IntOrPercent(default) => Some(Value::from(*default)),
            Self::Whole(default) => Some(Value::from(*default)),
            Self::Flag(default) => Some(Value::from(*default)),
            Self::Given(default, _) => serde_json::from_str(default).ok(),
            Self::WishOf(inner) => inner.default(),
            _ => None,
        }
    }

    /// Whether a value of this shape is there whoever declares it, so that only what is in it counts.
    pub(super) fn is_always_there(&self) -> bool {
        matches!(self, Self::Object(_) | Self::Filled(_) | Self::Map(_) | Self::Marks)
    }
}

/// `metadata` of an object, and of a pod template.
pub(super) static METADATA: Shape = Shape::Filled(&[
    ("name", &Shape::Ignored),
    ("generateName", &Shape::Ignored),
    ("namespace", &Shape::Ignored),
    ("uid", &Shape::Ignored),
    ("resourceVersion", &Shape::Ignored),
    ("generation", &Shape::Ignored),
    ("creationTimestamp", &Shape::Ignored),
    ("deletionTimestamp", &Shape::Ignored),
    ("deletionGracePeriodSeconds", &Shape::Ignored),
    ("managedFields", &Shape::Ignored),
    ("selfLink", &Shape::Ignored),
    ("labels", &Shape::Marks),
    ("annotations", &Shape::Marks),
    ("ownerReferences", &Shape::Keyed(&[Key { name: "uid", default: None }], &Shape::Atomic(&Shape::Any))),
    // A finalizer stands for something outside that its owner has yet to clean up: it is never drift.
    ("finalizers", &Shape::Ignored),
]);
