//! What a server asks for by `Retry-After`: seconds or a date, never in the past and never for longer than an hour.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;

/// No server is left alone for longer because it says so.
pub const LONGEST_REST: Duration = Duration::from_secs(3600);
/// The three forms of a date that a recipient has to understand (RFC 9110, 5.6.7), the one that is still written first.
const DATES: [&str; 3] = ["%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];

/// How long to wait; none where it says nothing that can be waited for.
pub fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    let asked = if digits {
        // More digits than a number has are more than an hour, too.
        value.parse().map_or(LONGEST_REST, Duration::from_secs)
    } else {
        // Told apart as dates are written: the last ones of the calendar are no times.
        let now = now.to_zoned(TimeZone::UTC).datetime();
        Duration::try_from(date(value)?.duration_since(now)).ok()?
    };
    (!asked.is_zero()).then(|| asked.min(LONGEST_REST))
}

fn date(value: &str) -> Option<DateTime> {
    DATES.into_iter().find_map(|form| strtime::parse(form, value).and_then(|parts| parts.to_datetime()).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &str, expected: Option<u64>) {
        let now = "1994-11-06T08:49:00Z".parse().unwrap();
        assert_eq!(retry_after(value, now), expected.map(Duration::from_secs), "{value:?}");
    }

    #[test]
    fn seconds_are_waited_for_up_to_an_hour() {
        check("120", Some(120));
        check(" 7 ", Some(7));
        check("3601", Some(3600));
        check("99999999999999999999999999", Some(3600));
        check("0", None);
    }

    #[test]
    fn a_date_of_each_form_is_waited_for_up_to_an_hour() {
        check("Sun, 06 Nov 1994 08:49:37 GMT", Some(37));
        check("Sunday, 06-Nov-94 08:49:37 GMT", Some(37));
        check("Sun Nov  6 08:49:37 1994", Some(37));
        check("Mon, 07 Nov 1994 08:49:37 GMT", Some(3600));
        check("Fri, 31 Dec 9999 23:59:59 GMT", Some(3600));
    }

    #[test]
    fn what_is_past_or_says_nothing_is_not_waited_for() {
        for value in ["Sun, 06 Nov 1994 08:48:59 GMT", "Sun, 06 Nov 1994 08:49:00 GMT", "Thu, 01 Jan 1970 00:00:00 GMT"]
        {
            check(value, None);
        }
        for value in
            ["", "soon", "-5", "+5", "1.5", "1e3", "Sun, 36 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 CET"]
        {
            check(value, None);
        }
    }
}
