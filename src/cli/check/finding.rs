//! What one question came to.

use serde::Serialize;

use crate::model::preflight::Fault;

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum State {
    /// As it should be.
    Ok,
    /// Worth a look.
    Odd,
    /// Something will not work.
    Wrong,
    /// It could not be asked.
    Unknown,
}

/// The answer to one question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub check: &'static str,
    /// How it is.
    pub state: State,
    /// The stable code of what is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'static str>,
    /// What is so.
    pub message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Finding {
    /// As it should be.
    pub fn ok(check: &'static str, message: impl Into<String>) -> Self {
        Self { check, state: State::Ok, code: None, message: message.into(), hint: None }
    }

    /// Worth a look.
    pub fn odd(check: &'static str, message: impl Into<String>) -> Self {
        Self { state: State::Odd, ..Self::ok(check, message) }
    }

    /// It could not be asked.
    pub fn unknown(check: &'static str, message: impl Into<String>) -> Self {
        Self { state: State::Unknown, ..Self::ok(check, message) }
    }

    /// It will not work.
    pub fn wrong(check: &'static str, fault: Fault, message: impl Into<String>) -> Self {
        Self { state: State::Wrong, code: Some(fault.code()), ..Self::ok(check, message) }
    }

    /// With what to do about it.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}
