//! A daemon that is killed within a compaction of its store: while it clones anew, while the new repository takes the place
//! of the old one, and while the old one is removed. The next one reads on as if nothing had been.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::json;
use tempfile::TempDir;

use crate::support::alone::Alone;
use crate::support::daemon::Daemon;
use crate::support::repository::git;
use crate::support::scene::service;

/// More packs than gather before the store is made anew.
const PACKS: usize = 55;
/// How often it is killed at each moment.
const ROUNDS: usize = 3;
/// How long a compaction may be waited for.
const PATIENCE: Duration = Duration::from_secs(60);
/// Bytes that no compression makes fewer: what is cloned takes a while.
const BALLAST: usize = 4 << 20;

/// Whether a compaction is at a moment.
type Moment = fn(&Cached) -> bool;

/// A repository in the store, and what stands beside it while it is made anew.
struct Cached(PathBuf);

impl Cached {
    fn in_folder(store: &Path) -> Self {
        let mut entries = fs::read_dir(store).unwrap().map(|entry| entry.unwrap().path());
        Self(entries.find(|path| path.extension().is_none()).unwrap())
    }

    fn beside(&self, end: &str) -> PathBuf {
        PathBuf::from(format!("{}{end}", self.0.display()))
    }

    /// What a compaction has left or is at, in words.
    fn state(&self) -> Vec<&'static str> {
        [("", "it"), (".new", "new"), (".old", "old")]
            .into_iter()
            .filter_map(|(end, word)| self.beside(end).exists().then_some(word))
            .collect()
    }

    fn packs(&self, end: &str) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(self.beside(end).join("objects/pack")) else { return Vec::new() };
        let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
        paths.filter(|path| path.extension().is_some_and(|end| end == "pack")).collect()
    }

    /// Has many packs in it, as after a long time: the same one under many names.
    fn wear(&self) {
        let pack = self.packs("").remove(0);
        for number in 0..PACKS {
            let copy = pack.with_file_name(format!("pack-{number:040x}.pack"));
            fs::copy(&pack, &copy).unwrap();
            fs::copy(pack.with_extension("idx"), copy.with_extension("idx")).unwrap();
        }
    }

    /// Kills a daemon as soon as it is at that moment of a compaction. What it left.
    fn killed(&self, daemon: Daemon, at: impl Fn(&Self) -> bool) -> Vec<&'static str> {
        let began = Instant::now();
        while !at(self) {
            assert!(began.elapsed() < PATIENCE, "nothing was made anew: {}", daemon.log.tail());
        }
        daemon.kill();
        self.state()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_killed_within_a_compaction_is_followed_by_one_that_reads_on() {
    let Some(alone) = Alone::new().await else { return };
    let store = TempDir::new().unwrap();
    let flags = ["--cache-dir", store.path().to_str().unwrap()];
    let mut daemon = alone.daemon(&flags).await;
    let Some(mut scene) = alone.scene(&daemon, "compacted").await else { return };
    let ballast: Vec<u8> = std::iter::repeat_with(|| fastrand::u8(..)).take(BALLAST).collect();
    fs::write(scene.repository.work.path().join("ballast"), ballast).unwrap();
    let says = |number: usize| service("web", json!({"replicas": 0, "image": format!("example.com/web:{number}")}));
    let first = scene.commit(&[("web.yaml", says(0))]);
    scene.create_sync(json!({})).await;
    scene.applied(&first).await;
    let cached = Cached::in_folder(store.path());

    let moments: [(&str, Moment); 4] = [
        ("a clone begins", |cached| cached.beside(".new").exists()),
        ("something is cloned", |cached| !cached.packs(".new").is_empty()),
        ("the old one is out of the way", |cached| cached.beside(".old").exists()),
        ("the new one is in its place", |cached| cached.beside(".old").exists() && cached.0.exists()),
    ];
    let (mut number, mut left) = (0, Vec::new());
    for (moment, at) in moments.into_iter().cycle().take(moments.len() * ROUNDS) {
        // It finds a new commit and a worn store when it begins.
        daemon.kill();
        cached.wear();
        number += 1;
        let commit = scene.commit(&[("web.yaml", says(number))]);
        let begun = alone.spawn(&flags);
        let state = tokio::task::block_in_place(|| cached.killed(begun, at));
        daemon = alone.daemon(&flags).await;
        scene.log = daemon.log.clone();
        scene.applied(&commit).await;
        let image = format!("example.com/web:{number}");
        scene.service_that("web", &format!("it is read after {moment}"), |web| web["spec"]["image"] == *image).await;
        left.push((moment, state));
    }
    let amid = left.iter().filter(|(_, state)| state.len() > 1 || *state != ["it"]).count();
    assert!(amid * 2 >= left.len(), "most kills came too late for this test to show anything: {left:?}");

    // One that is not killed ends it, and what was left of all before is gone.
    daemon.kill();
    cached.wear();
    let commit = scene.commit(&[("web.yaml", says(0))]);
    let daemon = alone.daemon(&flags).await;
    scene.log = daemon.log.clone();
    scene.applied(&commit).await;
    assert_eq!((cached.state(), cached.packs("").len()), (vec!["it"], 1), "{left:?}");
    assert!(!git(&cached.0, &["fsck", "--connectivity-only"]).contains("missing"));
}
