//! Parts of messages that depend on what is known. Nothing is decided here.

use std::time::Duration;

/// How much came in, in words that are the same each time: a condition should not change with every byte.
pub(super) fn came(received: Option<u64>) -> &'static str {
    match received {
        None => "",
        Some(0) => ", and nothing of it came in",
        Some(_) => ", and only a part of it came in",
    }
}

/// When a server is asked again that wants to be left alone.
pub(super) fn again(after: Option<Duration>) -> String {
    after.map(|after| format!(", and is asked again in {}s", after.as_secs())).unwrap_or_default()
}
