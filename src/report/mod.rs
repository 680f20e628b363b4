//! What happened, as conditions, status and sentences. Pure: the time is an argument.

pub mod bug;
pub mod defaults;
pub mod drift;
pub mod episodes;
pub mod farewell;
pub mod fight;
pub mod gitsync;
pub mod held;
pub mod history;
pub mod microservice;
pub mod pause;
pub mod progress;
pub mod quarantine;
pub mod redact;
pub mod turns;
pub mod unread;
pub mod waiting;
pub mod written;

/// Cuts a text to `limit` bytes, at a character, with an ellipsis.
pub fn shorten(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    let end = (0..=limit.saturating_sub(3)).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
    format!("{}…", &text[..end])
}
