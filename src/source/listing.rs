//! What of a tree is read: the YAML files under the wanted paths, and what a symbolic link leads to. One set of rules
//! for Git and for folders. Nothing is read here but names and the targets of links.
//!
//! A link is followed once, within the tree: to a file or a folder that no other link stands before. What it leads to
//! counts under the link's path, unless it is listed under its own already: a manifest that two ways lead to is one
//! manifest, not two of the same name.

use std::collections::HashSet;

use super::SourceError;
use super::paths::{WantedPaths, is_hidden, is_yaml, join};
use crate::model::snapshot::{Unread, UnreadKind};

/// A few small trees that name each other many times would otherwise be walked forever.
const MAX_ENTRIES: usize = 2_000_000;
/// Symbolic links that are looked at.
const MAX_LINKS: usize = 10_000;
/// Bytes of a link's target.
pub(super) const MAX_TARGET: usize = 4096;

/// What an entry of a folder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Folder,
    File,
    Link,
    Submodule,
    Other,
}

/// Takes the entries of a folder: names, what they are, and where they are found again.
pub(super) type Show<'a, Id> = dyn FnMut(&[u8], Kind, Id) -> Result<(), SourceError> + 'a;

/// A tree of folders and files. Nothing in it follows a link.
pub(super) trait Tree {
    /// Where an entry is found again.
    type Id: Clone;
    /// How many folders may stand in each other.
    const MAX_DEPTH: usize;
    /// How many YAML files may be listed.
    const MAX_FILES: usize;

    fn root(&self) -> Self::Id;
    /// Shows each entry of a folder.
    fn entries(&self, folder: &Self::Id, show: &mut Show<Self::Id>) -> Result<(), SourceError>;
    /// The entry of that name in a folder.
    fn child(&self, folder: &Self::Id, name: &str) -> Result<Option<(Kind, Self::Id)>, SourceError>;
    /// The target of a link, as it is written; none where that is longer than [`MAX_TARGET`].
    fn target(&self, link: &Self::Id) -> Result<Option<Vec<u8>>, SourceError>;
    /// Fails once nobody waits for the answer any more.
    fn go_on(&self) -> Result<(), SourceError>;
    fn too_large(&self, why: String) -> SourceError;
}

/// What was found: files in order of their paths.
#[derive(Debug)]
pub(super) struct Listed<Id> {
    pub files: Vec<(String, Id)>,
    pub missing: Vec<String>,
    pub unread: Vec<Unread>,
}

/// Lists what of the tree is wanted.
pub(super) fn list<T: Tree>(tree: &T, wanted: &WantedPaths) -> Result<Listed<T::Id>, SourceError> {
    let mut listing = Listing::new(tree);
    for path in wanted.iter() {
        match listing.lookup(&path.normal)? {
            Found::Entry(Kind::Folder, id) => listing.folder(id, &path.normal)?,
            Found::Entry(Kind::File, id) if is_yaml(path.normal.as_bytes()) => listing.file(path.normal.clone(), id)?,
            Found::Entry(Kind::File, _) => listing.missing(&path.given, "a file there, and not YAML"),
            Found::Entry(Kind::Submodule, _) => listing.missing(&path.given, UnreadKind::Submodule.words()),
            Found::Link { at, id, rest } => listing.links.push(Link { at, id, rest, wanted: Some(path.given.clone()) }),
            Found::Entry(Kind::Link | Kind::Other, _) | Found::Nothing => listing.missing.push(path.given.clone()),
        }
    }
    listing.follow_links()?;
    let Listing { mut files, missing, mut unread, .. } = listing;
    files.sort_by(|(a, _), (b, _)| a.cmp(b));
    files.dedup_by(|(a, _), (b, _)| a == b);
    unread.sort_by(|a, b| a.path.cmp(&b.path));
    unread.dedup_by(|a, b| a.path == b.path);
    Ok(Listed { files, missing, unread })
}

/// What is at a path.
enum Found<Id> {
    Entry(Kind, Id),
    /// A link stands at or before it; `rest` is what of the path comes after.
    Link {
        at: String,
        id: Id,
        rest: String,
    },
    Nothing,
}

/// A link that is to be followed.
struct Link<Id> {
    at: String,
    id: Id,
    rest: String,
    /// The wanted path that leads through it, as it was written.
    wanted: Option<String>,
}

struct Listing<'a, T: Tree> {
    tree: &'a T,
    files: Vec<(String, T::Id)>,
    missing: Vec<String>,
    unread: Vec<Unread>,
    links: Vec<Link<T::Id>>,
    entries: usize,
}

