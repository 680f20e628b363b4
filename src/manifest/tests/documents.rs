//! One document of ours: its identity, its structure, its canonical form.

use super::*;
use crate::api::gitsync::DriftPolicy;
use crate::model::Kind;

#[test]
fn the_body_is_canonical() {
    let text = format!(
        "{HEAD}metadata:\n  name: orders\n  labels: {{}}\n  annotations: {{b: '2', a: '1'}}\n\
         spec:\n  replicas: 3.0\n  image: a\n  resources: {{requests: {{memory: 1Gi, cpu: 1.0}}}}\nstatus: {{}}\n"
    );
    let file = check(&text, &["11:1 GM203?"]);
    let document = &file.documents[0];
    let expected = r#"{"apiVersion":"gitmoor.dev/v1alpha1","kind":"MicroService","metadata":{"annotations":{"a":"1","b":"2"},"name":"orders"},"spec":{"image":"a","replicas":3,"resources":{"requests":{"cpu":1,"memory":"1Gi"}}}}"#;
    assert_eq!(&*document.body, expected);
    assert_eq!(document.hash.len(), 32);
    assert_eq!((document.start.line, document.start.column, document.start.width), (1, 1, 10));
    assert_eq!((document.namespace_at.line, document.namespace_at.column), (4, 9));
}

#[test]
fn two_spellings_of_one_document_have_one_hash() {
    let one = parse(with_spec("  image: a\n  replicas: 1\n").as_bytes());
    let other = parse(with_spec("  \"replicas\": 1.0 # comment\n  image: 'a'\n").as_bytes());
    assert_eq!(one.documents[0].hash, other.documents[0].hash);
}

#[test]
fn settings_are_read_from_annotations() {
    let with = |annotations: &str| {
        let text = format!("{HEAD}metadata: {{name: a, annotations: {{{annotations}}}}}\nspec: {{image: a}}\n");
        let file = check(&text, &[]);
        (file.documents[0].drift_policy, file.documents[0].prune)
    };
    assert_eq!(with(""), (None, true));
    assert_eq!(with("gitmoor.dev/drift-policy: Report"), (Some(DriftPolicy::Report), true));
    assert_eq!(
        with("gitmoor.dev/drift-policy: Correct, gitmoor.dev/prune: 'false'"),
        (Some(DriftPolicy::Correct), false)
    );
    assert_eq!(with("gitmoor.dev/prune: 'true', gitmoor.dev/take-over-children: 'true'"), (None, true));
}

#[test]
fn a_wave_is_a_small_whole_number_in_quotes() {
    let document = |annotations: &str| {
        format!("{HEAD}metadata: {{name: a, annotations: {{{annotations}}}}}\nspec: {{image: a}}\n")
    };
    for (annotations, wave) in [
        ("", 0),
        ("gitmoor.dev/wave: '0'", 0),
        ("gitmoor.dev/wave: '7'", 7),
        ("gitmoor.dev/wave: \"-1000\"", -1000),
        ("gitmoor.dev/wave: '1000'", 1000),
    ] {
        assert_eq!(check(&document(annotations), &[]).documents[0].wave, wave, "{annotations}");
    }
    for value in ["'1001'", "'-1001'", "''", "' 1'", "'1.0'", "'0x1'", "first", "'99999999999999999999'"] {
        let file = check(&document(&format!("gitmoor.dev/wave: {value}")), &["3:53 GM303"]);
        let hint = file.diagnostics[0].hint.as_deref();
        assert_eq!(hint, Some("it can be a whole number in quotes, from -1000 to 1000"), "{value}");
    }
    // Without quotes it is a number, and an annotation is a string: the API server refuses that, too.
    check(&document("gitmoor.dev/wave: 7"), &["3:53 GM204"]);
}

