//! The listeners: webhooks, health with metrics, and the page.
//!
//! Everything that arrives here is input: bounded before it is read, checked, and trusted for nothing but "look
//! now". This module decides nothing about syncing: it asks its [`Hooks`] for a token and tells them of a push.
//! It holds no client, reads no Secret, and logs no body, header or token.

mod answer;
mod health;
mod hooks;
mod listener;
mod ops;
mod page;
mod stall;
mod tls;

pub use answer::{Answer, Refusal};
pub use health::{At, Beat, Clock, Gate, Pulse, Stalled};
pub use hooks::{HookLimits, HookTarget, Hooks, router as hooks_router};
pub use listener::{Limits, Listener, Peer, serve};
pub use ops::router as ops_router;
pub use page::{PageRules, Pages, router as page_router};
pub use tls::{Tls, TlsError, TlsFiles};
