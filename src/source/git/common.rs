//! What all sources of a process have in common that read the same ref with the same Secrets: one store, and what the server
//! last said. It says who may share, and never talks to a server.
//!
//! Only who says the same to the server is told what it answered: an answer to another's credentials is nobody else's.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use gix::ObjectId;
use tokio::sync::watch;
use tokio::time::Instant;

use super::choose::Chosen;
use super::store::{Reader, Store};
use crate::source::{Access, SourceError};

/// What is shared, by what is read and how.
#[derive(Debug, Default)]
pub(in crate::source) struct Commons(Mutex<HashMap<String, Weak<Common>>>);

/// One ref of a repository, for all that read it by the same Secrets and within the same time.
#[derive(Debug)]
pub(super) struct Common {
    /// Whoever has it is alone on it.
    pub store: Arc<tokio::sync::Mutex<Store>>,
    /// For those who do not wait.
    pub reader: Reader,
    said: Mutex<Option<Said>>,
    seats: Mutex<Seats>,
    news: watch::Sender<Latest>,
}

/// What the server said.
#[derive(Debug, Clone)]
struct Said {
    /// When it was asked.
    began: Instant,
    /// What it was told of who asks.
    access: Arc<Access>,
    answer: Result<Tip, SourceError>,
}

/// Where what is followed is.
#[derive(Debug, Clone)]
pub(super) struct Tip {
    pub chosen: Chosen,
    pub id: ObjectId,
}

/// Who reads.
#[derive(Debug, Default)]
struct Seats {
    next: u64,
    taken: BTreeSet<u64>,
}

/// The newest tip, and the seat that found it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Latest {
    tip: Option<ObjectId>,
    by: u64,
}

/// One of those who read.
#[derive(Debug)]
pub(super) struct Seat {
    common: Arc<Common>,
    number: u64,
}

/// Tells when another reader of the same found something new.
#[derive(Debug)]
pub struct News {
    latest: watch::Receiver<Latest>,
    own: u64,
}

impl Commons {
    /// A seat among those who read the same.
    pub(super) fn seat(&self, identity: &str, store: impl FnOnce() -> Store) -> Seat {
        let mut all = lock(&self.0);
        all.retain(|_, common| common.strong_count() > 0);
        let known = all.get(identity).and_then(Weak::upgrade);
        let common = known.unwrap_or_else(|| {
            let common = Arc::new(Common::new(store()));
            all.insert(identity.to_owned(), Arc::downgrade(&common));
            common
        });
        Seat::of(common)
    }
}

impl Common {
    fn new(store: Store) -> Self {
        let reader = store.reader();
        let (said, seats) = (Mutex::default(), Mutex::default());
        let store = Arc::new(tokio::sync::Mutex::new(store));
        Self { store, reader, said, seats, news: watch::Sender::default() }
    }

    /// What the server said, and when it was asked, if that was since then and by somebody who is to it as we are.
    pub fn heard(&self, since: Instant, access: &Access) -> Option<(Instant, Result<Tip, SourceError>)> {
        if self.reader.is_doubted() {
            return None;
        }
        let said = lock(&self.said);
        let said = said.as_ref().filter(|said| said.began >= since && *said.access == *access);
        said.map(|said| (said.began, said.answer.clone()))
    }
}

impl Seat {
    fn of(common: Arc<Common>) -> Self {
        let number = {
            let mut seats = lock(&common.seats);
            seats.next += 1;
            let number = seats.next;
            seats.taken.insert(number);
            number
        };
        Self { common, number }
    }

    /// What is shared.
    pub fn common(&self) -> &Arc<Common> {
        &self.common
    }

    /// Who says what the server answered; what went wrong on this side of it is nobody else's.
    pub fn teller(&self) -> Teller {
        Teller { common: Arc::clone(&self.common), number: self.number }
    }

    /// Nobody sits here any more. Whether it was the last one.
    pub fn leave(&self) -> bool {
        let mut seats = lock(&self.common.seats);
        seats.taken.remove(&self.number);
        seats.taken.is_empty()
    }

    /// What others find.
    pub fn news(&self) -> News {
        News { latest: self.common.news.subscribe(), own: self.number }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.leave();
    }
}

/// Says what the server answered to one of those who read.
#[derive(Debug, Clone)]
pub(super) struct Teller {
    common: Arc<Common>,
    number: u64,
}

