//! Symbolic links of a tree: each is followed once, to a file or a folder that no other link stands before.

use std::collections::HashSet;

use super::{Found, Kind, Link, Listing, Tree};
use crate::model::snapshot::UnreadKind;
use crate::source::SourceError;
use crate::source::paths::{is_hidden, is_yaml, join};

/// Symbolic links that are looked at.
const MAX_LINKS: usize = 10_000;

/// What is known while links are followed.
struct Known {
    /// Files, links and submodules that are listed under their own path, in order.
    direct: Vec<String>,
    /// Files that a link led to, by their own path.
    through: HashSet<String>,
}

impl<T: Tree> Listing<'_, T> {
    pub(super) fn follow_links(&mut self) -> Result<(), SourceError> {
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
                if self.leaves_out(&shown, kind, name) {
                    return Ok(());
                }
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
