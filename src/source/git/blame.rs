//! Which commit last touched some lines of a file, although the cache is shallow: a walk back from a commit, along the
//! parents that have the lines, through renames. Where history ends before the lines do, more of it is received, a little at
//! first and then ever more, within bounds.

use std::collections::{BTreeSet, BinaryHeap, HashMap};
use std::num::NonZeroU32;
use std::sync::Arc;

use gix::ObjectId;
use gix::bstr::BStr;
use gix::diff::blob::{Algorithm, Diff, InternedInput};
use gix::diff::tree_with_rewrites::Change;
use gix::remote::fetch::Shallow;

use super::fetch::{Got, Question, receive};
use super::store::Store;
use super::{Attempt, Target, tree};
use crate::model::snapshot::CommitId;
use crate::source::{Lines, MAX_BLOB_BYTES, SourceError, Touched};

/// Commits that one walk looks at.
const MAX_COMMITS: usize = 20_000;
/// Lines that are followed: of a longer value, the first ones.
const MAX_LINES: u32 = 1_000;
/// By how many commits history is deepened, one step after the other. Most lines are not old; an old one costs a few requests.
const STEPS: [u32; 5] = [16, 64, 512, 4_096, 16_384];

/// How a walk ended.
#[derive(Debug)]
pub(super) enum Walked {
    /// At the commit that touched the lines.
    Touched(Touched),
    /// At a commit whose parents are not at hand; the lines may be older.
    Cut(Touched),
    /// There is no such commit, file or line.
    Missing,
}

/// Lines of a file at a commit, whose origin is looked for.
#[derive(Debug, Default)]
struct Suspect {
    lines: BTreeSet<u32>,
}

/// The state of one walk: what is to be looked at, newest commit first.
struct Walk<'a> {
    repo: &'a gix::Repository,
    attempt: &'a Attempt,
    queue: BinaryHeap<(i64, std::cmp::Reverse<usize>, ObjectId, Vec<u8>)>,
    suspects: HashMap<(ObjectId, Vec<u8>), Suspect>,
    queued: usize,
}

/// Looks through the commits at hand.
pub(super) fn walk(repo: &gix::Repository, attempt: &Attempt, wanted: &Lines) -> Result<Walked, SourceError> {
    Walk { repo, attempt, queue: BinaryHeap::new(), suspects: HashMap::new(), queued: 0 }
        .run(wanted)
        .map_err(|error| attempt.explain(&error))
}

/// Receives history until the lines' origin is at hand, or a bound is met. None where the lines themselves are not at hand.
pub(super) fn deepen(
    target: &Target,
    store: &mut Store,
    attempt: &Arc<Attempt>,
    wanted: &Lines,
) -> Result<Option<Touched>, SourceError> {
    let repo = store.open()?;
    let mut last = match walk(&repo, attempt, wanted)? {
        Walked::Touched(touched) => return Ok(Some(touched)),
        Walked::Missing => return Ok(None),
        Walked::Cut(touched) => touched,
    };
    for step in STEPS {
        let Some(depth) = NonZeroU32::new(step) else { continue };
        if let Err(error) = more(target, &repo, attempt, depth) {
            return match error {
                // A bound, or a server that cannot deepen: that does not change.
                SourceError::TooLarge { .. } | SourceError::Unsupported { .. } => Ok(Some(last)),
                error => Err(error),
            };
        }
        match walk(&repo, attempt, wanted)? {
            Walked::Touched(touched) => return Ok(Some(touched)),
            Walked::Missing => return Ok(Some(last)),
            // Nothing more came: the server itself has no more, or the branch no longer has this commit.
            Walked::Cut(touched) if touched.commit == last.commit => return Ok(Some(last)),
            Walked::Cut(touched) => last = touched,
        }
    }
    Ok(Some(last))
}

/// Receives more of the branch's history than is at hand.
fn more(target: &Target, repo: &gix::Repository, attempt: &Arc<Attempt>, by: NonZeroU32) -> Result<(), SourceError> {
    let reference = target.choose(repo, attempt)?.reference;
    let question = Question { depth: Shallow::Deepen(by.get()), ..Question::of(reference) };
    tracing::debug!(commits = by.get(), "history is received, to find the commit of a line");
    match receive(target, repo, attempt, &question)? {
        Got::Commit { .. } => Ok(()),
        Got::Known(_) | Got::Nothing => Err(target.no_such_ref()),
    }
}

