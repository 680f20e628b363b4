//! Objects as the API server really stores them, defaults and managed fields included.

use super::*;

/// What the controller renders for a service.
pub(super) const DEPLOYMENT: &str = r#"
apiVersion: apps/v1
kind: Deployment
metadata:
  name: orders
  namespace: shop
  labels: {app.kubernetes.io/instance: orders, app.kubernetes.io/managed-by: gitmoor}
  annotations: {gitmoor.dev/rendered-hash: 0badcafe}
  ownerReferences:
  - {apiVersion: gitmoor.dev/v1alpha1, kind: MicroService, name: orders, uid: 9f86d081, controller: true, blockOwnerDeletion: true}
spec:
  replicas: 2
  selector: {matchLabels: {app.kubernetes.io/instance: orders}}
  strategy: {rollingUpdate: {maxUnavailable: 0}}
  template:
    metadata:
      labels: {app.kubernetes.io/instance: orders}
    spec:
      automountServiceAccountToken: false
      enableServiceLinks: false
      serviceAccountName: orders
      securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
      containers:
      - name: app
        image: ghcr.io/acme/orders:1.0
        args: [serve, --port=8080]
        env:
        - {name: LOG, value: info}
        - {name: NODE, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}
        ports:
        - {name: http, containerPort: 8080}
        readinessProbe: {tcpSocket: {port: 8080}}
        resources: {requests: {cpu: 0.1, memory: 128Mi}, limits: {memory: 256Mi}}
        securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
        volumeMounts:
        - {name: tmp, mountPath: /tmp}
      volumes:
      - {name: tmp, emptyDir: {}}
"#;

/// The same after an apply, and after kube-controller-manager saw it.
const LIVE: &str = r#"
apiVersion: apps/v1
kind: Deployment
metadata:
  name: orders
  namespace: shop
  uid: e3b0c442
  resourceVersion: "4711"
  generation: 1
  creationTimestamp: "2026-01-02T03:04:05Z"
  labels: {app.kubernetes.io/instance: orders, app.kubernetes.io/managed-by: gitmoor}
  annotations: {deployment.kubernetes.io/revision: "1", gitmoor.dev/rendered-hash: 0badcafe}
  ownerReferences:
  - {apiVersion: gitmoor.dev/v1alpha1, blockOwnerDeletion: true, controller: true, kind: MicroService, name: orders, uid: 9f86d081}
  managedFields:
  - apiVersion: apps/v1
    fieldsType: FieldsV1
    fieldsV1:
      f:metadata:
        f:annotations: {f:gitmoor.dev/rendered-hash: {}}
        f:labels: {f:app.kubernetes.io/instance: {}, f:app.kubernetes.io/managed-by: {}}
        f:ownerReferences: {'k:{"uid":"9f86d081"}': {}}
      f:spec:
        f:replicas: {}
        f:selector: {}
        f:strategy: {f:rollingUpdate: {f:maxUnavailable: {}}}
        f:template:
          f:metadata: {f:labels: {f:app.kubernetes.io/instance: {}}}
          f:spec:
            f:automountServiceAccountToken: {}
            f:containers:
              'k:{"name":"app"}':
                .: {}
                f:args: {}
                f:env:
                  'k:{"name":"LOG"}': {.: {}, f:name: {}, f:value: {}}
                  'k:{"name":"NODE"}': {.: {}, f:name: {}, f:valueFrom: {f:fieldRef: {}}}
                f:image: {}
                f:name: {}
                f:ports:
                  'k:{"containerPort":8080,"protocol":"TCP"}': {.: {}, f:containerPort: {}, f:name: {}}
                f:readinessProbe: {f:tcpSocket: {f:port: {}}}
                f:resources: {f:limits: {f:memory: {}}, f:requests: {f:cpu: {}, f:memory: {}}}
                f:securityContext:
                  f:allowPrivilegeEscalation: {}
                  f:capabilities: {f:drop: {}}
                  f:readOnlyRootFilesystem: {}
                f:volumeMounts: {'k:{"mountPath":"/tmp"}': {.: {}, f:mountPath: {}, f:name: {}}}
            f:enableServiceLinks: {}
            f:securityContext: {f:runAsNonRoot: {}, f:seccompProfile: {f:type: {}}}
            f:serviceAccountName: {}
            f:volumes: {'k:{"name":"tmp"}': {.: {}, f:emptyDir: {}, f:name: {}}}
    manager: gitmoor-controller
    operation: Apply
    time: "2026-01-02T03:04:05Z"
  - apiVersion: apps/v1
    fieldsType: FieldsV1
    fieldsV1:
      f:metadata: {f:annotations: {.: {}, f:deployment.kubernetes.io/revision: {}}}
      f:status: {f:conditions: {.: {}, 'k:{"type":"Available"}': {.: {}, f:status: {}, f:type: {}}}}
    manager: kube-controller-manager
    operation: Update
    subresource: status
    time: "2026-01-02T03:04:09Z"