#[test]
fn a_document_that_may_be_another_object_stops_pruning() {
    for metadata in [
        "",
        "metadata:",
        "metadata: []",
        "metadata: {}",
        "metadata: {name: }",
        "metadata: {name: ''}",
        "metadata: {name: 42}",
        "metadata: {name: yes}",
        "metadata: {name: Orders}",
        "metadata: {name: 1st}",
        "metadata: {name: a, name: b}",
        "metadata: {name: a, namespace: B}",
        "metadata: {name: a, namespace: 1}",
        "metadata: {name: a, namespace: }",
        "metadata: {name: a}\nmetadata: {name: b}",
        "metadata: {<<: {name: a}}",
        "metadata: {name: {{ .Values.name }}}",
    ] {
        let file = parse(format!("{HEAD}spec: {{image: a}}\n{metadata}\n").as_bytes());
        assert!(file.unreadable && file.documents.is_empty(), "{metadata}: {:#?}", file.diagnostics);
        assert!(!file.diagnostics.is_empty(), "{metadata}");
    }
}

#[test]
fn a_doubtful_name_stops_pruning_whatever_else_is_wrong() {
    let fields: String = (0..200).map(|field| format!("  f{field}: 1\n")).collect();
    for (name, unreadable) in [("orders", false), ("Orders", true), ("1st", true)] {
        let file = parse(format!("{HEAD}spec:\n{fields}metadata: {{name: {name}}}\n").as_bytes());
        assert_eq!((file.quarantined.len(), file.unreadable), (1, unreadable), "{name}");
    }
}

#[test]
fn an_invalid_document_with_a_name_is_quarantined() {
    let file = check(&format!("{HEAD}metadata: {{name: a, namespace: b}}\nspec: {{}}\n"), &["4:1 GM205"]);
    let invalid = &file.quarantined[0];
    assert_eq!((invalid.namespace.as_deref(), &*invalid.name, invalid.start.line), (Some("b"), "a", 1));
    assert!(!file.unreadable);
}

#[test]
fn kinds_and_groups_that_are_nearly_ours_are_not_overlooked() {
    let document = |version: &str, kind: &str| format!("{version}\n{kind}\nmetadata: {{name: a}}\n");
    let ours = "apiVersion: gitmoor.dev/v1alpha1";
    for (version, kind, expected, unreadable) in [
        (ours, "kind: Microservice", "2:7 GM201", true),
        (ours, "kind: MicroServices", "2:7 GM201", true),
        (ours, "kind: Gitsync", "2:7 GM201", true),
        (ours, "kind: Widget", "2:7 GM201", false),
        (ours, "kind: 7", "2:7 GM202", true),
        (ours, "#", "1:13 GM202", true),
        (ours, "kind: y", "2:7 GM103", true),
        ("apiVersion: gitmoor.dev/v1", "kind: MicroService", "1:13 GM201", true),
        ("apiVersion: gitmoor.dev", "kind: MicroService", "1:13 GM201", true),
        ("apiVersion: gitmoor.dev/v1", "kind: GitSync", "1:13 GM201", true),
        ("apiVersion: gitmor.dev/v1alpha1", "kind: MicroService", "1:13 GM201", true),
        ("apiVersion: gitmoor.io/v1alpha1", "kind: MicroService", "1:13 GM201", true),
        ("#", "kind: MicroService", "2:1 GM202", true),
    ] {
        let file = check(&document(version, kind), &[expected]);
        assert_eq!((file.unreadable, file.documents.len()), (unreadable, 0), "{version} {kind}");
    }
    assert!(check("apiVersion: v1\nkind: List\nitems: [{apiVersion: gitmoor.dev/v1}]\n", &["2:7 GM106"]).unreadable);
    assert!(check("- apiVersion: gitmoor.dev/v1alpha1\n", &["1:1 GM106"]).unreadable);
}

#[test]
fn no_yaml_feature_hides_whose_a_document_is() {
    let rest = "metadata: {name: a}\nspec: {image: a}\n";
    for (text, expected) in [
        (format!("--- !custom\n{HEAD}{rest}"), "1:5 GM106"),
        (format!("--- &anchor\n{HEAD}{rest}"), ""),
        (format!("--- !!map\n{HEAD}{rest}"), ""),
        (format!("{HEAD}{rest}? [a]\n: b\n"), "5:3 GM106"),
        (format!("{HEAD}{rest}{{a: b}}: c\n"), "5:1 GM106"),
        (format!("{HEAD}{rest}8080: c\n"), "5:1 GM106"),
        (format!("{HEAD}{rest}? |\n  a\n: b\n"), "6:3 GM203"),
    ] {
        let expected: Vec<_> = Some(expected).filter(|found| !found.is_empty()).into_iter().collect();
        let file = check(&text, &expected);
        assert_eq!((file.documents.len() + file.quarantined.len(), file.ignored), (1, 0), "{text}");
    }
}

