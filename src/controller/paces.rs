//! How often each child is put back, and who fights for it. It only saves calls: a restart goes on with what status says.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use jiff::Timestamp;

use crate::api::MicroService;
use crate::api::drift::FightStatus;
use crate::api::status::DriftedField;
use crate::drift::{Pace, Turn, merged};
use crate::model::ObjectKey;
use crate::workload::Child;

/// A call that comes at once when it is due could come again and again.
const SOONEST: Duration = Duration::from_secs(1);

/// The paces of all children.
#[derive(Default)]
pub struct Paces {
    services: Mutex<HashMap<ObjectKey, HashMap<(String, String), Pace>>>,
}

impl Paces {
    /// Goes on with the fight that status speaks of, where nothing is known of the service.
    pub fn resume(&self, key: &ObjectKey, service: &MicroService, now: Timestamp) {
        let drift = service.status.as_ref().and_then(|status| status.workload_drift.as_ref());
        let Some((drift, fight)) = drift.and_then(|drift| Some((drift, drift.fight.as_ref()?))) else { return };
        self.lock().entry(key.clone()).or_insert_with(|| {
            let namespace = format!("{}/", key.namespace);
            let mut paces = HashMap::new();
            for field in &drift.fields {
                let name = field.object.strip_prefix(&namespace).unwrap_or(&field.object);
                let child = (field.kind.clone(), name.to_owned());
                paces.entry(child).or_insert_with(|| Pace::resumed(fight, &drift.fields, now));
            }
            paces
        });
    }

    /// Whether these fields of a child may be put back now.
    pub fn turn(&self, key: &ObjectKey, child: &Child, fields: &[DriftedField], now: Timestamp) -> Turn {
        let mut services = self.lock();
        let pace = services.get_mut(key).and_then(|paces| paces.get_mut(&name(child)));
        pace.map(|pace| pace.turn(fields, now)).unwrap_or_default()
    }

    /// Takes note that a child was put back.
    pub fn corrected(&self, key: &ObjectKey, child: &Child, fields: &[DriftedField], now: Timestamp) {
        let mut services = self.lock();
        services.entry(key.clone()).or_default().entry(name(child)).or_default().corrected(fields, now);
    }

    /// Takes note that putting a child back lost a race.
    pub fn lost(&self, key: &ObjectKey, child: &Child, now: Timestamp) {
        self.lock().entry(key.clone()).or_default().entry(name(child)).or_default().lost(now);
    }

    /// Takes note that nothing of a child differs.
    pub fn quiet(&self, key: &ObjectKey, child: &Child, now: Timestamp) {
        let mut services = self.lock();
        let Some(paces) = services.get_mut(key) else { return };
        if let Some(pace) = paces.get_mut(&name(child)) {
            pace.quiet(now);
        }
        paces.retain(|_, pace| !pace.is_idle(now));
        if paces.is_empty() {
            services.remove(key);
        }
    }

    /// The fights for children of a service, as one.
    pub fn fight(&self, key: &ObjectKey) -> Option<FightStatus> {
        merged(self.lock().get(key)?.values().filter_map(Pace::fight))
    }

    /// Whether a field is fought for: it was told, and is not told each time.
    pub fn is_fought_for(&self, key: &ObjectKey, field: &DriftedField) -> bool {
        self.lock().get(key).is_some_and(|paces| paces.values().any(|pace| pace.is_fought_for(field)))
    }

    /// How long the status of a service has yet to wait for a fight.
    pub fn hush(&self, key: &ObjectKey, now: Timestamp) -> Option<Duration> {
        let mut services = self.lock();
        let fights = services.get_mut(key)?.values_mut().filter(|pace| pace.fight().is_some());
        let waits: Vec<_> = fights.map(|pace| pace.hush(now)).collect();
        let wait = waits.into_iter().collect::<Option<Vec<_>>>()?.into_iter().min()?;
        Some(wait.unsigned_abs())
    }

    /// When to look at a service again, for its next correction or for the end of a fight.
    pub fn due(&self, key: &ObjectKey, now: Timestamp) -> Option<Duration> {
        let due = self.lock().get(key)?.values().filter_map(|pace| pace.due(now)).min()?;
        Some(due.unsigned_abs().max(SOONEST))
    }

    /// Forgets a service that is gone, or whose children are not put back any more.
    pub fn forget(&self, key: &ObjectKey) {
        self.lock().remove(key);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ObjectKey, HashMap<(String, String), Pace>>> {
        self.services.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn name(child: &Child) -> (String, String) {
    (child.kind.kind.to_owned(), child.name.clone())
}
