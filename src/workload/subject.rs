//! A MicroService with its defaults applied: the facts that several kinds of children share.

use super::{Surroundings, names};
use crate::api::microservice::{Port, Protocol, ServiceAccountOptions};
use crate::api::{MicroService, MicroServiceSpec};

/// Pods of a service that does not say how many.
const REPLICAS: i32 = 2;
/// Name of a port that has none.
const PORT_NAME: &str = "http";
/// Where an object without a namespace belongs, as for kubectl.
pub(super) const NAMESPACE: &str = "default";

/// A MicroService with its defaults applied.
pub(super) struct Subject<'a> {
    /// The MicroService's own name.
    pub owner: &'a str,
    /// The MicroService's UID; none for one that is in no cluster.
    pub uid: Option<&'a str>,
    /// Name of the children, fit for a label's value.
    pub name: String,
    pub namespace: &'a str,
    pub spec: &'a MicroServiceSpec,
    /// What is known of the cluster.
    pub surroundings: &'a Surroundings,
    /// How many pods there are at least.
    pub replicas: i32,
    pub ports: Vec<NamedPort<'a>>,
    pub service_account: Account<'a>,
}

/// A port, all of it said.
pub(super) struct NamedPort<'a> {
    pub name: &'a str,
    pub container_port: i32,
    pub service_port: i32,
    pub protocol: Protocol,
    pub app_protocol: Option<&'a str>,
}

/// The pods' ServiceAccount.
pub(super) struct Account<'a> {
    pub name: String,
    pub create: bool,
    pub automount_token: bool,
    pub options: Option<&'a ServiceAccountOptions>,
}

impl<'a> Subject<'a> {
    pub fn new(service: &'a MicroService, surroundings: &'a Surroundings) -> Self {
        let owner = service.metadata.name.as_deref().unwrap_or_default();
        let spec = &service.spec;
        let name = names::fit(owner);
        Self {
            owner,
            uid: service.metadata.uid.as_deref(),
            namespace: service.metadata.namespace.as_deref().unwrap_or(NAMESPACE),
            spec,
            surroundings,
            replicas: match &spec.autoscaling {
                Some(scaling) => scaling.min_replicas.unwrap_or(REPLICAS.min(scaling.max_replicas)),
                None => spec.replicas.unwrap_or(REPLICAS),
            },
            ports: spec.ports.iter().map(NamedPort::new).collect(),
            service_account: Account::new(spec.service_account.as_ref(), &name),
            name,
        }
    }
}

impl<'a> NamedPort<'a> {
    fn new(port: &'a Port) -> Self {
        Self {
            name: port.name.as_deref().unwrap_or(PORT_NAME),
            container_port: port.container_port,
            service_port: port.service_port.unwrap_or(port.container_port),
            protocol: port.protocol.unwrap_or(Protocol::Tcp),
            app_protocol: port.app_protocol.as_deref(),
        }
    }
}

impl<'a> Account<'a> {
    fn new(options: Option<&'a ServiceAccountOptions>, default_name: &str) -> Self {
        Self {
            name: options.and_then(|options| options.name.as_deref()).unwrap_or(default_name).to_owned(),
            create: options.and_then(|options| options.create).unwrap_or(true),
            automount_token: options.and_then(|options| options.automount_service_account_token).unwrap_or(false),
            options,
        }
    }
}