spec:
  progressDeadlineSeconds: 600
  replicas: 2
  revisionHistoryLimit: 10
  selector: {matchLabels: {app.kubernetes.io/instance: orders}}
  strategy: {rollingUpdate: {maxSurge: 25%, maxUnavailable: 0}, type: RollingUpdate}
  template:
    metadata:
      creationTimestamp: null
      labels: {app.kubernetes.io/instance: orders}
    spec:
      automountServiceAccountToken: false
      containers:
      - args: [serve, --port=8080]
        env:
        - {name: LOG, value: info}
        - {name: NODE, valueFrom: {fieldRef: {apiVersion: v1, fieldPath: spec.nodeName}}}
        image: ghcr.io/acme/orders:1.0
        imagePullPolicy: IfNotPresent
        name: app
        ports:
        - {containerPort: 8080, name: http, protocol: TCP}
        readinessProbe: {failureThreshold: 3, periodSeconds: 10, successThreshold: 1, tcpSocket: {port: 8080}, timeoutSeconds: 1}
        resources: {limits: {memory: 256Mi}, requests: {cpu: 100m, memory: 128Mi}}
        securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}, readOnlyRootFilesystem: true}
        terminationMessagePath: /dev/termination-log
        terminationMessagePolicy: File
        volumeMounts:
        - {mountPath: /tmp, name: tmp}
      dnsPolicy: ClusterFirst
      enableServiceLinks: false
      restartPolicy: Always
      schedulerName: default-scheduler
      securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
      serviceAccount: orders
      serviceAccountName: orders
      terminationGracePeriodSeconds: 30
      volumes:
      - {emptyDir: {}, name: tmp}
status: {observedGeneration: 1, replicas: 2}
"#;

/// A manifest's MicroService with our marks.
pub(super) const MICRO_SERVICE: &str = r#"
apiVersion: gitmoor.dev/v1alpha1
kind: MicroService
metadata:
  name: orders
  namespace: shop
  labels: {applyset.kubernetes.io/part-of: applyset-x-v1}
  annotations: {gitmoor.dev/source: shop/shop/1/shop/orders, gitmoor.dev/source-hash: abc}
spec:
  image: ghcr.io/acme/orders:1.0
  replicas: 3
  ports: [{name: http, containerPort: 8080}]
  env: [{name: LOG, value: info}, {name: MODE, value: fast}]
  resources: {requests: {cpu: 100m}}
"#;

const MICRO_SERVICE_FIELDS: &str = r#"
f:metadata:
  f:annotations: {f:gitmoor.dev/source: {}, f:gitmoor.dev/source-hash: {}}
  f:labels: {f:applyset.kubernetes.io/part-of: {}}
f:spec:
  f:env:
    'k:{"name":"LOG"}': {.: {}, f:name: {}, f:value: {}}
    'k:{"name":"MODE"}': {.: {}, f:name: {}, f:value: {}}
  f:image: {}
  f:ports: {'k:{"containerPort":8080}': {.: {}, f:containerPort: {}, f:name: {}}}
  f:replicas: {}
  f:resources: {f:requests: {f:cpu: {}}}
"#;

/// The Deployment as declared and as it lives, undisturbed.
pub(super) fn deployment() -> (Value, Value) {
    (yaml(DEPLOYMENT), yaml(LIVE))
}

/// The MicroService as declared and as it lives, undisturbed.
pub(super) fn micro_service() -> (Value, Value) {
    let declared = yaml(MICRO_SERVICE);
    let mut live = declared.clone();
    live["metadata"]["uid"] = "9f86d081".into();
    live["metadata"]["resourceVersion"] = "12".into();
    live["metadata"]["managedFields"] = Vec::<Value>::new().into();
    entry(&mut live, "gitmoor Apply", MICRO_SERVICE_FIELDS);
    (declared, live)
}

/// Adds an entry to the managed fields. Whoever writes `Manager Operation[ subresource[ time]]`.
pub(super) fn entry(live: &mut Value, who: &str, fields: &str) {
    let mut words = who.split(' ');
    let mut entry = yaml("{apiVersion: v1, fieldsType: FieldsV1}");
    for field in ["manager", "operation", "subresource", "time"] {
        if let Some(word) = words.next().filter(|word| *word != "-") {
            entry[field] = word.into();
        }
    }
    entry["fieldsV1"] = yaml(fields);
    live["metadata"]["managedFields"].as_array_mut().expect("managed fields are a list").push(entry);
}

/// What a person's `kubectl edit` owns afterwards.
pub(super) fn edited(live: &mut Value, fields: &str) {
    entry(live, "kubectl-edit Update - 2026-02-03T04:05:06Z", fields);
}

/// The container of the Deployment.
pub(super) fn container(live: &mut Value) -> &mut Value {
    &mut live["spec"]["template"]["spec"]["containers"][0]
}

/// Fields of the container, as managed fields.
pub(super) fn container_fields(fields: &str) -> String {
    format!("{{f:spec: {{f:template: {{f:spec: {{f:containers: {{'k:{{\"name\":\"app\"}}': {fields}}}}}}}}}}}")
}

#[test]
fn an_undisturbed_object_has_no_drift() {
    for (declared, live) in [deployment(), micro_service()] {
        assert_eq!(compared(&declared, &live), Comparison::default());
        assert_eq!(compared(&declared, &declared), Comparison::default());
    }
}
