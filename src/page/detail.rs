//! One object with all that is known of it: what its row says, its conditions, its drift, and the commands that a person
//! may want to copy.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use serde::Serialize;
use serde_json::{Value, json};

use super::access::Rights;
use super::excerpt::Excerpt;
use super::row::{ServiceJson, SyncJson};
use crate::api::gitsync::GitRef;
use crate::api::{GitSync, MicroService};
use crate::model::codes;
use crate::view::drift::{End, Level, Report, Wanted, policy};
use crate::view::{Seen, declared_by, held, history, key};

/// A command that a person may copy.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Command {
    purpose: &'static str,
    command: String,
}

/// A MicroService. `gitsync` is the one that declared it.
pub fn service(service: &MicroService, gitsync: Option<&GitSync>, version: &str) -> Value {
    let status = service.status.clone().unwrap_or_default();
    let name = key(service).to_string();
    let mut json = to_json(ServiceJson::of(service));
    let seen = Seen { gitsyncs: gitsync.cloned().into_iter().collect(), services: vec![service.clone()] };
    let mut differences = Report::of(&seen, Wanted::All);
    differences.narrow(&name);
    json["version"] = json!(version);
    json["conditions"] = status.conditions.iter().map(condition).collect();
    json["spec"] = spec(service);
    json["children"] = json!(status.children);
    json["policy"] = json!(policy(Level::Source, service, gitsync));
    json["differences"] = json!(differences);
    json["commands"] = json!(of_service(&json, &name, declared_by(service).as_deref()));
    if let Some(url) = status.url {
        json["url"] = json!(url);
    }
    if let Some(replicas) = status.replicas {
        json["replicaCounts"] = json!(replicas);
    }
    json
}

/// A GitSync. `excerpt` gives lines of a manifest, where they are at hand.
pub fn gitsync(gitsync: &GitSync, version: &str, excerpt: impl Fn(&str, u32) -> Option<Excerpt>) -> Value {
    let status = gitsync.status.clone().unwrap_or_default();
    let name = key(gitsync).to_string();
    let mut json = to_json(SyncJson::of(gitsync));
    json["version"] = json!(version);
    json["conditions"] = status.conditions.iter().map(condition).collect();
    json["source"] = json!({
        "url": without_login(&gitsync.spec.url), "ref": reference(gitsync.spec.reference.as_ref()), "paths": gitsync.spec.paths
    });
    if let Some(mirror) = &status.mirror {
        json["source"]["mirror"] = json!(without_login(mirror));
    }
    if let Some(attempted) = &status.last_attempted_revision {
        json["lastAttemptedRevision"] = json!(attempted);
    }
    if let Some(applied) = &status.last_applied_revision {
        json["lastApplied"] = json!(applied);
    }
    if let Some(plan) = &status.hold {
        json["heldPlan"] = json!({"doing": held::doing(plan)});
        let more = (plan.deletions as usize).saturating_sub(plan.deletes.len());
        if more > 0 {
            json["heldPlan"]["moreDeletions"] = json!(more);
        }
        if let Some(command) = held::command(&name, &plan.plan) {
            json["heldPlan"]["approve"] = json!(command);
        }
    }
    json["history"] = json!(history::Report::of(gitsync).history);
    json["findings"] = status
        .diagnostics
        .iter()
        .map(|found| {
            let mut json = json!(found);
            let (file, line, column) = place(&found.place);
            (json["file"], json["line"], json["column"]) = (json!(file), json!(line), json!(column));
            if let Some(entry) = codes::by_code(&found.code) {
                json["title"] = json!(entry.title);
            }
            if let Some(excerpt) = excerpt(file, line) {
                json["excerpt"] = json!(excerpt);
            }
            json
        })
        .collect();
    let field = |field: &crate::api::status::DriftedField| {
        let mut json = json!(field);
        (json["microService"], json["level"]) = (json!(field.object), json!(Level::Source));
        json
    };
    json["drift"] = status.drift.iter().map(field).collect();
    json["driftHistory"] = status
        .drift_history
        .iter()
        .map(|episode| {
            let mut json = field(&episode.field);
            let End { until, ended, lasted } = End::of(episode);
            (json["until"], json["ended"], json["lasted"]) = (json!(until), json!(ended), json!(lasted));
            json
        })
        .collect();
    json["commands"] = json!(of_sync(gitsync, &name, &json));
    json
}

/// All drift of some services, cut to what a viewer may see and to so many of each list.
pub fn drift(seen: &Seen, rights: &Rights, wanted: impl Fn(&str) -> bool, limit: usize, version: &str) -> Value {
    let mut report = Report::of(seen, Wanted::All);
    let visible = |name: &String| rights.see_service(name) && wanted(name);
    let listed = report.drift.len();
    report.drift.retain(|found| visible(&found.micro_service));
    report.history.retain(|found| visible(&found.micro_service));
    // What is counted and not listed is of services that were narrowed before.
    let hidden = u32::try_from(listed - report.drift.len()).unwrap_or(u32::MAX);
    report.standing = report.standing.saturating_sub(hidden);
    report.restraints.retain(|object, _| match object.split_once(' ') {
        Some(("MicroService", name)) => rights.see_service(name) && wanted(name),
        Some((_, name)) => name.split_once('/').is_some_and(|(namespace, _)| rights.gitsyncs.has(namespace)),
        None => false,
    });
    report.drift.truncate(limit);
    report.history.truncate(limit);
    let mut json = to_json(report);
    json["version"] = json!(version);
    json
}

