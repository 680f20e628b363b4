//! A process over a while: memory, open files and disk, each second, and whether they grow.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;

use crate::api::Api;
use crate::fit::Line;
use crate::flow::Flow;
use crate::process;

/// Between two samples.
const EACH: Duration = Duration::from_secs(1);
/// Between two looks at the API server's queues, in samples: its metrics are long.
const QUEUES: usize = 5;
/// The share of a course that is not looked at: caches fill first.
const BEGINNING: f64 = 1.0 / 3.0;

/// What was sampled.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Sample {
    seconds: f64,
    resident: u64,
    open: u64,
    disk: u64,
    queued: Option<u64>,
}

/// A while.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Course {
    /// How long.
    pub seconds: f64,
    /// Memory, in bytes.
    pub resident: Trend,
    /// Files and connections.
    pub open: Trend,
    /// The cache, in bytes.
    pub disk: Trend,
    /// Most requests that waited at the API server at a time that was looked at.
    pub most_queued: u64,
}

/// How a figure went.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Trend {
    /// At first.
    pub first: f64,
    /// At last.
    pub last: f64,
    /// At most.
    pub most: f64,
    /// How much it grows in an hour, by the line through the last two thirds.
    pub per_hour: f64,
}

/// Samples until it is asked for the course.
pub struct Sampler {
    samples: Arc<Mutex<Vec<Sample>>>,
    task: JoinHandle<()>,
}

impl Sampler {
    /// Begins to look at a process and at its folder.
    pub fn start(api: Api, pid: u32, folder: PathBuf) -> Self {
        let samples = Arc::new(Mutex::new(Vec::new()));
        let taken = Arc::clone(&samples);
        let began = Instant::now();
        let task = tokio::spawn(async move {
            let mut ticks = tokio::time::interval(EACH);
            for number in 0.. {
                ticks.tick().await;
                let queued = if usize::is_multiple_of(number, QUEUES) {
                    Flow::now(&api).await.ok().map(|flow| flow.queued.values().sum())
                } else {
                    None
                };
                // A process that has ended has no course any more.
                let (Ok(resident), Ok(open)) = (process::resident(pid), process::open_files(pid)) else { return };
                let sample = Sample {
                    seconds: began.elapsed().as_secs_f64(),
                    resident,
                    open,
                    disk: process::folder(&folder),
                    queued,
                };
                taken.lock().unwrap_or_else(PoisonError::into_inner).push(sample);
            }
        });
        Self { samples, task }
    }

    /// What there was.
    pub fn end(self) -> Course {
        self.task.abort();
        Course::of(&self.samples.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Course {
    fn of(samples: &[Sample]) -> Self {
        let trend = |of: fn(&Sample) -> f64| {
            let points: Vec<(f64, f64)> = samples.iter().map(|sample| (sample.seconds, of(sample))).collect();
            Trend::of(&points)
        };
        Self {
            seconds: samples.last().map_or(0.0, |last| last.seconds),
            resident: trend(|sample| sample.resident as f64),
            open: trend(|sample| sample.open as f64),
            disk: trend(|sample| sample.disk as f64),
            most_queued: samples.iter().filter_map(|sample| sample.queued).max().unwrap_or_default(),
        }
    }
}

impl Trend {
    /// Of points `(seconds, value)` in order.
    pub fn of(points: &[(f64, f64)]) -> Self {
        let rest = &points[(points.len() as f64 * BEGINNING) as usize..];
        let per_second = Line::through(rest).map_or(0.0, |line| line.slope);
        Self {
            first: points.first().map_or(0.0, |point| point.1),
            last: points.last().map_or(0.0, |point| point.1),
            most: points.iter().map(|point| point.1).fold(0.0, f64::max),
            per_hour: per_second * 3600.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_it_begins_is_not_how_it_goes_on() {
        let filling: Vec<(f64, f64)> = (0..30).map(|second| (f64::from(second), f64::from(second.min(10)))).collect();
        assert_eq!(Trend::of(&filling), Trend { first: 0.0, last: 10.0, most: 10.0, per_hour: 0.0 });
        let growing: Vec<(f64, f64)> = (0..30).map(|second| (f64::from(second), f64::from(second * 2))).collect();
        assert!((Trend::of(&growing).per_hour - 7200.0).abs() < 1e-6);
        assert_eq!(Trend::of(&[]), Trend { first: 0.0, last: 0.0, most: 0.0, per_hour: 0.0 });
        assert_eq!(Trend::of(&[(0.0, 5.0)]), Trend { first: 5.0, last: 5.0, most: 5.0, per_hour: 0.0 });
    }

    #[test]
    fn queues_that_were_not_looked_at_are_not_empty_ones() {
        let sample = |seconds, queued| Sample { seconds, resident: 1, open: 2, disk: 3, queued };
        let course = Course::of(&[sample(0.0, Some(4)), sample(1.0, None), sample(2.0, Some(1))]);
        assert_eq!((course.most_queued, course.seconds, course.open.most), (4, 2.0, 2.0));
    }
}
