//! Bringing the cache up to the remote branch, and making it anew where it is damaged or has become many packs.

use std::num::NonZeroU32;
use std::sync::Arc;

use gix::ObjectId;
use gix::bstr::BStr;
use gix::objs::Kind;
use gix::progress::Discard;
use gix::protocol::transport::client::blocking_io::Transport;
use gix::remote::fetch::{Prepare, Shallow, Tags};
use gix::remote::{Direction, ref_map};

use super::common::Tip;
use super::reference::{Reference, can_be_asked_for};
use super::store::Store;
use super::{Attempt, Target, http, kept, process, tree};
use crate::model::snapshot::{Revision, Snapshot};
use crate::source::paths::WantedPaths;
use crate::source::url::Place;
use crate::source::{Fetch, SourceError};

/// Where the branch was when it was last fetched.
pub(super) const TRACKED: &str = "refs/gitmoor/tracked";
/// What was last asked for beside the branch.
const ASKED: &str = "refs/gitmoor/asked";
/// The tag whose signature is looked at.
const SIGNED: &str = "refs/gitmoor/signed";

/// What the server is asked.
#[derive(Debug, Clone)]
pub(super) struct Question {
    /// What for.
    pub what: Reference,
    /// The ref that keeps the answer.
    pub note: &'static str,
    /// How much history.
    pub depth: Shallow,
    /// Where the caller knows it to be: then nothing is received.
    pub known: Option<ObjectId>,
}

impl Question {
    /// About what is followed: its newest commit, without history.
    pub fn of(what: Reference) -> Self {
        Self { note: TRACKED, ..Self::about(what) }
    }

    /// About something else of the repository.
    pub fn about(what: Reference) -> Self {
        Self { what, note: ASKED, depth: Shallow::DepthAtRemote(NonZeroU32::MIN), known: None }
    }
}

/// What the conversation came to.
pub(super) enum Got {
    /// It is where the caller knows it to be.
    Known(ObjectId),
    /// Its commit is in the cache, and whether a pack had to be received for it.
    Commit { id: ObjectId, received: bool },
    /// There is no such ref.
    Nothing,
}

/// What a caller of a fetch asks for.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    /// Where it knows the source to be.
    pub known: Option<Revision>,
    /// What of the tree it wants.
    pub wanted: Arc<WantedPaths>,
}

/// Lists what is followed and, unless it is at what is known, receives and lists its tree. `tip` is where it is, as soon as the
/// server has said so, whatever goes wrong afterwards.
pub(super) fn fetch(
    target: &Target,
    store: &mut Store,
    attempt: &Arc<Attempt>,
    asked: &Asked,
    tip: &mut Option<Tip>,
) -> Result<Fetch, SourceError> {
    if !store.is_doubted() {
        match update(target, store, attempt, asked, tip) {
            Err(SourceError::Corrupt { why, .. }) => {
                tracing::warn!(why, "the cache is damaged and is made anew");
                store.doubt();
            }
            result => return result,
        }
    }
    let snapshot = anew(target, store, attempt, &asked.wanted, tip)?;
    Ok(Fetch::Changed(Arc::new(snapshot)))
}

/// What is at hand of where the source is; nothing where that is not at hand.
pub(super) fn at_hand(
    target: &Target,
    repo: &gix::Repository,
    attempt: &Attempt,
    asked: &Asked,
    tip: &Tip,
) -> Option<Snapshot> {
    let called = target.called(&tip.chosen, tip.id);
    // Whatever is wrong with it, a fetch finds out.
    repo.has_object(tip.id).then(|| tree::snapshot(repo, attempt, called, tip.id, &asked.wanted).ok()).flatten()
}

