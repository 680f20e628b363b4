//! What went wrong with a call, in the words that decide what is done about it.

use std::time::Duration;

use crate::model::codes;

use kube::core::ApiResource;

/// A failed call.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CallError {
    /// 409: somebody else owns a field, or a precondition no longer holds.
    #[error("{0}")]
    Conflict(String),
    /// 404 of the object itself.
    #[error("{0}")]
    NotFound(String),
    /// The namespace does not exist.
    #[error("namespace {0:?} does not exist; create it, or set spec.createNamespaces on the GitSync")]
    NamespaceMissing(String),
    /// The namespace is being deleted.
    #[error("namespace {0:?} is being deleted")]
    NamespaceTerminating(String),
    /// The kind is not served: its CRD is missing.
    #[error("the cluster does not know {0}; install the CRDs with: gitmoor crds | kubectl apply --server-side -f -")]
    KindMissing(String),
    /// 401 or 403: a right is missing, or admission refused.
    #[error("{0}")]
    Forbidden(String),
    /// 403: Gitmoor itself may not write as the ServiceAccount that it should write as.
    #[error("{0}")]
    ImpersonationForbidden(String),
    /// 400 or 422: the server will not take this body.
    #[error("{0}")]
    Invalid(String),
    /// 429, or 503 with advice when to come back.
    #[error("the API server asked to slow down: {message}")]
    Throttled {
        /// Its words.
        message: String,
        /// Its advice.
        retry_after: Option<Duration>,
    },
    /// 5xx.
    #[error("the API server failed: {0}")]
    Server(String),
    /// No answer within the deadline.
    #[error("the API server did not answer within {0:?}")]
    Timeout(Duration),
    /// No connection, or one that broke.
    #[error("the API server cannot be reached: {0}")]
    Unreachable(String),
    /// This process may not write: it does not lead, or leads no more.
    #[error("this process does not lead, so nothing was asked of the API server")]
    NotLeading,
    /// An answer that is not what the API promises.
    #[error("the API server sent something unexpected: {0}")]
    Unexpected(String),
}

impl CallError {
    /// CamelCase word for conditions and metrics.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Conflict(_) => "Conflict",
            Self::NotFound(_) => "NotFound",
            Self::NamespaceMissing(_) => "NamespaceMissing",
            Self::NamespaceTerminating(_) => "NamespaceTerminating",
            Self::KindMissing(_) => "KindMissing",
            Self::Forbidden(_) => "Forbidden",
            Self::ImpersonationForbidden(_) => "ImpersonationForbidden",
            Self::Invalid(_) => "Invalid",
            Self::Throttled { .. } => "Throttled",
            Self::Server(_) => "ServerError",
            Self::Timeout(_) => "ServerTimeout",
            Self::Unreachable(_) => "Unreachable",
            Self::NotLeading => "NotLeading",
            Self::Unexpected(_) => "UnexpectedAnswer",
        }
    }

    /// The stable code of that word.
    pub fn code(&self) -> &'static str {
        codes::code_of(self.reason()).unwrap_or_default()
    }

    /// Whether the same call may succeed a moment later without anybody doing anything.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Throttled { .. } | Self::Server(_) | Self::Timeout(_) | Self::Unreachable(_) | Self::Unexpected(_)
        )
    }

    /// Whether it says of this try alone that nothing came of it: it was not let through to the object.
    pub(super) fn was_turned_away(&self) -> bool {
        matches!(self, Self::Throttled { .. } | Self::Forbidden(_) | Self::ImpersonationForbidden(_))
    }

    /// Reads kube's error. `namespace` is the one that was written to.
    pub fn from_kube(error: kube::Error, namespace: &str) -> Self {
        match error {
            kube::Error::Api(status) => Self::from_answer(&status, None, namespace),
            kube::Error::SerdeError(error) => Self::Unexpected(error.to_string()),
            other => Self::Unreachable(innermost(&other)),
        }
    }

    /// Reads a refusal. `advice` is what its head says of when to come back.
    pub(super) fn from_answer(status: &kube::core::Status, advice: Option<Duration>, namespace: &str) -> Self {
        let message = status.message.clone();
        let details = status.details.as_ref();
        match status.code {
            404 if details.is_some_and(|details| details.kind == "namespaces") => {
                Self::NamespaceMissing(namespace.to_owned())
            }
            // A path that is not served answers without naming an object.
            404 if details.is_none_or(|details| details.name.is_empty()) => Self::KindMissing("this kind".into()),
            404 => Self::NotFound(message),
            409 => Self::Conflict(message),
            403 if has_cause(status, "NamespaceTerminating") => Self::NamespaceTerminating(namespace.to_owned()),
            401 => Self::Forbidden(format!(
                "the API server does not know who asks ({message}); renew the kubeconfig's credentials, or look whether Gitmoor's ServiceAccount still exists"
            )),
            403 => Self::Forbidden(with_advice(message)),
            400 | 422 | 413 | 415 => Self::Invalid(message),
            429 => {
                let seconds = details.map_or(0, |details| details.retry_after_seconds);
                let within = (seconds > 0).then(|| Duration::from_secs(seconds.into()));
                Self::Throttled { message, retry_after: advice.or(within) }
            }
            503 if advice.is_some() => Self::Throttled { message, retry_after: advice },
            // A body that does not fit the schema: the server says 500 where it means 422.
            500 if message.starts_with("failed to create typed patch object") => Self::Invalid(message),
            500..=599 => Self::Server(message),
            code => Self::Unexpected(format!("{code} {message}")),
        }
    }
}

