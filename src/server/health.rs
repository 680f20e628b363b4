//! Whether the daemon lives and is ready, as far as its loops say so.
//!
//! A loop that works says so with every step, and at what it is; one that waits for work says that it is idle. A loop that
//! is silent past its deadline, or that panicked, is stalled. The clock is an argument; nothing here runs by itself.

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
    /// No loop may be silent for longer.
    patience: Duration,
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
    at: Option<At>,
}

/// What a loop is at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct At {
    /// A word of our own.
    pub phase: &'static str,
    /// Name of the object that it is about, where it is about one.
    pub object: Option<Arc<str>>,
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
    /// What it was at with its last sign; none where it waited.
    pub at: Option<At>,
}

impl Default for Pulse {
    fn default() -> Self {
        Self::new(Arc::new(Instant::now))
    }
}

impl Pulse {
    /// A pulse by that clock.
    pub fn new(clock: Clock) -> Self {
        Self { clock, patience: Duration::MAX, state: Arc::default() }
    }

    /// The same, where no loop may be silent for longer than that, whatever it says when it registers.
    #[must_use]
    pub fn patient_for(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Watches a loop from now on, until the [`Beat`] is dropped. It starts as if it had just beaten.
    pub fn register(&self, name: impl Into<Arc<str>>, deadline: Duration) -> Beat {
        let now = (self.clock)();
        // What waits for as long as nothing happens is not measured by its silence.
        let deadline = if deadline == Duration::MAX { deadline } else { deadline.min(self.patience) };
        let mut state = self.lock();
        let id = state.next_id;
        state.next_id += 1;
        let entry = Loop { name: name.into(), deadline, last_sign: now, mood: Mood::due(now, deadline), at: None };
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

    /// The same for what never ends while all is well: it is a stall once it ended, too.
    pub fn endless<F: Future<Output = ()>>(&self, name: &'static str, waiting: F) -> impl Future<Output = ()> + use<F> {
        let beat = self.register(name, Duration::MAX);
        beat.idle();
        async move {
            waiting.await;
            beat.over();
            std::future::pending::<()>().await;
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
                at: entry.at.clone(),
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

    /// `at` is none where it stays at what it was at.
    fn sign(&self, id: u64, mood: impl FnOnce(Instant, Duration) -> Mood, at: Option<Option<At>>) {
        let now = (self.clock)();
        if let Some(entry) = self.lock().loops.get_mut(&id) {
            entry.last_sign = now;
            entry.mood = mood(now, entry.deadline);
            if let Some(at) = at {
                entry.at = at;
            }
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

/// What a loop is at that is over.
const OVER: &str = "over";

/// A loop's way to say that it lives. Dropping it ends the watch; dropping it in a panic is a stall for good.
#[derive(Debug)]
pub struct Beat {
    pulse: Pulse,
    id: u64,
}

impl Beat {
    /// Progress was made; the next sign is due within the deadline.
    pub fn beat(&self) {
        self.pulse.sign(self.id, Mood::due, None);
    }

    /// The same, and what it is at from now on.
    pub fn at(&self, phase: &'static str) {
        self.pulse.sign(self.id, Mood::due, Some(Some(At { phase, object: None })));
    }

    /// The same with the name of the object that it is about.
    pub fn at_object(&self, phase: &'static str, object: impl fmt::Display) {
        let object = Some(object.to_string().into());
        self.pulse.sign(self.id, Mood::due, Some(Some(At { phase, object })));
    }

    /// Nothing will ever be done again, and should be: it is a stall from now on.
    fn over(&self) {
        self.pulse.sign(self.id, |now, _| Mood::Due(now), Some(Some(At { phase: OVER, object: None })));
    }

    /// There is nothing to do until something happens: no sign is due until the next [`Beat::beat`].
    pub fn idle(&self) {
        self.pulse.sign(self.id, |_, _| Mood::Idle, Some(None));
    }

    /// There is nothing to do for that long: the next sign is due within the deadline after it. Better than
    /// [`Beat::idle`] wherever a timer ends the wait, because a timer that never fires is then seen.
    pub fn idle_for(&self, pause: Duration) {
        self.pulse.sign(self.id, |now, deadline| Mood::due(now, pause.saturating_add(deadline)), Some(None));
    }
}

impl Drop for Beat {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.pulse.sign(self.id, |_, _| Mood::Panicked, None);
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
mod tests;
