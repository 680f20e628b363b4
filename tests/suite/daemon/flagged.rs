//! The GitSync of the flags where several processes stand for election: it is the leader's to write, as everything is.

use serde_json::{Value, json};

use crate::support::alone::Alone;
use crate::support::daemon::{Daemon, OPERATOR};
use crate::support::git_server::GitServer;
use crate::support::{eventually, holds};

/// A lease that does not end while the test runs: who takes over was let to.
const ELECTION: [&str; 7] =
    ["--leader-elect", "--lease-duration", "10m", "--renew-deadline", "5m", "--retry-period", "1s"];

#[tokio::test]
async fn a_standby_applies_the_gitsync_of_its_flags_when_it_leads_and_not_before() {
    let Some(alone) = Alone::new().await else { return };
    let Some(server) = GitServer::start(&[]) else { return };
    let repository = server.repository("flagged.git");
    repository.write("none.txt", "no manifest\n");
    repository.commit("nothing yet");
    let url = server.url("flagged.git");
    let flags = |interval: &'static str| {
        [&ELECTION[..], &["--url", &url, "--name", "flagged", "--interval", interval]].concat()
    };
    let [first, second] = [alone.credentials().await, alone.credentials().await];
    let since = alone.audit.mark();
    let leader = Daemon::start(&first.kubeconfig(), &flags("1h")).await;
    leader.log.message("leading").await;
    let interval = async |wanted: &str| {
        eventually(&format!("the GitSync has the interval {wanted}"), async || {
            let sync = alone.kube.find("GitSync", OPERATOR, "flagged").await.unwrap_or_default();
            holds(sync["spec"]["interval"] == *wanted, sync)
        })
        .await;
    };
    interval("1h").await;
    let standby = Daemon::start(&second.kubeconfig(), &flags("2h")).await;
    standby.log.message("standing by").await;
    standby.log.message("watch caches are complete").await;
    let writes = |token: &str| {
        let deeds = alone.audit.deeds(since).into_iter();
        deeds
            .filter(|deed| deed.token == token && deed.is_write() && deed.call.resource != "leases")
            .collect::<Vec<_>>()
    };
    assert_eq!(writes(&second.id).len(), 0, "a standby writes nothing: {:#?}", writes(&second.id));
    interval("1h").await;

    let log = leader.log.clone();
    assert_eq!(leader.terminate().await.code(), Some(0), "{}", log.tail());
    standby.log.message("leading").await;
    interval("2h").await;
    let (last, begins) = (writes(&first.id).pop().unwrap(), writes(&second.id).remove(0));
    assert!(last.done <= begins.begun, "both wrote at a time: {last:#?}\n{begins:#?}");
    assert_eq!(standby.log.lines(|line| line["level"] == "ERROR"), Vec::<Value>::new());
    assert_eq!(alone.kube.get("GitSync", OPERATOR, "flagged").await["spec"]["url"], json!(url));
}
