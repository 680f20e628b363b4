//! The tokens of webhooks, as their Secrets said a short while ago. A Secret is read once at a time, and what came of it
//! holds for a while: nobody can make us read it more often, however many ask at once. While it cannot be read, what it said
//! before holds on: a push that is announced while the API server is slow is not lost.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout};

use crate::model::ObjectKey;
use crate::server::Refusal;
use crate::webhook::Token;

/// How long a token is believed: a changed Secret counts after this time.
const FRESH: Duration = Duration::from_secs(30);
/// How long a Secret that could not be read is not asked for again.
const UNREAD: Duration = Duration::from_secs(2);
/// How long a Secret may take to be read where it is known what it said before.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long what it said before holds on while it cannot be read.
const HELD: Duration = Duration::from_secs(3600);

/// What a Secret said.
type Said = Result<Vec<Token>, Refusal>;
/// The same with its times. Whoever reads the Secret has the lock, and all who want to know wait for it.
type Place = Arc<tokio::sync::Mutex<Option<Known>>>;

/// What is known of a Secret.
struct Known {
    said: Said,
    /// When it said so.
    at: Instant,
    /// When it is asked again.
    again: Instant,
}

impl Known {
    fn now(said: Said) -> Self {
        let (at, unread) = (Instant::now(), matches!(said, Err(Refusal::Unavailable)));
        Self { said, at, again: at + if unread { UNREAD } else { FRESH } }
    }

    fn is_fresh(&self) -> bool {
        Instant::now() < self.again
    }

    /// Whether it holds on while nothing newer can be read.
    fn holds(&self) -> bool {
        self.said.is_ok() && self.at.elapsed() < HELD
    }
}

/// Tokens by Secret.
#[derive(Default)]
pub struct Tokens {
    places: Mutex<HashMap<ObjectKey, Place>>,
}

impl Tokens {
    /// What a Secret says; `read` asks it, if that is not known.
    pub async fn of(&self, secret: &ObjectKey, read: impl Future<Output = Said>) -> Said {
        let place = self.place(secret);
        let mut place = place.lock().await;
        if let Some(known) = place.as_ref().filter(|known| known.is_fresh()) {
            return known.said.clone();
        }
        // Who gives up meanwhile leaves it to the next one who waits.
        if let Some(known) = place.as_mut().filter(|known| known.holds()) {
            match timeout(PATIENCE, read).await.unwrap_or(Err(Refusal::Unavailable)) {
                Err(Refusal::Unavailable) => known.again = Instant::now() + UNREAD,
                said => *known = Known::now(said),
            }
            return known.said.clone();
        }
        place.insert(Known::now(read.await)).said.clone()
    }

    fn place(&self, secret: &ObjectKey) -> Place {
        let mut places = self.places();
        if let Some(place) = places.get(secret) {
            return Arc::clone(place);
        }
        // One that is locked is being read.
        let is_of_use = |known: &Known| known.is_fresh() || known.holds();
        places.retain(|_, place| place.try_lock().map_or(true, |known| known.as_ref().is_some_and(is_of_use)));
        Arc::clone(places.entry(secret.clone()).or_default())
    }

    fn places(&self) -> MutexGuard<'_, HashMap<ObjectKey, Place>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::future::join_all;

    use super::*;

    /// A Secret that takes a while to be read, and how often it was.
    struct Secret {
        reads: AtomicUsize,
        says: Said,
    }

    impl Secret {
        fn new(says: Said) -> Self {
            Self { reads: AtomicUsize::new(0), says }
        }

        async fn read(&self) -> Said {
            self.reads.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(20)).await;
            self.says.clone()
        }

