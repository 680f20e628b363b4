//! Local folders.

use std::os::unix::fs::symlink;
use std::path::Path;

use gitmoor::source::watch;
use tokio::time::timeout;

use super::*;

fn open(dir: &Path) -> Source {
    let allowed = dir.parent().unwrap().to_owned();
    let options = SourceOptions { allow_dir: Some(allowed), ..SourceOptions::new("/nonexistent/gitmoor") };
    Sources::new(options).open(&format!("dir://{}", dir.display()), "main", PATIENCE).unwrap()
}

fn write(dir: &Path, path: &str, content: &str) {
    std::fs::create_dir_all(dir.join(path).parent().unwrap()).unwrap();
    std::fs::write(dir.join(path), content).unwrap();
}

#[tokio::test]
async fn a_folder_is_read_by_the_rules_of_a_repository() {
    let (dir, outside) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    for path in ["apps/b.yaml", "a.yml", "README.md", ".git/x.yaml", "apps/.x/y.yaml"] {
        write(dir.path(), path, path);
    }
    write(outside.path(), "secret.yaml", "secret");
    symlink(outside.path(), dir.path().join("linked")).unwrap();
    symlink(outside.path().join("secret.yaml"), dir.path().join("linked.yaml")).unwrap();
    symlink("../a.yml", dir.path().join("apps/a.yaml")).unwrap();
    symlink("apps", dir.path().join("again")).unwrap();

    let source = open(dir.path());
    let snapshot = fetch(&source).await;
    assert_eq!(paths(&snapshot), ["a.yml", "apps/b.yaml"]);
    assert_eq!(snapshot.unread.iter().map(|one| &*one.path).collect::<Vec<_>>(), ["linked", "linked.yaml"]);
    assert!(snapshot.commit.is_none());
    assert!(snapshot.revision.as_str().starts_with("folder@sha256:"), "{}", snapshot.revision);
    assert!(is_unchanged(&source, &snapshot.revision).await);

    let wanted = fetch_paths(&source, &["again", "linked/secret.yaml", "linked.yaml", "none"]).await;
    assert_eq!(paths(&wanted), ["again/b.yaml"]);
    assert_eq!(content(&source, &wanted, "again/b.yaml").await, "apps/b.yaml");
    let outside = "(a symbolic link that leads out of the repository)";
    assert_eq!(
        wanted.missing_paths,
        ["none".to_owned(), format!("linked/secret.yaml {outside}"), format!("linked.yaml {outside}")]
    );
    assert_eq!(wanted.unread.iter().map(|one| &*one.path).collect::<Vec<_>>(), ["again/a.yaml"], "two links");
}

#[tokio::test]
async fn contents_are_those_of_the_snapshot() {
    let dir = TempDir::new().unwrap();
    write(dir.path(), "a.yaml", "one");
    let source = open(dir.path());
    let first = fetch(&source).await;
    write(dir.path(), "a.yaml", "two");
    assert_eq!(content(&source, &first, "a.yaml").await, "one");
    let second = changed(source.fetch(Some(&first.revision), &whole()).await);
    assert_eq!(content(&source, &second, "a.yaml").await, "two");
    let gone = source.read(vec![first.files[0].blob], MAX_BLOB_BYTES).await.unwrap_err();
    assert_eq!(gone.reason(), "BlobMissing");
}

#[tokio::test]
async fn a_missing_folder_is_an_error_and_not_an_empty_one() {
    let dir = TempDir::new().unwrap();
    let place = dir.path().join("none");
    assert_eq!(reason(&open(&place)).await, "NotADirectory");
    std::fs::write(&place, "").unwrap();
    assert_eq!(reason(&open(&place)).await, "NotADirectory");
    assert_eq!(watch(&place).unwrap_err().reason(), "NotADirectory");
}

#[tokio::test]
async fn a_symlink_does_not_lead_out_of_what_is_allowed() {
    let (dir, outside) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    write(outside.path(), "secret.yaml", "secret");
    symlink(outside.path(), dir.path().join("linked")).unwrap();
    let options =
        SourceOptions { allow_dir: Some(dir.path().to_owned()), ..SourceOptions::new("/nonexistent/gitmoor") };
    let url = format!("dir://{}/linked", dir.path().display());
    let source = Sources::new(options).open(&url, "main", PATIENCE).unwrap();
    assert_eq!(reason(&source).await, "NotADirectory");
}

#[tokio::test]
async fn a_watch_tells_of_writes_renames_removals_and_new_folders() {
    let dir = TempDir::new().unwrap();
    write(dir.path(), "a.yaml", "one");
    let (guard, mut changes) = watch(dir.path()).unwrap();
    let source = open(dir.path());
    let mut known = fetch(&source).await.revision.clone();
    let changes_of: [&dyn Fn(); 4] = [
        &|| write(dir.path(), "a.yaml", "two"),
        &|| {
            write(dir.path(), "a.yaml~", "three");
            std::fs::rename(dir.path().join("a.yaml~"), dir.path().join("a.yaml")).unwrap();
        },
        &|| write(dir.path(), "new/folder/b.yaml", "four"),
        &|| std::fs::remove_file(dir.path().join("a.yaml")).unwrap(),
    ];
    for (number, change) in changes_of.iter().enumerate() {
        change();
        // An announcement may come before the last event of a burst; then another follows.
        known = loop {
            timeout(PATIENCE, changes.recv()).await.unwrap_or_else(|_| panic!("change {number} was not seen")).unwrap();
            if let Fetch::Changed(snapshot) = source.fetch(Some(&known), &whole()).await.unwrap() {
                break snapshot.revision.clone();
            }
        };
    }
    drop(guard);
    assert_eq!(timeout(PATIENCE, changes.recv()).await, Ok(None), "it ends with its guard");
}
