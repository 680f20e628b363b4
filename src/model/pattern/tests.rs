//! What patterns stand for, and what they cost.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::api::drift::PATH_PATTERN;

#[test]
fn a_star_stands_for_any_text() {
    let check = |glob: &str, fits: &[&str], others: &[&str]| {
        let glob = Glob::new(glob);
        assert!(fits.iter().all(|text| glob.fits(text)), "{glob} fits {fits:?}");
        assert!(!others.iter().any(|text| glob.fits(text)), "{glob} fits none of {others:?}");
    };
    check("orders", &["orders"], &["", "order", "orders-2", "Orders"]);
    check("*", &["", "x", "a*b"], &[]);
    check("*-canary", &["a-canary", "-canary"], &["canary", "a-canary-2"]);
    check("or*rs", &["orders", "orrs", "or-rs-rs"], &["ors", "orders2"]);
    check("a*b*c", &["abc", "a-b-c", "abbc", "abcbc"], &["ac", "acb", "abca"]);
    check("ab*ba", &["abba", "ab-ba"], &["aba"]);
    check("**", &["", "x"], &[]);
    check("ü*ß", &["üß", "ü-ß"], &["uß"]);
}

/// The object that patterns are held against.
fn object() -> Value {
    json!({
        "metadata": {"annotations": {"example.com/a": "1", "example.com/b": "2"}},
        "spec": {
            "replicas": 2,
            "containers": [{"name": "web", "image": "a:1"}, {"name": "side", "image": "b:1", "env": [{"name": "X"}]}],
            "ports": [{"port": 80, "protocol": "TCP"}, {"port": 80, "protocol": "UDP"}]
        }
    })
}

#[track_caller]
fn check(pattern: &str, fits: &[&str], others: &[&str]) {
    let (pattern, object) = (PathPattern::parse(pattern).unwrap(), object());
    let fit = |text: &&str| pattern.fits(&Pointer::parse(text).unwrap(), &object, None);
    let missed: Vec<_> = fits.iter().filter(|text| !fit(text)).collect();
    let wrong: Vec<_> = others.iter().filter(|text| fit(text)).collect();
    assert!(missed.is_empty() && wrong.is_empty(), "{pattern} does not fit {missed:?}, and fits {wrong:?}");
}

#[test]
fn a_path_is_its_field_and_everything_below() {
    check("/spec/replicas", &["/spec/replicas"], &["", "/spec", "/spec/replicas2", "/spec/x/replicas"]);
    check("/spec", &["/spec", "/spec/replicas", "/spec/containers/1/env"], &["/metadata", ""]);
    check(
        "/metadata/annotations/example.com~1a",
        &["/metadata/annotations/example.com~1a"],
        &["/metadata/annotations"],
    );
    check(
        "/metadata/annotations/example.com~1*",
        &["/metadata/annotations/example.com~1b"],
        &["/metadata/annotations"],
    );
}

#[test]
fn a_star_is_one_step_and_two_are_any_number() {
    check("/spec/*/1", &["/spec/containers/1/image", "/spec/ports/1"], &["/spec/containers/0", "/spec/a/b/1"]);
    check("/**/image", &["/image", "/spec/containers/0/image", "/a/b/c/d/image/e"], &["/spec/images"]);
    check("/spec/**", &["/spec", "/spec/replicas"], &["/metadata"]);
    check("/**", &["", "/spec"], &[]);
    check("/spec/**/**/env/**/name", &["/spec/env/name", "/spec/containers/1/env/0/name"], &["/spec/containers/1/env"]);
}

#[test]
fn an_item_is_found_by_its_fields_wherever_it_stands() {
    check("/spec/containers/[name=web]/image", &["/spec/containers/0/image"], &["/spec/containers/1/image"]);
    check("/spec/containers/[name=s*]", &["/spec/containers/1", "/spec/containers/1/env/0"], &["/spec/containers/0"]);
    check("/spec/ports/[port=80,protocol=UDP]", &["/spec/ports/1"], &["/spec/ports/0"]);
    check("/spec/ports/[port=80]", &["/spec/ports/0", "/spec/ports/1"], &["/spec/ports/2", "/spec/containers/0"]);
    check("/spec/[name=web]", &[], &["/spec/containers", "/spec/containers/0"]);
}

