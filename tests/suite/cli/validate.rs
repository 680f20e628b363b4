//! What `validate` prints for machines stays what it is, whatever files are called and whatever is in them.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use super::gitmoor;

/// A name that means something in every format.
const EVIL: &str = "a,b:c%0A\n::error::x <&>\"']]>\x1b[2J\u{202e}\u{fffe}.yaml";

/// Six files: one with a warning, and two with errors.
fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    let head = "apiVersion: gitmoor.dev/v1alpha1\nkind: MicroService\n";
    write("good.yaml", &format!("{head}metadata: {{name: good}}\nspec: {{image: a}}\n"));
    write("other.yml", "apiVersion: v1\nkind: ConfigMap\n");
    write(
        "warned.yaml",
        &format!("{head}metadata: {{name: warned, annotations: {{gitmoor.dev/colour: blue}}}}\nspec: {{image: a}}\n"),
    );
    let evil_key = "\"<a b='c'>\\u0007 100%, ::warning::\\n\"";
    write(EVIL, &format!("{head}metadata: {{name: evil}}\nspec: {{image: a, {evil_key}: 1, \"ü\": 2}}\n"));
    write("twice-a.yaml", &format!("{head}metadata: {{name: twice}}\nspec: {{image: a}}\n"));
    write("twice-b.yaml", &format!("{head}metadata: {{name: twice}}\nspec: {{image: a}}\n"));
    folder
}

/// What it prints, when something is wrong with the manifests.
async fn validate(folder: &TempDir, format: &str) -> String {
    let path = folder.path().to_str().unwrap();
    let ran = gitmoor(&["validate", path, "--output", format]).await.exits(1);
    assert_eq!(ran.err, "", "{format}");
    assert!(!ran.out.chars().any(|c| c != '\n' && (c.is_control() || c == '\u{202e}')), "{format}: {:?}", ran.out);
    ran.out
}

async fn findings(folder: &TempDir) -> Vec<Value> {
    let report: Value = serde_json::from_str(&validate(folder, "json").await).unwrap();
    let keys: Vec<_> = report.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["diagnostics", "failures", "summary"]);
    let found = report["diagnostics"].as_array().unwrap().clone();
    assert_eq!(found.len(), 4, "{report:#}");
    found
}

#[tokio::test]
async fn human_is_another_word_for_text() {
    let folder = folder();
    assert_eq!(validate(&folder, "human").await, validate(&folder, "text").await);
}

#[tokio::test]
async fn sarif_has_a_rule_and_a_region_for_each_finding() {
    let folder = folder();
    let log: Value = serde_json::from_str(&validate(&folder, "sarif").await).unwrap();
    assert_eq!((&log["version"], log["runs"].as_array().unwrap().len()), (&"2.1.0".into(), 1));
    let run = &log["runs"][0];
    assert_eq!(run["invocations"][0]["executionSuccessful"], true);
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let ids: BTreeSet<_> = rules.iter().map(|rule| rule["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), rules.len());
    for rule in rules {
        assert!(rule["help"]["text"].as_str().is_some_and(|text| text.contains("What to do: ")), "{rule:#}");
        assert!(rule["helpUri"].is_null() && rule["shortDescription"]["text"].is_string(), "{rule:#}");
    }
    let results = run["results"].as_array().unwrap();
    for (result, found) in results.iter().zip(findings(&folder).await) {
        assert_eq!((&result["ruleId"], &result["level"]), (&found["code"], &found["severity"]));
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], found["code"]);
        assert!(result["message"]["text"].as_str().unwrap().starts_with(found["message"].as_str().unwrap()));
        let place = &result["locations"][0]["physicalLocation"];
        let (region, at) = (&place["region"], &found["position"]);
        assert_eq!((&region["startLine"], &region["startColumn"]), (&at["line"], &at["column"]));
        let width = region["endColumn"].as_u64().unwrap() - region["startColumn"].as_u64().unwrap();
        assert_eq!(Some(width), at["width"].as_u64());
        let uri = place["artifactLocation"]["uri"].as_str().unwrap();
        assert!(uri.starts_with("file:///") && uri.bytes().all(|byte| byte.is_ascii_graphic()), "{uri}");
        assert!(!uri.contains(['<', '"', ',', '\\']) && uri.ends_with(".yaml"), "{uri}");
    }
    assert_eq!(results.len(), 4);
    let related = results.iter().find(|result| result["ruleId"] == "GM301").unwrap();
    let first = &related["relatedLocations"][0]["physicalLocation"]["artifactLocation"]["uri"];
    assert!(first.as_str().unwrap().ends_with("twice-a.yaml"), "{related:#}");
}

