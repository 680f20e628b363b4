//! What an installation is made of: the manifests of `deploy/` with what a person chose put in, in the order in which they
//! are applied; and what may be concluded from what a cluster has of it. It asks no cluster and writes nothing.
//!
//! The files of `deploy/` are the one source: the binary carries them, `deploy/install.yaml`, the Helm chart and the
//! components of kustomize are made of them, and a test finds any that is stale.

mod clock;
mod crd;
mod object;
mod page;
pub mod rights;
mod version;

#[cfg(test)]
mod tests;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::api::crds;

pub use clock::{Skew, of_leader, skew};
pub use crd::{Freshness, freshness};
pub use object::{Object, Step};
pub use page::{PORT as PAGE_PORT, PROXY_SECRET, Page};
pub use rights::Right;
pub use version::{ServerVersion, is_older};

/// The namespace in the files of `deploy/`.
pub const NAMESPACE: &str = "gitmoor-system";
/// Name of the daemon's Deployment, and of most of what it comes with.
pub const NAME: &str = "gitmoor";
/// Selects its pods.
pub const PODS: &str = "app.kubernetes.io/name=gitmoor";
/// On the Deployment: the version that it runs.
pub const VERSION_LABEL: &str = "app.kubernetes.io/version";

const ACCESS: &str = include_str!("../../deploy/access.yaml");
const ATTRIBUTION: &str = include_str!("../../deploy/attribution.yaml");
const DAEMON: &str = include_str!("../../deploy/gitmoor.yaml");
const PAGE: &str = include_str!("../../deploy/page.yaml");
const PREVENTION: &str = include_str!("../../deploy/prevention.yaml");
const PROTECTION: &str = include_str!("../../deploy/protection.yaml");
const RESTARTS: &str = include_str!("../../deploy/restarts.yaml");

/// What a person chooses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The operator's namespace.
    pub namespace: String,
    /// How many processes; what the manifest says where there is none.
    pub replicas: Option<u16>,
    /// Another image than that of the release.
    pub image: Option<String>,
    /// Who looks at the page.
    pub page: Page,
    /// Whether deletions by hand are refused.
    pub protection: bool,
    /// Whether the API server stamps who changes what.
    pub attribution: bool,
    /// Whether hand edits are refused.
    pub prevention: bool,
    /// Whether Secrets of all namespaces may be read.
    pub restarts: bool,
}

impl Default for Choice {
    fn default() -> Self {
        Self {
            namespace: NAMESPACE.to_owned(),
            replicas: None,
            image: None,
            page: Page::default(),
            protection: true,
            attribution: false,
            prevention: false,
            restarts: false,
        }
    }
}

/// A manifest of this program that cannot be used. A test reads all of them: nobody but a developer meets it.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// It is no YAML.
    #[error("a manifest of this program cannot be read")]
    Yaml(#[from] serde_yaml::Error),
    /// It is no object.
    #[error("an object of this program has no {0}")]
    Lacks(&'static str),
    /// A CRD cannot be printed.
    #[error("a CRD of this program cannot be printed")]
    Crd(#[from] serde_json::Error),
}

/// All objects of a choice, in the order in which they are applied: the namespace, the kinds, who Gitmoor is and what it
/// may, the policies, and the daemon last.
pub fn objects(choice: &Choice) -> Result<Vec<Object>, Broken> {
    let mut all = documents(ACCESS, choice)?;
    let kinds = crds::all().iter().map(serde_json::to_value).collect::<Result<Vec<_>, _>>()?;
    let after_namespace = all.iter().take_while(|one| one["kind"] == "Namespace").count();
    all.splice(after_namespace..after_namespace, kinds);
    let parts = [
        (choice.protection, PROTECTION),
        (choice.attribution, ATTRIBUTION),
        (choice.prevention, PREVENTION),
        (choice.restarts, RESTARTS),
        (choice.page.is_on_the_network(), PAGE),
    ];
    for (_, text) in parts.into_iter().filter(|(wanted, _)| *wanted) {
        all.extend(documents(text, choice)?);
    }
    all.extend(documents(DAEMON, choice)?.into_iter().map(|one| daemon(one, choice)));
    // What runs comes last, when all that it needs is there.
    all.sort_by_key(|one| one["kind"] == "Deployment");
    all.into_iter().map(Object::of).collect()
}

/// What a choice leaves out, in the same order: what an earlier installation may have left, and what goes with the rest.
pub fn left_out(choice: &Choice) -> Result<Vec<Object>, Broken> {
    let all = Choice {
        protection: true,
        attribution: true,
        prevention: true,
        restarts: true,
        page: Page::Token,
        ..choice.clone()
    };
    let wanted = objects(choice)?;
    let is_wanted = |one: &Object| wanted.iter().any(|wanted| wanted.name() == one.name());
    Ok(objects(&all)?.into_iter().filter(|one| !is_wanted(one)).collect())
}

/// The rights that the daemon needs, each alone. Whether it may read the Secrets of all namespaces is nobody's need: it says
/// what it lacks where that matters.
pub fn rights(choice: &Choice) -> Result<Vec<Right>, Broken> {
    let mut manifests = documents(ACCESS, choice)?;
    if choice.page.is_on_the_network() {
        manifests.extend(documents(PAGE, choice)?);
    }
    Ok(rights::of(&manifests, &choice.namespace))
}

fn documents(text: &str, choice: &Choice) -> Result<Vec<Value>, Broken> {
    let text = text.replace(NAMESPACE, &choice.namespace);
    let all = serde_yaml::Deserializer::from_str(&text).map(Value::deserialize);
    Ok(all.collect::<Result<Vec<_>, _>>()?.into_iter().filter(|one| !one.is_null()).collect())
}

/// The daemon's manifests with what was chosen of it.
fn daemon(mut object: Value, choice: &Choice) -> Value {
    if object["kind"] == "Deployment" {
        if let Some(replicas) = choice.replicas {
            object["spec"]["replicas"] = json!(replicas);
        }
        if let Some(image) = &choice.image {
            object["spec"]["template"]["spec"]["containers"][0]["image"] = json!(image);
        }
    }
    choice.page.put_into(object)
}
