//! The Secrets that a GitSync's source is reached with. Each is read by its name when it may have changed, which its
//! metadata tells; what is in it goes into the source and is kept nowhere else.
//!
//! Where the operator may not watch Secrets, they are read again from time to time, and after a fetch that failed.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use k8s_openapi::api::core::v1::Secret;
use kube::core::ApiResource;
use tokio::task::AbortHandle;
use tokio::time::Instant;
use tracing::{debug, info, warn};

use super::inbox::Inbox;
use super::settings::Settings;
use crate::cluster::{CallError, Cluster, EventNote, Events, MetadataNews, SecretContent, SecretError, follow_named};
use crate::model::{ObjectKey, codes};
use crate::signature::Signers;
use crate::source::{Of, Secrets, Source, SourceError, Told};

/// How long a Secret is believed whose changes nobody tells.
const FRESH: Duration = Duration::from_secs(60);
/// Fields of the spec that name one.
const SECRET_REF: &str = "secretRef";
const PROXY_REF: &str = "proxySecretRef";
const SIGNERS_REF: &str = "verify.secretRef";

/// Reads the Secrets of one GitSync.
pub(super) struct SecretKeeper {
    cluster: Cluster,
    events: Events,
    inbox: Arc<Inbox>,
    /// Those that are named now.
    followed: Mutex<HashMap<ObjectKey, Followed>>,
    /// The source that knows what they say, and since when.
    introduced: Mutex<Option<Introduced>>,
}

struct Followed {
    heard: Arc<Mutex<Heard>>,
    task: AbortHandle,
}

/// What is heard of a Secret.
#[derive(Debug, Default)]
struct Heard {
    /// The version that is there, where something is heard; in it, none where there is no such Secret.
    now: Option<Option<u64>>,
    /// The version that was read last, where something was; in it, none where there was no such Secret.
    read: Option<Option<u64>>,
    /// Whether a list that has begun has shown it.
    listed: bool,
}

struct Introduced {
    source: Weak<Source>,
    versions: [Option<u64>; 2],
    at: Instant,
}

impl Drop for Followed {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl SecretKeeper {
    /// Nothing is named yet. The inbox hears of each change.
    pub fn new(cluster: Cluster, events: Events, inbox: Arc<Inbox>) -> Self {
        Self { cluster, events, inbox, followed: Mutex::default(), introduced: Mutex::default() }
    }

    /// Tells the source what the Secrets say, unless it knows. `again` after a failure: then it may have heard an old word.
    pub async fn introduce(&self, source: &Arc<Source>, settings: &Settings, again: bool) -> Result<(), SourceError> {
        let named = [&settings.secret, &settings.proxy];
        let signers = settings.verify.as_ref().map(|(_, secret)| secret);
        self.follow(named.into_iter().flatten().chain(signers));
        if named == [&None, &None] || (!again && self.knows(source, named)) {
            return Ok(());
        }
        let secret = self.read(settings.secret.as_ref(), SECRET_REF).await?;
        let proxy = self.read(settings.proxy.as_ref(), PROXY_REF).await?;
        let versions = [&secret, &proxy].map(|read| read.as_ref().map(|read| read.version));
        if self.has_heard(source, versions) {
            return Ok(());
        }
        let told = tell(source, settings, secret.as_ref(), proxy.as_ref())?;
        if told == Told::InClear {
            let (code, reason) = (codes::code_of("CredentialsInClear"), "CredentialsInClear");
            let words = "credentials are sent over http, which anybody on the way can read";
            warn!(sync = %settings.sync.key, code, reason, url = settings.url, why = words, "credentials can be overheard");
            let (key, uid) = (&settings.sync.key, Some(settings.sync.uid.as_str()));
            self.events.emit(EventNote::on("GitSync", key, uid, reason, "Fetch", words.to_owned()).warning());
        }
        info!(sync = %settings.sync.key, "the source is reached with what its Secret says");
        let introduced = Introduced { source: Arc::downgrade(source), versions, at: Instant::now() };
        *lock(&self.introduced) = Some(introduced);
        Ok(())
    }

