//! The page in an installation: whether the daemon serves it and to whom, and what that needs beside. It only changes
//! manifests: what the daemon's flags mean is said where they are read.

use serde_json::{Value, json};

/// The Secret with what a proxy proves itself with, where nobody names another; it is under the key `secret`.
pub const PROXY_SECRET: &str = "gitmoor-page-proxy";
/// The container's port, where it has one.
pub const PORT: u16 = 8082;

/// As the manifest of the daemon has it.
const LOOPBACK: &str = "--page=127.0.0.1:8082";
const EVERYWHERE: &str = "--page=0.0.0.0:8082";

/// Who looks at the page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Page {
    /// Nobody: there is none.
    None,
    /// Whoever may forward a port to the daemon's pods. Nothing of it is on the network.
    #[default]
    Open,
    /// Whoever has a token of the cluster, by a Service.
    Token,
    /// Whom a proxy names, by a Service.
    Proxy {
        /// The Secret with what it proves itself with.
        secret: String,
    },
}

impl Page {
    /// Whether it is served on the pod's network: then it has a Service, and the daemon the right to ask who is looking.
    pub fn is_on_the_network(&self) -> bool {
        matches!(self, Self::Token | Self::Proxy { .. })
    }

    /// How a running daemon has it, by its Deployment.
    pub fn of(deployment: &Value) -> Self {
        let container = &deployment["spec"]["template"]["spec"]["containers"][0];
        let flags = || container["args"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let value = |name: &str| flags().filter_map(|flag| flag.strip_prefix(name)?.strip_prefix('=')).next_back();
        let access = value("--page-access").unwrap_or_default();
        match value("--page") {
            None | Some("none") => Self::None,
            Some(_) if access.eq_ignore_ascii_case("Token") => Self::Token,
            Some(_) if access.eq_ignore_ascii_case("Proxy") => Self::Proxy { secret: PROXY_SECRET.to_owned() },
            Some(_) => Self::Open,
        }
    }

    /// The daemon's manifests with this page instead of the open one.
    pub(super) fn put_into(&self, mut object: Value) -> Value {
        if object["kind"] == "Deployment" {
            let pod = &mut object["spec"]["template"]["spec"];
            self.put_into_pod(pod);
        }
        if object["kind"] == "NetworkPolicy" && self.is_on_the_network() {
            push(&mut object["spec"]["ingress"][0]["ports"], json!({"port": "page", "protocol": "TCP"}));
        }
        object
    }

    fn put_into_pod(&self, pod: &mut Value) {
        let container = &mut pod["containers"][0];
        if let Some(flags) = container["args"].as_array_mut()
            && let Some(at) = flags.iter().position(|flag| *flag == LOOPBACK)
        {
            flags.splice(at..=at, self.flags().into_iter().map(Value::from));
        }
        if self.is_on_the_network() {
            push(&mut container["ports"], json!({"name": "page", "containerPort": PORT}));
        }
        if let Self::Proxy { secret } = self {
            push(&mut container["volumeMounts"], json!({"name": "page", "mountPath": "/page", "readOnly": true}));
            push(&mut pod["volumes"], json!({"name": "page", "secret": {"secretName": secret}}));
        }
    }

    fn flags(&self) -> Vec<&'static str> {
        match self {
            Self::None => Vec::new(),
            Self::Open => vec![LOOPBACK],
            Self::Token => vec![EVERYWHERE, "--page-access=Token"],
            Self::Proxy { .. } => {
                vec![EVERYWHERE, "--page-access=Proxy", "--page-proxy-secret-file=/page/secret"]
            }
        }
    }
}

