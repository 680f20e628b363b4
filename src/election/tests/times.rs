//! Which times fit each other.

use super::{Times, millis, seconds, usual};

#[test]
fn times_that_fit_are_taken() {
    assert_eq!((usual().lease(), usual().renew(), usual().retry()), (seconds(15), seconds(10), seconds(2)));
    assert_eq!(usual().margin(), seconds(5));
    for (lease, renew, retry) in [(1, 900, 450), (2, 1500, 300), (3600, 3_240_000, 1)] {
        assert!(Times::new(seconds(lease), millis(renew), millis(retry)).is_ok(), "{lease} {renew} {retry}");
    }
}

#[test]
fn times_that_do_not_fit_are_refused_with_the_flag_to_change() {
    for (lease, renew, retry, flag) in [
        (0, 0, 0, "--lease-duration must"),
        (500, 100, 10, "--lease-duration must"),
        (1500, 1000, 100, "--lease-duration must"),
        (3_601_000, 1000, 100, "--lease-duration must"),
        (15_000, 15_000, 2000, "--renew-deadline"),
        (15_000, 14_000, 2000, "--renew-deadline"),
        (15_000, 20_000, 2000, "--renew-deadline"),
        (15_000, 10_000, 0, "--retry-period"),
        (15_000, 10_000, 5001, "--retry-period"),
        (15_000, 0, 0, "--retry-period"),
    ] {
        let refused = Times::new(millis(lease), millis(renew), millis(retry)).unwrap_err();
        assert!(refused.starts_with(flag), "{lease} {renew} {retry}: {refused}");
    }
}
