//! Rules of a MicroService's spec that its structure cannot say, in CEL: the API server and `gitmoor validate` evaluate
//! them alike. A rule that concerns one type alone stands with that type.

use serde::Serialize;

/// A rule in CEL.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Rule {
    rule: &'static str,
    message: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    field_path: Option<&'static str>,
}

const fn rule(rule: &'static str, message: &'static str, field_path: &'static str) -> Rule {
    Rule { rule, message, field_path: Some(field_path) }
}

/// For every probe.
pub(super) const PROBE: Rule = Rule {
    rule: "has(self.exec) || has(self.grpc) || has(self.httpGet) || has(self.tcpSocket)",
    message: "a probe needs one of exec, grpc, httpGet and tcpSocket",
    field_path: None,
};

/// For every volume.
pub(super) const VOLUME: [Rule; 2] = [
    Rule {
        rule: "[has(self.configMap), has(self.csi), has(self.downwardAPI), has(self.emptyDir), has(self.ephemeral), has(self.image), has(self.persistentVolumeClaim), has(self.projected), has(self.secret)].filter(one, one).size() == 1",
        message: "a volume needs exactly one source",
        field_path: None,
    },
    rule("!self.name.startsWith('gitmoor-')", "names that begin with gitmoor- are Gitmoor's own", ".name"),
];

/// Of the whole spec.
pub(super) fn of_spec() -> Vec<Rule> {
    [&PORTS[..], &SCALE, &FILES, &CONTAINERS, &NETWORK].concat()
}

const PORTS: [Rule; 5] = [
    rule(
        "!has(self.ports) || self.ports.size() < 2 || self.ports.all(p, has(p.name))",
        "every port needs a name when there are two or more",
        ".ports",
    ),
    rule(
        "!has(self.ports) || self.ports.all(p, self.ports.exists_one(q, (has(q.name) ? q.name : 'http') == (has(p.name) ? p.name : 'http')))",
        "port names must be unique; a port without a name is called http",
        ".ports",
    ),
    rule(
        "!has(self.service) || (has(self.ports) && self.ports.size() > 0)",
        "a service needs at least one port",
        ".service",
    ),
    rule(
        "!has(self.ports) || self.ports.all(p, self.ports.exists_one(q, (has(q.servicePort) ? q.servicePort : q.containerPort) == (has(p.servicePort) ? p.servicePort : p.containerPort) && (has(q.protocol) ? q.protocol : 'TCP') == (has(p.protocol) ? p.protocol : 'TCP')))",
        "two ports have the same servicePort and protocol; servicePort defaults to containerPort",
        ".ports",
    ),
    rule(
        "(has(self.service) && has(self.service.headless) && self.service.headless) == (has(oldSelf.service) && has(oldSelf.service.headless) && oldSelf.service.headless)",
        "headless cannot change: a Service's clusterIP is immutable. Declare a service of another name and remove this one",
        ".service",
    ),
];

const SCALE: [Rule; 3] = [
    rule(
        "!has(self.replicas) || !has(self.autoscaling)",
        "replicas and autoscaling exclude each other: the autoscaler says how many",
        ".replicas",
    ),
    rule(
        "!has(self.autoscaling) || !has(self.autoscaling.targetCPUUtilizationPercentage) || (has(self.resources) && ((has(self.resources.requests) && 'cpu' in self.resources.requests) || (has(self.resources.limits) && 'cpu' in self.resources.limits)))",
        "targetCPUUtilizationPercentage is a share of resources.requests.cpu, which is not declared",
        ".autoscaling.targetCPUUtilizationPercentage",
    ),
    rule(
        "!has(self.autoscaling) || !has(self.autoscaling.targetMemoryUtilizationPercentage) || (has(self.resources) && ((has(self.resources.requests) && 'memory' in self.resources.requests) || (has(self.resources.limits) && 'memory' in self.resources.limits)))",
        "targetMemoryUtilizationPercentage is a share of resources.requests.memory, which is not declared",
        ".autoscaling.targetMemoryUtilizationPercentage",
    ),
];

