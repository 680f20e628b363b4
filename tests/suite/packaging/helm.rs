//! Helm's own engine, built from its sources by hack/program.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use super::programs::built;
use crate::support::Kube;
use crate::support::plane::root;

/// What renders charts, checks documents, and installs the release.
pub struct Helm {
    program: PathBuf,
}

impl Helm {
    /// Builds it once; `None` where tests are skipped.
    pub fn found() -> Option<Self> {
        built("helm").map(|program| Self { program })
    }

    /// The chart's manifests.
    pub fn template(&self, namespace: &str, values: &[&str]) -> String {
        let output = self.rendered(namespace, values);
        assert!(output.status.success(), "{values:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Why the values are refused.
    pub fn refused(&self, namespace: &str, values: &[&str]) -> String {
        let output = self.rendered(namespace, values);
        assert!(!output.status.success(), "{values:?} is taken");
        String::from_utf8(output.stderr).unwrap()
    }

    fn rendered(&self, namespace: &str, values: &[&str]) -> Output {
        let chart = root().join("deploy/charts/gitmoor");
        Command::new(&self.program).arg("chart").arg(chart).arg(namespace).args(values).output().unwrap()
    }

    /// Installs, upgrades or uninstalls the release in a cluster.
    pub async fn release(&self, kube: &Kube, act: &str, arguments: &[&str]) {
        self.try_release(kube, act, arguments).await.unwrap_or_else(|why| panic!("helm {act} {arguments:?}: {why}"));
    }

    /// The same, which may be refused.
    pub async fn try_release(&self, kube: &Kube, act: &str, arguments: &[&str]) -> Result<(), String> {
        let mut command = Command::new(&self.program);
        command.arg(act).args(arguments).env("KUBECONFIG", &kube.plane.kubeconfig);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
    }

    /// What a JSON Schema finds wrong with a document; `None` where it is right.
    pub fn wrong(&self, schema: &Path, document: &Value) -> Option<String> {
        let mut command = Command::new(&self.program);
        command.arg("schema").arg(schema).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(document.to_string().as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        (!output.status.success()).then(|| String::from_utf8(output.stderr).unwrap())
    }
}
