//! With spec.verify, only what is signed by a key of the Secret is applied. The keys and the signatures are made by the real
//! ssh-keygen and git.

use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::scene::{Scene, service};

/// Keys of two people.
struct Keys {
    dir: TempDir,
}

impl Keys {
    fn new() -> Self {
        let keys = Self { dir: TempDir::new().unwrap() };
        for name in ["ada", "eve"] {
            let path = keys.path(name);
            let made =
                Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-C", name, "-f"]).arg(path).status();
            assert!(made.unwrap().success());
        }
        keys
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn public(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name).with_extension("pub")).unwrap()
    }

    /// As `ssh-keygen -l` prints it.
    fn fingerprint(&self, name: &str) -> String {
        let out = Command::new("ssh-keygen").arg("-lf").arg(self.path(name)).output().unwrap();
        String::from_utf8(out.stdout).unwrap().split(' ').nth(1).unwrap().to_owned()
    }
}

/// Signs with a key whatever the arguments of git make.
fn signing(scene: &Scene, keys: &Keys, name: &str, args: &[&str]) {
    let key = format!("user.signingkey={}", keys.path(name).display());
    scene.repository.git(&[&["-c", "gpg.format=ssh", "-c", &key], args].concat());
}

/// Commits `a` with that many replicas, signed by somebody or by nobody, and pushes it.
fn commit(scene: &Scene, keys: &Keys, signer: Option<&str>, replicas: u32) -> String {
    let manifest = serde_yaml::to_string(&service("a", json!({"replicas": replicas}))).unwrap();
    scene.repository.write("a.yaml", &manifest);
    scene.repository.git(&["add", "--all"]);
    match signer {
        Some(name) => signing(scene, keys, name, &["commit", "--quiet", "-S", "-m", "signed"]),
        None => drop(scene.repository.git(&["commit", "--quiet", "-m", "unsigned"])),
    }
    scene.force_push()
}

/// Puts a Secret of public keys there.
async fn trust(scene: &Scene, keys: Value) {
    let name = json!({"namespace": scene.namespace, "name": "signers"});
    scene.kube.create(&json!({"apiVersion": "v1", "kind": "Secret", "metadata": name, "stringData": keys})).await;
}

fn verify(mode: &str) -> Value {
    json!({"verify": {"mode": mode, "secretRef": {"name": "signers"}}, "rewrites": "Follow"})
}

/// Waits until a revision is refused for that reason, with these words, while `a` stays as it was applied.
async fn refused(scene: &Scene, reason: &str, words: &[&str], applied: &str) {
    let message = scene.condition("Ready", "False", reason).await["message"].clone();
    let said = message.as_str().unwrap_or_default();
    assert!(words.iter().all(|words| said.contains(words)), "{said}");
    assert!(said.contains("What is applied stays"), "{said}");
    scene.condition("Stalled", "True", reason).await;
    let status = scene.settled().await;
    assert_eq!(status["lastAppliedRevision"]["revision"], json!(format!("main@sha1:{applied}")), "{status:#}");
}

/// Changes `a` by hand and waits until that is put back.
async fn drift_is_corrected(scene: &Scene, replicas: u32) {
    scene.kube.merge("somebody", "MicroService", &scene.namespace, "a", json!({"spec": {"replicas": 7}})).await;
    scene.service_that("a", "drift is corrected", |a| a["spec"]["replicas"] == replicas).await;
}

