//! Installing, checking and removing, on a real API server. They have the quiet control plane for themselves.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::{Done, gitmoor};
use crate::support::alone::Alone;
use crate::support::daemon::OPERATOR;
use crate::support::plane::root;
use crate::support::scene::service;
use crate::support::{Kube, eventually, holds};

async fn run(kube: &Kube, arguments: &[&str]) -> Done {
    gitmoor(Some(&kube.plane.kubeconfig), arguments).await
}

/// Steps of an installation, by the kind and name of each object.
fn steps(done: &Done) -> Vec<(String, String)> {
    let objects = done.json()["objects"].as_array().unwrap().clone();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    objects.iter().map(|one| (format!("{} {}", text(&one["kind"]), text(&one["name"])), text(&one["step"]))).collect()
}

fn finding(done: &Done, check: &str, words: &str) -> Value {
    let all = done.json()["findings"].as_array().unwrap().clone();
    let found = all.iter().find(|one| one["check"] == check && one["message"].as_str().unwrap().contains(words));
    found.unwrap_or_else(|| panic!("no {check} with {words:?} in {all:#?}")).clone()
}

/// Nothing of an earlier test is installed but CRDs and rights.
async fn bare(kube: &Kube) {
    for kind in ["deployments", "services", "networkpolicies", "poddisruptionbudgets"] {
        kube.kubectl(&["delete", kind, "--all", "-n", OPERATOR, "--ignore-not-found"]).await;
    }
    for kind in ["clusterrole", "clusterrolebinding"] {
        kube.kubectl(&["delete", kind, "gitmoor-page", "--ignore-not-found"]).await;
    }
}

