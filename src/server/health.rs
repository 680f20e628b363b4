//! Whether the daemon lives and is ready, as far as its loops say so.
//!
//! A loop that works says so with every step; one that waits for work says that it is idle. A loop that is silent
//! past its deadline, or that panicked, is stalled. The clock is an argument; nothing here runs by itself.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> Instant + Send + Sync>;

/// The pulse of every loop, and the gates that stand before readiness. Clones share one state.
#[derive(Clone)]
pub struct Pulse {
    clock: Clock,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    next_id: u64,
    loops: BTreeMap<u64, Loop>,
    gates: Vec<(Arc<str>, bool)>,
    role: Option<&'static str>,
}

struct Loop {
    name: Arc<str>,
    deadline: Duration,
    last_sign: Instant,
    mood: Mood,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mood {
    /// Must give a sign before this time.
    Due(Instant),
    /// Waits for work, however long.
    Idle,
    /// Unwound, and will never give a sign again.
    Panicked,
}

impl Mood {
    /// A deadline beyond the clock's end is none.
    fn due(now: Instant, deadline: Duration) -> Self {
        now.checked_add(deadline).map_or(Self::Idle, Self::Due)
    }
}

/// A loop that makes no progress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stalled {
    /// As it was registered.
    pub name: Arc<str>,
    /// Since its last sign.
    pub silent: Duration,
    /// Whether it ended in a panic.
    pub panicked: bool,
}

impl Default for Pulse {
    fn default() -> Self {
        Self::new(Arc::new(Instant::now))
    }
}

impl Pulse {
    /// A pulse by that clock.
    pub fn new(clock: Clock) -> Self {
        Self { clock, state: Arc::default() }
    }

    /// Watches a loop from now on, until the [`Beat`] is dropped. It starts as if it had just beaten.
    pub fn register(&self, name: impl Into<Arc<str>>, deadline: Duration) -> Beat {
        let now = (self.clock)();
        let mut state = self.lock();
        let id = state.next_id;
        state.next_id += 1;
        let entry = Loop { name: name.into(), deadline, last_sign: now, mood: Mood::due(now, deadline) };
        state.loops.insert(id, entry);
        drop(state);
        Beat { pulse: self.clone(), id }
    }

    /// Something that waits for as long as nothing happens, and is a stall only once it ended in a panic.
    pub fn survives<F: Future<Output = ()>>(
        &self,
        name: &'static str,
        waiting: F,
    ) -> impl Future<Output = ()> + use<F> {
        let beat = self.register(name, Duration::MAX);
        beat.idle();
        async move {
            waiting.await;
            drop(beat);
        }
    }

    /// A condition of readiness; closed at first.
    pub fn gate(&self, name: impl Into<Arc<str>>) -> Gate {
        let mut state = self.lock();
        state.gates.push((name.into(), false));
        Gate { index: state.gates.len() - 1, pulse: self.clone() }
    }

    /// The loops that make no progress, in the order of their registration.
    pub fn stalled(&self) -> Vec<Stalled> {
        let now = (self.clock)();
        let is_stalled = |mood| match mood {
            Mood::Due(due) => now > due,
            Mood::Idle => false,
            Mood::Panicked => true,
        };
        self.lock()
            .loops
            .values()
            .filter(|entry| is_stalled(entry.mood))
            .map(|entry| Stalled {
                name: Arc::clone(&entry.name),
                silent: now.saturating_duration_since(entry.last_sign),
                panicked: entry.mood == Mood::Panicked,
            })
            .collect()
    }

    /// The gates that are closed, in the order of their creation. Ready is: none.
    pub fn waiting(&self) -> Vec<Arc<str>> {
        self.lock().gates.iter().filter(|(_, open)| !open).map(|(name, _)| Arc::clone(name)).collect()
    }

    /// Says what part this process plays among several.
    pub fn play(&self, role: &'static str) {
        self.lock().role = Some(role);
    }

    /// The part that this process plays, where there are several.
    pub fn role(&self) -> Option<&'static str> {
        self.lock().role
    }

    fn sign(&self, id: u64, mood: impl FnOnce(Instant, Duration) -> Mood) {
        let now = (self.clock)();
        if let Some(entry) = self.lock().loops.get_mut(&id) {
            entry.last_sign = now;
            entry.mood = mood(now, entry.deadline);
        }
    }

    /// Every change under the lock is a single assignment, so a poisoned state is a sound one.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Pulse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pulse").field("stalled", &self.stalled()).field("waiting", &self.waiting()).finish()
    }
}

/// A loop's way to say that it lives. Dropping it ends the watch; dropping it in a panic is a stall for good.
#[derive(Debug)]
pub struct Beat {
    pulse: Pulse,
    id: u64,
}

impl Beat {
    /// Progress was made; the next sign is due within the deadline.
    pub fn beat(&self) {
        self.pulse.sign(self.id, Mood::due);
    }

    /// There is nothing to do until something happens: no sign is due until the next [`Beat::beat`].
    pub fn idle(&self) {
        self.pulse.sign(self.id, |_, _| Mood::Idle);
    }

