//! Alerting rules and the dashboard ask for what is measured: every query is PromQL, and each metric, label and word in
//! it is in the contract, docs/metrics.md. Each alert has its runbook, and each runbook its alert.
//!
//! What PromQL cannot say of itself, whether an alert fires when it should, promtool says: hack/check-rules.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use regex::Regex;
use serde_json::Value;

use super::page::Page;
use super::promql::{self, Selector};
use crate::support::files::documents;
use crate::support::plane::root;

const RULES: &str = "deploy/monitoring/rules.yaml";
const DASHBOARD: &str = "deploy/monitoring/dashboard.json";
/// The page with the runbooks, as alerts link to it.
const RUNBOOKS: &str = "https://github.com/gitmoor/gitmoor/blob/main/docs/monitoring.md#";
/// Labels that Prometheus puts on what it scrapes.
const OF_TARGETS: [&str; 4] = ["namespace", "pod", "job", "instance"];
/// Units that the dashboard uses, of those that Grafana knows.
const UNITS: [&str; 7] = ["none", "short", "s", "bytes", "percentunit", "ops", "dateTimeFromNow"];

/// A metric of the contract.
#[derive(Debug, Default)]
struct Metric {
    kind: String,
    /// The words that a label can have; none where it is open.
    labels: BTreeMap<String, BTreeSet<String>>,
}

/// The contract, as its page has it.
fn contract() -> BTreeMap<String, Metric> {
    let text = fs::read_to_string(root().join("docs/metrics.md")).unwrap();
    let (heading, kind) = (Regex::new("^## `([a-z_]+)`$").unwrap(), Regex::new(r"^\*\*([a-z]+)\.\*\*").unwrap());
    let label = Regex::new("^- `([a-z_]+)`: (.*)$").unwrap();
    let word = Regex::new("`([^`]+)`").unwrap();
    let mut metrics: Vec<(String, Metric)> = Vec::new();
    for line in text.lines() {
        if let Some(found) = heading.captures(line) {
            metrics.push((found[1].to_owned(), Metric::default()));
        } else if let (Some(found), Some((_, metric))) = (kind.captures(line), metrics.last_mut()) {
            metric.kind = found[1].to_owned();
        } else if let (Some(found), Some((_, metric))) = (label.captures(line), metrics.last_mut()) {
            let open = found[2].contains("namespace/name") || found[2].contains("a fixed word");
            let words = word.captures_iter(&found[2]).filter(|_| !open).map(|word| word[1].to_owned());
            metric.labels.insert(found[1].to_owned(), words.collect());
        }
    }
    assert!(metrics.len() > 20, "docs/metrics.md has another form");
    metrics.into_iter().collect()
}

/// The metric that a series belongs to, and whether the series is one of its buckets.
fn metric<'a>(series: &str, contract: &'a BTreeMap<String, Metric>) -> Option<(&'a str, &'a Metric, bool)> {
    let base = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| series.strip_suffix(suffix));
    let found = base.and_then(|base| contract.get_key_value(base)).filter(|(_, metric)| metric.kind == "histogram");
    let plain = contract.get_key_value(series).filter(|(_, metric)| metric.kind != "histogram");
    let (name, metric) = found.or(plain)?;
    Some((name, metric, found.is_some() && series.ends_with("_bucket")))
}

/// What a query asks for, or what is wrong with it.
fn check(query: &str, contract: &BTreeMap<String, Metric>) -> Result<BTreeSet<String>, String> {
    let plain = query.replace("$__rate_interval", "5m");
    let expr = promql::parse(&plain).map_err(|error| format!("{query}: {error}"))?;
    let (mut asked, mut wrong) = (BTreeSet::new(), Vec::new());
    for selector in expr.selectors() {
        match metric(&selector.name, contract) {
            Some((name, ..)) => drop(asked.insert(name.to_owned())),
            None => wrong.push(format!("{} is not in the contract", selector.name)),
        }
        for (label, operator, value) in &selector.matchers {
            wrong.extend(unknown_label(selector, label, contract));
            wrong.extend(unknown_words(selector, (label, operator, value), contract));
        }
    }
    for (labels, selectors) in expr.groupings() {
        let pairs = labels.iter().flat_map(|label| selectors.iter().map(move |selector| (label, selector)));
        wrong.extend(pairs.filter_map(|(label, selector)| unknown_label(selector, label, contract)));
    }
    if wrong.is_empty() { Ok(asked) } else { Err(format!("{query}: {}", wrong.join("; "))) }
}