#[test]
fn a_gitsync_is_checked_like_a_microservice() {
    let sync =
        |spec: &str| format!("apiVersion: gitmoor.dev/v1alpha1\nkind: GitSync\nmetadata: {{name: a}}\nspec: {spec}\n");
    let file = check(&sync("{url: 'https://example.com/a.git'}"), &[]);
    assert_eq!((file.ignored, file.documents[0].kind), (0, Kind::GitSync));
    let file = check(&sync("{interval: soon}"), &["4:1 GM205", "4:18 GM206"]);
    assert_eq!((file.ignored, file.quarantined[0].kind, file.unreadable), (0, Kind::GitSync, false));
}

#[test]
fn every_difference_from_the_structure_is_found_at_its_place() {
    for (spec, expected) in [
        ("  image: a\n", &[][..]),
        ("  image: a\n  replicas: 0\n", &[]),
        ("  image: a\n  terminationGracePeriodSeconds: 1.0\n", &[]),
        ("  image: a\n  resources: {requests: {cpu: 250m}}\n", &[]),
        ("  image: ~\n", &["5:10 GM204"]),
        ("  image:\n", &["5:3 GM204"]),
        ("  image: 1.0\n", &["5:10 GM204"]),
        ("  replicas: 2\n", &["4:1 GM205"]),
        ("  imgae: a\n", &["5:3 GM203"]),
        ("  image: a\n  replicas: 2.5\n", &["6:13 GM204"]),
        ("  image: a\n  replicas: -1\n", &["6:13 GM206"]),
        ("  image: a\n  replicas: 99999999999\n", &["6:13 GM206"]),
        ("  image: a\n  ports: [{}]\n", &["6:11 GM205"]),
        ("  image: a\n  ports: [{containerPort: 1}, {containerPort: 1}]\n", &["6:47 GM206"]),
        ("  image: a\n  readinessProbe: {httpGet: {port: 80, pat: /}}\n", &["6:40 GM203"]),
        ("  image: a\n  resources: {limits: {cpu: [1]}}\n", &["6:29 GM204"]),
        ("  image: a\n  resources: {limits: {cpu: 1x}}\n", &["6:29 GM206"]),
        ("  image: a\n  args: [a, b: c]\n", &["6:13 GM204"]),
        ("  image: 'ü'\n  imagePullPolicy: never\n", &["6:20 GM206"]),
    ] {
        check_spec(spec, expected);
    }
}

#[test]
fn lengths_count_characters() {
    check_spec(&format!("  image: {}\n", "ü".repeat(1024)), &[]);
    check_spec(&format!("  image: {}\n", "ü".repeat(1025)), &["5:10 GM206"]);
    let args = |count| format!("  image: a\n  args: [{}]\n", vec!["a"; count].join(", "));
    check_spec(&args(256), &[]);
    check_spec(&args(257), &["6:9 GM206"]);
}

#[test]
fn what_a_yaml_feature_hides_is_not_reported_twice() {
    for (spec, expected) in [
        ("  image: yes\n", &["5:10 GM103"][..]),
        ("  image: a\n  replicas: 1_000\n", &["6:13 GM103"]),
        ("  image: !x a\n", &["5:10 GM106"]),
        ("  image: a\n  image: b\n", &["6:3 GM102"]),
        ("  <<: {image: a}\n", &["5:3 GM106"]),
        ("  image: a\n  1: a\n", &["6:3 GM106"]),
        ("  image: a\n  args: [!!str 1, !!str yes]\n", &[]),
        ("  image: a\n  replicas: !!int \"3\"\n", &[]),
        ("  image: a\n  replicas: !!int x\n", &["6:13 GM106"]),
        ("  image: a\n  args: !!seq [a]\n", &[]),
        ("  image: a\n  args: !!set [a]\n", &["6:9 GM106"]),
        ("  image: a\n  args: &args [a]\n  command: *args\n", &[]),
        ("  image: a\n  args: &args [*args]\n", &["6:16 GM106"]),
    ] {
        check_spec(spec, expected);
    }
}
