//! Names of children: a label's value and the name of a Service have at most 63 characters.

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

/// Longest name of a Service and longest value of a label.
const LIMIT: usize = 63;
/// Digits of the hash at the end of a name that was cut.
const HASH: usize = 8;

/// The name itself where it fits; else its start and a hash of all of it, so that two long names stay two.
pub(super) fn fit(name: &str) -> String {
    fit_to(name, LIMIT)
}

/// The same where another limit holds.
pub(super) fn fit_to(name: &str, limit: usize) -> String {
    if name.len() <= limit {
        return name.to_owned();
    }
    let hash = HEXLOWER.encode(&Sha256::digest(name));
    let mut end = limit.saturating_sub(HASH + 1);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}-{}", name[..end].trim_end_matches(['-', '.']), &hash[..HASH])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_fits_stays() {
        for name in ["a", "orders", &"x".repeat(63)] {
            assert_eq!(fit(name), name);
        }
    }

    #[test]
    fn a_long_name_is_cut_and_hashed() {
        let cut = fit(&"x".repeat(64));
        assert_eq!(cut.len(), 63);
        assert!(cut.starts_with(&format!("{}-", "x".repeat(54))), "{cut}");
    }

    #[test]
    fn another_limit_cuts_earlier() {
        assert_eq!(fit_to(&"x".repeat(52), 52).len(), 52);
        assert_eq!(fit_to(&"x".repeat(53), 52).len(), 52);
        assert!(fit_to(&"x".repeat(53), 52).starts_with(&format!("{}-", "x".repeat(43))));
    }

    #[test]
    fn long_names_that_differ_at_the_end_stay_apart() {
        let long = "x".repeat(70);
        assert_ne!(fit(&format!("{long}a")), fit(&format!("{long}b")));
        assert_eq!(fit(&format!("{long}a")), fit(&format!("{long}a")));
    }

    #[test]
    fn a_cut_leaves_no_two_dashes_and_no_half_character() {
        assert!(!fit(&format!("{}-{}", "x".repeat(53), "y".repeat(20))).contains("--"));
        assert!(fit(&"é".repeat(40)).len() <= 63);
    }
}
