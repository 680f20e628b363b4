//! Who we are to the API server.

use k8s_openapi::api::authentication::v1::SelfSubjectReview;
use kube::core::{ApiResource, DynamicObject, Request, Resource, params::PostParams};
use serde_json::json;

use super::calls::Cluster;
use super::error::CallError;
use crate::telemetry::metrics::Verb;

impl Cluster {
    /// The name of the user that this client is, as the API server sees it; everybody may ask.
    pub async fn own_name(&self) -> Result<String, CallError> {
        let kind = ApiResource::erase::<SelfSubjectReview>(&());
        let body = json!({"apiVersion": kind.api_version, "kind": kind.kind}).to_string().into_bytes();
        let request =
            || Request::new(DynamicObject::url_path(&kind, None)).create(&PostParams::default(), body.clone());
        let review: SelfSubjectReview = self.call(Verb::Create, &kind, "", request).await?;
        let name = review.status.and_then(|status| status.user_info).and_then(|user| user.username);
        name.ok_or_else(|| CallError::Unexpected("a review that names nobody".into()))
    }
}
