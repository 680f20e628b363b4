//! Versions: that of a server, and which of two releases is older.

use serde_json::Value;

/// The first minor version of Kubernetes 1 with the policies that protect (ValidatingAdmissionPolicy in v1).
const OLDEST: u32 = 30;
/// The first with what attribution needs, and with impersonation that is bounded.
const STAMPS: u32 = 36;
/// The newest that it is tested with.
const TESTED: u32 = 37;

/// The version of an API server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerVersion {
    /// As it says it.
    pub git: String,
    minor: u32,
}

impl ServerVersion {
    /// Reads the answer of /version. Some providers write the minor version with a sign behind it.
    pub fn of(answer: &Value) -> Option<Self> {
        let digits = |field: &str| {
            let text = answer[field].as_str()?;
            text.trim_end_matches(|letter: char| !letter.is_ascii_digit()).parse::<u32>().ok()
        };
        let git = answer["gitVersion"].as_str()?.to_owned();
        (digits("major")? == 1).then_some(Self { git, minor: digits("minor")? })
    }

    /// What keeps it from being used at all.
    pub fn too_old(&self) -> Option<String> {
        let git = &self.git;
        (self.minor < OLDEST)
            .then(|| format!("Kubernetes {git} is too old: 1.{OLDEST} or later is needed; upgrade the cluster"))
    }

    /// What keeps attribution from being used.
    pub fn cannot_stamp(&self) -> Option<String> {
        let git = &self.git;
        (self.minor < STAMPS).then(|| {
            format!("Kubernetes {git} has no MutatingAdmissionPolicy in v1, which attribution needs: 1.{STAMPS} has it")
        })
    }

    /// What one should know of it.
    pub fn note(&self) -> Option<String> {
        let git = &self.git;
        match self.minor {
            minor if minor < STAMPS => Some(format!(
                "Kubernetes {git} works; before 1.{STAMPS} there is no attribution, and spec.serviceAccountName needs the \
                 whole right to impersonate (see deploy/access.yaml)"
            )),
            minor if minor > TESTED => {
                Some(format!("Kubernetes {git} is newer than what this version is tested with, 1.{TESTED}"))
            }
            _ => None,
        }
    }
}

/// Whether a release comes before another. What is no version is not compared.
pub fn is_older(one: &str, other: &str) -> bool {
    match (semver::Version::parse(one), semver::Version::parse(other)) {
        (Ok(one), Ok(other)) => one < other,
        _ => false,
    }
}
