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
    /// The whole object is gone.
    Deleted,
}

impl ChangeKind {
    /// Every way.
    pub const ALL: [Self; 4] = [Self::Modified, Self::Added, Self::Removed, Self::Deleted];

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
            Self::Deleted => "Deleted",
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
    /// Whether it is surely the work of another hand than `manager`, whatever was committed since.
    pub fn is_by_another_than(&self, manager: &str) -> bool {
        let foreign = self.attribution.manager.as_deref().is_some_and(|by| by != manager);
        self.change == ChangeKind::Added || (foreign && !self.co_owned)
    }
}
