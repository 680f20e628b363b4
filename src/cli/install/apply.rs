//! Applies one object, and says what became of it.

use std::io::{self, Write};

use anyhow::bail;
use futures::StreamExt;
use serde::Serialize;
use tokio::time::{Duration, timeout};

use super::super::inert::inert;
use super::super::table::{FAINT, GOOD, ODD, painted};
use super::{INSTALL_MANAGER, advice};
use crate::api::crds;
use crate::cluster::{Apply, CallError, Cluster, follow_one};
use crate::install::{Freshness, Object, Step, freshness};

/// How long the API server may take to serve a kind.
const SERVED: Duration = Duration::from_secs(30);

/// How it is applied.
#[derive(Debug, Clone, Copy)]
pub struct Applying {
    /// Whether fields are taken from other managers.
    pub force: bool,
    /// Whether nothing is stored.
    pub dry_run: bool,
}

/// One object, and what became of it.
#[derive(Debug, Serialize)]
pub struct Applied {
    kind: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    namespace: String,
    name: String,
    step: Step,
}

/// Applies it. A kind is waited for until it is served.
pub async fn apply(cluster: &Cluster, object: &Object, how: Applying) -> anyhow::Result<Applied> {
    let doing = format!("apply {}", object.name());
    let before = cluster.get(&object.kind, &object.key).await.map_err(|error| advice(error, &doing))?;
    let params = Apply { manager: INSTALL_MANAGER, force: how.force, dry_run: how.dry_run };
    let step = if how.dry_run {
        match cluster.rehearse(&object.kind, &object.key, &object.body, params).await {
            Ok(after) => Step::between(before.map(|live| live.value()), after),
            // The namespace would be there, were this more than a question.
            Err(CallError::NamespaceMissing(_)) => Step::Created,
            Err(error) => return Err(advice(error, &doing)),
        }
    } else {
        let live = cluster.apply(&object.kind, &object.key, &object.body, params).await;
        let live = live.map_err(|error| advice(error, &doing))?;
        Step::between(before.map(|live| live.value()), live.value())
    };
    if object.is("CustomResourceDefinition") && !how.dry_run {
        served(cluster, object).await?;
    }
    let (kind, key) = (object.kind.kind.clone(), &object.key);
    Ok(Applied { kind, namespace: key.namespace.to_string(), name: key.name.to_string(), step })
}

async fn served(cluster: &Cluster, object: &Object) -> anyhow::Result<()> {
    let Some(ours) = crds::all().into_iter().find(|crd| crd.metadata.name.as_deref() == Some(&*object.key.name)) else {
        return Ok(());
    };
    let mut news = follow_one(cluster, &object.kind, &object.key);
    let mut last = "it was not seen".to_owned();
    let waiting = async {
        while let Some(live) = news.next().await {
            match freshness(&ours, live?.as_ref()) {
                Freshness::Unserved(words) => last = words,
                Freshness::Missing => {}
                Freshness::Same | Freshness::Other | Freshness::Unspoken => return Ok(()),
            }
        }
        Err(CallError::Unreachable("the watch ended".into()))
    };
    match timeout(SERVED, waiting).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(advice(error, &format!("watch {}", object.name()))),
        Err(_) => bail!("the API server does not serve {} after {SERVED:?}: {last}", object.key.name),
    }
}

impl Applied {
    /// In one line.
    pub fn print(&self, out: &mut dyn Write, color: bool) -> io::Result<()> {
        let style = match self.step {
            Step::Created => GOOD,
            Step::Configured => ODD,
            Step::Unchanged => FAINT,
        };
        let name = match self.namespace.as_str() {
            "" => self.name.clone(),
            namespace => format!("{namespace}/{}", self.name),
        };
        let step = painted(&format!("{:<11}", self.step.as_str()), style, color);
        writeln!(out, "{step} {} {}", inert(&self.kind), inert(&name))
    }
}
