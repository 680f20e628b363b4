//! Webhooks as forges send them: how each proves who it is, what it says, and what is made of that.
//!
//! A delivery only ever means "look now". Nothing in one is trusted: what it says can make less happen, never more. This
//! module knows headers and bodies; it reads no Secret, listens nowhere, and is told the time.

mod compose;
mod delivery;
mod event;
mod forge;
mod proof;
mod rate;
mod seen;
mod sender;
mod token;

pub use compose::{About, Composed, compose};
pub use delivery::{Delivery, Encoding, printable};
pub use event::{Event, is_unsigned_test};
pub use forge::Forge;
pub use proof::{Proof, Unproven, Verdict};
pub use rate::Rates;
pub use seen::{Seen, fingerprint};
pub use sender::{Network, sender};
pub use token::Token;
