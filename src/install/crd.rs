//! Whether a CRD of ours is there, served, and that of this version.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use serde::Deserialize;
use serde_json::Value;

/// How a live CRD stands to that of this program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Freshness {
    /// It is the same.
    Same,
    /// There is none.
    Missing,
    /// It is there, and the API server does not serve it; with its words.
    Unserved(String),
    /// It is another version's.
    Other,
    /// It does not serve the version of the API that this program speaks.
    Unspoken,
}

/// Compares them: by what is said of the kind, not by what the API server fills in.
pub fn freshness(ours: &CustomResourceDefinition, live: Option<&Value>) -> Freshness {
    let Some(live) = live else { return Freshness::Missing };
    if let Some(words) = unserved(live) {
        return Freshness::Unserved(words);
    }
    // Read as the type that ours is written by: the API server writes `0` where that writes `0.0`.
    let spec = |crd: &CustomResourceDefinition| serde_json::to_value(&crd.spec).ok();
    let live = CustomResourceDefinition::deserialize(live).ok().as_ref().and_then(spec);
    let Some((wanted, live)) = spec(ours).zip(live) else { return Freshness::Other };
    let version = |spec: &Value, name: &Value| {
        let all = spec["versions"].as_array()?;
        all.iter().find(|one| one["name"] == *name).cloned()
    };
    for ours in wanted["versions"].as_array().into_iter().flatten() {
        let Some(theirs) = version(&live, &ours["name"]).filter(|one| one["served"] == true) else {
            return Freshness::Unspoken;
        };
        let same = |field: &str| ours[field] == theirs[field];
        if !["schema", "subresources", "additionalPrinterColumns"].into_iter().all(same) {
            return Freshness::Other;
        }
    }
    Freshness::Same
}

/// The first condition that says that it is not served.
fn unserved(live: &Value) -> Option<String> {
    let conditions = live["status"]["conditions"].as_array();
    let find = |kind: &str| conditions.and_then(|all| all.iter().find(|one| one["type"] == kind));
    let wrong =
        ["NamesAccepted", "Established"].into_iter().find(|kind| find(kind).is_none_or(|one| one["status"] != "True"));
    let words =
        |kind| find(kind).and_then(|one| one["message"].as_str()).unwrap_or("the API server has not looked at it yet");
    wrong.map(|kind| words(kind).to_owned())
}
