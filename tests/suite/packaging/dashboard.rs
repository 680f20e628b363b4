//! The dashboard is loaded by Grafana's own definitions. What its queries ask for is looked at in the tests of the book.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::programs::built;
use crate::support::plane::root;

/// What Grafana's definitions say against a dashboard.
fn wrong(dashboard: &Value) -> Option<Option<String>> {
    let mut command = Command::new(built("dashboard")?);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(dashboard.to_string().as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    Some((!output.status.success()).then(|| String::from_utf8(output.stderr).unwrap()))
}

#[test]
fn grafana_knows_every_field_of_the_dashboard() {
    let text = std::fs::read_to_string(root().join("deploy/monitoring/dashboard.json")).unwrap();
    let dashboard: Value = serde_json::from_str(&text).unwrap();
    let Some(said) = wrong(&dashboard) else { return };
    assert_eq!(said, None);

    // What it would pass over is found.
    let panel = |kind: &str| {
        let panels = dashboard["panels"].as_array().unwrap();
        panels.iter().position(|panel| panel["type"] == kind).unwrap_or_else(|| panic!("no {kind}"))
    };
    let check = |pointer: String, value: Value, expected: &str| {
        let mut changed = dashboard.clone();
        let (parent, field) = pointer.rsplit_once('/').unwrap();
        changed.pointer_mut(parent).unwrap_or_else(|| panic!("no {parent}"))[field] = value;
        let said = wrong(&changed).unwrap().unwrap_or_else(|| panic!("{pointer} is taken"));
        assert!(said.contains(expected), "{pointer}: {said}");
    };
    let (series, stat) = (panel("timeseries"), panel("stat"));
    check("/titel".into(), json!("Gitmoor"), "titel");
    check(format!("/panels/{series}/options/legends"), json!({}), "legends");
    check(format!("/panels/{series}/fieldConfig/defaults/custom/lineWith"), json!(1), "lineWith");
    check(format!("/panels/{series}/targets/0/expression"), json!("up"), "expression");
    check(format!("/panels/{series}/gridPos/w"), json!("wide"), "gridPos.w");
    check(format!("/panels/{stat}/options/colorMode"), json!(7), "colorMode");
    check(format!("/panels/{stat}/type"), json!("statistics"), "statistics");
}
