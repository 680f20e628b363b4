//! Git over HTTP by our own client, because a connection should survive until the next poll, a deadline should end
//! a read at any byte, and a refusal should keep its status.

mod refusals;

use std::any::Any;
use std::io::{self, BufRead, Cursor, Read, Write};
use std::sync::{Arc, Mutex, PoisonError};

use gix::protocol::transport::Protocol;
use gix::protocol::transport::client::blocking_io::http::{
    GetResponse, Http, PostBodyDataKind, PostResponse, Transport,
};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use tokio::runtime::Handle;

use self::refusals::{lost, refusal};
use super::attempt::printable;
use super::way::{Authorization, Current, LISTING};
use super::{Attempt, Target};
use crate::source::SourceError;

/// Servers recognise Git by the first word.
const AGENT: &str = concat!("git/gitmoor-", env!("CARGO_PKG_VERSION"));

/// A transport for gix. Runs within a tokio runtime, on a blocking thread.
pub(super) fn connect(target: &Target, url: &str, attempt: &Arc<Attempt>) -> gix::Result<Transport<Conversation>> {
    let Current { access, client } = target.way.current();
    let client = match client {
        Some(client) => client,
        None => target.shared.http().map_err(|error| attempt.fail(lost(attempt, &error, false)).into_gix())?,
    };
    let known = Known {
        authorization: Authorization::of(&access, url),
        certificate: access.http.as_ref().is_some_and(|http| http.identity.is_some()),
    };
    let line = Line { runtime: Handle::current(), attempt: attempt.clone(), known: Arc::new(known) };
    let conversation = Conversation { client, line, redirected: None };
    Ok(Transport::new_http(conversation, gix::url::parse(url)?, Protocol::V2, false))
}

/// The requests of one fetch.
pub(super) struct Conversation {
    client: Client,
    line: Line,
    redirected: Option<String>,
}

impl Http for Conversation {
    type Headers = Headers;
    type ResponseBody = Body;
    type PostBody = PostBody;

    fn get(
        &mut self,
        url: &str,
        _base_url: &str,
        headers: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> gix::Result<GetResponse<Headers, Body>> {
        let request = self.line.introduce(with_headers(self.client.get(url), headers), url);
        let answer = self.line.send(request, "advertisement").map_err(IntoGix::into_gix)?;
        let place = answer.response.url().as_str();
        if place != url {
            self.redirected = place.strip_suffix(LISTING).map(str::to_owned);
        }
        let exchange = Exchange { line: self.line.clone(), state: State::Answered(answer) }.shared();
        Ok(GetResponse { headers: Headers::of(&exchange), body: Body::of(&exchange) })
    }

    fn post(
        &mut self,
        url: &str,
        _base_url: &str,
        headers: impl IntoIterator<Item = impl AsRef<str>>,
        _kind: PostBodyDataKind,
    ) -> gix::Result<PostResponse<Headers, Body, PostBody>> {
        let request = self.line.introduce(with_headers(self.client.post(url), headers), url);
        let exchange = Exchange { line: self.line.clone(), state: State::Writing(request, Vec::new()) }.shared();
        Ok(PostResponse {
            post_body: PostBody(exchange.clone()),
            headers: Headers::of(&exchange),
            body: Body::of(&exchange),
        })
    }

    fn configure(&mut self, _config: &dyn Any) -> gix::Result<()> {
        Ok(())
    }

    fn redirected_base_url(&self) -> Option<String> {
        self.redirected.clone()
    }
}

fn with_headers(request: RequestBuilder, headers: impl IntoIterator<Item = impl AsRef<str>>) -> RequestBuilder {
    let mut request = request;
    for header in headers {
        if let Some((name, value)) = header.as_ref().split_once(':')
            && !name.eq_ignore_ascii_case(USER_AGENT.as_str())
        {
            request = request.header(name, value.trim());
        }
    }
    request.header(USER_AGENT, AGENT)
}

/// A blocking view of the async client that ends with the attempt.
#[derive(Clone)]
struct Line {
    runtime: Handle,
    attempt: Arc<Attempt>,
    known: Arc<Known>,
}

/// How the server knows us.
#[derive(Debug)]
struct Known {
    authorization: Authorization,
    certificate: bool,
}

/// A good answer whose body is still to be read.
struct Answer {
    head: Vec<u8>,
    response: Response,
}

impl Line {
    /// Says who reads, where the request goes to the place that may know.
    fn introduce(&self, request: RequestBuilder, url: &str) -> RequestBuilder {
        match self.known.authorization.header(url) {
            Some(header) => request.header(AUTHORIZATION, header),
            None => request,
        }
    }

    fn wait<T>(&self, work: impl Future<Output = Result<T, reqwest::Error>>) -> io::Result<T> {
        self.runtime.block_on(async {
            tokio::select! {
                biased;
                () = self.attempt.stopped() => Err(self.attempt.fail_stopped()),
                done = work => done.map_err(|error| self.attempt.fail(lost(&self.attempt, &error, self.known.certificate))),
            }
        })
    }