/// What is known while links are followed.
struct Known {
    /// Files, links and submodules that are listed under their own path, in order.
    direct: Vec<String>,
    /// Files that a link led to, by their own path.
    through: HashSet<String>,
}

impl<'a, T: Tree> Listing<'a, T> {
    fn new(tree: &'a T) -> Self {
        Self { tree, files: Vec::new(), missing: Vec::new(), unread: Vec::new(), links: Vec::new(), entries: 0 }
    }

    /// What is at a path, up to the first link.
    fn lookup(&self, path: &str) -> Result<Found<T::Id>, SourceError> {
        let mut found = (Kind::Folder, self.tree.root());
        let mut parts = path.split('/').filter(|part| !part.is_empty());
        let mut at = String::new();
        while let Some(part) = parts.next() {
            if found.0 != Kind::Folder {
                return Ok(Found::Nothing);
            }
            at = join(&at, part);
            match self.tree.child(&found.1, part)? {
                Some((Kind::Link, id)) => {
                    let rest = parts.collect::<Vec<_>>().join("/");
                    return Ok(Found::Link { at, id, rest });
                }
                Some(next) => found = next,
                None => return Ok(Found::Nothing),
            }
        }
        Ok(Found::Entry(found.0, found.1))
    }

    /// The YAML files below a folder; its own name may start with a dot, for it was asked for.
    fn folder(&mut self, id: T::Id, path: &str) -> Result<(), SourceError> {
        let tree = self.tree;
        let mut rest = vec![(id, path.to_owned(), 0)];
        while let Some((id, path, depth)) = rest.pop() {
            self.deep(depth)?;
            let inner = rest.len();
            tree.entries(&id, &mut |name, kind, id| {
                self.count()?;
                let inner = || join(&path, &String::from_utf8_lossy(name));
                match kind {
                    Kind::Folder if !is_hidden(name) => rest.push((id, inner(), depth + 1)),
                    Kind::File if is_yaml(name) => self.file(inner(), id)?,
                    Kind::Link if is_yaml(name) || !is_hidden(name) => {
                        self.links.push(Link { at: inner(), id, rest: String::new(), wanted: None });
                    }
                    Kind::Submodule if !is_hidden(name) => self.unread(inner(), UnreadKind::Submodule),
                    _ => {}
                }
                Ok(())
            })?;
            // The first of them is taken next: files that come in order are soon sorted.
            rest[inner..].reverse();
        }
        Ok(())
    }

    fn follow_links(&mut self) -> Result<(), SourceError> {
        let mut links = std::mem::take(&mut self.links);
        if links.is_empty() {
            return Ok(());
        }
        links.sort_by(|a, b| (&a.at, &a.rest).cmp(&(&b.at, &b.rest)));
        if links.len() > MAX_LINKS {
            return Err(self.tree.too_large(format!("it has more than {MAX_LINKS} symbolic links; narrow spec.paths")));
        }
        let files = self.files.iter().map(|(path, _)| path.clone());
        let unread = self.unread.iter().map(|one| one.path.to_string());
        let mut direct: Vec<String> =
            files.chain(unread).chain(links.iter().map(|link| below(&link.at, &link.rest))).collect();
        direct.sort_unstable();
        let mut known = Known { direct, through: HashSet::new() };
        for link in links {
            let Err(what) = self.follow(&link, &mut known)? else { continue };
            match link.wanted {
                Some(given) => self.missing(&given, what.words()),
                None => self.unread(link.at, what),
            }
        }
        Ok(())
    }

    /// Lists what a link leads to. The inner error says why it leads to nothing that is read.
    fn follow(&mut self, link: &Link<T::Id>, known: &mut Known) -> Result<Result<(), UnreadKind>, SourceError> {
        let Some(target) = self.tree.target(&link.id)? else { return Ok(Err(UnreadKind::LinkDangling)) };
        let target = match resolve(&link.at, &target) {
            Ok(target) => below(&target, &link.rest),
            Err(what) => return Ok(Err(what)),
        };
        let shown = below(&link.at, &link.rest);
        if target.is_empty() || shown == target || shown.strip_prefix(&target).is_some_and(|rest| rest.starts_with('/'))
        {
            return Ok(Err(UnreadKind::LinkLoop));
        }
        let asked = link.wanted.is_some();
        match self.lookup(&target)? {
            Found::Entry(Kind::Folder, id) => self.linked_folder(id, &target, &shown, known)?,
            Found::Entry(Kind::File, id) if is_yaml(shown.as_bytes()) || asked && is_yaml(target.as_bytes()) => {
                self.linked_file(shown, target, id, known)?;
            }
            Found::Entry(Kind::File | Kind::Other, _) if !asked => {}
            Found::Entry(Kind::Submodule, _) => return Ok(Err(UnreadKind::Submodule)),
            Found::Link { at, .. } if at == link.at => return Ok(Err(UnreadKind::LinkLoop)),
            Found::Link { .. } => return Ok(Err(UnreadKind::LinkChained)),
            Found::Entry(..) | Found::Nothing => return Ok(Err(UnreadKind::LinkDangling)),
        }
        Ok(Ok(()))
    }

