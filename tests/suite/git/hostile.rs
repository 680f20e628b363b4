//! Servers and repositories that mean harm: what they send is bounded, has a reason, and leaves what was read before as it was.

use std::ops::RangeInclusive;

use serde_json::json;
use tokio::time::timeout;

use super::*;
use crate::support::repository::git;

/// What became of a fetch by somebody who had read it before, and by somebody new.
async fn check(fixture: &Fixture, word: &str, expected: &str, options: &SourceOptions) {
    let open = || Sources::new(options.clone()).open(&fixture.server.url("deploy.git"), "main", PATIENCE).unwrap();
    let source = open();
    let before = fetch(&source).await;
    fixture.repository.write("apps/shop.yaml", &format!("name: {word}\n# {}\n", noise(4_000)));
    fixture.repository.commit(word);
    fixture.server.hostile(word).await;
    for _ in 0..2 {
        let ended = timeout(PATIENCE, source.fetch(Some(&before.revision), &whole())).await;
        let error = ended.expect("it ends by itself").unwrap_err();
        assert_eq!(error.reason(), expected, "{word}: {error}");
        assert!(!error.code().is_empty(), "{word}");
        let read = content(&source, &before, "apps/shop.yaml").await;
        assert!(read.starts_with("name: "), "{word}: what was read before can be read");
    }
    assert_eq!(leftovers(fixture), [""; 0], "{word}");
    fixture.server.fault(None, 0).await;
    let after = changed(source.fetch(Some(&before.revision), &whole()).await);
    assert!(content(&source, &after, "apps/shop.yaml").await.starts_with(&format!("name: {word}")), "it heals");
}

fn noise(length: usize) -> String {
    (0..length).map(|_| fastrand::alphanumeric()).collect()
}

/// Half clones and half packs.
fn leftovers(fixture: &Fixture) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![fixture.cache.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if name.ends_with(".new") || name.ends_with(".old") || name.starts_with("tmp") || name.contains(".tmp") {
                found.push(path.display().to_string());
            } else if path.is_dir() {
                folders.push(path);
            }
        }
    }
    found
}

#[tokio::test]
async fn endless_lists_and_endless_words_end_at_a_bound() {
    let Some(fixture) = Fixture::new() else { return };
    let bounded = SourceOptions { max_fetch_bytes: 1 << 20, ..fixture.options() };
    check(&fixture, "endless-refs", "TooLarge", &bounded).await;
    check(&fixture, "endless-progress", "TooLarge", &bounded).await;
}

#[tokio::test]
async fn endless_words_end_with_the_deadline() {
    let Some(fixture) = Fixture::new() else { return };
    fixture.server.hostile("endless-progress").await;
    let source = fixture.source_within(Duration::from_millis(400));
    assert_eq!(timeout(PATIENCE, reason(&source)).await, Ok("Timeout"));
}

#[tokio::test]
async fn packs_that_are_wrong_damaged_or_cut_change_nothing() {
    let Some(fixture) = Fixture::new() else { return };
    check(&fixture, "empty-pack", "Corrupt", &fixture.options()).await;
    check(&fixture, "corrupt", "Corrupt", &fixture.options()).await;
    check(&fixture, "cut", "TransportFailed", &fixture.options()).await;
}

#[tokio::test]
async fn an_object_that_unpacks_to_far_more_than_it_is_ends_at_a_bound() {
    let Some(fixture) = Fixture::new() else { return };
    let options = SourceOptions { max_object_bytes: 1 << 20, ..fixture.options() };
    fixture.repository.write("bomb.yaml", &"0".repeat(16 << 20));
    fixture.repository.commit("bomb");
    let source = Sources::new(options).open(&fixture.server.url("deploy.git"), "main", PATIENCE).unwrap();
    assert_eq!(reason(&source).await, "TooLarge");
    assert_eq!(leftovers(&fixture), [""; 0]);
}

#[tokio::test]
async fn a_tree_that_unfolds_to_far_more_than_it_is_ends_at_a_bound() {
    let Some(fixture) = Fixture::new() else { return };
    let bare = &fixture.repository.bare;
    let mut id = git(bare, &["rev-parse", "main:apps"]);
    // Thirty folders of two folders each, which are one: a thousand million files.
    for _ in 0..30 {
        let tree = format!("040000 tree {id}\ta\n040000 tree {id}\tb\n");
        id = pipe(bare, &["mktree"], &tree);
    }
    let commit = git(bare, &["-c", "user.name=x", "-c", "user.email=x@x", "commit-tree", "-m", "bomb", &id]);
    git(bare, &["update-ref", "refs/heads/main", &commit]);
    assert_eq!(timeout(PATIENCE, reason(&fixture.source())).await, Ok("TooLarge"));
}

#[tokio::test]
async fn names_that_would_hurt_a_checkout_are_names_and_nothing_else() {
    let Some(fixture) = Fixture::new() else { return };
    let bare = &fixture.repository.bare;
    let blob = git(bare, &["rev-parse", "main:apps/shop.yaml"]);
    let names = ["\u{1b}[31m.yaml", "-upload-pack.yaml", "a\nb.yaml", "good.yaml"];
    let entries: String = names.iter().map(|name| format!("100644 blob {blob}\t{name}\0")).collect();
    let inner = pipe(bare, &["mktree", "-z"], &entries);
    let entries: String = ["..", ".git", "apps"].iter().map(|name| format!("040000 tree {inner}\t{name}\0")).collect();
    let root = pipe(bare, &["mktree", "-z"], &entries);
    let commit = git(bare, &["-c", "user.name=x", "-c", "user.email=x@x", "commit-tree", "-m", "names", &root]);
    git(bare, &["update-ref", "refs/heads/main", &commit]);
    let source = fixture.source();
    let snapshot = fetch(&source).await;
    let found = paths(&snapshot);
    assert!(found.contains(&"apps/good.yaml"), "{found:?}");
    assert!(found.iter().all(|path| path.starts_with("apps/")), "{found:?}");
    assert_eq!(content(&source, &snapshot, "apps/good.yaml").await, "name: shop\n");
    let outside = fixture.cache.path().parent().unwrap().join("good.yaml");
    assert!(!outside.exists());
}

