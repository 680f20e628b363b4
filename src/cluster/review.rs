//! Asks the API server who somebody is, and what they may read. It logs neither tokens nor names.

use k8s_openapi::api::authentication::v1::TokenReview;
use k8s_openapi::api::authorization::v1::SubjectAccessReview;
use kube::core::params::PostParams;
use kube::core::{ApiResource, DynamicObject, Request, Resource};
use serde_json::{Value, json};

use super::calls::Cluster;
use super::error::CallError;
use crate::telemetry::metrics::Verb;

impl Cluster {
    /// Whose token that is, as the API server writes it: `username`, `groups`, `uid`, `extra`. None where it is nobody's.
    pub async fn review_token(&self, token: &str) -> Result<Option<Value>, CallError> {
        let kind = ApiResource::erase::<TokenReview>(&());
        let mut answer = self.review(&kind, json!({"token": token})).await?;
        let known = answer["status"]["authenticated"] == true;
        Ok(known.then(|| answer["status"]["user"].take()))
    }

    /// Whether somebody may get objects of a kind in a namespace; in all of them where none is given. `subject` has `user`,
    /// `groups`, `uid` and `extra`.
    pub async fn may_get(
        &self,
        subject: &Value,
        resource: &ApiResource,
        namespace: Option<&str>,
    ) -> Result<bool, CallError> {
        let mut spec = subject.clone();
        spec["resourceAttributes"] = json!({"group": resource.group, "resource": resource.plural, "verb": "get"});
        if let Some(namespace) = namespace {
            spec["resourceAttributes"]["namespace"] = json!(namespace);
        }
        let kind = ApiResource::erase::<SubjectAccessReview>(&());
        let answer = self.review(&kind, spec).await?;
        Ok(answer["status"]["allowed"] == true && answer["status"]["denied"] != true)
    }

    async fn review(&self, kind: &ApiResource, spec: Value) -> Result<Value, CallError> {
        let body = json!({"apiVersion": kind.api_version, "kind": kind.kind, "spec": spec}).to_string().into_bytes();
        let request = || Request::new(DynamicObject::url_path(kind, None)).create(&PostParams::default(), body.clone());
        self.call(Verb::Create, kind, "", request).await
    }
}
