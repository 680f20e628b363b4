//! What the webhook listener asks of the daemon.

use std::sync::Arc;

use tracing::{debug, warn};

use super::requests::Requests;
use super::tokens::Tokens;
use crate::cluster::{Cluster, GitSyncs, SecretError};
use crate::model::ObjectKey;
use crate::server::{Answer, HookTarget, Hooks, Refusal};
use crate::sync::Syncs;
use crate::telemetry::Metrics;
use crate::webhook::Token;

/// Keys of the Secret: the token, and the one before it, which is good until it is taken out of the Secret.
pub const TOKENS: [&str; 2] = ["token", "token.previous"];

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
    pub tokens: Tokens,
}

impl LiveHooks {
    async fn read(&self, secret: &ObjectKey) -> Result<Vec<Token>, Refusal> {
        match self.cluster.secret_keys(secret, TOKENS).await {
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
        }
    }
}

impl Hooks for LiveHooks {
    async fn lookup(&self, key: &ObjectKey) -> Result<HookTarget, Refusal> {
        if !self.gitsyncs.is_synced() {
            return Err(Refusal::Unavailable);
        }
        let gitsync = self.gitsyncs.get(key).ok_or(Refusal::UnknownGitSync)?;
        let secret = gitsync.extra.webhook_secret.as_deref().ok_or(Refusal::NoWebhook)?;
        let secret = ObjectKey::new(key.namespace.clone(), secret);
        let tokens = self.tokens.of(&secret, self.read(&secret)).await?;
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