#[tokio::test]
async fn github_gets_one_command_for_each_finding() {
    let folder = folder();
    let out = validate(&folder, "github").await;
    let (summary, commands) =
        out.trim_end().lines().collect::<Vec<_>>().split_last().map(|(a, b)| (*a, b.to_vec())).unwrap();
    assert_eq!(summary, "3 errors, 1 warning in 3 of 6 files; 4 MicroServices, 1 other document");
    let found = findings(&folder).await;
    assert_eq!(commands.len(), found.len(), "{out}");
    for (command, found) in commands.iter().zip(found) {
        // As the runner reads it.
        let (head, message) = command.strip_prefix("::").unwrap().split_once("::").unwrap();
        let (name, properties) = head.split_once(' ').unwrap();
        assert_eq!(name, found["severity"]);
        let decoded = |text: &str| {
            ["%0D=\r", "%0A=\n", "%3A=:", "%2C=,", "%25=%"].iter().fold(text.to_owned(), |text, pair| {
                let (code, letter) = pair.split_once('=').unwrap();
                text.replace(code, letter)
            })
        };
        let property = |name: &str| {
            let of = |pair: &str| pair.strip_prefix(name)?.strip_prefix('=').map(decoded);
            properties.split(',').find_map(of).unwrap()
        };
        assert_eq!(property("line"), found["position"]["line"].to_string());
        assert_eq!(property("col"), found["position"]["column"].to_string());
        assert!(property("title").starts_with(found["code"].as_str().unwrap()), "{command}");
        let file = found["file"].as_str().unwrap().replace('\x1b', "\\u{1b}").replace('\u{202e}', "\\u{202e}");
        assert_eq!(property("file"), file);
        assert!(decoded(message).starts_with(found["message"].as_str().unwrap()), "{command}");
    }
}

#[tokio::test]
async fn junit_has_a_test_case_for_each_file() {
    let Some(python) = python() else { return };
    let folder = folder();
    let out = validate(&folder, "junit").await;
    let script = "
import json, sys, xml.etree.ElementTree as tree
root = tree.fromstring(sys.stdin.buffer.read())
assert root.tag == 'testsuites' and [suite.tag for suite in root] == ['testsuite']
counts = [root[0].get(name) for name in ('tests', 'failures', 'errors')]
assert counts == [root.get(name) for name in ('tests', 'failures', 'errors')]
cases = [[case.get('name'), [[part.tag, part.get('type'), part.text] for part in case]] for case in root[0]]
json.dump([counts, cases], sys.stdout)
";
    let read = run(&python, script, &out);
    assert_eq!(read[0], serde_json::json!(["6", "2", "0"]), "{out}");
    let cases = read[1].as_array().unwrap();
    assert_eq!(cases.len(), 6);
    let part = |name: &str| {
        let case = cases.iter().find(|case| case[0].as_str().unwrap().ends_with(name)).unwrap();
        case[1][0].clone()
    };
    assert_eq!((part("good.yaml"), part("other.yml")), (Value::Null, Value::Null));
    assert_eq!(part("warned.yaml")[0], "system-out");
    assert_eq!((&part("twice-a.yaml"), &part("twice-b.yaml")[1]), (&Value::Null, &"GM301".into()));
    let evil = part("\u{fffd}.yaml");
    assert_eq!((&evil[0], &evil[1]), (&"failure".into(), &"GM203".into()));
    assert!(evil[2].as_str().unwrap().contains("<a b='c'>"), "{evil:#}");
}

#[tokio::test]
async fn what_cannot_be_read_is_an_error_in_every_format() {
    let folder = folder();
    let missing = folder.path().join("nowhere<&>.yaml");
    for (format, expected) in [
        ("sarif", "\"executionSuccessful\": false"),
        ("github", "title=Not read::failed to read it: No such file"),
        ("junit", "<error type=\"Unreadable\" message=\"failed to read it: No such file"),
        ("json", "\"failures\": [\n    {"),
    ] {
        let ran = gitmoor(&["validate", missing.to_str().unwrap(), "--output", format]).await.exits(2);
        assert!(ran.out.contains(expected), "{format}: {}", ran.out);
    }
}

/// A reader of XML that is not ours. Without one the test says so, and fails where CI runs.
fn python() -> Option<&'static OsStr> {
    let there = Command::new("python3").arg("-c").arg("import xml.etree").stdin(Stdio::null()).status();
    if there.is_ok_and(|status| status.success()) {
        return Some(OsStr::new("python3"));
    }
    assert!(std::env::var_os("CI").is_none(), "CI=true, and there is no python3");
    eprintln!("SKIPPED: no python3");
    None
}

fn run(python: &OsStr, script: &str, input: &str) -> Value {
    let mut child =
        Command::new(python).args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{input}");
    serde_json::from_slice(&output.stdout).unwrap()
}
