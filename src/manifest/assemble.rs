//! From files to the objects of a revision: namespaces, duplicates, and what a GitSync may write to.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::diagnostic::Related;
use crate::model::{Code, Declared, DeclaredObject, Diagnostic, Document, ObjectKey, ParsedFile, Position};

/// Namespaces that manifests may name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Allowed {
    /// Every namespace.
    Any,
    /// These only.
    Only(Vec<Arc<str>>),
}

impl Allowed {
    fn contains(&self, namespace: &str) -> bool {
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
}

/// Puts the documents of all files together. The order in which files come does not matter.
///
/// An object that is declared twice, in a namespace that is not allowed, or invalidly is in
/// `quarantined`: it is neither applied nor pruned. `missing_paths` is left to the caller.
pub fn assemble<'a>(files: impl IntoIterator<Item = (&'a Arc<str>, &'a ParsedFile)>, scope: &Scope) -> Declared {
    let mut files: Vec<_> = files.into_iter().collect();
    files.sort_by_key(|(name, _)| *name);
    let mut declared = Declared { files: files.len(), ..Declared::default() };
    let mut claims = BTreeMap::new();
    for (file, parsed) in files {
        declared.ignored += parsed.ignored;
        declared.unreadable |= parsed.unreadable;
        declared.diagnostics.extend(parsed.diagnostics.iter().map(|found| in_file(found, file)));
        collect(file, parsed, scope, &mut claims, &mut declared.diagnostics);
    }
    for (key, mut claims) in claims {
        claims.sort_by_key(|claim| (claim.file, claim.start));
        settle(key, &claims, &mut declared);
    }
    declared.diagnostics.sort_by(|a, b| (&a.file, a.position, a.code).cmp(&(&b.file, b.position, b.code)));
    declared
}

/// One document that declares an object; without the document when it may not be applied.
struct Claim<'a> {
    file: &'a Arc<str>,
    start: Position,
    document: Option<&'a Document>,
}

fn collect<'a>(
    file: &'a Arc<str>,
    parsed: &'a ParsedFile,
    scope: &Scope,
    claims: &mut BTreeMap<ObjectKey, Vec<Claim<'a>>>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let key = |namespace: &Option<Arc<str>>, name: &Arc<str>| ObjectKey {
        namespace: namespace.as_ref().unwrap_or(&scope.target_namespace).clone(),
        name: name.clone(),
    };
    for document in &parsed.documents {
        let key = key(&document.namespace, &document.name);
        let allowed = scope.allowed.contains(&key.namespace);
        if !allowed {
            diagnostics.push(not_allowed(document, &key, scope).in_file(file));
        }
        let claim = Claim { file, start: document.start, document: allowed.then_some(document) };
        claims.entry(key).or_default().push(claim);
    }
    for invalid in &parsed.quarantined {
        let claim = Claim { file, start: invalid.start, document: None };
        claims.entry(key(&invalid.namespace, &invalid.name)).or_default().push(claim);
    }
}

/// Decides about one object: applied when exactly one document declares it, and validly.
fn settle(key: ObjectKey, claims: &[Claim<'_>], declared: &mut Declared) {
    let Some((first, others)) = claims.split_first() else { return };
    if let (Some(document), true) = (first.document, others.is_empty()) {
        declared.objects.insert(key, DeclaredObject { file: first.file.clone(), document: document.clone() });
        return;
    }
    declared.diagnostics.extend(others.iter().map(|other| duplicate(&key, first, other)));
    declared.quarantined.insert(key, first.file.clone());
}

fn duplicate(key: &ObjectKey, first: &Claim<'_>, other: &Claim<'_>) -> Diagnostic {
    let mut found = Diagnostic::error(
        Code::DuplicateObject,
        other.start,
        format!("MicroService {key} is declared twice; neither is applied"),
    )
    .hint("keep one of the two")
    .in_file(other.file);
    found.related =
        Some(Related { file: first.file.clone(), position: first.start, message: "it is declared here first".into() });
    found
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
    .hint(format!("allowed: {allowed}; more can be named in the GitSync's spec.allowedNamespaces"))
}

fn in_file(found: &Diagnostic, file: &Arc<str>) -> Diagnostic {
    let mut found = found.clone().in_file(file);
    if let Some(related) = found.related.as_mut().filter(|related| related.file.is_empty()) {
        related.file = file.clone();
    }
    found
}
