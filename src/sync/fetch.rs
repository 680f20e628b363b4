//! From a source to what it declares: fetch, read what is new, parse, assemble.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tracing::{debug, instrument};

use super::errand::{FoundHeld, FoundUnverified};
use super::settings::Settings;
use crate::api::gitsync_status::VerifiedRevision;
use crate::manifest;
use crate::model::{BlobId, Code, Declared, Diagnostic, ParsedFile, Position, Revision, Snapshot, Unread, UnreadKind};
use crate::source::{Fetch, MAX_BLOB_BYTES, Source, SourceError};
use crate::telemetry::panics::caught_now;

/// Files that are read and parsed at once: memory stays flat however many are new.
const BATCH: usize = 256;

/// Files by content. What was parsed once is not read or parsed again.
#[derive(Debug, Default)]
pub struct Parsed {
    files: HashMap<BlobId, Arc<ParsedFile>>,
}

/// What a look at the source found.
#[derive(Debug)]
pub enum Found {
    /// Nothing new.
    Unchanged,
    /// A revision, and what it declares.
    Revision(Box<FoundRevision>),
    /// A revision of which nothing may be applied.
    Held(Box<FoundHeld>),
    /// A revision that nobody who may has signed.
    Unverified(Box<FoundUnverified>),
}

/// A revision and what it declares.
#[derive(Debug)]
pub struct FoundRevision {
    /// What there is.
    pub snapshot: Arc<Snapshot>,
    /// What it declares.
    pub declared: Declared,
    /// The held plan that a person approved by letting it go on.
    pub approved: Option<String>,
    /// Who signed it, where somebody must.
    pub verified: Option<VerifiedRevision>,
    /// How long reading and parsing took.
    pub parsing: Duration,
}

/// Looks at the source. `known` is the revision whose declarations the caller has.
#[instrument(name = "fetch", skip_all, fields(sync = %settings.sync.key))]
pub async fn look(
    source: &Source,
    parsed: &mut Parsed,
    known: Option<&Revision>,
    settings: &Settings,
) -> Result<Found, SourceError> {
    let snapshot = match source.fetch(known, &settings.narrowing).await? {
        Fetch::Unchanged => return Ok(Found::Unchanged),
        Fetch::Changed(snapshot) => snapshot,
    };
    Ok(Found::Revision(Box::new(parsed.take(source, snapshot, settings).await?)))
}

impl Parsed {
    /// Reads what is new in a snapshot, and puts together what it declares.
    pub async fn take(
        &mut self,
        source: &Source,
        snapshot: Arc<Snapshot>,
        settings: &Settings,
    ) -> Result<FoundRevision, SourceError> {
        let began = Instant::now();
        self.read(source, &snapshot).await?;
        let declared = self.assemble(&snapshot, settings);
        Ok(FoundRevision { snapshot, declared, approved: None, verified: None, parsing: began.elapsed() })
    }

    /// Reads and parses what is new in a snapshot, and forgets what is no longer in it.
    async fn read(&mut self, source: &Source, snapshot: &Snapshot) -> Result<(), SourceError> {
        let wanted: HashSet<BlobId> = snapshot.files.iter().map(|file| file.blob).collect();
        self.files.retain(|blob, _| wanted.contains(blob));
        let new: Vec<BlobId> = wanted.into_iter().filter(|blob| !self.files.contains_key(blob)).collect();
        debug!(revision = %snapshot.revision, files = snapshot.files.len(), new = new.len(), "reading");
        for batch in new.chunks(BATCH) {
            let contents = self.contents(source, batch.to_vec()).await?;
            // Parsing is work without waiting: other tasks must not stand behind it.
            let files = tokio::task::block_in_place(|| {
                contents.into_iter().map(|(blob, bytes)| (blob, Arc::new(parse(&bytes)))).collect::<Vec<_>>()
            });
            self.files.extend(files);
        }
        Ok(())
    }

    /// The contents of some files. One that is too large is a finding of that file, not a failure of the others.
    async fn contents(
        &mut self,
        source: &Source,
        mut blobs: Vec<BlobId>,
    ) -> Result<Vec<(BlobId, Vec<u8>)>, SourceError> {
        loop {
            match source.read(blobs.clone(), MAX_BLOB_BYTES).await {
                Err(SourceError::BlobTooLarge { blob, bytes, limit }) if blobs.contains(&blob) => {
                    let message = format!("the file has {bytes} bytes; {limit} is the limit");
                    let finding = Diagnostic::error(Code::Limit, Position::default(), message)
                        .hint("split it into several files");
                    let file = ParsedFile { unreadable: true, diagnostics: vec![finding], ..ParsedFile::default() };
                    self.files.insert(blob, Arc::new(file));
                    blobs.retain(|other| *other != blob);
                }
                other => return other,
            }
        }
    }

    /// What the files of a snapshot declare for this GitSync.
    pub fn assemble(&self, snapshot: &Snapshot, settings: &Settings) -> Declared {
        let files = snapshot.files.iter().filter_map(|file| Some((&file.path, &**self.files.get(&file.blob)?)));
        let mut declared = manifest::assemble(files, &settings.scope);
        declared.missing_paths.clone_from(&snapshot.missing_paths);
        declared.excluded = snapshot.excluded;
        declared.unreadable |= !snapshot.unread.is_empty();
        declared.diagnostics.extend(snapshot.unread.iter().map(unread));
        declared
    }
}

/// What a file says. One over which the parser falls is a finding of that file, and the others are read.
fn parse(bytes: &[u8]) -> ParsedFile {
    caught_now(|| manifest::parse(bytes)).unwrap_or_else(|panicked| {
        let finding =
            Diagnostic::error(Code::Unsupported, Position::default(), format!("it cannot be read: {panicked}"))
                .hint("write it another way, or leave it out, until that is mended");
        ParsedFile { unreadable: true, diagnostics: vec![finding], ..ParsedFile::default() }
    })
}

/// What is not read may have declared something: it is a finding like any other.
fn unread(unread: &Unread) -> Diagnostic {
    let hint = match unread.what {
        UnreadKind::LinkOutside => "put the manifests into the repository, or remove the link",
        UnreadKind::LinkDangling => "correct its target, or remove it",
        UnreadKind::LinkLoop => "remove it, or link to a folder that it is not in",
        UnreadKind::LinkChained => "link to the file or folder itself; one link is followed, not two",
        UnreadKind::Submodule => "narrow spec.paths, or give it a GitSync of its own",
    };
    let message = format!("this is {}, which is not read; nothing is pruned meanwhile", unread.what.words());
    Diagnostic::error(Code::Unsupported, Position::default(), message).hint(hint).in_file(&unread.path)
}
