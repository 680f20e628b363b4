//! How a live MicroService stands towards Git: what is known of who applied it.

use serde_json::Value;

use crate::api::SourceMark;
use crate::api::names::{PART_OF, PRUNE, RENAMED_FROM, SOURCE, SOURCE_HASH, SOURCE_PATH, SYNC_MANAGER, WAVE};

/// The marks on a live MicroService.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// `gitmoor.dev/source`, where it is there and can be read.
    pub mark: Option<SourceMark>,
    /// ApplySet that it says it is part of.
    pub part_of: Option<String>,
    /// Whether an Apply entry of the manager `gitmoor` owns that label. A copied object keeps the label, not the entry.
    pub label_owned: bool,
    /// `gitmoor.dev/source-hash`.
    pub hash: Option<String>,
    /// The path of `gitmoor.dev/source-path`, without the line.
    pub path: Option<String>,
    /// false where it says that it must not be pruned.
    pub prune: bool,
    /// `gitmoor.dev/wave`, where it is there and a number.
    pub wave: Option<i32>,
    /// Which object it gives a new name to; see [`super::rename`].
    pub renamed_from: Option<String>,
}

impl Standing {
    /// Reads the marks of a live object.
    pub fn of(object: &Value) -> Self {
        let metadata = &object["metadata"];
        let annotation = |key: &str| metadata["annotations"][key].as_str();
        Self {
            mark: annotation(SOURCE).and_then(SourceMark::parse),
            part_of: metadata["labels"][PART_OF].as_str().map(str::to_owned),
            label_owned: metadata["managedFields"].as_array().is_some_and(|entries| entries.iter().any(owns_label)),
            hash: annotation(SOURCE_HASH).map(str::to_owned),
            path: annotation(SOURCE_PATH).map(|place| split_place(place).0.to_owned()),
            prune: annotation(PRUNE) != Some("false"),
            wave: annotation(WAVE).and_then(|wave| wave.parse().ok()),
            renamed_from: annotation(RENAMED_FROM).map(str::to_owned),
        }
    }
}

/// Splits `path:line`; the line is 1 where there is none.
pub fn split_place(place: &str) -> (&str, u32) {
    match place.rsplit_once(':') {
        Some((path, line)) => line.parse().map_or((place, 1), |line| (path, line)),
        None => (place, 1),
    }
}

fn owns_label(entry: &Value) -> bool {
    let label = format!("f:{PART_OF}");
    entry["manager"] == SYNC_MANAGER
        && entry["operation"] == "Apply"
        && entry.get("subresource").is_none()
        && entry["fieldsV1"]["f:metadata"]["f:labels"].get(&label).is_some()
}
