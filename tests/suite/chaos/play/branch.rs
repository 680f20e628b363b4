//! What happens to the branch and to its Git server.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::judge::{CANARY, SECOND};
use super::super::model::Commit;
use super::super::tree::{NAMES, READERS, Says, Tree};
use super::{GIT_SECRET, Play, SHARED, Strayed, USER, pass};
use crate::support::repository::{Repository, git};
use crate::support::scene::{SYNC, service};

impl Play<'_> {
    pub(super) fn commit(&mut self, tree: &Tree, rewrites: bool) {
        self.goes_straight();
        let repository = &self.scene.repository;
        let message = format!("commit {}", self.done.len());
        if rewrites {
            repository.git(&["commit", "--quiet", "--allow-empty", "--amend", "-m", &format!("instead of {message}")]);
        }
        let work = repository.work.path();
        let write = |path: String, content: Option<String>| match content {
            Some(content) => repository.write(&path, &content),
            None => {
                std::fs::remove_file(work.join(path)).ok();
            }
        };
        for sync in [SYNC, SECOND] {
            // A path that nothing is in any more is there all the same.
            write(format!("{sync}/README.md"), Some("Services.\n".into()));
            for name in NAMES {
                let says = tree.get(name).filter(|says| folder(*says) == sync);
                let content = says.map(|says| serde_yaml::to_string(&manifest(name, says)).unwrap());
                write(format!("{sync}/{name}.yaml"), content);
            }
        }
        let herd = tree.iter().filter(|(name, _)| name.starts_with("herd-"));
        let herd: Vec<_> = herd.map(|(name, says)| serde_yaml::to_string(&manifest(name, says)).unwrap()).collect();
        write(format!("{SYNC}/herd.yaml"), tree.herd.map(|_| herd.join("---\n")));
        repository.git(&["add", "--all"]);
        repository.git(&["commit", "--quiet", "--allow-empty", "-m", &message]);
        let id = repository.git(&["rev-parse", "HEAD"]);
        self.model.commit(Commit { id, tree: tree.clone(), at: Timestamp::now(), rewrites });
        self.scene.force_push();
    }

    /// The branch is as it was so many commits before.
    pub(super) async fn older(&mut self, back: usize) {
        self.goes_straight();
        let commits = &self.model.commits;
        let older = &commits[commits.len().saturating_sub(1 + back)].id;
        git(&self.scene.repository.bare, &["update-ref", "refs/heads/main", older]);
        self.strayed = Strayed::Older;
        self.request().await;
    }

    /// Another repository is where this one was.
    pub(super) async fn other(&mut self) {
        self.goes_straight();
        let bare = &self.scene.repository.bare;
        std::fs::rename(bare, away(bare)).unwrap();
        let other = json!({"image": "example.com/ant:1", "replicas": 9});
        let manifest = serde_yaml::to_string(&service("ant", other)).unwrap();
        drop(Repository::new(bare).with_file("main/ant.yaml", &manifest));
        self.strayed = Strayed::Other;
        self.request().await;
    }

    /// The Git server serves what it should.
    pub(super) fn goes_straight(&mut self) {
        let bare = &self.scene.repository.bare;
        match self.strayed {
            Strayed::No => {}
            Strayed::Older => {
                self.scene.force_push();
            }
            Strayed::Other => {
                // Somebody may be reading it: it is out of the way first.
                let other = bare.with_extension("other");
                std::fs::rename(bare, &other).unwrap();
                std::fs::rename(away(bare), bare).unwrap();
                std::fs::remove_dir_all(other).ok();
            }
        }
        self.strayed = Strayed::No;
    }

    /// The server wants another password, and the Secret has it a moment later.
    pub(super) async fn rotate(&mut self, milliseconds: u64) {
        self.password += 1;
        let password = format!("{CANARY}{}", self.password);
        self.git.lets_in(USER, &password).await;
        pass(milliseconds).await;
        self.write_secret(GIT_SECRET, json!({"username": USER, "password": password})).await;
    }
}

/// Where the repository is while another has its place.
fn away(bare: &Path) -> PathBuf {
    bare.with_extension("away")
}

/// In whose folder a service is.
fn folder(says: Says) -> &'static str {
    match says {
        Says::Good(spec) if spec.second => SECOND,
        _ => SYNC,
    }
}

/// A manifest of a service.
fn manifest(name: &str, says: Says) -> Value {
    let Says::Good(spec) = says else { return service(name, json!({"replicas": -1})) };
    let image = format!("example.com/{name}:{}", spec.image);
    let mut manifest = service(name, json!({"image": image, "replicas": spec.replicas}));
    if let Some(policy) = spec.policy {
        manifest["metadata"]["annotations"] = json!({"gitmoor.dev/drift-policy": policy.word()});
    }
    if READERS.contains(&name) {
        let from = json!({"secretKeyRef": {"name": SHARED, "key": "token"}});
        manifest["spec"]["env"] = json!([{"name": "TOKEN", "valueFrom": from}]);
        manifest["spec"]["restartOnChange"] = json!(true);
    }
    manifest
}
