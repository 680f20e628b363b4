//! What an answer means that is no answer, and a request that came to nothing. Nothing is sent from here.

use std::io;
use std::time::Duration;

use reqwest::header::RETRY_AFTER;
use reqwest::{Response, StatusCode};
use rustls::AlertDescription;

use crate::source::SourceError;
use crate::source::git::Attempt;
use crate::source::git::attempt::printable;

/// No server is left alone for longer because it says so.
const LONGEST_REST: Duration = Duration::from_secs(3600);

/// Whether the server was asked too often. A date, which the header may have in the place of seconds, is only that.
pub(super) fn patience(attempt: &Attempt, response: &Response) -> Option<SourceError> {
    let limited = response.status() == StatusCode::TOO_MANY_REQUESTS;
    let seconds = || response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok();
    limited.then(|| SourceError::RateLimited {
        url: attempt.url(),
        after: seconds().map(Duration::from_secs).map(|after| after.min(LONGEST_REST)),
    })
}

/// What is wrong with an answer, from its head.
pub(super) fn refusal(attempt: &Attempt, status: StatusCode, found: Option<&str>, wanted: &str) -> Option<SourceError> {
    let url = attempt.url();
    match status {
        StatusCode::OK if found == Some(wanted) => None,
        StatusCode::OK => {
            let why = printable(&format!("it sends {}", found.unwrap_or("no content type")));
            Some(SourceError::NotGit { url, why })
        }
        StatusCode::UNAUTHORIZED => Some(SourceError::AuthenticationRequired { url }),
        StatusCode::PROXY_AUTHENTICATION_REQUIRED => Some(SourceError::ProxyRefused { url }),
        StatusCode::FORBIDDEN => Some(SourceError::AccessDenied { url }),
        StatusCode::NOT_FOUND | StatusCode::GONE => Some(SourceError::RepositoryNotFound { url }),
        status if status.is_redirection() => {
            Some(SourceError::NotGit { url, why: "it redirects elsewhere; write the new place into spec.url".into() })
        }
        status => Some(SourceError::ServerFailed { url, status: status.as_u16() }),
    }
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