/// The blob of a file at a commit; none where the commit is not at hand, or has no such file.
pub(super) fn file_at(repo: &gix::Repository, commit: ObjectId, path: &[u8]) -> gix::Result<Option<ObjectId>> {
    let Some(commit) = commit_at(repo, commit)? else { return Ok(None) };
    blob_at(&commit, path)
}

fn commit_at(repo: &gix::Repository, id: ObjectId) -> gix::Result<Option<gix::Commit<'_>>> {
    let Some(object) = repo.try_find_object(id)? else { return Ok(None) };
    object.try_into_commit().map(Some).map_err(gix::Error::from_error)
}

fn blob_at(commit: &gix::Commit<'_>, path: &[u8]) -> gix::Result<Option<ObjectId>> {
    let segments = path.split(|byte| *byte == b'/');
    let found = commit.tree()?.lookup_entry(segments)?;
    Ok(found.filter(|entry| entry.mode().is_blob()).map(|entry| entry.object_id()))
}

impl Walk<'_> {
    fn run(mut self, wanted: &Lines) -> gix::Result<Walked> {
        let start = ObjectId::Sha1(wanted.commit.0);
        let Some(commit) = commit_at(self.repo, start)? else { return Ok(Walked::Missing) };
        let Some(blob) = blob_at(&commit, wanted.path.as_bytes())? else { return Ok(Walked::Missing) };
        let last = wanted.last.min(wanted.first.saturating_add(MAX_LINES - 1));
        let there = count_lines(&self.read(blob)?);
        let lines: BTreeSet<u32> = (wanted.first.max(1) - 1..last).filter(|line| *line < there).collect();
        if lines.is_empty() {
            return Ok(Walked::Missing);
        }
        self.suspect(&commit, wanted.path.as_bytes().to_vec(), lines);
        let mut visited = 0;
        while let Some((_, _, id, path)) = self.queue.pop() {
            let Some(suspect) = self.suspects.remove(&(id, path.clone())) else { continue };
            visited += 1;
            let Some(commit) = commit_at(self.repo, id)? else { continue };
            if self.attempt.is_stopped() {
                return touched(&commit, true).map(Walked::Cut);
            }
            if visited > MAX_COMMITS {
                return touched(&commit, true).map(Walked::Touched);
            }
            let (left, cut) = self.pass(&commit, &path, suspect.lines)?;
            if !left.is_empty() {
                let found = touched(&commit, cut)?;
                return Ok(if cut { Walked::Cut(found) } else { Walked::Touched(found) });
            }
        }
        Ok(Walked::Missing)
    }

    /// Passes lines on to the parents that have them. Returns those that no parent has, and whether a parent is not at hand.
    fn pass(
        &mut self,
        commit: &gix::Commit<'_>,
        path: &[u8],
        mut lines: BTreeSet<u32>,
    ) -> gix::Result<(BTreeSet<u32>, bool)> {
        let Some(blob) = blob_at(commit, path)? else { return Ok((lines, false)) };
        let (mut parents, mut cut) = (Vec::new(), false);
        for id in commit.parent_ids() {
            match commit_at(self.repo, id.detach())? {
                Some(parent) => parents.push(parent),
                None => cut = true,
            }
        }
        let mut others = Vec::new();
        for parent in parents {
            let found = match blob_at(&parent, path)? {
                Some(there) => Some((path.to_vec(), there)),
                None => self.former(&parent, commit, path)?,
            };
            match found {
                // The whole file is as there: whatever else was merged, it came from there.
                Some((name, there)) if there == blob => {
                    self.suspect(&parent, name, std::mem::take(&mut lines));
                    return Ok((lines, false));
                }
                Some((name, there)) => others.push((parent, name, there)),
                None => {}
            }
        }
        if others.is_empty() {
            return Ok((lines, cut));
        }
        let after = self.read(blob)?;
        for (parent, name, there) in others {
            let before = self.read(there)?;
            let (passed, left) = unchanged(&before, &after, &lines);
            if !passed.is_empty() {
                self.suspect(&parent, name, passed);
            }
            lines = left;
        }
        Ok((lines, cut))
    }

    fn suspect(&mut self, commit: &gix::Commit<'_>, path: Vec<u8>, lines: BTreeSet<u32>) {
        let time = commit.time().map(|time| time.seconds).unwrap_or_default();
        let key = (commit.id, path);
        if !self.suspects.contains_key(&key) {
            self.queue.push((time, std::cmp::Reverse(self.queued), key.0, key.1.clone()));
            self.queued += 1;
        }
        self.suspects.entry(key).or_default().lines.extend(lines);
    }

    /// The file that was renamed to `path`, by its name and content in the parent.
    fn former(
        &self,
        parent: &gix::Commit<'_>,
        commit: &gix::Commit<'_>,
        path: &[u8],
    ) -> gix::Result<Option<(Vec<u8>, ObjectId)>> {
        let options = gix::diff::Options::default().with_rewrites(Some(gix::diff::Rewrites::default()));
        let changes = self.repo.diff_tree_to_tree(&parent.tree()?, &commit.tree()?, options)?;
        Ok(changes.into_iter().find_map(|change| match change {
            Change::Rewrite { source_location, source_id, location, copy: false, .. }
                if location == BStr::new(path) =>
            {
                Some((source_location.into(), source_id))
            }
            _ => None,
        }))
    }

    fn read(&self, blob: ObjectId) -> gix::Result<Vec<u8>> {
        let size = self.repo.find_header(blob)?.size();
        if size > MAX_BLOB_BYTES {
            let why = format!("{blob} has {size} bytes; {MAX_BLOB_BYTES} is the limit");
            return Err(gix::Error::from_error(std::io::Error::other(why)));
        }
        Ok(self.repo.find_blob(blob)?.take_data())
    }
}

