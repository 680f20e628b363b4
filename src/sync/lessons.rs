//! What a loop and its runs have learned about differences of what they apply. All of it only saves a question or keeps
//! what is ignored as it is: a restart asks again.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};

use crate::drift::Learned;
use crate::model::Target;

/// What was learned, by object. Most objects teach nothing.
#[derive(Debug, Default)]
pub struct Lessons(Mutex<HashMap<Target, Learned>>);

impl Lessons {
    /// What was learned of an object.
    pub fn of(&self, key: &Target) -> Learned {
        self.all().get(key).cloned().unwrap_or_default()
    }

    /// Learns of an object.
    pub fn learn(&self, key: &Target, lesson: impl FnOnce(&mut Learned)) {
        let mut all = self.all();
        let mut learned = all.remove(key).unwrap_or_default();
        lesson(&mut learned);
        if !learned.is_empty() {
            all.insert(key.clone(), learned);
        }
    }

    /// Forgets what is not declared any more.
    pub fn retain(&self, keep: impl Fn(&Target) -> bool) {
        self.all().retain(|key, _| keep(key));
    }

    fn all(&self) -> MutexGuard<'_, HashMap<Target, Learned>> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