/// A condition, with the code of its reason.
fn condition(condition: &Condition) -> Value {
    let mut json = json!(condition);
    if let Some(code) = codes::code_of(&condition.reason) {
        json["code"] = json!(code);
    }
    json
}

/// What is declared, in short: of variables the names alone.
fn spec(service: &MicroService) -> Value {
    let spec = &service.spec;
    let mut json = json!({
        "image": spec.image,
        "ports": spec.ports.iter().map(|port| {
            let mut json = json!({"containerPort": port.container_port});
            if let Some(name) = &port.name {
                json["name"] = json!(name);
            }
            json
        }).collect::<Vec<_>>(),
        "env": spec.env.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(),
        "routes": spec.routes.iter().flat_map(|route| &route.hostnames).collect::<Vec<_>>(),
    });
    if let Some(replicas) = spec.replicas {
        json["replicas"] = json!(replicas);
    }
    if let Some(autoscaling) = &spec.autoscaling {
        json["autoscaling"] = json!({"max": autoscaling.max_replicas});
        if let Some(min) = autoscaling.min_replicas {
            json["autoscaling"]["min"] = json!(min);
        }
    }
    if let Some(suspend) = spec.suspend {
        json["suspend"] = json!(suspend);
    }
    json
}

fn of_service(row: &Value, name: &str, sync: Option<&str>) -> Vec<Command> {
    let mut commands = Commands::default();
    if row["driftedFields"].as_u64().unwrap_or(0) > 0 {
        commands.add("Show what differs, who changed it and when", "gitmoor drift", name);
        commands.add(
            "Let it differ for an hour, while you look",
            "gitmoor pause --for 1h --reason investigating",
            name,
        );
    }
    if row["paused"].is_string() {
        commands.add("End the pause of corrections", "gitmoor unpause", name);
    }
    commands.coded(row);
    if let Some(sync) = sync {
        commands.add("Look at Git now", "gitmoor reconcile", sync);
    }
    if let Some((namespace, short)) = name.split_once('/') {
        commands.add("Show all of it", &format!("kubectl get microservice -o yaml -n {namespace}"), short);
    }
    commands.0
}

fn of_sync(gitsync: &GitSync, name: &str, row: &Value) -> Vec<Command> {
    let mut commands = Commands::default();
    if let Some(approve) = row["heldPlan"]["approve"].as_str() {
        commands.0.push(Command { purpose: "Let the held plan go on", command: approve.to_owned() });
    }
    commands.add("Look at Git now", "gitmoor reconcile", name);
    commands.coded(row);
    match gitsync.spec.suspended() {
        true => commands.add("Go on", "gitmoor resume", name),
        false => commands.add("Stop writing for a while", "gitmoor suspend --reason investigating", name),
    }
    if row["paused"].is_string() {
        commands.add("End the pause of corrections", "gitmoor unpause", &format!("gitsync/{name}"));
    }
    if row["pinnedRevision"].is_string() {
        commands.add("Follow the source again", "gitmoor rollback --release", name);
    }
    commands.add("Show its last revisions", "gitmoor history", name);
    commands.0
}

#[derive(Default)]
struct Commands(Vec<Command>);

impl Commands {
    /// A command with its last word, where that is no more than a word to a shell that it is pasted into.
    fn add(&mut self, purpose: &'static str, command: &str, word: &str) {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-./".contains(c);
        if !word.is_empty() && !word.starts_with('-') && word.chars().all(plain) {
            self.0.push(Command { purpose, command: format!("{command} {word}") });
        }
    }

    fn coded(&mut self, row: &Value) {
        if let (Some(code), false) = (row["code"].as_str(), row["health"] == "Ready") {
            self.add("Explain why", "gitmoor explain", code);
        }
    }
}

/// A URL without who logs in by it, and without what follows a question mark.
fn without_login(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (authority, path) = rest.split_once('/').map_or((rest, ""), |(authority, path)| (authority, path));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let slash = if rest.contains('/') { "/" } else { "" };
    format!("{scheme}://{host}{slash}{path}")
}

fn reference(reference: Option<&GitRef>) -> String {
    let Some(one) = reference else { return "branch main".to_owned() };
    let said = [
        ("branch", &one.branch),
        ("tag", &one.tag),
        ("semver", &one.semver),
        ("commit", &one.commit),
        ("ref", &one.name),
    ];
    let said = said.into_iter().find_map(|(word, value)| Some(format!("{word} {}", value.as_ref()?)));
    said.unwrap_or_else(|| "branch main".to_owned())
}

/// Splits `file:line:column`.
fn place(place: &str) -> (&str, u32, u32) {
    let split = || {
        let (rest, column) = place.rsplit_once(':')?;
        let (file, line) = rest.rsplit_once(':')?;
        Some((file, line.parse().ok()?, column.parse().ok()?))
    };
    split().unwrap_or((place, 1, 1))
}

/// These shapes always serialise: their maps have texts as keys.
fn to_json(value: impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

#[cfg(test)]
mod tests;
