//! Who somebody is and what they may see, as the API server said it a short while ago.
//!
//! A token is kept as a digest only. Whoever cannot be asked about is told so; what is not known is never "yes".

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::{StreamExt, TryStreamExt, stream};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tracing::warn;

use crate::cluster::{CallError, Cluster, gitsyncs, microservices};
use crate::page::Refusal;
use crate::page::access::{Identity, Namespaces, Rights};

/// How long an answer is believed: who loses a right sees no more after it.
const FRESH: Duration = Duration::from_secs(30);
/// How long it is believed that a token is no good: nobody makes us ask about it more often.
const REFUSED: Duration = Duration::from_secs(10);
/// Tokens, and identities, that are kept.
const KEPT: usize = 1024;
/// Reviews of tokens, and of identities, at once.
const AT_ONCE: usize = 4;
/// Questions about one identity at once.
const QUESTIONS: usize = 16;
/// Namespaces that somebody is asked about, who may not see all.
const NAMESPACES: usize = 5000;
/// For all questions about one identity.
const PATIENCE: Duration = Duration::from_secs(10);

/// Asks the API server, and remembers for a while.
pub struct Reviews {
    cluster: Cluster,
    tokens: Kept<[u8; 32], Result<Identity, Refusal>>,
    rights: Kept<Identity, Rights>,
    places: Semaphore,
}

impl Reviews {
    /// Nothing is remembered yet.
    pub fn new(cluster: Cluster) -> Self {
        Self { cluster, tokens: Kept::default(), rights: Kept::default(), places: Semaphore::new(AT_ONCE) }
    }

    /// Whose token that is.
    pub async fn identify(&self, token: &str) -> Result<Identity, Refusal> {
        let digest: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        if let Some(known) = self.tokens.get(&digest) {
            return known;
        }
        let _place = self.place().await?;
        if let Some(known) = self.tokens.get(&digest) {
            return known;
        }
        let (answer, fresh) = match self.cluster.review_token(token).await.map_err(|error| failed(&error))? {
            Some(user) => match serde_json::from_value::<Identity>(user) {
                Ok(identity) if !identity.user.is_empty() => (Ok(identity), FRESH),
                _ => (Err(Refusal::TokenRefused), REFUSED),
            },
            None => (Err(Refusal::TokenRefused), REFUSED),
        };
        self.tokens.put(digest, answer.clone(), fresh);
        answer
    }

    /// What somebody may see of what is in these namespaces.
    pub async fn rights(&self, identity: &Identity, namespaces: BTreeSet<Arc<str>>) -> Result<Rights, Refusal> {
        if let Some(known) = self.rights.get(identity) {
            return Ok(known);
        }
        let _place = self.place().await?;
        if let Some(known) = self.rights.get(identity) {
            return Ok(known);
        }
        let subject = serde_json::to_value(identity).map_err(|_| Refusal::ReviewFailed)?;
        let asking = async {
            let services = self.namespaces(&subject, &microservices(), &namespaces).await?;
            let gitsyncs = self.namespaces(&subject, &gitsyncs(), &namespaces).await?;
            Ok::<_, CallError>(Rights { services, gitsyncs })
        };
        let rights = timeout(PATIENCE, asking).await.map_err(|_| failed(&CallError::Timeout(PATIENCE)))?;
        let rights = rights.map_err(|error| failed(&error))?;
        self.rights.put(identity.clone(), rights.clone(), FRESH);
        Ok(rights)
    }

    async fn namespaces(
        &self,
        subject: &Value,
        kind: &kube::core::ApiResource,
        namespaces: &BTreeSet<Arc<str>>,
    ) -> Result<Namespaces, CallError> {
        if self.cluster.may_get(subject, kind, None).await? {
            return Ok(Namespaces::All);
        }
        let asked: Vec<Arc<str>> = namespaces.iter().take(NAMESPACES).cloned().collect();
        let questions = asked.into_iter().map(async |namespace| {
            let may = self.cluster.may_get(subject, kind, Some(&namespace)).await?;
            Ok::<_, CallError>(may.then_some(namespace))
        });
        let found: Vec<Option<Arc<str>>> = stream::iter(questions).buffer_unordered(QUESTIONS).try_collect().await?;
        Ok(Namespaces::These(found.into_iter().flatten().collect()))
    }

    async fn place(&self) -> Result<tokio::sync::SemaphorePermit<'_>, Refusal> {
        let place = timeout(PATIENCE, self.places.acquire()).await;
        place.ok().and_then(Result::ok).ok_or(Refusal::Busy)
    }
}

fn failed(error: &CallError) -> Refusal {
    let reason = "PageReviewFailed";
    let code = crate::model::codes::code_of(reason);
    warn!(code, reason, %error, "the page cannot find out who is looking; see that the ClusterRole gitmoor-page is bound");
    Refusal::ReviewFailed
}

/// What was said of some keys, for a while.
struct Kept<K, V>(Mutex<HashMap<K, (Instant, V)>>);

impl<K, V> Default for Kept<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Hash + Eq + Clone, V: Clone> Kept<K, V> {
    fn get(&self, key: &K) -> Option<V> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(key).filter(|(until, _)| Instant::now() < *until).map(|(_, value)| value.clone())
    }

    fn put(&self, key: K, value: V, fresh: Duration) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        kept.retain(|_, (until, _)| now < *until);
        if kept.len() >= KEPT
            && let Some(first) = kept.iter().min_by_key(|(_, (until, _))| *until).map(|(key, _)| key.clone())
        {
            kept.remove(&first);
        }
        kept.insert(key, (now + fresh, value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_bounded_and_not_believed_for_ever() {
        let kept = Kept::<usize, usize>::default();
        for key in 0..KEPT + 10 {
            kept.put(key, key, FRESH);
        }
        assert_eq!(kept.0.lock().unwrap().len(), KEPT);
        assert_eq!((kept.get(&(KEPT + 9)), kept.get(&0)), (Some(KEPT + 9), None), "the oldest goes first");
        kept.put(1, 1, Duration::ZERO);
        assert_eq!(kept.get(&1), None);
    }
}
