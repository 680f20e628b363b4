//! ApplySet membership, by Kubernetes' specification (KEP-3659).

use data_encoding::BASE64URL_NOPAD;
use sha2::{Digest, Sha256};

use crate::api::GROUP;

/// The id of a GitSync's set: the same for every GitSync of that name, whatever its UID.
pub fn id(namespace: &str, name: &str) -> String {
    let digest = Sha256::digest(format!("{name}.{namespace}.GitSync.{GROUP}"));
    format!("applyset-{}-v1", BASE64URL_NOPAD.encode(&digest))
}

/// The value of the tooling annotation: kubectl refuses to touch a set of another tool.
pub fn tooling() -> String {
    format!("gitmoor/v{}", env!("CARGO_PKG_VERSION"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_id_has_the_specified_form() {
        let id = super::id("gitmoor-system", "shop");
        assert!(id.starts_with("applyset-") && id.ends_with("-v1"), "{id}");
        assert_eq!(id.len(), "applyset-".len() + 43 + "-v1".len());
        assert_ne!(id, super::id("shop", "gitmoor-system"));
    }
}
