//! Whether webhooks can arrive: each GitSync that takes them has a token, the Service has somebody behind it, and, where one
//! says the address, something of Gitmoor answers there.

use std::time::Duration;

use futures::{StreamExt, stream};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::core::ApiResource;
use reqwest::redirect::Policy;
use serde_json::Value;

use super::super::reach::key;
use super::CheckArgs;
use super::finding::Finding;
use crate::api::GitSync;
use crate::app::TOKENS;
use crate::cluster::{Cluster, SecretError};
use crate::model::ObjectKey;
use crate::model::preflight::Fault;
use crate::webhook::Token;

const HOOKS: &str = "webhooks";
const SERVICE: &str = "kubernetes.io/service-name=gitmoor-hooks";
/// Bytes of an answer that are read.
const ANSWER: usize = 16 * 1024;
/// Addresses that are asked side by side.
const SIDE_BY_SIDE: usize = 4;

/// Looks at each GitSync that takes webhooks.
pub async fn check(cluster: &Cluster, syncs: &[GitSync], args: &CheckArgs) -> Vec<Finding> {
    let taking: Vec<_> = syncs.iter().filter(|sync| sync.spec.webhook.is_some()).collect();
    if taking.is_empty() {
        return Vec::new();
    }
    let mut findings = vec![served(cluster, &args.namespace).await];
    for sync in &taking {
        findings.extend(token(cluster, sync).await);
    }
    match &args.hooks_url {
        Some(url) => {
            let each = stream::iter(&taking).map(|sync| async { outside(url, &key(*sync), args.timeout).await });
            findings.extend(each.buffered(SIDE_BY_SIDE).collect::<Vec<_>>().await);
        }
        None => findings.push(
            Finding::unknown(
                HOOKS,
                "whether forges reach the listener was not asked: where it is from outside is not known here",
            )
            .hint("say it: gitmoor check --hooks-url https://hooks.example.com"),
        ),
    }
    findings
}

/// Whether somebody stands behind the Service.
async fn served(cluster: &Cluster, namespace: &str) -> Finding {
    let kind = ApiResource::erase::<EndpointSlice>(&());
    match cluster.list(&kind, Some(namespace), Some(SERVICE)).await {
        Ok(slices) if slices.iter().any(has_ready) => {
            Finding::ok(HOOKS, "the Service gitmoor-hooks leads to the daemon")
        }
        Ok(_) => Finding::wrong(
            HOOKS,
            Fault::WebhookUnreached,
            format!("nothing stands behind the Service {namespace}/gitmoor-hooks"),
        )
        .hint("deliveries are lost until the daemon is ready; polls find what was pushed"),
        Err(error) => Finding::unknown(HOOKS, format!("what stands behind the Service cannot be seen: {error}")),
    }
}

fn has_ready(slice: &Value) -> bool {
    let endpoints = slice["endpoints"].as_array().into_iter().flatten();
    endpoints.into_iter().any(|one| one["conditions"]["ready"] != false)
}

/// What is wrong with the token of a GitSync.
async fn token(cluster: &Cluster, sync: &GitSync) -> Option<Finding> {
    let name = key(sync);
    let secret = ObjectKey::new(name.namespace.clone(), sync.spec.webhook.as_ref()?.secret_ref.name.as_str());
    let hint = format!("gitmoor webhook test {name} tells how to set it up");
    Some(match cluster.secret_keys(&secret, TOKENS).await {
        Ok(values) if values.iter().flatten().any(|value| Token::new(value.clone()).is_some()) => return None,
        Ok(_) => Finding::wrong(
            HOOKS,
            Fault::WebhookUnreached,
            format!("{name}: Secret {secret} has no key token with a value"),
        )
        .hint(hint),
        Err(SecretError::Unread { source, .. }) => {
            Finding::unknown(HOOKS, format!("{name}: whether Secret {secret} has a token cannot be seen: {source}"))
        }
        Err(error) => {
            Finding::wrong(HOOKS, Fault::WebhookUnreached, format!("{name}: there is no token: {error}")).hint(hint)
        }
    })
}

/// Whether Gitmoor answers at an address. It is asked with GET, which its listener refuses in words of its own.
async fn outside(url: &str, name: &ObjectKey, timeout: Duration) -> Finding {
    let url = format!("{}/hooks/{name}", url.trim_end_matches('/'));
    let asked = async {
        let client = reqwest::Client::builder().redirect(Policy::none()).referer(false).timeout(timeout).build()?;
        let mut answer = client.get(&url).send().await?;
        let (status, mut body) = (answer.status().as_u16(), Vec::new());
        while let Ok(Some(chunk)) = answer.chunk().await {
            body.extend_from_slice(&chunk[..chunk.len().min(ANSWER - body.len())]);
            if body.len() == ANSWER {
                break;
            }
        }
        Ok::<_, reqwest::Error>((status, body))
    };
    match asked.await {
        Ok((status, body)) => heard(&url, status, &body),
        Err(error) => {
            let mut deepest: &dyn std::error::Error = &error;
            while let Some(source) = deepest.source() {
                deepest = source;
            }
            Finding::wrong(HOOKS, Fault::WebhookUnreached, format!("{url} is not reached from here: {deepest}"))
        }
    }
}

fn heard(url: &str, status: u16, body: &[u8]) -> Finding {
    let answer: Value = serde_json::from_slice(body).unwrap_or_default();
    if answer["result"].is_string() {
        return Finding::ok(HOOKS, format!("Gitmoor answers at {url}"));
    }
    Finding::wrong(
        HOOKS,
        Fault::WebhookUnreached,
        format!("something else than Gitmoor answers at {url}, with {status}"),
    )
    .hint("lead /hooks/ to the Service gitmoor-hooks, without a login in front of it")
}

#[cfg(test)]
mod tests {
    use super::super::finding::State;
    use super::*;
    use serde_json::json;

    #[test]
    fn gitmoors_listener_is_known_by_its_words() {
        let check = |status: u16, body: &str, state: State| {
            assert_eq!(heard("https://x/hooks/a/b", status, body.as_bytes()).state, state, "{status} {body}");
        };
        check(405, r#"{"result":"method_not_allowed"}"#, State::Ok);
        check(404, "<html>", State::Wrong);
        check(200, r#"{"ok":true}"#, State::Wrong);
    }

    #[test]
    fn an_endpoint_that_says_nothing_is_ready() {
        assert!(has_ready(&json!({"endpoints": [{"conditions": {"ready": false}}, {"conditions": {}}]})));
        assert!(!has_ready(&json!({"endpoints": [{"conditions": {"ready": false}}]})));
        assert!(!has_ready(&json!({"endpoints": null})));
    }
}