/// A label that a series does not have.
fn unknown_label(selector: &Selector, label: &str, contract: &BTreeMap<String, Metric>) -> Option<String> {
    let (_, metric, bucket) = metric(&selector.name, contract)?;
    let known = metric.labels.contains_key(label) || OF_TARGETS.contains(&label) || bucket && label == "le";
    (!known).then(|| format!("{} has no label {label}", selector.name))
}

/// Words that a label never has.
fn unknown_words(
    selector: &Selector,
    (label, operator, value): (&str, &str, &str),
    contract: &BTreeMap<String, Metric>,
) -> Vec<String> {
    let known = metric(&selector.name, contract).and_then(|(_, metric, _)| metric.labels.get(label));
    let Some(words) = known.filter(|words| !words.is_empty()) else { return Vec::new() };
    let asked: Vec<&str> = if operator.ends_with('~') { value.split('|').collect() } else { vec![value] };
    let unknown = asked.into_iter().filter(|word| !words.contains(*word) && !word.starts_with('$'));
    unknown.map(|word| format!("{label} is never {word:?}")).collect()
}

fn alerts() -> Vec<Value> {
    let rules = documents(&root().join(RULES)).remove(0);
    assert_eq!(rules["kind"], "PrometheusRule");
    let groups = rules["spec"]["groups"].as_array().unwrap().clone();
    groups.iter().flat_map(|group| group["rules"].as_array().unwrap().clone()).collect()
}

