//! An operator's defaults from a file, for commands that need no cluster.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use crate::manifest;
use crate::model::Diagnostic;
use crate::workload::defaults::Defaults;

/// Where an operator's defaults are read.
#[derive(Debug, Clone, Default, Args)]
pub struct DefaultsArgs {
    /// File with the operator's defaults: what the entry defaults.yaml of the ConfigMap gitmoor-defaults has.
    #[arg(long, value_name = "FILE")]
    pub defaults: Option<PathBuf>,
}

/// Defaults as a file has them.
#[derive(Debug, Default)]
pub struct FromFile {
    /// The file.
    pub name: Arc<str>,
    /// What is in it.
    pub bytes: Vec<u8>,
    /// What it says; nothing where it has a mistake.
    pub defaults: Defaults,
    /// What is wrong with it.
    pub findings: Vec<Diagnostic>,
}

impl DefaultsArgs {
    /// Reads the file; none where there is none to read.
    pub fn read(&self) -> std::io::Result<Option<FromFile>> {
        let Some(path) = &self.defaults else { return Ok(None) };
        let (bytes, name) = (std::fs::read(path)?, Arc::from(path.display().to_string()));
        let (defaults, findings) = manifest::defaults(&bytes);
        let findings = findings.into_iter().map(|found| found.in_file(&name)).collect();
        Ok(Some(FromFile { name, bytes, defaults: defaults.unwrap_or_default(), findings }))
    }
}
