//! Random edits by several hands through a real API server: `drift::compare` gives back exactly those, with their
//! editors, and what is sent puts them back or leaves them alone.
//!
//! A story is a seed. The suite tells the same ones each time, as many as there is time for, so that whoever changes
//! something else is not told of another bug. `GITMOOR_TEST_DRIFT_SECONDS=600` goes on for longer, with new ones; failing
//! seeds are printed, and `GITMOOR_TEST_DRIFT_SEEDS=1,2` tells them again.

mod hands;
mod model;
mod subjects;

use std::time::{Duration, Instant};

use futures::future::join_all;
use gitmoor::drift::{Compare, Comparison, compare, declared_for_apply, removal_patch};
use gitmoor::model::{ChangeKind, FieldDrift};
use serde_json::{Value, json};

use crate::support::Kube;
use hands::Hands;
use model::{Expected, Model};
use subjects::{SUBJECTS, Subject};

/// How long the suite tells stories.
const SECONDS: u64 = 20;
/// Stories at once.
const AT_ONCE: usize = 4;

#[tokio::test]
async fn random_edits_by_several_hands_are_found_and_nothing_else() {
    let Some(kube) = Kube::shared().await else { return };
    let namespace = kube.namespace("random").await;
    let asked = std::env::var("GITMOOR_TEST_DRIFT_SEEDS").ok();
    let seconds = std::env::var("GITMOOR_TEST_DRIFT_SECONDS").ok().and_then(|text| text.parse().ok());
    let budget = Duration::from_secs(seconds.unwrap_or(SECONDS));
    let mut replayed: Vec<u64> =
        asked.iter().flat_map(|text| text.split(',')).map(|seed| seed.parse().unwrap()).collect();
    let (started, mut told, mut failed) = (Instant::now(), 0, Vec::new());
    loop {
        let seeds: Vec<u64> = match asked {
            Some(_) => replayed.drain(..replayed.len().min(AT_ONCE)).collect(),
            None if seconds.is_some() => std::iter::repeat_with(|| fastrand::u64(..)).take(AT_ONCE).collect(),
            None => (told as u64..).take(AT_ONCE).collect(),
        };
        let stories = join_all(seeds.iter().map(|seed| Story::tell(&kube, &namespace, *seed))).await;
        told += stories.len();
        failed.extend(stories.into_iter().filter_map(Result::err));
        let enough = if asked.is_some() { replayed.is_empty() } else { started.elapsed() >= budget };
        if enough || !failed.is_empty() {
            break;
        }
    }
    println!("{told} stories in {:?}", started.elapsed());
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}

/// One object, and what was done to it.
struct Story<'a> {
    kube: &'a Kube,
    subject: &'static Subject,
    declared: Value,
    hands: Hands<'a>,
    model: Model,
}

impl<'a> Story<'a> {
    async fn tell(kube: &'a Kube, namespace: &str, seed: u64) -> Result<(), String> {
        let mut random = fastrand::Rng::with_seed(seed);
        let subject = &SUBJECTS[random.usize(..SUBJECTS.len())];
        let name = format!("{}-{seed}", subject.kind.to_lowercase());
        let declared = subject.body(namespace, &name);
        let places = subject.places();
        let model = Model::new(&declared, &places);
        let hands = Hands::new(kube, subject, namespace.to_owned(), name, places);
        let mut story = Self { kube, subject, declared, hands, model };
        story.run(&mut random).await.map_err(|wrong| {
            let done = story.hands.done.join("\n  ");
            format!("GITMOOR_TEST_DRIFT_SEEDS={seed}: {} after\n  {done}\n{wrong}", story.subject.kind)
        })?;
        kube.delete(subject.kind, namespace, &story.hands.name).await;
        Ok(())
    }

    async fn run(&mut self, random: &mut fastrand::Rng) -> Result<(), String> {
        let live = self.kube.apply(self.subject.manager, &self.declared).await.map_err(|error| error.to_string())?;
        self.nothing(&self.declared, &live, "it was applied")?;
        for _ in 0..random.usize(1..7) {
            self.hands.edit(random, &mut self.model).await?;
        }
        let live = self.live().await;
        let found = self.compare(&self.declared, &live);
        self.model.check(&found.drifts, &self.hands.places)?;
        let later = self.another_commit_leaves_it(&live, &found).await?;
        self.is_put_back(&later).await
    }

