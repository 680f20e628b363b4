//! Fights in words: somebody keeps rewriting what is put back.

use crate::api::drift::FightStatus;

/// Reason of a condition, and of an Event, where somebody keeps rewriting what is put back.
pub const FIGHTING: &str = "Fighting";
/// Reason of the Event when that is over.
pub const ENDED: &str = "FightEnded";

/// What is said of a fight for something.
pub fn sentence(what: &str, fight: &FightStatus) -> String {
    let FightStatus { per_minute, corrected_every_seconds, .. } = fight;
    format!(
        "{what} is rewritten again and again by {}, and was put back {per_minute} times a minute; corrections now wait {corrected_every_seconds} s",
        others(fight)
    )
}

/// What is said when it is over.
pub fn ended(what: &str, fight: &FightStatus) -> String {
    format!("{what} is no longer rewritten by {}; it is put back at once again", others(fight))
}

fn others(fight: &FightStatus) -> String {
    if fight.managers.is_empty() { "unknown".to_owned() } else { fight.managers.join(" and ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

    #[test]
    fn the_other_side_is_named_as_far_as_it_is_known() {
        let check = |managers: &[&str], begin: &str, end: &str| {
            let fight = FightStatus {
                since: Time(jiff::Timestamp::UNIX_EPOCH),
                managers: managers.iter().map(|name| (*name).to_owned()).collect(),
                per_minute: 50,
                corrected_every_seconds: 15,
            };
            assert_eq!(sentence("it", &fight), begin);
            assert_eq!(ended("it", &fight), end);
        };
        check(
            &["keda", "kubectl"],
            "it is rewritten again and again by keda and kubectl, and was put back 50 times a minute; corrections now wait 15 s",
            "it is no longer rewritten by keda and kubectl; it is put back at once again",
        );
        check(
            &[],
            "it is rewritten again and again by unknown, and was put back 50 times a minute; corrections now wait 15 s",
            "it is no longer rewritten by unknown; it is put back at once again",
        );
    }
}
