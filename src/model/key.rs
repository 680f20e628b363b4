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

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_what_it_prints() {
        let key = ObjectKey::new("shop", "orders");
        assert!(key.is(&key.to_string()));
        for other in ["shop/order", "shop/orders2", "shop2/orders", "shoporders", "orders", ""] {
            assert!(!key.is(other), "{other}");
        }
    }
}
