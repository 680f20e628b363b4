//! How the commands say revisions, commits and ages.

pub use crate::view::say::{commit, count, short, short_commit};

/// Time since, as kubectl prints it.
pub fn age(then: jiff::Timestamp, now: jiff::Timestamp) -> String {
    let seconds = now.duration_since(then).as_secs().max(0);
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7200 => format!("{}m", seconds / 60),
        7200..172_800 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_short() {
        let now: jiff::Timestamp = "2026-01-02T00:05:00Z".parse().unwrap();
        let check = |seconds: i64, expected: &str| {
            assert_eq!(age(now - jiff::SignedDuration::from_secs(seconds), now), expected);
        };
        check(-5, "0s");
        check(119, "119s");
        check(3 * 60, "3m");
        check(7200, "2h");
        check(3 * 86400, "3d");
    }

    #[test]
    fn a_commit_is_found_however_it_is_written() {
        for written in ["0123456789", "main@sha1:0123456789", "sha1:0123456789", "feature/a@b@0123456789"] {
            assert_eq!((commit(written), short_commit(written)), ("0123456789", "0123456"), "{written}");
        }
        assert_eq!(short_commit("main@sha1:012"), "012");
    }
}
