//! Desks by a clock of their own: `step` says what stands, the answer is what was told.

use super::*;
use crate::alert::target::Target;
use crate::api::notify::{AlertSeverity, NotifyTarget};
use serde_json::{Value, json};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + seconds).unwrap()
}

fn pace(more: Value) -> Pace {
    let mut target =
        json!({"name": "team", "type": "Webhook", "url": "https://example.com", "after": "1s", "every": "30s"});
    target.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let target: NotifyTarget = serde_json::from_value(target).unwrap();
    Target::of(&target, "shop").pace
}

/// What stands, as in `Drifted shop/a=2, PlanHeld`; after the equals sign is what was said. `?` before a key: unsettled.
fn world(stands: &str, since: Option<i64>) -> World {
    let mut world = World::default();
    for one in stands.split(", ").filter(|one| !one.is_empty()) {
        if let Some(key) = one.strip_prefix('?') {
            world.unsettled.insert(Key::parse(key).unwrap());
            continue;
        }
        let (key, said) = one.split_once('=').unwrap_or((one, "1"));
        let key = Key::parse(key).unwrap();
        let incident = Incident {
            key: key.clone(),
            severity: AlertSeverity::Warning,
            since: since.map(at),
            reason: "X".into(),
            text: "x".into(),
            lines: Vec::new(),
            command: None,
            said: said.into(),
        };
        world.standing.insert(key, Arc::new(incident));
    }
    world
}

fn note(key: &str, seconds: i64) -> Note {
    let id = format!("{key} {seconds}");
    Note { key: Key::parse(key).unwrap(), severity: AlertSeverity::Warning, at: at(seconds), text: id.clone(), id }
}

/// `+began ~changed -ended !happened`, or when it looks again.
fn show(look: &Look) -> String {
    let Look::Tell(batch) = look else {
        let Look::Wait(again) = look else { unreachable!() };
        return again.map_or("idle".into(), |again| format!("wait {}", again.duration_since(at(0)).as_secs()));
    };
    let mut said: Vec<String> = batch.began.iter().map(|one| format!("+{}", one.key)).collect();
    said.extend(batch.changed.iter().map(|one| format!("~{}", one.key)));
    said.extend(batch.ended.iter().map(|one| format!("-{}", one.key)));
    said.extend(batch.notes.iter().map(|one| format!("!{}", one.key)));
    if batch.dropped > 0 {
        said.push(format!("{} more", batch.dropped));
    }
    said.join(" ")
}

struct Player {
    desk: Desk,
    pace: Pace,
}

impl Player {
    fn new(more: Value) -> Self {
        Self { desk: Desk::of(None, at(0)), pace: pace(more) }
    }

    /// Looks, and takes what is to be told as told.
    #[track_caller]
    fn step(&mut self, seconds: i64, stands: &str, expected: &str) {
        let look = self.desk.look(&world(stands, None), &self.pace, at(seconds));
        assert_eq!(show(&look), expected, "at {seconds}");
        if let Look::Tell(batch) = look {
            self.desk.told(&batch);
        }
    }

    /// Another process goes on by what status says.
    fn restart(&mut self, seconds: i64) {
        let status = self.desk.status("team");
        let text = serde_json::to_string(&status).unwrap();
        self.desk = Desk::of(Some(&serde_json::from_str(&text).unwrap()), at(seconds));
    }
}

#[test]
fn what_begins_is_told_once_and_its_end_is_told() {
    let mut player = Player::new(json!({}));
    player.step(0, "Drifted shop/a", "wait 1");
    player.step(1, "Drifted shop/a", "wait 3");
    player.step(3, "Drifted shop/a", "+Drifted shop/a");
    player.step(100, "Drifted shop/a", "idle");
    player.step(200, "", "wait 202");
    player.step(202, "", "-Drifted shop/a");
    player.step(300, "", "idle");
}

