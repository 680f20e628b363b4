//! Where an object is declared, and what follows for one of its fields.

use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::api::drift::DeclaredAt;
use crate::manifest::Places;
use crate::model::pointer::Pointer;
use crate::model::{BlobId, CommitId};
use crate::source::{Lines, Source, Touched};

/// A document of a file, at a commit.
#[derive(Debug, Clone)]
pub struct Declaration {
    pub(super) source: Arc<Source>,
    /// None in a local folder.
    pub(super) commit: Option<CommitId>,
    pub(super) file: Arc<str>,
    /// First line of the document.
    pub(super) start: u32,
    /// None where the file is not at hand.
    pub(super) blob: Option<BlobId>,
}

impl Declaration {
    /// What can be said without reading the file.
    pub(super) fn beginning(&self) -> DeclaredAt {
        place(&self.file, self.start, String::new())
    }

    /// The place of a field, and the lines whose commit is its.
    pub(super) fn find(&self, places: &[Places], field: &Pointer) -> Option<(DeclaredAt, Option<Lines>)> {
        let document = places.iter().find(|places| places.start() == self.start)?;
        let found = document.closest(field);
        let lines = self.commit.map(|commit| Lines {
            commit,
            path: Arc::clone(&self.file),
            first: found.line,
            last: found.last,
        });
        Some((place(&self.file, found.line, found.field.to_string()), lines))
    }
}

/// A place with its commit. Of a commit that may not be the one, nobody is named.
pub(super) fn with_commit(said: DeclaredAt, touched: &Touched) -> DeclaredAt {
    let sure = !touched.or_earlier;
    DeclaredAt {
        commit: Some(touched.commit.to_string()),
        or_earlier: touched.or_earlier,
        author: sure.then(|| touched.about.author.clone()),
        subject: sure.then(|| touched.about.subject.clone()),
        committed: Some(Time(touched.about.time)),
        ..said
    }
}

fn place(file: &str, line: u32, field: String) -> DeclaredAt {
    DeclaredAt {
        file: file.to_owned(),
        line,
        field,
        commit: None,
        or_earlier: false,
        author: None,
        subject: None,
        committed: None,
    }
}
