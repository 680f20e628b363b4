//! What an answer to a delivery means, in words.

use serde::Serialize;
use serde_json::Value;

use super::post::Answered;

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Heard {
    /// Whether the delivery was taken and the source is looked at.
    pub taken: bool,
    /// HTTP status.
    pub status: u16,
    /// The word of Gitmoor's answer; none where something else answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// Its sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What that means, and what to do.
    pub means: String,
}

/// Puts an answer into words.
pub fn words(answer: &Answered) -> Heard {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let text = |field: &str| body[field].as_str().map(str::to_owned);
    let (result, reason) = (text("result"), text("reason"));
    let means = match (answer.status, result.as_deref()) {
        (202, Some("queued")) => "the token is right, and Gitmoor looks at the source now",
        (202, Some("duplicate")) => "the token is right, and the same delivery was taken before",
        (202, Some("ignored")) => {
            "the token is right; what was pushed is not what the GitSync follows, so nothing is done"
        }
        (202, Some("no_push")) => "the token is right; the event is no push, so nothing is done",
        (200, Some("pong")) => "the listener is there",
        (400 | 408, Some(_)) => "the delivery did not arrive whole: look at proxies in between",
        (401, Some(_)) => "the signature did not arrive: a proxy in between takes headers away",
        (403, Some(_)) => {
            "the delivery is refused: the listener has no such GitSync, or it has no spec.webhook, or another token. A Secret \
             that was changed counts within 30 s"
        }
        (404, Some(_)) => "the listener is there, and a proxy in between changes the path",
        (405, Some(_)) => "a proxy in between makes another method of POST",
        (413, Some(_)) => "the delivery is too large: a proxy in between makes it so",
        (415, Some(_)) => "a proxy in between changes the content type",
        (429, Some(_)) => {
            "too many deliveries come from this source: if a proxy stands in front of the listener, name it by \
             --hooks-trusted-proxy"
        }
        (503, Some(_)) => "the listener has too much to do; try again",
        (300..=399, _) => return redirected(answer, result, reason),
        (502..=504, _) => {
            "a proxy answered that it does not reach Gitmoor: is it running, and does the Service select it?"
        }
        (401 | 403, None) => "something in front of Gitmoor asks who you are: let /hooks/ through without a login",
        (404, None) => "something else answered: no rule leads /hooks/ to Gitmoor's Service gitmoor-hooks",
        _ => "something else than Gitmoor answered",
    };
    let taken = answer.status == 202 && matches!(result.as_deref(), Some("queued" | "duplicate"));
    Heard { taken, status: answer.status, result, reason, means: means.to_owned() }
}

fn redirected(answer: &Answered, result: Option<String>, reason: Option<String>) -> Heard {
    let to = answer.location.as_deref().unwrap_or("elsewhere");
    let to: String = to.chars().filter(|char| !super::super::inert::is_active(*char)).take(200).collect();
    let means = format!("it leads to {to}, and forges do not follow: enter where it leads in the forge");
    Heard { taken: false, status: answer.status, result, reason, means }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(status: u16, body: &str, taken: bool, words: &str) {
        let heard = super::words(&Answered { status, location: None, body: body.into() });
        assert_eq!(heard.taken, taken, "{status} {body}");
        assert!(heard.means.contains(words), "{status} {body}: {}", heard.means);
    }

    #[test]
    fn each_answer_of_the_listener_says_what_to_do() {
        check(202, r#"{"result":"queued"}"#, true, "looks at the source now");
        check(202, r#"{"result":"duplicate","reason":"r"}"#, true, "taken before");
        check(202, r#"{"result":"ignored","reason":"r"}"#, false, "not what the GitSync follows");
        check(202, r#"{"result":"no_push"}"#, false, "no push");
        check(200, r#"{"result":"pong"}"#, false, "there");
        check(401, r#"{"result":"unauthorized"}"#, false, "takes headers away");
        check(403, r#"{"result":"forbidden"}"#, false, "another token");
        check(404, r#"{"result":"not_found"}"#, false, "changes the path");
        check(405, r#"{"result":"method_not_allowed"}"#, false, "method");
        check(408, r#"{"result":"timed_out"}"#, false, "whole");
        check(413, r#"{"result":"too_large"}"#, false, "too large");
        check(415, r#"{"result":"unsupported_media_type"}"#, false, "content type");
        check(429, r#"{"result":"too_many"}"#, false, "--hooks-trusted-proxy");
        check(503, r#"{"result":"busy"}"#, false, "try again");
    }

    #[test]
    fn what_is_not_gitmoors_answer_is_not_taken_for_it() {
        check(200, "<html>", false, "something else");
        check(202, "", false, "something else");
        check(202, r#"{"result":7}"#, false, "something else");
        check(401, "login", false, "without a login");
        check(403, "{}", false, "without a login");
        check(404, "404 page not found", false, "no rule leads");
        check(502, "bad gateway", false, "does not reach Gitmoor");
        check(503, "no upstream", false, "does not reach Gitmoor");
    }

    #[test]
    fn a_redirect_is_said_with_where_it_leads_on_one_line() {
        let location = Some("https://x/\u{1b}[2Jhooks".to_owned());
        let heard = super::words(&Answered { status: 308, location, body: Vec::new() });
        assert_eq!((heard.taken, heard.status), (false, 308));
        assert!(heard.means.starts_with("it leads to https://x/[2Jhooks, and"), "{}", heard.means);
    }
}