#[test]
fn what_passes_by_itself_is_not_told() {
    let mut player = Player::new(json!({"after": "30s"}));
    player.step(0, "SourceStale", "wait 30");
    player.step(20, "", "idle");
    player.step(60, "SourceStale", "wait 90");
}

#[test]
fn what_was_told_otherwise_is_told_again() {
    let mut player = Player::new(json!({}));
    player.step(0, "PlanHeld=1", "wait 1");
    player.step(1, "PlanHeld=1", "wait 3");
    player.step(3, "PlanHeld=1", "+PlanHeld");
    player.step(50, "PlanHeld=2", "wait 52");
    player.step(52, "PlanHeld=2", "~PlanHeld");
    player.step(90, "PlanHeld=2", "idle");
}

#[test]
fn of_what_is_unsettled_no_end_is_told() {
    let mut player = Player::new(json!({}));
    player.step(0, "SyncFailing", "wait 1");
    player.step(1, "SyncFailing", "wait 3");
    player.step(3, "SyncFailing", "+SyncFailing");
    player.step(60, "?SyncFailing", "idle");
    player.step(90, "SyncFailing", "idle");
    player.step(120, "", "wait 122");
}

#[test]
fn a_burst_is_told_together_and_what_follows_waits_for_its_time() {
    let mut player = Player::new(json!({}));
    player.step(0, "Drifted shop/a", "wait 1");
    player.step(1, "Drifted shop/a, Drifted shop/b", "wait 2");
    player.step(2, "Drifted shop/a, Drifted shop/b", "wait 4");
    player.step(4, "Drifted shop/a, Drifted shop/b", "+Drifted shop/a +Drifted shop/b");
    player.step(5, "Drifted shop/a, Drifted shop/b, Drifted shop/c", "wait 6");
    player.step(6, "Drifted shop/a, Drifted shop/b, Drifted shop/c", "wait 34");
    player.step(34, "Drifted shop/a, Drifted shop/b, Drifted shop/c", "+Drifted shop/c");
}

#[test]
fn a_stream_without_end_does_not_put_off_what_it_began_with() {
    let mut player = Player::new(json!({}));
    let mut all = Vec::new();
    for second in 0..11 {
        all.push(format!("Drifted shop/s{second:02}"));
        player.desk.look(&world(&all.join(", "), None), &player.pace, at(second));
    }
    let look = player.desk.look(&world(&all.join(", "), None), &player.pace, at(11));
    let Look::Tell(batch) = look else { panic!("{look:?}") };
    assert_eq!(batch.began.len(), 11);
}

#[test]
fn a_restart_repeats_nothing_and_tells_what_nobody_told() {
    let mut player = Player::new(json!({}));
    player.step(0, "Drifted shop/a", "wait 1");
    player.step(1, "Drifted shop/a", "wait 3");
    player.step(3, "Drifted shop/a", "+Drifted shop/a");
    player.restart(100);
    player.step(100, "Drifted shop/a", "idle");
    player.restart(200);
    player.step(200, "Drifted shop/b", "wait 201");
    player.step(202, "Drifted shop/b", "wait 204");
    player.step(204, "Drifted shop/b", "+Drifted shop/b -Drifted shop/a");
}

#[test]
fn what_has_come_and_gone_is_told_once_however_often_it_is_seen() {
    let mut player = Player::new(json!({}));
    player.desk.note(&note("Corrected shop/a", -5), &player.pace);
    player.step(0, "", "idle");
    player.desk.note(&note("Corrected shop/a", 1), &player.pace);
    player.step(1, "", "wait 3");
    player.step(3, "", "!Corrected shop/a");
    player.restart(60);
    player.desk.note(&note("Corrected shop/a", 1), &player.pace);
    player.step(60, "", "idle");
    player.desk.note(&note("Corrected shop/a", 50), &player.pace);
    player.step(61, "", "wait 63");
}

