//! The API server as tests see it: objects are JSON values, kinds are words.

use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use kube::{Api, Client, Config};
use serde_json::{Value, json};

use super::plane::ControlPlane;

/// Kind, group, version, plural of all that tests look at.
const KINDS: [(&str, &str, &str, &str); 29] = [
    ("MicroService", "gitmoor.dev", "v1alpha1", "microservices"),
    ("GitSync", "gitmoor.dev", "v1alpha1", "gitsyncs"),
    ("Deployment", "apps", "v1", "deployments"),
    ("ReplicaSet", "apps", "v1", "replicasets"),
    ("Service", "", "v1", "services"),
    ("ServiceAccount", "", "v1", "serviceaccounts"),
    ("PodDisruptionBudget", "policy", "v1", "poddisruptionbudgets"),
    ("Pod", "", "v1", "pods"),
    ("ConfigMap", "", "v1", "configmaps"),
    ("Secret", "", "v1", "secrets"),
    ("Lease", "coordination.k8s.io", "v1", "leases"),
    ("Event", "events.k8s.io", "v1", "events"),
    ("Ingress", "networking.k8s.io", "v1", "ingresses"),
    ("NetworkPolicy", "networking.k8s.io", "v1", "networkpolicies"),
    ("HTTPRoute", "gateway.networking.k8s.io", "v1", "httproutes"),
    ("ServiceMonitor", "monitoring.coreos.com", "v1", "servicemonitors"),
    ("Job", "batch", "v1", "jobs"),
    ("CronJob", "batch", "v1", "cronjobs"),
    ("HorizontalPodAutoscaler", "autoscaling", "v2", "horizontalpodautoscalers"),
    ("ValidatingAdmissionPolicy", "admissionregistration.k8s.io", "v1", "validatingadmissionpolicies"),
    ("ValidatingAdmissionPolicyBinding", "admissionregistration.k8s.io", "v1", "validatingadmissionpolicybindings"),
    ("ClusterRole", "rbac.authorization.k8s.io", "v1", "clusterroles"),
    ("Role", "rbac.authorization.k8s.io", "v1", "roles"),
    ("RoleBinding", "rbac.authorization.k8s.io", "v1", "rolebindings"),
    ("ClusterRoleBinding", "rbac.authorization.k8s.io", "v1", "clusterrolebindings"),
    ("Namespace", "", "v1", "namespaces"),
    ("ResourceQuota", "", "v1", "resourcequotas"),
    ("LimitRange", "", "v1", "limitranges"),
    ("CustomResourceDefinition", "apiextensions.k8s.io", "v1", "customresourcedefinitions"),
];

/// A client of a test's own: a connection belongs to the runtime that made it.
#[derive(Clone)]
pub struct Kube {
    /// For the product's own code.
    pub client: Client,
    /// Where it is.
    pub plane: &'static ControlPlane,
}

impl Kube {
    /// A client of the control plane that most tests share, with the CRDs in place; `None` where tests are skipped.
    pub async fn shared() -> Option<Self> {
        static INSTALLED: tokio::sync::OnceCell<()> = tokio::sync::OnceCell::const_new();
        let kube = Self::of(ControlPlane::shared()?).await;
        let install = async || {
            kube.install().await;
            kube.install_optional().await;
        };
        INSTALLED.get_or_init(install).await;
        Some(kube)
    }

    /// A client of a control plane as it is.
    pub async fn of(plane: &'static ControlPlane) -> Self {
        let file = Kubeconfig::read_from(&plane.kubeconfig).unwrap();
        let config = Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await.unwrap();
        Self { client: Client::try_from(config).unwrap(), plane }
    }

    /// Installs the CRDs and waits until they are served.
    pub async fn install(&self) {
        for crd in gitmoor::api::crds::all() {
            self.define(&serde_json::to_value(crd).unwrap()).await;
        }
    }

    /// Installs the definitions of the kinds that a cluster may lack, as their projects publish them.
    pub async fn install_optional(&self) {
        for definition in self.plane.optional_definitions() {
            self.define(&definition).await;
        }
    }

    /// Takes them away again.
    pub async fn remove_optional(&self) {
        for definition in self.plane.optional_definitions() {
            self.delete("CustomResourceDefinition", "", text(&definition["metadata"]["name"])).await;
        }
    }

    /// Installs a definition and waits until it is served.
    async fn define(&self, crd: &Value) {
        self.apply("suite", crd).await.unwrap();
        let name = text(&crd["metadata"]["name"]);
        super::eventually("the CRD is established", async || {
            let live = self.get("CustomResourceDefinition", "", name).await;
            super::holds(condition(&live, "Established")["status"] == "True", &live["status"])
        })
        .await;
    }