const FILES: [Rule; 5] = [
    rule(
        "!has(self.configFiles) || self.configFiles.map(f, f.content.size()).sum() <= 262144",
        "the contents have more than 262144 characters together",
        ".configFiles",
    ),
    rule(
        "!has(self.configFiles) || !has(self.volumeMounts) || self.configFiles.all(f, self.volumeMounts.all(m, m.mountPath != f.path))",
        "a file and a volume are mounted at the same path",
        ".configFiles",
    ),
    rule(
        "!has(self.volumeMounts) || self.volumeMounts.all(m, has(self.volumes) && self.volumes.exists(v, v.name == m.name))",
        "every mount needs a volume of its name in volumes",
        ".volumeMounts",
    ),
    rule(
        "!has(self.initContainers) || self.initContainers.all(c, !has(c.volumeMounts) || c.volumeMounts.all(m, has(self.volumes) && self.volumes.exists(v, v.name == m.name)))",
        "every mount of an init container needs a volume of its name in volumes",
        ".initContainers",
    ),
    rule(
        "!has(self.sidecars) || self.sidecars.all(c, !has(c.volumeMounts) || c.volumeMounts.all(m, has(self.volumes) && self.volumes.exists(v, v.name == m.name)))",
        "every mount of a sidecar needs a volume of its name in volumes",
        ".sidecars",
    ),
];

const CONTAINERS: [Rule; 4] = [
    rule(
        "!has(self.initContainers) || !has(self.sidecars) || self.initContainers.all(c, self.sidecars.all(s, s.name != c.name))",
        "an init container and a sidecar have the same name",
        ".sidecars",
    ),
    rule(
        "!has(self.lifecycle) || !has(self.lifecycle.preStop) || !has(self.lifecycle.preStop.sleep) || self.lifecycle.preStop.sleep.seconds <= (has(self.terminationGracePeriodSeconds) ? self.terminationGracePeriodSeconds : 30)",
        "preStop sleeps for longer than terminationGracePeriodSeconds, which defaults to 30",
        ".lifecycle.preStop.sleep",
    ),
    rule(
        "!has(self.initContainers) || (has(self.securityProfile) && self.securityProfile == 'Baseline') || self.initContainers.all(c, !has(c.securityContext) || ((!has(c.securityContext.allowPrivilegeEscalation) || !c.securityContext.allowPrivilegeEscalation) && (!has(c.securityContext.runAsNonRoot) || c.securityContext.runAsNonRoot) && (!has(c.securityContext.runAsUser) || c.securityContext.runAsUser != 0) && (!has(c.securityContext.capabilities) || !has(c.securityContext.capabilities.add) || c.securityContext.capabilities.add.all(a, a == 'NET_BIND_SERVICE'))))",
        "the securityContext of an init container is weaker than the profile Restricted; securityProfile: Baseline allows it",
        ".initContainers",
    ),
    rule(
        "!has(self.sidecars) || (has(self.securityProfile) && self.securityProfile == 'Baseline') || self.sidecars.all(c, !has(c.securityContext) || ((!has(c.securityContext.allowPrivilegeEscalation) || !c.securityContext.allowPrivilegeEscalation) && (!has(c.securityContext.runAsNonRoot) || c.securityContext.runAsNonRoot) && (!has(c.securityContext.runAsUser) || c.securityContext.runAsUser != 0) && (!has(c.securityContext.capabilities) || !has(c.securityContext.capabilities.add) || c.securityContext.capabilities.add.all(a, a == 'NET_BIND_SERVICE'))))",
        "the securityContext of a sidecar is weaker than the profile Restricted; securityProfile: Baseline allows it",
        ".sidecars",
    ),
];

const NETWORK: [Rule; 3] = [
    rule(
        "!has(self.routes) || self.routes.all(r, has(self.ports) && self.ports.exists(p, (!has(r.port) || (has(p.name) ? p.name : 'http') == r.port) && (!has(p.protocol) || p.protocol == 'TCP')))",
        "a route's port must be the name of a TCP port of the service; a port without a name is called http",
        ".routes",
    ),
    rule(
        "!has(self.accessPolicy) || !has(self.accessPolicy.inbound) || !has(self.accessPolicy.inbound.rules) || self.accessPolicy.inbound.rules.all(r, !has(r.ports) || r.ports.all(n, has(self.ports) && self.ports.exists(p, (has(p.name) ? p.name : 'http') == n)))",
        "an inbound rule's ports must be names of ports of the service; a port without a name is called http",
        ".accessPolicy",
    ),
    rule(
        "!has(self.metrics) || (has(self.ports) && self.ports.exists(p, (has(p.name) ? p.name : 'http') == self.metrics.port))",
        "the port of metrics must be the name of a port of the service; a port without a name is called http",
        ".metrics",
    ),
];
