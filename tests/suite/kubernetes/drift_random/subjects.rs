//! What is edited: objects as we apply them, and the places in them. Each map and list has something beside that nobody
//! touches, so that no drift is told at a higher place than where the edit was.

use serde_json::{Value, json};

use super::hands::Tool;

/// A kind of object.
pub struct Subject {
    pub kind: &'static str,
    /// Who we apply it as.
    pub manager: &'static str,
    yaml: &'static str,
    places: fn() -> Vec<Place>,
}

/// One step to a place.
#[derive(Debug, Clone)]
pub enum Step {
    Field(&'static str),
    /// An item of a list by its keys.
    Item(Value),
    /// An item of a list by its value.
    Value(Value),
}

/// A place that is edited as a whole.
#[derive(Debug, Clone)]
pub struct Place {
    pub steps: Vec<Step>,
    /// Of an item: the field that has the value.
    pub leaf: Option<&'static str>,
    /// Other values than the declared one.
    pub values: Vec<Value>,
    pub removable: bool,
    /// The tool that people have for just that.
    pub tool: Option<Tool>,
}

pub const SUBJECTS: [Subject; 8] = [
    Subject { kind: "Deployment", manager: "gitmoor-controller", yaml: DEPLOYMENT, places: deployment },
    Subject { kind: "Service", manager: "gitmoor-controller", yaml: SERVICE, places: service },
    Subject { kind: "ConfigMap", manager: "gitmoor-controller", yaml: CONFIG_MAP, places: config_map },
    Subject { kind: "PodDisruptionBudget", manager: "gitmoor-controller", yaml: BUDGET, places: budget },
    Subject { kind: "NetworkPolicy", manager: "gitmoor-controller", yaml: POLICY, places: policy },
    Subject { kind: "MicroService", manager: "gitmoor", yaml: MICRO_SERVICE, places: micro_service },
    Subject { kind: "MicroService", manager: "gitmoor", yaml: MICRO_SERVICE, places: micro_service },
    Subject { kind: "GitSync", manager: "gitmoor", yaml: GIT_SYNC, places: git_sync },
];

impl Subject {
    pub fn body(&self, namespace: &str, name: &str) -> Value {
        let mut body: Value = serde_yaml::from_str(self.yaml).unwrap();
        body["kind"] = json!(self.kind);
        body["metadata"] = json!({
            "name": name, "namespace": namespace,
            "labels": {"keep": "x", "tier": "back"}, "annotations": {"keep": "x", "commit": "1", "note": "declared"}
        });
        body
    }

    /// All places, those that every kind has first.
    pub fn places(&self) -> Vec<Place> {
        let mark = |map, name, tool| Place {
            tool: Some(tool),
            ..Place::at(
                vec![Step::Field("metadata"), Step::Field(map), Step::Field(name)],
                &[json!("one"), json!("two")],
            )
        };
        let mut places = vec![
            mark("labels", "tier", Tool::Label).removable(),
            mark("labels", "team", Tool::Label).removable(),
            mark("annotations", "note", Tool::Annotate).removable(),
            mark("annotations", "example.com/a", Tool::Annotate).removable(),
        ];
        places.extend((self.places)());
        places
    }
}

impl Place {
    fn at(steps: Vec<Step>, values: &[Value]) -> Self {
        Self { steps, leaf: None, values: values.to_vec(), removable: false, tool: None }
    }

    fn removable(self) -> Self {
        Self { removable: true, ..self }
    }

    fn leaf(self, leaf: &'static str) -> Self {
        Self { leaf: Some(leaf), ..self }
    }
}

/// A place below `spec`: steps divided by slashes.
fn spec(path: &'static str, values: &[Value]) -> Place {
    let steps = std::iter::once("spec").chain(path.split('/'));
    Place::at(steps.map(Step::Field).collect(), values)
}

/// A place in an item of a list at `path`.
fn item(path: &'static str, key: Value, more: &[&'static str], values: &[Value]) -> Place {
    let mut place = spec(path, values);
    place.steps.push(Step::Item(key));
    place.steps.extend(more.iter().copied().map(Step::Field));
    place
}