    /// Makes a namespace with a name of its own that begins with `topic`. It goes with its control plane.
    pub async fn namespace(&self, topic: &str) -> String {
        let suffix: String = std::iter::repeat_with(fastrand::lowercase).take(6).collect();
        let name = format!("{topic}-{suffix}");
        self.create(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})).await;
        name
    }

    /// The API of a kind.
    pub fn api(&self, kind: &str, namespace: &str) -> Api<DynamicObject> {
        let resource = resource(kind);
        if namespace.is_empty() {
            Api::all_with(self.client.clone(), &resource)
        } else {
            Api::namespaced_with(self.client.clone(), namespace, &resource)
        }
    }

    /// The object, if there is one.
    pub async fn find(&self, kind: &str, namespace: &str, name: &str) -> Option<Value> {
        self.api(kind, namespace).get_opt(name).await.unwrap().map(value)
    }

    /// The object, which must be there.
    pub async fn get(&self, kind: &str, namespace: &str, name: &str) -> Value {
        self.find(kind, namespace, name).await.unwrap_or_else(|| panic!("no {kind} {namespace}/{name}"))
    }

    /// Everything of a kind in a namespace, in order of name.
    pub async fn list(&self, kind: &str, namespace: &str) -> Vec<Value> {
        let list = self.api(kind, namespace).list(&ListParams::default()).await.unwrap();
        let mut items: Vec<_> = list.items.into_iter().map(value).collect();
        items.sort_by(|a, b| text(&a["metadata"]["name"]).cmp(text(&b["metadata"]["name"])));
        items
    }

    /// Names of everything of a kind in a namespace.
    pub async fn names(&self, kind: &str, namespace: &str) -> Vec<String> {
        self.list(kind, namespace).await.iter().map(|item| text(&item["metadata"]["name"]).to_owned()).collect()
    }

    /// Creates an object as somebody who is not Gitmoor.
    pub async fn create(&self, object: &Value) -> Value {
        let params = PostParams { field_manager: Some("somebody".into()), ..PostParams::default() };
        searchable(text(&object["kind"]), object);
        value(self.api_of(object).create(&params, &typed(object)).await.unwrap())
    }

    /// Forced server-side apply as another manager.
    pub async fn apply(&self, manager: &str, object: &Value) -> kube::Result<Value> {
        self.apply_with(&PatchParams::apply(manager).force().validation_strict(), object).await
    }

    /// What a strict apply of `object` would store.
    pub async fn dry_run(&self, manager: &str, object: &Value) -> kube::Result<Value> {
        self.apply_with(&PatchParams::apply(manager).force().validation_strict().dry_run(), object).await
    }

    async fn apply_with(&self, params: &PatchParams, object: &Value) -> kube::Result<Value> {
        let name = text(&object["metadata"]["name"]);
        searchable(text(&object["kind"]), object);
        self.api_of(object).patch(name, params, &Patch::Apply(object)).await.map(value)
    }

    /// A merge patch by a manager.
    pub async fn merge(&self, manager: &str, kind: &str, namespace: &str, name: &str, patch: Value) -> Value {
        let params = PatchParams { field_manager: Some(manager.into()), ..PatchParams::default() };
        searchable(kind, &patch);
        value(self.api(kind, namespace).patch(name, &params, &Patch::Merge(patch)).await.unwrap())
    }

    /// A merge patch of a status, as a daemon of another time would write it.
    pub async fn merge_status(&self, kind: &str, namespace: &str, name: &str, status: Value) -> Value {
        let patch = Patch::Merge(json!({"status": status}));
        value(self.api(kind, namespace).patch_status(name, &PatchParams::default(), &patch).await.unwrap())
    }

    /// A JSON patch by a manager.
    pub async fn edit(&self, manager: &str, kind: &str, namespace: &str, name: &str, patch: Value) -> Value {
        self.try_edit(manager, kind, namespace, name, patch).await.unwrap()
    }

    /// The same, which may be refused.
    pub async fn try_edit(
        &self,
        manager: &str,
        kind: &str,
        namespace: &str,
        name: &str,
        patch: Value,
    ) -> kube::Result<Value> {
        let params = PatchParams { field_manager: Some(manager.into()), ..PatchParams::default() };
        let patch: json_patch::Patch = serde_json::from_value(patch).unwrap();
        self.api(kind, namespace).patch(name, &params, &Patch::<()>::Json(patch)).await.map(value)
    }

    /// Deletes an object.
    pub async fn delete(&self, kind: &str, namespace: &str, name: &str) {
        self.api(kind, namespace).delete(name, &DeleteParams::background()).await.unwrap();
    }

    fn api_of(&self, object: &Value) -> Api<DynamicObject> {
        self.api(text(&object["kind"]), object["metadata"]["namespace"].as_str().unwrap_or_default())
    }
}

/// What a test writes into a Secret must be found wherever it should not be.
#[track_caller]
fn searchable(kind: &str, object: &Value) {
    if kind == "Secret" {
        super::canary::demand(object);
    }
}

/// How a kind is called.
pub fn resource(kind: &str) -> ApiResource {
    let known = KINDS.iter().find(|known| known.0 == kind).unwrap_or_else(|| panic!("add {kind} to KINDS"));
    ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(known.1, known.2, known.0), known.3)
}

/// The condition of that type, or null.
pub fn condition(object: &Value, kind: &str) -> Value {
    let conditions = object["status"]["conditions"].as_array();
    conditions.and_then(|all| all.iter().find(|one| one["type"] == kind)).cloned().unwrap_or_default()
}

/// A string that must be one.
pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("not a string: {value}"))
}

fn value(object: DynamicObject) -> Value {
    serde_json::to_value(object).unwrap()
}

fn typed(object: &Value) -> DynamicObject {
    serde_json::from_value(object.clone()).unwrap()
}
