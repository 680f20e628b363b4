//! A stream of events for one viewer.
//!
//! Nothing is kept for a stream but the version that it is at: what it is told is what changed since then, when the other
//! side has taken what came before. Whoever is slow hears less often, and at last that the lists have to be read again; a
//! connection that takes nothing is ended by the listener.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http::{HeaderName, HeaderValue, header};
use tokio::select;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Instant, sleep_until};

use super::{Desk, Pages, Viewer};
use crate::page::access::Access;
use crate::page::delta::{News, hello};
use crate::page::query::resume;
use crate::page::{Refusal, asked, frame};

/// Where a browser says what it heard last.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// One stream.
pub(super) struct Stream<P> {
    desk: Arc<Desk<P>>,
    viewer: Viewer,
    /// By which the viewer is known again.
    token: Option<String>,
    versions: watch::Receiver<u64>,
    /// The version that the viewer is at.
    at: u64,
    sent: Instant,
    renew: Instant,
    state: State,
    _place: OwnedSemaphorePermit,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing was said; whether the viewer goes on from where they were.
    New { resumed: bool },
    /// Under way.
    Open,
    /// Nothing more is said.
    Over,
}

impl<P: Pages> Stream<P> {
    /// Opens a stream, as long as there is a place for one more.
    pub(super) fn open(desk: &Arc<Desk<P>>, request: &Request, viewer: Viewer) -> Result<Response, Refusal> {
        let place = Arc::clone(&desk.streams).try_acquire_owned().map_err(|_| Refusal::Busy)?;
        let last = request.headers().get(LAST_EVENT_ID).and_then(|value| value.to_str().ok());
        let from = resume(request.uri().query().unwrap_or_default(), last);
        let token = match desk.rules.access {
            Access::Token => Some(asked::token(request.headers())?),
            Access::Open | Access::Proxy => None,
        };
        let (at, resumed) = {
            let book = desk.book();
            let resumed = from.and_then(|version| book.resumes(&version));
            (resumed.unwrap_or(book.now()), resumed.is_some())
        };
        let now = Instant::now();
        let stream = Self {
            versions: desk.pages.versions(),
            renew: now + desk.rules.renew,
            desk: Arc::clone(desk),
            viewer,
            token,
            at,
            sent: now,
            state: State::New { resumed },
            _place: place,
        };
        let texts = futures::stream::unfold(stream, async |mut stream| {
            let text = stream.next().await?;
            Some((Ok::<_, Infallible>(text), stream))
        });
        let mut response = Response::new(Body::from_stream(texts));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        // A proxy that gathers a stream before it hands it on makes it useless.
        headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
        Ok(response)
    }

    /// What is sent next; none at the end.
    async fn next(&mut self) -> Option<String> {
        if let State::New { resumed } = self.state {
            self.state = State::Open;
            return Some(format!("{}{}", frame::RETRY, self.greet("hello", resumed)));
        }
        let shutdown = self.desk.shutdown.clone();
        while self.state == State::Open {
            let at = self.at;
            let due = self.sent + frame::APART;
            let news = async {
                // The sender lives as long as the pages.
                let _ = self.versions.wait_for(|version| *version > at).await;
                sleep_until(due).await;
            };
            let text = select! {
                () = shutdown.cancelled() => return None,
                () = sleep_until(self.renew) => self.renewed().await,
                () = news => self.news(),
                () = sleep_until(self.sent + frame::HEARTBEAT) => Some(frame::ALIVE.to_owned()),
            };
            if let Some(text) = text {
                self.sent = Instant::now();
                return Some(text);
            }
        }
        None
    }

    fn news(&mut self) -> Option<String> {
        let (news, now, version) = {
            let book = self.desk.book();
            (book.news(self.at, &self.viewer.rights), book.now(), book.version())
        };
        self.at = now;
        match news {
            News::None => None,
            News::Change(json) => Some(frame::event("change", &version, &json)),
            News::Reset => Some(self.greet("reset", false)),
        }
    }

    /// Says where the viewer is; whoever does not go on reads the lists, and they are of this version or a newer one.
    fn greet(&mut self, event: &str, resumed: bool) -> String {
        let book = self.desk.book();
        if !resumed {
            self.at = book.now();
        }
        // What a viewer who goes on has missed is yet to be told: until then it is at the version that it named.
        let version = book.named(self.at);
        frame::event(event, &version, &hello(&version, resumed, book.about().role))
    }

    /// Asks again who is looking and what they may see.
    async fn renewed(&mut self) -> Option<String> {
        self.renew = Instant::now() + self.desk.rules.renew;
        let identity = self.viewer.identity.clone()?;
        let renewed = async {
            let identity = match &self.token {
                Some(token) => self.desk.pages.identify(token).await?,
                None => identity,
            };
            let rights = self.desk.pages.rights(&identity).await?;
            Ok(Viewer { identity: Some(identity), rights })
        };
        match renewed.await {
            Ok(viewer) if viewer.rights == self.viewer.rights => None,
            Ok(viewer) => {
                self.viewer = viewer;
                Some(self.greet("reset", false))
            }
            // Whoever cannot be asked about is not trusted for longer than this; a browser connects again by itself.
            Err(Refusal::ReviewFailed | Refusal::Busy) => {
                self.state = State::Over;
                None
            }
            Err(refusal) => {
                self.state = State::Over;
                Some(frame::event("denied", "", &refusal.body().to_string()))
            }
        }
    }
}
