//! Server-sent events as text, and when the next one is due.

use std::time::Duration;

/// Events of one client are at least so far apart; what changes meanwhile is one event.
pub const APART: Duration = Duration::from_millis(250);
/// After so long without an event a comment is sent, so that both sides know that the other is there.
pub const HEARTBEAT: Duration = Duration::from_secs(15);
/// The comment.
pub const ALIVE: &str = ": alive\n\n";
/// What a browser is told to wait before it connects anew.
pub const RETRY: &str = "retry: 2000\n\n";

/// One event. Its data is JSON in one line, which has no line feed, so it is one line of data.
pub fn event(name: &str, id: &str, data: &str) -> String {
    format!("event: {name}\nid: {id}\ndata: {data}\n\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_is_one_whatever_is_in_it() {
        let text = event("change", "a-1", &json!({"message": "one\n\nevent: evil\ndata: x\r\n"}).to_string());
        assert_eq!(text.matches("event: ").count(), 2, "the second is within the data");
        assert_eq!(text.lines().count(), 4);
        assert!(text.ends_with("\"}\n\n") && text.lines().nth(2).unwrap().starts_with("data: {"));
    }
}
