//! Overrides that change nothing: a finding that no schema has.

use serde_json::{Value, json};

use super::node::{Kind, Node};
use super::say;
use crate::api::MicroService;
use crate::model::{Code, Diagnostic, Severity};
use crate::workload::defaults::{ACCESS_POLICY, DENIED, Defaults};
use crate::workload::{self, Surroundings};

/// What a valid MicroService overrides and does not have. Most have no overrides, and nothing is rendered for them.
pub(super) fn unmatched(root: &Node<'_>, object: &Value) -> Vec<Diagnostic> {
    let spec = root.field("spec").map(|entry| &entry.value);
    let Some(Kind::List(items)) = spec.and_then(|spec| spec.field("overrides")).map(|entry| &entry.value.kind) else {
        return Vec::new();
    };
    let Ok(service) = serde_json::from_value::<MicroService>(object.clone()) else { return Vec::new() };
    // An operator may deny what the service does not allow; then there is a NetworkPolicy that can be overridden.
    let denying = Defaults::from_json(&json!({"defaults": {ACCESS_POLICY: DENIED}}));
    let Ok((service, _)) = denying.apply(object, &service) else { return Vec::new() };
    let children = workload::render(&service, &Surroundings::default());
    let lost = workload::overrides::unmatched(&service.spec, &children);
    lost.into_iter().filter_map(|place| finding(place, items.get(place)?)).collect()
}

fn finding(place: usize, item: &Node<'_>) -> Option<Diagnostic> {
    let target = item.field("target")?;
    let text = |field| target.value.field(field).and_then(|entry| entry.value.as_str()).unwrap_or_default();
    let mut what = format!("{} {}", say::word(text("apiVersion")), say::word(text("kind")));
    if !text("name").is_empty() {
        what = format!("{what} {}", say::word(text("name")));
    }
    let message = format!("spec.overrides[{place}].target: {what} is not rendered for this service");
    let found = Diagnostic::error(Code::OverrideUnmatched, target.key_at, message);
    let hint = "gitmoor render shows what is; a child comes with the field that it is rendered from";
    Some(Diagnostic { severity: Severity::Warning, ..found.hint(hint) })
}
