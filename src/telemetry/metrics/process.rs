//! What is known of this process as a whole when metrics are scraped: its panics, and what the kernel says in `/proc/self`.
//! Elsewhere than on Linux there is nothing to read, and those metrics are left out rather than zero.

use std::fmt;
use std::fs;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use super::contract::Row;
use crate::telemetry::panics;

/// Clock ticks per second in `/proc/self/stat`: what Linux shows to programs on every architecture that we build for.
const TICKS: f64 = 100.0;

/// A metric that is read at the scrape. What every exporter has is called as everywhere, without a prefix.
pub(super) struct Measured {
    name: &'static str,
    kind: MetricType,
    help: &'static str,
    read: fn() -> Option<f64>,
}

pub(super) const METRICS: [Measured; 3] = [
    Measured {
        name: "process_resident_memory_bytes",
        kind: MetricType::Gauge,
        help: "Memory of this process that is in RAM. Read at the scrape, on Linux.",
        read: || resident_bytes(&fs::read_to_string("/proc/self/status").ok()?),
    },
    Measured {
        name: "process_cpu_seconds_total",
        kind: MetricType::Counter,
        help: "CPU time that this process has used. Read at the scrape, on Linux.",
        read: || cpu_seconds(&fs::read_to_string("/proc/self/stat").ok()?),
    },
    Measured {
        name: "gitmoor_panics_total",
        kind: MetricType::Counter,
        help: "Panics of this process. Each is a bug; the log says where, and what it ended is begun anew.",
        // It is far from where a float begins to leave numbers out.
        read: || Some(panics::count() as f64),
    },
];

impl Measured {
    pub(super) fn row(&self) -> Row {
        let kind = if matches!(self.kind, MetricType::Counter) { "counter" } else { "gauge" };
        Row { name: self.name, kind, labels: Vec::new(), help: self.help }
    }
}

/// Reads [`METRICS`] at every scrape.
#[derive(Debug)]
pub(super) struct ProcessCollector;

impl Collector for ProcessCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for metric in &METRICS {
            let Some(value) = (metric.read)() else { continue };
            let name = metric.name.strip_suffix("_total").unwrap_or(metric.name);
            let series = encoder.encode_descriptor(name, metric.help, None, metric.kind)?;
            match metric.kind {
                MetricType::Counter => ConstCounter::new(value).encode(series)?,
                _ => ConstGauge::new(value).encode(series)?,
            }
        }
        Ok(())
    }
}

/// From `VmRSS:    1234 kB` in `/proc/self/status`.
fn resident_bytes(status: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024.0)
}

/// From `/proc/self/stat`: utime and stime are the 12th and 13th field after the command's name, which stands in
/// parentheses and may contain anything.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut times = fields.split_ascii_whitespace().skip(11).map(str::parse::<f64>);
    let (user, system) = (times.next()?.ok()?, times.next()?.ok()?);
    Some((user + system) / TICKS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_in_kilobytes() {
        assert_eq!(resident_bytes("VmPeak:\t 9 kB\nVmRSS:\t   2 kB\nVmData:\t 1 kB\n"), Some(2048.0));
        for broken in ["", "VmRSS:", "VmRSS: 2", "VmRSS: x kB"] {
            assert_eq!(resident_bytes(broken), None, "{broken}");
        }
    }

    #[test]
    fn cpu_time_is_found_behind_any_name() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194304 100 0 0 0 250 150 3 4 20 0 1 0 100 0 0";
        assert_eq!(cpu_seconds(stat), Some(4.0));
        for broken in ["", "7 (a) S 1 2", "7 (a) S 1 7 7 0 -1 4194304 100 0 0 0 x 150"] {
            assert_eq!(cpu_seconds(broken), None, "{broken}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_has_memory() {
        assert!((METRICS[0].read)().unwrap() > 0.0);
        assert!((METRICS[1].read)().is_some());
    }
}
