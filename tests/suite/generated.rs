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
