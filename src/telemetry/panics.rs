//! A panic is a bug of ours. It ends the piece of work that it happens in, which is begun anew later, and nothing else.
//!
//! It is told by its place in the source, and never by its message, which may hold a value. What a piece of work is, and
//! who is told that it fell, is up to whoever begins it.

use std::any::Any;
use std::cell::RefCell;
use std::fmt;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::FutureExt;
use tokio::task::JoinError;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::model::{Backoff, codes};
use crate::report::bug::BUG;

/// Pauses before work that fell is begun anew.
const PAUSES: Backoff = Backoff { first: Duration::from_secs(1), longest: Duration::from_secs(300) };
/// Work that went on for so long before it fell has not fallen in a row.
const STEADY: Duration = Duration::from_secs(600);

/// Panics of this process. The hook is the process's own, and so is its count.
static COUNT: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// Where this thread panicked last.
    static PLACE: RefCell<Option<Arc<str>>> = const { RefCell::new(None) };
}

/// Somebody panicked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Panicked {
    /// File and line, where it is known.
    pub place: Arc<str>,
}

impl fmt::Display for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a bug in Gitmoor, at {}; please report it. It is tried again", self.place)
    }
}

impl Panicked {
    /// The code of [`BUG`].
    pub fn code() -> &'static str {
        codes::code_of(BUG).unwrap_or_default()
    }

    /// Of a payload that was caught on this thread.
    fn of(payload: &(dyn Any + Send)) -> Self {
        // What fell elsewhere fell there.
        payload
            .downcast_ref::<Self>()
            .cloned()
            .unwrap_or_else(|| Self { place: PLACE.take().unwrap_or_else(|| "an unknown place".into()) })
    }
}

/// From now on panics of this process are counted and logged by their place, and their messages are told to nobody.
pub fn watch() {
    std::panic::set_hook(Box::new(|panic| {
        let place = note(panic.location());
        tracing::error!(code = Panicked::code(), reason = BUG, place, "a bug: something panicked");
    }));
}

/// How often this process has panicked since [`watch`].
pub fn count() -> u64 {
    COUNT.load(Ordering::Relaxed)
}

fn note(location: Option<&Location<'_>>) -> String {
    COUNT.fetch_add(1, Ordering::Relaxed);
    let place = location.map_or_else(|| "an unknown place".to_owned(), |at| place(at.file(), at.line()));
    PLACE.set(Some(place.as_str().into()));
    place
}

/// The place, without the folders of whoever built this: those of a dependency begin with its name.
fn place(file: &str, line: u32) -> String {
    let file =
        file.split_once("/registry/src/").and_then(|(_, rest)| rest.split_once('/')).map_or(file, |(_, own)| own);
    format!("{file}:{line}")
}

/// Does work that may panic.
pub async fn caught<T>(work: impl Future<Output = T>) -> Result<T, Panicked> {
    // What it leaves behind is forgotten by whoever calls, or whole after each step.
    AssertUnwindSafe(work).catch_unwind().await.map_err(|payload| Panicked::of(&*payload))
}

/// Does work that may panic, and waits for nothing.
pub fn caught_now<T>(work: impl FnOnce() -> T) -> Result<T, Panicked> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|payload| Panicked::of(&*payload))
}

/// Work beside. Where it falls over a bug, whoever waits for it does.
pub type Aside<T> = AbortOnDropHandle<Result<T, Panicked>>;

/// Begins work beside; [`landed`] waits for it. It is called off when nobody can wait for it any more.
pub fn aside<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> Aside<T> {
    AbortOnDropHandle::new(tokio::spawn(caught(work)))
}

/// What came of work beside. Where it panicked, this does, so that both have one end; none where it was called off.
pub fn landed<T>(ended: Result<Result<T, Panicked>, JoinError>) -> Option<T> {
    match ended {
        Ok(Ok(done)) => Some(done),
        // The hook was called when it fell.
        Ok(Err(panicked)) => resume_unwind(Box::new(panicked)),
        Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
        Err(_) => None,
    }
}

