//! Whose document it is.

use super::node::{Kind, Node};
use super::say;
use super::suggest::distance;
use crate::api::{API_VERSION, GROUP, VERSION};
pub(super) use crate::model::Kind as OurKind;
use crate::model::{Code, Diagnostic, Position};

/// Whose group a document's `apiVersion` names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Group {
    /// Ours.
    Ours,
    /// Somebody else's.
    Other,
    /// It names none that can be read, or one that is nearly ours.
    Unknown,
}

/// What a document is.
#[derive(Debug)]
pub(super) enum Identity {
    /// One of our two kinds.
    Ours(OurKind),
    /// Left alone.
    Other,
    /// Ours, or perhaps ours, but of no kind that is known.
    Refused {
        /// Why; nothing where a finding about the document says it already.
        found: Option<Diagnostic>,
        /// Whether it may have declared a MicroService.
        unreadable: bool,
    },
}

/// The kind whose name is nearly this.
fn nearest_kind(text: &str) -> Option<OurKind> {
    OurKind::ALL.into_iter().find(|kind| distance(text, kind.as_str()) <= 3)
}

/// Whose group a document's `apiVersion` names.
pub(super) fn group_of(root: &Node<'_>) -> Group {
    let versions = root.as_map().into_iter().flat_map(|mapping| mapping.all("apiVersion"));
    let groups: Vec<_> = versions.map(|version| version.as_str().map_or(Group::Unknown, group_named)).collect();
    // Of several, the one that matters most: a repeated key is a mistake, and may have been ours.
    [Group::Ours, Group::Unknown, Group::Other]
        .into_iter()
        .find(|group| groups.contains(group))
        .unwrap_or(Group::Unknown)
}

fn group_named(version: &str) -> Group {
    let group = version.split_once('/').map_or("", |(group, _)| group);
    if group == GROUP || version == GROUP {
        Group::Ours
    } else if distance(group, GROUP) <= 2 || group.starts_with("gitmoor.") {
        Group::Unknown
    } else {
        Group::Other
    }
}

/// What a document is.
pub(super) fn identify(root: &Node<'_>) -> Identity {
    let mapping = match &root.kind {
        Kind::Map(mapping) => mapping,
        Kind::List(items) if items.iter().any(is_ours) => return list(root.at),
        _ => return Identity::Other,
    };
    let group = group_of(root);
    let kind = mapping.get("kind").map(|entry| &entry.value);
    let named = kind.and_then(Node::as_str);
    if named.is_some_and(|kind| kind.ends_with("List")) && group != Group::Unknown && holds_ours(root) {
        return list(kind.unwrap_or(root).at);
    }
    let mut kinds = mapping.all("kind").filter_map(Node::as_str);
    match (group, named) {
        (Group::Other, _) => Identity::Other,
        (Group::Ours, Some(kind)) => of_our_group(root, kind),
        (Group::Ours, None) => without_kind(root, kind),
        (Group::Unknown, _) => match kinds.find_map(nearest_kind) {
            Some(_) => without_group(root),
            None => Identity::Other,
        },
    }
}

fn without_kind(root: &Node<'_>, kind: Option<&Node<'_>>) -> Identity {
    if kind.is_some_and(|kind| matches!(kind.kind, Kind::Unclear)) {
        return Identity::Refused { found: None, unreadable: true };
    }
    let at = kind.or_else(|| root.field("apiVersion").map(|entry| &entry.value)).unwrap_or(root).at;
    let found = Diagnostic::error(Code::Unidentified, at, "the document does not say of which kind it is");
    refused(found.hint("write kind: MicroService"), true)
}

fn refused(found: Diagnostic, unreadable: bool) -> Identity {
    Identity::Refused { found: Some(found), unreadable }
}

fn of_our_group(root: &Node<'_>, kind: &str) -> Identity {
    let (kind_at, version) = match (root.field("kind"), root.field("apiVersion")) {
        (Some(kind), Some(version)) => (kind.value.at, &version.value),
        _ => (root.at, root),
    };
    let Some(known) = OurKind::ALL.into_iter().find(|known| known.as_str() == kind) else {
        let found = Diagnostic::error(Code::UnknownKind, kind_at, format!("{GROUP} has no kind {}", say::word(kind)));
        let nearest = nearest_kind(kind);
        let hint = match nearest {
            Some(nearest) => format!("did you mean {}?", nearest.as_str()),
            None => "its kinds are MicroService and GitSync".to_owned(),
        };
        return refused(found.hint(hint), nearest.is_some());
    };
    if version.as_str() == Some(API_VERSION) {
        return Identity::Ours(known);
    }
    if matches!(version.kind, Kind::Unclear) {
        return Identity::Refused { found: None, unreadable: true };
    }
    let found = Diagnostic::error(Code::UnknownKind, version.at, format!("{kind} has no such version"));
    refused(found.hint(format!("write {API_VERSION}; {VERSION} is the only version")), true)
}

/// The kind is ours, the group is missing, not readable, or nearly ours.
fn without_group(root: &Node<'_>) -> Identity {
    let found = match root.field("apiVersion") {
        Some(entry) if matches!(entry.value.kind, Kind::Unclear) => {
            return Identity::Refused { found: None, unreadable: true };
        }
        Some(entry) => Diagnostic::error(Code::UnknownKind, entry.value.at, "this is not an apiVersion of Gitmoor's"),
        None => {
            let at = root.field("kind").map_or(root.at, |entry| entry.key_at);
            Diagnostic::error(Code::Unidentified, at, "the document has no apiVersion")
        }
    };
    refused(found.hint(format!("write apiVersion: {API_VERSION}")), true)
}

fn is_ours(item: &Node<'_>) -> bool {
    group_of(item) == Group::Ours
}

fn holds_ours(root: &Node<'_>) -> bool {
    let items = root.field("items").map(|entry| &entry.value.kind);
    matches!(items, Some(Kind::List(items)) if items.iter().any(is_ours))
}

fn list(at: Position) -> Identity {
    let found = Diagnostic::error(Code::Unsupported, at, "a list cannot hold objects of Gitmoor's");
    refused(found.hint("write each as a document of its own, with --- between them"), true)
}
