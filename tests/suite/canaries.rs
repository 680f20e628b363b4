//! That canaries are found: planted ones, by the same search that every test of the suite ends with.
//!
//! What is planted is a decoy of its own, so that no other search finds it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::{Command, Stdio};

use data_encoding::{BASE64, BASE64URL_NOPAD, HEXLOWER};
use serde_json::json;
use tempfile::TempDir;

use crate::cli::gitmoor_as;
use crate::support::canary::{self, Canaries, secret};
use crate::support::files::rust_files;
use crate::support::log::Log;
use crate::support::plane::root;
use crate::support::scene::service;
use crate::support::{Daemon, Kube};

const DECOY: &str = "d3coy";

/// A secret that nobody else has, looked for from now on.
fn decoy() -> String {
    let random: String = std::iter::repeat_with(fastrand::lowercase).take(24).collect();
    canary::guard(&random)
}

/// What fails says what was found.
fn caught(search: impl FnOnce()) -> String {
    let Err(failed) = catch_unwind(AssertUnwindSafe(search)) else { return String::new() };
    failed.downcast_ref::<String>().cloned().unwrap_or_default()
}

#[test]
fn a_canary_is_found_in_each_of_its_forms() {
    let canaries = Canaries::of(DECOY);
    let found = |said: &str| !canaries.found("here", said.as_bytes()).is_empty();
    assert!(found("password=d3coy-of-git"));
    for before in ["", "a", "ab", "ada:"] {
        let said = format!("{before}{DECOY}-of-git");
        assert!(found(&BASE64.encode(said.as_bytes())), "{said}");
        assert!(found(&BASE64URL_NOPAD.encode(said.as_bytes())), "{said}");
        assert!(found(&HEXLOWER.encode(said.as_bytes())), "{said}");
    }
    assert!(found("token=%64%33%63%6F%79"));
    assert!(!found("d3co y ZDNjb") && !found(""));
    let where_it_was = canaries.found("here", b"one line\nits password is d3coy\nanother line");
    assert_eq!(where_it_was, ["here: …its password is d3coy…"]);
}

#[test]
fn a_key_or_a_token_that_cannot_be_marked_is_found_in_part() {
    let mut canaries = Canaries::of(DECOY);
    let line = |of: char| of.to_string().repeat(64);
    let key = format!("-----BEGIN PRIVATE KEY-----\n{}\n{}\n-----END PRIVATE KEY-----\n", line('k'), line('l'));
    canaries.guard(&key);
    canaries.guard("eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJnaXRtb29yIn0.c2lnbmF0dXJlLW9mLXRoaXMtdG9rZW4tYWxvbmU");
    let found = |said: &str| !canaries.found("here", said.as_bytes()).is_empty();
    assert!(found(&format!("a key: {}", line('l'))) && found(&json!({"identity": key}).to_string()));
    assert!(found("Bearer x.y.c2lnbmF0dXJlLW9mLXRoaXMtdG9rZW4tYWxvbmU"));
    assert!(!found("Bearer eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJnaXRtb29yIn0"), "what all tokens say is no secret");
    assert!(!found("-----BEGIN PRIVATE KEY-----"));
}

#[test]
fn a_secret_of_a_test_that_would_not_be_found_is_refused() {
    let refused = |secret| caught(|| canary::demand(&secret));
    assert!(refused(json!({"stringData": {"password": "hunter2"}})).contains("\"password\" would not be found"));
    assert!(refused(json!({"data": {"token": BASE64.encode(b"hunter2")}})).contains("\"token\""));
    let kept = json!({"stringData": {"password": secret!("kept"), "username": "ada", "eve.pub": "ssh-ed25519 AAAA"}});
    assert_eq!(refused(kept), "");
}

/// What Gitmoor answers is read by [`crate::support::http::said`], which searches it. Connections by hand do so themselves.
#[test]
fn who_reads_an_answer_searches_it() {
    // There it is done; and what the suite's own Git server and its control planes answer is not Gitmoor's.
    const ELSEWHERE: [&str; 3] = ["support/http.rs", "support/git_server.rs", "support/plane.rs"];
    const READS: [&str; 3] =
        [concat!(".text()", ".await"), concat!(".bytes()", ".await"), concat!(".json()", ".await")];
    let suite = root().join("tests/suite");
    let mut found = Vec::new();
    for file in rust_files("tests/suite") {
        let (name, text) = (file.strip_prefix(&suite).unwrap(), std::fs::read_to_string(&file).unwrap());
        if READS.iter().any(|reads| text.contains(reads)) && !ELSEWHERE.iter().any(|known| name == Path::new(known)) {
            found.push(name.to_owned());
        }
    }
    assert!(found.is_empty(), "read it by http::said: {found:?}");
}

