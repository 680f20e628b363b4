//! Many documents in a file, ours and others, readable and not.

use super::*;

fn names(file: &ParsedFile) -> Vec<&str> {
    file.documents.iter().map(|document| &*document.name).collect()
}

#[test]
fn documents_of_other_groups_are_counted_and_not_judged() {
    for other in [
        "apiVersion: v1\nkind: ConfigMap\ndata: {enabled: yes, mode: 0644}\n",
        "apiVersion: apps/v1\nkind: MicroService\nspec: !custom {a: 1, a: 2}\n",
        "kind: Kustomization\nresources: [a, b]\n",
        "name: chart\nversion: 1.0\n",
        "base: &base {a: 1}\nderived:\n  <<: *base\n  8080: x\n",
        "- apiVersion: v1\n",
        "just text\n",
        "42\n",
        "apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: Secret}]\n",
    ] {
        let file = check(other, &[]);
        assert_eq!((file.ignored, file.unreadable), (1, false), "{other}");
    }
}

#[test]
fn empty_documents_are_skipped() {
    for text in ["", "\n", "# only a comment\n", "---\n---\n", "--- ~\n...\n", "null\n"] {
        assert_eq!(check(text, &[]), ParsedFile::default(), "{text:?}");
    }
}

#[test]
fn a_document_that_cannot_be_read_hides_no_other() {
    let good = |name: &str| format!("{HEAD}metadata: {{name: {name}}}\nspec: {{image: a}}\n");
    for (broken, at) in [
        ("a: [1, 2\n", "6:1 GM101"),
        ("a: \"open\n", "6:4 GM101"),
        ("a: b: c\n", "6:5 GM101"),
        ("a:\n\tb: c\n", "7:2 GM101"),
        ("a: *nowhere\n", "6:4 GM101"),
        ("a: @home\n", "6:4 GM101"),
        ("a: 'b' c\n", "6:8 GM101"),
    ] {
        let text = format!("{}---\n{broken}---\n{}", good("first"), good("second"));
        let file = parse(text.as_bytes());
        assert_eq!(names(&file), ["first", "second"], "{broken}");
        assert!(file.unreadable);
        assert_eq!(file.diagnostics.len(), 1, "{broken}");
        assert_eq!(findings(&file)[0].rsplit(' ').next(), at.rsplit(' ').next(), "{broken}");
    }
}

#[test]
fn a_missing_separator_is_one_mistake_and_hides_nothing() {
    let good = |name: &str| format!("{HEAD}metadata: {{name: {name}}}\nspec: {{image: a}}\n");
    let other = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";
    for text in
        [good("a") + &good("b"), good("a") + other, other.to_owned() + &good("b"), good("a") + &good("b") + &good("c")]
    {
        let file = parse(text.as_bytes());
        assert!(file.unreadable && file.documents.is_empty(), "{text}");
        assert_eq!(file.diagnostics.len(), 1, "{text}{:#?}", file.diagnostics);
        assert_eq!(file.diagnostics[0].hint.as_deref(), Some("is a line with --- missing before it?"));
    }
    assert_eq!(check(&format!("{other}{other}"), &[]).ignored, 1);
}

#[test]
fn byte_order_marks_and_windows_line_ends_are_accepted() {
    let text = with_spec("  image: a\n  bad: 1\n");
    check(&format!("\u{feff}{text}"), &["6:3 GM203"]);
    check(&text.replace('\n', "\r\n"), &["6:3 GM203"]);
    let file = check(&format!("\u{feff}{HEAD}metadata: {{name: a}}\r\nspec: {{image: a}}\r\n"), &[]);
    assert_eq!(names(&file), ["a"]);
}

#[test]
fn other_encodings_are_refused_at_their_place() {
    let file = parse(b"a: b\nc: \xffd\n");
    assert_eq!((findings(&file), file.unreadable), (vec!["2:4 GM105".to_owned()], true));
    let file = parse(b"\xff\xfea\0");
    assert_eq!(file.diagnostics[0].hint.as_deref(), Some("this looks like UTF-16; save it as UTF-8"));
}

#[test]
fn columns_count_characters() {
    check(
        "apiVersion: gitmoor.dev/v1alpha1\nkind: MicroService\nmetadata: {name: a, annotations: {e/ä: 'ü', f: 1}}\nspec: {image: a}\n",
        &["3:35 GM206", "3:48 GM204"],
    );
}

#[test]
fn a_field_is_located_by_its_pointer() {
    use crate::model::pointer::Pointer;
    let text =
        format!("kind: A\n---\n{}", with_spec("  image: a\n  ports:\n  - containerPort: 1\n  - containerPort: 2\n"));
    let locate = |line, pointer| {
        let at = super::super::locate(text.as_bytes(), line, &Pointer::parse(pointer).unwrap())?;
        Some((at.line, at.column))
    };
    for (pointer, expected) in [
        ("", Some((3, 1))),
        ("/spec/image", Some((7, 3))),
        ("/spec/ports/1", Some((10, 5))),
        ("/spec/ports/1/containerPort", Some((10, 5))),
        ("/spec/ports/2", None),
        ("/spec/image/x", None),
    ] {
        assert_eq!(locate(3, pointer), expected, "{pointer}");
    }
    assert_eq!(locate(4, "/spec"), None);
}

#[test]
fn a_pointer_of_git_lfs_may_stand_for_anything() {
    let file = check("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n", &["1:1 GM106"]);
    assert!(file.unreadable);
}
