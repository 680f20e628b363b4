//! What an answer means that is no answer, and a request that came to nothing. Nothing is sent from here.

use std::io;

use jiff::Timestamp;
use reqwest::header::RETRY_AFTER;
use reqwest::{Response, StatusCode};
use rustls::AlertDescription;

use crate::model::retry_after;
use crate::source::SourceError;
use crate::source::git::Attempt;
use crate::source::git::attempt::printable;

/// What is wrong with an answer, from its head.
pub(super) fn refusal(
    attempt: &Attempt,
    response: &Response,
    found: Option<&str>,
    wanted: &str,
) -> Option<SourceError> {
    let url = attempt.url();
    let after = || retry_after(response.headers().get(RETRY_AFTER)?.to_str().ok()?, Timestamp::now());
    match response.status() {
        StatusCode::OK if found == Some(wanted) => None,
        StatusCode::OK if found.is_some_and(is_of_files) => {
            let why = "it only gives out files (the dumb protocol); serve it by git http-backend, or by a forge";
            Some(SourceError::NotGit { url, why: why.into() })
        }
        StatusCode::OK => {
            let why = printable(&format!("it sends {}", found.unwrap_or("no content type")));
            Some(SourceError::NotGit { url, why })
        }
        StatusCode::UNAUTHORIZED => Some(SourceError::AuthenticationRequired { url }),
        StatusCode::PROXY_AUTHENTICATION_REQUIRED => Some(SourceError::ProxyRefused { url }),
        StatusCode::FORBIDDEN => Some(SourceError::AccessDenied { url }),
        StatusCode::NOT_FOUND | StatusCode::GONE => Some(SourceError::RepositoryNotFound { url }),
        StatusCode::TOO_MANY_REQUESTS => Some(SourceError::RateLimited { url, after: after() }),
        status if status.is_redirection() => {
            Some(SourceError::NotGit { url, why: "it redirects elsewhere; write the new place into spec.url".into() })
        }
        status => Some(SourceError::ServerFailed { url, status: status.as_u16(), after: after() }),
    }
}

/// Whether a list of refs has the type of a file that lies there: what `git update-server-info` writes.
fn is_of_files(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence.is_empty() || ["text/plain", "application/octet-stream"].iter().any(|one| essence.eq_ignore_ascii_case(one))
}

/// A request that failed without an answer; whether we have a certificate of our own.
pub(super) fn lost(attempt: &Attempt, error: &reqwest::Error, certificate: bool) -> SourceError {
    let mut causes = Vec::new();
    let mut next: Option<&(dyn std::error::Error + 'static)> = std::error::Error::source(error);
    while let Some(cause) = next {
        let url = attempt.url();
        match tls_error(cause) {
            Some(error @ rustls::Error::InvalidCertificate(_)) => {
                return SourceError::CertificateRefused { url, why: printable(&error.to_string()) };
            }
            Some(rustls::Error::AlertReceived(alert)) if is_about_us(*alert) => {
                return if certificate {
                    SourceError::CredentialsRefused { url }
                } else {
                    SourceError::AuthenticationRequired { url }
                };
            }
            _ if cause.to_string().ends_with("proxy authorization required") => {
                return SourceError::ProxyRefused { url };
            }
            _ => {}
        }
        causes.push(cause.to_string());
        next = cause.source();
    }
    // reqwest's own words repeat the URL.
    let why = if causes.is_empty() { "the request failed".to_owned() } else { causes.join(": ") };
    SourceError::TransportFailed { url: attempt.url(), why: printable(&why) }
}

/// Whether a server that says this wants to see a certificate, or another one.
fn is_about_us(alert: AlertDescription) -> bool {
    use AlertDescription as A;
    matches!(
        alert,
        A::CertificateRequired
            | A::BadCertificate
            | A::CertificateRevoked
            | A::CertificateExpired
            | A::CertificateUnknown
            | A::UnknownCA
            | A::AccessDenied
    )
}

/// The TLS error in a cause; I/O errors wrap errors without being caused by them.
fn tls_error<'a>(cause: &'a (dyn std::error::Error + 'static)) -> Option<&'a rustls::Error> {
    cause.downcast_ref().or_else(|| tls_error(cause.downcast_ref::<io::Error>()?.get_ref()?))
}
