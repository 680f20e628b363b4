//! Every link leads to a page, a heading or a file that is there. Links to other sites are not followed: CI has no business
//! with them.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use super::page::{Page, everything};
use crate::support::plane::root;

/// What a link to a file of this repository begins with, for readers of the rendered book.
const HERE: [&str; 2] =
    ["https://github.com/gitmoor/gitmoor/blob/main/", "https://github.com/gitmoor/gitmoor/tree/main/"];

#[test]
fn every_link_leads_somewhere() {
    let pages: BTreeMap<_, _> = everything().into_iter().map(|page| (page.path.clone(), page)).collect();
    let mut wrong = Vec::new();
    for page in pages.values() {
        for (line, link) in &page.links {
            if let Err(why) = follow(page, link, &pages) {
                wrong.push(format!("{}:{line}: {link}: {why}", page.path));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

fn follow(page: &Page, link: &str, pages: &BTreeMap<String, Page>) -> Result<(), String> {
    let (to, anchor) = link.split_once('#').map_or((link, None), |(to, anchor)| (to, Some(anchor)));
    let path = match HERE.iter().find_map(|here| to.strip_prefix(here)) {
        Some(path) => path.to_owned(),
        None if to.starts_with("https://") || to.starts_with("mailto:") => return Ok(()),
        None if to.contains("://") => return Err("links are https".into()),
        None if to.is_empty() => page.path.clone(),
        None => {
            let path = normal(&Path::new(&page.path).parent().unwrap().join(to));
            if page.path.starts_with("docs/") && !path.starts_with("docs/") {
                return Err(format!("it leaves the book: write {}{path}", HERE[0]));
            }
            path
        }
    };
    if !root().join(&path).exists() {
        return Err(format!("there is no {path}"));
    }
    match (anchor, pages.get(&path)) {
        (Some(anchor), Some(there)) if !there.anchors.iter().any(|known| known == anchor) => {
            Err(format!("{path} has no heading #{anchor}, but {:?}", there.anchors))
        }
        _ => Ok(()),
    }
}

/// A path without `.` and `..`.
fn normal(path: &Path) -> String {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(normal.pop()),
            Component::CurDir => {}
            part => normal.push(part),
        }
    }
    normal.display().to_string()
}

#[test]
fn what_leads_nowhere_is_found() {
    let there = Page::of("docs/b.md", "# There\n");
    let pages =
        BTreeMap::from([("docs/syncing.md".to_owned(), Page::read("docs/syncing.md")), (there.path.clone(), there)]);
    let page = Page::of("docs/a.md", "# Here\n");
    for (link, leads) in [
        ("https://example.com/x", true),
        ("http://example.com/x", false),
        ("syncing.md#guards", true),
        ("syncing.md#gards", false),
        ("none.md", false),
        ("#here", false),
        ("../README.md", false),
        ("https://github.com/gitmoor/gitmoor/blob/main/README.md", true),
        ("https://github.com/gitmoor/gitmoor/blob/main/NONE.md", false),
        ("https://github.com/gitmoor/gitmoor/tree/main/deploy", true),
    ] {
        assert_eq!(follow(&page, link, &pages).is_ok(), leads, "{link}: {:?}", follow(&page, link, &pages));
    }
}