/// Writes a tree as no git would, makes a commit of it the branch's tip, and says what becomes of a fetch.
async fn malformed(fixture: &Fixture, entries: &[(&str, &str, &str)]) -> String {
    let bare = &fixture.repository.bare;
    let mut raw = Vec::new();
    for (mode, name, id) in entries {
        raw.extend(format!("{mode} {name}\0").into_bytes());
        raw.extend(data_encoding::HEXLOWER.decode(id.as_bytes()).unwrap());
    }
    let tree = pipe_bytes(bare, &["hash-object", "-t", "tree", "-w", "--literally", "--stdin"], &raw);
    let commit = git(bare, &["-c", "user.name=x", "-c", "user.email=x@x", "commit-tree", "-m", "odd", &tree]);
    git(bare, &["update-ref", "refs/heads/main", &commit]);
    match timeout(PATIENCE, fixture.source().fetch(None, &whole())).await.expect("it ends by itself") {
        Ok(Fetch::Changed(snapshot)) => paths(&snapshot).join(" "),
        Ok(Fetch::Unchanged) => "unchanged".into(),
        Err(error) => error.reason().into(),
    }
}

#[tokio::test]
async fn a_tree_that_no_git_would_write_is_refused_and_odd_modes_are_no_rights() {
    let Some(fixture) = Fixture::new() else { return };
    let bare = &fixture.repository.bare;
    let good = git(bare, &["rev-parse", "main:apps/shop.yaml"]);
    let folder = git(bare, &["rev-parse", "main:apps"]);
    let evil = pipe(bare, &["hash-object", "-w", "--stdin"], "name: evil\n");
    // A reviewer is shown one of the two.
    let twice = [("100644", "a.yaml", &*good), ("100644", "a.yaml", &*evil)];
    assert_eq!(malformed(&fixture, &twice).await, "Corrupt");
    let apart = [("100644", "a", &*good), ("100644", "a.yaml", &*evil), ("40000", "a", &*folder)];
    assert_eq!(malformed(&fixture, &apart).await, "Corrupt");
    for name in ["apps/shop.yaml", "../a.yaml", "/etc/a.yaml"] {
        assert_eq!(malformed(&fixture, &[("100644", name, &good)]).await, "Corrupt", "{name:?}");
    }
    for name in ["..", ".", ".git", ".GIT", "git~1"] {
        let found = malformed(&fixture, &[("40000", name, &folder), ("100644", "z.yaml", &good)]).await;
        assert!(found == "Corrupt" || found.ends_with("z.yaml") && !found.contains(".."), "{name}: {found}");
    }
    // What is a file by its mode is read, whatever else the mode says; what is none is not.
    for (mode, expected) in [("100777", "a.yaml"), ("104755", "a.yaml"), ("100600", "a.yaml")] {
        assert_eq!(malformed(&fixture, &[(mode, "a.yaml", &good)]).await, expected, "{mode}");
    }
    // Some of them git itself does not send.
    for (mode, name) in [
        ("020666", "a.yaml"),
        ("060666", "a.yaml"),
        ("140777", "a.yaml"),
        ("0", "a.yaml"),
        ("777777777", "a.yaml"),
        ("-1", "a.yaml"),
        ("x", "a.yaml"),
        ("100644", ""),
    ] {
        let found = malformed(&fixture, &[(mode, name, &good)]).await;
        assert!(!found.contains(".yaml"), "{mode} {name:?}: {found}");
    }
    assert_eq!(leftovers(&fixture), [""; 0]);
}

#[tokio::test]
async fn a_server_that_asks_for_patience_says_how_long() {
    let Some(fixture) = Fixture::new() else { return };
    for (status, reason) in [(429, "RateLimited"), (503, "ServerFailed")] {
        let check = async |value: &str, expected: RangeInclusive<u64>| {
            fixture.server.faults(json!({"hang_after_bytes": -1, "status": status, "retry_after": value})).await;
            let error = fixture.source().fetch(None, &whole()).await.unwrap_err();
            let pause = error.pause().unwrap_or_default().as_secs();
            assert!(error.reason() == reason && expected.contains(&pause), "{status} {value:?}: {error}");
        };
        // As HTTP writes a time so many seconds from now.
        let date = |seconds: i64| {
            let at = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(seconds);
            at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
        };
        check("", 0..=0).await;
        check("120", 120..=120).await;
        check("1000000", 3_600..=3_600).await;
        check("soon", 0..=0).await;
        check(&date(600), 480..=600).await;
        check(&date(100_000), 3_600..=3_600).await;
        check(&date(-10), 0..=0).await;
    }
}

fn pipe(bare: &std::path::Path, args: &[&str], input: &str) -> String {
    pipe_bytes(bare, args, input.as_bytes())
}

fn pipe_bytes(bare: &std::path::Path, args: &[&str], input: &[u8]) -> String {
    use std::io::Write;
    let mut child = std::process::Command::new("git")
        .arg("-C")
        .arg(bare)
        .args(args)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{args:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
