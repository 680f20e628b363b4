//! The name of a namespaced object, and of what Git may declare.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// Namespace and name. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey {
    /// Namespace.
    pub namespace: Arc<str>,
    /// Name.
    pub name: Arc<str>,
}

impl ObjectKey {
    /// A key of these two.
    pub fn new(namespace: impl Into<Arc<str>>, name: impl Into<Arc<str>>) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }

    /// Reads `namespace/name`.
    pub fn parse(text: &str) -> Option<Self> {
        let (namespace, name) = text.split_once('/')?;
        (!namespace.is_empty() && !name.is_empty() && !name.contains('/')).then(|| Self::new(namespace, name))
    }

    /// Whether `text` is this key, written as `namespace/name`.
    pub fn is(&self, text: &str) -> bool {
        text.strip_prefix(&*self.namespace).and_then(|rest| rest.strip_prefix('/')) == Some(&*self.name)
    }
}

/// Whether a text can name an object: a DNS subdomain, as Kubernetes wants it of nearly every kind. Other texts have no
/// place in the path of a request.
pub fn is_name(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let label = |label: &str| {
        let bytes = label.as_bytes();
        bytes.iter().all(|&byte| inner(byte) || byte == b'-')
            && bytes.first().is_some_and(|&byte| inner(byte))
            && bytes.last().is_some_and(|&byte| inner(byte))
    };
    text.len() <= 253 && text.split('.').all(label)
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// A kind that Git may declare.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A service.
    #[default]
    MicroService,
    /// A source and how to sync it.
    GitSync,
}

impl Kind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::MicroService, Self::GitSync];

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MicroService => "MicroService",
            Self::GitSync => "GitSync",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An object that Git may declare: its kind and its name. Printed as `namespace/name`, with the kind before it where
/// that is not a MicroService.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target {
    /// Its kind.
    pub kind: Kind,
    /// Its name.
    pub key: ObjectKey,
}

impl Target {
    /// An object of that kind and name.
    pub fn new(kind: Kind, key: ObjectKey) -> Self {
        Self { kind, key }
    }

    /// A MicroService.
    pub fn service(key: ObjectKey) -> Self {
        Self::new(Kind::MicroService, key)
    }

    /// A GitSync.
    pub fn gitsync(key: ObjectKey) -> Self {
        Self::new(Kind::GitSync, key)
    }

    /// Reads what it prints.
    pub fn parse(text: &str) -> Option<Self> {
        match text.split_once(' ') {
            Some(("GitSync", name)) => ObjectKey::parse(name).map(Self::gitsync),
            Some(_) => None,
            None => ObjectKey::parse(text).map(Self::service),
        }
    }
}

impl Deref for Target {
    type Target = ObjectKey;

    fn deref(&self) -> &ObjectKey {
        &self.key
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::MicroService => self.key.fmt(f),
            Kind::GitSync => write!(f, "GitSync {}", self.key),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_dns_subdomain() {
        for name in ["a", "deployer", "git-auth.v2", "0"] {
            assert!(is_name(name), "{name}");
        }
        let long = "a".repeat(254);
        for other in ["", ".", "..", "a/b", "../x", "A", "a_b", "-a", "a-", "a..b", "a:b", "a b", "ä", &*long] {
            assert!(!is_name(other), "{other}");
        }
    }

    #[test]
    fn a_target_is_what_it_prints() {
        for text in ["shop/orders", "GitSync shop/orders"] {
            assert_eq!(Target::parse(text).map(|target| target.to_string()).as_deref(), Some(text));
        }
        for text in ["orders", "Pod shop/orders", "GitSync orders", ""] {
            assert_eq!(Target::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_key_is_what_it_prints() {
        let key = ObjectKey::new("shop", "orders");
        assert!(key.is(&key.to_string()));
        for other in ["shop/order", "shop/orders2", "shop2/orders", "shoporders", "orders", ""] {
            assert!(!key.is(other), "{other}");
        }
    }
}
