//! The files of the page, part of the program. A test finds a file that is not listed here.

use std::sync::LazyLock;

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

/// One file.
#[derive(Debug, Clone, Copy)]
pub struct Asset {
    /// Its name below `/assets/`.
    pub name: &'static str,
    /// What is in it.
    pub bytes: &'static [u8],
}

macro_rules! assets {
    ($($name:literal),* $(,)?) => {
        [$(Asset { name: $name, bytes: include_bytes!(concat!("assets/", $name)) }),*]
    };
}

/// The page itself.
pub const INDEX: &str = "index.html";

/// All files.
pub static ASSETS: &[Asset] = &assets![
    "index.html",
    "api.js",
    "app.js",
    "clipboard.js",
    "diff.js",
    "drift.js",
    "frame.js",
    "gitsync.js",
    "grid.js",
    "h.js",
    "icon.svg",
    "icons.js",
    "keys.js",
    "live.js",
    "notice.js",
    "overview.js",
    "parts.js",
    "patch.js",
    "route.js",
    "rows.js",
    "service.js",
    "sse.js",
    "store.js",
    "style.css",
    "time.js",
    "timeline.js",
];

/// Digests of the files, in their order.
static TAGS: LazyLock<Vec<String>> = LazyLock::new(|| ASSETS.iter().map(|asset| tag(asset.bytes)).collect());

/// The file of a name, and its digest.
pub fn find(name: &str) -> Option<(&'static Asset, &'static str)> {
    let at = ASSETS.iter().position(|asset| asset.name == name)?;
    Some((&ASSETS[at], TAGS.get(at)?))
}

/// A digest that tells contents apart, for an `ETag` and for `?v=`.
pub fn tag(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(bytes)[..12])
}

impl Asset {
    /// Its content type, by the end of its name.
    pub fn kind(&self) -> &'static str {
        match self.name.rsplit_once('.').map(|(_, end)| end) {
            Some("html") => "text/html; charset=utf-8",
            Some("js") => "text/javascript; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            Some("svg") => "image/svg+xml",
            Some("png") => "image/png",
            Some("ico") => "image/x-icon",
            Some("json" | "webmanifest") => "application/json",
            Some("woff2") => "font/woff2",
            _ => "application/octet-stream",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_file_of_the_folder_is_listed_and_has_a_type() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/page/assets");
        let there: BTreeSet<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| !name.contains(".test."))
            .collect();
        let listed: BTreeSet<String> = ASSETS.iter().map(|asset| asset.name.to_owned()).collect();
        assert_eq!(there, listed);
        for asset in ASSETS {
            assert_ne!(asset.kind(), "application/octet-stream", "{}", asset.name);
        }
        let (index, tag) = find(INDEX).unwrap();
        assert!(index.kind().starts_with("text/html") && tag.len() == 24);
        assert!(find("../assets.rs").is_none());
    }
}
