//! A watch that does not end: what there is, then each change. It goes on where a connection ended, and lists again where the
//! API server has forgotten that place.
//!
//! A list is always of what is so at the moment when it is asked for. What a server has at hand is never asked for: one of
//! several API servers may be minutes behind, and would show a GitSync as it was before somebody suspended it. It comes as the
//! beginning of the watch; from servers that do not give it so (before Kubernetes 1.32, and where that is switched off), in
//! pages. It keeps nothing of what it tells, and decides nothing.

use std::collections::VecDeque;
use std::fmt::Debug;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::{self, BoxStream};
use kube::api::{ListParams, WatchEvent, WatchParams};
use kube::core::ApiResource;
use kube::{Api, Resource};
use serde::de::DeserializeOwned;
use tokio::time::{sleep, timeout};
use tracing::debug;

use super::error::CallError;
use crate::model::Backoff;

/// What ends a list, on its last event.
const LISTED: &str = "k8s.io/initial-events-end";
/// API servers end a connection after 290 s; one that is silent for longer hangs.
const SILENCE: Duration = Duration::from_secs(295);
/// Objects on a page, and how long one may take.
const PAGE: u32 = 500;
const PATIENCE: Duration = Duration::from_secs(60);
/// Pauses before the next connection, where one brought nothing or failed.
const PAUSES: Backoff = Backoff { first: Duration::from_millis(800), longest: Duration::from_secs(30) };

/// What a watch tells.
#[derive(Debug)]
pub enum News<K> {
    /// A list begins.
    Listing,
    /// An object is there, or is another than before.
    Seen(K),
    /// An object is gone.
    Gone(K),
    /// The list is complete: this is all that there was at that version.
    Listed(u64),
}

/// A watch.
pub struct Following<K> {
    api: Api<K>,
    kind: ApiResource,
    only: WatchParams,
    /// How far it has come; none before the list is complete.
    place: Option<String>,
    connection: Option<Connection<K>>,
    /// Whether lists come in pages.
    paged: bool,
    page: Option<Page<K>>,
    /// Whether the connection has brought anything.
    brought: bool,
    /// Connections in a row that brought nothing that counts.
    failures: u32,
}

type Connection<K> = BoxStream<'static, kube::Result<WatchEvent<K>>>;

/// What is left of a page, and where the next one begins.
struct Page<K> {
    objects: VecDeque<K>,
    version: String,
    next: Option<String>,
}

/// An object in a list, where its kind is said once for all.
pub trait InList {
    /// Says of which kind it is.
    fn is_of(&mut self, kind: &ApiResource);
}

