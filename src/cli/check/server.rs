//! Which server it is, and how far its clock is from this machine's and from the daemon's.

use std::time::Duration;

use anyhow::Context;
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use kube::core::ApiResource;

use super::finding::Finding;
use crate::cluster::Cluster;
use crate::install::{NAME, ServerVersion, Skew, of_leader, skew};
use crate::model::ObjectKey;
use crate::model::preflight::Fault;

const VERSION: &str = "server";
const CLOCK: &str = "clock";

/// Asks it once for both.
pub async fn check(cluster: &Cluster) -> anyhow::Result<Vec<Finding>> {
    let asked = Timestamp::now();
    let greeting = cluster.greet(Duration::from_secs(6)).await.context("cannot ask the API server for its version")?;
    let answered = Timestamp::now();
    Ok(vec![version(&greeting.version), clock(greeting.time, asked, answered)])
}

fn version(answer: &serde_json::Value) -> Finding {
    let Some(version) = ServerVersion::of(answer) else {
        return Finding::unknown(VERSION, "the API server says no version that is understood");
    };
    match (version.too_old(), version.note()) {
        (Some(why), _) => Finding::wrong(VERSION, Fault::ServerTooOld, why),
        (None, Some(note)) => Finding::odd(VERSION, note),
        (None, None) => Finding::ok(VERSION, format!("Kubernetes {}", version.git)),
    }
}

/// Whether the clock of the process that leads agrees; none where nobody leads.
pub async fn leader(cluster: &Cluster, namespace: &str) -> Option<Finding> {
    let lease = cluster.get(&ApiResource::erase::<Lease>(&()), &ObjectKey::new(namespace, NAME)).await;
    // It is a matter of interest, and not of rights: who may not see it is not bothered.
    Some(compared(of_leader(&lease.ok()??.value())?, "the daemon's"))
}

fn clock(time: Option<Timestamp>, asked: Timestamp, answered: Timestamp) -> Finding {
    match time {
        Some(time) => compared(skew(time, asked, answered), "this machine's"),
        None => Finding::unknown(CLOCK, "the API server's answer says no time"),
    }
}

fn compared(skew: Skew, whose: &str) -> Finding {
    let hint = "set both by NTP; deliveries of webhooks are refused, and tokens are not valid, where clocks differ";
    let apart = |by: jiff::SignedDuration| {
        let ahead = if by.is_negative() { "behind" } else { "ahead of" };
        format!("the API server's clock is {} s {ahead} {whose}", by.as_secs().abs())
    };
    match skew {
        Skew::None => Finding::ok(CLOCK, format!("the API server's clock agrees with {whose}")),
        Skew::Some(by) => Finding::odd(CLOCK, apart(by)).hint(hint),
        Skew::TooMuch(by) => Finding::wrong(CLOCK, Fault::ClockSkew, apart(by)).hint(hint),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::State;
    use super::*;
    use serde_json::json;

    #[test]
    fn an_old_server_is_wrong_and_an_unknown_one_is_unknown() {
        let check = |minor: &str, state: State, code: Option<&str>| {
            let found = version(&json!({"major": "1", "minor": minor, "gitVersion": format!("v1.{minor}.0")}));
            assert_eq!((found.state, found.code), (state, code), "{minor}");
        };
        check("29", State::Wrong, Some("GM490"));
        check("34", State::Odd, None);
        check("37", State::Ok, None);
        check("x", State::Unknown, None);
    }

    #[test]
    fn clocks_are_told_with_their_direction() {
        let now: Timestamp = "2026-01-02T00:00:00Z".parse().unwrap();
        let ahead = clock(Some(now + jiff::SignedDuration::from_secs(90)), now, now);
        assert_eq!((ahead.state, ahead.code), (State::Wrong, Some("GM491")));
        assert_eq!(ahead.message, "the API server's clock is 90 s ahead of this machine's");
        let behind = clock(Some(now - jiff::SignedDuration::from_secs(11)), now, now);
        assert_eq!(
            (behind.state, behind.message.as_str()),
            (State::Odd, "the API server's clock is 10 s behind this machine's")
        );
        assert_eq!(clock(Some(now), now, now).state, State::Ok);
        assert_eq!(clock(None, now, now).state, State::Unknown);
        let daemon = compared(Skew::TooMuch(jiff::SignedDuration::from_secs(-70)), "the daemon's");
        assert_eq!(
            (daemon.code, daemon.message.as_str()),
            (Some("GM491"), "the API server's clock is 70 s behind the daemon's")
        );
    }
}
