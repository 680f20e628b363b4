//! Whose hands they are: kubectl in its many forms, updates, and applies of other managers, forced and not.

use std::collections::BTreeMap;

use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use super::model::Model;
use super::subjects::{Place, Step, Subject};
use crate::support::Kube;

/// What people have for one thing only.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Tool {
    Label,
    Annotate,
    Scale,
}

/// Everybody who edits one object.
pub struct Hands<'a> {
    kube: &'a Kube,
    subject: &'static Subject,
    pub namespace: String,
    pub name: String,
    pub places: Vec<Place>,
    /// What was done, for whoever reads a failure.
    pub done: Vec<String>,
    /// What `kubectl apply` was given so far: what it is not given again it takes away.
    kubectl_applied: BTreeMap<usize, Value>,
}

impl<'a> Hands<'a> {
    pub fn new(kube: &'a Kube, subject: &'static Subject, namespace: String, name: String, places: Vec<Place>) -> Self {
        Self { kube, subject, namespace, name, places, done: Vec::new(), kubectl_applied: BTreeMap::new() }
    }

    /// One edit by somebody.
    pub async fn edit(&mut self, random: &mut fastrand::Rng, model: &mut Model) -> Result<(), String> {
        let at = random.usize(..self.places.len());
        let place = self.places[at].clone();
        let remove = place.removable && model.states[at].value.is_some() && random.u8(..3) == 0;
        let mut values = place.values.clone();
        // Changing it back is an edit, too.
        values.extend(model.states[at].declared().cloned());
        let value = if remove { None } else { Some(values[random.usize(..values.len())].clone()) };
        let who = random.u8(..16);
        self.done.push(format!("{who}: {:?} {:?} {value:?}", place.steps, place.leaf));
        match (who, place.tool) {
            (0..3, _) => self.update("alice", at, value, model).await,
            (3..5, _) => self.update("bob", at, value, model).await,
            (5, _) => self.kubectl_patch(at, value, model).await,
            (6, _) => self.kubectl_edit(at, value, model).await,
            (7, _) if self.is_simple(at) => self.kubectl_apply(at, value, model).await,
            (8..10, _) => self.apply("mesh", true, at, value, model).await,
            (10..12, _) => self.apply("pipeline", false, at, value, model).await,
            (12, _) => self.shuffle(random).await,
            (13, _) if self.subject.kind == "Deployment" => self.restart().await,
            (_, Some(tool)) => self.tool(tool, at, value, model).await,
            _ => self.update("alice", at, value, model).await,
        }
    }

    async fn update(
        &self,
        manager: &'static str,
        at: usize,
        value: Option<Value>,
        model: &mut Model,
    ) -> Result<(), String> {
        let patch = self.patch(&self.live().await, at, value.as_ref());
        let edit = self.kube.try_edit(manager, self.subject.kind, &self.namespace, &self.name, patch.clone());
        edit.await.map_err(|error| format!("{manager}: {error} for {patch}"))?;
        model.updated(at, manager, value);
        Ok(())
    }

    async fn kubectl_patch(&self, at: usize, value: Option<Value>, model: &mut Model) -> Result<(), String> {
        let patch = self.patch(&self.live().await, at, value.as_ref()).to_string();
        self.kubectl(&["patch", &self.object(), "--type=json", "--patch", &patch], &[], String::new()).await?;
        model.updated(at, "kubectl-patch", value);
        Ok(())
    }

    /// An editor that saves the object with one change. It begins again where a controller's write came between.
    async fn kubectl_edit(&self, at: usize, value: Option<Value>, model: &mut Model) -> Result<(), String> {
        let mut tries = 0;
        while let Err(error) = self.kubectl_edit_once(at, value.as_ref()).await {
            tries += 1;
            if tries > 8 || !error.contains("the object has been modified") {
                return Err(error);
            }
        }
        model.updated(at, "kubectl-edit", value);
        Ok(())
    }

