//! What is heard of objects: a first list, then each change. Every watch of this crate begins here.
//!
//! The first list is streamed, which keeps memory flat. Servers that do not stream lists (Kubernetes 1.30, 1.31 and 1.33 as they
//! come) refuse that, once per watch, and are listed page by page from then on. Nothing here takes a refusal of another kind
//! for that one, and nothing is concluded from what is heard.

use std::fmt::Debug;
use std::future::ready;

use futures::StreamExt;
use futures::stream::BoxStream;
use kube::core::{ApiResource, Resource};
use kube::runtime::watcher::{Config, Error, Event};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client};
use serde::de::DeserializeOwned;
use tracing::debug;

use super::raw::Raw;

/// Endless; errors are in it, and the pauses after them.
pub(super) type News<K> = BoxStream<'static, Result<Event<K>, Error>>;

/// What is heard of a kind, in a namespace or everywhere.
pub(super) fn of(client: Client, kind: &ApiResource, namespace: Option<&str>, config: Config) -> News<Raw> {
    let api: Api<Raw> = match namespace {
        Some(namespace) => Api::namespaced_with(client, namespace, kind),
        None => Api::all_with(client, kind),
    };
    let kind = kind.clone();
    streamed_or_listed(api, config)
        .map(move |event| match event {
            Ok(Event::InitApply(raw)) => Ok(Event::InitApply(raw.of(&kind))),
            other => other,
        })
        .boxed()
}

/// The same in the form of `api`.
pub(super) fn streamed_or_listed<K>(api: Api<K>, config: Config) -> News<K>
where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
{
    let streamed = watcher(api.clone(), config.clone().streaming_lists()).default_backoff();
    let listed = watcher(api, config).default_backoff();
    streamed.take_while(|event| ready(!streams_no_lists(event))).chain(listed).boxed()
}

/// Whether the server says that it does not stream lists, which is a matter of its version and its feature gate WatchList.
fn streams_no_lists<K>(event: &Result<Event<K>, Error>) -> bool {
    let Err(Error::WatchStartFailed(kube::Error::Api(status))) = event else { return false };
    let refused = status.code == 422 && status.message.contains("sendInitialEvents");
    if refused {
        debug!("the API server streams no lists; listing instead");
    }
    refused
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use futures::TryStreamExt;
    use http::{Request, Response};
    use kube::client::Body;
    use serde_json::{Value, json};

    use super::*;

    /// What a server says to a watch with `sendInitialEvents`.
    const REFUSED: &str = "ListOptions.meta.k8s.io \"\" is invalid: sendInitialEvents: Forbidden: sendInitialEvents is \
                           forbidden for watch unless the WatchList feature gate is enabled";

    fn status(code: u16, message: &str) -> (u16, Value) {
        (code, json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": code}))
    }

    fn pod(version: u32) -> Value {
        let metadata = json!({"namespace": "shop", "name": "a", "uid": "1", "resourceVersion": version.to_string()});
        json!({"metadata": metadata})
    }

    /// A server that answers watches with a first list so, and lists as servers do: items name neither version nor kind.
    fn server(streaming: (u16, Value)) -> (Client, Arc<Mutex<Vec<String>>>) {
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let notes = Arc::clone(&asked);
        let service = tower::service_fn(move |request: Request<Body>| {
            let query = request.uri().query().unwrap_or_default().to_owned();
            let (code, body) = if query.contains("sendInitialEvents=true") {
                notes.lock().unwrap().push("stream".into());
                streaming.clone()
            } else if query.contains("watch=true") {
                notes.lock().unwrap().push("watch".into());
                let mut changed = pod(8);
                (changed["apiVersion"], changed["kind"]) = (json!("v1"), json!("Pod"));
                (200, json!({"type": "MODIFIED", "object": changed}))
            } else {
                notes.lock().unwrap().push("list".into());
                (200, json!({"metadata": {"resourceVersion": "7"}, "items": [pod(5)]}))
            };
            let answer = Response::builder().status(code).body(Body::from(body.to_string().into_bytes()));
            async { answer }
        });
        (Client::new(service, "default"), asked)
    }

    async fn heard(client: Client, count: usize) -> Vec<String> {
        let kind = ApiResource::erase::<k8s_openapi::api::core::v1::Pod>(&());
        let word = |event: Result<Event<Raw>, Error>| match event {
            Ok(Event::Init) => "init".to_owned(),
            Ok(Event::InitApply(raw)) => format!("had {}", raw.value),
            Ok(Event::InitDone) => "listed".to_owned(),
            Ok(Event::Apply(raw)) => format!("has {}", raw.value["metadata"]["resourceVersion"]),
            Ok(Event::Delete(_)) => "gone".to_owned(),
            Err(error) => error.to_string(),
        };
        of(client, &kind, None, Config::default()).map(word).take(count).collect().await
    }

    #[tokio::test]
    async fn a_server_that_streams_no_lists_is_listed_and_what_it_lists_is_whole() {
        let (client, asked) = server(status(422, REFUSED));
        let heard = heard(client, 4).await;
        let mut whole = pod(5);
        (whole["apiVersion"], whole["kind"]) = (json!("v1"), json!("Pod"));
        assert_eq!(heard, ["init".to_owned(), format!("had {whole}"), "listed".into(), "has \"8\"".into()]);
        assert_eq!(*asked.lock().unwrap(), ["stream", "list", "watch"], "it is asked once whether it streams");
    }

    #[tokio::test(start_paused = true)]
    async fn whatever_else_a_server_refuses_is_told_and_tried_again() {
        for (code, message) in [(403, "pods is forbidden"), (422, "labelSelector: Invalid value"), (503, REFUSED)] {
            let (client, asked) = server(status(code, message));
            let kind = ApiResource::erase::<k8s_openapi::api::core::v1::Pod>(&());
            let mut news = of(client, &kind, Some("shop"), Config::default());
            for _ in 0..2 {
                let Err(Error::WatchStartFailed(kube::Error::Api(told))) = news.try_next().await else {
                    panic!("{code} {message} is told")
                };
                assert_eq!(told.code, code);
            }
            assert_eq!(*asked.lock().unwrap(), ["stream", "stream"]);
        }
    }
}