    fn send(&self, request: RequestBuilder, kind: &str) -> io::Result<Answer> {
        self.attempt.turn();
        let response = self.wait(request.send())?;
        let found = response.headers().get(CONTENT_TYPE).map(|value| String::from_utf8_lossy(value.as_bytes()));
        let wanted = format!("application/x-git-upload-pack-{kind}");
        let cause = self.unknown_to(&response).or_else(|| refusal(&self.attempt, &response, found.as_deref(), &wanted));
        if let Some(cause) = cause {
            return Err(self.attempt.fail(cause));
        }
        Ok(Answer { head: format!("content-type: {wanted}\n").into_bytes(), response })
    }

    /// What a refusal means where there is something that we could have said, or did say.
    fn unknown_to(&self, response: &Response) -> Option<SourceError> {
        let Known { authorization, certificate } = &*self.known;
        let url = self.attempt.url();
        let home = authorization.is_home(response.url());
        let denied =
            matches!(response.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND);
        if denied && !home && authorization.is_some() {
            let to = response.url().host_str().map(printable).unwrap_or_default();
            return Some(SourceError::CredentialsWithheld { url, to });
        }
        let said = authorization.is_some() || *certificate;
        (response.status() == StatusCode::UNAUTHORIZED && said).then_some(SourceError::CredentialsRefused { url })
    }
}

type SharedExchange = Arc<Mutex<Exchange>>;

/// A request and its answer, which gix holds in three pieces.
pub(super) struct Exchange {
    line: Line,
    state: State,
}

enum State {
    Writing(RequestBuilder, Vec<u8>),
    Answered(Answer),
    Over,
}

impl Exchange {
    fn shared(self) -> SharedExchange {
        Arc::new(Mutex::new(self))
    }

    /// Sends what was written, unless that is done.
    fn answer(&mut self) -> io::Result<&mut Answer> {
        if let State::Writing(..) = self.state
            && let State::Writing(request, body) = std::mem::replace(&mut self.state, State::Over)
        {
            self.state = State::Answered(self.line.send(request.body(body), "result")?);
        }
        match &mut self.state {
            State::Answered(answer) => Ok(answer),
            State::Writing(..) | State::Over => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    fn chunk(&mut self) -> io::Result<Vec<u8>> {
        let line = self.line.clone();
        let answer = self.answer()?;
        line.attempt.waits();
        let chunk = line.wait(answer.response.chunk())?.map(Vec::from).unwrap_or_default();
        line.attempt.count(&chunk)?;
        Ok(chunk)
    }
}

fn lock(exchange: &SharedExchange) -> std::sync::MutexGuard<'_, Exchange> {
    exchange.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where gix writes a request.
pub(super) struct PostBody(SharedExchange);

impl Write for PostBody {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut lock(&self.0).state {
            State::Writing(_, body) => {
                body.extend_from_slice(bytes);
                Ok(bytes.len())
            }
            State::Answered(_) | State::Over => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The one header of an answer that gix looks at.
pub(super) struct Headers {
    exchange: SharedExchange,
    head: Option<Cursor<Vec<u8>>>,
}

impl Headers {
    fn of(exchange: &SharedExchange) -> Self {
        Self { exchange: exchange.clone(), head: None }
    }

    fn head(&mut self) -> io::Result<&mut Cursor<Vec<u8>>> {
        if self.head.is_none() {
            let head = std::mem::take(&mut lock(&self.exchange).answer()?.head);
            self.head = Some(Cursor::new(head));
        }
        self.head.as_mut().ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}

impl Read for Headers {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.head()?.read(into)
    }
}

impl BufRead for Headers {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.head()?.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        if let Some(head) = &mut self.head {
            head.consume(amount);
        }
    }
}

/// The body of an answer.
pub(super) struct Body {
    exchange: SharedExchange,
    chunk: Cursor<Vec<u8>>,
}

impl Body {
    fn of(exchange: &SharedExchange) -> Self {
        Self { exchange: exchange.clone(), chunk: Cursor::default() }
    }
}

impl Read for Body {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let amount = available.len().min(into.len());
        into[..amount].copy_from_slice(&available[..amount]);
        self.consume(amount);
        Ok(amount)
    }
}

impl BufRead for Body {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.chunk.position() >= self.chunk.get_ref().len() as u64 {
            self.chunk = Cursor::new(lock(&self.exchange).chunk()?);
        }
        self.chunk.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.chunk.consume(amount);
    }
}

/// gix's functions take its own error.
trait IntoGix {
    fn into_gix(self) -> gix::Error;
}

impl IntoGix for io::Error {
    fn into_gix(self) -> gix::Error {
        gix::Error::from_error(self)
    }
}
