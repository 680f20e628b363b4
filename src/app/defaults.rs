//! Follows the ConfigMap with the operator's defaults. What holds is what was understood last: a mistake in it, or a watch
//! that fails, changes nothing that is rendered. Until it is known what holds, nothing is rendered at all.

use std::sync::Arc;

use futures::StreamExt;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::core::ApiResource;
use serde_json::Value;
use tokio::sync::watch;
use tracing::{info, warn};

use crate::cluster::{CallError, Cluster, EventNote, Events, Services, follow_one};
use crate::controller::Queue;
use crate::manifest;
use crate::model::{Code, Diagnostic, ObjectKey, Position, codes};
use crate::report::defaults::{CHANGED, INVALID, changed, invalid};
use crate::server::Gate;
use crate::telemetry::Metrics;
use crate::workload::defaults::Defaults;

/// The entry of the ConfigMap.
pub const ENTRY: &str = "defaults.yaml";

/// Where an operator's defaults are.
#[derive(Debug, Clone)]
pub enum DefaultsFrom {
    /// They are these, for as long as the process runs.
    Fixed(Arc<Defaults>),
    /// In a ConfigMap of that name in the operator's namespace; where there is none, there are none.
    ConfigMap(String),
}

impl Default for DefaultsFrom {
    fn default() -> Self {
        Self::Fixed(Arc::default())
    }
}

/// What holds, as soon as that is known. Clones share it.
pub(super) type Known = watch::Sender<Option<Arc<Defaults>>>;

/// Follows a ConfigMap.
pub(super) struct Follow {
    pub cluster: Cluster,
    pub config: ObjectKey,
    pub known: Known,
    /// Whose services are rendered by them.
    pub services: Arc<Services>,
    /// Where those go that are rendered otherwise.
    pub queue: Queue,
    pub events: Events,
    pub metrics: Metrics,
    /// Opened once it is known what holds.
    pub gate: Gate,
}

impl Follow {
    /// Follows it until dropped.
    pub async fn run(self) {
        let mut seen = follow_one(&self.cluster, &ApiResource::erase::<ConfigMap>(&()), &self.config);
        // A list that begins anew tells the same again.
        let mut said = None;
        while let Some(news) = seen.next().await {
            let wrong = match news {
                Ok(None) => {
                    self.hold(Defaults::default(), None);
                    None
                }
                Ok(Some(object)) => match read(&object) {
                    Ok(defaults) => {
                        self.hold(defaults, Some(&object));
                        None
                    }
                    Err(found) => self.refuse(&object, &invalid(&found), &mut said),
                },
                Err(error) => self.unread(&error, &mut said),
            };
            self.metrics.defaults_invalid(wrong.is_some());
            said = wrong;
        }
    }

    /// From now on these hold.
    fn hold(&self, defaults: Defaults, object: Option<&Value>) {
        let defaults = Arc::new(defaults);
        let before = self.known.send_replace(Some(Arc::clone(&defaults)));
        let Some(before) = before else {
            info!(config = %self.config, exists = object.is_some(), "the operator's defaults are known");
            self.gate.open();
            return;
        };
        if *before == *defaults {
            return;
        }
        let services = self.services.all();
        let concerned = services.iter().filter(|entry| defaults.differ(&before, &entry.object.key.namespace));
        let concerned: Vec<_> = concerned.map(|entry| entry.object.key.clone()).collect();
        info!(
            config = %self.config, exists = object.is_some(), services = concerned.len(),
            "the operator's defaults changed; services are rendered anew"
        );
        if let Some(object) = object {
            self.events.emit(self.note(object, CHANGED, &changed(concerned.len())));
        }
        concerned.into_iter().for_each(|key| self.queue.add(key));
    }

