//! How long a lease lasts, and when its holder must have renewed it.

use std::time::Duration;

/// The three times of an election, checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    lease: Duration,
    renew: Duration,
    retry: Duration,
}

impl Times {
    /// Others wait for `lease` after a renewal; the holder ends by itself when it could not renew for `renew`; it renews
    /// every `retry`. What is wrong is said with the names of the flags.
    pub fn new(lease: Duration, renew: Duration, retry: Duration) -> Result<Self, String> {
        if lease.as_secs() == 0 || lease.subsec_nanos() != 0 || lease.as_secs() > 3600 {
            return Err("--lease-duration must be whole seconds, from 1s to 1h: a Lease stores whole seconds".into());
        }
        // What is under way when the holder ends needs a moment to be over before another may begin.
        if renew + lease / 10 > lease {
            return Err(format!(
                "--renew-deadline {renew:?} must be less than nine tenths of --lease-duration {lease:?}: a leader that \
                 could not renew must have ended before another may take over"
            ));
        }
        if retry.is_zero() || retry * 2 > renew {
            return Err(format!(
                "--retry-period {retry:?} must be more than 0 and at most half of --renew-deadline {renew:?}: one failed \
                 renewal is no loss"
            ));
        }
        Ok(Self { lease, renew, retry })
    }

    /// How long others leave the lease alone after a renewal.
    pub fn lease(&self) -> Duration {
        self.lease
    }

    /// How long the holder acts without a renewal.
    pub fn renew(&self) -> Duration {
        self.renew
    }

    /// Between two renewals, and between two tries.
    pub fn retry(&self) -> Duration {
        self.retry
    }

    /// What is left of the lease when the holder has ended.
    pub fn margin(&self) -> Duration {
        self.lease - self.renew
    }
}