const DEPLOYMENT: &str = r#"
apiVersion: apps/v1
spec:
  paused: true
  replicas: 1
  selector: {matchLabels: {app: random}}
  template:
    metadata: {labels: {app: random}, annotations: {keep: x, checksum: abc}}
    spec:
      terminationGracePeriodSeconds: 20
      nodeSelector: {disk: ssd}
      containers:
      - name: app
        image: example.com/app:1
        args: [serve, --port=8080]
        env: [{name: KEEP, value: x}, {name: LOG, value: info}, {name: MODE, value: live}]
        ports: [{containerPort: 8080, name: http}, {containerPort: 9090, name: metrics, protocol: TCP}]
        resources: {requests: {cpu: 100m, memory: 64Mi}, limits: {memory: 0.5Gi}}
        readinessProbe: {httpGet: {path: /ready, port: http}}
"#;

fn deployment() -> Vec<Place> {
    const CONTAINERS: &str = "template/spec/containers";
    let app = || json!({"name": "app"});
    let container = |more: &[&'static str], values: &[Value]| item(CONTAINERS, app(), more, values);
    let env = |name: &str| {
        let mut place = container(&["env"], &[json!("debug"), json!("trace")]);
        place.steps.push(Step::Item(json!({"name": name})));
        place.leaf("value").removable()
    };
    let port = |port: u16| {
        let mut place = container(&["ports"], &["one", "two"].map(|name| json!(format!("{name}-{port}"))));
        place.steps.push(Step::Item(json!({"containerPort": port, "protocol": "TCP"})));
        place.leaf("name").removable()
    };
    vec![
        Place { tool: Some(Tool::Scale), ..spec("replicas", &[json!(2), json!(3)]) },
        spec("template/spec/terminationGracePeriodSeconds", &[json!(5), json!(6)]),
        spec("template/spec/nodeSelector", &[json!({"disk": "hdd"}), json!({"disk": "ssd", "zone": "a"})]).removable(),
        spec(
            "template/spec/tolerations",
            &[json!([{"operator": "Exists"}]), json!([{"key": "a", "operator": "Exists"}])],
        )
        .removable(),
        spec("template/metadata/annotations/checksum", &[json!("def"), json!("ghi")]).removable(),
        spec("template/metadata/annotations/added", &[json!("def"), json!("ghi")]).removable(),
        container(&["image"], &[json!("example.com/app:2"), json!("example.com/app:3")]),
        container(&["args"], &[json!(["serve"]), json!(["--port=8080", "serve"])]).removable(),
        container(&["command"], &[json!(["sh"]), json!(["bash"])]).removable(),
        container(&["resources", "requests", "cpu"], &[json!("250m"), json!("2")]).removable(),
        container(&["resources", "limits", "cpu"], &[json!("3"), json!("4")]).removable(),
        container(&["readinessProbe", "httpGet", "port"], &[json!(9090), json!("metrics")]),
        container(&["readinessProbe", "failureThreshold"], &[json!(4), json!(5)]),
        env("LOG"),
        env("MODE"),
        env("DEBUG"),
        port(9090),
        port(7070),
    ]
}

const SERVICE: &str = r#"
apiVersion: v1
spec:
  selector: {app: random}
  ports:
  - {name: keep, port: 80, targetPort: http}
  - {name: metrics, port: 90, targetPort: metrics, protocol: TCP}
"#;

fn service() -> Vec<Place> {
    // No two ports of a Service may have one name.
    let names = |port: u16| ["one", "two"].map(|name| json!(format!("{name}-{port}")));
    let port = |port: u16| item("ports", json!({"port": port, "protocol": "TCP"}), &[], &names(port));
    let target = |port: u16| {
        item("ports", json!({"port": port, "protocol": "TCP"}), &["targetPort"], &[json!(9999), json!("other")])
    };
    vec![
        target(80),
        port(90).leaf("name").removable(),
        port(70).leaf("name").removable(),
        spec("selector", &[json!({"app": "other"}), json!({"app": "random", "x": "y"})]),
    ]
}

const CONFIG_MAP: &str = "
apiVersion: v1
data: {keep: x, a: '1', b: '2'}
";

fn config_map() -> Vec<Place> {
    let data = |name| Place::at(vec![Step::Field("data"), Step::Field(name)], &[json!("3"), json!("4")]).removable();
    vec![data("a"), data("b"), data("c.yaml")]
}

const BUDGET: &str = "
apiVersion: policy/v1
spec: {maxUnavailable: 1, selector: {matchLabels: {app: random}}}
";

fn budget() -> Vec<Place> {
    vec![
        spec("maxUnavailable", &[json!(2), json!("50%")]),
        spec("unhealthyPodEvictionPolicy", &[json!("AlwaysAllow"), json!("IfHealthyBudget")]).removable(),
        spec("selector", &[json!({"matchLabels": {"app": "other"}})]),
    ]
}

const POLICY: &str = "
apiVersion: networking.k8s.io/v1
spec:
  podSelector: {matchLabels: {app: random}}
  policyTypes: [Ingress, Egress]
  ingress: [{from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: http, protocol: TCP}]}]
