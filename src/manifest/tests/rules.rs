//! The schemas compile as a whole, and every rule of both kinds refuses what it should. The cases are written to
//! `tests/golden/rules`, where the API server judges them, too.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

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

/// A volume to mount.
const DATA: &str = "[{name: data, emptyDir: {}}]";

/// So many files with so many characters each.
fn files(count: usize, length: usize) -> String {
    let file = |index| format!("{{path: /{index}, content: {}}}", "x".repeat(length));
    format!("configFiles: [{}]", (0..count).map(file).collect::<Vec<_>>().join(", "))
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
            spec("replicas: 1\n  autoscaling: {maxReplicas: 2, metrics: [{type: Pods}]}"),
            spec("autoscaling: {maxReplicas: 2, metrics: [{type: Pods}]}"),
            "6:13",
        ),
        (
            spec("autoscaling: {minReplicas: 3, maxReplicas: 2, metrics: [{type: Pods}]}"),
            spec("autoscaling: {minReplicas: 2, maxReplicas: 2, metrics: [{type: Pods}]}"),
            "6:30",
        ),
        (
            spec("autoscaling: {maxReplicas: 2, metrics: []}"),
            spec("autoscaling: {maxReplicas: 2, metrics: [{type: Pods}]}"),
            "6:3",
        ),
        (
            spec(
                "autoscaling: {maxReplicas: 2, targetCPUUtilizationPercentage: 70}\n  resources: {requests: {memory: 1Gi}}",
            ),
            spec(
                "autoscaling: {maxReplicas: 2, targetCPUUtilizationPercentage: 70}\n  resources: {requests: {cpu: 1}}",
            ),
            "6:65",
        ),
        (
            spec("autoscaling: {maxReplicas: 2, targetMemoryUtilizationPercentage: 70}"),
            spec(
                "autoscaling: {maxReplicas: 2, targetMemoryUtilizationPercentage: 70}\n  resources: {limits: {memory: 1Gi}}",
            ),
            "6:68",
        ),
        (spec(&files(3, 100_000)), spec(&files(2, 100_000)), "6:3"),
        (
            spec(&format!(
                "configFiles: [{{path: /a, content: b}}]\n  volumes: {DATA}\n  volumeMounts: [{{name: data, mountPath: /a}}]"
            )),
            spec(&format!(
                "configFiles: [{{path: /a, content: b}}]\n  volumes: {DATA}\n  volumeMounts: [{{name: data, mountPath: /b}}]"
            )),
            "6:3",
        ),
        (
            spec("volumeMounts: [{name: data, mountPath: /a}]"),
            spec(&format!("volumeMounts: [{{name: data, mountPath: /a}}]\n  volumes: {DATA}")),
            "6:3",
        ),
        (
            spec("initContainers: [{name: c, image: a, volumeMounts: [{name: data, mountPath: /a}]}]"),
            spec(&format!(
                "initContainers: [{{name: c, image: a, volumeMounts: [{{name: data, mountPath: /a}}]}}]\n  volumes: {DATA}"
            )),
            "6:3",
        ),
        (
            spec("sidecars: [{name: c, image: a, volumeMounts: [{name: data, mountPath: /a}]}]"),
            spec(&format!(
                "sidecars: [{{name: c, image: a, volumeMounts: [{{name: data, mountPath: /a}}]}}]\n  volumes: {DATA}"
            )),
            "6:3",
        ),
        (
            spec("volumes: [{name: a, emptyDir: {}, secret: {secretName: a}}]"),
            spec("volumes: [{name: a, emptyDir: {}}]"),
            "6:13",
        ),
        (
            spec("volumes: [{name: gitmoor-a, emptyDir: {}}]"),
            spec("volumes: [{name: a-gitmoor, emptyDir: {}}]"),
            "6:20",
        ),
        (
            spec("sidecars: [{name: c, image: a}]\n  initContainers: [{name: c, image: a}]"),
            spec("sidecars: [{name: c, image: a}]\n  initContainers: [{name: d, image: a}]"),
            "6:3",
        ),
        (
            spec("lifecycle: {preStop: {sleep: {seconds: 31}}}"),
            spec("lifecycle: {preStop: {sleep: {seconds: 31}}}\n  terminationGracePeriodSeconds: 31"),
            "6:25",
        ),
        (
            spec("initContainers: [{name: c, image: a, securityContext: {runAsUser: 0}}]"),
            spec("initContainers: [{name: c, image: a, securityContext: {runAsUser: 0}}]\n  securityProfile: Baseline"),
            "6:3",
        ),
        (
            spec("sidecars: [{name: c, image: a, securityContext: {capabilities: {add: [CHOWN]}}}]"),
            spec("sidecars: [{name: c, image: a, securityContext: {capabilities: {add: [NET_BIND_SERVICE]}}}]"),
            "6:3",
        ),
        (spec("initContainers: [{name: orders, image: a}]"), spec("initContainers: [{name: other, image: a}]"), "6:3"),
        (spec("sidecars: [{name: orders, image: a}]"), spec("sidecars: [{name: other, image: a}]"), "6:3"),
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
    let cases = cases.into_iter().chain([
        (
            sync("dependsOn: [{name: platform}, {name: shop}]"),
            sync("dependsOn: [{name: platform}, {name: shop, namespace: other}]"),
            "6:3",
        ),
        (sync("ref: {branch: main, tag: v1}"), sync("ref: {tag: v1}"), "6:3"),
        (
            sync("verify: {mode: Tag, secretRef: {name: signers}}\n  ref: {branch: main}"),
            sync("verify: {mode: Tag, secretRef: {name: signers}}\n  ref: {semver: ^1}"),
            "6:3",
        ),
        (
            sync("notify: [{name: team, type: Slack}]"),
            sync("notify: [{name: team, type: Slack, url: 'https://hooks.example.com/x'}]"),
            "6:12",
        ),
        (
            sync("notify: [{name: forge, type: Gitea, url: 'https://git.example.com/api/v1'}]"),
            sync("notify: [{name: forge, type: Gitea, secretRef: {name: forge}}]"),
            "6:12",
        ),
        (
            sync("notify: [{name: forge, type: GitHub, secretRef: {name: forge}, events: [{kinds: [Applied]}]}]"),
            sync("notify: [{name: forge, type: Webhook, secretRef: {name: forge}, events: [{kinds: [Applied]}]}]"),
            "6:12",
        ),
    ]);
    let cases: Vec<_> = cases.collect();
    let mut broken = BTreeSet::new();
    for (bad, good, at) in &cases {
        check(good, &[]);
        let file = parse(bad.as_bytes());
        assert_eq!(findings(&file), [format!("{at} GM207")], "{bad}");
        assert_eq!(file.diagnostics[0].code, Code::RuleViolated);
        let message = file.diagnostics[0].message.split_once(": ").unwrap().1.to_owned();
        golden(&message, &[("breaks.yaml", bad), ("keeps.yaml", good), ("message.txt", &format!("{message}\n"))]);
        broken.insert(message);
    }
    only_these(&broken);
    let mut all = BTreeSet::new();
    KINDS.into_iter().for_each(|kind| rules(&schema_of(kind).rules.compiled, &mut all));
    let change = all.iter().find(|message| message.starts_with("headless cannot change")).cloned();
    broken.extend(change);
    assert_eq!(broken, all, "a rule without a case");
}

