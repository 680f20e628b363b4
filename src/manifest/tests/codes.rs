//! The manifests that explain codes have what they explain, and nothing else.

use std::sync::Arc;

use crate::manifest::{Allowed, Scope, assemble, parse};
use crate::model::codes::{self, Example};

#[test]
fn an_example_of_a_code_leads_to_that_code() {
    let file: Arc<str> = "apps/orders.yaml".into();
    let shop: Arc<str> = "shop".into();
    let mut shown = 0;
    for entry in codes::all() {
        let Example::Manifest(_) = entry.example else { continue };
        let (target_namespace, allowed) = (shop.clone(), Allowed::Only(vec![shop.clone()]));
        // A GitSync is explained where it may be declared, but where just that is explained.
        let scope = Scope { target_namespace, allowed, gitsyncs: entry.name() != "KindNotAllowed" };
        let parsed = parse(entry.example.text().as_bytes());
        let found = assemble([(&file, &parsed)], &scope).diagnostics;
        let codes: Vec<_> = found.iter().map(|found| found.code.as_str()).collect();
        assert_eq!(codes, [entry.code], "{}\n{found:#?}", entry.example.text());
        shown += 1;
    }
    assert!(shown >= 14, "{shown}");
}
