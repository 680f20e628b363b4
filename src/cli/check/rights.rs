//! Whether the daemon has the rights that it needs, one by one; or, where it is not installed, whether whoever asks may
//! install it. Only the API server knows: bindings and roles are not read.

use std::collections::BTreeSet;

use futures::{StreamExt, TryStreamExt, stream};

use super::super::say::count;
use super::daemon::Installed;
use super::finding::Finding;
use crate::cluster::{CallError, Cluster};
use crate::install::{self, Choice, NAME, Right};
use crate::model::preflight::Fault;

const RIGHTS: &str = "rights";
/// Questions in flight.
const SIDE_BY_SIDE: usize = 16;
/// Rights that are named.
const NAMED: usize = 5;

/// Asks. Where it is not known whether the daemon is installed, nothing can be asked.
pub async fn check(cluster: &Cluster, namespace: &str, installed: &Installed) -> anyhow::Result<Vec<Finding>> {
    Ok(match installed {
        Installed::Unknown => Vec::new(),
        Installed::With(page) => {
            let choice = Choice { namespace: namespace.to_owned(), page: page.clone(), ..Choice::default() };
            let account = Some((namespace, NAME));
            vec![granted(asked(cluster, account, install::rights(&choice)?).await, &choice)]
        }
        Installed::No => vec![may_install(asked(cluster, None, needed(namespace)?).await)],
    })
}

/// What of it is not granted, and how many were asked about.
async fn asked(
    cluster: &Cluster,
    account: Option<(&str, &str)>,
    all: Vec<Right>,
) -> Result<(Vec<Right>, usize), CallError> {
    let number = all.len();
    let answers = stream::iter(all).map(|right| async move {
        let allowed = cluster.may(account, &right.attributes()).await?;
        Ok((right, allowed))
    });
    let answers: Vec<(Right, bool)> = answers.buffered(SIDE_BY_SIDE).try_collect().await?;
    let missing = answers.into_iter().filter(|(_, allowed)| !allowed).map(|(right, _)| right).collect();
    Ok((missing, number))
}

fn granted(answer: Result<(Vec<Right>, usize), CallError>, Choice { namespace, page, .. }: &Choice) -> Finding {
    let hint = if page.is_on_the_network() {
        "grant them: gitmoor install with its --page, or: kubectl apply --server-side -f deploy/access.yaml -f deploy/page.yaml"
    } else {
        "grant them: gitmoor install, or: kubectl apply --server-side -f deploy/access.yaml"
    };
    match answer {
        Ok((missing, number)) if missing.is_empty() => {
            Finding::ok(RIGHTS, format!("the daemon has all of its {number} rights"))
        }
        Ok((missing, _)) => {
            let message = format!(
                "ServiceAccount {namespace}/{NAME} lacks {}: {}",
                count(missing.len(), "right"),
                named(&missing)
            );
            Finding::wrong(RIGHTS, Fault::RightsMissing, message).hint(hint)
        }
        Err(error) => Finding::unknown(RIGHTS, format!("the rights of the daemon cannot be asked for: {error}"))
            .hint("to ask of another account, you need the right to create subjectaccessreviews"),
    }
}

fn may_install(answer: Result<(Vec<Right>, usize), CallError>) -> Finding {
    match answer {
        Ok((missing, _)) if missing.is_empty() => Finding::ok(RIGHTS, "you may install it"),
        Ok((missing, _)) => Finding::odd(RIGHTS, format!("you may not install it: you lack {}", named(&missing)))
            .hint("whoever installs needs the ClusterRole cluster-admin, for the daemon's rights are granted"),
        Err(error) => Finding::unknown(RIGHTS, format!("your rights cannot be asked for: {error}")),
    }
}

/// What an apply of each object of an installation needs.
fn needed(namespace: &str) -> anyhow::Result<Vec<Right>> {
    let objects = install::objects(&Choice { namespace: namespace.to_owned(), ..Choice::default() })?;
    let rights: BTreeSet<Right> = objects
        .iter()
        .flat_map(|object| ["get", "create", "patch"].map(|verb| (verb, object)))
        .map(|(verb, object)| Right {
            verb: verb.into(),
            group: object.kind.group.clone(),
            resource: object.kind.plural.clone(),
            name: String::new(),
            namespace: object.key.namespace.to_string(),
        })
        .collect();
    Ok(rights.into_iter().collect())
}

fn named(missing: &[Right]) -> String {
    let names: Vec<_> = missing.iter().take(NAMED).map(ToString::to_string).collect();
    let more = missing.len().saturating_sub(NAMED);
    if more == 0 { names.join(", ") } else { format!("{}, and {more} more", names.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::super::finding::State;
    use super::*;
    use crate::install::Page;

    #[test]
    fn what_is_missing_is_named_up_to_a_bound() {
        let ops = Choice { namespace: "ops".into(), ..Choice::default() };
        let all = install::rights(&ops).unwrap();
        let lacks = granted(Ok((all[..7].to_vec(), all.len())), &ops);
        assert_eq!((lacks.state, lacks.code), (State::Wrong, Some("GM494")));
        assert!(lacks.message.contains("lacks 7 rights") && lacks.message.ends_with("and 2 more"), "{}", lacks.message);
        assert_eq!(granted(Ok((Vec::new(), 3)), &ops).state, State::Ok);
        assert_eq!(
            granted(Err(CallError::Forbidden("no".into())), &ops).state,
            State::Unknown,
            "not asked is not denied"
        );
        let paged = granted(Ok((all[..1].to_vec(), 1)), &Choice { page: Page::Token, ..ops });
        assert!(paged.hint.unwrap().contains("deploy/page.yaml"), "where its rights are");
        assert_eq!(may_install(Ok((all[..1].to_vec(), 1))).state, State::Odd);
    }

    #[test]
    fn who_installs_writes_each_kind() {
        let said: Vec<_> = needed("ops").unwrap().iter().map(ToString::to_string).collect();
        for expected in
            ["create namespaces", "patch clusterroles.rbac.authorization.k8s.io", "patch deployments.apps in ops"]
        {
            assert!(said.iter().any(|one| one == expected), "{expected} in {said:?}");
        }
    }
}