/// Where a rule's cases are: named by its message.
fn folder(message: &str) -> PathBuf {
    let words: Vec<&str> =
        message.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).take(8).collect();
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/rules").join(words.join("-").to_lowercase())
}

/// Checks a rule's files, or writes them.
#[track_caller]
fn golden(message: &str, files: &[(&str, &String)]) {
    let folder = folder(message);
    for (name, content) in files {
        let file = folder.join(name);
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::create_dir_all(&folder).unwrap();
            fs::write(&file, content).unwrap();
        }
        let there = fs::read_to_string(&file).unwrap_or_default();
        assert_eq!(there, **content, "stale: UPDATE_GOLDEN=1 cargo test --lib manifest writes {}", file.display());
    }
}

/// Cases of rules that are there no more are removed, or found.
fn only_these(messages: &BTreeSet<String>) {
    let wanted: BTreeSet<PathBuf> = messages.iter().map(|message| folder(message)).collect();
    assert_eq!(wanted.len(), messages.len(), "two rules of one name");
    for folder in fs::read_dir(wanted.first().unwrap().parent().unwrap()).unwrap().map(|entry| entry.unwrap().path()) {
        if !wanted.contains(&folder) && std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::remove_dir_all(&folder).unwrap();
        } else {
            assert!(wanted.contains(&folder), "no rule is of {}", folder.display());
        }
    }
}

#[test]
fn what_is_handed_to_the_rules_is_all_that_they_look_at() {
    let rules = &schema_of(OurKind::MicroService).rules;
    for spec in [
        "{image: a, ports: [{containerPort: 1}, {containerPort: 2}], env: [{name: A, value: b}]}",
        "{image: a, service: {type: NodePort, headless: true}, podDisruptionBudget: {}}",
        "{image: a, serviceAccount: {create: false, annotations: {a: b}}, args: [a]}",
        "{image: a, replicas: 1, autoscaling: {maxReplicas: 1}, volumeMounts: [{name: a, mountPath: /a}]}",
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
