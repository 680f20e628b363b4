//! Codes of findings about manifests: 1xx reading YAML, 2xx one document, 3xx a whole revision.

use super::{Entry, Example};

/// The entries, in order.
pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        code: "GM101",
        words: &["Syntax"],
        title: "The text is not YAML",
        means: "The file cannot be read as YAML from this place on. The documents before and after it in the same file are \
            read all the same.",
        why: "What cannot be read may have declared any MicroService, so it stops pruning until it is mended: nothing is \
            deleted on a guess.",
        next: "Correct the line that the finding names. A value that begins with `*`, `&`, `@` or a backtick, or has a \
            colon and a blank in it, must be in quotes; indent with spaces. A template does not belong into a synced \
            path: commit what it renders to.",
        example: Example::Manifest(
            r"
apiVersion: gitmoor.dev/v1alpha1
kind: MicroService
metadata: {name: orders}
spec:
  image: registry.example.com/orders:1.4.2
  args: [serve, --port=8080
",
        ),
    },
    Entry {
        code: "GM102",
        words: &["DuplicateKey"],
        title: "A mapping has a key twice",
        means: "The same key stands twice in one mapping of the document. The document is not applied.",
        why: "YAML forbids it, and tools that allow it take the first or the last of the two: nobody can say which was \
            meant.",
        next: "Keep one of the two.",
        example: Example::Manifest(
            r"
apiVersion: gitmoor.dev/v1alpha1
kind: MicroService
metadata: {name: orders}
spec:
  image: registry.example.com/orders:1.4.2
  replicas: 2
  replicas: 3
",
        ),
    },
    Entry {
        code: "GM103",
        words: &["AmbiguousScalar"],
        title: "A value that tools read differently",
        means: "A value without quotes is a text for one YAML reader, and a truth value or a number for another: yes, off, \
            0644, 1_000, 12:30.",
        why: "What is reviewed must be what is applied. kubectl reads YAML 1.1, most editors read YAML 1.2, and they \
            disagree about these words.",
        next: "Put the value in quotes if it is a text; else write true, false, or a plain decimal number.",
        example: Example::Manifest(
            r"
apiVersion: gitmoor.dev/v1alpha1
kind: MicroService
metadata: {name: orders}
spec:
  image: registry.example.com/orders:1.4.2
  suspend: no
",
        ),
    },
    Entry {
        code: "GM104",
        words: &["Limit"],
        title: "Too large, too deep, or too many",
        means: "A file is larger than 20 MiB or has more than 20,000 documents; a document is larger than 1 MiB, nested \
            deeper than 64 levels, or grows too large by its aliases; or a file has more findings than are shown.",
        why: "Everything that comes from a repository is bounded, so that no commit can exhaust the memory of the \
            operator. The API server would refuse a MicroService of that size anyway.",
        next: "Split the file, or take what is no manifest out of the synced paths. A document that grows by aliases is \
            better written out.",
        example: Example::Said(
            r"
error[GM104]: the document is nested deeper than 64 levels
  --> apps/generated.yaml:3:131
",
        ),
    },
    Entry {
        code: "GM105",
        words: &["Encoding"],
        title: "The file is not UTF-8",
        means: "The file has bytes that are not UTF-8. None of its documents is read.",
        why: "A manifest in another encoding would be read as something else than its author sees. As it may declare any \
            MicroService, it stops pruning.",
        next: "Save the file as UTF-8. If it is UTF-16, as some editors on Windows write it, the hint says so.",
        example: Example::Said(
            r"
error[GM105]: the file is not UTF-8
  --> apps/orders.yaml:7:16
  = help: save the file as UTF-8
",
        ),
    },
    Entry {
        code: "GM106",
        words: &["UnsupportedFeature"],
        title: "What a manifest may not use, or be",
        means: "The document uses tags, merge keys (`<<`) or keys that are no strings; or it is a List, a symbolic link, a \
            submodule or a Git LFS pointer where a manifest is expected.",
        why: "The API server reads manifests as JSON, which has none of these. Guessing at what they mean would apply \
            something that nobody reviewed.",
        next: "Write the fields out, without tags and merge keys; put keys in quotes; write one document per object, with \
            a line `---` between them; commit the manifest itself in place of the link or the pointer.",
        example: Example::Manifest(
            r"
apiVersion: gitmoor.dev/v1alpha1
kind: MicroService
metadata: {name: orders}
spec:
  image: !env ORDERS_IMAGE
",
        ),
    },
    Entry {
        code: "GM201",
        words: &["UnknownKind"],
        title: "Of our group, but of no kind or version that is known",
        means: "The document's apiVersion is of the group gitmoor.dev, or nearly, and its kind or version is not one that \
            this version of Gitmoor knows.",
        why: "A typing error in the kind would make a MicroService vanish from what Git declares, and pruning would \
            delete it. So a document that is nearly ours stops pruning.",
        next: "Correct the word: the hint names the nearest one. apiVersion is gitmoor.dev/v1alpha1, kind is MicroService \
            or GitSync.",
        example: Example::Manifest(
            r"
apiVersion: gitmoor.dev/v1alpha1
kind: Microservice
metadata: {name: orders}
spec:
  image: registry.example.com/orders:1.4.2
",
        ),
    },
    Entry {
        code: "GM202",
        words: &["Unidentified"],
        title: "The document has no usable name",
        means: "It cannot be said which object the document declares: metadata.name is missing, or what says its kind \
            cannot be read.",
        why: "A document without a name may stand for any object that is in the cluster, so it stops pruning.",
        next: "Give it a name: up to 52 lower-case letters, digits and dashes, the first one a letter.",
        example: Example::Manifest(
            r"
apiVersion: gitmoor.dev/v1alpha1
kind: MicroService
spec:
  image: registry.example.com/orders:1.4.2
",
        ),
    },
    Entry {
        code: "GM203",
        words: &["UnknownField"],
        title: "A field that the kind does not have",
        means: "The document has a field that the schema of its kind does not know. The document is not applied. Where the \
            field is status, it is left out, and this is a warning only.",
        why: "The API server would drop such a field silently, and the setting that its author meant would never take \
            effect.",
        next: "Correct the name: the hint says which one is nearest, or which there are.",
        example: Example::Manifest(
            r"
apiVersion: gitmoor.dev/v1alpha1
kind: MicroService
metadata: {name: orders}
spec:
  imgae: registry.example.com/orders:1.4.2
",
        ),
    },
    Entry {
        code: "GM204",
        words: &["WrongType"],
        title: "A value of the wrong type",
        means: "The field takes another type of value than the manifest has: a number where a text belongs, a text where a \
            list belongs, or no value at all.",
        why: "The API server refuses such a document; here it is told with its place, and before it is applied.",
        next: "Do what the hint says: put the value in quotes, take the quotes away, or start each item with a dash.",
        example: Example::Manifest(
            r#"
apiVersion: gitmoor.dev/v1alpha1
kind: MicroService
metadata: {name: orders}
spec:
  image: registry.example.com/orders:1.4.2
  replicas: "3"
"#,
        ),
    },
    Entry {
        code: "GM205",
        words: &["MissingField"],
        title: "A required field is missing",
        means: "The kind needs a field that the document does not have.",
        why: "Without it the object would mean nothing; the API server refuses it, too.",
        next: "Add the field that the finding names.",
        example: Example::Manifest(
            r"
apiVersion: gitmoor.dev/v1alpha1
kind: MicroService
metadata: {name: orders}
spec:
  replicas: 3
",
        ),
    },
    Entry {
        code: "GM206",
        words: &["InvalidValue"],
        title: "A value that its field does not allow",
        means: "The value has the right type, but is not one of the allowed words, does not fit the pattern, is too long, \
            or is out of range.",
        why: "The API server refuses such a document by the same schema.",
        next: "Write a value as the hint says.",
        example: Example::Manifest(
            r"
apiVersion: gitmoor.dev/v1alpha1
kind: MicroService
metadata: {name: orders}
spec:
  image: registry.example.com/orders:1.4.2
  imagePullPolicy: always
",
        ),
    },
    Entry {
        code: "GM207",
        words: &["RuleViolated"],
        title: "Fields that do not go together",
        means: "Each field is valid by itself, but a rule of the kind forbids the combination.",
        why: "These are the rules of the CRD (CEL), evaluated here as the API server evaluates them, so that CI finds \
            what the cluster would refuse.",
        next: "Read the rule in the message, and change one of the fields that it names.",
        example: Example::Manifest(
            r"
apiVersion: gitmoor.dev/v1alpha1
kind: MicroService
metadata: {name: orders}
spec:
  image: registry.example.com/orders:1.4.2
  podDisruptionBudget: {minAvailable: 1, maxUnavailable: 1}
",
        ),
    },
    Entry {
        code: "GM208",
        words: &["OverrideUnmatched"],
        title: "An override is of something that is not rendered",
        means: "An override names a child that this MicroService does not have: by its kind, or by its name. The rest is \
            applied as it is declared.",
        why: "An override that changes nothing is a mistake that nobody would see otherwise.",
        next: "`gitmoor render` shows the children with their apiVersion, kind and name. Name one of them, or remove the \
            override.",
        example: Example::Manifest(
            r"
apiVersion: gitmoor.dev/v1alpha1
kind: MicroService
metadata: {name: orders}
spec:
  image: registry.example.com/orders:1.4.2
  overrides:
  - target: {apiVersion: apps/v1, kind: StatefulSet}
    patch: {spec: {minReadySeconds: 5}}
",
        ),
    },
    Entry {
        code: "GM231",
        words: &["UselessRule"],
        title: "A rule about drift that can decide nothing",
        means: "A rule in spec.drift.rules comes after one that fits everything, or has a path that is never compared. \
            It is a warning: the document is applied.",
        why: "Whoever wrote the rule thinks that it does something. The first rule that fits decides, and what only the \
            API server and controllers write (status, finalizers, resourceVersion) is never drift.",
        next: "Move the rule up, or remove it or its path.",
        example: Example::Manifest(
            r"
apiVersion: gitmoor.dev/v1alpha1
kind: GitSync
metadata: {name: orders}
spec:
  url: https://git.example.com/acme/orders.git
  drift:
    rules:
    - policy: Report
    - {paths: [/spec/replicas], policy: Ignore}
",
        ),
    },
    Entry {
        code: "GM301",
        words: &["DuplicateObject"],
        title: "The same object is declared twice",
        means: "Two documents of the revision declare the same namespace and name. Neither is applied; what is in the \
            cluster stays as it was.",
        why: "Nobody can say which of the two was meant, and the order of files is an accident.",
        next: "Keep one of the two. The finding names both places.",
        example: Example::Manifest(
            r#"
apiVersion: gitmoor.dev/v1alpha1
kind: MicroService
metadata: {name: orders}
spec: {image: "registry.example.com/orders:1.4.2"}
---
apiVersion: gitmoor.dev/v1alpha1
kind: MicroService
metadata: {name: orders}
spec: {image: "registry.example.com/orders:1.4.1"}
"#,
        ),
    },
    Entry {
        code: "GM302",
        words: &["NamespaceNotAllowed"],
        title: "A namespace that the GitSync may not write to",
        means: "The manifest names a namespace, or falls into one, that spec.allowedNamespaces of its GitSync does not \
            list.",
        why: "Whoever may push to a repository must not be able to reach every namespace. A GitSync outside of the \
            operator's own namespace writes to its own only.",
        next: "Correct metadata.namespace, or add the namespace to spec.allowedNamespaces of a GitSync in the operator's \
            namespace.",
        example: Example::Manifest(
            r"
apiVersion: gitmoor.dev/v1alpha1
kind: MicroService
metadata: {name: orders, namespace: kube-system}
spec:
  image: registry.example.com/orders:1.4.2
",
        ),
    },
    Entry {
        code: "GM303",
        words: &["InvalidSetting"],
        title: "An annotation of Gitmoor's that it does not know, or not with this value",
        means: "An annotation under gitmoor.dev/ is unknown, has a value that it cannot have, or is one that Gitmoor \
            itself writes.",
        why: "A setting with a typing error would be ignored silently: a service that must never be pruned would be \
            pruned. A mark of Gitmoor's in Git would lie about who applied the object.",
        next: "Correct the annotation: the hint says what it can be. Remove what Gitmoor itself writes.",
        example: Example::Manifest(
            r"
apiVersion: gitmoor.dev/v1alpha1
kind: MicroService
metadata:
  name: orders
  annotations: {gitmoor.dev/wave: first}
spec:
  image: registry.example.com/orders:1.4.2
",
        ),
    },
    Entry {
        code: "GM304",
        words: &["KindNotAllowed"],
        title: "A GitSync that this GitSync may not declare",
        means: "The manifest is a GitSync, and the GitSync that reads it is outside of the operator's namespace.",
        why: "Whoever may declare GitSyncs decides what is read and where it is written to. Only a GitSync in the \
            operator's own namespace may.",
        next: "Declare it by a GitSync in the operator's namespace, or apply it by hand.",
        example: Example::Manifest(
            r"
apiVersion: gitmoor.dev/v1alpha1
kind: GitSync
metadata: {name: orders}
spec:
  url: https://git.example.com/acme/orders.git
",
        ),
    },
    Entry {
        code: "GM305",
        words: &["InvalidManifests", "InvalidManifest"],
        title: "Some manifests of the revision are not applied",
        means: "The revision was read, and at least one of its manifests is invalid. The others are applied. The invalid \
            ones keep their last good state in the cluster.",
        why: "One bad manifest must stop nothing else, and must not be forgotten either: the GitSync is not Ready until \
            it is mended.",
        next: "Look at status.diagnostics, the log or `gitmoor status`: each finding has its code, file, line and column. \
            `gitmoor validate` finds the same in CI, before the commit is merged.",
        example: Example::Said(
            "Ready=False InvalidManifests: 2 findings; the first: apps/orders.yaml:6:3 spec has no field imgae",
        ),
    },
];
