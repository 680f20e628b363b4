//! A volume without room: told as such, survived, and left as soon as there is room.
//!
//! A bound on the size of files, which any user may set for their own processes, stands for it: the operating system refuses
//! to write on, as it does on a full volume. It holds for a whole process, so the test runs itself again in one.

use std::process::Command;

use super::*;
use crate::support::git_server::skip;

const BOUNDED: &str = "GITMOOR_TEST_BOUNDED";
/// In kilobytes; enough for the small files of a cache, and too little for a pack with noise.
const BOUND: u32 = 64;

#[tokio::test]
async fn a_full_volume_is_told_leaves_what_was_read_and_heals() {
    if std::env::var_os(BOUNDED).is_none() {
        let script = format!("trap '' XFSZ; ulimit -S -f {}; exec \"$@\"", 2 * BOUND);
        let own = std::env::current_exe().unwrap();
        let name = "git::full::a_full_volume_is_told_leaves_what_was_read_and_heals";
        let mut command = Command::new("sh");
        command.args(["-c", &script, "sh"]).arg(own).args(["--exact", name, "--nocapture"]);
        let output = command.env(BOUNDED, "1").output().unwrap();
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success() && said.contains("1 passed"), "{said}");
        return;
    }
    if Command::new("prlimit").arg("--version").output().is_err() {
        skip::<()>("prlimit is not installed");
        return;
    }
    // The server and Git write as much as they like.
    bound("unlimited");
    let Some(fixture) = Fixture::new() else { return };
    let source = fixture.source();
    let before = fetch(&source).await;
    let noise: String = (0..400_000).map(|_| fastrand::alphanumeric()).collect();
    fixture.repository.write("noise.yaml", &noise);
    fixture.repository.commit("noise");

    bound(&(u64::from(BOUND) << 10).to_string());
    for _ in 0..2 {
        let error = source.fetch(Some(&before.revision), &whole()).await.unwrap_err();
        assert_eq!((error.reason(), error.code(), error.is_transient()), ("StoreFull", "GM470", true), "{error}");
        assert_eq!(content(&source, &before, "apps/shop.yaml").await, "name: shop\n");
    }
    // Neither half a pack nor half a clone is left; a new process begins with what there was.
    let large = files(fixture.cache.path()).into_iter().filter(|(_, bytes)| *bytes >= u64::from(BOUND) << 9);
    assert_eq!(large.collect::<Vec<_>>(), []);
    drop(source);
    let source = fixture.source();
    let error = source.fetch(None, &whole()).await.unwrap_err();
    assert_eq!(error.reason(), "StoreFull", "{error}");
    let kept = source.at(before.revision.commit().unwrap(), &whole()).await.unwrap();
    assert_eq!(content(&source, &kept, "apps/shop.yaml").await, "name: shop\n");

    bound("unlimited");
    let after = changed(source.fetch(Some(&before.revision), &whole()).await);
    assert_eq!(content(&source, &after, "noise.yaml").await, noise);
}

/// From now on no file of this process becomes larger.
fn bound(bytes: &str) {
    let own = std::process::id().to_string();
    let set = Command::new("prlimit").args(["--pid", &own, &format!("--fsize={bytes}:")]).status().unwrap();
    assert!(set.success());
}

/// All files below a folder, with their sizes.
fn files(folder: &std::path::Path) -> Vec<(String, u64)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let metadata = entry.metadata().unwrap();
        if metadata.is_dir() {
            found.extend(files(&entry.path()));
        } else {
            found.push((entry.path().display().to_string(), metadata.len()));
        }
    }
    found
}
