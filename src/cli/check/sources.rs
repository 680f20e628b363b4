//! Whether each GitSync's repository can be reached from here, with what the GitSync reaches it with. From here is not from
//! the cluster: what the daemon says of it is told beside it.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::{StreamExt, stream};

use super::super::reach::{key, typed};
use super::finding::Finding;
use crate::api::GitSync;
use crate::api::condition::{self, READY, SOURCE_STALE};
use crate::cluster::{Cluster, gitsyncs};
use crate::model::codes::code_of;
use crate::model::narrowing::Narrowing;
use crate::model::preflight::Fault;
use crate::model::{Follow, ObjectKey, Revision};
use crate::source::{Secrets, SourceOptions, Sources, Wanted};

const GIT: &str = "git";
/// Repositories that are reached side by side.
const SIDE_BY_SIDE: usize = 8;

/// All GitSyncs; where they cannot be listed, that is found.
pub async fn listed(cluster: &Cluster, findings: &mut Vec<Finding>) -> Vec<GitSync> {
    match cluster.list(&gitsyncs(), None, None).await {
        Ok(all) => all.into_iter().filter_map(|one| typed(one).ok()).collect(),
        // Without the kind there are none, and that is found elsewhere.
        Err(crate::cluster::CallError::KindMissing(_)) => Vec::new(),
        Err(error) => {
            findings.push(Finding::unknown(GIT, format!("GitSyncs cannot be listed: {error}")));
            Vec::new()
        }
    }
}

/// Reaches each of them.
pub async fn check(cluster: &Cluster, syncs: &[GitSync], timeout: Duration) -> anyhow::Result<Vec<Finding>> {
    let folder = tempfile::tempdir()?;
    let sources = Sources::new(SourceOptions::new(folder.path()));
    let sources = &sources;
    let each =
        stream::iter(syncs).map(|sync| async move { found(sync, reached(cluster, sources, sync, timeout).await) });
    Ok(each.buffered(SIDE_BY_SIDE).collect().await)
}

/// Why a repository was not reached.
struct Unreached {
    reason: &'static str,
    words: String,
    /// Whether it is this machine or person that could not.
    unknown: bool,
}

/// The revision that is there; none where it is the one that the status knows.
async fn reached(cluster: &Cluster, sources: &Sources, sync: &GitSync, timeout: Duration) -> Result<(), Unreached> {
    let failed = |reason, words: String| Unreached { reason, words, unknown: false };
    let unknown = |words: String| Unreached { reason: "", words, unknown: true };
    if sync.spec.url.starts_with("file:") || sync.spec.url.starts_with("dir:") {
        return Err(unknown("it reads a folder of the machine that the daemon runs on".into()));
    }
    let follow =
        Follow::of(sync.spec.reference.as_ref()).map_err(|error| failed("ReferenceRefused", error.to_string()))?;
    let wanted = Wanted { url: &sync.spec.url, follow, timeout, keys: "", who: "" };
    let source = sources.open_wanted(wanted).map_err(|error| failed(error.reason(), error.to_string()))?;
    let namespace = key(sync).namespace;
    let mut held: BTreeMap<bool, _> = BTreeMap::new();
    let named = [(false, &sync.spec.secret_ref), (true, &sync.spec.proxy_secret_ref)];
    for (proxy, secret) in named.into_iter().filter_map(|(proxy, secret)| Some((proxy, secret.as_ref()?))) {
        let secret = ObjectKey::new(namespace.clone(), secret.name.as_str());
        let content = cluster
            .secret_content(&secret)
            .await
            .map_err(|error| unknown(format!("Secret {secret} cannot be read: {error}")))?;
        held.insert(proxy, content.data);
    }
    let secrets = Secrets { secret: held.get(&false), proxy: held.get(&true) };
    if let Err((_, fault)) = source.reach_by(secrets) {
        return Err(failed("SecretInvalid", fault.to_string()));
    }
    // Where it is what the status knows, it is not received.
    let known = sync.status.as_ref().and_then(|status| status.last_applied_revision.as_ref());
    let known = known.map(|applied| Revision(applied.revision.as_str().into()));
    let nothing = Narrowing::default();
    source.fetch(known.as_ref(), &nothing).await.map(|_| ()).map_err(|error| failed(error.reason(), error.to_string()))
}

fn found(sync: &GitSync, reached: Result<(), Unreached>) -> Finding {
    let (name, url) = (key(sync), &sync.spec.url);
    let complaint = complaint(sync);
    let ready = sync.status.as_ref().is_some_and(|status| condition::is_true(&status.conditions, READY));
    match (reached, complaint) {
        (Ok(()), None) => Finding::ok(GIT, format!("{name}: {url} is reached from here")),
        (Ok(()), Some(complaint)) => Finding::wrong(
            GIT,
            Fault::GitUnreached,
            format!("{name}: {url} is reached from here and not by the daemon: {complaint}"),
        )
        .hint("look at the cluster's way out: a proxy, a firewall, a NetworkPolicy, its names"),
        (Err(Unreached { words, unknown: true, .. }), _) => Finding::unknown(GIT, format!("{name}: {words}")),
        (Err(Unreached { words, .. }), None) if ready => Finding::odd(
            GIT,
            format!("{name}: {url} is not reached from here, and the daemon does not complain: {words}"),
        ),
        (Err(Unreached { reason, words, .. }), _) => {
            let finding = Finding::wrong(GIT, Fault::GitUnreached, format!("{name}: {url} is not reached: {words}"));
            let more = code_of(reason).map(|code| format!("see: gitmoor explain {code}"));
            more.into_iter().fold(finding, Finding::hint)
        }
    }
}

/// What the daemon says, where it does not reach the source: of what is applied that it is stale, or that nothing ever was.
fn complaint(sync: &GitSync) -> Option<&str> {
    let status = sync.status.as_ref()?;
    let of = |kind| condition::find(&status.conditions, kind);
    let stale = of(SOURCE_STALE).filter(|_| condition::is_true(&status.conditions, SOURCE_STALE));
    let never = || {
        of(READY)
            .filter(|one| status.last_applied_revision.is_none() && code_of(&one.reason).is_some_and(is_of_a_source))
    };
    stale.or_else(never).map(|one| one.message.as_str())
}

/// Codes of sources and of reaching them.
fn is_of_a_source(code: &str) -> bool {
    code.starts_with("GM4")
}
