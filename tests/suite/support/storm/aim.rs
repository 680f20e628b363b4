//! Kills a process at a moment that a proxy sees.

use std::process::{Command, Stdio};

use serde_json::Value;

/// What a daemon asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Amid {
    /// It writes a service.
    Apply,
    /// It deletes a service.
    Prune,
    /// It writes a status.
    Status,
    /// It writes a child of a service.
    Child,
    /// It takes, renews or gives back the Lease.
    Lease,
    /// It gives back the Lease.
    Release,
}

impl Amid {
    /// Whether it depends on what a request says.
    pub fn reads(method: &http::Method, path: &str) -> bool {
        Self::Lease.is(method, path, &[])
    }

    /// Whether a request is one of these. What it says is known of writes of the Lease.
    pub fn is(self, method: &http::Method, path: &str, body: &[u8]) -> bool {
        let ours = path.contains("/apis/gitmoor.dev/");
        let status = path.ends_with("/status");
        let writes = !matches!(*method, http::Method::GET | http::Method::HEAD);
        match self {
            Self::Apply => method == http::Method::PATCH && path.contains("/microservices/") && ours && !status,
            Self::Prune => method == http::Method::DELETE && path.contains("/microservices/") && ours,
            Self::Status => writes && ours && status,
            Self::Child => writes && !ours && !path.contains("/events") && !path.contains("/leases"),
            Self::Lease => writes && path.contains("/leases"),
            Self::Release => Self::reads(method, path) && is_nobodys(body),
        }
    }
}

/// Whether a Lease says that nobody has it from now on.
fn is_nobodys(lease: &[u8]) -> bool {
    let lease: Value = serde_json::from_slice(lease).unwrap_or_default();
    let holder = lease["spec"].get("holderIdentity");
    holder.is_some_and(|holder| holder.is_null() || holder == "")
}

/// Who is killed when.
#[derive(Debug, Clone, Copy)]
pub struct Aim {
    pub process: u32,
    pub amid: Amid,
    /// When it was done, and not before.
    pub after: bool,
}

impl Aim {
    pub fn kill(self) {
        // It may have ended by itself.
        Command::new("kill").args(["-KILL", &self.process.to_string()]).stderr(Stdio::null()).status().ok();
    }
}

#[test]
fn a_request_is_told_by_what_it_does() {
    let is = |amid: Amid, method: http::Method, path: &str| amid.is(&method, path, &[]);
    let service = "/apis/gitmoor.dev/v1alpha1/namespaces/a/microservices/b";
    let status = format!("{service}/status");
    let child = "/apis/apps/v1/namespaces/a/deployments/b";
    assert!(is(Amid::Apply, http::Method::PATCH, service) && !is(Amid::Apply, http::Method::PATCH, &status));
    assert!(is(Amid::Prune, http::Method::DELETE, service) && !is(Amid::Prune, http::Method::PATCH, service));
    assert!(is(Amid::Status, http::Method::PATCH, &status) && !is(Amid::Status, http::Method::GET, &status));
    assert!(is(Amid::Child, http::Method::PATCH, child) && !is(Amid::Child, http::Method::PATCH, service));
    let lease = "/apis/coordination.k8s.io/v1/namespaces/a/leases/b";
    assert!(is(Amid::Lease, http::Method::PUT, lease) && !is(Amid::Child, http::Method::PUT, lease));
    let gives_back = |body: &str| Amid::Release.is(&http::Method::PATCH, lease, body.as_bytes());
    assert!(gives_back(r#"{"spec":{"holderIdentity":null}}"#) && gives_back(r#"{"spec":{"holderIdentity":""}}"#));
    assert!(!gives_back(r#"{"spec":{"holderIdentity":"a"}}"#) && !gives_back(r#"{"spec":{}}"#) && !gives_back("{"));
    assert!(!Amid::Release.is(&http::Method::GET, lease, br#"{"spec":{"holderIdentity":null}}"#));
}
