//! The flags about several daemons of which one acts.

use std::time::Duration;

use anyhow::anyhow;
use clap::Args;

use crate::app::Election;
use crate::election::Times;
use crate::sync::parse_duration;

/// How several daemons find out which of them acts.
#[derive(Debug, Clone, Args)]
pub struct ElectionArgs {
    /// Act only while holding a Lease, and stand by otherwise: of several daemons one acts. A daemon that stands by keeps
    /// its caches warm and passes webhooks on.
    #[arg(long, conflicts_with = "watch")]
    pub leader_elect: bool,
    /// Name of the Lease, in the operator's namespace.
    #[arg(long, value_name = "NAME", default_value = "gitmoor", requires = "leader_elect")]
    pub lease_name: String,
    /// Others take over when the leader has not renewed the Lease for so long. Whole seconds.
    #[arg(long, value_name = "DURATION", default_value = "15s", value_parser = duration, requires = "leader_elect")]
    pub lease_duration: Duration,
    /// A leader that could not renew the Lease for so long ends.
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration, requires = "leader_elect")]
    pub renew_deadline: Duration,
    /// Between two renewals, and between two tries.
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = duration, requires = "leader_elect")]
    pub retry_period: Duration,
}

impl ElectionArgs {
    /// What the flags say; none without --leader-elect.
    pub fn election(&self) -> anyhow::Result<Option<Election>> {
        if !self.leader_elect {
            return Ok(None);
        }
        let times = Times::new(self.lease_duration, self.renew_deadline, self.retry_period);
        let times = times.map_err(|wrong| anyhow!(wrong))?;
        Ok(Some(Election { lease: self.lease_name.clone(), identity: identity(), times }))
    }
}

/// Of the machine, for people, and of this very process, by chance: a restarted pod has the same name.
fn identity() -> String {
    let named = std::env::var("HOSTNAME").or_else(|_| std::fs::read_to_string("/proc/sys/kernel/hostname"));
    let host = named.unwrap_or_default();
    let host = match host.trim() {
        "" => "gitmoor",
        host => host,
    };
    format!("{host}_{:016x}", fastrand::u64(..))
}

fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).ok_or_else(|| "not a duration such as 15s or 1500ms".to_owned())
}