#[test]
fn every_alert_asks_for_what_is_measured_and_says_what_to_do() {
    let (contract, runbooks) = (contract(), Page::read("docs/monitoring.md").anchors);
    let mut wrong = Vec::new();
    for alert in alerts() {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let name = text(&alert["alert"]);
        let mut bad = |what: String| wrong.push(format!("{name}: {what}"));
        if let Err(why) = check(&text(&alert["expr"]), &contract) {
            bad(why);
        }
        if !["critical", "warning", "info"].contains(&text(&alert["labels"]["severity"]).as_str()) {
            bad("it has no severity".into());
        }
        let notes = &alert["annotations"];
        for note in ["summary", "description"].iter().filter(|note| text(&notes[**note]).len() < 20) {
            bad(format!("its {note} says nothing"));
        }
        let runbook = text(&notes["runbook_url"]);
        if runbook != format!("{RUNBOOKS}{}", name.to_lowercase()) || !runbooks.contains(&name.to_lowercase()) {
            bad(format!("its runbook {runbook:?} is not a heading of the page"));
        }
        if !name.starts_with("Gitmoor") || alert["for"].as_str().is_none() {
            bad("a name that says whose it is, and a time that it must last".into());
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_runbook_has_its_alert() {
    let names: BTreeSet<_> = alerts().iter().map(|alert| alert["alert"].as_str().unwrap().to_lowercase()).collect();
    let page = Page::read("docs/monitoring.md");
    let of_page: BTreeSet<_> = page.anchors.into_iter().filter(|anchor| anchor.starts_with("gitmoor")).collect();
    assert_eq!(of_page, names);
}

#[test]
fn every_alert_is_played_as_it_fires_and_as_it_is_silent() {
    let tests = documents(&root().join("tests/monitoring/rules.test.yaml")).remove(0);
    let alert = Regex::new(r#"alertname="([A-Za-z]+)""#).unwrap();
    let (mut fires, mut silent) = (BTreeSet::new(), BTreeSet::new());
    for test in tests["tests"].as_array().unwrap().iter().flat_map(|test| test["promql_expr_test"].as_array().unwrap())
    {
        let name = alert.captures(test["expr"].as_str().unwrap()).unwrap()[1].to_owned();
        let played = if test["exp_samples"].as_array().unwrap().is_empty() { &mut silent } else { &mut fires };
        played.insert(name);
    }
    let names: BTreeSet<_> = alerts().iter().map(|alert| alert["alert"].as_str().unwrap().to_owned()).collect();
    assert_eq!((&fires, &silent), (&names, &names), "in tests/monitoring/rules.test.yaml");
}

#[test]
fn the_dashboard_shows_what_is_measured_and_says_what_it_shows() {
    let contract = contract();
    let dashboard: Value = serde_json::from_str(&fs::read_to_string(root().join(DASHBOARD)).unwrap()).unwrap();
    assert_eq!(dashboard["uid"], "gitmoor");
    let variables: BTreeSet<_> =
        dashboard["templating"]["list"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    let panels: Vec<_> =
        dashboard["panels"].as_array().unwrap().iter().filter(|panel| panel["type"] != "row").collect();
    let (mut wrong, mut shown, mut ids) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    for panel in &panels {
        let title = panel["title"].as_str().unwrap_or_default();
        let mut bad = |what: String| wrong.push(format!("{title:?}: {what}"));
        if !ids.insert(panel["id"].to_string()) {
            bad("another panel has its id".into());
        }
        if panel["description"].as_str().is_none_or(|text| text.len() < 20) {
            bad("it has no description".into());
        }
        if panel["fieldConfig"]["defaults"]["unit"].as_str().is_none_or(|unit| !UNITS.contains(&unit)) {
            bad("it has no unit".into());
        }
        if panel["datasource"]["uid"] != "${datasource}" {
            bad("its data source is not the one that is chosen".into());
        }
        let grid = &panel["gridPos"];
        if grid["x"].as_u64().unwrap_or(99) + grid["w"].as_u64().unwrap_or(99) > 24 {
            bad("it leaves the grid".into());
        }
        let targets = panel["targets"].as_array().cloned().unwrap_or_default();
        assert!(!targets.is_empty(), "{title}");
        for target in &targets {
            match check(target["expr"].as_str().unwrap_or_default(), &contract) {
                Ok(asked) => shown.extend(asked),
                Err(why) => bad(why),
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    let used = Regex::new(r"\$\{?([a-z]+)\}?").unwrap();
    let text = dashboard.to_string();
    let unknown: Vec<_> = used
        .captures_iter(&text)
        .map(|found| found[1].to_owned())
        .filter(|name| !variables.contains(name.as_str()))
        .collect();
    assert!(unknown.is_empty(), "variables that the dashboard does not have: {unknown:?}");
    let unseen: Vec<_> = contract.keys().filter(|name| !shown.contains(*name)).collect();
    assert!(unseen.is_empty(), "no panel shows {unseen:?}");
}

#[test]
fn no_two_panels_lie_on_each_other() {
    let dashboard: Value = serde_json::from_str(&fs::read_to_string(root().join(DASHBOARD)).unwrap()).unwrap();
    let mut taken: BTreeMap<(u64, u64), String> = BTreeMap::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        let at = |key: &str| panel["gridPos"][key].as_u64().unwrap_or_else(|| panic!("{panel:#}"));
        for (x, y) in (at("x")..at("x") + at("w")).flat_map(|x| (at("y")..at("y") + at("h")).map(move |y| (x, y))) {
            let before = taken.insert((x, y), panel["title"].to_string());
            assert!(before.is_none(), "{} lies on {before:?}", panel["title"]);
        }
    }
}

#[test]
fn a_query_for_what_is_not_measured_is_found() {
    let contract = contract();
    for (query, good) in [
        (r#"sum by (sync) (rate(gitmoor_syncs_total{result="failed"}[5m]))"#, true),
        (r#"gitmoor_syncs_total{result="fialed"}"#, false),
        (r#"gitmoor_syncs_total{result=~"failed|partial"}"#, true),
        (r#"gitmoor_syncs_total{result=~"failed|partail"}"#, false),
        (r#"gitmoor_syncs_total{sync=~"$sync"}"#, true),
        ("gitmoor_syncs", false),
        ("gitmoor_sync_duration_seconds", false),
        ("histogram_quantile(0.9, sum by (le) (rate(gitmoor_sync_duration_seconds_bucket[5m])))", true),
        ("sum by (le) (gitmoor_sync_duration_seconds_sum)", false),
        ("sum by (level) (gitmoor_leader)", false),
        ("sum by (job) (gitmoor_leader)", true),
        ("sum by (sync) (", false),
        ("up", false),
    ] {
        assert_eq!(check(query, &contract).is_ok(), good, "{query}: {:?}", check(query, &contract));
    }
}
