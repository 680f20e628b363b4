//! What is made of deploy/ and committed is fresh: one file to apply, the chart, components of kustomize, JSON Schemas.

use std::collections::BTreeMap;
use std::fs;

use super::{chart, schemas};
use crate::support::plane::root;

#[test]
fn what_is_made_of_the_manifests_is_as_committed() {
    let mut made = chart::made();
    made.extend(schemas::made());
    made.insert("deploy/install.yaml".into(), one_file());
    for name in ["attribution", "prevention", "restarts"] {
        made.insert(format!("deploy/components/{name}/{name}.yaml"), read(&format!("deploy/{name}.yaml")));
    }
    for component in ["page-proxy", "page-token"] {
        made.insert(format!("deploy/components/{component}/page.yaml"), read("deploy/page.yaml"));
    }
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        for (path, text) in &made {
            fs::create_dir_all(root().join(path).parent().unwrap()).unwrap();
            fs::write(root().join(path), text).unwrap();
        }
    }
    let stale: BTreeMap<_, _> = made
        .iter()
        .filter(|(path, text)| fs::read_to_string(root().join(path)).unwrap_or_default() != **text)
        .map(|(path, text)| (path, text.len()))
        .collect();
    assert!(
        stale.is_empty(),
        "stale, with what they should be long: {stale:?}; UPDATE_GOLDEN=1 cargo test --test suite generated:: writes them"
    );
    let templates = fs::read_dir(root().join("deploy/charts/gitmoor/templates")).unwrap();
    for template in templates.map(|entry| entry.unwrap().file_name().into_string().unwrap()) {
        let path = format!("deploy/charts/gitmoor/templates/{template}");
        assert!(template == "NOTES.txt" || made.contains_key(&path), "{path} is made of nothing");
    }
}

/// The namespace comes first: what is applied before it would have none.
fn one_file() -> String {
    let head = format!(
        "# Gitmoor {}: all that an installation needs, made of the files of deploy/, which say more. To install or upgrade it:\n\
         #   kubectl apply --server-side -f deploy/install.yaml\n",
        env!("CARGO_PKG_VERSION")
    );
    let files = ["access", "crds/gitsyncs", "crds/microservices", "protection", "gitmoor"];
    let texts = files.map(|name| read(&format!("deploy/{name}.yaml")));
    format!("{head}{}", texts.join("---\n"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}
