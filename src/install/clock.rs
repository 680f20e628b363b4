//! How far two clocks are apart, by the `Date` of an answer, which has whole seconds only.

use jiff::{SignedDuration, Timestamp};

/// A difference that is told: signatures of webhooks and leases live by the clock.
const TOLD: SignedDuration = SignedDuration::from_secs(5);
/// One that breaks things: deliveries of webhooks that are older are refused, and tokens are not valid yet.
const WRONG: SignedDuration = SignedDuration::from_secs(60);

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