#[tokio::test]
async fn gitmoor_is_installed_upgraded_in_place_checked_and_removed_and_its_services_run_on() {
    let Some(alone) = Alone::new().await else { return };
    let kube = &alone.kube;
    bare(kube).await;

    // Before: a preview changes nothing, and check says what to do.
    let preview = run(kube, &["install", "--dry-run", "--force-conflicts", "--output", "json"]).await;
    assert_eq!(preview.code, 0, "{}{}", preview.out, preview.err);
    assert!(steps(&preview).contains(&("Deployment gitmoor".into(), "created".into())), "{}", preview.out);
    assert!(steps(&preview).contains(&("ClusterRole gitmoor".into(), "unchanged".into())), "{}", preview.out);
    assert_eq!(kube.find("Deployment", OPERATOR, "gitmoor").await, None, "it was a question");
    let before = run(kube, &["check", "--output", "json"]).await;
    assert_eq!(before.code, 0, "{}{}", before.out, before.err);
    assert!(finding(&before, "daemon", "not installed")["hint"].as_str().unwrap().contains("gitmoor install"));
    assert_eq!(finding(&before, "rights", "may install")["state"], "ok");
    assert_eq!(finding(&before, "clock", "agrees")["state"], "ok");

    // The rights are there already, applied by kubectl: what is the same is no conflict.
    let first = run(kube, &["install", "--force-conflicts", "--timeout", "60s", "--output", "json"]).await;
    assert_eq!(first.code, 0, "{}{}", first.out, first.err);
    assert_eq!(first.json()["ready"], true);
    let made = steps(&first);
    assert!(made.contains(&("Deployment gitmoor".into(), "created".into())), "{made:?}");
    let live = kube.get("Deployment", OPERATOR, "gitmoor").await;
    assert_eq!(live["status"]["readyReplicas"], 2);

    // Again: nothing is written. It is said in words, too.
    let again = run(kube, &["install"]).await;
    assert_eq!(again.code, 0, "{}{}", again.out, again.err);
    let written: Vec<_> =
        again.out.lines().filter(|line| line.starts_with("created") || line.starts_with("configured")).collect();
    assert!(written.is_empty() && again.out.contains("unchanged   Deployment gitmoor-system/gitmoor"), "{}", again.out);
    assert!(again.out.contains("2 of 2 replicas are ready"), "{}", again.out);

    // Another choice changes just that, and what was chosen before is told and left.
    let chosen =
        run(kube, &["install", "--replicas", "1", "--attribution", "--page", "Token", "--output", "json"]).await;
    assert_eq!(chosen.code, 0, "{}{}", chosen.out, chosen.err);
    let changed: Vec<_> =
        steps(&chosen).into_iter().filter(|(_, step)| step != "unchanged").map(|(name, _)| name).collect();
    assert_eq!(
        changed,
        [
            "MutatingAdmissionPolicy gitmoor-attribution",
            "MutatingAdmissionPolicyBinding gitmoor-attribution",
            "ClusterRole gitmoor-page",
            "ClusterRoleBinding gitmoor-page",
            "Service gitmoor-page",
            "NetworkPolicy gitmoor",
            "Deployment gitmoor"
        ]
    );
    // The page needs two rights more, and they are asked for.
    let paged = run(kube, &["check", "--output", "json"]).await;
    finding(&paged, "rights", "has all of its");
    kube.kubectl(&["delete", "clusterrolebinding", "gitmoor-page"]).await;
    eventually("what the page lacks is named", async || {
        let lacks = run(kube, &["check"]).await;
        let said = lacks.code == 1 && lacks.out.contains("tokenreviews") && lacks.out.contains("deploy/page.yaml");
        holds(said, lacks.out)
    })
    .await;
    let without = run(kube, &["install", "--replicas", "1", "--output", "json"]).await;
    assert!(
        without.json()["notes"].to_string().contains("kubectl -n gitmoor-system delete service gitmoor-page"),
        "{}",
        without.out
    );
    assert!(
        without.json()["notes"].to_string().contains("kubectl delete mutatingadmissionpolicy gitmoor-attribution"),
        "{}",
        without.out
    );

    // Somebody else's value is not taken over by itself.
    kube.kubectl(&["scale", "deployment", "gitmoor", "-n", OPERATOR, "--replicas=3"]).await;
    let conflict = run(kube, &["install", "--replicas", "2"]).await;
    assert_eq!(conflict.code, 2, "{}{}", conflict.out, conflict.err);
    assert!(conflict.err.contains("replicas") && conflict.err.contains("--force-conflicts"), "{}", conflict.err);
    let forced = run(kube, &["install", "--replicas", "2", "--force-conflicts"]).await;
    assert_eq!(forced.code, 0, "{}{}", forced.out, forced.err);

    // A newer one is not replaced by this one unless that is meant.
    let newer = json!({"metadata": {"labels": {"app.kubernetes.io/version": "99.0.0"}}});
    kube.merge("gitmoor-install", "Deployment", OPERATOR, "gitmoor", newer).await;
    let refused = run(kube, &["install"]).await;
    assert_eq!(refused.code, 2);
    assert!(refused.err.contains("99.0.0") && refused.err.contains("--allow-downgrade"), "{}", refused.err);
    let back = run(kube, &["install", "--allow-downgrade", "--force-conflicts"]).await;
    assert!(back.code == 0 && back.out.contains("in the place of 99.0.0"), "{}{}", back.out, back.err);

    // All is well; and a right that goes is named.
    let well = run(kube, &["check", "--output", "json"]).await;
    assert_eq!(well.code, 0, "{}{}", well.out, well.err);
    finding(&well, "rights", "has all of its");
    finding(&well, "daemon", "2 of 2 replicas");
    finding(&well, "kinds", "microservices.gitmoor.dev is that of this version");
    kube.kubectl(&["delete", "clusterrolebinding", "gitmoor"]).await;
    eventually("the right that is missing is named", async || {
        let lacks = run(kube, &["check"]).await;
        let said = lacks.code == 1 && lacks.out.contains("GM494") && lacks.out.contains("gitmoor install");
        holds(said, lacks.out)
    })
    .await;
    assert_eq!(run(kube, &["install", "--force-conflicts"]).await.code, 0);

    // Removed: what it keeps stays.
    let space = kube.namespace("kept").await;
    let mut kept = service("kept", json!({"replicas": 0}));
    kept["metadata"]["namespace"] = json!(space);
    kube.create(&kept).await;
    let plan = run(kube, &["uninstall", "--dry-run"]).await;
    assert!(plan.out.contains("would go    Deployment gitmoor-system/gitmoor"), "{}", plan.out);
    let gone = run(kube, &["uninstall"]).await;
    assert_eq!(gone.code, 0, "{}{}", gone.out, gone.err);
    for said in ["gitmoor is gone", "1 MicroService", "run on", "CustomResourceDefinition microservices.gitmoor.dev"] {
        assert!(gone.out.contains(said), "{said}: {}", gone.out);
    }
    for (kind, namespace, name) in [
        ("Deployment", OPERATOR, "gitmoor"),
        ("ClusterRole", "", "gitmoor"),
        ("ClusterRoleBinding", "", "gitmoor"),
        ("NetworkPolicy", OPERATOR, "gitmoor"),
        ("Secret", OPERATOR, "gitmoor-redaction"),
        ("Service", OPERATOR, "gitmoor-page"),
        ("ClusterRole", "", "gitmoor-page"),
    ] {
        assert_eq!(kube.find(kind, namespace, name).await, None, "{kind} {name}");
    }
    for (kind, namespace, name) in [
        ("Namespace", "", OPERATOR),
        ("CustomResourceDefinition", "", "gitsyncs.gitmoor.dev"),
        ("ValidatingAdmissionPolicy", "", "gitmoor-protection"),
        ("MicroService", space.as_str(), "kept"),
    ] {
        kube.get(kind, namespace, name).await;
    }
    let nothing = run(kube, &["uninstall"]).await;
    assert!(nothing.code == 0 && nothing.out.contains("nothing to remove"), "{}{}", nothing.out, nothing.err);
}

