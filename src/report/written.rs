//! What was written into a status last, and what the API server made of it. While that stands, the same is not written again:
//! what somebody else added beside it stays, however often it is applied. What another hand changed does not stand.
//!
//! Digests alone are kept: there is one for each object.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::Value;

/// The last write of one status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    asked: u64,
    stored: u64,
}

impl Written {
    /// That status was asked for, and this is what there was then.
    pub fn new(asked: &Value, stored: &Value) -> Self {
        Self { asked: digest(asked), stored: digest(stored) }
    }

    /// Whether a status that is wanted was asked for already, and nobody has changed what became of it.
    pub fn is_enough(&self, wanted: &Value, there: &Value) -> bool {
        self.stands(there) && self.asked == digest(wanted)
    }

    /// Whether nobody has changed what became of it.
    pub fn stands(&self, there: &Value) -> bool {
        self.stored == digest(there)
    }
}

fn digest(value: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_same_is_not_written_again_until_somebody_changes_it() {
        let asked = json!({"counts": {"declared": 1}});
        // With what another writer has beside it.
        let stored = json!({"counts": {"declared": 1}, "hold": {}});
        let written = Written::new(&asked, &stored);
        let check = |wanted: &Value, there: &Value, enough: bool, stands: bool| {
            assert_eq!((written.is_enough(wanted, there), written.stands(there)), (enough, stands), "{wanted} {there}");
        };
        check(&asked, &stored, true, true);
        check(&json!({"counts": {"declared": 2}}), &stored, false, true);
        check(&asked, &json!({"counts": {"declared": 7}, "hold": {}}), false, false);
        check(&asked, &asked, false, false);
        check(&asked, &Value::Null, false, false);
    }
}
