//! Stories of random commits, edits by hand, faults, kills and hand-overs, played with real daemons before a real API server
//! and a real Git server. What must never be is looked for at every moment, and at rest the cluster is what the model says.
//!
//! A story is a seed. The suite tells a few, the same each time; `make chaos` goes on with new ones. A story that fails is
//! printed with its seed, and `GITMOOR_CHAOS_SEEDS=1,2` tells it again, or `GITMOOR_CHAOS_KILL_SEEDS=1,2` where it is one of
//! kills; when the daemons do what differs from time to time.
//! With `GITMOOR_CHAOS_SHRINK=1` it is told again and again, ever shorter, as long as it goes wrong. What a run did is
//! written down in `GITMOOR_CHAOS_RECORD`, and docs/unbreakable.md is made of it.

mod again;
mod certificates;
mod figures;
mod history;
mod judge;
mod keeper;
mod lists;
mod model;
mod page;
mod play;
mod record;
mod standing;
pub mod surroundings;
mod teller;
mod tokens;
mod tree;

use std::time::{Duration, Instant};

use crate::support::alone::Alone;
use crate::support::git_server;
use figures::Figures;
use history::History;
use play::Play;

/// Seeds that the suite tells: one daemon, and two of which one leads.
const SEEDS: [u64; 2] = [4, 1];
/// Steps of a story.
const STEPS: usize = 30;
/// The seed of kills that the suite tells, and how many it has.
const KILLED: u64 = 2;
const KILLS: usize = 20;
/// Of so many kills one may come to nothing: what it waits for may have been done before.
const MISSES: usize = 10;
/// The seed of shortages that the suite tells.
const SHORT: u64 = 3;

/// What somebody wants of this run.
fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

/// The stories that somebody wants to be told again.
fn seeds(name: &str) -> Option<Vec<u64>> {
    let text = std::env::var(name).ok()?;
    Some(text.split(',').map(|seed| seed.parse().unwrap()).collect())
}

#[tokio::test]
async fn whatever_happens_nothing_is_lost_and_nothing_is_destroyed() {
    let Some(alone) = Alone::in_storm().await else { return };
    let mut seeds = seeds("GITMOOR_CHAOS_SEEDS").unwrap_or(SEEDS.to_vec());
    let steps = number("GITMOOR_CHAOS_STEPS").map_or(STEPS, |steps| steps.try_into().unwrap());
    let longer = number("GITMOOR_CHAOS_SECONDS").map(Duration::from_secs);
    let (started, mut figures) = (Instant::now(), Figures::of_stories(steps));
    let mut failed = Vec::new();
    seeds.reverse();
    loop {
        let seed = match seeds.pop() {
            Some(seed) => seed,
            None if longer.is_some_and(|time| started.elapsed() < time) => fastrand::u64(..1_000_000),
            None => break,
        };
        let Some(wrong) = told(&alone, History::of(seed, steps), &mut figures).await else { return };
        failed.extend(wrong);
        figures.write("stories");
    }
    assert!(failed.is_empty(), "these went wrong, see above: {}", failed.join(","));
}

#[tokio::test]
async fn a_daemon_killed_amid_anything_is_followed_by_one_that_ends_the_work() {
    let Some(alone) = Alone::in_storm().await else { return };
    let wanted: usize = number("GITMOOR_CHAOS_KILLS").map_or(KILLS, |kills| kills.try_into().unwrap());
    let first = number("GITMOOR_CHAOS_KILL_SEED").unwrap_or(KILLED);
    // A story that is told again is told to its end, however many kills it had.
    let (seeds, wanted) = match seeds("GITMOOR_CHAOS_KILL_SEEDS") {
        Some(seeds) => (seeds.clone(), seeds.len() * KILLS),
        None => ((first..).take(wanted.div_ceil(KILLS)).collect(), wanted),
    };
    let (mut figures, mut failed) = (Figures::of_stories(KILLS), Vec::new());
    let mut tried = 0;
    for seed in seeds {
        let count = (wanted - tried).min(KILLS);
        let Some(wrong) = told(&alone, History::of_kills(seed, count), &mut figures).await else { return };
        failed.extend(wrong);
        tried += count;
        figures.write("kills");
    }
    assert!(failed.is_empty(), "these went wrong, see above: {}", failed.join(","));
    let hit = figures.kills();
    println!("{hit} of {tried} kills came amid what they were for");
    assert!(
        (tried - hit.min(tried)) * MISSES <= tried,
        "{hit} of {tried} kills came amid what they were for: {:#}",
        figures.record()["kills"]
    );
}

#[tokio::test]
async fn what_a_daemon_lacks_for_a_while_it_outlives() {
    let Some(alone) = Alone::in_storm().await else { return };
    let mut figures = Figures::new();
    let Some(wrong) = told(&alone, History::of_shortages(SHORT), &mut figures).await else { return };
    figures.write("shortages");
    assert_eq!(wrong, None, "it went wrong, see above");
    let record = figures.record();
    let met = record["faults"].as_object().unwrap().len();
    // As where tests may skip themselves: what cannot be taken away here was not.
    assert!(met >= 6 || git_server::skip::<()>(&format!("not all shortages can be made here: {record:#}")).is_none());
}

/// Tells a story; its seed where it went wrong.
async fn told(alone: &Alone, history: History, figures: &mut Figures) -> Option<Option<String>> {
    let (seed, steps, began) = (history.seed, history.steps.len(), Instant::now());
    match Play::story(alone, &history, figures).await? {
        Ok(events) => {
            println!("story {seed}: {steps} steps, {events} events, {:?}", began.elapsed());
            Some(None)
        }
        Err(why) => {
            println!("story {seed} went wrong\n{why}");
            figures.wrong(seed);
            if std::env::var_os("GITMOOR_CHAOS_SHRINK").is_some() {
                println!("{}", shrunk(alone, history).await.unwrap_or_default());
            }
            Some(Some(seed.to_string()))
        }
    }
}

/// The same story without what does not matter for its going wrong, as it went wrong last. A story may go well by luck: what
/// is left out goes well twice before it is said to matter.
async fn shrunk(alone: &Alone, mut history: History) -> Option<String> {
    let mut failure = None;
    let mut length = history.steps.len() / 2;
    // What is told again is not counted.
    let mut figures = Figures::new();
    while length > 0 {
        // The first commit and the last rest are what makes it a story.
        let mut from = 1;
        while from + length < history.steps.len() {
            let mut shorter = history.clone();
            shorter.steps.drain(from..from + length);
            let mut wrong = None;
            for _ in 0..2 {
                wrong = wrong.or(Play::story(alone, &shorter, &mut figures).await?.err());
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