#[tokio::test]
async fn what_only_the_daemon_lets_go_of_is_in_the_way_until_somebody_says_so() {
    let Some(alone) = Alone::new().await else { return };
    let kube = &alone.kube;
    let space = kube.namespace("held").await;
    let sync = json!({
        "apiVersion": "gitmoor.dev/v1alpha1", "kind": "GitSync",
        "metadata": {"namespace": space, "name": "main", "finalizers": ["example.com/other", "gitmoor.dev/microservices"]},
        "spec": {"url": "http://127.0.0.1:1/none.git", "deletionPolicy": "Delete"}
    });
    kube.create(&sync).await;
    let refused = run(kube, &["uninstall"]).await;
    assert_eq!(refused.code, 1, "{}{}", refused.out, refused.err);
    assert!(refused.out.contains(&format!("{space}/main")) && refused.out.contains("--orphan"), "{}", refused.out);
    kube.get("ClusterRole", "", "gitmoor").await;

    let orphaned = run(kube, &["uninstall", "--orphan", "--output", "json"]).await;
    assert_eq!(orphaned.code, 0, "{}{}", orphaned.out, orphaned.err);
    assert_eq!(orphaned.json()["orphaned"], json!([format!("{space}/main")]));
    let left = kube.get("GitSync", &space, "main").await;
    assert_eq!(left["metadata"]["finalizers"], json!(["example.com/other"]), "that of others is theirs");
    kube.merge("suite", "GitSync", &space, "main", json!({"metadata": {"finalizers": null}})).await;
}

#[tokio::test]
async fn what_does_not_come_back_is_asked_for_and_goes_with_all_that_it_has() {
    let Some(alone) = Alone::new().await else { return };
    let kube = &alone.kube;
    assert_eq!(run(kube, &["install", "--force-conflicts", "--no-wait"]).await.code, 0);
    let space = kube.namespace("lost").await;
    let mut lost = service("lost", json!({"replicas": 0}));
    lost["metadata"]["namespace"] = json!(space);
    kube.create(&lost).await;
    let all = ["uninstall", "--remove-crds", "--remove-namespace"];
    let asked = run(kube, &all).await;
    assert_eq!(asked.code, 2, "{}{}", asked.out, asked.err);
    for said in ["1 MicroService", "every workload", "--yes"] {
        assert!(asked.err.contains(said), "{said}: {}", asked.err);
    }
    kube.get("Deployment", OPERATOR, "gitmoor").await;

    let meant = run(kube, &[&all[..], &["--yes", "--timeout", "60s"]].concat()).await;
    assert_eq!(meant.code, 0, "{}{}", meant.out, meant.err);
    for (kind, name) in [
        ("CustomResourceDefinition", "microservices.gitmoor.dev"),
        ("ValidatingAdmissionPolicy", "gitmoor-protection"),
        ("Namespace", OPERATOR),
    ] {
        assert_eq!(kube.find(kind, "", name).await, None, "{name}");
    }
    assert!(!meant.out.contains("stays:"), "{}", meant.out);
    // For the tests that follow.
    kube.install().await;
}