fn update(
    target: &Target,
    store: &mut Store,
    attempt: &Arc<Attempt>,
    Asked { known, wanted }: &Asked,
    tip: &mut Option<Tip>,
) -> Result<Fetch, SourceError> {
    let repo = store.open()?;
    let chosen = target.choose(&repo, attempt)?;
    let known = target.known(&chosen, known.as_ref());
    // Where the listing of tags told, or a commit is followed, nothing is left to ask.
    let at = chosen.at.or(match &chosen.reference {
        Reference::Commit(id) => Some(*id),
        Reference::Name(_) => None,
    });
    if let Some(id) = known.filter(|known| at == Some(*known)) {
        *tip = Some(Tip { chosen, id });
        return Ok(Fetch::Unchanged);
    }
    let (id, received) = match &chosen.reference {
        Reference::Commit(id) if repo.has_object(*id) => (*id, false),
        reference @ Reference::Commit(_) => (kept::ask(target, &repo, attempt, Question::of(reference.clone()))?, true),
        reference => match receive(target, &repo, attempt, &Question { known, ..Question::of(reference.clone()) })? {
            Got::Known(id) => {
                *tip = Some(Tip { chosen, id });
                return Ok(Fetch::Unchanged);
            }
            Got::Nothing => return Err(target.no_such_ref()),
            Got::Commit { id, received } => (id, received),
        },
    };
    let header = repo.try_find_header(id).map_err(|error| attempt.explain(&error))?;
    if header.is_some_and(|header| header.kind() != Kind::Commit) {
        // A tag may name anything; that is no damage, and nothing is made anew for it.
        let (url, commit) = (target.url.to_string(), target.follow.to_string());
        return Err(SourceError::CommitNotFound { url, commit, why: "it is no commit".into() });
    }
    let called = target.called(&chosen, id);
    *tip = Some(Tip { chosen, id });
    let snapshot = tree::snapshot(&repo, attempt, called, id, wanted)?;
    if received && store.is_worn()? {
        drop(repo);
        // What was received is good without it, so a failure only waits for the next fetch.
        match anew(target, store, attempt, wanted, tip) {
            Ok(snapshot) => return Ok(Fetch::Changed(Arc::new(snapshot))),
            Err(error) => tracing::warn!(error = %error, "failed to make the cache of many packs anew"),
        }
    }
    Ok(Fetch::Changed(Arc::new(snapshot)))
}

/// Clones beside the present cache and takes its place; where that fails, nothing of it stays.
fn anew(
    target: &Target,
    store: &mut Store,
    attempt: &Arc<Attempt>,
    wanted: &WantedPaths,
    tip: &mut Option<Tip>,
) -> Result<Snapshot, SourceError> {
    let cloned = clone(target, store, attempt, wanted);
    if cloned.is_err()
        && let Err(error) = store.give_up()
    {
        tracing::warn!(%error, "what is left of a clone was not removed");
    }
    let (snapshot, found) = cloned?;
    *tip = Some(found);
    tracing::debug!("made the cache anew");
    Ok(snapshot)
}

fn clone(
    target: &Target,
    store: &mut Store,
    attempt: &Arc<Attempt>,
    wanted: &WantedPaths,
) -> Result<(Snapshot, Tip), SourceError> {
    let repo = store.fresh()?;
    let chosen = target.choose(&repo, attempt)?;
    let (snapshot, id) = match receive(target, &repo, attempt, &Question::of(chosen.reference.clone()))? {
        Got::Commit { id, .. } => (tree::snapshot(&repo, attempt, target.called(&chosen, id), id, wanted)?, id),
        Got::Known(_) | Got::Nothing => return Err(target.no_such_ref()),
    };
    if let Some(old) = store.present() {
        kept::carry(&old, &repo, attempt)?;
    }
    drop(repo);
    store.adopt()?;
    Ok((snapshot, Tip { chosen, id }))
}

/// Asks the server and receives what it says.
pub(super) fn receive(
    target: &Target,
    repo: &gix::Repository,
    attempt: &Arc<Attempt>,
    question: &Question,
) -> Result<Got, SourceError> {
    talk(target, attempt, |transport| converse(repo, attempt, question, transport))
}

/// The server's tags, each with its commit. Nothing is received.
pub(super) fn list_tags(
    target: &Target,
    repo: &gix::Repository,
    attempt: &Arc<Attempt>,
) -> Result<Vec<(String, ObjectId)>, SourceError> {
    talk(target, attempt, |transport| {
        let listed = listing(repo, attempt, "refs/tags/*:refs/tags/*", transport)?;
        let tags = listed.ref_map().remote_refs.iter().filter_map(|found| {
            let (name, id, peeled) = found.unpack();
            let name = std::str::from_utf8(name).ok().filter(|name| can_be_asked_for(name))?;
            Some((name.strip_prefix("refs/tags/")?.to_owned(), peeled.or(id)?.to_owned()))
        });
        Ok(tags.collect())
    })
}

