//! Which drift policy counts for one object.

use crate::api::gitsync::DriftPolicy;

/// The policy of one object: its annotation `gitmoor.dev/drift-policy` where that says a known word,
/// else the GitSync's.
pub fn effective(global: DriftPolicy, object_annotation: Option<&str>) -> DriftPolicy {
    match object_annotation {
        Some("Correct") => DriftPolicy::Correct,
        Some("Report") => DriftPolicy::Report,
        _ => global,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_word_on_the_object_wins() {
        for global in [DriftPolicy::Correct, DriftPolicy::Report] {
            assert_eq!(effective(global, Some("Report")), DriftPolicy::Report);
            assert_eq!(effective(global, Some("Correct")), DriftPolicy::Correct);
            assert_eq!(effective(global, Some("report")), global);
            assert_eq!(effective(global, None), global);
        }
    }
}
