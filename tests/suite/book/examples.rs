//! Every example in YAML is YAML, and every MicroService, GitSync or part of one is valid by the code of `gitmoor validate`.

use std::collections::BTreeMap;
use std::sync::Arc;

use gitmoor::manifest::{Allowed, Scope, assemble, parse};
use serde::Deserialize;
use serde_json::{Value, json};

use super::page::{Block, Page, everything};

/// What a note says of a block that is not to be valid, as in an example of a mistake.
const BROKEN: &str = "broken";

#[test]
fn every_example_is_valid() {
    let (mut wrong, mut read) = (Vec::new(), 0);
    // The pages about codes show mistakes; tests of their own hold them to that.
    for page in everything().into_iter().filter(|page| !page.path.starts_with("docs/codes/")) {
        for block in page.blocks.iter().filter(|block| block.language == "yaml") {
            read += 1;
            if let Err(why) = check(block) {
                wrong.push(format!("{}:{}: {why}", page.path, block.line));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    assert!(read > 15, "only {read} blocks were found: are they still read?");
}

fn check(block: &Block) -> Result<(), String> {
    if block.note == BROKEN {
        return Ok(());
    }
    // What is cut short is marked so, and only where it is cut.
    let text = block.text.replace(", …", "").replace("…", "x");
    let documents: Result<Vec<Value>, _> = serde_yaml::Deserializer::from_str(&text).map(Value::deserialize).collect();
    for document in documents.map_err(|error| error.to_string())? {
        if document["apiVersion"].as_str().is_some_and(|version| version.starts_with("gitmoor.dev/")) {
            findings(&text)?;
        } else if document.get("spec").is_some() && document.get("kind").is_none() {
            a_spec(&document["spec"])?;
        }
    }
    Ok(())
}

/// A part of a spec is that of a GitSync or of a MicroService.
fn a_spec(spec: &Value) -> Result<(), String> {
    let whole = |kind: &str, needed: Value| {
        let mut whole = needed;
        for (field, value) in spec.as_object().into_iter().flatten() {
            whole[field] = value.clone();
        }
        let object =
            json!({"apiVersion": "gitmoor.dev/v1alpha1", "kind": kind, "metadata": {"name": "x"}, "spec": whole});
        serde_yaml::to_string(&object).unwrap()
    };
    let gitsync = whole("GitSync", json!({"url": "https://git.example.com/x.git"}));
    let service = whole("MicroService", json!({"image": "example.com/x:1"}));
    findings(&gitsync).or_else(|of_gitsync| {
        findings(&service).map_err(|of_service| format!("as GitSync: {of_gitsync}\nas MicroService: {of_service}"))
    })
}

/// What `gitmoor validate` says of a file.
fn findings(text: &str) -> Result<(), String> {
    let parsed = parse(text.as_bytes());
    let name: Arc<str> = "example.yaml".into();
    let scope = Scope { target_namespace: "default".into(), allowed: Allowed::Any, gitsyncs: true };
    let files = BTreeMap::from([(name, parsed)]);
    let declared = assemble(files.iter(), &scope);
    let said: Vec<_> = declared.diagnostics.iter().map(|found| format!("{} {}", found.code, found.message)).collect();
    if said.is_empty() { Ok(()) } else { Err(said.join("; ")) }
}

#[test]
fn a_broken_example_is_found() {
    for (text, good) in [
        ("spec: {ref: {branch: main}}", true),
        ("spec: {replicas: 3}", true),
        ("spec: {replicsa: 3}", false),
        ("spec: {ref: {branch: main, tag: v1}}", false),
        ("apiVersion: gitmoor.dev/v1alpha1\nkind: GitSync\nmetadata: {name: a}\nspec: {}", false),
        ("a: [", false),
        ("defaults: {replicas: 2}", true),
    ] {
        let page = Page::of("x.md", &format!("# x\n\n```yaml\n{text}\n```\n"));
        assert_eq!(check(&page.blocks[0]).is_ok(), good, "{text}: {:?}", check(&page.blocks[0]));
    }
}