#[tokio::test]
async fn check_reaches_repositories_and_looks_at_webhooks() {
    let Some(alone) = Alone::new().await else { return };
    let kube = &alone.kube;
    let daemon = alone.daemon(&["--leader-elect"]).await;
    let Some(scene) = alone.scene(&daemon, "checked").await else { return };
    let commit = scene.commit(&[("a.yaml", service("a", json!({"replicas": 0})))]);
    scene.create_sync(json!({"webhook": {"secretRef": {"name": "hook"}}})).await;
    scene.applied(&commit).await;
    let unreached = json!({
        "apiVersion": "gitmoor.dev/v1alpha1", "kind": "GitSync", "metadata": {"namespace": scene.home, "name": "nowhere"},
        "spec": {"url": "http://127.0.0.1:1/none.git", "interval": "1h"}
    });
    kube.create(&unreached).await;
    eventually("the daemon says so, too", async || {
        let status = kube.get("GitSync", &scene.home, "nowhere").await["status"].clone();
        holds(status["conditions"].to_string().contains("TransportFailed"), status)
    })
    .await;
    let arguments = ["check", "--hooks-url", &daemon.hooks, "--output", "json"];
    let checked = run(kube, &arguments).await;
    assert_eq!(checked.code, 1, "{}{}", checked.out, checked.err);
    let own = format!("{}/{}", scene.home, scene.sync);
    assert_eq!(finding(&checked, "git", &own)["state"], "ok");
    let nowhere = finding(&checked, "git", "nowhere");
    assert_eq!((&nowhere["state"], &nowhere["code"]), (&json!("wrong"), &json!("GM496")));
    assert!(finding(&checked, "webhooks", "no token")["message"].as_str().unwrap().contains("hook"));
    assert_eq!(finding(&checked, "webhooks", "Gitmoor answers at")["state"], "ok");
    let less = run(kube, &["check", "--no-git", "--output", "json"]).await;
    assert!(!less.out.contains("\"git\""), "{}", less.out);
    assert_eq!(finding(&less, "webhooks", "was not asked")["state"], "unknown", "what is not known is not claimed");
    assert_eq!(finding(&less, "clock", "the daemon's")["state"], "ok", "by the Lease of the one that leads");
}

#[tokio::test]
async fn without_a_cluster_check_and_install_say_what_is_wrong() {
    for command in ["check", "install", "uninstall"] {
        let done = gitmoor(None, &[command]).await;
        assert_eq!(done.code, 2, "{command}");
        assert!(done.err.contains("kubeconfig") || done.err.contains("no cluster"), "{command}: {}", done.err);
    }
    let nobody = tempfile::NamedTempFile::new().unwrap();
    let config = json!({
        "clusters": [{"name": "a", "cluster": {"server": "http://127.0.0.1:1"}}], "users": [{"name": "a", "user": {}}],
        "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}], "current-context": "a"
    });
    std::fs::write(nobody.path(), config.to_string()).unwrap();
    let done = gitmoor(Some(nobody.path()), &["check"]).await;
    assert!(done.code == 2 && done.err.contains("cannot be reached"), "{}", done.err);
}