#[tokio::test]
async fn only_commits_that_are_signed_by_a_key_of_the_secret_are_applied() {
    let Some(scene) = Scene::new("signed").await else { return };
    let keys = Keys::new();
    trust(&scene, json!({"allowed_signers": format!("ada@example.com namespaces=\"git\" {}", keys.public("ada"))}))
        .await;
    let first = commit(&scene, &keys, Some("ada"), 1);
    scene.create_sync(verify("Commit")).await;
    let status = scene.applied(&first).await;
    let ada = format!("{} (ada@example.com)", keys.fingerprint("ada"));
    assert_eq!(status["verified"], json!({"revision": format!("main@sha1:{first}"), "commit": ada}), "{status:#}");

    let unsigned = commit(&scene, &keys, None, 2);
    scene.request().await;
    refused(&scene, "SignatureMissing", &[&unsigned[..7], "not signed"], &first).await;
    scene.event("GitSync", "main", "SignatureMissing", &unsigned[..7]).await;
    drift_is_corrected(&scene, 1).await;

    commit(&scene, &keys, Some("eve"), 3);
    scene.request().await;
    refused(&scene, "SignatureUnknownKey", &[&keys.fingerprint("eve")], &first).await;

    // Somebody changes what ada signed.
    commit(&scene, &keys, Some("ada"), 4);
    let raw = scene.repository.git(&["cat-file", "commit", "HEAD"]);
    let tampered = scene.repository.work.path().join(".git/tampered");
    std::fs::write(&tampered, format!("{}\n", raw.replace("\n\nsigned", "\n\nforged"))).unwrap();
    let forged = scene.repository.git(&["hash-object", "-t", "commit", "-w", tampered.to_str().unwrap()]);
    scene.repository.git(&["reset", "--quiet", "--hard", &forged]);
    scene.force_push();
    scene.request().await;
    refused(&scene, "SignatureBad", &[&forged[..7], "not valid"], &first).await;

    let healed = commit(&scene, &keys, Some("ada"), 5);
    scene.request().await;
    let status = scene.applied(&healed).await;
    assert_eq!(status["verified"]["revision"], json!(format!("main@sha1:{healed}")), "{status:#}");
    scene.condition("Ready", "True", "Applied").await;
}

#[tokio::test]
async fn a_key_that_comes_into_the_secret_lets_what_it_signed_go() {
    let Some(scene) = Scene::new("trusted").await else { return };
    let keys = Keys::new();
    trust(&scene, json!({"ada.pub": keys.public("ada")})).await;
    let first = commit(&scene, &keys, Some("ada"), 1);
    scene.create_sync(verify("Commit")).await;
    scene.applied(&first).await;
    let second = commit(&scene, &keys, Some("eve"), 2);
    scene.request().await;
    refused(&scene, "SignatureUnknownKey", &[&keys.fingerprint("eve")], &first).await;
    let both = json!({"stringData": {"eve.pub": keys.public("eve")}});
    scene.kube.merge("suite", "Secret", &scene.namespace, "signers", both).await;
    scene.applied(&second).await;

    // Who asks for signatures later undoes nothing by it; and a Secret of no use says why.
    let other = json!({"stringData": {"eve.pub": "ssh-ed25519 AAAA"}});
    scene.kube.merge("suite", "Secret", &scene.namespace, "signers", other).await;
    commit(&scene, &keys, Some("eve"), 3);
    scene.request().await;
    let message = scene.condition("Ready", "False", "SecretInvalid").await["message"].clone();
    assert!(message.as_str().is_some_and(|said| said.contains("eve.pub") && !said.contains("AAAA")), "{message}");
    drift_is_corrected(&scene, 2).await;
}

#[tokio::test]
async fn what_was_applied_stays_when_signatures_are_asked_for_later() {
    let Some(scene) = Scene::new("later").await else { return };
    let keys = Keys::new();
    trust(&scene, json!({"ada.pub": keys.public("ada")})).await;
    let first = commit(&scene, &keys, None, 1);
    scene.create_sync(json!({"rewrites": "Follow"})).await;
    scene.applied(&first).await;
    scene.kube.merge("suite", "GitSync", &scene.home, &scene.sync, json!({"spec": verify("Commit")})).await;
    refused(&scene, "SignatureMissing", &[&first[..7]], &first).await;
    drift_is_corrected(&scene, 1).await;
    let second = commit(&scene, &keys, Some("ada"), 2);
    scene.request().await;
    scene.applied(&second).await;
}