#[test]
fn a_value_fits_where_everything_in_it_does() {
    let check = |patterns: &str, value: Value, expected: bool| {
        let pattern = PathPattern::parse(patterns).unwrap();
        let object = json!({"spec": {"resources": value}});
        let pointer = Pointer::parse("/spec/resources").unwrap();
        assert_eq!(pattern.fits(&pointer, &object, Some(&object["spec"]["resources"])), expected, "{pattern} {object}");
    };
    check("/spec/resources/limits/cpu", json!({"limits": {"cpu": "1"}}), true);
    check("/spec/resources/limits/cpu", json!({"limits": {"cpu": "1", "memory": "1Gi"}}), false);
    check("/spec/resources/*/cpu", json!({"limits": {"cpu": "1"}, "requests": {"cpu": "1"}}), true);
    check("/**/cpu", json!({"limits": {"cpu": "1"}, "claims": [{"name": "gpu"}]}), false);
    check("/spec/resources/claims/[name=gpu]", json!({"claims": [{"name": "gpu"}]}), true);
    check("/spec/resources/limits/cpu", json!({}), false);
    check("/spec/resources/limits/cpu", json!("cpu"), false);
}

#[test]
fn what_is_no_pattern_says_why() {
    let check = |text: &str, expected: PatternError| {
        assert_eq!(PathPattern::parse(text), Err(expected), "{text}");
    };
    check("", PatternError::NoSlash);
    check("spec/replicas", PatternError::NoSlash);
    check("/", PatternError::EmptyStep);
    check("/spec//a", PatternError::EmptyStep);
    check("/spec/", PatternError::EmptyStep);
    check("/metadata/annotations/a~b", PatternError::Escape);
    check("/metadata/annotations/a~", PatternError::Escape);
    for item in ["/a/[", "/a/[]", "/a/[x]", "/a/[=x]", "/a/[x=]", "/a/[x=1,]", "/a/[x=1]]", "/a/[x=1]b"] {
        check(item, PatternError::Item);
    }
    check(&"/*".repeat(MOST_STEPS + 1), PatternError::TooDeep);
    assert!(PathPattern::parse(&"/*".repeat(MOST_STEPS)).is_ok());
}

#[test]
fn a_hostile_pattern_costs_no_more_than_its_length() {
    // Every way to spread the stars over the steps would be more than there are atoms.
    let deep = "/**/*a*a*a*a*".repeat(MOST_STEPS / 2);
    let pattern = PathPattern::parse(&deep).unwrap();
    let pointer: Pointer = std::iter::repeat_n("a".repeat(200), 120).collect();
    assert!(pattern.fits(&pointer, &Value::Null, None));
    let other: Pointer = std::iter::repeat_n("b".repeat(200), 120).collect();
    assert!(!pattern.fits(&other, &Value::Null, None));
    let glob = Glob::new(&"*a".repeat(60));
    assert!(!glob.fits(&format!("{}b", "a".repeat(253))));
}

proptest! {
    #[test]
    fn the_crd_lets_through_just_what_can_be_read(text in r"(/?([a-c~*=,\[\]01]|~0|~1|\*\*|\[a=b\]|\[a=b,c=d\]){0,4}){0,4}") {
        let pattern = regex::Regex::new(PATH_PATTERN).unwrap();
        prop_assert_eq!(pattern.is_match(&text), PathPattern::parse(&text).is_ok(), "{}", text);
    }

    #[test]
    fn a_pointer_fits_itself(segments in proptest::collection::vec("[a-z0-9/~.-]{1,6}", 1..6)) {
        let pointer: Pointer = segments.into_iter().collect();
        let pattern = PathPattern::parse(&pointer.to_string()).unwrap();
        prop_assert!(pattern.fits(&pointer, &Value::Null, None));
        let above = pointer.parent().unwrap();
        prop_assert!(!pattern.fits(&above, &Value::Null, None));
    }
}
