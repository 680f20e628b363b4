//! Stories of random commits, edits by hand, faults, kills and hand-overs, played with real daemons before a real API server
//! and a real Git server. What must never be is looked for at every moment, and at rest the cluster is what the model says.
//!
//! A story is a seed. The suite tells a few, the same each time; `make chaos` goes on with new ones. A story that fails is
//! printed with its seed, and `GITMOOR_CHAOS_SEEDS=1,2` tells it again; when the daemons do what differs from time to time.
//! With `GITMOOR_CHAOS_SHRINK=1` it is told again and again, ever shorter, as long as it goes wrong.

mod history;
mod judge;
mod model;
mod play;
mod record;

use std::time::{Duration, Instant};

use crate::support::alone::Alone;
use history::History;
use play::Play;

/// Seeds that the suite tells: one daemon, and two of which one leads.
const SEEDS: [u64; 2] = [4, 1];
/// Steps of a story.
const STEPS: usize = 30;

#[tokio::test]
async fn whatever_happens_nothing_is_lost_and_nothing_is_destroyed() {
    let Some(alone) = Alone::in_storm().await else { return };
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let asked = std::env::var("GITMOOR_CHAOS_SEEDS").ok();
    let mut seeds: Vec<u64> = match &asked {
        Some(text) => text.split(',').map(|seed| seed.parse().unwrap()).collect(),
        None => SEEDS.to_vec(),
    };
    let steps = number("GITMOOR_CHAOS_STEPS").map_or(STEPS, |steps| steps.try_into().unwrap());
    let longer = number("GITMOOR_CHAOS_SECONDS").map(Duration::from_secs);
    let (started, mut told, mut failed) = (Instant::now(), 0, Vec::new());
    seeds.reverse();
    loop {
        let seed = match seeds.pop() {
            Some(seed) => seed,
            None if longer.is_some_and(|time| started.elapsed() < time) => fastrand::u64(..1_000_000),
            None => break,
        };
        let history = History::of(seed, steps);
        let Some(played) = Play::story(&alone, &history).await else { return };
        told += 1;
        match played {
            Ok(events) => println!("story {seed}: {} steps, {events} events", history.steps.len()),
            Err(why) => {
                println!("story {seed} went wrong\n{why}");
                failed.push(seed.to_string());
                if std::env::var_os("GITMOOR_CHAOS_SHRINK").is_some() {
                    println!("{}", shrunk(&alone, history).await.unwrap_or_default());
                }
            }
        }
    }
    println!("{told} stories in {:?}", started.elapsed());
    assert!(failed.is_empty(), "of {told} stories these went wrong, see above: {}", failed.join(","));
}

/// The same story without what does not matter for its going wrong, as it went wrong last. A story may go well by luck: what
/// is left out goes well twice before it is said to matter.
async fn shrunk(alone: &Alone, mut history: History) -> Option<String> {
    let mut failure = None;
    let mut length = history.steps.len() / 2;
    while length > 0 {
        // The first commit and the last rest are what makes it a story.
        let mut from = 1;
        while from + length < history.steps.len() {
            let mut shorter = history.clone();
            shorter.steps.drain(from..from + length);
            let mut wrong = None;
            for _ in 0..2 {
                wrong = wrong.or(Play::story(alone, &shorter).await?.err());
            }
            match wrong {
                Some(why) => {
                    println!("{} steps are enough", shorter.steps.len());
                    (history, failure) = (shorter, Some(why));
                }
                None => from += length,
            }
        }
        length /= 2;
    }
    failure
}
