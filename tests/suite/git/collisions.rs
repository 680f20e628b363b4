//! SHA-1 as Gitmoor has it: the two published files that have one hash are told for what they are. Of objects of Git no such pair
//! is known.

use data_encoding::HEXLOWER;
use gix::hash::{Kind, hasher};

/// The first blocks of both files of <https://shattered.io>, until their hashes are one.
const COMMON: &str = concat!(
    "255044462d312e330a25e2e3cfd30a0a0a312030206f626a0a3c3c2f57696474682032203020522f4865696768742033203020522f547970652034",
    "203020522f537562747970652035203020522f46696c7465722036203020522f436f6c6f7253706163652037203020522f4c656e67746820382030",
    "20522f42697473506572436f6d706f6e656e7420383e3e0a73747265616d0affd8fffe00245348412d3120697320646561642121212121852fec09",
    "2339759c39b1a1c63c4c97e1fffe01",
);
const TAILS: [&str; 2] = [
    concat!(
        "7346dc9166b67e118f029ab621b2560ff9ca67cca8c7f85ba84c79030c2b3de218f86db3a90901d5df45c14f26fedfb3dc38e96ac22fe7bd728f0e",
        "45bce046d23c570feb141398bb552ef5a0a82be331fea48037b8b5d71f0e332edf93ac3500eb4ddc0decc1a864790c782c76215660dd309791d06b",
        "d0af3f98cda4bc4629b1",
    ),
    concat!(
        "7f46dc93a6b67e013b029aaa1db2560b45ca67d688c7f84b8c4c791fe02b3df614f86db1690901c56b45c1530afedfb76038e972722fe7ad728f0e",
        "4904e046c230570fe9d41398abe12ef5bc942be33542a4802d98b5d70f2a332ec37fac3514e74ddc0f2cc1a874cd0c78305a21566461309789606b",
        "d0bf3f98cda8044629a1",
    ),
];

fn files() -> [Vec<u8>; 2] {
    TAILS.map(|tail| HEXLOWER.decode(format!("{COMMON}{tail}").as_bytes()).unwrap())
}

#[test]
fn the_published_files_of_one_hash_are_refused_by_the_hasher_that_names_objects() {
    let [one, other] = files();
    assert!(one.len() == 320 && one != other);
    let plain = |file: &[u8]| {
        let digest = ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, file);
        HEXLOWER.encode(digest.as_ref())
    };
    assert_eq!(plain(&one), "f92d74e3874587aaf443d1db961d4e26dde13e9c");
    assert_eq!(plain(&one), plain(&other), "without detection they are one");
    for file in [&one, &other] {
        // At once, byte by byte, and with more behind it, as in a pack.
        for (part, behind) in [(320, 0), (1, 0), (64, 4096)] {
            let mut hasher = hasher(Kind::Sha1);
            file.chunks(part).for_each(|part| hasher.update(part));
            hasher.update(&vec![b' '; behind]);
            let refused = hasher.try_finalize().unwrap_err().to_string();
            assert!(refused.contains("collision attack"), "{refused}");
        }
    }
    // One bit less, and it is a file like any other.
    let mut harmless = one;
    harmless[200] ^= 1;
    let mut hasher = hasher(Kind::Sha1);
    hasher.update(&harmless);
    assert_eq!(hasher.try_finalize().unwrap().to_string(), plain(&harmless));
}
