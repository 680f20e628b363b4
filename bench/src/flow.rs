//! What the API server says of its own queues: priority and fairness, from its metrics.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::api::Api;

/// Requests that were turned away, by level and reason.
const REJECTED: &str = "apiserver_flowcontrol_rejected_requests_total";
/// Requests that wait, by level.
const QUEUED: &str = "apiserver_flowcontrol_current_inqueue_requests";
/// Requests that were let through, by the schema that they came under.
const DISPATCHED: &str = "apiserver_flowcontrol_dispatched_requests_total";

/// What the metrics say at a moment; what is zero is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flow {
    /// Turned away so far, by level and reason.
    pub rejected: BTreeMap<String, u64>,
    /// Waiting now, by level.
    pub queued: BTreeMap<String, u64>,
    /// Let through so far, by schema and level.
    pub dispatched: BTreeMap<String, u64>,
}

impl Flow {
    /// Now.
    pub async fn now(api: &Api) -> anyhow::Result<Self> {
        let request = http::Request::get("/metrics").body(Vec::new())?;
        Ok(Self::read(&api.client.request_text(request).await?))
    }

    /// Reads the metrics.
    pub fn read(text: &str) -> Self {
        let mut flow = Self::default();
        for line in text.lines() {
            let Some((name, rest)) = line.split_once('{') else { continue };
            let Some((labels, value)) = rest.rsplit_once("} ") else { continue };
            let (into, by) = match name {
                REJECTED => (&mut flow.rejected, ["priority_level", "reason"]),
                QUEUED => (&mut flow.queued, ["priority_level", ""]),
                DISPATCHED => (&mut flow.dispatched, ["flow_schema", "priority_level"]),
                _ => continue,
            };
            let count = value.parse::<f64>().map_or(0, |value| value as u64);
            if count > 0 {
                let words: Vec<&str> = by.iter().filter_map(|name| label(labels, name)).collect();
                *into.entry(words.join(" ")).or_default() += count;
            }
        }
        flow
    }

    /// All that were turned away.
    pub fn all_rejected(&self) -> u64 {
        self.rejected.values().sum()
    }

    /// All that were let through under a schema.
    pub fn dispatched(&self, schema: &str) -> u64 {
        let of = |name: &str| name.split(' ').next() == Some(schema);
        self.dispatched.iter().filter(|(name, _)| of(name)).map(|(_, count)| count).sum()
    }
}

fn label<'a>(labels: &'a str, name: &str) -> Option<&'a str> {
    labels
        .split(',')
        .find_map(|pair| pair.split_once('=').filter(|(key, _)| *key == name))
        .map(|(_, value)| value.trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queues_are_read_by_level_and_summed() {
        let text = r#"
# HELP apiserver_flowcontrol_rejected_requests_total [BETA] Number of requests rejected
apiserver_flowcontrol_rejected_requests_total{flow_schema="a",priority_level="workload-low",reason="queue-full"} 3
apiserver_flowcontrol_rejected_requests_total{flow_schema="b",priority_level="workload-low",reason="queue-full"} 4
apiserver_flowcontrol_current_inqueue_requests{flow_schema="a",priority_level="workload-low"} 0
apiserver_flowcontrol_current_inqueue_requests{flow_schema="a",priority_level="leader-election"} 2
apiserver_flowcontrol_dispatched_requests_total{flow_schema="service-accounts",priority_level="workload-low"} 1.2e+03
apiserver_flowcontrol_dispatched_requests_total{flow_schema="exempt",priority_level="exempt"} 7
apiserver_request_total{code="200"} 9
"#;
        let flow = Flow::read(text);
        assert_eq!(flow.rejected, BTreeMap::from([("workload-low queue-full".to_owned(), 7)]));
        assert_eq!(flow.queued, BTreeMap::from([("leader-election".to_owned(), 2)]));
        assert_eq!((flow.all_rejected(), flow.dispatched("service-accounts")), (7, 1200));
        assert_eq!(Flow::read("garbage { } x\nno"), Flow::default());
    }
}
