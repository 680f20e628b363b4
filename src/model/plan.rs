//! The changes that turn live into declared.

use super::key::Target;

/// Why a change is not made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HoldReason {
    /// It exists and carries no marks of Gitmoor's.
    NotOurs,
    /// Another GitSync applied it and declares it; its `namespace/name`.
    OwnedByOther(String),
    /// Another GitSync applied it, and what that declares now is not known.
    OwnerSilent(String, Silence),
    /// A GitSync applied it that is gone.
    OwnerGone(String),
    /// It is not declared here any more; another GitSync declares it and takes it over.
    Moving(String),
    /// It is not declared here any more; whether that GitSync declares it now is not known.
    MayMove(String, Silence),
    /// The GitSync says that nothing is pruned.
    PruneDisabled,
    /// The object says that it is not pruned.
    PruneProtected,
    /// Some document of the revision could not be read.
    Unreadable,
    /// The revision has no manifest under the wanted paths.
    EmptyTree,
    /// A wanted path is not in the tree.
    MissingPath(String),
    /// The url, ref, paths or targetNamespace changed: this sync and its retries delete nothing.
    ScopeChanged,
    /// It is being deleted; it is created anew once it is gone.
    Terminating,
    /// The source could not be read lately.
    SourceFailed,
    /// Something that the revision declares does not exist yet, and may be its new name; the `namespace/name` of that.
    RenamePending(String),
    /// It has a new name, and what has that name is not ready yet; the `namespace/name` of that.
    RenameNotReady(String),
    /// Its creation gives another object a new name, whose deletion is held; the `namespace/name` of that.
    RenameHeld(String),
    /// With it, the last live object of the sync would go.
    LastObject,
    /// The plan deletes more than the budget of an hour allows; the arithmetic.
    PruneBudget(String),
    /// The revision does not descend from the applied one, or that cannot be told; the two.
    Rewritten(String),
    /// It is the GitSync itself.
    Itself,
    /// The marks do not prove that this GitSync applied this object.
    Unproven(&'static str),
}

/// Why it is not known what another GitSync declares now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Silence {
    /// It has not looked at its source since.
    Reading,
    /// It is suspended.
    Suspended,
    /// Its source cannot be read.
    Failing,
    /// Some document of its revision could not be read, or all of it is missing.
    Partial,
    /// It is being deleted.
    Leaving,
    /// Another process runs it.
    Elsewhere,
}

impl Silence {
    /// The GitSync "which …".
    pub fn words(self) -> &'static str {
        match self {
            Self::Reading => "has not read its newest revision yet",
            Self::Suspended => "is suspended",
            Self::Failing => "cannot read its source",
            Self::Partial => "could not read all of its revision",
            Self::Leaving => "is being deleted",
            Self::Elsewhere => "does not run in this process",
        }
    }
}