#[tokio::test]
async fn a_tag_is_verified_by_its_own_signature_and_name() {
    let Some(scene) = Scene::new("tagged").await else { return };
    let keys = Keys::new();
    trust(&scene, json!({"ada.pub": keys.public("ada")})).await;
    let commit = commit(&scene, &keys, None, 1);
    scene.repository.git(&["tag", "v1.0.0"]);
    scene.repository.push(&["v1.0.0"]);
    let mut spec = verify("Tag");
    spec["ref"] = json!({"semver": "^1"});
    scene.create_sync(spec).await;
    let message = scene.condition("Ready", "False", "SignatureMissing").await["message"].clone();
    assert!(message.as_str().is_some_and(|said| said.contains("lightweight")), "{message}");

    // The same commit under a tag that is signed.
    signing(&scene, &keys, "ada", &["tag", "--force", "-s", "-m", "one", "v1.0.0"]);
    scene.repository.push(&["--force", "v1.0.0"]);
    scene.request().await;
    let status = scene.applied(&commit).await;
    let ada = format!("{} (ada)", keys.fingerprint("ada"));
    let revision = format!("v1.0.0@sha1:{commit}");
    assert_eq!(status["verified"], json!({"revision": revision, "tag": ada}), "{status:#}");

    // A signed tag under a name that it does not have: somebody passes an old version off as a new one.
    let old = scene.repository.git(&["rev-parse", "refs/tags/v1.0.0"]);
    scene.repository.push(&[&format!("{old}:refs/tags/v1.9.0")]);
    scene.request().await;
    let message = scene.condition("Ready", "False", "SignatureBad").await["message"].clone();
    let words = ["\"v1.0.0\"", "\"v1.9.0\""];
    assert!(message.as_str().is_some_and(|said| words.iter().all(|words| said.contains(words))), "{message}");
}

#[tokio::test]
async fn a_tag_is_asked_for_only_where_there_is_one() {
    let Some(scene) = Scene::new("untagged").await else { return };
    let name = json!({"namespace": scene.home, "name": "main"});
    let verify = json!({"mode": "Both", "secretRef": {"name": "signers"}});
    let object = json!({
        "apiVersion": "gitmoor.dev/v1alpha1", "kind": "GitSync", "metadata": name,
        "spec": {"url": scene.url, "ref": {"branch": "main"}, "verify": verify}
    });
    let refused = scene.kube.apply("suite", &object).await.unwrap_err().to_string();
    assert!(refused.contains("need ref.tag or ref.semver"), "{refused}");
}

#[tokio::test]
async fn with_both_neither_the_commit_nor_the_tag_goes_unsigned_and_a_pin_is_no_way_around_it() {
    let Some(scene) = Scene::new("both").await else { return };
    let keys = Keys::new();
    trust(&scene, json!({"ada.pub": keys.public("ada")})).await;
    commit(&scene, &keys, None, 1);
    signing(&scene, &keys, "ada", &["tag", "-s", "-m", "one", "v1.0.0"]);
    scene.repository.push(&["v1.0.0"]);
    let mut spec = verify("Both");
    spec["ref"] = json!({"semver": "^1"});
    scene.create_sync(spec).await;
    let said = |told: &Value| told["message"].as_str().unwrap_or_default().to_owned();
    let told = said(&scene.condition("Ready", "False", "SignatureMissing").await);
    assert!(told.contains("the commit"), "{told}");

    let signed = commit(&scene, &keys, Some("ada"), 2);
    scene.repository.git(&["tag", "v1.1.0"]);
    scene.repository.push(&["v1.1.0"]);
    scene.request().await;
    scene
        .status("the tag is not signed", |status| {
            status["conditions"][0]["message"].to_string().contains("lightweight")
        })
        .await;

    signing(&scene, &keys, "ada", &["tag", "--force", "-s", "-m", "one", "v1.1.0"]);
    scene.repository.push(&["--force", "v1.1.0"]);
    scene.request().await;
    let status = scene.applied(&signed).await;
    let ada = format!("{} (ada)", keys.fingerprint("ada"));
    let revision = format!("v1.1.0@sha1:{signed}");
    assert_eq!(status["verified"], json!({"revision": revision, "commit": ada, "tag": ada}), "{status:#}");

    // A commit that is signed, and that no signed tag was ever applied of.
    let untagged = commit(&scene, &keys, Some("ada"), 3);
    scene.annotate("gitmoor.dev/pinned-revision", json!(untagged)).await;
    let told = said(&scene.condition("Ready", "False", "PinnedRevisionMissing").await);
    assert!(told.contains("tag that is signed"), "{told}");
    assert_eq!(scene.service("a").await.unwrap()["spec"]["replicas"], 2);
    scene.annotate("gitmoor.dev/pinned-revision", json!(signed)).await;
    scene.condition("Ready", "True", "Applied").await;
}
