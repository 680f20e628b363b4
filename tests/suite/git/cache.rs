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

/// Two commits that are as large as each other, each in a pack of its own: what is at one place in one pack is there in the
/// other, too.
struct Twins {
    fixture: Fixture,
    commits: [String; 2],
}

impl Twins {
    fn new() -> Option<Self> {
        let fixture = Fixture::new()?;
        let first = fixture.repository.git(&["rev-parse", "HEAD"]);
        fixture.repository.write("apps/shop.yaml", "name: club\n");
        let second = fixture.repository.commit("other");
        Some(Self { fixture, commits: [first, second] })
    }

    /// The indexes of both are damaged, and what was there is read again.
    async fn check(&self, what: &str, damage: impl Fn([Vec<u8>; 2]) -> [Vec<u8>; 2]) {
        let cache = TempDir::new().unwrap();
        let url = self.fixture.server.url("deploy.git");
        let open = || Sources::new(SourceOptions::new(cache.path())).open(&url, "main", PATIENCE).unwrap();
        let mut known = None;
        for commit in &self.commits {
            self.fixture.repository.push(&["--force", &format!("{commit}:refs/heads/main")]);
            let before = known.as_ref().map(|known: &Arc<Snapshot>| &known.revision);
            known = Some(changed(open().fetch(before, &whole()).await));
        }
        let before = known.unwrap();
        let paths = indexes(&repositories(cache.path())[0]);
        assert_eq!(paths.len(), 2, "{what}: {paths:?}");
        let bytes = damage([0, 1].map(|at| std::fs::read(&paths[at]).unwrap()));
        for (path, bytes) in paths.iter().zip(bytes) {
            std::fs::remove_file(path).unwrap();
            std::fs::write(path, bytes).unwrap();
        }

        let asked = self.fixture.server.stats().await;
        let source = open();
        let snapshot = fetch(&source).await;
        assert_eq!((&snapshot.revision, &snapshot.files), (&before.revision, &before.files), "{what}");
        let read = source.read(vec![snapshot.files[0].blob], MAX_BLOB_BYTES).await;
        if let Err(error) = read {
            // It was found out just now: the next look begins anew.
            assert_eq!((error.reason(), error.is_transient()), ("Corrupt", true), "{what}: {error}");
            assert_eq!(changed(source.fetch(Some(&before.revision), &whole()).await).files, before.files, "{what}");
        }
        assert_eq!(content(&source, &before, "apps/shop.yaml").await, "name: club\n", "{what}");
        assert!((self.fixture.server.stats().await - asked).fetch >= 1, "{what}: it was received again");
        for index in indexes(&repositories(cache.path())[0]) {
            crate::support::repository::git(cache.path(), &["verify-pack", index.to_str().unwrap()]);
        }
    }
}

/// The index of a pack says where each object of it is.
#[tokio::test]
async fn an_index_that_is_cut_damaged_or_of_another_pack_is_made_anew() {
    let Some(twins) = Twins::new() else { return };
    twins.check("cut in the middle", |all| all.map(|bytes| bytes[..bytes.len() / 2].to_vec())).await;
    twins.check("cut to nothing", |all| all.map(|_| Vec::new())).await;
    let filled = |all: [Vec<u8>; 2], place: fn(usize) -> std::ops::Range<usize>, byte: u8| {
        all.map(|mut bytes| {
            let place = place(bytes.len());
            bytes[place].fill(byte);
            bytes
        })
    };
    // A head of eight bytes and a table of 256 numbers; then names, sums and places; then two hashes.
    twins.check("damaged in its table", |all| filled(all, |_| 8..8 + 1024, 0xff)).await;
    twins.check("damaged in its names", |all| filled(all, |_| 8 + 1024..8 + 1024 + 40, 0x7f)).await;
    twins.check("damaged in its places", |all| filled(all, |end| end - 40 - 12..end - 40, 0x11)).await;
    twins.check("of another pack", |[one, other]| [other, one]).await;
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

fn indexes(repository: &Path) -> Vec<PathBuf> {
    let packs = packs(repository).into_iter().map(|pack| pack.with_extension("idx"));
    packs.filter(|index| index.exists()).collect()
}
