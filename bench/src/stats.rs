//! Many measurements as few numbers.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How long something took, over many runs, in milliseconds.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Latency {
    /// How many runs.
    pub runs: usize,
    /// Half of the runs were faster.
    pub median: f64,
    /// Nine of ten were as fast. Earlier results do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p90: Option<f64>,
    /// 99 of 100 runs were as fast; with fewer runs than that, the slowest.
    pub p99: f64,
    /// The fastest.
    pub min: f64,
    /// The slowest. Earlier results do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
}

impl Latency {
    /// Of these runs.
    pub fn of(runs: &[Duration]) -> Self {
        let mut all: Vec<f64> = runs.iter().map(|run| run.as_secs_f64() * 1000.0).collect();
        all.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let index = (share * all.len() as f64).ceil() as usize;
            all.get(index.saturating_sub(1)).copied().unwrap_or_default()
        };
        let (p90, max) = (Some(at(0.9)), Some(at(1.0)));
        Self { runs: all.len(), median: at(0.5), p90, p99: at(0.99), min: at(0.0), max }
    }
}

/// The middle one.
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut all: Vec<f64> = values.into_iter().collect();
    all.sort_by(f64::total_cmp);
    match all.len() {
        0 => 0.0,
        len if len % 2 == 1 => all[len / 2],
        len => f64::midpoint(all[len / 2 - 1], all[len / 2]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies_are_ranked() {
        let runs: Vec<Duration> = (1..=200).rev().map(Duration::from_millis).collect();
        let all = Latency::of(&runs);
        assert_eq!((all.runs, all.median, all.p99, all.min), (200, 100.0, 198.0, 1.0));
        assert_eq!((all.p90, all.max), (Some(180.0), Some(200.0)));
        let few = Latency::of(&runs[..3]);
        assert_eq!((few.median, few.p99, few.min), (199.0, 200.0, 198.0));
        assert_eq!(Latency::of(&[]).median, 0.0);
    }

    #[test]
    fn the_median_of_an_even_number_lies_between() {
        assert_eq!((median([3.0, 1.0, 2.0]), median([4.0, 1.0, 2.0, 3.0]), median([])), (2.0, 2.5, 0.0));
    }
}
