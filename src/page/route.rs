//! Which path is what. What is below neither `/api` nor `/assets` is the page itself: its views live in the URL.

use crate::model::{ObjectKey, is_name};

/// What a path leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// The page.
    Index,
    /// A file of it.
    Asset(String),
    /// Who is looking.
    Session,
    /// Counts.
    Overview,
    /// All GitSyncs.
    GitSyncs,
    /// One of them.
    GitSync(ObjectKey),
    /// MicroServices.
    Services,
    /// One of them.
    Service(ObjectKey),
    /// Its children and their pods.
    Tree(ObjectKey),
    /// What differs.
    Drift,
    /// What happened.
    Timeline,
    /// What changes.
    Events,
}

/// Every path, as docs/openapi.yaml writes it.
pub const PATHS: [&str; 12] = [
    "/",
    "/assets/{file}",
    "/api/v1/session",
    "/api/v1/overview",
    "/api/v1/gitsyncs",
    "/api/v1/gitsyncs/{namespace}/{name}",
    "/api/v1/services",
    "/api/v1/services/{namespace}/{name}",
    "/api/v1/services/{namespace}/{name}/tree",
    "/api/v1/drift",
    "/api/v1/timeline",
    "/api/v1/events",
];

impl Route {
    /// Reads a path; none where it is below `/api` or `/assets` and nothing is there.
    pub fn of(path: &str) -> Option<Self> {
        let steps: Vec<&str> = path.split('/').skip(1).collect();
        match steps.as_slice() {
            ["assets", name] => Some(Self::Asset((*name).to_owned())),
            ["assets", ..] => None,
            ["api", "v1", rest @ ..] => Self::of_api(rest),
            ["api", ..] => None,
            _ => Some(Self::Index),
        }
    }

    fn of_api(steps: &[&str]) -> Option<Self> {
        let key = |namespace: &&str, name: &&str| {
            (is_name(namespace) && is_name(name)).then(|| ObjectKey::new(*namespace, *name))
        };
        Some(match steps {
            ["session"] => Self::Session,
            ["overview"] => Self::Overview,
            ["gitsyncs"] => Self::GitSyncs,
            ["gitsyncs", namespace, name] => Self::GitSync(key(namespace, name)?),
            ["services"] => Self::Services,
            ["services", namespace, name] => Self::Service(key(namespace, name)?),
            ["services", namespace, name, "tree"] => Self::Tree(key(namespace, name)?),
            ["drift"] => Self::Drift,
            ["timeline"] => Self::Timeline,
            ["events"] => Self::Events,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_path_leads_somewhere_and_nothing_else_of_the_api_does() {
        let found: Vec<_> = PATHS
            .iter()
            .map(|path| path.replace("{namespace}", "shop").replace("{name}", "orders").replace("{file}", "a.js"))
            .map(|path| Route::of(&path).unwrap_or_else(|| panic!("{path}")))
            .collect();
        assert_eq!(found[7], Route::Service(ObjectKey::new("shop", "orders")));
        assert!(found.iter().enumerate().all(|(at, route)| !found[..at].contains(route)), "each is another");
        for view in ["/services/shop/orders", "/timeline", "/index.html", "//", "/apiary"] {
            assert_eq!(Route::of(view), Some(Route::Index), "{view}");
        }
        for nothing in [
            "/api",
            "/api/v2/services",
            "/api/v1",
            "/api/v1/",
            "/api/v1/services/",
            "/api/v1/services/a",
            "/assets",
            "/api/v1/services/a/b/tree/c",
            "/api/v1/services/A/b",
            "/api/v1/services/../b",
            "/assets/a/b",
            "/assets/../x/y",
        ] {
            assert_eq!(Route::of(nothing), None, "{nothing}");
        }
    }
}