impl Teller {
    /// From now on this is what the server says, unless somebody asked it later.
    pub fn tell(&self, began: Instant, access: &Arc<Access>, answer: Result<&Tip, &SourceError>) {
        if answer.is_err_and(|error| !error.is_an_answer()) {
            return;
        }
        let tip = answer.ok().map(|tip| tip.id);
        let answer = answer.cloned().map_err(SourceError::clone);
        {
            let mut said = lock(&self.common.said);
            if said.as_ref().is_some_and(|said| said.began > began) {
                return;
            }
            *said = Some(Said { began, access: Arc::clone(access), answer });
        }
        if let Some(tip) = tip {
            self.common.news.send_if_modified(|latest| {
                let changed = latest.tip != Some(tip);
                *latest = Latest { tip: Some(tip), by: if changed { self.number } else { latest.by } };
                changed
            });
        }
    }
}

impl News {
    /// Waits until another one found something new.
    pub async fn next(&mut self) {
        while self.latest.changed().await.is_ok() {
            if self.latest.borrow_and_update().by != self.own {
                return;
            }
        }
        std::future::pending::<()>().await;
    }
}

// What is behind these locks is whole after each step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::FutureExt;

    use super::super::reference::Reference;
    use super::*;
    use crate::source::SourceOptions;
    use crate::source::access::{Hidden, HttpAccess};

    fn seats(count: usize) -> Vec<Seat> {
        let commons = Commons::default();
        let store = || Store::new(&SourceOptions::new("/nonexistent"), &["x"]);
        (0..count).map(|_| commons.seat("x", store)).collect()
    }

    fn tip(byte: u8) -> Tip {
        let chosen = Chosen { reference: Reference::Name("refs/heads/main".into()), tag: None, at: None };
        Tip { chosen, id: ObjectId::Sha1([byte; 20]) }
    }

    fn token(word: &str) -> Arc<Access> {
        let http = HttpAccess { authorization: Some(Hidden(word.into())), ..HttpAccess::default() };
        Arc::new(Access { http: Some(http), ..Access::default() })
    }

    #[test]
    fn an_answer_is_for_those_who_asked_no_later_and_say_the_same() {
        let seats = seats(2);
        let now = Instant::now();
        let (before, after) = (now - Duration::from_secs(1), now + Duration::from_secs(1));
        seats[0].teller().tell(now, &token("a"), Ok(&tip(1)));
        let check = |since: Instant, word: &str, expected: bool| {
            let heard = seats[1].common().heard(since, &token(word));
            assert_eq!(heard.is_some(), expected, "{since:?} {word}");
        };
        check(before, "a", true);
        check(now, "a", true);
        check(after, "a", false);
        check(before, "b", false);
        assert!(seats[1].common().heard(before, &Access::default()).is_none(), "who has no credentials");
        // An older answer does not take the place of a newer one.
        seats[1].teller().tell(before, &token("b"), Ok(&tip(2)));
        check(before, "b", false);
        check(before, "a", true);
    }

    #[test]
    fn a_failure_of_ours_is_nobody_elses() {
        let seats = seats(2);
        let (now, access, url) = (Instant::now(), Arc::new(Access::default()), String::from("u"));
        let check = |error: SourceError, expected: bool| {
            let seat = seats[0].teller();
            seat.tell(now, &access, Err(&error));
            let heard = seats[1].common().heard(now, &access);
            assert_eq!(heard.is_some(), expected, "{error}");
        };
        check(SourceError::Corrupt { url: url.clone(), why: "x".into() }, false);
        check(SourceError::Interrupted { url: url.clone(), why: "x".into() }, false);
        check(SourceError::StoreFull { what: url.clone(), why: "x".into() }, false);
        check(SourceError::AccessDenied { url }, true);
    }

    #[test]
    fn what_one_finds_is_news_for_the_others_once() {
        let seats = seats(2);
        let (now, access) = (Instant::now(), Arc::new(Access::default()));
        let (mut own, mut other) = (seats[0].news(), seats[1].news());
        let mut check = |byte: u8, expected: bool| {
            seats[0].teller().tell(now, &access, Ok(&tip(byte)));
            assert!(own.next().now_or_never().is_none(), "it knows what it found");
            assert_eq!(other.next().now_or_never().is_some(), expected, "{byte}");
        };
        check(1, true);
        check(1, false);
        check(2, true);
    }

    #[test]
    fn the_last_to_leave_is_known() {
        let mut seats = seats(3);
        assert!(!seats[0].leave());
        drop(seats.remove(1));
        assert!(seats[1].leave());
    }
}
