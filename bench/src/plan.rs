//! The plan alone: how long it takes to decide what a revision changes, with everything in memory and no call made.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gitmoor::api::GitSync;
use gitmoor::cluster::Targets;
use gitmoor::manifest::{Allowed, Scope, assemble, parse};
use gitmoor::model::{Declared, Kind, LiveObject, ParsedFile, Revision};
use gitmoor::sync::{Planned, Rehearsal};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::manifests::Manifest;
use crate::stats::Latency;

/// Of a hundred files, a commit changes one; and of a hundred, it removes another.
const SHARE: usize = 100;

/// Times of one plan.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Plans {
    /// A revision that is applied already.
    pub unchanged: Latency,
    /// One that changes and removes an object in a hundred.
    pub some: Latency,
    /// One that changes every object. Each is compared field by field with what is live, so that no drift hides in it.
    pub all: Latency,
}

impl Plans {
    /// The slower of the plans that a commit makes: whoever changes every object at once waits for the writes.
    pub fn of_a_commit(&self) -> f64 {
        self.unchanged.median.max(self.some.median)
    }
}

/// Measures plans of a fleet that is live: `services` and the GitSync as the API server has them. `release` is what was
/// applied of a file.
pub fn plans(
    manifests: &[Manifest],
    release: impl Fn(usize) -> usize,
    gitsync: &Value,
    services: Vec<Value>,
    runs: usize,
) -> anyhow::Result<Plans> {
    let live = Targets { services: Arc::default(), gitsyncs: Arc::default() };
    let gitsync: GitSync = serde_json::from_value(gitsync.clone())?;
    for service in services {
        live.answered(Kind::MicroService, LiveObject::from_json(service)?);
    }
    let measure = |what: Shape| -> anyhow::Result<Latency> {
        let declared = declared(manifests, &release, what);
        let revision = Revision::of_commit("main", &"7".repeat(40));
        let rehearsal = Rehearsal::new(&gitsync, crate::daemon::NAMESPACE, revision, declared);
        let mut times: Vec<Duration> = Vec::new();
        for _ in 0..runs {
            let started = Instant::now();
            let planned = rehearsal.plan(&live, jiff::Timestamp::now());
            times.push(started.elapsed());
            what.check(planned, manifests.len())?;
        }
        Ok(Latency::of(&times))
    };
    Ok(Plans { unchanged: measure(Shape::Same)?, some: measure(Shape::Some)?, all: measure(Shape::All)? })
}

/// What a revision changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Same,
    Some,
    All,
}

impl Shape {
    /// A plan that is another one than was to be measured is no result.
    fn check(self, planned: Planned, count: usize) -> anyhow::Result<()> {
        let share = count.div_ceil(SHARE);
        let wanted = match self {
            Self::Same => Planned { writes: 0, deletions: 0, held: 0 },
            Self::Some => Planned { writes: share, deletions: share, held: 0 },
            Self::All => Planned { writes: count, deletions: 0, held: 0 },
        };
        anyhow::ensure!(planned == wanted, "the plan is not the one to be measured: {planned:?}, {wanted:?}");
        Ok(())
    }
}

fn declared(manifests: &[Manifest], release: impl Fn(usize) -> usize, shape: Shape) -> Declared {
    let files: Vec<(Arc<str>, ParsedFile)> = manifests
        .iter()
        .enumerate()
        .filter(|(number, _)| shape != Shape::Some || number % SHARE != 1 || manifests.len() < 2)
        .map(|(number, one)| {
            let changed = shape == Shape::All || (shape == Shape::Some && number % SHARE == 0);
            let text = one.text(if changed { release(number) + 1 } else { release(number) });
            (one.path.as_str().into(), parse(text.as_bytes()))
        })
        .collect();
    let scope = Scope { target_namespace: crate::daemon::NAMESPACE.into(), allowed: Allowed::Any, gitsyncs: true };
    assemble(files.iter().map(|(path, file)| (path, file)), &scope)
}

#[cfg(test)]
mod tests {
    use gitmoor::model::{DeclaredObject, Target};
    use gitmoor::plan::{Marks, apply_body, applyset};
    use serde_json::json;
    use sha2::{Digest, Sha256};

    use super::*;
    use crate::manifests::manifests;

    /// What the API server has of a manifest once it was applied.
    fn applied(manifests: &[Manifest], uid: &str) -> Vec<Value> {
        let declared = declared(manifests, |_| 0, Shape::Same);
        let key = gitmoor::model::ObjectKey::new(crate::daemon::NAMESPACE, crate::daemon::GITSYNC);
        let set = applyset::id(&key.namespace, &key.name);
        let marks = Marks { sync: &key, sync_uid: uid, applyset: &set, revision: "main@sha1:7" };
        let label = json!({"f:metadata": {"f:labels": {"f:applyset.kubernetes.io/part-of": {}}}});
        let entry = json!([{"manager": "gitmoor", "operation": "Apply", "fieldsType": "FieldsV1", "fieldsV1": label}]);
        let live = |(number, (key, object)): (usize, (&Target, &DeclaredObject))| {
            let mut body = apply_body(key, object, &marks);
            body["metadata"]["uid"] = json!(format!("uid-{number}"));
            body["metadata"]["resourceVersion"] = json!("7");
            body["metadata"]["managedFields"] = entry.clone();
            body
        };
        declared.objects.iter().enumerate().map(live).collect()
    }

    #[test]
    fn the_plans_that_are_measured_are_those_that_are_meant() {
        let url = "https://git.example.com/a.git";
        // As after a first sync: in that which follows a change of scope, nothing is deleted.
        let scope = Sha256::digest(json!([url, "main", [], crate::daemon::NAMESPACE]).to_string());
        let gitsync = json!({
            "apiVersion": gitmoor::api::API_VERSION, "kind": "GitSync",
            "metadata": {"namespace": crate::daemon::NAMESPACE, "name": crate::daemon::GITSYNC, "uid": "sync"},
            "spec": {"url": url, "allowedNamespaces": ["*"]},
            "status": {"lastAppliedScope": data_encoding::HEXLOWER.encode(&scope[..8])}
        });
        for count in [3, 110] {
            let fleet = manifests(count);
            let plans = plans(&fleet, |_| 0, &gitsync, applied(&fleet, "sync"), 2).unwrap();
            assert_eq!((plans.unchanged.runs, plans.some.runs, plans.all.runs), (2, 2, 2));
            assert!(plans.of_a_commit() > 0.0);
        }
        let fleet = manifests(3);
        let error = plans(&fleet, |_| 0, &gitsync, applied(&fleet, "another"), 1).unwrap_err();
        assert!(error.to_string().starts_with("the plan is not the one to be measured"), "{error}");
    }
}
