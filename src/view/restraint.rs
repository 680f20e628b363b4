//! What keeps things from being put back, for people: the pauses and fights that status speaks of. Pure.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use crate::api::MicroService;
use crate::api::condition::{self, PAUSED};
use crate::api::status::DriftStatus;
use crate::report::fight;

/// The pause that status speaks of, in its words.
pub fn paused(conditions: &[Condition]) -> Option<&str> {
    condition::find(conditions, PAUSED).filter(|one| one.status == "True").map(|one| one.message.as_str())
}

/// The same of a MicroService.
pub fn paused_service(service: &MicroService) -> Option<&str> {
    paused(&service.status.as_ref()?.conditions)
}

/// The fights over a MicroService and its children.
pub fn fights(service: &MicroService) -> Vec<String> {
    let Some(status) = &service.status else { return Vec::new() };
    let said = |what: &str, drift: &Option<DriftStatus>| {
        let found = drift.as_ref().and_then(|drift| drift.fight.as_ref());
        found.map(|found| fight::sentence(what, found))
    };
    [said("it", &status.source_drift), said("a child", &status.workload_drift)].into_iter().flatten().collect()
}
