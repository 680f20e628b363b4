//! The ServiceAccount that writes are made as, and what says so.

use std::fmt;

use super::key::ObjectKey;

/// A ServiceAccount that is impersonated for every write of MicroServices and namespaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its name; its namespace is the GitSync's.
    pub key: ObjectKey,
    /// What says that it is the one.
    pub rule: AccountRule,
}

/// What says which ServiceAccount writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountRule {
    /// The GitSync's spec.
    Spec,
    /// The operator, for every GitSync that names none.
    Flag,
}

impl Account {
    /// The user that Kubernetes takes it for. Its groups follow from that.
    pub fn user(&self) -> String {
        format!("system:serviceaccount:{}:{}", self.key.namespace, self.key.name)
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServiceAccount {} ({})", self.key, self.rule)
    }
}

impl fmt::Display for AccountRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Spec => "by spec.serviceAccountName",
            Self::Flag => "by the operator's flag --default-service-account",
        })
    }
}