fn touched(commit: &gix::Commit<'_>, or_earlier: bool) -> gix::Result<Touched> {
    let ObjectId::Sha1(id) = commit.id else {
        return Err(gix::Error::from_error(std::io::Error::other("its object ids are not SHA-1")));
    };
    Ok(Touched { commit: CommitId(id), about: tree::describe(commit), or_earlier, retry: false })
}

fn count_lines(text: &[u8]) -> u32 {
    let ends =
        text.iter().filter(|byte| **byte == b'\n').count() + usize::from(!text.is_empty() && !text.ends_with(b"\n"));
    u32::try_from(ends).unwrap_or(u32::MAX)
}

/// Of some lines of `after`, counted from 0, those that are in `before`, as they are counted there, and those that are not.
fn unchanged(before: &[u8], after: &[u8], lines: &BTreeSet<u32>) -> (BTreeSet<u32>, BTreeSet<u32>) {
    let input = InternedInput::new(before, after);
    let mut diff = Diff::compute(Algorithm::Myers, &input);
    // As git does: a block that was put in is seen as a whole.
    diff.postprocess_lines(&input);
    let (mut passed, mut left) = (BTreeSet::new(), BTreeSet::new());
    let (mut hunks, mut shift) = (diff.hunks().peekable(), 0_i64);
    for line in lines {
        while let Some(hunk) = hunks.next_if(|hunk| hunk.after.end <= *line) {
            shift += i64::from(hunk.before.end - hunk.before.start) - i64::from(hunk.after.end - hunk.after.start);
        }
        if hunks.peek().is_some_and(|hunk| hunk.after.contains(line)) {
            left.insert(*line);
        } else if let Ok(there) = u32::try_from(i64::from(*line) + shift) {
            passed.insert(there);
        }
    }
    (passed, left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_others_moved_are_followed() {
        let check = |before: &str, after: &str, lines: &[u32], passed: &[u32], left: &[u32]| {
            let found = unchanged(before.as_bytes(), after.as_bytes(), &lines.iter().copied().collect());
            let expected = (passed.iter().copied().collect(), left.iter().copied().collect());
            assert_eq!(found, expected, "{before:?} {after:?}");
        };
        check("a\nb\nc\n", "a\nb\nc\n", &[0, 1, 2], &[0, 1, 2], &[]);
        check("a\nb\nc\n", "x\ny\na\nb\nc\n", &[0, 2, 4], &[0, 2], &[0]);
        check("a\nb\nc\n", "a\nB\nc\n", &[0, 1, 2], &[0, 2], &[1]);
        check("x\ny\na\nb\n", "a\nb\n", &[0, 1], &[2, 3], &[]);
        check("a\nb\nc\nd\n", "a\nd\nnew\n", &[1, 2], &[3], &[2]);
        check("a\nb", "a\nb\n", &[0, 1], &[0], &[1]);
        check("", "a\n", &[0], &[], &[0]);
    }

    #[test]
    fn lines_are_counted_with_or_without_a_last_end() {
        let check = |text: &str, expected: u32| assert_eq!(count_lines(text.as_bytes()), expected, "{text:?}");
        check("", 0);
        check("a", 1);
        check("a\n", 1);
        check("a\nb", 2);
    }
}