    async fn kubectl_edit_once(&self, at: usize, value: Option<&Value>) -> Result<(), String> {
        let mut live = self.live().await;
        let patch = self.patch(&live, at, value);
        json_patch::patch(&mut live, &serde_json::from_value::<json_patch::Patch>(patch).unwrap()).unwrap();
        live["metadata"].as_object_mut().unwrap().remove("managedFields");
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), live.to_string()).unwrap();
        let editor = format!("cp {}", file.path().display());
        self.kubectl(&["edit", &self.object(), "--output=json"], &[("KUBE_EDITOR", &editor)], String::new()).await
    }

    /// `kubectl apply` of some fields, as of old.
    async fn kubectl_apply(&mut self, at: usize, value: Option<Value>, model: &mut Model) -> Result<(), String> {
        let Some(value) = value else { return Ok(()) };
        self.kubectl_applied.insert(at, value);
        let body = self.body(&self.kubectl_applied).to_string();
        self.kubectl(&["apply", "--filename=-"], &[], body).await?;
        for (at, value) in &self.kubectl_applied {
            model.updated(*at, "kubectl-client-side-apply", Some(value.clone()));
        }
        Ok(())
    }

    /// Server-side apply of one field more than before.
    async fn apply(
        &self,
        manager: &'static str,
        force: bool,
        at: usize,
        value: Option<Value>,
        model: &mut Model,
    ) -> Result<(), String> {
        let Some(value) = value else { return Ok(()) };
        let mut fields = model.applied.get(manager).cloned().unwrap_or_default();
        fields.insert(at, value);
        let body = self.body(&fields);
        let params = PatchParams { force, ..PatchParams::apply(manager).validation_strict() };
        let api = self.kube.api(self.subject.kind, &self.namespace);
        let answer = api.patch(&self.name, &params, &Patch::Apply(&body)).await;
        match (answer, !force && model.conflicts(manager, &fields)) {
            (Ok(_), false) => model.applied(manager, fields),
            (Err(kube::Error::Api(status)), true) if status.code == 409 => {}
            (Ok(_), true) => return Err(format!("{manager}: no conflict for {body}")),
            (Err(error), _) => return Err(format!("{manager}: {error} for {body}")),
        }
        Ok(())
    }

    async fn tool(&self, tool: Tool, at: usize, value: Option<Value>, model: &mut Model) -> Result<(), String> {
        let Some(Step::Field(name)) = self.places[at].steps.last() else { return Ok(()) };
        let text = value.as_ref().map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        let pair = text.as_ref().map_or_else(|| format!("{name}-"), |text| format!("{name}={text}"));
        let (manager, arguments) = match (tool, text) {
            (Tool::Label, _) => ("kubectl-label", vec!["label".to_owned(), self.object(), pair, "--overwrite".into()]),
            (Tool::Annotate, _) => {
                ("kubectl-annotate", vec!["annotate".to_owned(), self.object(), pair, "--overwrite".into()])
            }
            (Tool::Scale, Some(text)) => {
                ("kubectl", vec!["scale".to_owned(), self.object(), format!("--replicas={text}")])
            }
            (Tool::Scale, None) => return Ok(()),
        };
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        self.kubectl(&arguments, &[], String::new()).await?;
        model.updated(at, manager, value);
        Ok(())
    }

    /// Turns every keyed list around, which changes nothing.
    async fn shuffle(&self, random: &mut fastrand::Rng) -> Result<(), String> {
        let live = self.live().await;
        let items =
            self.places.iter().filter(|place| matches!(place.steps.last(), Some(Step::Item(_) | Step::Value(_))));
        let Some(list) = items.filter_map(|place| place.parent(&live)).nth(random.usize(..3)) else { return Ok(()) };
        let mut turned = live.pointer(&list).and_then(Value::as_array).cloned().unwrap_or_default();
        turned.reverse();
        let patch = json!([{"op": "replace", "path": list, "value": turned}]);
        let edit = self.kube.try_edit("alice", self.subject.kind, &self.namespace, &self.name, patch);
        edit.await.map(drop).map_err(|error| error.to_string())
    }

    /// A wish, and no drift. A paused rollout cannot be restarted by kubectl, so it is written as kubectl writes it.
    async fn restart(&self) -> Result<(), String> {
        let path = "/spec/template/metadata/annotations/kubectl.kubernetes.io~1restartedAt";
        let patch = json!([{"op": "add", "path": path, "value": "2026-01-02T03:04:05Z"}]);
        let edit = self.kube.try_edit("kubectl-rollout", self.subject.kind, &self.namespace, &self.name, patch);
        edit.await.map(drop).map_err(|error| error.to_string())
    }

    /// Whether `kubectl apply` can say it without saying a whole list: it merges no lists of custom resources.
    fn is_simple(&self, at: usize) -> bool {
        let custom = ["MicroService", "GitSync"].contains(&self.subject.kind);
        !custom || self.places[at].steps.iter().all(|step| matches!(step, Step::Field(_)))
    }

    async fn kubectl(&self, arguments: &[&str], env: &[(&str, &str)], input: String) -> Result<(), String> {
        let namespace = format!("--namespace={}", self.namespace);
        let arguments: Vec<_> = arguments.iter().copied().chain([namespace.as_str()]).collect();
        let output = self.kube.try_kubectl_with(&arguments, env, input).await;
        let said = || format!("{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        if output.status.success() { Ok(()) } else { Err(said()) }
    }

    fn object(&self) -> String {
        format!("{}/{}", self.subject.kind.to_lowercase(), self.name)
    }

    async fn live(&self) -> Value {
        self.kube.get(self.subject.kind, &self.namespace, &self.name).await
    }

    /// The patch that gives a place a value, or takes it away.
    fn patch(&self, live: &Value, at: usize, value: Option<&Value>) -> Value {
        let place = &self.places[at];
        let parent = place.parent(live).unwrap_or_else(|| panic!("nothing around {:?}", place.steps));
        match (place.pointer(live), value, place.steps.last()) {
            (Some(path), None, _) => json!([{"op": "remove", "path": path}]),
            (Some(_), Some(_), Some(Step::Value(_))) | (None, None, _) => json!([]),
            (Some(path), Some(value), _) => {
                let path = place.leaf.map_or_else(|| path.clone(), |leaf| format!("{path}/{leaf}"));
                json!([{"op": "add", "path": path, "value": value}])
            }
            (None, Some(value), Some(Step::Field(name))) => {
                let name = name.replace('~', "~0").replace('/', "~1");
                json!([{"op": "add", "path": format!("{parent}/{name}"), "value": value}])
            }
            (None, Some(value), _) => {
                json!([{"op": "add", "path": format!("{parent}/-"), "value": place.item(value)}])
            }
        }
    }

    /// A body with these fields and no others.
    fn body(&self, fields: &BTreeMap<usize, Value>) -> Value {
        let declared = self.subject.body(&self.namespace, &self.name);
        let mut body = json!({
            "apiVersion": declared["apiVersion"], "kind": self.subject.kind,
            "metadata": {"name": self.name, "namespace": self.namespace}
        });
        for (at, value) in fields {
            self.places[*at].put(&mut body, value);
        }
        body
    }
}

impl Place {
    /// The whole item with that value.
    fn item(&self, value: &Value) -> Value {
        match self.steps.last() {
            Some(Step::Item(key)) => {
                let mut item = key.clone();
                if let Some(leaf) = self.leaf {
                    item[leaf] = value.clone();
                }
                item
            }
            _ => value.clone(),
        }
    }

    /// Says the value in an object that may say nothing yet.
    fn put(&self, object: &mut Value, value: &Value) {
        let mut at = object;
        for step in &self.steps {
            at = match step {
                Step::Field(name) => &mut at[*name],
                Step::Item(key) => {
                    item_of(at, |item| key.as_object().unwrap().iter().all(|(name, is)| &item[name] == is), key)
                }
                Step::Value(value) => item_of(at, |item| item == value, value),
            };
        }
        *at = self.item(value);
    }
}

fn item_of<'v>(list: &'v mut Value, is: impl Fn(&Value) -> bool, new: &Value) -> &'v mut Value {
    if list.is_null() {
        *list = json!([]);
    }
    let items = list.as_array_mut().unwrap();
    let found = items.iter().position(is).unwrap_or_else(|| {
        items.push(new.clone());
        items.len() - 1
    });
    &mut items[found]
}
