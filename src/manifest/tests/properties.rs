//! What holds for all inputs.

use std::sync::Arc;

use proptest::collection::{btree_map, vec};
use proptest::option::of;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;
use crate::manifest::{Allowed, Scope, assemble};
use crate::model::Code;

/// Texts that YAML likes to read as something else, and any others. The printer takes the separators
/// of Unicode for line ends, as YAML 1.1 does, so these are left out.
fn text() -> impl Strategy<Value = String> {
    const ODD: &[&str] = &[
        "yes", "0644", "1_000", "~", "null", "true", "1e3", ".inf", "- a", "a: b", "#", "", " a ", "\n", "'\"", "<<",
        "12:30:45",
    ];
    prop_oneof![
        proptest::sample::select(ODD).prop_map(str::to_owned),
        "\\PC{0,20}".prop_map(|text| text.replace(['\u{2028}', '\u{2029}'], "")),
        "[ -~\\n]{0,40}"
    ]
}

fn name() -> impl Strategy<Value = String> {
    "[a-z][a-z0-9]{0,10}"
}

prop_compose! {
    fn spec()(
        image in "[!-~]{1,40}",
        replicas in of(0..10_000_i64),
        suspend in of(any::<bool>()),
        args in of(vec(text(), 0..5)),
        env in of(btree_map("[A-Z_]{1,8}", text(), 0..5)),
        port in of(1..65_535_i64),
        annotations in of(btree_map(name(), text(), 0..4)),
    ) -> Value {
        let env = env.map(|env| env.into_iter().map(|(name, value)| json!({"name": name, "value": value})).collect::<Vec<_>>());
        let fields = [
            ("image", Some(json!(image))),
            ("replicas", replicas.map(Into::into)),
            ("suspend", suspend.map(Into::into)),
            ("args", args.map(Into::into)),
            ("env", env.map(Into::into)),
            ("ports", port.map(|port| json!([{"containerPort": port}]))),
            ("podMetadata", annotations.map(|annotations| json!({"annotations": annotations}))),
        ];
        fields.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect::<Map<_, _>>().into()
    }
}

prop_compose! {
    fn manifest()(name in name(), namespace in of(name()), labels in of(btree_map(name(), name(), 1..3)), spec in spec()) -> Value {
        let mut metadata = Map::new();
        metadata.insert("name".into(), name.into());
        metadata.extend(namespace.map(|namespace| ("namespace".to_owned(), namespace.into())));
        metadata.extend(labels.map(|labels| ("labels".to_owned(), json!(labels))));
        json!({"apiVersion": "gitmoor.dev/v1alpha1", "kind": "MicroService", "metadata": metadata, "spec": spec})
    }
}

proptest! {
    #[test]
    fn what_is_printed_as_yaml_or_json_reads_back_equal(manifest in manifest()) {
        for text in [serde_yaml::to_string(&manifest).unwrap(), manifest.to_string()] {
            let file = parse(text.as_bytes());
            // The printer leaves quotes out where YAML 1.2 alone allows it: that is refused, not misread.
            if file.diagnostics.iter().any(|found| found.code == Code::AmbiguousScalar) {
                continue;
            }
            prop_assert!(file.diagnostics.is_empty(), "{text}\n{:#?}", file.diagnostics);
            let body: Value = serde_json::from_str(&file.documents[0].body).unwrap();
            prop_assert_eq!(&body, &manifest, "{}", text);
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in vec(any::<u8>(), 0..300)) {
        parse(&bytes);
    }

    #[test]
    fn no_yaml_like_text_makes_it_panic(text in "([a-c:{}\\[\\],&*!|>'\"#%@<\\-? \\n\\t~0-9.]|---\\n|gitmoor\\.dev/v1alpha1|apiVersion: |kind: MicroService\\n){0,60}") {
        parse(text.as_bytes());
    }

    #[test]
    fn no_mutation_of_a_manifest_makes_it_panic(manifest in manifest(), cut in any::<prop::sample::Index>(), byte in any::<u8>(), insert in any::<bool>()) {
        let mut bytes = serde_yaml::to_string(&manifest).unwrap().into_bytes();
        let at = cut.index(bytes.len());
        if insert { bytes.insert(at, byte) } else { bytes[at] = byte }
        let file = parse(&bytes);
        let understood = file.documents.len() + file.quarantined.len() + file.ignored as usize;
        prop_assert!(understood > 0 || file.unreadable || file.diagnostics.is_empty());
    }

    #[test]
    fn the_order_of_documents_does_not_matter(manifests in vec(manifest(), 1..8), seed in any::<u64>()) {
        let scope = Scope { target_namespace: "shop".into(), allowed: Allowed::Any, gitsyncs: true };
        let declare = |order: &[&Value]| {
            let text = order.iter().map(|manifest| serde_yaml::to_string(manifest).unwrap()).collect::<Vec<_>>().join("---\n");
            let (name, file): (Arc<str>, _) = ("a.yaml".into(), parse(text.as_bytes()));
            let declared = assemble([(&name, &file)], &scope);
            let bodies: Vec<_> = declared.objects.values().map(|object| object.document.body.clone()).collect();
            let quarantined: Vec<_> = declared.quarantined.into_keys().collect();
            (bodies, quarantined, declared.diagnostics.len())
        };
        let mut order: Vec<_> = manifests.iter().collect();
        let straight = declare(&order);
        fastrand::Rng::with_seed(seed).shuffle(&mut order);
        prop_assert_eq!(straight, declare(&order));
    }

    #[test]
    fn the_order_of_files_does_not_matter(manifests in vec(manifest(), 1..8), seed in any::<u64>()) {
        let scope = Scope { target_namespace: "shop".into(), allowed: Allowed::Any, gitsyncs: true };
        let mut files: Vec<(Arc<str>, _)> = (0..).zip(&manifests)
            .map(|(index, manifest)| (format!("{index}.yaml").into(), parse(manifest.to_string().as_bytes())))
            .collect();
        let declare = |files: &[(Arc<str>, ParsedFile)]| assemble(files.iter().map(|(name, file)| (name, file)), &scope);
        let straight = declare(&files);
        fastrand::Rng::with_seed(seed).shuffle(&mut files);
        prop_assert_eq!(straight, declare(&files));
    }
}
