//! The cache on disk: kept, shared by nobody, replaced when damaged or worn.

use std::path::{Path, PathBuf};

use super::*;

#[tokio::test]
async fn a_new_process_finds_the_cache() {
    let Some(fixture) = Fixture::new() else { return };
    let first = fetch(&fixture.source()).await;
    let before = fixture.server.stats().await;
    let source = fixture.source();
    let again = fetch(&source).await;
    assert_eq!((&again.revision, &again.files), (&first.revision, &first.files));
    assert_eq!((fixture.server.stats().await - before).fetch, 0);
    assert_eq!(content(&source, &again, "apps/shop.yaml").await, "name: shop\n");
}

#[tokio::test]
async fn two_sources_of_one_branch_do_not_disturb_each_other() {
    let Some(fixture) = Fixture::new() else { return };
    let (one, other) = (fixture.source(), fixture.source());
    let (of_one, of_other) = tokio::join!(fetch(&one), fetch(&other));
    assert_eq!(of_one.files, of_other.files);
    assert_eq!(repositories(fixture.cache.path()).len(), 2);
}

#[tokio::test]
async fn many_packs_become_one() {
    let Some(fixture) = Fixture::new() else { return };
    let source = fixture.source();
    let mut known = fetch(&source).await.revision.clone();
    for round in 0..55 {
        fixture.repository.write("apps/shop.yaml", &format!("round: {round}\n"));
        fixture.repository.commit("round");
        let snapshot = changed(source.fetch(Some(&known), &whole()).await);
        assert_eq!(content(&source, &snapshot, "apps/shop.yaml").await, format!("round: {round}\n"));
        known = snapshot.revision.clone();
    }
    let repositories = repositories(fixture.cache.path());
    assert_eq!(repositories.len(), 1, "{repositories:?}");
    // Fifty may gather; the fetch that brought one more left one, and five followed.
    assert_eq!(packs(&repositories[0]).len(), 6);
}

#[tokio::test]
async fn a_damaged_cache_is_made_anew() {
    let Some(fixture) = Fixture::new() else { return };
    let before = fetch(&fixture.source()).await;
    let check = async |what: &str, damage: &dyn Fn(&Path)| {
        damage(&repositories(fixture.cache.path())[0]);
        let source = fixture.source();
        let snapshot = fetch(&source).await;
        assert_eq!(snapshot.files, before.files, "{what}");
        assert_eq!(content(&source, &snapshot, "apps/shop.yaml").await, "name: shop\n", "{what}");
    };
    check("no HEAD", &|dir| std::fs::remove_file(dir.join("HEAD")).unwrap()).await;
    check("odd configuration", &|dir| std::fs::write(dir.join("config"), "[core\n").unwrap()).await;
    check("no packs", &|dir| packs(dir).iter().for_each(|pack| std::fs::remove_file(pack).unwrap())).await;
    check("odd packs", &|dir| packs(dir).iter().for_each(|pack| std::fs::write(pack, "PACK").unwrap())).await;
    check("a file in its place", &|dir| {
        std::fs::remove_dir_all(dir).unwrap();
        std::fs::write(dir, "").unwrap();
    })
    .await;
    check("odd reference", &|dir| std::fs::write(dir.join("refs/gitmoor/tracked"), "odd").unwrap()).await;
    check("a lock left behind", &|dir| std::fs::write(dir.join("shallow.lock"), "").unwrap()).await;
    check("half a clone beside", &|dir| {
        let mut new = dir.as_os_str().to_owned();
        new.push(".new");
        std::fs::create_dir(new).unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_content_that_cannot_be_read_makes_the_next_fetch_start_anew() {
    let Some(fixture) = Fixture::new() else { return };
    let noise: String = (0..20_000).map(|_| fastrand::alphanumeric()).collect();
    fixture.repository.write("noise.yaml", &noise);
    fixture.repository.commit("noise");
    let snapshot = fetch(&fixture.source()).await;
    let noisy = snapshot.files[1].blob;
    for pack in packs(&repositories(fixture.cache.path())[0]) {
        let mut bytes = std::fs::read(&pack).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle..middle + 64].fill(0);
        std::fs::remove_file(&pack).unwrap();
        std::fs::write(&pack, bytes).unwrap();
    }
    let source = fixture.source();
    let error = source.read(vec![noisy], MAX_BLOB_BYTES).await.unwrap_err();
    assert_eq!((error.reason(), error.is_transient()), ("Corrupt", true), "{error}");
    let again = changed(source.fetch(Some(&snapshot.revision), &whole()).await);
    assert_eq!(content(&source, &again, "noise.yaml").await, noise);
    assert!(is_unchanged(&source, &snapshot.revision).await);
}

#[tokio::test]
async fn a_forgotten_source_leaves_no_repository() {
    let Some(fixture) = Fixture::new() else { return };
    let source = fixture.source();
    fetch(&source).await;
    source.forget().await.unwrap();
    assert!(repositories(fixture.cache.path()).is_empty());
}

/// All there is in the cache but locks.
fn repositories(cache: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(cache).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_none_or(|end| end != "lock")).collect()
}

fn packs(repository: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(repository.join("objects/pack")).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_some_and(|end| end == "pack")).collect()
}