    /// Under Report, a commit that changes something else leaves every path that was found as it is.
    async fn another_commit_leaves_it(&mut self, live: &Value, found: &Comparison) -> Result<Value, String> {
        let mut later = self.declared.clone();
        later["metadata"]["annotations"]["commit"] = json!("2");
        let body = declared_for_apply(&later, live, &found.drifts, &found.yielded, self.subject.manager);
        let after = self.kube.apply(self.subject.manager, &body).await.map_err(|error| format!("report: {error}"))?;
        let stands = |found: &Comparison| -> Vec<(ChangeKind, String, Option<Value>)> {
            // What has the declared value becomes ours again by any apply.
            let drifts = found.drifts.iter().filter(|drift| drift.change != ChangeKind::Disowned);
            let mut all: Vec<_> =
                drifts.map(|drift| (drift.change, Expected::path(drift), drift.live.clone())).collect();
            all.sort_by(|a, b| (&a.1, a.0).cmp(&(&b.1, b.0)));
            all
        };
        let (before, now) = (stands(found), stands(&self.compare(&later, &after)));
        if before != now || after["metadata"]["annotations"]["commit"] != "2" {
            return Err(format!("under Report, another commit made {now:#?}\nof {before:#?}\nby {body:#}"));
        }
        Ok(later)
    }

    /// Correcting what was found gives the declared object back, and then there is nothing more to send.
    async fn is_put_back(&mut self, declared: &Value) -> Result<(), String> {
        let mut tries = 0;
        while let Err(wrong) = self.correct(declared).await {
            tries += 1;
            if tries > 8 {
                return Err(format!("not put back: {wrong}"));
            }
        }
        let live = self.live().await;
        self.nothing(declared, &live, "it was put back")?;
        let again = self.kube.apply(self.subject.manager, declared).await.map_err(|error| error.to_string())?;
        self.nothing(declared, &again, "it was applied again")?;
        if again["metadata"]["generation"] != live["metadata"]["generation"] {
            return Err("another apply changed the spec of what was put back".into());
        }
        Ok(())
    }

    async fn correct(&self, declared: &Value) -> Result<(), String> {
        let mut live = self.live().await;
        let found = self.compare(declared, &live);
        if found == Comparison::default() {
            return Ok(());
        }
        if let Some(patch) = removal_patch(&live, &found.drifts) {
            let patch = serde_json::to_value(patch).unwrap();
            let manager = self.subject.manager;
            let edit = self.kube.try_edit(manager, self.subject.kind, &self.hands.namespace, &self.hands.name, patch);
            live = edit.await.map_err(|error| format!("{error} for {:#?}", found.drifts))?;
        }
        let mut body = declared_for_apply(declared, &live, &[], &found.yielded, self.subject.manager);
        body["metadata"]["resourceVersion"] = live["metadata"]["resourceVersion"].clone();
        self.kube.apply(self.subject.manager, &body).await.map_err(|error| format!("{error} for {body:#}"))?;
        Err(format!("looked again after {:#?}", found.drifts))
    }

    fn nothing(&self, declared: &Value, live: &Value, when: &str) -> Result<(), String> {
        let found = self.compare(declared, live);
        let none = found == Comparison::default();
        if none { Ok(()) } else { Err(format!("after {when}: {:#?}\n{live:#}", found.drifts)) }
    }

    fn compare(&self, declared: &Value, live: &Value) -> Comparison {
        compare(declared, live, &Compare { manager: self.subject.manager })
    }

    async fn live(&self) -> Value {
        self.kube.get(self.subject.kind, &self.hands.namespace, &self.hands.name).await
    }
}

/// The place of a drift wherever items stand.
fn place(drift: &FieldDrift) -> String {
    drift.keyed.clone().unwrap_or_else(|| drift.pointer.to_string())
}