#[test]
fn a_canary_in_a_log_is_found_once_whatever_the_log_was_searched_before() {
    let decoy = decoy();
    let (log, [errors, output]) = Log::new();
    let says = |to: Stdio, script: &str| {
        let status = Command::new("sh").args(["-c", &format!("{script} >&2"), &decoy]).stderr(to).status().unwrap();
        assert!(status.success());
    };
    let (half, rest) = decoy.split_at(12);
    says(errors, &format!("printf 'nothing yet, {half}'"));
    assert_eq!(caught(|| log.tells_no_secret()), "");
    says(output, &format!("printf '%s' 'and {half}{rest}'"));
    let said = caught(|| log.tells_no_secret());
    assert!(said.contains("A SECRET WAS TOLD") && said.contains(&format!("in the log: …and {decoy}")), "{said}");
    assert_eq!(caught(|| log.tells_no_secret()), "", "what was searched is not searched again");
}

#[test]
fn a_canary_in_what_is_kept_is_found_with_its_file() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("repositories/one/config");
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, "[remote]\n\turl = https://ada:d3coy@git.example.com/\n").unwrap();
    let found = Canaries::of(DECOY).found_below(folder.path());
    assert_eq!(found, [format!("{}: …\turl = https://ada:d3coy@git.example.com/…", file.display())]);
}

#[tokio::test]
async fn a_daemon_or_a_command_that_tells_a_secret_fails_its_test() {
    let decoy = decoy();
    let folder = TempDir::new().unwrap();
    let kubeconfig = folder.path().join(&decoy);
    let daemon = Daemon::spawn(&kubeconfig, &[]);
    daemon.log.line("it cannot start", |line| line.to_string().contains(&decoy)).await;
    let said = caught(|| drop(daemon));
    assert!(said.contains("in the log") && said.contains(&decoy), "{said}");
    let command = tokio::spawn(async move { gitmoor_as(&kubeconfig, &["status"]).await.err });
    let failed = command.await.unwrap_err().into_panic();
    let said = failed.downcast_ref::<String>().unwrap();
    assert!(said.contains("on the standard error") && said.contains(&decoy), "{said}");
}

#[tokio::test]
async fn a_canary_that_is_written_into_a_cluster_is_found_and_what_people_keep_there_is_not() {
    let Some(kube) = Kube::shared().await else { return };
    let namespace = kube.namespace("planted").await;
    let canaries = Canaries::of(DECOY);
    let swept = || canary::sweep(kube.plane, Some(&namespace), &canaries);
    let named = |name: &str| json!({"namespace": namespace, "name": name});
    // What is theirs: a Secret, and what they declare.
    let data = json!({"password": secret!("d3coy"), "username": DECOY});
    kube.create(&json!({"apiVersion": "v1", "kind": "Secret", "metadata": named("kept"), "stringData": data})).await;
    let mut orders = service("orders", json!({"suspend": true, "env": [{"name": "PASSWORD", "value": DECOY}]}));
    orders["metadata"] = named("orders");
    kube.create(&orders).await;
    let clean = swept();
    assert!(clean.bytes > 1000 && clean.found.is_empty(), "{clean:?}");

    let note = format!("the password {DECOY} was refused");
    let event = json!({
        "apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": named("event"),
        "regarding": {"apiVersion": "v1", "kind": "Namespace", "name": namespace, "namespace": namespace},
        "note": note, "reason": "Refused", "action": "Fetch", "type": "Warning",
        "reportingController": "gitmoor", "reportingInstance": "gitmoor", "eventTime": "2026-01-01T00:00:00.000000Z"
    });
    kube.create(&event).await;
    let told = swept().found;
    assert!(told.len() == 1 && told[0].contains(&note), "{told:#?}");
    // Not in a status: what another hand writes there, the daemon writes over.
    let annotations = json!({
        "gitmoor.dev/source-path": BASE64.encode(DECOY.as_bytes()),
        "gitmoor.dev/source-revision": format!("https://{DECOY}/")
    });
    let marks = json!({"metadata": {"annotations": annotations}});
    kube.merge("suite", "MicroService", &namespace, "orders", marks).await;
    let config = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": named("config"), "data": {"a": DECOY}});
    kube.create(&config).await;
    let lease = json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": named("lease"),
        "spec": {"holderIdentity": DECOY}
    });
    kube.create(&lease).await;
    let told = swept().found.join("\n");
    for words in [&*note, "https://d3coy/", "ZDNjb3k", "\"a\":\"d3coy\"", "\"holderIdentity\":\"d3coy\""] {
        assert!(told.contains(words), "{words} in {told}");
    }
}
