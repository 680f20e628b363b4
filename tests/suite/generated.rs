//! What is generated and committed is fresh.

use std::path::Path;

use gitmoor::api::crds;

#[test]
fn the_committed_crds_are_what_the_types_say() {
    for (file, crd) in [("gitsyncs", crds::gitsync()), ("microservices", crds::microservice())] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("deploy/crds/{file}.yaml"));
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        let wanted = serde_yaml::to_string(&crd).unwrap();
        assert!(committed == wanted, "deploy/crds/{file}.yaml is stale: `make crds` writes it");
    }
}

#[test]
fn the_page_about_new_kinds_shows_a_file_as_it_is() {
    let read = |path: &str| std::fs::read_to_string(crate::support::plane::root().join(path)).unwrap();
    let page = read("docs/extending.md");
    assert!(
        page.contains(&read("src/workload/service_monitor.rs")),
        "docs/extending.md shows an older service_monitor.rs"
    );
    let line = "    &service_monitor::KIND,\n";
    assert!(page.contains(line) && read("src/workload/mod.rs").contains(line), "the line in KINDS is another");
}
