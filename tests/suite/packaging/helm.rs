//! Helm's own engine, built from its sources by hack/helm.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

use crate::support::plane::root;

/// What renders charts and checks documents.
pub struct Helm {
    program: PathBuf,
}

impl Helm {
    /// Builds it once; `None` where tests are skipped.
    pub fn found() -> Option<Self> {
        static PROGRAM: OnceLock<Result<PathBuf, String>> = OnceLock::new();
        let built = PROGRAM.get_or_init(|| {
            let output = Command::new(root().join("hack/helm/build")).output().unwrap();
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
            if output.status.success() { Ok(text(&output.stdout).into()) } else { Err(text(&output.stderr)) }
        });
        match built {
            Ok(program) => Some(Self { program: program.clone() }),
            Err(why) if std::env::var_os("CI").is_none() => {
                eprintln!("SKIPPED, THIS TEST PROVED NOTHING: Helm's engine cannot be built.\n{why}");
                None
            }
            Err(why) => panic!("Helm's engine cannot be built: {why}"),
        }
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
