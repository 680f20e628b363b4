//! The schemas compile as a whole, and every rule of both kinds refuses what it should.

use std::collections::BTreeSet;

use kube::core::cel::{CompiledSchema, Validator};

use super::*;
use crate::manifest::identify::OurKind;
use crate::manifest::kinds::{compile, declared_schema, schema_of};
use crate::manifest::yaml::{Documents, Read};
use crate::model::Code;

const KINDS: [OurKind; 2] = [OurKind::MicroService, OurKind::GitSync];

/// All rules below a schema; those that do not compile fail the test.
fn rules(schema: &CompiledSchema, found: &mut BTreeSet<String>) {
    assert!(schema.compilation_errors().is_empty(), "{:?}", schema.compilation_errors());
    found.extend(schema.validations.iter().flatten().map(|rule| rule.rule.message.clone().unwrap()));
    let boxed = [&schema.items, &schema.additional_properties];
    let children = schema.properties.values().chain(boxed.into_iter().flatten().map(AsRef::as_ref));
    children.for_each(|child| rules(child, found));
}

#[test]
fn every_keyword_of_the_schemas_is_checked() {
    for kind in KINDS {
        let mut problems = Vec::new();
        compile(declared_schema(kind), &mut problems);
        assert_eq!(problems, Vec::<String>::new(), "{kind:?}");
    }
}

#[test]
fn every_rule_has_a_case_that_breaks_it_and_one_that_keeps_it() {
    let named = |name: &str| format!("{HEAD}metadata: {{name: {name}}}\nspec: {{image: a}}\n");
    let spec = |fields: &str| with_spec(&format!("  image: a\n  {fields}\n"));
    let cases = [
        (named("1st"), named("first"), "3:18"),
        (
            spec("ports: [{containerPort: 1}, {containerPort: 2, name: b}]"),
            spec("ports: [{containerPort: 1, name: a}, {containerPort: 2, name: b}]"),
            "6:3",
        ),
        (
            spec("ports: [{containerPort: 1, name: a}, {containerPort: 2, name: a}]"),
            spec("ports: [{containerPort: 1}]"),
            "6:3",
        ),
        (spec("service: {type: ClusterIP}"), spec("service: {type: ClusterIP}\n  ports: [{containerPort: 1}]"), "6:3"),
        (
            spec("ports: [{containerPort: 1}]\n  service: {type: NodePort, headless: true}"),
            spec("ports: [{containerPort: 1}]\n  service: {type: ClusterIP, headless: true}"),
            "7:39",
        ),
        (spec("serviceAccount: {create: false}"), spec("serviceAccount: {create: false, name: a}"), "6:3"),
        (
            spec("serviceAccount: {create: false, name: a, annotations: {a: b}}"),
            spec("serviceAccount: {create: true, annotations: {a: b}}"),
            "6:44",
        ),
        (
            spec("podDisruptionBudget: {minAvailable: 1, maxUnavailable: 1}"),
            spec("podDisruptionBudget: {minAvailable: 50%}"),
            "6:3",
        ),
        (
            spec("strategy: {type: Recreate, rollingUpdate: {maxSurge: 1}}"),
            spec("strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 1}}"),
            "6:30",
        ),
        (
            spec("strategy: {rollingUpdate: {maxSurge: 0, maxUnavailable: 0%}}"),
            spec("strategy: {rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}"),
            "6:14",
        ),
        (
            spec("ports: [{containerPort: 1, name: a}, {containerPort: 2, name: b, servicePort: 1}]"),
            spec("ports: [{containerPort: 1, name: a}, {containerPort: 2, name: b, servicePort: 1, protocol: UDP}]"),
            "6:3",
        ),
        (spec("livenessProbe: {periodSeconds: 5}"), spec("livenessProbe: {exec: {command: [a]}}"), "6:3"),
        (
            spec("podMetadata: {labels: {app.kubernetes.io/name: x}}"),
            spec("podMetadata: {labels: {example.com/name: x}}"),
            "6:17",
        ),
        (
            spec("routes: [{name: r, hostnames: [a.example]}]\n  ports: [{containerPort: 1}]"),
            spec("routes: [{name: r, hostnames: [a.example], ingressClassName: x}]\n  ports: [{containerPort: 1}]"),
            "6:12",
        ),
        (
            spec(
                "routes: [{name: r, hostnames: [a.example], tls: {}, redirects: [{path: /a, to: /b}]}]\n  ports: [{containerPort: 1}]",
            ),
            spec(
                "routes: [{name: r, hostnames: [a.example], parentRefs: [{name: g}], redirects: [{path: /a, to: /b}]}]\n  ports: [{containerPort: 1}]",
            ),
            "6:55",
        ),
        (
            spec(
                "routes: [{name: r, hostnames: [a.example], parentRefs: [{name: g}], redirects: [{path: /a, to: /b, statusCode: 304}]}]\n  ports: [{containerPort: 1}]",
            ),
            spec(
                "routes: [{name: r, hostnames: [a.example], parentRefs: [{name: g}], redirects: [{path: /a, to: /b, statusCode: 308}]}]\n  ports: [{containerPort: 1}]",
            ),
            "6:114",
        ),
        (
            spec("routes: [{name: r, hostnames: [a.example], tls: {}, port: b}]\n  ports: [{containerPort: 1}]"),
            spec("routes: [{name: r, hostnames: [a.example], tls: {}, port: http}]\n  ports: [{containerPort: 1}]"),
            "6:3",
        ),
        (
            spec("accessPolicy: {inbound: {rules: [{ports: [http]}]}}\n  ports: [{containerPort: 1}]"),
            spec("accessPolicy: {inbound: {rules: [{ports: [http], namespace: x}]}}\n  ports: [{containerPort: 1}]"),
            "6:36",
        ),
        (
            spec("accessPolicy: {inbound: {rules: [{namespace: x, ports: [b]}]}}\n  ports: [{containerPort: 1}]"),
            spec("accessPolicy: {inbound: {rules: [{namespace: x}]}}"),
            "6:3",
        ),
        (
            spec("accessPolicy: {outbound: {external: [{cidr: 10.0.0.0}]}}"),
            spec("accessPolicy: {outbound: {external: [{cidr: 10.0.0.0/8}]}}"),
            "6:47",
        ),
        (
            spec("metrics: {port: b}\n  ports: [{containerPort: 1}]"),
            spec("metrics: {port: http}\n  ports: [{containerPort: 1}]"),
            "6:3",
        ),
        (spec("preDeploy: {backoffLimit: 1}"), spec("preDeploy: {backoffLimit: 1, args: [migrate]}"), "6:3"),
        (
            spec(
                "overrides: [{target: {apiVersion: v1, kind: ServiceAccount}, patch: {metadata: {labels: {gitmoor.dev/a: b}}}}]",
            ),
            spec(
                "overrides: [{target: {apiVersion: v1, kind: ServiceAccount}, patch: {metadata: {labels: {app.kubernetes.io/part-of: b}}}}]",
            ),
            "6:83",
        ),
        (
            spec(
                "overrides: [{target: {apiVersion: v1, kind: ServiceAccount}, patch: {metadata: {annotations: {gitmoor.dev/a: b}}}}]",
            ),
            spec(
                "overrides: [{target: {apiVersion: v1, kind: ServiceAccount}, patch: {metadata: {annotations: {example.com/a: b}}}}]",
            ),
            "6:83",
        ),
    ];
    let sync = |fields: &str| {
        format!("{}metadata: {{name: shop}}\nspec:\n  url: a\n  {fields}\n", HEAD.replace("MicroService", "GitSync"))
    };
    let cases = cases.into_iter().chain([(
        sync("dependsOn: [{name: platform}, {name: shop}]"),
        sync("dependsOn: [{name: platform}, {name: shop, namespace: other}]"),
        "6:3",
    )]);
    let cases: Vec<_> = cases.collect();
    let mut broken = BTreeSet::new();
    for (bad, good, at) in &cases {
        check(good, &[]);
        let file = parse(bad.as_bytes());
        assert_eq!(findings(&file), [format!("{at} GM207")], "{bad}");
        assert_eq!(file.diagnostics[0].code, Code::RuleViolated);
        broken.insert(file.diagnostics[0].message.split_once(": ").unwrap().1.to_owned());
    }
    let mut all = BTreeSet::new();
    KINDS.into_iter().for_each(|kind| rules(&schema_of(kind).rules.compiled, &mut all));
    let change = all.iter().find(|message| message.starts_with("headless cannot change")).cloned();
    broken.extend(change);
    assert_eq!(broken, all, "a rule without a case");
}