";

fn policy() -> Vec<Place> {
    let from = |port: Value| json!([{"ports": [{"port": port, "protocol": "TCP"}]}]);
    let to = |app: &str| json!([{"to": [{"podSelector": {"matchLabels": {"app": app}}}]}]);
    vec![
        // Written as the API server keeps it.
        spec("ingress", &[from(json!(80)), from(json!("http"))]).removable(),
        spec("egress", &[to("a"), to("b")]).removable(),
        spec("podSelector", &[json!({"matchLabels": {"app": "other"}})]),
    ]
}

const MICRO_SERVICE: &str = r#"
apiVersion: gitmoor.dev/v1alpha1
spec:
  image: example.com/orders:1
  replicas: 2
  args: [serve]
  ports: [{name: http, containerPort: 8080, servicePort: 80}, {name: metrics, containerPort: 9090}]
  env: [{name: KEEP, value: x}, {name: LOG, value: info}]
  resources: {requests: {cpu: 100m, memory: 64Mi}}
  podMetadata: {labels: {keep: x}, annotations: {keep: x, a: b}}
"#;

fn micro_service() -> Vec<Place> {
    let env =
        |name: &str| item("env", json!({"name": name}), &[], &[json!("debug"), json!("")]).leaf("value").removable();
    let names = |port: u16| ["one", "two"].map(|name| json!(format!("{name}-{port}")));
    let port = |port: u16| item("ports", json!({"containerPort": port}), &[], &names(port)).leaf("name");
    vec![
        spec("image", &[json!("example.com/orders:2"), json!("example.com/orders:3")]),
        spec("replicas", &[json!(5), json!(0)]).removable(),
        spec("args", &[json!(["a"]), json!(["b", "c"])]).removable(),
        spec("command", &[json!(["a"]), json!(["b", "c"])]).removable(),
        spec("suspend", &[json!(true), json!(false)]).removable(),
        spec("resources/requests/cpu", &[json!("2"), json!("250m")]).removable(),
        spec("podMetadata/labels/team", &[json!("a"), json!("b")]).removable(),
        spec("podMetadata/annotations/a", &[json!("c"), json!("d")]).removable(),
        env("LOG"),
        env("DEBUG"),
        port(9090).removable(),
        port(7070).removable(),
        item("ports", json!({"containerPort": 8080}), &["servicePort"], &[json!(81), json!(82)]),
    ]
}

const GIT_SYNC: &str = "
apiVersion: gitmoor.dev/v1alpha1
spec:
  url: https://git.example.com/acme/deploy.git
  suspend: true
  interval: 1h
  paths: [keep, apps]
  allowedNamespaces: [keep, shop]
";

fn git_sync() -> Vec<Place> {
    let entry = |path: &'static str, value: &str| {
        let mut place = spec(path, &[json!(value)]);
        place.steps.push(Step::Value(json!(value)));
        place.removable()
    };
    vec![
        spec("interval", &[json!("2h"), json!("3h")]).removable(),
        spec("timeout", &[json!("30s"), json!("40s")]).removable(),
        entry("paths", "apps"),
        entry("paths", "more"),
        entry("paths", "other"),
        entry("allowedNamespaces", "shop"),
        entry("allowedNamespaces", "pay"),
    ]
}
