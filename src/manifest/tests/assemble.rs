//! Files become the objects of a revision.

use std::sync::Arc;

use super::*;
use crate::manifest::{Allowed, Scope, assemble};
use crate::model::{Declared, Target};

fn scope(allowed: Allowed) -> Scope {
    Scope { target_namespace: "shop".into(), allowed, gitsyncs: true }
}

fn service(name: &str) -> String {
    format!("{HEAD}metadata: {{name: {name}}}\nspec: {{image: a}}\n---\n")
}

fn service_in(namespace: &str, name: &str) -> String {
    format!("{HEAD}metadata: {{name: {name}, namespace: {namespace}}}\nspec: {{image: a}}\n---\n")
}

fn declare(files: &[(&str, String)], allowed: Allowed) -> Declared {
    let files: Vec<(Arc<str>, _)> = files.iter().map(|(name, text)| ((*name).into(), parse(text.as_bytes()))).collect();
    assemble(files.iter().map(|(name, file)| (name, file)), &scope(allowed))
}

fn keys<T>(objects: &std::collections::BTreeMap<Target, T>) -> Vec<String> {
    objects.keys().map(ToString::to_string).collect()
}

#[test]
fn a_manifest_without_namespace_goes_to_the_target_namespace() {
    let declared = declare(&[("a.yaml", service("a") + &service_in("pay", "b"))], Allowed::Any);
    assert_eq!(keys(&declared.objects), ["pay/b", "shop/a"]);
    assert_eq!((declared.files, declared.diagnostics.len()), (1, 0));
}

#[test]
fn an_object_that_is_declared_twice_is_not_applied_at_all() {
    let files =
        [("b.yaml", service("a")), ("a.yaml", service_in("shop", "a") + &service("other")), ("c.yaml", service("a"))];
    let declared = declare(&files, Allowed::Any);
    assert_eq!(keys(&declared.objects), ["shop/other"]);
    assert_eq!(keys(&declared.quarantined), ["shop/a"]);
    let found: Vec<_> = declared
        .diagnostics
        .iter()
        .map(|found| (found.place(), found.related.as_ref().unwrap().file.to_string()))
        .collect();
    assert_eq!(found, [("b.yaml:1:1".into(), "a.yaml".to_owned()), ("c.yaml:1:1".into(), "a.yaml".to_owned())]);
}

#[test]
fn an_invalid_twin_spoils_a_valid_one() {
    let declared = declare(&[("a.yaml", service("a") + &format!("{HEAD}metadata: {{name: a}}\n"))], Allowed::Any);
    assert_eq!(keys(&declared.quarantined), ["shop/a"]);
    assert_eq!(declared.diagnostics.iter().map(|found| found.code.as_str()).collect::<Vec<_>>(), ["GM205", "GM301"]);
}

#[test]
fn a_namespace_must_be_allowed() {
    let files = [("a.yaml", service("a") + &service_in("pay", "b"))];
    let declared = declare(&files, Allowed::Only(vec!["shop".into()]));
    assert_eq!((keys(&declared.objects), keys(&declared.quarantined)), (vec!["shop/a".into()], vec!["pay/b".into()]));
    assert_eq!(declared.diagnostics[0].place(), "a.yaml:8:32");

    let declared = declare(&files, Allowed::Only(vec!["pay".into()]));
    assert_eq!(keys(&declared.objects), ["pay/b"]);
    assert_eq!(declared.diagnostics[0].message, "the target namespace shop is not one that this GitSync may write to");
}

#[test]
fn a_gitsync_is_declared_only_where_that_is_allowed() {
    let sync = "apiVersion: gitmoor.dev/v1alpha1\nkind: GitSync\nmetadata: {name: a}\nspec: {url: 'https://a.example/b'}\n---\n";
    let files = [("a.yaml", service("a") + sync)];
    let declared = declare(&files, Allowed::Any);
    assert_eq!(keys(&declared.objects), ["shop/a", "GitSync shop/a"], "the two kinds do not clash");

    let (name, file): (Arc<str>, _) = ("a.yaml".into(), parse(files[0].1.as_bytes()));
    let declared = assemble([(&name, &file)], &Scope { gitsyncs: false, ..scope(Allowed::Any) });
    assert_eq!(
        (keys(&declared.objects), keys(&declared.quarantined)),
        (vec!["shop/a".into()], vec!["GitSync shop/a".into()])
    );
    assert_eq!(
        (declared.diagnostics[0].place(), declared.diagnostics[0].code.as_str()),
        ("a.yaml:6:1".into(), "GM304")
    );
}

#[test]
fn what_files_came_to_is_added_up() {
    let files = [("b.yaml", "a: [".into()), ("a.yaml", "kind: X\n---\n".to_owned() + &with_spec("  bad: 1\n"))];
    let declared = declare(&files, Allowed::Any);
    assert_eq!((declared.ignored, declared.unreadable, declared.files), (1, true, 2));
    assert_eq!(
        declared.diagnostics.iter().map(|found| &*found.file).collect::<Vec<_>>(),
        ["a.yaml", "a.yaml", "b.yaml"]
    );
}
