//! Follows one object, for somebody who waits for what becomes of it. It needs the right to watch that object alone.

use std::future::ready;

use futures::StreamExt;
use futures::stream::BoxStream;
use kube::runtime::watcher::Event;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, core::ApiResource};
use serde_json::Value;

use super::calls::Cluster;
use super::error::CallError;
use super::raw::Raw;
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
    let config = watcher::Config::default().streaming_lists().fields(&format!("metadata.name={}", key.name));
    let kind = kind.clone();
    let mut listed = false;
    watcher(api, config).default_backoff().filter_map(move |event| ready(news(event, &mut listed, &kind))).boxed()
}

/// `listed` says whether the list that is under way has the object.
fn news(
    event: Result<Event<Raw>, watcher::Error>,
    listed: &mut bool,
    kind: &ApiResource,
) -> Option<Result<Option<Value>, CallError>> {
    match event {
        Ok(Event::Init) => {
            *listed = false;
            None
        }
        Ok(Event::InitApply(raw)) => {
            *listed = true;
            Some(Ok(Some(raw.value)))
        }
        Ok(Event::Apply(raw)) => Some(Ok(Some(raw.value))),
        Ok(Event::InitDone) => (!*listed).then_some(Ok(None)),
        Ok(Event::Delete(_)) => Some(Ok(None)),
        Err(error) => Some(CallError::from_watch(error, kind)).filter(|error| !error.is_transient()).map(Err),
    }
}
