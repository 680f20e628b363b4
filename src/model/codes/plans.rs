//! Codes of plans: whose an object is, what is not deleted, and what a GitSync may not reach.

use super::{Entry, Example};

/// The entries, in order.
pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        code: "GM501",
        words: &["NotOurs"],
        title: "It exists and was not applied by a GitSync",
        means: "The revision declares an object that is in the cluster already and carries no marks of Gitmoor's. It is \
            left alone.",
        why: "Somebody made it in another way and may depend on it as it is. Nothing is taken over unless the GitSync \
            says so.",
        next: "Delete the object, take its manifest out of Git, or set spec.takeOver: Unowned on the GitSync, which takes \
            over what has no owner.",
        example: Example::Said(
            "shop/orders NotOurs: exists in the cluster and was not applied by a GitSync; take it over with \
                spec.takeOver: Unowned, delete it, or take its manifest out of Git",
        ),
    },
    Entry {
        code: "GM502",
        words: &["OwnedByOther"],
        title: "Another GitSync applied it",
        means: "The object was applied by another GitSync, which declares it still, cannot be asked just now, or is gone. \
            It is left alone.",
        why: "Two sources of one object would overwrite each other for ever; so it changes hands only once it is known \
            that the other one does not declare it any more.",
        next: "Declare the object in one place only. To move it, take its manifest out of the first repository. What a \
            GitSync left that is gone is taken over with spec.takeOver: Unowned.",
        example: Example::Said(
            "shop/orders OwnedByOther: is applied by GitSync team/orders, which declares it, too; one object is \
                declared in one place: take one of the two manifests out of Git",
        ),
    },
    Entry {
        code: "GM503",
        words: &["PruneDisabled"],
        title: "Pruning is off",
        means: "A commit removed the object, and spec.prune.enabled of the GitSync is false. It stays in the cluster.",
        why: "It is as somebody asked; it is listed so that nobody forgets it.",
        next: "Nothing, if that is wanted. Else delete the object by hand, or set spec.prune.enabled: true.",
        example: Example::Said(
            "shop/orders PruneDisabled: is no longer declared; spec.prune.enabled is false: delete it by hand, or \
                let the GitSync prune",
        ),
    },
    Entry {
        code: "GM504",
        words: &["PruneProtected"],
        title: "The object says that it must not be pruned",
        means: "A commit removed the object, and its annotation gitmoor.dev/prune is \"false\". It stays in the cluster.",
        why: "Some services must never go because of a merge. It is listed so that nobody forgets it.",
        next: "Nothing, if that is wanted. Else delete it by hand; where the admission policy is installed, it asks for \
            the annotation gitmoor.dev/allow-delete: \"true\" first.",
        example: Example::Said(
            "shop/orders PruneProtected: is no longer declared; its annotation gitmoor.dev/prune is \"false\"",
        ),
    },
    Entry {
        code: "GM505",
        words: &["UnreadableDocument"],
        title: "A document that cannot be read may be this object",
        means: "The object is no longer declared, but some document of the revision could not be read or identified.",
        why: "The unreadable document may be this very object. Nothing is deleted on a guess.",
        next: "Mend the document: status.diagnostics and `gitmoor validate` name its place. The deletion follows with the \
            next sync.",
        example: Example::Said(
            "shop/orders UnreadableDocument: is no longer declared, but some document could not be read and may be \
                this one; mend it first",
        ),
    },
    Entry {
        code: "GM506",
        words: &["EmptyTree"],
        title: "The revision declares nothing at all",
        means: "The revision has no manifest under the wanted paths, and objects of this GitSync are in the cluster. They \
            stay.",
        why: "An empty tree is mostly an accident: a wrong path, a moved folder, a forced push of an empty branch.",
        next: "Restore the manifests, or correct spec.paths. If everything should really go, delete the GitSync with \
            spec.deletionPolicy: Delete.",
        example: Example::Said(
            "shop/orders EmptyTree: is no longer declared, but the revision declares nothing at all",
        ),
    },
    Entry {
        code: "GM507",
        words: &["MissingPath"],
        title: "A wanted path is not in the revision",
        means: "spec.paths names a folder or file that the revision does not have. The other paths are applied; nothing is \
            pruned.",
        why: "A folder that was renamed looks like one whose services were all removed.",
        next: "Correct spec.paths, or restore the folder.",
        example: Example::Said(
            "Ready=False MissingPath: the revision has no apps/prod; correct spec.paths, or the tree. Nothing is \
                pruned until then",
        ),
    },
    Entry {
        code: "GM508",
        words: &["ScopeChanged"],
        title: "What is read changed with this sync",
        means: "url, ref, paths or targetNamespace of the GitSync changed, and the object is not declared by what is read \
            now. It stays until the next commit.",
        why: "What is missing may just be elsewhere: a change of where to look is no order to delete.",
        next: "Check that the new url, ref and paths are the right ones. With the next commit pruning goes on; to have it \
            sooner, delete the object by hand.",
        example: Example::Said(
            "shop/orders ScopeChanged: is no longer declared, but url, ref, paths or targetNamespace changed with \
                this sync; it stays until a person deletes it or the next commit",
        ),
    },
    Entry {
        code: "GM509",
        words: &["Terminating"],
        title: "The object is being deleted",
        means: "The object has a deletion timestamp. It is created anew once it is gone, if Git still declares it.",
        why: "What is being deleted cannot be changed any more.",
        next: "Wait. If it does not go, some finalizer is not removed: `kubectl get microservice NAME -o yaml` shows \
            which.",
        example: Example::Said("shop/orders Terminating: is being deleted; it is created anew once it is gone"),
    },
    Entry {
        code: "GM510",
        words: &["SourceFailed"],
        title: "The source could not be read lately",
        means: "The object is not declared by the last revision that was read, but the source cannot be read now. \
            Deletions wait.",
        why: "A newer commit may declare it again.",
        next: "Repair the source: the condition Ready says what is wrong.",
        example: Example::Said(
            "shop/orders SourceFailed: is no longer declared, but the source could not be read since; what becomes \
                of it is decided once it can",
        ),
    },
    Entry {
        code: "GM511",
        words: &["RenamePending"],
        title: "It may be the old name of something that does not serve yet",
        means: "The object is no longer declared, and what may be its new name could not be applied, or is not ready yet. \
            The old one goes once the new one is there.",
        why: "A rename is a deletion and a creation. If only the deletion worked, the service would be gone.",
        next: "Repair what could not be applied or is not ready: the message names it. If it is no rename, the deletion \
            can be approved (`gitmoor approve NAME --plan HASH`).",
        example: Example::Said(
            "shop/orders RenamePending: is no longer declared, but shop/orders-v2 is declared, could not be \
                applied, and may be its new name; it goes once that exists",
        ),
    },
    Entry {
        code: "GM512",
        words: &["OwnershipUnproven"],
        title: "It is not proven that this GitSync applied it",
        means: "The object says that it is part of this GitSync's set, but its marks do not prove it: a copy, an earlier \
            GitSync of the same name, or marks that somebody wrote.",
        why: "Labels and annotations can be copied. Only an object that Gitmoor itself applied, under this very name and \
            by this very GitSync, is ever pruned.",
        next: "If nobody needs it, delete it by hand. If it should be managed, declare it in Git.",
        example: Example::Said(
            "shop/orders OwnershipUnproven: is not declared and is not deleted: its mark names another object: it \
                is a copy",
        ),
    },
    Entry {
        code: "GM520",
        words: &["InvalidSpec"],
        title: "The spec cannot be acted on",
        means: "The API server took the spec of a GitSync or a MicroService, but a value or a field in it means nothing to \
            this version. Nothing is fetched, rendered or written; what is there stays as it is.",
        why: "To act on half of a spec would do what nobody asked for.",
        next: "Correct the field that the message names. Where the CRDs are of another version than the operator, install \
            its own: `gitmoor crds | kubectl apply --server-side -f -`.",
        example: Example::Said(
            "Ready=False InvalidSpec: spec.interval \"0s\" is not a duration above zero; write it as in 30s or 5m",
        ),
    },
    Entry {
        code: "GM521",
        words: &["Itself"],
        title: "A GitSync that is no longer declared by its own repository",
        means: "The GitSync applied itself from its own repository once, and the revision does not declare it any more. It \
            stays.",
        why: "A GitSync that deleted itself could not say so, and nothing would bring it back.",
        next: "Declare it again, or delete it by hand: `kubectl delete gitsync NAME`.",
        example: Example::Said(
            "gitmoor-system/main Itself: is no longer declared; a GitSync never deletes itself, so delete it by \
                hand if it is to go",
        ),
    },
    Entry {
        code: "GM522",
        words: &["RenameHeld"],
        title: "The new name of an object whose deletion waits for approval",
        means: "The creation of this object gives another one a new name, and the deletion of that one is held. Both are \
            done together.",
        why: "Creating the new one and keeping the old one would run the service twice.",
        next: "Look at status.hold and approve it: `gitmoor approve NAME --plan HASH`.",
        example: Example::Said(
            "shop/orders-v2 RenameHeld: is the new name of shop/orders, whose deletion waits for approval; it is \
                created with that",
        ),
    },
    Entry {
        code: "GM523",
        words: &["Moving"],
        title: "Another GitSync takes it over",
        means: "The object is no longer declared here, and another GitSync declares it now. That one takes it over; \
            nothing is deleted.",
        why: "A service that moves from one repository to another must go on running.",
        next: "Nothing. If it stays, look at the other GitSync.",
        example: Example::Said(
            "shop/orders Moving: is no longer declared here; GitSync team/orders declares it and takes it over",
        ),
    },
    Entry {
        code: "GM524",
        words: &["MayMove"],
        title: "Another GitSync may declare it",
        means: "The object is no longer declared here, and a GitSync that may declare it now cannot be asked: it is \
            suspended, or cannot read its source.",
        why: "To delete what another repository declares would take a service away that somebody wants. It stays until \
            it is known.",
        next: "Look at the GitSync that the message names: `gitmoor status NAME`.",
        example: Example::Said(
            "shop/orders MayMove: is no longer declared here; it stays until it is known whether GitSync \
                team/orders declares it, which cannot read its source",
        ),
    },
    Entry {
        code: "GM525",
        words: &["TakenOver"],
        title: "An Event: an object was taken over",
        means: "A MicroService that somebody else made, or another GitSync applied, is now applied by this GitSync.",
        why: "It is told with whose it was and what of it changed: afterwards nobody could find out.",
        next: "Nothing. If it was a mistake, restore the object and take its manifest out of Git.",
        example: Example::Said(
            "Normal TakenOver: GitSync team/orders took it over, which nobody owned: nothing of it changed",
        ),
    },
    Entry {
        code: "GM526",
        words: &["ConfinedNamespace"],
        title: "A GitSync outside of the operator's namespace reaches for others",
        means: "The GitSync's spec names other namespaces than its own, or wants to create some. That counts only in the \
            operator's own namespace; here it is left out.",
        why: "Whoever may create a GitSync in one namespace must not reach others by it.",
        next: "Remove the field, or create the GitSync in the operator's namespace.",
        example: Example::Said(
            "Ready=False ConfinedNamespace: spec.targetNamespace is shop, which counts only in the operator's \
                namespace gitmoor-system; a GitSync elsewhere writes to its own namespace, team, alone",
        ),
    },
];
