//! One delivery: reads the Secret of a target, puts the letter together and sends it.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Semaphore;

use crate::alert::commit::{self, Status};
use crate::alert::{Batch, CommitState, Credentials, Fault, Letter, Message, Setting, Target};
use crate::cluster::{Cluster, SecretError};
use crate::model::{ObjectKey, codes};
use crate::notify::{Courier, Reach, Undelivered};
use crate::report::bug::BUG;
use crate::telemetry::metrics::AlertResult;
use crate::telemetry::panics::Panicked;

/// What deliveries share.
#[derive(Clone)]
pub(super) struct Office {
    pub cluster: Cluster,
    pub courier: Arc<Courier>,
    pub setting: Arc<Setting>,
    pub permits: Arc<Semaphore>,
}

/// What is delivered.
pub(super) enum News {
    Batch(Box<Batch>),
    Commit(CommitState),
}

/// Something to deliver.
pub(super) struct Delivery {
    pub sync: ObjectKey,
    /// The repository's URL.
    pub source: String,
    pub target: Target,
    pub reach: Reach,
    pub news: News,
}

/// Why it did not arrive. It has no secret in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    pub reason: &'static str,
    pub code: &'static str,
    pub text: String,
    pub asked: Option<Duration>,
    pub hopeless: bool,
    pub result: AlertResult,
}

impl Office {
    /// Delivers.
    pub async fn deliver(&self, delivery: &Delivery) -> Result<(), Failure> {
        // It is closed by nobody.
        let _permit = self.permits.acquire().await;
        let credentials = self.credentials(&delivery.target).await?;
        let now = Timestamp::now();
        let Delivery { sync, target, .. } = delivery;
        let letter = match &delivery.news {
            News::Batch(batch) => {
                let message = Message::of(sync, &self.setting, batch);
                let message = if target.pace.again.is_some() { message.with_standing(batch) } else { message };
                Letter::of(target, &credentials, &message, now)
            }
            News::Commit(state) => {
                let link = self.setting.page.as_ref().map(|page| crate::alert::message::link(page, sync));
                let status = Status { kind: target.kind, sync, state, link: link.as_deref(), test: false };
                Letter::of_commit(target, &credentials, &delivery.source, &status)
            }
        };
        match self.courier.send(letter.map_err(Failure::of)?, delivery.reach).await {
            Ok(_) => Ok(()),
            Err(Undelivered::Refused(answer)) if commit::is_so(target.kind, answer.status, &answer.body) => Ok(()),
            Err(error) => Err(Failure::undelivered(&error)),
        }
    }

    async fn credentials(&self, target: &Target) -> Result<Credentials, Failure> {
        let Some(secret) = &target.secret else { return Ok(Credentials::default()) };
        let content = self.cluster.secret_content(secret).await.map_err(|error| Failure::unread(&error))?;
        Credentials::of(&content.data).map_err(Failure::of)
    }
}

impl Failure {
    fn of(fault: Fault) -> Self {
        let (reason, code) = (fault.reason(), fault.code());
        let result = AlertResult::Refused;
        Self { reason, code, text: fault.to_string(), asked: None, hopeless: true, result }
    }

    fn unread(error: &SecretError) -> Self {
        let missing = matches!(error, SecretError::Missing(_) | SecretError::KeyMissing { .. });
        let reason = if missing { "AlertSecretMissing" } else { "AlertSecretUnread" };
        let code = codes::code_of(reason).unwrap_or_default();
        Self { reason, code, text: error.to_string(), asked: None, hopeless: missing, result: AlertResult::Refused }
    }

    /// It fell over a bug of ours; it is tried again.
    pub fn bug(panicked: &Panicked) -> Self {
        let (code, text) = (Panicked::code(), panicked.to_string());
        Self { reason: BUG, code, text, asked: None, hopeless: false, result: AlertResult::Failed }
    }

    fn undelivered(error: &Undelivered) -> Self {
        let result = match error {
            Undelivered::TooMany(_) => AlertResult::RateLimited,
            error if error.hopeless() => AlertResult::Refused,
            _ => AlertResult::Failed,
        };
        let (reason, code) = (error.reason(), error.code());
        Self { reason, code, text: error.to_string(), asked: error.asked(), hopeless: error.hopeless(), result }
    }
}