    /// They cannot be understood. Each mistake is told once.
    fn refuse(&self, object: &Value, why: &str, said: &mut Option<String>) -> Option<String> {
        if said.as_deref() != Some(why) {
            let held = self.known.borrow().is_some();
            warn!(
                config = %self.config, code = codes::code_of(INVALID), reason = INVALID, detail = why, held,
                "the operator's defaults are invalid; the last good ones hold, and without any nothing is rendered"
            );
            self.events.emit(self.note(object, INVALID, why).warning());
        }
        Some(why.to_owned())
    }

    fn unread(&self, error: &CallError, said: &mut Option<String>) -> Option<String> {
        let why = error.to_string();
        if said.as_deref() != Some(why.as_str()) {
            let held = self.known.borrow().is_some();
            warn!(
                config = %self.config, code = error.code(), reason = error.reason(), %error, held,
                "the operator's defaults cannot be read; the last good ones hold, and without any nothing is rendered. \
                 Apply deploy/access.yaml, which has the right to them"
            );
        }
        Some(why)
    }

    fn note(&self, object: &Value, reason: &str, text: &str) -> EventNote {
        let uid = object["metadata"]["uid"].as_str();
        let mut note = EventNote::on("ConfigMap", &self.config, uid, reason, "Read", text);
        note.object.api_version = Some("v1".into());
        note
    }
}

/// What a ConfigMap says. It has one entry and no other: a misspelt one must not be no defaults.
fn read(object: &Value) -> Result<Defaults, Vec<Diagnostic>> {
    let entries = ["data", "binaryData"].into_iter().filter_map(|field| object[field].as_object()).flatten();
    let others = entries.map(|(name, _)| name).filter(|name| *name != ENTRY);
    let unknown = |name: &String| {
        let message = format!("the ConfigMap has the entry {name}, which is not read");
        Diagnostic::error(Code::UnknownField, Position::default(), message)
            .hint(format!("write all defaults into the entry {ENTRY}"))
            .in_file(&name.as_str().into())
    };
    let mut found: Vec<_> = others.map(unknown).collect();
    let (defaults, wrong) = match object["data"][ENTRY].as_str() {
        Some(text) => manifest::defaults(text.as_bytes()),
        None => {
            let missing = Diagnostic::error(Code::MissingField, Position::default(), "the ConfigMap has no such entry");
            (None, vec![missing.hint("write {} into it for no defaults at all, or delete the ConfigMap")])
        }
    };
    found.extend(wrong.into_iter().map(|found| found.in_file(&ENTRY.into())));
    match defaults {
        Some(defaults) if found.is_empty() => Ok(defaults),
        _ => Err(found),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(data: Value, expected: &[&str]) {
        let read = read(&json!({"metadata": {"uid": "1"}, "data": data}));
        let places: Vec<_> = match &read {
            Ok(_) => Vec::new(),
            Err(found) => found.iter().map(|found| format!("{} {}", found.place(), found.code)).collect(),
        };
        assert_eq!(
            (places.as_slice(), read.is_ok()),
            (&expected.iter().map(ToString::to_string).collect::<Vec<_>>()[..], expected.is_empty())
        );
    }

    #[test]
    fn a_config_map_has_its_one_entry_and_no_other() {
        check(json!({ENTRY: "defaults: {replicas: 3}"}), &[]);
        check(json!({}), &["defaults.yaml:1:1 GM205"]);
        check(Value::Null, &["defaults.yaml:1:1 GM205"]);
        check(json!({"default.yaml": "{}"}), &["default.yaml:1:1 GM203", "defaults.yaml:1:1 GM205"]);
        check(json!({ENTRY: "{}", "notes": ""}), &["notes:1:1 GM203"]);
        check(json!({ENTRY: "defaults:\n  replica: 3\n"}), &["defaults.yaml:2:3 GM203"]);
        check(json!({ENTRY: ""}), &["defaults.yaml:1:1 GM205"]);
    }

    #[test]
    fn what_is_binary_is_not_read() {
        let found = read(&json!({"binaryData": {"defaults.yaml": "e30="}})).unwrap_err();
        assert_eq!(found.len(), 1, "{found:?}");
    }
}
