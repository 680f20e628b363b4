//! Follows one object, for somebody who waits for what becomes of it. It needs the rights to watch
//! and, on servers that stream no lists, to list that object alone.

use std::future::ready;

use futures::StreamExt;
use futures::stream::BoxStream;
use kube::core::ApiResource;
use kube::runtime::watcher::{Config, Error, Event};
use serde_json::Value;

use super::calls::Cluster;
use super::error::CallError;
use super::news;
use super::raw::Raw;
use crate::model::ObjectKey;

/// The object as it is, then each change; `None` while there is none. A missing right or kind is an error; whatever else
/// interrupts the watch is taken up again.
pub fn follow_one(
    cluster: &Cluster,
    kind: &ApiResource,
    key: &ObjectKey,
) -> BoxStream<'static, Result<Option<Value>, CallError>> {
    // What has no namespace belongs to the whole cluster.
    let namespace = Some(&*key.namespace).filter(|namespace| !namespace.is_empty());
    let config = Config::default().fields(&format!("metadata.name={}", key.name));
    let news = news::of(cluster.client().clone(), kind, namespace, config);
    let kind = kind.clone();
    let mut listed = false;
    news.filter_map(move |event| ready(told(event, &mut listed, &kind))).boxed()
}

/// `listed` says whether the list that is under way has the object.
fn told(
    event: Result<Event<Raw>, Error>,
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
