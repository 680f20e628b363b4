//! Refs, ranges and what is chosen of them.

use serde_json::{Value, json};

use super::*;

const HEX: &str = "0123456789abcdef0123456789abcdef01234567";

fn follow(reference: &Value) -> Result<Follow, BadReference> {
    Follow::of(Some(&serde_json::from_value(reference.clone()).unwrap()))
}

#[test]
fn each_kind_of_ref_has_an_identity_and_a_revision() {
    let check = |reference: &Value, identity: &str, revision: &str| {
        let follow = follow(reference).unwrap();
        assert_eq!(follow.identity(), identity, "{reference}");
        let tag = reference.get("semver").map(|_| "v1.2.3");
        assert_eq!(follow.revision(tag, HEX).as_str(), revision.replace("HEX", HEX), "{reference}");
    };
    check(&json!({"branch": "main"}), "main", "main@sha1:HEX");
    check(&json!({"tag": "v1"}), "refs/tags/v1", "v1@sha1:HEX");
    check(&json!({"semver": ">=1"}), "semver:>=1", "v1.2.3@sha1:HEX");
    check(&json!({"commit": HEX}), &format!("commit:{HEX}"), "sha1:HEX");
    check(&json!({"name": "refs/pull/1/head"}), "refs/pull/1/head", "refs/pull/1/head@sha1:HEX");
    assert_eq!(Follow::of(None).unwrap(), Follow::Branch("main".into()));
}

#[test]
fn a_ref_that_cannot_be_followed_is_refused_with_what_to_write() {
    let check = |reference: Value, part: &str| {
        let error = follow(&reference).unwrap_err().to_string();
        assert!(error.contains(part), "{reference}: {error}");
    };
    check(json!({}), "exactly one");
    check(json!({"branch": "main", "tag": "v1"}), "exactly one");
    check(json!({"commit": "0123456"}), "40 digits");
    check(json!({"name": "main"}), "refs/pull/1/head");
    check(json!({"semver": "1.2.3"}), "write =1.2.3, ^1.2.3 or ~1.2.3");
    check(json!({"semver": ">=1 || 2"}), "2 alone");
    check(json!({"semver": ""}), "empty");
    check(json!({"semver": ">=1 ||"}), "empty");
    check(json!({"semver": ">=banana"}), "semver");
}

#[test]
fn the_highest_version_of_a_range_wins() {
    let tags =
        ["v1.0.0", "1.2.0", "v1.10.0", "v1.10.1-rc.1", "v2.0.0-beta.1", "v2.0.0", "v3.0.0-rc.1", "release", "v4"];
    let check = |range: &str, expected: Option<&str>| {
        let found = VersionRange::parse(range).unwrap();
        assert_eq!(found.highest(tags), expected, "{range}");
        assert_eq!(found.highest(tags.into_iter().rev()), expected, "{range}, in another order");
    };
    check("*", Some("v2.0.0"));
    check(">=1.0.0", Some("v2.0.0"));
    check("^1", Some("v1.10.0"));
    check("1.x", Some("v1.10.0"));
    check("~1.2", Some("1.2.0"));
    check(">=1.0 <1.10", Some("1.2.0"));
    check(">= 1.0, < 1.10", Some("1.2.0"));
    check("=1.2.0 || =1.0.0", Some("1.2.0"));
    // Pre-releases only where the range names one of just that version.
    check(">=3.0.0-0", Some("v3.0.0-rc.1"));
    check(">=2.0.0-0", Some("v2.0.0"));
    check(">=1.10.1-0, <2", Some("v1.10.1-rc.1"));
    check("^5", None);
}

#[test]
fn of_two_names_of_one_version_the_same_is_always_chosen() {
    let range = VersionRange::parse("^1").unwrap();
    assert_eq!(range.highest(["v1.0.0", "1.0.0"]), Some("v1.0.0"));
    assert_eq!(range.highest(["1.0.0", "v1.0.0"]), Some("v1.0.0"));
}

#[test]
fn a_push_concerns_who_follows_its_ref() {
    let check = |reference: Value, pushed: &str, expected: bool| {
        assert_eq!(follow(&reference).unwrap().concerns(pushed), expected, "{reference} {pushed}");
    };
    check(json!({"branch": "main"}), "refs/heads/main", true);
    check(json!({"branch": "main"}), "refs/tags/main", false);
    check(json!({"tag": "v1"}), "refs/tags/v1", true);
    check(json!({"tag": "v1"}), "refs/heads/v1", false);
    check(json!({"semver": "^1"}), "refs/tags/anything", true);
    check(json!({"semver": "^1"}), "refs/heads/main", false);
    check(json!({"name": "refs/pull/1/head"}), "refs/pull/1/head", true);
    check(json!({"commit": HEX}), "refs/heads/main", false);
}

#[test]
fn only_tags_are_fixed() {
    let check = |reference: Value, expected: bool| assert_eq!(follow(&reference).unwrap().is_fixed(), expected);
    check(json!({"tag": "v1"}), true);
    check(json!({"semver": "^1"}), true);
    check(json!({"name": "refs/tags/v1"}), true);
    check(json!({"name": "refs/pull/1/head"}), false);
    check(json!({"branch": "main"}), false);
}