    /// As [`Self::folder`], with what is listed under its own path left out, and without following another link.
    fn linked_folder(&mut self, id: T::Id, own: &str, shown: &str, known: &mut Known) -> Result<(), SourceError> {
        let tree = self.tree;
        let mut rest = vec![(id, String::new(), 0)];
        while let Some((id, below, depth)) = rest.pop() {
            self.deep(depth)?;
            tree.entries(&id, &mut |name, kind, id| {
                self.count()?;
                let below = join(&below, &String::from_utf8_lossy(name));
                let (own, shown) = (join(own, &below), join(shown, &below));
                match kind {
                    Kind::Folder if !is_hidden(name) => rest.push((id, below, depth + 1)),
                    Kind::File if is_yaml(name) => self.linked_file(shown, own, id, known)?,
                    Kind::Link if (is_yaml(name) || !is_hidden(name)) && !known.has(&own) => {
                        self.unread(shown, UnreadKind::LinkChained);
                    }
                    Kind::Submodule if !is_hidden(name) && !known.has(&own) => {
                        self.unread(shown, UnreadKind::Submodule);
                    }
                    _ => {}
                }
                Ok(())
            })?;
        }
        Ok(())
    }

    fn linked_file(&mut self, shown: String, own: String, id: T::Id, known: &mut Known) -> Result<(), SourceError> {
        if known.has(&own) || !known.through.insert(own) {
            return Ok(());
        }
        self.file(shown, id)
    }

    fn file(&mut self, path: String, id: T::Id) -> Result<(), SourceError> {
        if self.files.len() == T::MAX_FILES {
            let why = format!("it has more than {} YAML files; narrow spec.paths", T::MAX_FILES);
            return Err(self.tree.too_large(why));
        }
        self.files.push((path, id));
        Ok(())
    }

    fn missing(&mut self, given: &str, instead: &str) {
        self.missing.push(format!("{given} ({instead})"));
    }

    fn unread(&mut self, path: String, what: UnreadKind) {
        self.unread.push(Unread { path: path.into(), what });
    }

    fn deep(&self, depth: usize) -> Result<(), SourceError> {
        if depth > T::MAX_DEPTH {
            return Err(self.tree.too_large(format!("its folders are more than {} deep", T::MAX_DEPTH)));
        }
        Ok(())
    }

    fn count(&mut self) -> Result<(), SourceError> {
        self.entries += 1;
        if self.entries > MAX_ENTRIES {
            let why = format!("its tree has more than {MAX_ENTRIES} entries; narrow spec.paths");
            return Err(self.tree.too_large(why));
        }
        if self.entries.is_multiple_of(4096) { self.tree.go_on() } else { Ok(()) }
    }
}

impl Known {
    fn has(&self, own: &str) -> bool {
        self.direct.binary_search_by(|known| known.as_str().cmp(own)).is_ok()
    }
}

/// A path and what comes after it, if anything does.
fn below(path: &str, rest: &str) -> String {
    if rest.is_empty() { path.to_owned() } else { join(path, rest) }
}

/// The path from the root that a link's target names.
fn resolve(link: &str, target: &[u8]) -> Result<String, UnreadKind> {
    let Ok(target) = std::str::from_utf8(target) else { return Err(UnreadKind::LinkDangling) };
    if target.starts_with('/') {
        return Err(UnreadKind::LinkOutside);
    }
    let mut parts: Vec<&str> = link.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop().ok_or(UnreadKind::LinkOutside)?;
            }
            part => parts.push(part),
        }
    }
    Ok(parts.join("/"))
}

#[cfg(test)]
#[path = "listing/tests.rs"]
mod tests;
