//! The pulse by a clock that tests move.

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
    let expected = Stalled { name: "sync shop/deploy".into(), silent: 11 * SECOND, panicked: false, at: None };
    assert_eq!(pulse.stalled(), [expected]);
    beat.beat();
    assert_eq!(names(&pulse), [""; 0]);
    pass(50);
    assert_eq!(names(&pulse), ["sync shop/deploy", "controller"]);
}

#[test]
fn a_loop_that_stands_still_says_what_it_was_at_and_since_when() {
    let (pulse, pass) = pulse();
    let beat = pulse.register("a", 5 * SECOND);
    beat.at("planning");
    pass(1);
    beat.at_object("applying", "shop/orders");
    pass(3);
    beat.beat();
    pass(6);
    let at = At { phase: "applying", object: Some("shop/orders".into()) };
    let expected = Stalled { name: "a".into(), silent: 6 * SECOND, panicked: false, at: Some(at) };
    assert_eq!(pulse.stalled(), [expected]);
    beat.idle_for(SECOND);
    pass(7);
    assert_eq!(pulse.stalled()[0].at, None, "it waited for a timer that did not come");
}

#[test]
fn who_is_less_patient_sees_it_sooner_and_what_only_waits_never() {
    let (pulse, pass) = pulse();
    let pulse = pulse.patient_for(SECOND);
    let _slow = pulse.register("slow", 60 * SECOND);
    let _waits = pulse.survives("waits", std::future::pending());
    pass(2);
    assert_eq!(names(&pulse), ["slow"]);
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
    let expected = Stalled { name: "panicked".into(), silent: 3 * SECOND, panicked: true, at: None };
    assert_eq!(pulse.stalled(), [expected]);
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

#[tokio::test]
async fn what_should_never_end_is_a_stall_once_it_did() {
    let (pulse, pass) = pulse();
    let waiting = tokio::spawn(pulse.endless("waits", std::future::pending()));
    let mut ended = Box::pin(pulse.endless("ended", std::future::ready(())));
    assert!(futures::poll!(&mut ended).is_pending());
    pass(1);
    assert_eq!(names(&pulse), ["ended"]);
    assert_eq!(pulse.stalled()[0].at.as_ref().map(|at| at.phase), Some("over"));
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