        fn reads(&self) -> usize {
            self.reads.load(Ordering::Relaxed)
        }
    }

    fn key(name: &str) -> ObjectKey {
        ObjectKey::new("shop", name)
    }

    #[tokio::test(start_paused = true)]
    async fn however_many_ask_at_once_a_secret_is_read_once() {
        let (tokens, secret, key) = (Tokens::default(), Secret::new(Ok(Vec::new())), key("hook"));
        let all = join_all((0..100).map(|_| tokens.of(&key, secret.read()))).await;
        assert!(all.iter().all(Result::is_ok));
        assert_eq!(secret.reads(), 1);
        tokio::time::advance(FRESH - Duration::from_secs(1)).await;
        let _ = tokens.of(&key, secret.read()).await;
        assert_eq!(secret.reads(), 1);
        tokio::time::advance(Duration::from_secs(1)).await;
        join_all((0..100).map(|_| tokens.of(&key, secret.read()))).await;
        assert_eq!(secret.reads(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn what_could_not_be_read_is_asked_for_again_soon_and_not_at_once() {
        let (tokens, secret, key) = (Tokens::default(), Secret::new(Err(Refusal::Unavailable)), key("hook"));
        let all = join_all((0..100).map(|_| tokens.of(&key, secret.read()))).await;
        assert!(all.iter().all(Result::is_err));
        assert_eq!(secret.reads(), 1);
        tokio::time::advance(UNREAD).await;
        let _ = tokens.of(&key, secret.read()).await;
        assert_eq!(secret.reads(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_gives_up_while_reading_leaves_it_to_the_next() {
        let (tokens, secret, key) = (Tokens::default(), Secret::new(Ok(Vec::new())), key("hook"));
        let first = tokio::time::timeout(Duration::from_millis(10), tokens.of(&key, secret.read()));
        let (first, second) = tokio::join!(first, tokens.of(&key, secret.read()));
        assert!(first.is_err() && second.is_ok());
        assert_eq!(secret.reads(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_secret_said_holds_on_while_it_cannot_be_read() {
        let (tokens, key) = (Tokens::default(), key("hook"));
        let token = |text: &str| Token::new(text.as_bytes()).unwrap();
        let good = async |text: &str| tokens.of(&key, async { Ok(vec![token(text)]) }).await;
        let count = |said: Said| said.map(|tokens| tokens.len());
        assert_eq!(count(good("first").await), Ok(1));
        let unread = async || tokens.of(&key, async { Err(Refusal::Unavailable) }).await;
        let hangs = async || tokens.of(&key, std::future::pending()).await;
        for _ in 0..10 {
            tokio::time::advance(FRESH).await;
            assert_eq!(count(unread().await), Ok(1));
            tokio::time::advance(UNREAD).await;
            let asked = Instant::now();
            assert_eq!(count(hangs().await), Ok(1));
            assert_eq!(asked.elapsed(), PATIENCE);
            // All others are told at once.
            assert_eq!(count(hangs().await), Ok(1));
            assert_eq!(asked.elapsed(), PATIENCE);
        }
        // What it says when it can be read counts, whatever that is.
        tokio::time::advance(UNREAD).await;
        assert_eq!(count(tokens.of(&key, async { Err(Refusal::NoToken) }).await), Err(Refusal::NoToken));
        tokio::time::advance(FRESH).await;
        assert_eq!(count(unread().await), Err(Refusal::Unavailable));
        // And nothing holds on for ever.
        tokio::time::advance(UNREAD).await;
        assert_eq!(count(good("second").await), Ok(1));
        tokio::time::advance(HELD).await;
        assert_eq!(count(unread().await), Err(Refusal::Unavailable));
    }

    #[tokio::test(start_paused = true)]
    async fn secrets_that_nobody_asks_for_any_more_are_forgotten() {
        let (tokens, secret) = (Tokens::default(), Secret::new(Err(Refusal::NoToken)));
        for number in 0..100 {
            let _ = tokens.of(&key(&format!("hook-{number}")), secret.read()).await;
            tokio::time::advance(FRESH / 4).await;
        }
        assert!(tokens.places().len() <= 5, "{}", tokens.places().len());
    }
}
