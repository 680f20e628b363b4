//! How often each child is put back, and who fights for it. It only saves calls: a restart goes on with what status says.

use std::collections::{HashMap, HashSet};
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
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// By service, then by kind and name of the child.
    services: HashMap<ObjectKey, HashMap<(String, String), Pace>>,
    /// Services whose status was read for what a process before this one has left: later it says what we said.
    read: HashSet<ObjectKey>,
}

impl Paces {
    /// Goes on with the fight that status speaks of, when the service is seen for the first time.
    pub fn resume(&self, key: &ObjectKey, service: &MicroService, now: Timestamp) {
        let mut inner = self.lock();
        if !inner.read.insert(key.clone()) {
            return;
        }
        let drift = service.status.as_ref().and_then(|status| status.workload_drift.as_ref());
        let Some((drift, fight)) = drift.and_then(|drift| Some((drift, drift.fight.as_ref()?))) else { return };
        let namespace = format!("{}/", key.namespace);
        let paces = inner.services.entry(key.clone()).or_default();
        for field in &drift.fields {
            let name = field.object.strip_prefix(&namespace).unwrap_or(&field.object);
            let child = (field.kind.clone(), name.to_owned());
            paces.entry(child).or_insert_with(|| Pace::resumed(fight, &drift.fields, now));
        }
    }

    /// Whether these fields of a child may be put back now.
    pub fn turn(&self, key: &ObjectKey, child: &Child, fields: &[DriftedField], now: Timestamp) -> Turn {
        let mut inner = self.lock();
        let pace = inner.services.get_mut(key).and_then(|paces| paces.get_mut(&name(child)));
        pace.map(|pace| pace.turn(fields, now)).unwrap_or_default()
    }

    /// Takes note that a child was put back.
    pub fn corrected(&self, key: &ObjectKey, child: &Child, fields: &[DriftedField], now: Timestamp) {
        self.lock().pace(key, child).corrected(fields, now);
    }

    /// Takes note that putting a child back lost a race.
    pub fn lost(&self, key: &ObjectKey, child: &Child, now: Timestamp) {
        self.lock().pace(key, child).lost(now);
    }

    /// Takes note that somebody wrote a child again before it was put back.
    pub fn rewritten(&self, key: &ObjectKey, child: &Child, now: Timestamp) {
        self.lock().pace(key, child).rewritten(now);
    }

    /// Takes note that nothing of a child differs.
    pub fn quiet(&self, key: &ObjectKey, child: &Child, now: Timestamp) {
        let services = &mut self.lock().services;
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
        merged(self.lock().services.get(key)?.values().filter_map(Pace::fight))
    }

    /// Whether a field is fought for: it was told, and is not told each time.
    pub fn is_fought_for(&self, key: &ObjectKey, field: &DriftedField) -> bool {
        self.lock().services.get(key).is_some_and(|paces| paces.values().any(|pace| pace.is_fought_for(field)))
    }

    /// How long the status of a service has yet to wait for a fight.
    pub fn hush(&self, key: &ObjectKey, now: Timestamp) -> Option<Duration> {
        let mut inner = self.lock();
        let fights = inner.services.get_mut(key)?.values_mut().filter(|pace| pace.fight().is_some());
        let waits: Vec<_> = fights.map(|pace| pace.hush(now)).collect();
        let wait = waits.into_iter().collect::<Option<Vec<_>>>()?.into_iter().min()?;
        Some(wait.unsigned_abs())
    }

    /// When to look at a service again, for its next correction or for the end of a fight.
    pub fn due(&self, key: &ObjectKey, now: Timestamp) -> Option<Duration> {
        let due = self.lock().services.get(key)?.values().filter_map(|pace| pace.due(now)).min()?;
        Some(due.unsigned_abs().max(SOONEST))
    }

    /// Ends the fights for children that are not put back any more.
    pub fn stop(&self, key: &ObjectKey) {
        self.lock().services.remove(key);
    }

    /// Forgets a service that is gone.
    pub fn forget(&self, key: &ObjectKey) {
        let mut inner = self.lock();
        inner.services.remove(key);
        inner.read.remove(key);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Inner {
    fn pace(&mut self, key: &ObjectKey, child: &Child) -> &mut Pace {
        self.services.entry(key.clone()).or_default().entry(name(child)).or_default()
    }
}

fn name(child: &Child) -> (String, String) {
    (child.kind.kind.to_owned(), child.name.clone())
}