#[test]
fn who_heard_of_a_drift_hears_of_its_end_alone() {
    let mut player = Player::new(json!({}));
    player.step(0, "Drifted shop/a", "wait 1");
    player.step(1, "Drifted shop/a", "wait 3");
    player.step(3, "Drifted shop/a", "+Drifted shop/a");
    player.desk.note(&note("Corrected shop/a", 50), &player.pace);
    player.step(50, "", "wait 52");
    player.step(52, "", "-Drifted shop/a");
}

#[test]
fn of_too_much_the_oldest_is_only_counted() {
    let mut player = Player::new(json!({}));
    for second in 1..=500 {
        player.desk.note(&note("Corrected shop/a", second), &player.pace);
    }
    player.step(500, "", "wait 502");
    let look = player.desk.look(&World::default(), &player.pace, at(502));
    let Look::Tell(batch) = &look else { panic!("{look:?}") };
    assert_eq!((batch.notes.len(), batch.dropped, batch.notes[0].at), (100, 400, at(401)));
    // What comes while it is sent is not lost.
    player.desk.note(&note("Corrected shop/b", 503), &player.pace);
    player.desk.told(batch);
    player.step(532, "", "wait 534");
    player.step(534, "", "!Corrected shop/b 1 more");
}

#[test]
fn what_could_not_be_told_is_told_as_it_is_by_then() {
    let mut player = Player::new(json!({}));
    let look = |player: &mut Player, seconds, stands: &str| {
        show(&player.desk.look(&world(stands, None), &player.pace, at(seconds)))
    };
    player.step(0, "Drifted shop/a, PlanHeld", "wait 1");
    player.step(1, "Drifted shop/a, PlanHeld", "wait 3");
    assert_eq!(look(&mut player, 3, "Drifted shop/a, PlanHeld"), "+PlanHeld +Drifted shop/a");
    player.desk.retry().failed(at(3), 0.5, None, false);
    assert_eq!(look(&mut player, 4, "Drifted shop/a, PlanHeld"), "wait 8");
    assert_eq!(look(&mut player, 5, "PlanHeld"), "wait 8");
    player.step(8, "PlanHeld", "+PlanHeld");
}

#[test]
fn an_alertmanager_is_told_again_what_stands() {
    let mut player = Player::new(json!({"type": "Alertmanager"}));
    player.step(0, "PlanHeld", "wait 1");
    player.step(1, "PlanHeld", "wait 3");
    player.step(3, "PlanHeld", "+PlanHeld");
    player.step(10, "PlanHeld", "wait 243");
    let look = player.desk.look(&world("PlanHeld", None), &player.pace, at(243));
    let Look::Tell(batch) = look else { panic!("{look:?}") };
    assert_eq!((batch.began.len(), batch.standing.len()), (0, 1));
    player.desk.told(&batch);
    player.step(250, "PlanHeld", "wait 483");
}

#[test]
fn what_has_no_place_in_status_is_known_by_its_time() {
    let mut player = Player::new(json!({}));
    let all: Vec<String> = (0..200).map(|number| format!("Drifted shop/s{number:03}")).collect();
    let all = all.join(", ");
    player.desk.look(&world(&all, Some(0)), &player.pace, at(1));
    let look = player.desk.look(&world(&all, Some(0)), &player.pace, at(4));
    let Look::Tell(batch) = look else { panic!("{look:?}") };
    player.desk.told(&batch);
    let status = player.desk.status("team");
    assert_eq!((status.told.len(), status.unlisted), (TOLD, 136));
    player.restart(100);
    let look = player.desk.look(&world(&all, Some(0)), &player.pace, at(100));
    assert_eq!(show(&look), "idle");
    let more = world("Drifted shop/new", Some(90));
    assert!(matches!(player.desk.look(&more, &player.pace, at(101)), Look::Wait(Some(_))));
}

#[test]
fn what_a_filter_leaves_out_is_not_told() {
    let mut player = Player::new(json!({"events": [{"kinds": ["PlanHeld"]}]}));
    player.desk.note(&note("Corrected shop/a", 1), &player.pace);
    player.step(5, "Drifted shop/a", "idle");
}