    /// The public keys of those who may sign, as they are now: only a new revision asks for them.
    pub async fn signers(&self, secret: &ObjectKey, settings: &Settings) -> Result<Signers, SourceError> {
        let read = self.read(Some(secret), SIGNERS_REF).await?;
        let data = read.map(|content| content.data).unwrap_or_default();
        Signers::read(&data).map_err(|fault| SourceError::SecretInvalid {
            url: settings.url.clone(),
            secret: secret.to_string(),
            why: fault.to_string(),
        })
    }

    /// Follows the Secrets that are named, and no others.
    fn follow<'a>(&self, named: impl Iterator<Item = &'a ObjectKey> + Clone) {
        let mut followed = lock(&self.followed);
        followed.retain(|key, _| named.clone().any(|name| name == key));
        for key in named {
            if !followed.contains_key(key) {
                followed.insert(key.clone(), self.followed(key.clone()));
            }
        }
    }

    fn followed(&self, key: ObjectKey) -> Followed {
        let heard = Arc::new(Mutex::new(Heard::default()));
        let (said, inbox, secret) = (Arc::clone(&heard), Arc::clone(&self.inbox), key.clone());
        let tell = move |news| match lock(&said).hear(news) {
            Some(Hears::News) => {
                inbox.look();
                ControlFlow::Continue(())
            }
            Some(Hears::Nothing(error)) => {
                debug!(%secret, reason = error.reason(), %error, "a Secret is not followed, but read again from time to time");
                ControlFlow::Break(())
            }
            None => ControlFlow::Continue(()),
        };
        let kind = ApiResource::erase::<Secret>(&());
        let task = tokio::spawn(follow_named(self.cluster.clone(), kind, key, tell)).abort_handle();
        Followed { heard, task }
    }

    /// Whether the source was told what the Secrets say, and none of them changed since.
    fn knows(&self, source: &Arc<Source>, named: [&Option<ObjectKey>; 2]) -> bool {
        let introduced = lock(&self.introduced);
        let Some(known) = introduced.as_ref().filter(|known| known.is(source)) else { return false };
        let followed = lock(&self.followed);
        named.into_iter().zip(known.versions).all(|(name, version)| {
            let now = name.as_ref().and_then(|name| followed.get(name)).and_then(|one| lock(&one.heard).now);
            name.is_none() || now.map_or_else(|| known.at.elapsed() < FRESH, |now| now == version)
        })
    }

    /// Whether the source was told just this; then it was now.
    fn has_heard(&self, source: &Arc<Source>, versions: [Option<u64>; 2]) -> bool {
        let mut introduced = lock(&self.introduced);
        let known = introduced.as_mut().filter(|known| known.is(source) && known.versions == versions);
        known.map(|known| known.at = Instant::now()).is_some()
    }

    async fn read(
        &self,
        secret: Option<&ObjectKey>,
        field: &'static str,
    ) -> Result<Option<SecretContent>, SourceError> {
        let Some(key) = secret else { return Ok(None) };
        let read = content(&self.cluster, secret, field).await;
        if let Some(followed) = lock(&self.followed).get(key) {
            let version = read.as_ref().ok().and_then(|read| Some(read.as_ref()?.version));
            let mut heard = lock(&followed.heard);
            heard.read = Some(version);
            // It changed while it was being read, and nobody said so: that it was read was not known yet.
            if heard.now.flatten() > version {
                self.inbox.look();
            }
        }
        read
    }
}

impl Introduced {
    fn is(&self, source: &Arc<Source>) -> bool {
        std::ptr::eq(self.source.as_ptr(), Arc::as_ptr(source))
    }
}

/// What news of a Secret are.
enum Hears {
    /// It is not what was read.
    News,
    /// Nothing will be heard of it.
    Nothing(CallError),
}

impl Heard {
    fn hear(&mut self, news: MetadataNews) -> Option<Hears> {
        match news {
            MetadataNews::Listing => {
                self.listed = false;
                return None;
            }
            MetadataNews::Seen { version, .. } => {
                self.listed = true;
                self.now = Some(Some(version));
            }
            MetadataNews::Listed if self.listed => return None,
            MetadataNews::Gone(_) | MetadataNews::Listed => self.now = Some(None),
            MetadataNews::Interrupted(error) => {
                self.now = None;
                return matches!(error, CallError::Forbidden(_)).then_some(Hears::Nothing(error));
            }
        }
        // What is read first is what there is.
        (self.read.is_some() && self.now != self.read).then_some(Hears::News)
    }
}

