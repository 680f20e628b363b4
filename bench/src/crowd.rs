//! Many GitSyncs: half of them read folders of one repository, each of the others a repository of its own.

use std::time::{Duration, Instant};

use anyhow::Context;
use serde_json::{Value, json};

use crate::api::gitsyncs;
use crate::daemon::{NAMESPACE, SECRET};
use crate::git::Repository;
use crate::manifests::{Manifest, numbered, spread};
use crate::stage::{LONG, Stage, applied};

/// All GitSyncs and what they read. Each has a namespace.
pub struct Crowd {
    /// All MicroServices.
    pub manifests: Vec<Manifest>,
    /// Their namespaces, one for each GitSync, and named as it.
    pub names: Vec<String>,
    /// The repository of many, and those of one each.
    pub repositories: Vec<Repository>,
}

impl Crowd {
    /// Makes repositories, namespaces and GitSyncs.
    pub async fn make(stage: &Stage, services: usize, syncs: usize) -> anyhow::Result<Self> {
        stage.progress.say(&format!("writing {services} manifests for {syncs} GitSyncs"));
        let names = numbered(syncs);
        let manifests = spread(services, &names);
        stage.api.make_namespaces(&names).await?;
        let shared = syncs.div_ceil(2);
        let of = |names: &[String]| -> Vec<Manifest> {
            manifests.iter().filter(|one| names.contains(&one.namespace)).cloned().collect()
        };
        let mut repositories = vec![stage.git.repository("monorepo.git", &of(&names[..shared]))?];
        for name in &names[shared..] {
            let own = of(std::slice::from_ref(name));
            repositories.push(stage.git.repository(&format!("{name}.git"), &own)?);
        }
        let crowd = Self { manifests, names, repositories };
        for index in 0..syncs {
            stage
                .api
                .apply(&gitsyncs(), Some(NAMESPACE), &crowd.gitsync(index))
                .await
                .context("cannot make a GitSync")?;
        }
        Ok(crowd)
    }

    /// How many read the repository of many; they come first.
    pub fn shared(&self) -> usize {
        self.names.len().div_ceil(2)
    }

    /// The repository that a GitSync reads.
    pub fn repository_of(&self, sync: usize) -> &Repository {
        &self.repositories[sync.saturating_sub(self.shared() - 1)]
    }

    /// The MicroServices of the repository of many.
    pub fn monorepo(&self) -> Vec<&Manifest> {
        let shared = &self.names[..self.shared()];
        self.manifests.iter().filter(|one| shared.contains(&one.namespace)).collect()
    }

    /// Commits another release of everything; it is not announced. Says the revisions by GitSync.
    pub fn release(&self, release: usize) -> anyhow::Result<Vec<String>> {
        for repository in &self.repositories {
            repository.catch_up()?;
        }
        for manifest in &self.manifests {
            let sync =
                self.names.iter().position(|name| *name == manifest.namespace).context("a namespace of nobody")?;
            self.repository_of(sync).write(&manifest.path, &manifest.text(release))?;
        }
        let revisions: Vec<String> =
            self.repositories.iter().map(|one| one.commit("a release of everything")).collect::<Result<_, _>>()?;
        Ok((0..self.names.len()).map(|sync| revisions[sync.saturating_sub(self.shared() - 1)].clone()).collect())
    }

    /// Waits until the first GitSyncs say that these revisions are applied, one each.
    pub async fn all_applied(&self, stage: &Stage, revisions: &[String]) -> anyhow::Result<()> {
        for (name, revision) in self.names.iter().zip(revisions) {
            // Each for itself: how long all take is measured, and no reason to give up while they go on.
            let began = Instant::now();
            while !applied(&stage.api.get(&gitsyncs(), NAMESPACE, name).await?, revision) {
                anyhow::ensure!(began.elapsed() < LONG, "{name} has not applied {revision}");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        Ok(())
    }

    fn gitsync(&self, index: usize) -> Value {
        let name = &self.names[index];
        json!({
            "apiVersion": gitmoor::api::API_VERSION, "kind": "GitSync",
            "metadata": {"name": name, "namespace": NAMESPACE},
            "spec": {
                "url": self.repository_of(index).url, "paths": [format!("apps/{name}")], "allowedNamespaces": [name],
                // Nothing is polled for while something is measured.
                "interval": "24h", "timeout": "300s",
                "webhook": {"secretRef": {"name": SECRET}}
            }
        })
    }
}