/// Does work that goes on until it is done or told to stop, and begins it anew each time that it falls, after ever longer
/// pauses. `fell` tells so.
pub async fn kept<F: Future<Output = ()>, T: Future<Output = ()>>(
    stop: &CancellationToken,
    mut begin: impl FnMut() -> F,
    mut fell: impl FnMut(Panicked, Duration) -> T,
) {
    let mut falls = 0;
    loop {
        let began = Instant::now();
        let Err(panicked) = caught(begin()).await else { return };
        falls = if began.elapsed() > STEADY { 1 } else { falls + 1 };
        let pause = PAUSES.pause(falls, fastrand::f64());
        // Whoever tells of it may fall over the same.
        let _ = caught(fell(panicked, pause)).await;
        if stop.run_until_cancelled(sleep(pause)).await.is_none() {
            return;
        }
    }
}

/// Panics of this test process are noted, and shown as ever.
#[cfg(test)]
pub(crate) fn watch_in_tests() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            note(panic.location());
            before(panic);
        }));
    });
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// As a dependency's or our own code does it.
    fn falls() -> u8 {
        let secret = std::hint::black_box("hunter2");
        panic!("the password is {secret}")
    }

    const HERE: &str = "src/telemetry/panics.rs:";

    #[tokio::test]
    async fn a_panic_is_known_by_its_place_and_not_by_its_message() {
        watch_in_tests();
        let before = count();
        let panicked = caught(async { falls() }).await.unwrap_err();
        assert!(panicked.place.starts_with(HERE), "{panicked}");
        assert!(!panicked.to_string().contains("hunter2") && !format!("{panicked:?}").contains("hunter2"));
        assert_eq!(caught_now(falls).unwrap_err(), panicked);
        assert!(count() >= before + 2);
        assert_eq!((caught(async { 1 }).await, caught_now(|| 1)), (Ok(1), Ok(1)));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_falls_beside_falls_where_it_is_waited_for_with_its_own_place() {
        watch_in_tests();
        let beside = aside(async {
            tokio::task::yield_now().await;
            falls()
        });
        let panicked = caught(async { landed(beside.await) }).await.unwrap_err();
        assert!(panicked.place.starts_with(HERE), "{panicked}");
        assert_eq!(landed(aside(async { 1 }).await), Some(1));
        let called_off = aside(std::future::pending::<u8>());
        called_off.abort();
        assert_eq!(landed(called_off.await), None);
    }

    #[tokio::test]
    async fn what_runs_beside_ends_with_whoever_waits_for_it() {
        let (alive, ended) = tokio::sync::oneshot::channel::<()>();
        let beside = aside(async move {
            let _alive = alive;
            std::future::pending::<()>().await;
        });
        drop(beside);
        assert!(tokio::time::timeout(Duration::from_secs(10), ended).await.is_ok_and(|told| told.is_err()));
    }

    #[tokio::test(start_paused = true)]
    async fn what_fell_is_begun_anew_after_ever_longer_pauses_until_it_ends_by_itself() {
        watch_in_tests();
        let (began, told) = (Cell::new(0), Cell::new(Vec::new()));
        let work = || {
            began.set(began.get() + 1);
            let last = began.get() == 6;
            async move {
                if !last {
                    falls();
                }
            }
        };
        let tell = |panicked: Panicked, pause: Duration| {
            let mut all = told.take();
            all.push(pause);
            told.set(all);
            // That this falls, too, stops nothing.
            async move { assert!(!panicked.place.starts_with(HERE), "as this test wants") }
        };
        kept(&CancellationToken::new(), work, tell).await;
        let pauses = told.take();
        assert_eq!((began.get(), pauses.len()), (6, 5));
        for (falls, pause) in (1..).zip(&pauses) {
            let full = PAUSES.first * 2_u32.pow(falls - 1);
            assert!(*pause >= full / 2 && *pause <= full, "{pauses:?}");
        }
        assert!(PAUSES.pause(100, 1.0) <= PAUSES.longest);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_is_told_to_stop_waits_for_no_pause() {
        watch_in_tests();
        let stop = CancellationToken::new();
        let told = stop.clone();
        let tell = |_, _| {
            told.cancel();
            std::future::ready(())
        };
        let work = || async {
            falls();
        };
        kept(&stop, work, tell).await;
        assert!(stop.is_cancelled());
    }

    #[test]
    fn a_place_in_a_dependency_does_not_say_who_built_it() {
        let built = "/home/ada/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/gix-pack-0.60.0/src/data/file.rs";
        assert_eq!(place(built, 7), "gix-pack-0.60.0/src/data/file.rs:7");
        assert_eq!(place("src/sync/run.rs", 7), "src/sync/run.rs:7");
    }
}