/// Why a Secret is not to be had, as the source's failure.
fn failed(error: &SecretError, field: &'static str) -> SourceError {
    match error {
        SecretError::Missing(secret) | SecretError::KeyMissing { secret, .. } => {
            SourceError::SecretMissing { secret: secret.to_string(), field }
        }
        SecretError::Unread { secret, source } => SourceError::SecretUnread {
            secret: secret.to_string(),
            field,
            why: source.to_string(),
            // Whoever may not read it may be allowed to at any time, and nobody tells.
            transient: true,
        },
    }
}

/// Reads the Secrets that a source is reached with, and tells it what they say: for who looks once and goes.
pub(super) async fn introduce(cluster: &Cluster, source: &Source, settings: &Settings) -> Result<(), SourceError> {
    let secret = content(cluster, settings.secret.as_ref(), SECRET_REF).await?;
    let proxy = content(cluster, settings.proxy.as_ref(), PROXY_REF).await?;
    tell(source, settings, secret.as_ref(), proxy.as_ref()).map(drop)
}

async fn content(
    cluster: &Cluster,
    secret: Option<&ObjectKey>,
    field: &'static str,
) -> Result<Option<SecretContent>, SourceError> {
    let Some(secret) = secret else { return Ok(None) };
    cluster.secret_content(secret).await.map(Some).map_err(|error| failed(&error, field))
}

/// Tells a source what its Secrets say.
fn tell(
    source: &Source,
    settings: &Settings,
    secret: Option<&SecretContent>,
    proxy: Option<&SecretContent>,
) -> Result<Told, SourceError> {
    let secrets = Secrets { secret: secret.map(|content| &content.data), proxy: proxy.map(|content| &content.data) };
    // A passphrase is made to take long.
    tokio::task::block_in_place(|| source.reach_by(secrets)).map_err(|(of, fault)| {
        let named = if of == Of::Secret { &settings.secret } else { &settings.proxy };
        SourceError::SecretInvalid {
            url: settings.url.clone(),
            secret: named.as_ref().map(ToString::to_string).unwrap_or_default(),
            why: fault.to_string(),
        }
    })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(version: u64) -> MetadataNews {
        MetadataNews::Seen { name: "auth".into(), version }
    }

    #[test]
    fn what_was_read_is_no_news_and_all_else_is() {
        let check = |read: Option<u64>, news: Vec<MetadataNews>, expected: bool| {
            let mut heard = Heard { read: Some(read), ..Heard::default() };
            let told: Vec<_> = news.into_iter().map(|news| heard.hear(news)).collect();
            let told = told.iter().any(|told| matches!(told, Some(Hears::News)));
            assert_eq!(told, expected, "{heard:?}");
        };
        use MetadataNews::{Gone, Listed, Listing};
        check(Some(5), vec![Listing, seen(5), Listed], false);
        check(Some(5), vec![Listing, seen(6), Listed], true);
        check(Some(5), vec![Listing, Listed], true);
        check(Some(5), vec![Gone("auth".into())], true);
        // One that was missing comes to be there, or still is not.
        check(None, vec![Listing, Listed], false);
        check(None, vec![Listing, Listed, seen(1)], true);
        let mut unread = Heard::default();
        assert!(unread.hear(seen(1)).is_none(), "nothing was read yet");
    }

    #[test]
    fn who_may_not_watch_stops() {
        let mut heard = Heard { now: Some(Some(1)), read: Some(Some(1)), listed: true };
        let told = heard.hear(MetadataNews::Interrupted(CallError::Forbidden("no".into())));
        assert!(matches!(told, Some(Hears::Nothing(_))) && heard.now.is_none());
        assert!(heard.hear(MetadataNews::Interrupted(CallError::NotFound("later".into()))).is_none());
    }
}