impl<K: Resource + InList + Clone + DeserializeOwned + Debug + Send + 'static> Following<K> {
    /// Of all that `api` and the selectors of `only` let through.
    pub fn new(api: Api<K>, kind: ApiResource, only: WatchParams) -> Self {
        Self { api, kind, only, place: None, connection: None, paged: false, page: None, brought: false, failures: 0 }
    }

    /// The next that there is to tell. After an error it goes on, after a pause that grows.
    pub async fn next(&mut self) -> Result<News<K>, CallError> {
        loop {
            if let Some(page) = &mut self.page {
                match page.objects.pop_front() {
                    Some(object) => return Ok(News::Seen(object)),
                    None => match self.turn().await? {
                        Some(news) => return Ok(news),
                        None => continue,
                    },
                }
            }
            let Some(connection) = &mut self.connection else {
                if let Some(news) = self.connect().await? {
                    return Ok(news);
                }
                continue;
            };
            match timeout(SILENCE, connection.next()).await {
                Ok(Some(Ok(event))) => {
                    self.brought = true;
                    if let Some(news) = self.hear(event)? {
                        return Ok(news);
                    }
                }
                Ok(Some(Err(error))) => return Err(self.lost(error)),
                Ok(None) | Err(_) => self.ended(),
            }
        }
    }

    /// What was told is not believed: it lists again.
    pub fn again(&mut self) {
        self.place = None;
        self.ended();
    }

    /// The same as a stream.
    pub fn into_stream(self) -> BoxStream<'static, Result<News<K>, CallError>> {
        stream::unfold(self, async |mut following| {
            let news = following.next().await;
            Some((news, following))
        })
        .boxed()
    }

    async fn connect(&mut self) -> Result<Option<News<K>>, CallError> {
        if self.failures > 0 {
            sleep(PAUSES.pause(self.failures, fastrand::f64())).await;
        }
        // Without a version: what is so now.
        let (lists, version) = (self.place.is_none(), self.place.clone().unwrap_or_default());
        if lists && self.paged {
            self.page = Some(self.page_after(None).await?);
            return Ok(Some(News::Listing));
        }
        let params = WatchParams { send_initial_events: lists, ..self.only.clone() };
        match self.api.watch(&params, &version).await {
            Ok(connection) => self.connection = Some(connection.boxed()),
            Err(kube::Error::Api(status)) if lists && status.code == 422 => {
                debug!(kind = self.kind.kind, message = status.message, "the API server lists in pages");
                self.paged = true;
                return Ok(None);
            }
            Err(error) => return Err(self.lost(error)),
        }
        self.brought = false;
        Ok(lists.then_some(News::Listing))
    }

    /// A page is at its end: the next one, or the list is complete.
    async fn turn(&mut self) -> Result<Option<News<K>>, CallError> {
        let Some(Page { version, next, .. }) = self.page.take() else { return Ok(None) };
        if next.is_some() {
            self.page = Some(self.page_after(next).await?);
            return Ok(None);
        }
        let Ok(number) = version.parse() else { return Err(self.nonsense()) };
        self.place = Some(version);
        self.failures = 0;
        Ok(Some(News::Listed(number)))
    }

    async fn page_after(&mut self, token: Option<String>) -> Result<Page<K>, CallError> {
        let params = ListParams {
            label_selector: self.only.label_selector.clone(),
            field_selector: self.only.field_selector.clone(),
            limit: Some(PAGE),
            continue_token: token,
            ..ListParams::default()
        };
        let listed = match timeout(PATIENCE, self.api.list(&params)).await {
            Ok(Ok(listed)) => listed,
            Ok(Err(error)) => return Err(self.lost(error)),
            Err(_) => {
                self.again();
                return Err(CallError::Timeout(PATIENCE));
            }
        };
        let mut objects: VecDeque<K> = listed.items.into();
        objects.iter_mut().for_each(|object| object.is_of(&self.kind));
        let next = listed.metadata.continue_.filter(|token| !token.is_empty());
        Ok(Page { objects, version: listed.metadata.resource_version.unwrap_or_default(), next })
    }

    fn hear(&mut self, event: WatchEvent<K>) -> Result<Option<News<K>>, CallError> {
        match event {
            WatchEvent::Added(object) | WatchEvent::Modified(object) => {
                self.came_to(&object)?;
                Ok(Some(News::Seen(object)))
            }
            WatchEvent::Deleted(object) => {
                self.came_to(&object)?;
                Ok(Some(News::Gone(object)))
            }
            WatchEvent::Bookmark(bookmark) => {
                let (lists, version) = (self.place.is_none(), bookmark.metadata.resource_version);
                if lists && !bookmark.metadata.annotations.contains_key(LISTED) {
                    return Ok(None);
                }
                let Ok(number) = version.parse() else { return Err(self.nonsense()) };
                self.place = Some(version);
                self.failures = 0;
                Ok(lists.then_some(News::Listed(number)))
            }
            WatchEvent::Error(status) => Err(self.lost(kube::Error::Api(status))),
        }
    }

    /// A list has no place within it: one that breaks off begins anew.
    fn came_to(&mut self, object: &K) -> Result<(), CallError> {
        let version = object.meta().resource_version.clone().filter(|version| !version.is_empty());
        let Some(version) = version else { return Err(self.nonsense()) };
        if let Some(place) = &mut self.place {
            *place = version;
            self.failures = 0;
        }
        Ok(())
    }

    /// The connection is over, as each is some day. Where that comes too soon the next one waits.
    fn ended(&mut self) {
        (self.connection, self.page) = (None, None);
        if self.place.is_none() || !self.brought {
            self.failures = self.failures.saturating_add(1);
        }
    }

    fn lost(&mut self, error: kube::Error) -> CallError {
        if matches!(&error, kube::Error::Api(status) if status.code == 410) {
            self.place = None;
        }
        (self.connection, self.page) = (None, None);
        self.failures = self.failures.saturating_add(1);
        CallError::from_kube(error, "").of_kind(&self.kind)
    }

    fn nonsense(&mut self) -> CallError {
        self.again();
        CallError::Unexpected("a watch event without a resourceVersion".into())
    }
}

#[cfg(test)]
mod tests;