/// Whether a call that ended with that word was surely not carried out. Any other word leaves that open: no answer or a broken one,
/// a term that ended meanwhile, a bug of ours after it was sent.
pub fn was_refused(reason: &str) -> bool {
    const REFUSALS: [&str; 8] = [
        "Conflict",
        "NamespaceMissing",
        "NamespaceTerminating",
        "KindMissing",
        "Forbidden",
        "ImpersonationForbidden",
        "Invalid",
        "Throttled",
    ];
    REFUSALS.contains(&reason)
}

/// What the daemon's operator does about a right that is missing.
const ADVICE: &str =
    "; grant it by RBAC (all that Gitmoor itself needs: kubectl apply --server-side -f deploy/access.yaml)";

/// A right that is missing is named by the server: `User "x" cannot patch resource "y" …`. What to do about it is not.
/// What admission refused says itself what it wants.
fn with_advice(message: String) -> String {
    let by_rbac = message.contains(" cannot ") && message.contains(" resource ");
    if by_rbac { message + ADVICE } else { message }
}

fn has_cause(status: &kube::core::Status, reason: &str) -> bool {
    status.details.as_ref().is_some_and(|details| details.causes.iter().any(|cause| cause.reason == reason))
}

/// The last error of the chain says what happened; those above repeat that a request failed.
pub(super) fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

impl CallError {
    /// The server's words about a right that is missing, where it is: for people, who need other advice than the daemon.
    pub fn missing_right(&self) -> Option<&str> {
        match self {
            Self::Forbidden(message) => message.strip_suffix(ADVICE),
            _ => None,
        }
    }

    /// Names the kind where the server does not know it.
    pub(super) fn of_kind(self, kind: &ApiResource) -> Self {
        match self {
            Self::KindMissing(_) => Self::KindMissing(format!("{} of {}", kind.kind, kind.api_version)),
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(code: u16, message: &str, expected: &str) {
        let status = kube::core::Status { code, message: message.into(), ..kube::core::Status::default() };
        let error = CallError::from_answer(&status, None, "shop");
        assert_eq!((error.reason(), error.to_string().as_str()), ("Forbidden", expected));
    }

    #[test]
    fn a_missing_right_is_named_with_what_to_do_about_it() {
        let refused =
            "ms.x is forbidden: User \"u\" cannot patch resource \"ms\" in API group \"x\" in the namespace \"shop\"";
        let advice =
            "; grant it by RBAC (all that Gitmoor itself needs: kubectl apply --server-side -f deploy/access.yaml)";
        check(403, refused, &format!("{refused}{advice}"));
        let status = kube::core::Status { code: 403, message: refused.into(), ..kube::core::Status::default() };
        assert_eq!(CallError::from_answer(&status, None, "shop").missing_right(), Some(refused));
    }

    #[test]
    fn what_may_have_been_done_is_no_refusal() {
        let words = String::new;
        let check = |error: CallError, expected: bool| {
            assert_eq!(was_refused(error.reason()), expected, "{error:?}");
            // What may have been done is what may be tried again, and nothing of it is taken for a refusal.
            assert!(!(expected && error.is_transient()) || error.was_turned_away(), "{error:?}");
        };
        check(CallError::Conflict(words()), true);
        check(CallError::NamespaceMissing(words()), true);
        check(CallError::NamespaceTerminating(words()), true);
        check(CallError::KindMissing(words()), true);
        check(CallError::Forbidden(words()), true);
        check(CallError::ImpersonationForbidden(words()), true);
        check(CallError::Invalid(words()), true);
        check(CallError::Throttled { message: words(), retry_after: None }, true);
        check(CallError::Server(words()), false);
        check(CallError::Timeout(Duration::ZERO), false);
        check(CallError::Unreachable(words()), false);
        check(CallError::Unexpected(words()), false);
        check(CallError::NotLeading, false);
        assert!(!was_refused("InternalBug"));
    }

    #[test]
    fn what_admission_refuses_speaks_for_itself() {
        let refused = "ms.x is forbidden: ValidatingAdmissionPolicy 'p' with binding 'p' denied request: no";
        check(403, refused, refused);
    }

    #[test]
    fn credentials_that_ended_are_told_from_rights_that_are_missing() {
        let said = "the API server does not know who asks (Unauthorized); renew the kubeconfig's credentials, or look whether Gitmoor's ServiceAccount still exists";
        check(401, "Unauthorized", said);
    }
}
