//! Copies of lists, as they were when they passed: what an API server would answer that is behind all others.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, Bytes};
use futures::stream::{self, StreamExt};

/// What ends a list.
const END: &str = "k8s.io/initial-events-end";
/// So long it stays behind, before it hears of anything.
const BEHIND: Duration = Duration::from_secs(2);

/// Whether an API server that is behind answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lag {
    /// It does not.
    No,
    /// Where a request lets it: who asks for what is so now is not told what was.
    WhereAllowed,
    /// Whatever is asked, as no API server should.
    Always,
    /// It is an older one, that lists in pages only.
    Paged,
}

/// The last copy of each list.
#[derive(Default)]
pub struct Copies(Arc<Mutex<BTreeMap<String, Bytes>>>);

impl Copies {
    /// A list as it is answered, noted by the way.
    pub fn noted(&self, key: String, body: Body) -> Body {
        let mut noting = Some((Arc::clone(&self.0), key, Vec::new()));
        Body::from_stream(body.into_data_stream().inspect(move |part| {
            let (Some((copies, key, seen)), Ok(bytes)) = (&mut noting, part) else { return };
            seen.extend_from_slice(bytes);
            let Some(whole) = whole(seen) else { return };
            let copy = Bytes::copy_from_slice(&seen[..whole]);
            copies.lock().unwrap().insert(std::mem::take(key), copy);
            noting = None;
        }))
    }

    /// The answer of a server that is behind, and hears of nothing for a while.
    pub fn answer(&self, key: &str) -> Option<http::Response<Body>> {
        let copy = self.0.lock().ok()?.get(key)?.clone();
        let late = stream::once(async {
            tokio::time::sleep(BEHIND).await;
            Ok::<_, std::io::Error>(Bytes::new())
        });
        let mut answer = http::Response::new(Body::from_stream(stream::iter([Ok(copy)]).chain(late)));
        answer.headers_mut().insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
        Some(answer)
    }

    /// There are none any more.
    pub fn forget(&self) {
        self.0.lock().unwrap().clear();
    }
}

/// How long the list is at the beginning of a watch, once it is complete.
fn whole(seen: &[u8]) -> Option<usize> {
    let at = seen.windows(END.len()).position(|window| window == END.as_bytes())?;
    seen.iter().enumerate().skip(at).find(|(_, byte)| **byte == b'\n').map(|(end, _)| end + 1)
}

/// What a request lists, however it asks; and whether it may be answered with what was.
pub fn listing(uri: &http::Uri) -> Option<(String, bool)> {
    let query = uri.query()?;
    let field = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    (field("sendInitialEvents") == Some("true")).then(|| {
        let selectors = ["labelSelector", "fieldSelector"].map(|name| field(name).unwrap_or_default());
        (format!("{} {}", uri.path(), selectors.join(" ")), field("resourceVersion") == Some("0"))
    })
}

#[test]
fn a_list_is_known_by_what_it_asks_for() {
    let check = |uri: &str, expected: Option<(&str, bool)>| {
        let found = listing(&uri.parse().unwrap());
        assert_eq!(found.as_ref().map(|(key, allowed)| (key.as_str(), *allowed)), expected, "{uri}");
    };
    check("/a?watch=true&resourceVersion=7", None);
    check("/a?watch=true&sendInitialEvents=true&resourceVersion=0", Some(("/a  ", true)));
    check("/a?watch=true&labelSelector=x&sendInitialEvents=true&resourceVersion=", Some(("/a x ", false)));
}

#[test]
fn a_list_ends_with_its_last_line() {
    let list = format!("{{\"a\":1}}\n{{\"{END}\":\"true\"}}\n");
    assert_eq!(whole(list.as_bytes()), Some(list.len()));
    assert_eq!(whole(format!("{list}more\n").as_bytes()), Some(list.len()));
    assert_eq!((whole(b"{\"a\":1}\n"), whole(&list.as_bytes()[..list.len() - 1])), (None, None));
}
