//! Names that Gitmoor puts on objects: field managers, labels, annotations.

/// Field manager of everything that the sync applies (MicroServices).
pub const SYNC_MANAGER: &str = "gitmoor";
/// Field manager of everything that the controller applies (children and status).
pub const CONTROLLER_MANAGER: &str = "gitmoor-controller";
/// Field manager of the labels and annotations that make a GitSync the parent of an ApplySet. Another than the sync's:
/// a GitSync may itself be applied by a sync.
pub const APPLYSET_MANAGER: &str = "gitmoor-applyset";

/// Field manager of what the status of a GitSync remembers of alerts.
pub const NOTIFY_MANAGER: &str = "gitmoor-notify";
/// Field manager of a Deployment's replicas until an autoscaler writes them: what nobody owns any more is deleted.
pub const HAND_OVER_MANAGER: &str = "gitmoor-hand-over";

/// ApplySet membership of what a GitSync applied; the value is the id of its GitSync's set.
pub const PART_OF: &str = "applyset.kubernetes.io/part-of";
/// ApplySet id, a label on the GitSync.
pub const APPLYSET_ID: &str = "applyset.kubernetes.io/id";
/// Marks a CRD whose objects may be ApplySet parents.
pub const APPLYSET_PARENT_TYPE: &str = "applyset.kubernetes.io/is-parent-type";
/// ApplySet tooling, an annotation on the GitSync.
pub const APPLYSET_TOOLING: &str = "applyset.kubernetes.io/tooling";
/// Kinds in the set, an annotation on the GitSync.
pub const APPLYSET_GROUP_KINDS: &str = "applyset.kubernetes.io/contains-group-kinds";
/// Namespaces with members beside the parent's own, an annotation on the GitSync.
pub const APPLYSET_NAMESPACES: &str = "applyset.kubernetes.io/additional-namespaces";

/// Prefix of every annotation of Gitmoor's own.
pub const PREFIX: &str = "gitmoor.dev/";
/// Which GitSync (with UID) applied the object, and the object itself: see [`crate::api::SourceMark`].
pub const SOURCE: &str = "gitmoor.dev/source";
/// `path:line` of the document in the repository, as of the revision below.
pub const SOURCE_PATH: &str = "gitmoor.dev/source-path";
/// Hash of the document that was applied.
pub const SOURCE_HASH: &str = "gitmoor.dev/source-hash";
/// Revision that last changed the object.
pub const SOURCE_REVISION: &str = "gitmoor.dev/source-revision";
/// On a MicroService that was made under a new name or in a new namespace: which one it follows, see
/// [`crate::plan::rename`]. That one is deleted once this one is ready.
pub const RENAMED_FROM: &str = "gitmoor.dev/renamed-from";
/// Hash of what the controller rendered for a child.
pub const RENDERED_HASH: &str = "gitmoor.dev/rendered-hash";
/// On a Deployment: who says how many replicas, where that is not the MicroService. The next rendering knows by it that
/// the number is to be taken back.
pub const REPLICAS_FROM: &str = "gitmoor.dev/replicas-from";
/// On a pod template: checksum of the ConfigMaps and Secrets that it names, where the service restarts on their change.
pub const REFERENCED_HASH: &str = "gitmoor.dev/referenced-hash";
/// Label of a pod template: hash of its `configFiles`. ReplicaSets have it, too, and so tell which ConfigMap they use.
pub const CONFIG: &str = "gitmoor.dev/config";
/// Per object drift policy, set in Git.
pub const DRIFT_POLICY: &str = "gitmoor.dev/drift-policy";
/// `"false"` on a MicroService in Git: never prune it.
pub const PRUNE: &str = "gitmoor.dev/prune";
/// `"true"` on a MicroService: children that exist and are not ours may be taken over.
pub const TAKE_OVER_CHILDREN: &str = "gitmoor.dev/take-over-children";
/// On a GitSync: resync now. The value is echoed in `status.lastHandledReconcileAt`.
pub const RECONCILE_REQUESTED_AT: &str = "gitmoor.dev/reconcile-requested-at";
/// How such a request begins that a replica writes which stands by and was told of a push.
pub const PUSH_ANNOUNCED: &str = "push-announced@";
/// On a GitSync: the hash of the held plan that a person approves.
pub const APPROVE_PLAN: &str = "gitmoor.dev/approve-plan";
/// On a GitSync: the commit that it is pinned to, in full.
pub const PINNED_REVISION: &str = "gitmoor.dev/pinned-revision";
/// On a GitSync: why a person suspended it.
pub const SUSPEND_REASON: &str = "gitmoor.dev/suspend-reason";
/// On a live MicroService or GitSync: until when (RFC 3339) nothing is corrected.
pub const PAUSE_UNTIL: &str = "gitmoor.dev/pause-until";
/// On a live MicroService or GitSync: why corrections are paused.
pub const PAUSE_REASON: &str = "gitmoor.dev/pause-reason";
/// On a live MicroService or GitSync: who paused corrections.
pub const PAUSED_BY: &str = "gitmoor.dev/paused-by";
/// On anything managed: the user who changed it last, stamped by the admission policy of `deploy/attribution.yaml`.
pub const CHANGED_BY: &str = "gitmoor.dev/changed-by";
/// Beside it, and stamped with it: the resourceVersion that was changed. The name counts for this one change.
pub const CHANGED_FROM: &str = "gitmoor.dev/changed-from";
/// `"true"` on a live MicroService, GitSync or CRD: the admission policy lets it be deleted.
pub const ALLOW_DELETE: &str = "gitmoor.dev/allow-delete";
/// On a MicroService in Git: the number of the wave that it is applied in. Default: 0.
pub const WAVE: &str = "gitmoor.dev/wave";
/// Finalizer of a GitSync whose MicroServices go with it.
pub const FINALIZER: &str = "gitmoor.dev/microservices";

/// Recommended label: the program's name.
pub const LABEL_NAME: &str = "app.kubernetes.io/name";
/// Recommended label: the instance, here the MicroService's name.
pub const LABEL_INSTANCE: &str = "app.kubernetes.io/instance";
/// Recommended label: the tool that manages the object.
pub const LABEL_MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// Recommended label: the application that the object belongs to.
pub const LABEL_PART_OF: &str = "app.kubernetes.io/part-of";
/// The value of [`LABEL_MANAGED_BY`] on children.
pub const MANAGED_BY: &str = "gitmoor";
/// `kubectl rollout restart` writes this into the pod template: a person's wish, not drift.
pub const RESTARTED_AT: &str = "kubectl.kubernetes.io/restartedAt";