/// What a tag's ref names: an object of its own, or a commit. The server is always asked: a tag that is signed anew is of the
/// same commit as before.
pub(super) fn tag_object(
    target: &Target,
    repo: &gix::Repository,
    attempt: &Arc<Attempt>,
    tag: &str,
) -> Result<Option<ObjectId>, SourceError> {
    let wanted = format!("refs/tags/{tag}");
    talk(target, attempt, |transport| {
        let listed = listing(repo, attempt, &format!("+{wanted}:{SIGNED}"), transport)?;
        let found = listed.ref_map().remote_refs.iter().find_map(|found| {
            let (name, id, _) = found.unpack();
            (name == wanted.as_str()).then_some(id).flatten().map(ToOwned::to_owned)
        });
        let Some(id) = found else { return Ok(None) };
        if !repo.has_object(id) {
            let newest = Shallow::DepthAtRemote(NonZeroU32::MIN);
            listed.with_shallow(newest).receive(Discard, attempt.interrupt())?;
        }
        Ok(Some(id))
    })
}

/// Makes a connection, speaks, and ends it.
fn talk<A>(
    target: &Target,
    attempt: &Arc<Attempt>,
    say: impl FnOnce(Box<dyn Transport>) -> gix::Result<A>,
) -> Result<A, SourceError> {
    attempt.begins();
    let said = match &target.url.place {
        Place::Http { url } => http::connect(target, url, attempt).and_then(|transport| say(Box::new(transport))),
        Place::Ssh { .. } | Place::File(_) | Place::Folder(_) => {
            let mut process = process::Process::start(target, attempt)?;
            let said = process.connect().and_then(|pipes| say(Box::new(pipes)));
            process.end(said.is_err());
            said
        }
    };
    said.map_err(|error| attempt.explain_talk(&error))
}

/// Asks which refs fit a refspec.
fn listing<'repo>(
    repo: &'repo gix::Repository,
    attempt: &Attempt,
    spec: &str,
    transport: Box<dyn Transport>,
) -> gix::Result<Prepare<'static, 'repo, Box<dyn Transport>>> {
    let url = gix::url::parse(transport.to_url().as_ref())?;
    let remote = repo
        .remote_at_without_url_rewrite(url)?
        .with_fetch_tags(Tags::None)
        .with_refspecs([<&BStr>::from(spec)], Direction::Fetch)?;
    let connection = remote
        .to_connection_with_transport(transport)
        // Our transports are configured when they are made, and ask nobody for anything.
        .with_transport_options(Box::new(()))
        .with_credentials(|_| Ok(None));
    attempt.lists();
    let listed = connection.prepare_fetch(Discard, ref_map::Options::default())?;
    attempt.has_listed();
    Ok(listed)
}

fn converse(
    repo: &gix::Repository,
    attempt: &Attempt,
    question: &Question,
    transport: Box<dyn Transport>,
) -> gix::Result<Got> {
    let Question { what, note, depth, known } = question;
    let listed = listing(repo, attempt, &format!("+{what}:{note}"), transport)?;
    let (id, tag) = match what {
        Reference::Commit(id) => (*id, None),
        Reference::Name(name) => {
            let found = listed.ref_map().remote_refs.iter().find_map(|found| {
                let (found, id, peeled) = found.unpack();
                let owned = |id: &gix::oid| id.to_owned();
                (found == name.as_str()).then(|| Some((peeled.or(id).map(owned)?, peeled.and(id).map(owned)))).flatten()
            });
            let Some(found) = found else { return Ok(Got::Nothing) };
            found
        }
    };
    if *known == Some(id) {
        return Ok(Got::Known(id));
    }
    let newest_only = matches!(depth, Shallow::DepthAtRemote(_));
    if newest_only && noted(repo, note)? == Some(id) && repo.has_object(id) {
        return Ok(Got::Commit { id, received: false });
    }
    listed.with_shallow(depth.clone()).receive(Discard, attempt.interrupt())?;
    // What a tag's object names counts, and not what the server says that it names.
    if let Some(tag) = tag
        && repo.find_object(tag)?.peel_tags_to_end()?.id != id
    {
        let why = format!("it says that {what} is of {id}, and the tag itself says otherwise");
        return Err(gix::Error::from_error(attempt.fail(SourceError::NotGit { url: attempt.url(), why })));
    }
    Ok(Got::Commit { id, received: true })
}

/// The commit that the last fetch ended with.
fn noted(repo: &gix::Repository, note: &str) -> gix::Result<Option<ObjectId>> {
    let Some(mut found) = repo.try_find_reference(note)? else { return Ok(None) };
    // An annotated tag is kept as the tag that it is.
    Ok(found.peel_to_id().ok().map(gix::Id::detach))
}
