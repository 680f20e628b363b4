//! How far two clocks are apart, by the `Date` of an answer or by what was stored when, which both have whole seconds only.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// A difference that is told: signatures of webhooks and leases live by the clock.
const TOLD: SignedDuration = SignedDuration::from_secs(5);
/// One that breaks things: deliveries of webhooks that are older are refused, and tokens are not valid yet.
const WRONG: SignedDuration = SignedDuration::from_secs(60);

/// What a renewal of a Lease may take.
const RENEWAL: SignedDuration = SignedDuration::from_secs(10);

/// How far the server's clock is ahead of this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Skew {
    /// Too little to be told from the time that the answer took.
    None,
    /// Some.
    Some(SignedDuration),
    /// Too much.
    TooMuch(SignedDuration),
}

/// Compares the server's time with when it was asked and when it answered. The server's is of some moment between the
/// two, and up to a second later than it says.
pub fn skew(server: Timestamp, asked: Timestamp, answered: Timestamp) -> Skew {
    let latest = server + SignedDuration::from_secs(1);
    let apart = if latest < asked {
        latest.duration_since(asked)
    } else if server > answered {
        server.duration_since(answered)
    } else {
        return Skew::None;
    };
    match apart.abs() {
        apart if apart < TOLD => Skew::None,
        far if far < WRONG => Skew::Some(apart),
        _ => Skew::TooMuch(apart),
    }
}

/// Compares the server's time with that of the process that leads: the Lease says when it thought that it renewed it, and its
/// managed fields say when the server stored that. None where nobody leads, or that is not written down.
pub fn of_leader(lease: &Value) -> Option<Skew> {
    let time = |value: &Value| value.as_str()?.parse::<Timestamp>().ok();
    lease["spec"]["holderIdentity"].as_str().filter(|holder| !holder.is_empty())?;
    let renewed = time(&lease["spec"]["renewTime"])?;
    let entries = lease["metadata"]["managedFields"].as_array()?.iter();
    let stored = entries.filter(|entry| entry["fieldsV1"]["f:spec"]["f:renewTime"].is_object());
    Some(skew(stored.filter_map(|entry| time(&entry["time"])).max()?, renewed, renewed + RENEWAL))
}