fn push(list: &mut Value, item: Value) {
    if let Some(list) = list.as_array_mut() {
        list.push(item);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Choice, Object, objects};
    use super::*;

    fn choice(page: Page) -> Choice {
        Choice { page, ..Choice::default() }
    }

    fn proxy() -> Page {
        Page::Proxy { secret: "sso".into() }
    }

    fn find(choice: &Choice, kind: &str, name: &str) -> Option<Value> {
        objects(choice).unwrap().into_iter().find(|one| one.is(kind) && &*one.key.name == name).map(|one| one.body)
    }

    #[test]
    fn the_daemon_is_told_whom_to_show_it_to() {
        let check = |page: Page, expected: &[&str]| {
            let deployment = find(&choice(page.clone()), "Deployment", "gitmoor").unwrap();
            let flags = deployment["spec"]["template"]["spec"]["containers"][0]["args"].as_array().unwrap().clone();
            let said: Vec<_> = flags.iter().filter_map(Value::as_str).filter(|flag| flag.contains("page")).collect();
            assert_eq!(said, expected, "{page:?}");
            assert_eq!(flags.last().unwrap(), "--log-format=json", "the others stay");
        };
        check(Page::None, &[]);
        check(Page::Open, &["--page=127.0.0.1:8082"]);
        check(Page::Token, &["--page=0.0.0.0:8082", "--page-access=Token"]);
        check(proxy(), &["--page=0.0.0.0:8082", "--page-access=Proxy", "--page-proxy-secret-file=/page/secret"]);
    }

    #[test]
    fn only_a_page_on_the_network_has_a_port_a_service_and_the_right_to_ask() {
        for (page, expected) in [(Page::None, false), (Page::Open, false), (Page::Token, true), (proxy(), true)] {
            let choice = choice(page.clone());
            assert_eq!(find(&choice, "Service", "gitmoor-page").is_some(), expected, "{page:?}");
            assert_eq!(find(&choice, "ClusterRole", "gitmoor-page").is_some(), expected, "{page:?}");
            assert_eq!(find(&choice, "ClusterRoleBinding", "gitmoor-page").is_some(), expected, "{page:?}");
            let text = |kind: &str| find(&choice, kind, "gitmoor").unwrap()["spec"].to_string();
            assert_eq!(text("NetworkPolicy").contains("page"), expected, "{page:?}");
            assert_eq!(text("Deployment").contains("\"containerPort\":8082"), expected, "{page:?}");
        }
    }

    #[test]
    fn what_a_proxy_proves_itself_with_comes_from_a_secret() {
        let deployment = find(&choice(proxy()), "Deployment", "gitmoor").unwrap();
        let pod = &deployment["spec"]["template"]["spec"];
        let of = |list: &Value| list.as_array().unwrap().iter().find(|one| one["name"] == "page").cloned();
        assert_eq!(of(&pod["volumes"]).unwrap()["secret"], json!({"secretName": "sso"}));
        assert_eq!(of(&pod["containers"][0]["volumeMounts"]).unwrap()["mountPath"], "/page");
        let token = find(&choice(Page::Token), "Deployment", "gitmoor").unwrap();
        assert_eq!(of(&token["spec"]["template"]["spec"]["volumes"]), None);
    }

    #[test]
    fn what_is_installed_is_read_back() {
        let read = |page: Page| Page::of(&find(&choice(page), "Deployment", "gitmoor").unwrap());
        for page in [Page::None, Page::Open, Page::Token, Page::Proxy { secret: PROXY_SECRET.to_owned() }] {
            assert_eq!(read(page.clone()), page);
        }
        assert_eq!(Page::of(&json!({})), Page::None, "what is not seen is not claimed");
        let flags = |all: &[&str]| json!({"spec": {"template": {"spec": {"containers": [{"args": all}]}}}});
        assert_eq!(Page::of(&flags(&["--page=:1", "--page-access=token"])), Page::Token, "as the daemon reads it");
        assert_eq!(Page::of(&flags(&["--page=:1", "--page=none"])), Page::None, "the last one counts");
    }

    #[test]
    fn a_page_on_the_network_needs_two_rights_more() {
        let rights = |page: Page| super::super::rights(&choice(page)).unwrap();
        let more: Vec<_> = rights(Page::Token).into_iter().filter(|one| !rights(Page::Open).contains(one)).collect();
        let said: Vec<_> = more.iter().map(ToString::to_string).collect();
        assert_eq!(
            said,
            ["create tokenreviews.authentication.k8s.io", "create subjectaccessreviews.authorization.k8s.io"]
        );
    }

    #[test]
    fn its_objects_are_named_for_whoever_removes_them() {
        let left: Vec<_> = super::super::left_out(&choice(Page::Open)).unwrap().iter().map(Object::name).collect();
        for expected in
            ["ClusterRole gitmoor-page", "ClusterRoleBinding gitmoor-page", "Service gitmoor-system/gitmoor-page"]
        {
            assert!(left.iter().any(|one| one == expected), "{expected} in {left:?}");
        }
    }
}
