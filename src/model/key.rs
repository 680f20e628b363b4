//! The name of a namespaced object.

use std::fmt;
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
    fn a_key_is_what_it_prints() {
        let key = ObjectKey::new("shop", "orders");
        assert!(key.is(&key.to_string()));
        for other in ["shop/order", "shop/orders2", "shop2/orders", "shoporders", "orders", ""] {
            assert!(!key.is(other), "{other}");
        }
    }
}
