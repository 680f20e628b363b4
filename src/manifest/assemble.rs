//! From files to the objects of a revision: namespaces, duplicates, and what a GitSync may write to.

use std::sync::Arc;

use crate::model::declared::Place;
use crate::model::diagnostic::Related;
use crate::model::{
    Code, Declared, DeclaredObject, Diagnostic, Document, Kind, ObjectKey, ParsedFile, Position, Target,
};

/// Namespaces that manifests may name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Allowed {
    /// Every namespace.
    Any,
    /// These only.
    Only(Vec<Arc<str>>),
}

impl Allowed {
    /// Whether manifests may name that namespace.
    pub fn contains(&self, namespace: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Only(names) => names.iter().any(|name| &**name == namespace),
        }
    }
}

/// Where the manifests of one GitSync may go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// Namespace for manifests that name none.
    pub target_namespace: Arc<str>,
    /// Namespaces that manifests may name; it holds for the target namespace, too.
    pub allowed: Allowed,
    /// Whether they may declare GitSyncs.
    pub gitsyncs: bool,
}

/// Puts the documents of all files together. The order in which files come does not matter.
///
/// An object that is declared twice, in a namespace that is not allowed, or invalidly is in
/// `quarantined`: it is neither applied nor pruned. `missing_paths` is left to the caller.
pub fn assemble<'a>(files: impl IntoIterator<Item = (&'a Arc<str>, &'a ParsedFile)>, scope: &Scope) -> Declared {
    let mut files: Vec<_> = files.into_iter().collect();
    files.sort_by_key(|(name, _)| *name);
    let mut declared = Declared { files: files.len(), ..Declared::default() };
    let mut claims = Vec::new();
    for (file, parsed) in files {
        declared.ignored += parsed.ignored;
        declared.unreadable |= parsed.unreadable;
        declared.diagnostics.extend(parsed.diagnostics.iter().map(|found| in_file(found, file)));
        collect(file, parsed, scope, &mut claims, &mut declared.diagnostics);
    }
    // Files mostly come in the order of their objects: sorting them, and making the maps of what is sorted, costs one
    // comparison for each, where inserting them one by one would cost a dozen.
    claims.sort_by(|a, b| (&a.key, a.file, a.start).cmp(&(&b.key, b.file, b.start)));
    let mut objects = Vec::with_capacity(claims.len());
    for same in claims.chunk_by(|a, b| a.key == b.key) {
        match same {
            [Claim { key, file, document: Some(document), .. }] => {
                let object = DeclaredObject { file: Arc::clone(file), document: (*document).clone() };
                objects.push((key.clone(), object));
            }
            [first, others @ ..] => {
                declared.diagnostics.extend(others.iter().map(|other| duplicate(first, other)));
                let place = Place { file: Arc::clone(first.file), start: first.start };
                declared.quarantined.insert(first.key.clone(), place);
            }
            [] => {}
        }
    }
    declared.objects = objects.into_iter().collect();
    declared.diagnostics.sort_by(|a, b| (&a.file, a.position, a.code).cmp(&(&b.file, b.position, b.code)));
    declared
}

/// One document that declares an object; without the document when it may not be applied. An object is applied when
/// exactly one document declares it, and validly.
struct Claim<'a> {
    key: Target,
    file: &'a Arc<str>,
    start: Position,
    document: Option<&'a Document>,
}

fn collect<'a>(
    file: &'a Arc<str>,
    parsed: &'a ParsedFile,
    scope: &Scope,
    claims: &mut Vec<Claim<'a>>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let key = |kind, namespace: &Option<Arc<str>>, name: &Arc<str>| {
        let namespace = namespace.as_ref().unwrap_or(&scope.target_namespace).clone();
        Target::new(kind, ObjectKey { namespace, name: name.clone() })
    };
    for document in &parsed.documents {
        let key = key(document.kind, &document.namespace, &document.name);
        let refusal = if key.kind == Kind::GitSync && !scope.gitsyncs {
            Some(kind_not_allowed(document))
        } else {
            (!scope.allowed.contains(&key.namespace)).then(|| not_allowed(document, &key, scope))
        };
        let allowed = refusal.is_none();
        diagnostics.extend(refusal.map(|found| found.in_file(file)));
        claims.push(Claim { key, file, start: document.start, document: allowed.then_some(document) });
    }
    for invalid in &parsed.quarantined {
        let key = key(invalid.kind, &invalid.namespace, &invalid.name);
        claims.push(Claim { key, file, start: invalid.start, document: None });
    }
}

fn duplicate(first: &Claim<'_>, other: &Claim<'_>) -> Diagnostic {
    let key = &first.key;
    let mut found = Diagnostic::error(
        Code::DuplicateObject,
        other.start,
        format!("{} {} is declared twice; neither is applied", key.kind, key.key),
    )
    .hint("keep one of the two")
    .in_file(other.file);
    found.related =
        Some(Related { file: first.file.clone(), position: first.start, message: "it is declared here first".into() });
    found
}

fn kind_not_allowed(document: &Document) -> Diagnostic {
    let message = "this GitSync may not declare GitSyncs: it is outside of the operator's namespace";
    Diagnostic::error(Code::KindNotAllowed, document.start, message)
        .hint("declare it by a GitSync in the operator's namespace, or apply it by hand")
}

fn not_allowed(document: &Document, key: &ObjectKey, scope: &Scope) -> Diagnostic {
    let allowed = match &scope.allowed {
        Allowed::Only(names) if !names.is_empty() => names.join(", "),
        Allowed::Only(_) | Allowed::Any => "none".into(),
    };
    let what = if document.namespace.is_some() { "namespace" } else { "target namespace" };
    Diagnostic::error(
        Code::NamespaceNotAllowed,
        document.namespace_at,
        format!("the {what} {} is not one that this GitSync may write to", key.namespace),
    )
    .hint(if scope.gitsyncs {
        format!("allowed: {allowed}; more can be named in the GitSync's spec.allowedNamespaces")
    } else {
        format!("allowed: {allowed}; a GitSync outside of the operator's namespace writes to its own alone")
    })
}

fn in_file(found: &Diagnostic, file: &Arc<str>) -> Diagnostic {
    let mut found = found.clone().in_file(file);
    if let Some(related) = found.related.as_mut().filter(|related| related.file.is_empty()) {
        related.file = file.clone();
    }
    found
}
