//! What of a tree is read: the YAML files under the wanted paths, less what is excluded, and what a symbolic link leads to.
//! One set of rules for Git and for folders. Nothing is read here but names, patterns and the targets of links.
//!
//! A link is followed once, within the tree: to a file or a folder that no other link stands before. What it leads to
//! counts under the link's path, unless it is listed under its own already: a manifest that two ways lead to is one
//! manifest, not two of the same name. Patterns are asked about that path; of what a link leads to, only those of the spec
//! and of the folders above the link count.

mod links;

use std::collections::HashSet;

use super::SourceError;
use super::exclude::{Excludes, IGNORE_FILE, MAX_IGNORE_FILE, MAX_IGNORE_FILES};
use super::paths::{WantedPaths, is_hidden, is_yaml, join};
use crate::model::snapshot::{Unread, UnreadKind};

/// A few small trees that name each other many times would otherwise be walked forever.
const MAX_ENTRIES: usize = 2_000_000;
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
    /// The content of a file; none where that is longer than `limit`.
    fn content(&self, file: &Self::Id, limit: usize) -> Result<Option<Vec<u8>>, SourceError>;
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
    /// YAML files that are left out.
    pub excluded: u32,
}

/// Lists what of the tree is wanted.
pub(super) fn list<T: Tree>(tree: &T, wanted: &WantedPaths) -> Result<Listed<T::Id>, SourceError> {
    let mut listing = Listing::new(tree, wanted);
    for path in wanted.iter() {
        listing.rules_above(&path.normal)?;
        let found = listing.lookup(&path.normal)?;
        let is_folder = matches!(found, Found::Entry(Kind::Folder, _));
        if !path.normal.is_empty() && listing.excludes.covers(&path.normal, is_folder) {
            listing.missing(&path.given, "excluded by spec.exclude or a .gitmoorignore");
            continue;
        }
        match found {
            Found::Entry(Kind::Folder, id) => listing.folder(id, &path.normal)?,
            Found::Entry(Kind::File, id) if is_yaml(path.normal.as_bytes()) => listing.file(path.normal.clone(), id)?,
            Found::Entry(Kind::File, _) => listing.missing(&path.given, "a file there, and not YAML"),
            Found::Entry(Kind::Submodule, _) => listing.missing(&path.given, UnreadKind::Submodule.words()),
            Found::Link { at, id, rest } => listing.links.push(Link { at, id, rest, wanted: Some(path.given.clone()) }),
            Found::Entry(Kind::Link | Kind::Other, _) | Found::Nothing => listing.missing.push(path.given.clone()),
        }
    }
    listing.follow_links()?;
    let Listing { mut files, missing, mut unread, excluded, .. } = listing;
    files.sort_by(|(a, _), (b, _)| a.cmp(b));
    files.dedup_by(|(a, _), (b, _)| a == b);
    unread.sort_by(|a, b| a.path.cmp(&b.path));
    unread.dedup_by(|a, b| a.path == b.path);
    Ok(Listed { files, missing, unread, excluded })
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
    excludes: Excludes,
    /// Folders whose own patterns are known.
    ruled: HashSet<String>,
    excluded: u32,
}

impl<'a, T: Tree> Listing<'a, T> {
    fn new(tree: &'a T, wanted: &WantedPaths) -> Self {
        Self {
            tree,
            files: Vec::new(),
            missing: Vec::new(),
            unread: Vec::new(),
            links: Vec::new(),
            entries: 0,
            excludes: Excludes::of(&wanted.exclude),
            ruled: HashSet::new(),
            excluded: 0,
        }
    }

    /// Reads the patterns of the folders above a path, from the root down.
    fn rules_above(&mut self, path: &str) -> Result<(), SourceError> {
        let tree = self.tree;
        let mut folder = (Kind::Folder, tree.root());
        let mut at = String::new();
        for part in path.split('/').filter(|part| !part.is_empty()) {
            if folder.0 != Kind::Folder {
                break;
            }
            if let Some((Kind::File, id)) = tree.child(&folder.1, IGNORE_FILE)? {
                self.rules(&at, &id)?;
            }
            at = join(&at, part);
            let Some(next) = tree.child(&folder.1, part)? else { break };
            folder = next;
        }
        Ok(())
    }

    /// Reads the patterns of a folder, once.
    fn rules(&mut self, folder: &str, file: &T::Id) -> Result<(), SourceError> {
        if !self.ruled.insert(folder.to_owned()) {
            return Ok(());
        }
        let tree = self.tree;
        let place = join(folder, IGNORE_FILE);
        let Some(content) = tree.content(file, MAX_IGNORE_FILE)? else {
            return Err(tree.too_large(format!("{place} has more than {MAX_IGNORE_FILE} bytes")));
        };
        let many = || {
            let bound = "patterns have up to 1024 bytes, 32 stars and 3 pairs of them";
            tree.too_large(format!("{place} has a longer pattern, or is one of more than {MAX_IGNORE_FILES} ({bound})"))
        };
        self.excludes.add(folder, &content).ok_or_else(many)
    }

    /// Whether an entry is left out; then its YAML is counted.
    fn leaves_out(&mut self, path: &str, kind: Kind, name: &[u8]) -> bool {
        let out = self.excludes.has(path, kind == Kind::Folder);
        self.excluded += u32::from(out && kind == Kind::File && is_yaml(name));
        out
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
            let (mut entries, mut rules) = (Vec::new(), None);
            tree.entries(&id, &mut |name, kind, id| {
                self.count()?;
                match kind {
                    Kind::File if name == IGNORE_FILE.as_bytes() => rules = Some(id),
                    _ if concerns(name, kind) => entries.push((name.to_vec(), kind, id)),
                    _ => {}
                }
                Ok(())
            })?;
            if let Some(file) = rules {
                self.rules(&path, &file)?;
            }
            let inner = rest.len();
            for (name, kind, id) in entries {
                let at = join(&path, &String::from_utf8_lossy(&name));
                if self.leaves_out(&at, kind, &name) {
                    if kind == Kind::Folder {
                        self.count_excluded(id)?;
                    }
                    continue;
                }
                match kind {
                    Kind::Folder => rest.push((id, at, depth + 1)),
                    Kind::File => self.file(at, id)?,
                    Kind::Link => self.links.push(Link { at, id, rest: String::new(), wanted: None }),
                    Kind::Submodule => self.unread(at, UnreadKind::Submodule),
                    Kind::Other => {}
                }
            }
            // The first of them is taken next: files that come in order are soon sorted.
            rest[inner..].reverse();
        }
        Ok(())
    }

    /// Counts the YAML files below a folder that is left out.
    fn count_excluded(&mut self, id: T::Id) -> Result<(), SourceError> {
        let tree = self.tree;
        let mut rest = vec![(id, 0)];
        while let Some((id, depth)) = rest.pop() {
            self.deep(depth)?;
            tree.entries(&id, &mut |name, kind, id| {
                self.count()?;
                match kind {
                    Kind::Folder if !is_hidden(name) => rest.push((id, depth + 1)),
                    Kind::File if is_yaml(name) => self.excluded += 1,
                    _ => {}
                }
                Ok(())
            })?;
        }
        Ok(())
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

/// Whether an entry of a folder is looked at.
fn concerns(name: &[u8], kind: Kind) -> bool {
    match kind {
        Kind::Folder | Kind::Submodule => !is_hidden(name),
        Kind::File => is_yaml(name),
        Kind::Link => is_yaml(name) || !is_hidden(name),
        Kind::Other => false,
    }
}

#[cfg(test)]
#[path = "listing/tests.rs"]
mod tests;
