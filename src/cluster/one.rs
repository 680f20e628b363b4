//! Follows one object, for somebody who waits for what becomes of it. It needs the right to watch that object alone.

use std::future::ready;

use futures::StreamExt;
use futures::stream::BoxStream;
use kube::api::WatchParams;
use kube::{Api, core::ApiResource};
use serde_json::Value;

use super::calls::Cluster;
use super::error::CallError;
use super::raw::Raw;
use super::stream::{Following, News};
use crate::model::ObjectKey;

/// The object as it is, then each change; `None` while there is none. A missing right or kind is an error; whatever else
/// interrupts the watch is taken up again.
pub fn follow_one(
    cluster: &Cluster,
    kind: &ApiResource,
    key: &ObjectKey,
) -> BoxStream<'static, Result<Option<Value>, CallError>> {
    let client = cluster.client().clone();
    // What has no namespace belongs to the whole cluster.
    let api: Api<Raw> = match &*key.namespace {
        "" => Api::all_with(client, kind),
        namespace => Api::namespaced_with(client, namespace, kind),
    };
    let only = WatchParams::default().fields(&format!("metadata.name={}", key.name));
    let mut listed = false;
    let told = Following::new(api, kind.clone(), only).into_stream();
    told.filter_map(move |told| ready(news(told, &mut listed))).boxed()
}

/// `listed` says whether the list that is under way has the object.
fn news(told: Result<News<Raw>, CallError>, listed: &mut bool) -> Option<Result<Option<Value>, CallError>> {
    match told {
        Ok(News::Listing) => {
            *listed = false;
            None
        }
        Ok(News::Seen(raw)) => {
            *listed = true;
            Some(Ok(Some(raw.value)))
        }
        Ok(News::Listed(_)) => (!*listed).then_some(Ok(None)),
        Ok(News::Gone(_)) => {
            *listed = false;
            Some(Ok(None))
        }
        Err(error) => Some(error).filter(|error| !error.is_transient()).map(Err),
    }
}
