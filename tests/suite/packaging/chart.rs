//! The templates of the Helm chart, made of the manifests: each place that a value changes is named, and must be there once.

use std::collections::BTreeMap;

use gitmoor::api::crds;
use gitmoor::install::NAMESPACE;
use serde_json::json;

use crate::support::plane::root;

const CHART: &str = "deploy/charts/gitmoor";
/// Helm leaves what has it.
pub const KEEP: &str = "helm.sh/resource-policy";

/// A place in a manifest, and what the template has there.
type Change = (&'static str, &'static str);

const ACCESS: &[Change] = &[(
    "kind: ServiceAccount\nmetadata:\n  name: gitmoor\n  namespace: gitmoor-system\n---",
    "kind: ServiceAccount\nmetadata:\n  name: gitmoor\n  namespace: gitmoor-system\n  {{- with .Values.serviceAccount.annotations }}\n  annotations:\n    {{- toYaml . | nindent 4 }}\n  {{- end }}\n---",
)];

const DAEMON: &[Change] = &[
    ("app.kubernetes.io/version: 0.1.0", "app.kubernetes.io/version: {{ .Chart.AppVersion }}"),
    ("  replicas: 2\n", "  replicas: {{ .Values.replicas }}\n"),
    (
        "      labels:\n        app.kubernetes.io/name: gitmoor\n    spec:\n      serviceAccountName: gitmoor\n",
        "      labels:\n        app.kubernetes.io/name: gitmoor\n      {{- with .Values.podAnnotations }}\n      annotations:\n        {{- toYaml . | nindent 8 }}\n      {{- end }}\n    spec:\n      serviceAccountName: gitmoor\n      {{- with .Values.imagePullSecrets }}\n      imagePullSecrets:\n        {{- toYaml . | nindent 6 }}\n      {{- end }}\n      {{- with .Values.nodeSelector }}\n      nodeSelector:\n        {{- toYaml . | nindent 8 }}\n      {{- end }}\n      {{- with .Values.tolerations }}\n      tolerations:\n        {{- toYaml . | nindent 6 }}\n      {{- end }}\n      {{- with .Values.affinity }}\n      affinity:\n        {{- toYaml . | nindent 8 }}\n      {{- end }}\n      {{- with .Values.priorityClassName }}\n      priorityClassName: {{ . }}\n      {{- end }}\n",
    ),
    (
        "        # No image is published yet: build one with the Dockerfile and name it here.\n        image: ghcr.io/gitmoor/gitmoor:0.1.0\n",
        "        image: \"{{ .Values.image.repository }}{{ with .Values.image.digest }}@{{ . }}{{ else }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}\"\n        {{- with .Values.image.pullPolicy }}\n        imagePullPolicy: {{ . }}\n        {{- end }}\n",
    ),
    (
        "        - --page=127.0.0.1:8082\n",
        "        {{- if .Values.page.enabled }}\n        {{- if eq .Values.page.access \"Open\" }}\n        - --page=127.0.0.1:8082\n        {{- else }}\n        - --page=0.0.0.0:8082\n        - --page-access={{ .Values.page.access }}\n        {{- if eq .Values.page.access \"Proxy\" }}\n        - --page-proxy-secret-file=/page/secret\n        {{- end }}\n        {{- end }}\n        {{- end }}\n",
    ),
    (
        "        - {name: ops, containerPort: 9293}\n",
        "        - {name: ops, containerPort: 9293}\n        {{- if and .Values.page.enabled (ne .Values.page.access \"Open\") }}\n        - {name: page, containerPort: 8082}\n        {{- end }}\n",
    ),
    (
        "        - {name: tmp, mountPath: /tmp}\n",
        "        - {name: tmp, mountPath: /tmp}\n        {{- if and .Values.page.enabled (eq .Values.page.access \"Proxy\") }}\n        - {name: page, mountPath: /page, readOnly: true}\n        {{- end }}\n        {{- with .Values.extraVolumeMounts }}\n        {{- toYaml . | nindent 8 }}\n        {{- end }}\n",
    ),
    (
        "        emptyDir: {sizeLimit: 256Mi}\n",
        "        emptyDir: {sizeLimit: 256Mi}\n      {{- if and .Values.page.enabled (eq .Values.page.access \"Proxy\") }}\n      - name: page\n        secret: {secretName: {{ .Values.page.proxySecret }}}\n      {{- end }}\n      {{- with .Values.extraVolumes }}\n      {{- toYaml . | nindent 6 }}\n      {{- end }}\n",
    ),
    (
        "    - {port: ops, protocol: TCP}\n",
        "    - {port: ops, protocol: TCP}\n    {{- if and .Values.page.enabled (ne .Values.page.access \"Open\") }}\n    - {port: page, protocol: TCP}\n    {{- end }}\n",
    ),
    (
        "        - --log-format=json\n        env:\n",
        "        - --log-format=json\n        {{- range .Values.extraArgs }}\n        - {{ . | quote }}\n        {{- end }}\n        env:\n        {{- with .Values.extraEnv }}\n        {{- toYaml . | nindent 8 }}\n        {{- end }}\n",
    ),
    (
        "        resources:\n          requests: {cpu: 50m, memory: 128Mi}\n          limits: {memory: 1Gi}\n",
        "        resources:\n          {{- toYaml .Values.resources | nindent 10 }}\n",
    ),
    ("emptyDir: {sizeLimit: 2Gi}", "emptyDir: {sizeLimit: {{ .Values.cache.sizeLimit }}}"),
    (
        "  name: gitmoor-hooks\n  namespace: gitmoor-system\n",
        "  name: gitmoor-hooks\n  namespace: gitmoor-system\n  {{- with .Values.hooks.annotations }}\n  annotations:\n    {{- toYaml . | nindent 4 }}\n  {{- end }}\n",
    ),
];

