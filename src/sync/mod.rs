//! The GitSync loop: fetches, plans, applies, reports.
//!
//! One loop per GitSync ([`run`]), woken by its inbox: a changed spec, a push, a MicroService that changed.
//! A fetch and an apply run beside the loop, so that a newer commit is seen while an older one is being applied.
//! A GitSync that is deleted and takes its MicroServices along gets a [`farewell`] in the place of its loop.
//! In the order of the data: [`settings`] → [`fetch`] → [`work`] (plan and drift) → [`apply`] → [`state`] (report).

mod apply;
mod confinement;
mod doomed;
mod errand;
mod farewell;
mod fell;
mod fetch;
mod finalizer;
mod inbox;
mod lessons;
mod mending;
mod neighbours;
mod pace;
mod places;
mod preview;
mod rehearsal;
mod rule_use;
mod run;
mod secrets;
mod settings;
mod stale;
mod state;
mod syncs;
mod told;
mod verify;
mod work;

pub use crate::model::parse_duration;
pub use inbox::Inbox;
pub use neighbours::Neighbours;
pub use preview::{Plan, Preview, PreviewError, Previewed, Whence, Would};
pub use rehearsal::{Planned, Rehearsal};
pub use rule_use::RuleUse;
pub use run::SyncDeps;
pub use syncs::Syncs;
pub use told::{Account, Teller, Told};
