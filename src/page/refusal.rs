//! Why a request is not answered: one closed enum, from which the status, the word, the code and the sentence follow.

use http::StatusCode;
use serde_json::{Value, json};

use crate::model::codes;

/// Why a request is not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Nobody said who is asking.
    LoginNeeded,
    /// The API server does not know the token, or not any more.
    TokenRefused,
    /// Whoever connects did not show that it is the proxy.
    ProxyUnproven,
    /// The proxy names nobody, several, or somebody whom no proxy may name.
    IdentityRefused(&'static str),
    /// The API server could not be asked.
    ReviewFailed,
    /// The name in `Host` is not one by which the page is reached.
    HostRefused,
    /// Too many are served already.
    Busy,
    /// There is no such thing, or none that this viewer may see.
    NotFound,
    /// A parameter cannot be read.
    QueryInvalid(String),
    /// Nothing is done by that method here.
    MethodNotAllowed,
}

impl Refusal {
    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::LoginNeeded | Self::TokenRefused | Self::ProxyUnproven | Self::IdentityRefused(_) => {
                StatusCode::UNAUTHORIZED
            }
            Self::ReviewFailed | Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::HostRefused => StatusCode::MISDIRECTED_REQUEST,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::QueryInvalid(_) => StatusCode::BAD_REQUEST,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        }
    }

    /// CamelCase word.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::LoginNeeded => "PageLoginNeeded",
            Self::TokenRefused => "PageTokenRefused",
            Self::ProxyUnproven => "PageProxyUnproven",
            Self::IdentityRefused(_) => "PageIdentityRefused",
            Self::ReviewFailed => "PageReviewFailed",
            Self::HostRefused => "PageHostRefused",
            Self::Busy => "PageBusy",
            Self::NotFound => "PageNotFound",
            Self::QueryInvalid(_) => "PageRequestInvalid",
            Self::MethodNotAllowed => "PageMethodNotAllowed",
        }
    }

    /// A sentence for whoever asked. It repeats nothing of what they sent but the name of a parameter.
    pub fn message(&self) -> String {
        match self {
            Self::LoginNeeded => {
                "log in with a token of the cluster, as kubectl create token prints it for a ServiceAccount"
            }
            Self::TokenRefused => "the API server does not accept this token; it may have run out: log in with another",
            Self::ProxyUnproven => {
                "this page is behind a proxy that says who is looking, and this request did not come from it"
            }
            Self::IdentityRefused(why) => return format!("the proxy says nobody who can be let in: {why}"),
            Self::ReviewFailed => {
                "the API server could not be asked who you are and what you may read; nothing is shown until it answers"
            }
            Self::HostRefused => "this page is for this machine: open it as localhost or 127.0.0.1",
            Self::Busy => "too many are looking at once; try again in a moment",
            Self::NotFound => "there is no such thing here, or none that you may read",
            Self::QueryInvalid(why) => return why.clone(),
            Self::MethodNotAllowed => "nothing can be changed here; copy the command that the page shows",
        }
        .to_owned()
    }

    /// As JSON.
    pub fn body(&self) -> Value {
        let reason = self.reason();
        json!({"reason": reason, "code": codes::code_of(reason).unwrap_or_default(), "message": self.message()})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_a_code_a_status_and_a_sentence() {
        let all = [
            Refusal::LoginNeeded,
            Refusal::TokenRefused,
            Refusal::ProxyUnproven,
            Refusal::IdentityRefused("it is empty"),
            Refusal::ReviewFailed,
            Refusal::HostRefused,
            Refusal::Busy,
            Refusal::NotFound,
            Refusal::QueryInvalid("limit is not a number".into()),
            Refusal::MethodNotAllowed,
        ];
        for refusal in all {
            assert!(refusal.status().as_u16() >= 400, "{refusal:?}");
            assert!(refusal.body()["code"].as_str().unwrap().starts_with("GM48"), "{refusal:?}");
            assert!(refusal.message().len() > 10, "{refusal:?}");
        }
    }
}