const PROTECTION: &[Change] = &[
    (
        "kind: ValidatingAdmissionPolicy\nmetadata:\n",
        "kind: ValidatingAdmissionPolicy\nmetadata:\n  annotations:\n    helm.sh/resource-policy: keep\n",
    ),
    (
        "kind: ValidatingAdmissionPolicyBinding\nmetadata:\n",
        "kind: ValidatingAdmissionPolicyBinding\nmetadata:\n  annotations:\n    helm.sh/resource-policy: keep\n",
    ),
];

const HANDS: Change = ("['gitmoor:hands']", "['{{ join \"', '\" .Values.prevention.hands }}']");

/// The page for others than those who forward a port.
const PAGE: &str = "and .Values.page.enabled (ne .Values.page.access \"Open\")";

/// What only the chart has: an Ingress, always with TLS, for tokens pass through.
const INGRESS: &str = r#"{{- with .Values.page.ingress }}
{{- if .host }}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: gitmoor-page
  namespace: {{ $.Release.Namespace }}
  {{- with .annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- with .className }}
  ingressClassName: {{ . }}
  {{- end }}
  tls:
  - hosts: [{{ .host }}]
    {{- with .tlsSecretName }}
    secretName: {{ . }}
    {{- end }}
  rules:
  - host: {{ .host }}
    http:
      paths:
      - path: /
        pathType: Prefix
        backend:
          service: {name: gitmoor-page, port: {name: http}}
{{- end }}
{{- end }}
"#;

/// Documents that are there only where a value says so.
const OPTIONAL: [(&str, &str); 2] =
    [("NetworkPolicy", "networkPolicy.enabled"), ("PodDisruptionBudget", "podDisruptionBudget.enabled")];

/// Everything of the chart that is made, by its path.
pub fn made() -> BTreeMap<String, String> {
    let (access, daemon) = (read("access"), read("gitmoor"));
    // The namespace is Helm's to make.
    let (first, access) = access.split_once("\n---\n").unwrap();
    assert!(first.contains("kind: Namespace"), "access.yaml begins with the namespace");
    let prevention = read("prevention").replace(HANDS.0, HANDS.1);
    let templates = [
        ("access", changed(access, ACCESS)),
        ("attribution", only_if("attribution.enabled", &template(&read("attribution")))),
        (
            "crds",
            only_if(
                "crds.install",
                "{{ .Files.Get \"files/gitsyncs.yaml\" }}\n---\n{{ .Files.Get \"files/microservices.yaml\" }}\n",
            ),
        ),
        ("gitmoor", changed(&optional(&daemon), DAEMON)),
        ("page", only_where(PAGE, &format!("{}{INGRESS}", template(&read("page"))))),
        ("prevention", only_if("prevention.enabled", &template(&prevention))),
        ("protection", only_if("protection.enabled", &changed(&read("protection"), PROTECTION))),
        ("restarts", only_if("restarts.enabled", &template(&read("restarts")))),
    ];
    let mut all: BTreeMap<_, _> =
        templates.into_iter().map(|(name, text)| (format!("{CHART}/templates/{name}.yaml"), text)).collect();
    for (name, crd) in [("gitsyncs", crds::gitsync()), ("microservices", crds::microservice())] {
        let mut crd = serde_json::to_value(&crd).unwrap();
        crd["metadata"]["annotations"][KEEP] = json!("keep");
        all.insert(format!("{CHART}/files/{name}.yaml"), serde_yaml::to_string(&crd).unwrap());
    }
    all.insert(format!("{CHART}/Chart.yaml"), about());
    all
}

fn about() -> String {
    let version = env!("CARGO_PKG_VERSION");
    format!(
        "apiVersion: v2\nname: gitmoor\ndescription: GitOps for microservices, with the truth about drift.\ntype: application\nversion: {version}\nappVersion: {version}\nkubeVersion: \">=1.30.0-0\"\nhome: https://github.com/gitmoor/gitmoor\nsources:\n- https://github.com/gitmoor/gitmoor\nkeywords:\n- gitops\n- drift\nannotations:\n  artifacthub.io/license: Apache-2.0\n"
    )
}

fn read(name: &str) -> String {
    let text = std::fs::read_to_string(root().join(format!("deploy/{name}.yaml"))).unwrap();
    assert!(!text.contains("{{"), "deploy/{name}.yaml would be taken for a template");
    text
}

/// The manifest with each of the changes, and Helm's namespace.
fn changed(text: &str, changes: &[Change]) -> String {
    let mut text = text.to_owned();
    for (from, to) in changes {
        assert_eq!(text.matches(from).count(), 1, "this is not there once, adjust the change: {from}");
        text = text.replace(from, to);
    }
    template(&text)
}

fn template(text: &str) -> String {
    text.replace(NAMESPACE, "{{ .Release.Namespace }}")
}

fn only_if(value: &str, text: &str) -> String {
    only_where(&format!(".Values.{value}"), text)
}

fn only_where(condition: &str, text: &str) -> String {
    format!("{{{{- if {condition} }}}}\n{}\n{{{{- end }}}}\n", text.trim_end())
}

fn optional(text: &str) -> String {
    let documents = text.split("---\n").map(|document| {
        let value = OPTIONAL.iter().find(|(kind, _)| document.contains(&format!("\nkind: {kind}\n")));
        value.map_or_else(|| document.to_owned(), |(_, value)| only_if(value, document))
    });
    documents.collect::<Vec<_>>().join("---\n")
}
