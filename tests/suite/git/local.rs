//! Repositories on this machine.

use super::*;

fn open(path: &std::path::Path, cache: &TempDir) -> Source {
    let options = SourceOptions { allow_file: true, ..SourceOptions::new(cache.path()) };
    Sources::new(options).open(&format!("file://{}", path.display()).replace(' ', "%20"), "main", PATIENCE).unwrap()
}

#[tokio::test]
async fn a_repository_on_this_machine_is_read_where_that_is_allowed() {
    let (place, cache) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let repository = Repository::new(&place.path().join("it's a repo.git")).with_file("a.yaml", "a: 1\n");
    let source = open(&repository.bare, &cache);
    let first = fetch(&source).await;
    assert_eq!(paths(&first), ["a.yaml"]);
    assert!(is_unchanged(&source, &first.revision).await);
    repository.write("a.yaml", "a: 2\n");
    repository.commit("two");
    let second = changed(source.fetch(Some(&first.revision), &whole()).await);
    assert_eq!(content(&source, &second, "a.yaml").await, "a: 2\n");

    let refused = Sources::new(SourceOptions::new(cache.path())).open("file:///srv/x.git", "main", PATIENCE);
    assert_eq!(refused.unwrap_err().reason(), "UrlRefused");
}

#[tokio::test]
async fn what_is_missing_on_this_machine_is_named() {
    let (place, cache) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    assert_eq!(reason(&open(&place.path().join("none.git"), &cache)).await, "RepositoryNotFound");
    let empty = Repository::new(&place.path().join("empty.git"));
    assert_eq!(reason(&open(&empty.bare, &cache)).await, "RefNotFound");
}

#[tokio::test]
async fn history_and_commits_of_this_machine_are_read() {
    let (place, cache) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let repository = Repository::new(&place.path().join("a.git")).with_file("a.yaml", "a: 1\n");
    let source = open(&repository.bare, &cache);
    super::ssh::history_and_commits_are_read(&repository, &source).await;
}
