//! What is asked of a cluster before and beside all work: which server it is, what time it has, and who may do what.

use std::time::Duration;

use http::header::DATE;
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use k8s_openapi::api::authorization::v1::{SelfSubjectAccessReview, SubjectAccessReview};
use kube::client::Body;
use kube::core::params::PostParams;
use kube::core::{ApiResource, DynamicObject, Request, Resource};
use serde_json::{Value, json};

use super::calls::Cluster;
use super::error::CallError;
use crate::telemetry::metrics::Verb;

/// The longest answer to the question for the version.
const LONGEST: usize = 64 * 1024;

/// How the server answers whoever asks for its version.
#[derive(Debug, Clone, PartialEq)]
pub struct Greeting {
    /// Its version, as it says it.
    pub version: Value,
    /// Its time, in whole seconds; none where something in between takes it away.
    pub time: Option<Timestamp>,
}

/// How the API server calls a ServiceAccount.
pub fn account_name(namespace: &str, name: &str) -> String {
    format!("system:serviceaccount:{namespace}:{name}")
}

impl Cluster {
    /// Asks for its version and its time.
    pub async fn greet(&self, within: Duration) -> Result<Greeting, CallError> {
        let asked = async {
            let request = http::Request::get("/version").body(Body::empty());
            let request = request.map_err(|error| CallError::Invalid(error.to_string()))?;
            let answer = self.client().send(request).await.map_err(|error| CallError::from_kube(error, ""))?;
            let time = answer.headers().get(DATE).and_then(|date| rfc2822::parse(date.to_str().ok()?).ok());
            let time = time.map(|time| time.timestamp());
            if !answer.status().is_success() {
                return Err(CallError::Unexpected(format!("{} where it is asked for its version", answer.status())));
            }
            let bytes = axum::body::to_bytes(axum::body::Body::new(answer.into_body()), LONGEST).await;
            let bytes = bytes.map_err(|error| CallError::Unexpected(error.to_string()))?;
            let version = serde_json::from_slice(&bytes).map_err(|error| CallError::Unexpected(error.to_string()))?;
            Ok(Greeting { version, time })
        };
        tokio::time::timeout(within, asked).await.unwrap_or(Err(CallError::Timeout(within)))
    }

    /// Whether an account may do that; whoever asks, where none is named. To ask of others is a right of its own.
    pub async fn may(&self, account: Option<(&str, &str)>, attributes: &Value) -> Result<bool, CallError> {
        let (kind, spec) = match account {
            None => (ApiResource::erase::<SelfSubjectAccessReview>(&()), json!({"resourceAttributes": attributes})),
            Some((namespace, name)) => {
                let groups =
                    ["system:serviceaccounts", &format!("system:serviceaccounts:{namespace}"), "system:authenticated"];
                let spec =
                    json!({"user": account_name(namespace, name), "groups": groups, "resourceAttributes": attributes});
                (ApiResource::erase::<SubjectAccessReview>(&()), spec)
            }
        };
        let body = json!({"apiVersion": kind.api_version, "kind": kind.kind, "spec": spec}).to_string().into_bytes();
        let request =
            || Request::new(DynamicObject::url_path(&kind, None)).create(&PostParams::default(), body.clone());
        let answer: Value = self.call(Verb::Create, &kind, "", request).await?;
        Ok(answer["status"]["allowed"] == true)
    }
}