impl HoldReason {
    /// CamelCase word for machines.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NotOurs => "NotOurs",
            Self::OwnedByOther(_) | Self::OwnerSilent(..) | Self::OwnerGone(_) => "OwnedByOther",
            Self::Moving(_) => "Moving",
            Self::MayMove(..) => "MayMove",
            Self::PruneDisabled => "PruneDisabled",
            Self::PruneProtected => "PruneProtected",
            Self::Unreadable => "UnreadableDocument",
            Self::EmptyTree => "EmptyTree",
            Self::MissingPath(_) => "MissingPath",
            Self::ScopeChanged => "ScopeChanged",
            Self::Terminating => "Terminating",
            Self::SourceFailed => "SourceFailed",
            Self::RenamePending(_) | Self::RenameNotReady(_) => "RenamePending",
            Self::RenameHeld(_) => "RenameHeld",
            Self::LastObject => "LastObject",
            Self::PruneBudget(_) => "PruneBudget",
            Self::Rewritten(_) => "RewrittenHistory",
            Self::Itself => "Itself",
            Self::Unproven(_) => "OwnershipUnproven",
        }
    }

    /// Whether somebody should look at it. The others are as somebody asked, or pass by themselves.
    pub fn is_fault(&self) -> bool {
        match self {
            Self::NotOurs
            | Self::OwnedByOther(_)
            | Self::OwnerSilent(
                _,
                Silence::Suspended | Silence::Failing | Silence::Partial | Silence::Leaving | Silence::Elsewhere,
            )
            | Self::OwnerGone(_)
            | Self::Unreadable
            | Self::EmptyTree
            | Self::MissingPath(_)
            | Self::LastObject
            | Self::PruneBudget(_)
            | Self::Rewritten(_) => true,
            Self::PruneDisabled
            | Self::PruneProtected
            | Self::ScopeChanged
            | Self::Terminating
            | Self::Moving(_)
            | Self::MayMove(..)
            | Self::OwnerSilent(_, Silence::Reading)
            | Self::SourceFailed
            | Self::RenamePending(_)
            | Self::RenameNotReady(_)
            | Self::RenameHeld(_)
            | Self::Itself
            | Self::Unproven(_) => false,
        }
    }

    /// Whether a person can let it go all the same, by approving exactly the plan that is held.
    pub fn is_approvable(&self) -> bool {
        match self {
            Self::EmptyTree
            | Self::MissingPath(_)
            | Self::LastObject
            | Self::PruneBudget(_)
            | Self::Rewritten(_)
            | Self::RenamePending(_)
            | Self::RenameNotReady(_) => true,
            Self::NotOurs
            | Self::OwnedByOther(_)
            | Self::OwnerSilent(..)
            | Self::OwnerGone(_)
            | Self::Moving(_)
            | Self::MayMove(..)
            | Self::PruneDisabled
            | Self::PruneProtected
            | Self::Unreadable
            | Self::ScopeChanged
            | Self::Terminating
            | Self::SourceFailed
            | Self::RenameHeld(_)
            | Self::Itself
            | Self::Unproven(_) => false,
        }
    }

    /// Sentence for people.
    pub fn message(&self) -> String {
        match self {
            Self::NotOurs => "exists in the cluster and was not applied by a GitSync; take it over with spec.takeOver: Unowned, delete it, or take its manifest out of Git".into(),
            Self::OwnedByOther(sync) => format!("is applied by GitSync {sync}, which declares it, too; one object is declared in one place: take one of the two manifests out of Git"),
            Self::OwnerSilent(sync, why) => format!("is applied by GitSync {sync}, which {}; it is taken over once that is known not to declare it any more", why.words()),
            Self::OwnerGone(sync) => format!("was applied by GitSync {sync}, which is gone; take it over with spec.takeOver: Unowned, delete it, or take its manifest out of Git"),
            Self::Moving(sync) => format!("is no longer declared here; GitSync {sync} declares it and takes it over"),
            Self::MayMove(sync, why) => format!("is no longer declared here; it stays until it is known whether GitSync {sync} declares it, which {}", why.words()),
            Self::PruneDisabled => "is no longer declared; spec.prune.enabled is false: delete it by hand, or let the GitSync prune".into(),
            Self::PruneProtected => "is no longer declared; its annotation gitmoor.dev/prune is \"false\"".into(),
            Self::Unreadable => "is no longer declared, but some document could not be read and may be this one; mend it first".into(),
            Self::EmptyTree => "is no longer declared, but the revision declares nothing at all".into(),
            Self::MissingPath(path) => format!("is no longer declared, but the path {path} is missing from the revision"),
            Self::ScopeChanged => "is no longer declared, but url, ref, paths or targetNamespace changed with this sync; it stays until a person deletes it or the next commit".into(),
            Self::Terminating => "is being deleted; it is created anew once it is gone".into(),
            Self::SourceFailed => "is no longer declared, but the source could not be read since; what becomes of it is decided once it can".into(),
            Self::RenamePending(other) => format!("is no longer declared, but {other} is declared, could not be applied, and may be its new name; it goes once that exists"),
            Self::RenameNotReady(other) => format!("is no longer declared, has the new name {other}, and goes once that is ready"),
            Self::RenameHeld(other) => format!("is the new name of {other}, whose deletion waits for approval; it is created with that"),
            Self::LastObject => "is no longer declared, but with it the last object of this GitSync would go".into(),
            Self::PruneBudget(sum) => format!("is no longer declared, but the plan deletes too many: {sum}"),
            Self::Rewritten(which) => format!("stays as it is: {which}"),
            Self::Itself => "is no longer declared; a GitSync never deletes itself, so delete it by hand if it is to go".into(),
            Self::Unproven(what) => format!("is not declared and is not deleted: {what}"),
        }
    }
}

/// What is done to one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// It does not exist.
    Create,
    /// It exists and a commit changed it.
    Update {
        /// UID of what exists.
        uid: String,
    },
    /// It exists and becomes ours.
    TakeOver {
        /// UID that it must still have.
        uid: String,
        /// resourceVersion that it must still have.
        resource_version: u64,
        /// The GitSync that had it; none where nobody did.
        from: Option<String>,
    },
    /// It was applied by us and no commit declares it any more.
    Delete {
        /// UID that it must still have.
        uid: String,
        /// resourceVersion that it must still have.
        resource_version: u64,
    },
    /// Nothing is done, for a reason.
    Hold(HoldReason),
    /// It is as declared.
    Unchanged,
}

/// What is done to one object, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The object.
    pub key: Target,
    /// What is done.
    pub action: Action,
}

/// The changes that turn live into declared, deletions last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// One per object that is declared or was applied.
    pub changes: Vec<Change>,
}

impl Plan {
    /// Changes that call the API server.
    pub fn effective(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(|change| !matches!(change.action, Action::Hold(_) | Action::Unchanged))
    }
}
