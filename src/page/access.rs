//! Who may look, and at what.
//!
//! A viewer sees of each namespace what Kubernetes lets them read of it: MicroServices where they may get MicroServices,
//! GitSyncs where they may get GitSyncs. Everything that leaves is cut to that: rows, counts, drift, the timeline, events.

use core::net::SocketAddr;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::model::{Kind, ObjectKey};

/// How the page knows who is looking.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub enum Access {
    /// It does not ask: whoever reaches a loopback address is a user of this machine, or forwards a port of the pod.
    #[default]
    Open,
    /// By a token of the cluster.
    Token,
    /// By what a proxy says that proves itself.
    Proxy,
}

/// The word for it.
const OPEN_ELSEWHERE: &str = "PageOpenElsewhere";

/// Why the page is not served as it was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// Everybody who reaches the address would see everything.
    #[error(
        "{word} (GM480): --page-access Open is for loopback addresses, and {0} is none; use --page-access Token \
         or Proxy, or --page 127.0.0.1:{port} with kubectl port-forward", word = OPEN_ELSEWHERE, port = .0.port()
    )]
    OpenElsewhere(SocketAddr),
}

impl Access {
    /// Whether the page may be served so at an address.
    pub fn fits(self, address: SocketAddr) -> Result<(), Unfit> {
        match self {
            Self::Open if !address.ip().to_canonical().is_loopback() => Err(Unfit::OpenElsewhere(address)),
            _ => Ok(()),
        }
    }
}

/// Somebody, as Kubernetes knows them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Identity {
    /// Name.
    #[serde(alias = "username")]
    pub user: String,
    /// Groups.
    pub groups: Vec<String>,
    /// UID, where there is one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub uid: String,
    /// What else an authorizer may go by.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub extra: BTreeMap<String, Vec<String>>,
}

/// Some namespaces.
#[derive(Clone, PartialEq, Eq)]
pub enum Namespaces {
    /// All that there are and will be.
    All,
    /// These.
    These(BTreeSet<Arc<str>>),
}

/// What a viewer may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rights {
    /// MicroServices of these namespaces.
    pub services: Namespaces,
    /// GitSyncs of these namespaces.
    pub gitsyncs: Namespaces,
}

impl Namespaces {
    /// Whether it is among them.
    pub fn has(&self, namespace: &str) -> bool {
        match self {
            Self::All => true,
            Self::These(these) => these.contains(namespace),
        }
    }
}

impl fmt::Debug for Namespaces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::These(these) => write!(f, "{} namespaces", these.len()),
        }
    }
}

impl Rights {
    /// Everything.
    pub const ALL: Self = Self { services: Namespaces::All, gitsyncs: Namespaces::All };

    /// Whether an object may be seen.
    pub fn see(&self, kind: Kind, key: &ObjectKey) -> bool {
        self.of(kind).has(&key.namespace)
    }

    /// Whether `namespace/name` of a MicroService may be seen.
    pub fn see_service(&self, name: &str) -> bool {
        ObjectKey::parse(name).is_some_and(|key| self.see(Kind::MicroService, &key))
    }

    /// The namespaces of a kind.
    pub fn of(&self, kind: Kind) -> &Namespaces {
        match kind {
            Kind::MicroService => &self.services,
            Kind::GitSync => &self.gitsyncs,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_asking_who_it_is_the_page_is_for_loopback_addresses() {
        let check = |address: &str, open: bool| {
            let address = address.parse().unwrap();
            assert_eq!(Access::Open.fits(address).is_ok(), open, "{address}");
            assert!(Access::Token.fits(address).is_ok() && Access::Proxy.fits(address).is_ok());
        };
        for loopback in ["127.0.0.1:80", "127.9.9.9:1", "[::1]:80", "[::ffff:127.0.0.1]:80"] {
            check(loopback, true);
        }
        for other in ["0.0.0.0:80", "[::]:80", "10.0.0.1:80", "192.168.1.1:8082", "[fe80::1]:80"] {
            check(other, false);
        }
        let said = Access::Open.fits("0.0.0.0:8082".parse().unwrap()).unwrap_err().to_string();
        assert!(said.contains("--page 127.0.0.1:8082") && said.contains("GM480"), "{said}");
    }

    #[test]
    fn a_viewer_sees_the_namespaces_that_they_may_read_and_no_others() {
        let rights = Rights {
            services: Namespaces::These(["shop".into(), "pay".into()].into()),
            gitsyncs: Namespaces::These(["ops".into()].into()),
        };
        assert!(rights.see_service("shop/a") && rights.see(Kind::GitSync, &ObjectKey::new("ops", "main")));
        for hidden in ["ops/a", "shopping/a", "shop", "", "/a"] {
            assert!(!rights.see_service(hidden), "{hidden}");
        }
        assert!(!rights.see(Kind::GitSync, &ObjectKey::new("shop", "main")));
        assert!(Rights::ALL.see_service("any/thing"));
    }

    #[test]
    fn how_many_namespaces_somebody_sees_is_logged_and_not_which() {
        let these = Namespaces::These(["secret-project".into()].into());
        assert_eq!(format!("{these:?}"), "1 namespaces");
    }
}
