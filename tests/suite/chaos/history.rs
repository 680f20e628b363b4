//! What happens in a story: a list of steps from a seed, which plays again as it was. Nothing here does anything.

use std::fmt;

use super::tree::{Policy, Tree};
use crate::support::storm::{Amid, Weather};

/// One thing that happens.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// A commit with all that it declares.
    Commit(Tree),
    /// The branch is another one: not a descendant of what was there.
    Rewrite(Tree),
    /// The Git server is an older copy of itself, so many commits behind, until the next commit.
    Older {
        back: usize,
    },
    /// The Git server serves another repository at the same place, until the next commit.
    Other,
    /// The Git server wants another password, and the Secret says so a moment later.
    Rotate {
        milliseconds: u64,
    },
    /// The Git server answers with that status from now on; 0 is as it should.
    Git {
        status: u16,
    },
    /// Somebody changes the replicas of a service.
    Edit {
        name: &'static str,
        replicas: u32,
        hand: Hand,
    },
    /// Somebody adds a field to a service that Git does not declare.
    Add {
        name: &'static str,
        hand: Hand,
    },
    /// Somebody changes the Deployment of a service.
    EditChild {
        name: &'static str,
        replicas: u32,
        hand: Hand,
    },
    /// Somebody deletes a service.
    Delete {
        name: &'static str,
    },
    /// Somebody deletes the Deployment of a service.
    DeleteChild {
        name: &'static str,
    },
    /// The Secret that services read has another value.
    Secret {
        version: u32,
    },
    /// Another policy about drift holds for the GitSyncs.
    Policy(Policy),
    /// Corrections are paused, of one service or of all, for longer than the story lasts.
    Freeze {
        name: Option<&'static str>,
    },
    /// The pause is taken back.
    Thaw {
        name: Option<&'static str>,
    },
    /// The first GitSync is suspended, or both.
    Suspend {
        both: bool,
    },
    Resume,
    /// Whoever watches over the GitSyncs approves what is held.
    Approve,
    /// A daemon is killed at once, and another started.
    Kill {
        daemon: usize,
    },
    /// The daemon that does so is killed amid something that a step brings about.
    Strike {
        strike: Strike,
        then: Box<Step>,
    },
    /// A daemon is told to end, and another started.
    Restart {
        daemon: usize,
    },
    /// A daemon is stopped for so long and goes on.
    Pause {
        daemon: usize,
        milliseconds: u64,
    },
    /// The way to the API server is like that from now on.
    Weather {
        daemon: usize,
        weather: Weather,
    },
    /// The clock of a daemon goes so many seconds before that of all others, or behind.
    Clock {
        daemon: usize,
        seconds: i64,
    },
    /// The disk of a daemon is full from now on, or has room again.
    Disk {
        daemon: usize,
        full: bool,
    },
    /// A daemon may open no more files from now on, or as many as it likes.
    Files {
        daemon: usize,
        short: bool,
    },
    /// A daemon gets no more memory than it has; the one after it gets what it wants.
    Memory {
        daemon: usize,
    },
    /// A process of the control plane is killed, and another started.
    Crash(Server),
    /// Time passes.
    Wait {
        milliseconds: u64,
    },
    /// Everything is well again and comes to rest.
    Rest,
}

impl Step {
    /// What it is called where things are counted.
    pub fn word(&self) -> String {
        let text = format!("{self:?}");
        text.split([' ', '(']).next().unwrap_or_default().to_owned()
    }
}

/// How somebody changes an object by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hand {
    /// A patch by that field manager.
    Patch(&'static str),
    /// A forced apply by that field manager.
    Apply(&'static str),
}

impl Hand {
    pub const ALL: [Self; 4] =
        [Self::Patch("somebody"), Self::Patch("kubectl-edit"), Self::Patch("a-controller"), Self::Apply("another")];
}

/// At which moment a daemon is killed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Strike {
    pub amid: Moment,
    /// After it was done and before the answer, or before it is done.
    pub after: bool,
}

impl fmt::Debug for Strike {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let amid = match self.amid {
            Moment::Fetch => "fetch of a commit",
            Moment::Api(Amid::Apply) => "write of a service",
            Moment::Api(Amid::Prune) => "deletion of a service",
            Moment::Api(Amid::Status) => "write of a status",
            Moment::Api(Amid::Child) => "write of a child",
            Moment::Api(Amid::Lease) => "write of the Lease",
            Moment::Api(Amid::Release) => "release of the Lease",
        };
        let when = match self.amid {
            Moment::Fetch if self.after => "amid the",
            _ if self.after => "after a",
            _ => "before a",
        };
        write!(f, "{when} {amid}")
    }
}

/// What a daemon is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// It asks the API server for something.
    Api(Amid),
    /// It fetches a commit.
    Fetch,
}

/// A process of the control plane that can be killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Server {
    Api,
    Etcd,
}

/// A story before it is played.
#[derive(Debug, Clone)]
pub struct History {
    pub seed: u64,
    /// How many daemons there are, of which one leads.
    pub daemons: usize,
    /// What is done about drift, at first.
    pub policy: Policy,
    /// Percent of what there is that may be deleted within an hour without a word.
    pub budget: usize,
    /// Whether a branch that was rewritten is followed.
    pub follows: bool,
    /// Whether the Git server wants to know who is reading.
    pub private: bool,
    /// Whether there is a second GitSync, which depends on the first.
    pub second: bool,
    pub steps: Vec<Step>,
}
