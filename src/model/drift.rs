//! A difference between declared and live that no commit caused.

use serde_json::Value;

use super::pointer::Pointer;

/// How a field differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChangeKind {
    /// Another value than declared.
    Modified,
    /// Not declared, and written by somebody.
    Added,
    /// Declared, and not there.
    Removed,
    /// The value that is declared, but no longer as we applied it: our field manager lost it to another, or to nobody. It
    /// would stay when Git no longer declares it.
    Disowned,
    /// The whole object is gone.
    Deleted,
    /// The whole object is another one of the same name, which somebody else made.
    Recreated,
    /// The whole object is being deleted, and finalizers hold it.
    Terminating,
}

impl ChangeKind {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Modified, Self::Added, Self::Removed, Self::Disowned, Self::Deleted, Self::Recreated, Self::Terminating];

    /// Reads it as it is printed.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|change| change.as_str() == text)
    }

    /// As it is printed.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Modified => "Modified",
            Self::Added => "Added",
            Self::Removed => "Removed",
            Self::Disowned => "Disowned",
            Self::Deleted => "Deleted",
            Self::Recreated => "Recreated",
            Self::Terminating => "Terminating",
        }
    }
}

/// Who wrote a field, as far as Kubernetes recorded it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attribution {
    /// Field manager.
    pub manager: Option<String>,
    /// `Apply` or `Update`.
    pub operation: Option<String>,
    /// Subresource that was written through, as `scale`.
    pub subresource: Option<String>,
    /// When the manager last changed a field of its own, to the second.
    pub time: Option<jiff::Timestamp>,
}

/// One drifted field.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldDrift {
    /// Into the live object; into the declared one for [`ChangeKind::Removed`].
    pub pointer: Pointer,
    /// The same place with the items of lists named by their merge keys, as in `/spec/ports/[containerPort=80]/name`: it
    /// stays the same wherever an item moves. None where there is no such item on the way.
    pub keyed: Option<String>,
    /// How it differs.
    pub change: ChangeKind,
    /// What is declared; none for an added field.
    pub declared: Option<Value>,
    /// What the cluster has; none for a removed field.
    pub live: Option<Value>,
    /// Who did it.
    pub attribution: Attribution,
    /// Whether our own apply owns the field, too: then its value is what was last applied, and others agree with it.
    pub co_owned: bool,
}

impl FieldDrift {
    /// Whether it is surely the work of another hand than `manager`, whatever was committed since. What Git declares just
    /// as somebody else wrote it before is no drift: the apply of that commit makes it ours.
    pub fn is_by_another_than(&self, manager: &str) -> bool {
        let foreign = self.attribution.manager.as_deref().is_some_and(|by| by != manager);
        match self.change {
            ChangeKind::Added => true,
            ChangeKind::Disowned => false,
            _ => foreign && !self.co_owned,
        }
    }

    /// Whether it speaks of the same place as what was said before, where `keyed` is missing in what an older version said.
    pub fn is_at(&self, path: &str, keyed: Option<&str>) -> bool {
        match (self.keyed.as_deref(), keyed) {
            (Some(one), Some(other)) => one == other,
            _ => self.pointer.to_string() == path,
        }
    }
}