#[tokio::test]
async fn a_new_repository_is_valid_and_is_not_written_over() {
    let folder = tempfile::tempdir().unwrap();
    for ci in ["github", "gitlab", "gitea", "none"] {
        let new = folder.path().join(ci);
        let path = new.to_str().unwrap();
        let done = gitmoor(None, &["init", path, "--ci", ci, "--namespace", "shop", "--output", "json"]).await;
        assert_eq!(done.code, 0, "{}{}", done.out, done.err);
        assert!(new.join("services/hello.yaml").is_file());
        let valid = gitmoor(None, &["validate", path]).await;
        assert_eq!(valid.code, 0, "{ci}: {}{}", valid.out, valid.err);
        for file in done.json()["files"].as_array().unwrap().iter().map(|file| file.as_str().unwrap()) {
            let text = std::fs::read_to_string(new.join(file)).unwrap();
            if Path::new(file).extension().is_none_or(|extension| extension != "md") {
                serde_yaml::from_str::<Value>(&text).unwrap_or_else(|error| panic!("{file}: {error}"));
            }
        }
        let again = gitmoor(None, &["init", path]).await;
        assert!(again.code == 2 && again.err.contains("is not empty"), "{}{}", again.out, again.err);
    }
    // What is said to come next makes a repository with the branch that the GitSync follows.
    let new = folder.path().join("next");
    let done = gitmoor(None, &["init", new.to_str().unwrap()]).await;
    let next = done.out.lines().find(|line| line.trim_start().starts_with("git -C")).unwrap_or_default().to_owned();
    let identity = "-c init.defaultBranch=other -c user.name=a -c user.email=a@example.com";
    let next = next.replace("git -C", &format!("git {identity} -C"));
    let ran = Command::new("sh").args(["-ec", &next]).env("GIT_CONFIG_GLOBAL", "/dev/null").output().unwrap();
    assert!(ran.status.success(), "{next}: {ran:?}");
    let head = std::fs::read_to_string(new.join(".git/HEAD")).unwrap();
    let sync: Value = serde_yaml::from_str(&std::fs::read_to_string(new.join("gitsync.yaml")).unwrap()).unwrap();
    let branch = sync["spec"]["ref"]["branch"].as_str().unwrap_or("main");
    assert_eq!(head.trim(), format!("ref: refs/heads/{branch}"));
    let bad = gitmoor(None, &["init", folder.path().join("x").to_str().unwrap(), "--url", "not a url"]).await;
    assert_eq!(bad.code, 2);
    assert!(!folder.path().join("x").exists(), "nothing was written");
}

#[tokio::test]
async fn manual_pages_and_the_plugin_say_what_a_person_types() {
    let folder = tempfile::tempdir().unwrap();
    let written = gitmoor(None, &["man", "--folder", folder.path().to_str().unwrap()]).await;
    assert_eq!(written.code, 0, "{}", written.err);
    let pages = std::fs::read_dir(folder.path()).unwrap().count();
    assert!(pages > 20, "{pages} pages");
    let page = gitmoor(None, &["man", "webhook", "test"]).await;
    assert!(page.out.contains(".TH gitmoor-webhook-test"), "{}", page.out);
    let plugin = folder.path().join("kubectl-gitmoor");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_gitmoor"), &plugin).unwrap();
    let help = Command::new(&plugin).args(["status", "--help"]).output().unwrap();
    assert!(String::from_utf8_lossy(&help.stdout).contains("Usage: kubectl gitmoor status"), "{help:?}");
}

#[tokio::test]
async fn the_ci_templates_call_what_there_is() {
    for file in crate::support::files::yaml_files("examples/ci") {
        let text = std::fs::read_to_string(&file).unwrap();
        serde_yaml::from_str::<Value>(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        for line in text.lines().filter_map(|line| Some(line.split_once("gitmoor validate ")?.1)) {
            let flags: Vec<_> = line.split(['>', '|']).next().unwrap().split_whitespace().collect();
            let paths = [root().join("examples/repo/basic").to_str().unwrap().to_owned()];
            let arguments: Vec<_> = ["validate"]
                .into_iter()
                .chain(paths.iter().map(String::as_str))
                .chain(flags[1..].iter().copied())
                .collect();
            let done = gitmoor(None, &arguments).await;
            assert_eq!(done.code, 0, "{}: {line}: {}{}", file.display(), done.out, done.err);
        }
        for line in text.lines().filter_map(|line| Some(line.split_once("gitmoor diff ")?.1)) {
            let flags = line.split(['>', '|']).next().unwrap().replace("\"$SYNC\"", "a/b");
            let flags: Vec<_> = flags.split_whitespace().chain(["--help"]).collect();
            let done = gitmoor(None, &[&["diff"], &flags[..]].concat()).await;
            assert_eq!(done.code, 0, "{}: {line}: {}", file.display(), done.err);
        }
    }
    let hooks: Value =
        serde_yaml::from_str(&std::fs::read_to_string(root().join(".pre-commit-hooks.yaml")).unwrap()).unwrap();
    for hook in hooks.as_array().unwrap() {
        assert_eq!(hook["entry"], "gitmoor validate");
    }
}
