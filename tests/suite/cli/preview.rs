//! `gitmoor diff --sync` says what the daemon then does: its guards, its neighbours, its pins.

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Ran, gitmoor_as, gitmoor_on, write};
use crate::support::alone::Alone;
use crate::support::scene::{Scene, service};

/// A service without pods.
fn small(name: &str, image: &str) -> Value {
    service(name, json!({"replicas": 0, "image": format!("example.com/{image}:1")}))
}

/// What is in those files, as a folder.
fn folder(files: &[(&str, Value)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    files.iter().for_each(|(path, manifest)| write(folder.path(), path, manifest));
    folder
}

/// The diff of the scene's GitSync.
async fn diff(scene: &Scene, more: &[&str]) -> Ran {
    let sync = format!("{}/{}", scene.home, scene.sync);
    let args: Vec<&str> = ["diff", "--sync", &sync].into_iter().chain(more.iter().copied()).collect();
    gitmoor_on(scene.kube.plane, &args).await
}

#[track_caller]
fn says(ran: &Ran, parts: &[String]) {
    for part in parts {
        assert!(ran.out.contains(part), "{part}\nin\n{}", ran.out);
    }
}

#[tokio::test]
async fn what_the_budget_holds_is_shown_with_the_plan_that_the_daemon_then_holds() {
    let files: Vec<_> = (0..5).map(|n| (format!("s{n}.yaml"), small(&format!("s{n}"), &format!("i{n}")))).collect();
    let files: Vec<_> = files.iter().map(|(path, manifest)| (path.as_str(), manifest.clone())).collect();
    let Some(scene) = Scene::synced("heldplan", json!({}), &files).await else { return };
    let next = folder(&files[2..]);
    let ran = diff(&scene, &[next.path().to_str().unwrap()]).await.exits(1);
    let (namespace, sum) = (&scene.namespace, "2 deletions within an hour, 1 allowed: 20 % of 5");
    says(
        &ran,
        &[
            format!(
                "! {namespace}/s0  held\n    PruneBudget: is no longer declared, but the plan deletes too many: {sum}\n"
            ),
            format!("! {namespace}/s1  held\n"),
            "2 held, 3 unchanged\n".to_owned(),
        ],
    );
    scene.push(&[(files[0].0, Value::Null), (files[1].0, Value::Null)]).await;
    let status = scene.status("the plan is held", |status| status["hold"]["reason"] == "PruneBudget").await;
    let said = status["hold"]["message"].as_str().unwrap();
    says(&ran, &[said.to_owned()]);
    let json = diff(&scene, &["-o", "json"]).await.exits(1).json();
    assert_eq!((&json["notes"], &json["summary"]["hold"]), (&json!([said]), &json!(2)), "{json:#}");
}

#[tokio::test]
async fn a_new_name_is_held_with_the_old_one() {
    let files = [("a.yaml", small("a", "a")), ("old.yaml", small("old", "old"))];
    let Some(scene) = Scene::synced("heldnew", json!({"prune": {"budget": 0}}), &files).await else { return };
    let next = folder(&[("a.yaml", small("a", "a")), ("old.yaml", small("new", "old")), ("b.yaml", small("b", "b"))]);
    let ran = diff(&scene, &[next.path().to_str().unwrap()]).await.exits(1);
    let namespace = &scene.namespace;
    says(
        &ran,
        &[
            format!("+ {namespace}/b  create  b.yaml:1\n"),
            format!("! {namespace}/new  held  old.yaml:1\n    RenameHeld: is the new name of {namespace}/old,"),
            format!("! {namespace}/old  held\n    PruneBudget: "),
            "1 to create, 2 held, 1 unchanged\n".to_owned(),
        ],
    );
}

#[tokio::test]
async fn rewritten_history_holds_all_of_it_in_the_daemons_words() {
    let Some(scene) = Scene::new("unfollowed").await else { return };
    let first = scene.commit(&[("a.yaml", small("a", "a"))]);
    scene.create_sync(json!({})).await;
    scene.applied(&first).await;
    let second = scene.push(&[("a.yaml", small("a", "b")), ("b.yaml", small("b", "b"))]).await;
    scene.repository.git(&["reset", "--quiet", "--hard", &first]);
    let other = scene.commit_forced(&[("a.yaml", small("a", "c")), ("c.yaml", small("c", "c"))]);
    let ran = diff(&scene, &[]).await.exits(1);
    let namespace = &scene.namespace;
    let stays = format!(
        "RewrittenHistory: stays as it is: main@{} does not descend from {}, which is applied",
        &other[..7],
        &second[..7]
    );
    says(
        &ran,
        &[
            format!("! {namespace}/a  held  a.yaml:1\n    {stays}\n"),
            "    ~ /spec/image: \"example.com/b:1\" → \"example.com/c:1\"  (a.yaml:6)\n".to_owned(),
            format!("! {namespace}/b  held\n    {stays}\n"),
            format!("! {namespace}/c  held  c.yaml:1\n    {stays}\n"),
            "\n3 held, 0 unchanged\n".to_owned(),
        ],
    );
    scene.request().await;
    let status = scene.status("it is held", |status| status["hold"]["reason"] == "RewrittenHistory").await;
    says(&ran, &[status["hold"]["message"].as_str().unwrap().to_owned()]);
    // Once a person has approved it, it is what would be done.
    scene.kube.merge("suite", "GitSync", &scene.home, "main", json!({"spec": {"suspend": true}})).await;
    scene.condition("Ready", "False", "Suspended").await;
    scene.annotate("gitmoor.dev/approve-plan", status["hold"]["plan"].clone()).await;
    let ran = diff(&scene, &[]).await.exits(1);
    says(&ran, &["1 to create, 1 to update".to_owned(), "is suspended: nothing of this happens".to_owned()]);
}

#[tokio::test]
async fn another_ref_that_lags_behind_is_shown_and_said_to() {
    let files = [("a.yaml", small("a", "a"))];
    let Some(scene) = Scene::synced("lags", json!({}), &files).await else { return };
    scene.repository.push(&["HEAD:refs/heads/behind"]);
    scene.push(&[("a.yaml", small("a", "b"))]).await;
    let ran = diff(&scene, &["--ref", "behind"]).await.exits(1);
    says(
        &ran,
        &[
            "    ~ /spec/image: \"example.com/b:1\" → \"example.com/a:1\"".to_owned(),
            "1 to update, 0 unchanged\n".to_owned(),
            "which is applied: what later commits changed is shown as taken back".to_owned(),
        ],
    );
    let ran = diff(&scene, &["--ref", "main"]).await.exits(0);
    assert_eq!(ran.out, "1 unchanged\n");
    // Some commits ahead, by name and by id.
    for image in ["c", "d", "e"] {
        scene.repository.write("a.yaml", &serde_yaml::to_string(&small("a", image)).unwrap());
        scene.repository.git(&["commit", "--quiet", "--all", "--message", image]);
    }
    scene.repository.push(&["HEAD:refs/heads/ahead"]);
    let head = scene.repository.git(&["rev-parse", "HEAD"]);
    for ahead in ["ahead", &head] {
        let ran = diff(&scene, &["--ref", ahead]).await.exits(1);
        assert!(ran.out.ends_with("1 to update, 0 unchanged\n"), "{ahead}: {}", ran.out);
    }
}

#[tokio::test]
async fn a_pin_is_said_to_stand_before_all_of_it() {
    let files = [("a.yaml", small("a", "a"))];
    let Some(scene) = Scene::synced("pinned", json!({}), &files).await else { return };
    let pin = scene.repository.git(&["rev-parse", "HEAD"]);
    scene.annotate("gitmoor.dev/pinned-revision", json!(pin)).await;
    let next = folder(&[("a.yaml", small("a", "b"))]);
    let ran = diff(&scene, &[next.path().to_str().unwrap()]).await.exits(1);
    let name = format!("{}/main", scene.namespace);
    let note = format!(
        "GitSync {name} is pinned to {}: nothing of this happens until gitmoor rollback {name} --release",
        &pin[..7]
    );
    says(&ran, &["1 to update".to_owned(), note]);
}

#[tokio::test]
async fn what_moves_to_another_gitsync_is_no_deletion() {
    let Some(mut one) = Scene::new("movediff").await else { return };
    one.sync = "one".into();
    let Some(mut two) = Scene::new("movediff").await else { return };
    (two.home, two.namespace, two.sync) = (one.home.clone(), one.namespace.clone(), "two".into());
    two.url.clone_from(&one.url);
    let stays = [("one/stays.yaml", small("one-stays", "a")), ("two/stays.yaml", small("two-stays", "a"))];
    let commit =
        one.commit(&[&stays[..], &[("one/m.yaml", small("m", "m")), ("one/gone.yaml", small("gone", "g"))]].concat());
    one.create_sync(json!({"paths": ["one"], "prune": {"budget": "100%"}})).await;
    two.create_sync(json!({"paths": ["two"]})).await;
    one.applied(&commit).await;
    two.applied(&commit).await;
    let next = folder(&[&stays[..], &[("two/m.yaml", small("m", "m2"))]].concat());
    let root = next.path().to_str().unwrap();
    let (namespace, home) = (&one.namespace, &one.home);
    let ran = diff(&one, &[root]).await.exits(1);
    says(
        &ran,
        &[
            format!("- {namespace}/gone  delete\n"),
            format!(
                "! {namespace}/m  held\n    Moving: is no longer declared here; GitSync {home}/two declares it and takes it over\n"
            ),
            "1 to delete, 1 held, 1 unchanged\n".to_owned(),
        ],
    );
    let ran = diff(&two, &[root]).await.exits(1);
    says(
        &ran,
        &[
            format!("~ {namespace}/m  update  two/m.yaml:1\n"),
            "    ~ /spec/image: \"example.com/m:1\" → \"example.com/m2:1\"".to_owned(),
            "1 to update, 1 unchanged\n".to_owned(),
        ],
    );
    // The same of a branch, and of one in which both declare it.
    one.repository.git(&["checkout", "--quiet", "-b", "both"]);
    one.repository.write("two/m.yaml", &serde_yaml::to_string(&small("m", "m2")).unwrap());
    one.repository.git(&["add", "--all"]);
    one.repository.git(&["commit", "--quiet", "--message", "both"]);
    one.repository.push(&["HEAD:refs/heads/both"]);
    let ran = diff(&two, &["--ref", "both"]).await.exits(1);
    says(
        &ran,
        &[format!(
            "! {namespace}/m  held  two/m.yaml:1\n    OwnedByOther: is applied by GitSync {home}/one, which declares it, too"
        )],
    );
    one.repository.git(&["rm", "--quiet", "one/m.yaml"]);
    one.repository.git(&["commit", "--quiet", "--message", "moved"]);
    one.repository.push(&["HEAD:refs/heads/moved"]);
    let ran = diff(&one, &["--ref", "moved"]).await.exits(1);
    says(&ran, &[format!("! {namespace}/m  held\n    Moving: ")]);
    // Who is suspended does not take it over.
    two.kube.merge("suite", "GitSync", home, "two", json!({"spec": {"suspend": true}})).await;
    let ran = diff(&one, &[root]).await.exits(1);
    says(&ran, &[format!("! {namespace}/m  held\n    MayMove: ")]);
}

#[tokio::test]
async fn it_costs_one_read_and_two_lists() {
    let Some(alone) = Alone::new().await else { return };
    let daemon = alone.daemon(&[]).await;
    let Some(scene) = alone.scene(&daemon, "calls").await else { return };
    let commit = scene.commit(&[("a.yaml", small("a", "a")), ("b.yaml", small("b", "b")), ("c.yaml", small("c", "c"))]);
    scene.create_sync(json!({})).await;
    scene.applied(&commit).await;
    let next = folder(&[("a.yaml", small("a", "changed")), ("new.yaml", small("new", "b"))]);
    let person = alone.credentials().await;
    let (mark, sync) = (alone.audit.mark(), format!("{}/main", scene.namespace));
    let ran =
        gitmoor_as(&person.kubeconfig(), &["diff", next.path().to_str().unwrap(), "--sync", &sync]).await.exits(1);
    says(&ran, &["1 to update, 3 held".to_owned()]);
    let deeds = alone.audit.deeds(mark);
    let theirs = deeds.iter().filter(|deed| deed.token == person.id);
    let calls: Vec<_> = theirs.map(|deed| format!("{} {}", deed.call.verb, deed.call.resource)).collect();
    assert_eq!(calls, ["get gitsyncs", "list microservices", "list gitsyncs"]);
}
