//! What can be wrong with an installation, in words that have a code.

use super::codes;

/// One thing that is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The API server lacks what is needed.
    ServerTooOld,
    /// Two clocks differ.
    ClockSkew,
    /// A kind is not served.
    CrdMissing,
    /// A kind is served in another version only.
    CrdOther,
    /// The daemon lacks rights.
    RightsMissing,
    /// The daemon does not run as it should.
    DaemonNotReady,
    /// A repository is not reached.
    GitUnreached,
    /// GitSyncs wait for a daemon to delete what they applied.
    FinalizerInTheWay,
    /// Webhooks cannot arrive.
    WebhookUnreached,
}

impl Fault {
    /// A stable CamelCase word.
    pub fn reason(self) -> &'static str {
        match self {
            Self::ServerTooOld => "ServerTooOld",
            Self::ClockSkew => "ClockSkew",
            Self::CrdMissing => "CrdMissing",
            Self::CrdOther => "CrdOther",
            Self::RightsMissing => "RightsMissing",
            Self::DaemonNotReady => "DaemonNotReady",
            Self::GitUnreached => "GitUnreached",
            Self::FinalizerInTheWay => "FinalizerInTheWay",
            Self::WebhookUnreached => "WebhookUnreached",
        }
    }

    /// The stable code of that word.
    pub fn code(self) -> &'static str {
        codes::code_of(self.reason()).unwrap_or_default()
    }
}
