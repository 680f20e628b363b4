//! Whether a route leads to the service.

/// What is known of a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Acceptance {
    /// Everybody who was to serve it does.
    Accepted,
    /// Somebody does not, and says why.
    Refused(String),
    /// Nobody has said yet.
    Unknown(String),
}
