//! The page's thinking: what is known of all objects in rows, who may see which of them, and what changed since somebody
//! last looked.
//!
//! Pure: objects and requests in, answers out; the time is an argument. `server::page` listens, `app::page` brings the
//! objects and asks the API server who somebody is. Nothing here can change anything in a cluster.

pub mod access;
pub mod asked;
pub mod assets;
pub mod book;
mod counts;
pub mod delta;
pub mod detail;
pub mod excerpt;
pub mod frame;
mod health;
mod list;
mod log;
pub mod query;
pub mod refusal;
pub mod route;
mod row;
pub mod timeline;
pub mod tree;

pub use book::{About, Book, Role};
pub use counts::Tally;
pub use health::Health;
pub use refusal::Refusal;
