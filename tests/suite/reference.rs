//! `docs/microservice.md` and `docs/gitsync.md`: every field of the two kinds, from the CRDs' own schemas.
//!
//! `UPDATE_GOLDEN=1 cargo test --test suite reference` writes the pages.

use std::fmt::Write as _;
use std::path::Path;

use gitmoor::api::crds;
use serde_json::Value;

/// Fields of Kubernetes' own types that have descriptions.
const BORROWED: [&str; 5] = ["env", "envFrom", "startupProbe", "readinessProbe", "livenessProbe"];

/// The head of a table of fields.
const TABLE: &str = "| field | type | what it is |\n|---|---|---|\n";

#[test]
fn the_reference_of_microservices_is_what_the_schema_says() {
    let schema = crds::open_api_schema(&crds::microservice());
    let mut page = with_spec(include_str!("../golden/reference.md"), &schema);
    rules("MicroService", &schema, &mut page);
    check("docs/microservice.md", &page, &schema);
}

#[test]
fn the_reference_of_gitsyncs_is_what_the_schema_says() {
    let schema = crds::open_api_schema(&crds::gitsync());
    let mut page = with_spec(include_str!("../golden/reference-gitsync.md"), &schema);
    rules("GitSync", &schema, &mut page);
    page.push_str("\n## Status\n\nWhat the daemon writes. Nothing in it is asked for, and nothing reads it but people, commands and the daemon.\n\n");
    page.push_str(TABLE);
    fields(&schema["properties"]["status"], "", &mut page);
    check("docs/gitsync.md", &page, &schema);
}

/// What stands above, and the fields of the spec.
fn with_spec(head: &str, schema: &Value) -> String {
    let mut page = format!("{}\n\n{TABLE}", head.trim_end());
    fields(&schema["properties"]["spec"], "", &mut page);
    page
}

/// What the rules of a kind say when they are broken.
fn rules(kind: &str, schema: &Value, page: &mut String) {
    write!(page, "\n## Rules\n\nThe API server and `gitmoor validate` refuse a {kind} where:\n\n").unwrap();
    let mut rules = Vec::new();
    messages(schema, &mut rules);
    rules.sort();
    rules.dedup();
    rules.iter().for_each(|rule| writeln!(page, "* {rule}").unwrap());
}

/// The committed page is this one, and has every field of the spec.
#[track_caller]
fn check(file: &str, page: &str, schema: &Value) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, page).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == page, "{file} is stale: UPDATE_GOLDEN=1 writes it");
    for field in schema["properties"]["spec"]["properties"].as_object().unwrap().keys() {
        assert!(page.contains(&format!("| `{field}` |")), "{field}");
    }
}

/// One line per field; Kubernetes' own types have no descriptions here, and Kubernetes describes them.
fn fields(schema: &Value, above: &str, page: &mut String) {
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let Some(what) = field["description"].as_str() else { continue };
        let path = format!("{above}{name}");
        let needed = if required.iter().any(|one| one == name) { " Required." } else { "" };
        writeln!(page, "| `{path}` | {} | {}{needed} |", kind(field), what.replace('\n', " ").replace('|', "\\|"))
            .unwrap();
        if BORROWED.contains(&name.as_str()) {
            continue;
        }
        fields(field, &format!("{path}."), page);
        fields(&field["items"], &format!("{path}[]."), page);
    }
}

fn kind(field: &Value) -> String {
    if let Some(words) = field["enum"].as_array() {
        return words.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ");
    }
    if field["x-kubernetes-int-or-string"] == true {
        return "number or text".into();
    }
    let bound = |bound: &str, what: &str| field[bound].as_u64().map(|most| format!(", at most {most}{what}"));
    match field["type"].as_str().unwrap_or_default() {
        "array" => format!("list{}", bound("maxItems", "").unwrap_or_default()),
        "object" if field.get("additionalProperties").is_some() => "map".into(),
        "object" => "object".into(),
        "string" => format!("text{}", bound("maxLength", " characters").unwrap_or_default()),
        "integer" => match (field["minimum"].as_f64(), field["maximum"].as_f64()) {
            (Some(least), Some(most)) => format!("{least} to {most}"),
            _ => "number".into(),
        },
        "boolean" => "true or false".into(),
        other => other.into(),
    }
}

fn messages(schema: &Value, found: &mut Vec<String>) {
    match schema {
        Value::Object(map) => {
            let rules = map.get("x-kubernetes-validations").and_then(Value::as_array);
            found.extend(rules.into_iter().flatten().filter_map(|rule| rule["message"].as_str().map(str::to_owned)));
            map.values().for_each(|value| messages(value, found));
        }
        Value::Array(items) => items.iter().for_each(|item| messages(item, found)),
        _ => {}
    }
}