    /// There is nothing to do for that long: the next sign is due within the deadline after it. Better than
    /// [`Beat::idle`] wherever a timer ends the wait, because a timer that never fires is then seen.
    pub fn idle_for(&self, pause: Duration) {
        self.pulse.sign(self.id, |now, deadline| Mood::due(now, pause.saturating_add(deadline)));
    }
}

impl Drop for Beat {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.pulse.sign(self.id, |_, _| Mood::Panicked);
        } else {
            self.pulse.lock().loops.remove(&self.id);
        }
    }
}

/// One condition of readiness. Dropping it leaves it as it is.
#[derive(Debug)]
pub struct Gate {
    pulse: Pulse,
    index: usize,
}

impl Gate {
    /// The condition holds.
    pub fn open(&self) {
        self.set(true);
    }

    /// The condition holds no more.
    pub fn close(&self) {
        self.set(false);
    }

    fn set(&self, open: bool) {
        if let Some(gate) = self.pulse.lock().gates.get_mut(self.index) {
            gate.1 = open;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// A pulse, and the hand that moves its clock.
    fn pulse() -> (Pulse, impl Fn(u32)) {
        let now = Arc::new(Mutex::new(Instant::now()));
        let hand = Arc::clone(&now);
        (Pulse::new(Arc::new(move || *now.lock().unwrap())), move |seconds| *hand.lock().unwrap() += seconds * SECOND)
    }

    fn names(pulse: &Pulse) -> Vec<String> {
        pulse.stalled().iter().map(|stalled| stalled.name.to_string()).collect()
    }

    #[test]
    fn a_silent_loop_is_stalled_past_its_deadline_and_lives_again_with_a_beat() {
        let (pulse, pass) = pulse();
        let beat = pulse.register("sync shop/deploy", 10 * SECOND);
        let _other = pulse.register("controller", 60 * SECOND);
        pass(10);
        assert_eq!(names(&pulse), [""; 0]);
        pass(1);
        let expected = Stalled { name: "sync shop/deploy".into(), silent: 11 * SECOND, panicked: false };
        assert_eq!(pulse.stalled(), [expected]);
        beat.beat();
        assert_eq!(names(&pulse), [""; 0]);
        pass(50);
        assert_eq!(names(&pulse), ["sync shop/deploy", "controller"]);
    }

    #[test]
    fn an_idle_loop_is_not_stalled_until_it_starts_again() {
        let (pulse, pass) = pulse();
        let beat = pulse.register("a", SECOND);
        beat.idle();
        pass(1_000_000);
        assert_eq!(names(&pulse), [""; 0]);
        beat.beat();
        pass(2);
        assert_eq!(names(&pulse), ["a"]);
    }

    #[test]
    fn a_pause_ends_and_the_deadline_follows_it() {
        let (pulse, pass) = pulse();
        let beat = pulse.register("a", 5 * SECOND);
        beat.idle_for(60 * SECOND);
        pass(65);
        assert_eq!(names(&pulse), [""; 0]);
        pass(1);
        assert_eq!(names(&pulse), ["a"]);
    }

    #[test]
    fn a_loop_that_ended_is_forgotten_and_one_that_panicked_is_not() {
        let (pulse, pass) = pulse();
        drop(pulse.register("ended", SECOND));
        let panicking = pulse.register("panicked", SECOND);
        let end = std::thread::spawn(move || {
            let _held = panicking;
            panic!("as this test wants");
        });
        assert!(end.join().is_err());
        pass(3);
        assert_eq!(pulse.stalled(), [Stalled { name: "panicked".into(), silent: 3 * SECOND, panicked: true }]);
    }

    #[tokio::test]
    async fn a_panicking_task_is_seen() {
        let pulse = Pulse::default();
        let beat = pulse.register("task", SECOND);
        let task = tokio::spawn(async move {
            beat.beat();
            tokio::task::yield_now().await;
            if beat.id == 0 {
                panic!("as this test wants");
            }
        });
        assert!(task.await.is_err());
        assert_eq!(names(&pulse), ["task"]);
    }

    #[tokio::test]
    async fn what_waits_for_ever_is_seen_once_it_panicked_and_forgotten_once_it_ended() {
        let (pulse, pass) = pulse();
        let waiting = tokio::spawn(pulse.survives("waits", std::future::pending()));
        tokio::spawn(pulse.survives("ended", std::future::ready(()))).await.unwrap();
        let panicked = async { panic!("as this test wants") };
        assert!(tokio::spawn(pulse.survives("panicked", panicked)).await.is_err());
        pass(1_000_000);
        assert_eq!(names(&pulse), ["panicked"]);
        waiting.abort();
    }

    #[test]
    fn ready_is_when_every_gate_is_open() {
        let pulse = Pulse::default();
        assert!(pulse.waiting().is_empty());
        let (caches, lease) = (pulse.gate("caches"), pulse.gate("lease"));
        assert_eq!(pulse.waiting(), ["caches".into(), "lease".into()]);
        caches.open();
        assert_eq!(pulse.waiting(), ["lease".into()]);
        lease.open();
        assert!(pulse.waiting().is_empty());
        caches.close();
        assert_eq!(pulse.waiting(), ["caches".into()]);
    }
}