#[test]
fn what_is_handed_to_the_rules_is_all_that_they_look_at() {
    let rules = &schema_of(OurKind::MicroService).rules;
    for spec in [
        "{image: a, ports: [{containerPort: 1}, {containerPort: 2}], env: [{name: A, value: b}]}",
        "{image: a, service: {type: NodePort, headless: true}, podDisruptionBudget: {}}",
        "{image: a, serviceAccount: {create: false, annotations: {a: b}}, args: [a]}",
        "{image: a, routes: [{name: r, port: b, redirects: []}], metrics: {port: b}, cronJobs: [{name: a, schedule: s}]}",
        "{image: a, accessPolicy: {inbound: {rules: [{ports: [b]}]}, outbound: {external: [{cidr: a}]}}}",
        "{image: a, overrides: [{patch: {metadata: {labels: {gitmoor.dev/a: b}}, spec: {a: b}}}]}",
        "{image: a, strategy: {type: Recreate, rollingUpdate: {}}, podMetadata: {labels: {app.kubernetes.io/a: b}}}",
    ] {
        let text = format!("{HEAD}metadata: {{name: 1st}}\nspec: {spec}\n");
        let Some(Read::Document(tree)) = Documents::of(&text).next() else { panic!("{text}") };
        let found = rules.check(&tree.root);
        assert!(found.len() > 1, "{text}");
        assert_eq!(found, rules.check_value(&tree.root.to_json(), &tree.root), "{text}");
    }
}

#[test]
fn a_rule_about_a_change_is_left_to_the_api_server() {
    check_spec("  image: a\n  ports: [{containerPort: 1}]\n  service: {headless: true}\n", &[]);
    let object = |headless: bool| serde_json::json!({"metadata": {"name": "a"}, "spec": {"image": "a", "ports": [{"containerPort": 1}], "service": {"headless": headless}}});
    let rules = &schema_of(OurKind::MicroService).rules.compiled;
    let changed = Validator::new().validate_compiled(rules, &object(true), Some(&object(false))).unwrap_err();
    assert!(changed[0].message.contains("cannot change"));
}
