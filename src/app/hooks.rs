//! What the webhook listener asks of the daemon.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tracing::{debug, warn};

use super::requests::Requests;
use crate::cluster::{Cluster, GitSyncs, SecretError};
use crate::model::ObjectKey;
use crate::server::{Answer, HookTarget, Hooks, Refusal};
use crate::sync::Syncs;
use crate::telemetry::Metrics;
use crate::webhook::Token;

/// Keys of the Secret: the token, and the one before it, which is good until it is taken out of the Secret.
pub const TOKENS: [&str; 2] = ["token", "token.previous"];
/// How long a token is believed: a changed Secret counts after this time, and nobody can make us read it more often.
const FRESH: Duration = Duration::from_secs(30);

/// When the tokens of a Secret were read, and what came of it.
pub type ReadTokens = (Instant, Result<Vec<Token>, Refusal>);

/// How long a Secret that could not be read is not asked for again.
const UNREAD: Duration = Duration::from_secs(2);

/// Answers the webhook listener from live GitSyncs and their Secrets.
pub struct LiveHooks {
    /// Reads Secrets.
    pub cluster: Cluster,
    /// Live GitSyncs.
    pub gitsyncs: Arc<GitSyncs>,
    /// The loops that run here.
    pub syncs: Arc<Syncs>,
    /// What is for the loops of another process.
    pub requests: Arc<Requests>,
    /// What is counted.
    pub metrics: Metrics,
    /// Tokens that were read a short while ago.
    pub tokens: Mutex<HashMap<ObjectKey, ReadTokens>>,
}

impl LiveHooks {
    async fn tokens(&self, secret: ObjectKey) -> Result<Vec<Token>, Refusal> {
        let known = self.tokens.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get(&secret).cloned();
        if let Some((read, result)) = known
            && read.elapsed() < fresh(&result)
        {
            return result;
        }
        let result = match self.cluster.secret_keys(&secret, TOKENS).await {
            Ok(values) => {
                let tokens: Vec<Token> = values.into_iter().flatten().filter_map(Token::new).collect();
                if tokens.is_empty() { Err(Refusal::NoToken) } else { Ok(tokens) }
            }
            Err(error @ SecretError::Unread { .. }) => {
                // At most once in the time for which it is not asked for again.
                warn!(%error, "announcements are refused");
                Err(Refusal::Unavailable)
            }
            Err(error) => {
                debug!(%error, "no token");
                Err(Refusal::NoToken)
            }
        };
        let mut tokens = self.tokens.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        tokens.retain(|_, (read, result)| read.elapsed() < fresh(result));
        tokens.insert(secret, (Instant::now(), result.clone()));
        result
    }
}

/// How long an answer is believed.
fn fresh(result: &Result<Vec<Token>, Refusal>) -> Duration {
    if matches!(result, Err(Refusal::Unavailable)) { UNREAD } else { FRESH }
}

impl Hooks for LiveHooks {
    async fn lookup(&self, key: &ObjectKey) -> Result<HookTarget, Refusal> {
        if !self.gitsyncs.is_synced() {
            return Err(Refusal::Unavailable);
        }
        let gitsync = self.gitsyncs.get(key).ok_or(Refusal::UnknownGitSync)?;
        let secret = gitsync.extra.webhook_secret.as_deref().ok_or(Refusal::NoWebhook)?;
        let tokens = self.tokens(ObjectKey::new(key.namespace.clone(), secret)).await?;
        Ok(HookTarget { tokens, follow: gitsync.extra.follow.clone() })
    }

    fn announce(&self, key: &ObjectKey) {
        // On a standby no loop runs, and on a leader that just began not every one yet.
        if !self.syncs.announced(key) {
            self.requests.add(key);
        }
    }

    fn answered(&self, key: Option<&ObjectKey>, answer: &Answer) {
        self.metrics.webhook_answered(answer.as_str());
        match answer {
            Answer::Forbidden(refusal) => {
                debug!(sync = ?key.map(ToString::to_string), reason = refusal.as_str(), "webhook refused");
            }
            answer => debug!(sync = ?key.map(ToString::to_string), answer = answer.as_str(), "webhook answered"),
        }
    }
}
