//! What a delivery is about: which refs were pushed, and only to do less. A body that says nothing, or says it in another
//! way, still means "look now".

use std::borrow::Cow;

use http::HeaderMap;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Where the senders that send GitHub's payload say what happened.
const LIKE_GITHUB: [&str; 4] = ["x-github-event", "x-forgejo-event", "x-gitea-event", "x-gogs-event"];
const GITLAB: &str = "x-gitlab-event";
const BITBUCKET: &str = "x-event-key";
/// Bitbucket Data Center's test of a connection.
const BITBUCKET_TEST: &str = "diagnostics:ping";

/// What a delivery is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A greeting.
    Ping,
    /// A push to these full refs; none where it does not say which, or not so that it is understood.
    Push(Vec<String>),
    /// Something else, by the sender's word for it.
    Other(String),
}

/// GitHub, GitLab, Gitea, Forgejo, Gogs, and whoever signs on their own.
#[derive(Deserialize)]
struct Pushed<'a> {
    #[serde(rename = "ref", borrow)]
    reference: Cow<'a, str>,
}

/// GitLab's system hooks have one header for all events.
#[derive(Deserialize)]
struct System {
    event_name: String,
    #[serde(rename = "ref")]
    reference: Option<String>,
    #[serde(default)]
    refs: Vec<String>,
}

#[derive(Deserialize)]
struct BitbucketCloud {
    push: CloudPush,
}

#[derive(Deserialize)]
struct CloudPush {
    changes: Vec<CloudChange>,
}

/// What it was and what it is; one of the two is missing where a ref began or ended.
#[derive(Deserialize)]
struct CloudChange {
    new: Option<CloudRef>,
    old: Option<CloudRef>,
}

#[derive(Deserialize)]
struct CloudRef {
    #[serde(rename = "type")]
    kind: String,
    name: String,
}

#[derive(Deserialize)]
struct BitbucketServer {
    changes: Vec<ServerChange>,
}

#[derive(Deserialize)]
struct ServerChange {
    #[serde(rename = "ref")]
    reference: ServerRef,
}

#[derive(Deserialize)]
struct ServerRef {
    id: String,
}

/// Azure DevOps sends no header of its own.
#[derive(Deserialize)]
struct Azure {
    #[serde(rename = "eventType")]
    event: String,
    resource: Option<serde_json::Value>,
}

impl Event {
    /// What headers and JSON say.
    pub fn of(headers: &HeaderMap, json: &[u8]) -> Self {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        if let Some(event) = header(GITLAB) {
            return gitlab(event, json);
        }
        if let Some(event) = LIKE_GITHUB.iter().find_map(|name| header(name)) {
            return match event {
                "ping" => Self::Ping,
                "push" => Self::Push(pushed(json)),
                other => Self::Other(other.to_owned()),
            };
        }
        match header(BITBUCKET) {
            Some(BITBUCKET_TEST) => Self::Ping,
            Some("repo:push") => Self::Push(bitbucket_cloud(json)),
            Some("repo:refs_changed" | "mirror:repo_synchronized") => Self::Push(bitbucket_server(json)),
            Some(other) => Self::Other(other.to_owned()),
            None => match read::<Azure>(json) {
                Some(azure) if azure.event == "git.push" => Self::Push(azure.refs()),
                Some(azure) => Self::Other(azure.event),
                None => Self::Push(pushed(json)),
            },
        }
    }
}

impl Azure {
    fn refs(&self) -> Vec<String> {
        let updates = self.resource.as_ref().and_then(|resource| resource["refUpdates"].as_array());
        let names = updates.into_iter().flatten().map(|update| update["name"].as_str().map(str::to_owned));
        // One that is not understood may be the one that matters.
        names.collect::<Option<_>>().unwrap_or_default()
    }
}

/// Whether it is Bitbucket Data Center's test of a connection, which is not signed even where a secret is set.
pub fn is_unsigned_test(headers: &HeaderMap) -> bool {
    headers.get(BITBUCKET).is_some_and(|event| event == BITBUCKET_TEST)
}

fn read<T: DeserializeOwned>(json: &[u8]) -> Option<T> {
    serde_json::from_slice(json).ok()
}

fn pushed(json: &[u8]) -> Vec<String> {
    let payload = serde_json::from_slice::<Pushed<'_>>(json).ok();
    payload.map(|payload| payload.reference.into_owned()).into_iter().collect()
}

fn gitlab(event: &str, json: &[u8]) -> Event {
    match event {
        "Push Hook" | "Tag Push Hook" => Event::Push(pushed(json)),
        "System Hook" => match read::<System>(json) {
            Some(system) => match system.event_name.as_str() {
                "push" | "tag_push" => Event::Push(system.reference.into_iter().collect()),
                "repository_update" => Event::Push(system.refs),
                _ => Event::Other(system.event_name),
            },
            None => Event::Push(Vec::new()),
        },
        other => Event::Other(other.to_owned()),
    }
}

fn bitbucket_cloud(json: &[u8]) -> Vec<String> {
    let changes = read::<BitbucketCloud>(json).map(|payload| payload.push.changes).unwrap_or_default();
    let refs = changes.into_iter().map(|change| {
        let reference = change.new.or(change.old)?;
        match reference.kind.as_str() {
            "branch" => Some(format!("refs/heads/{}", reference.name)),
            "tag" => Some(format!("refs/tags/{}", reference.name)),
            _ => None,
        }
    });
    refs.collect::<Option<_>>().unwrap_or_default()
}

fn bitbucket_server(json: &[u8]) -> Vec<String> {
    let changes = read::<BitbucketServer>(json).map(|payload| payload.changes).unwrap_or_default();
    changes.into_iter().map(|change| change.reference.id).collect()
}

#[cfg(test)]
mod tests;
