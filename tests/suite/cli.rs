//! The command line as people use it: the real binary, its output and its exit codes.

mod approve;
mod dev;
mod diff;
mod docs;
mod drift;
mod hostile;
mod pause;
mod preview;
mod reconcile;
mod rights;
mod rollback;
mod status;
mod suspend;
mod sync;
mod tree;
mod usage;
mod validate;

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::canary;
use crate::support::plane::ControlPlane;

/// What a command did.
pub struct Ran {
    code: i32,
    pub out: String,
    pub err: String,
}

impl Ran {
    /// Its output as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}{}", self.out, self.err))
    }

    /// Checks the exit code, and shows everything when it is another one.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}\n{}", self.out, self.err);
        self
    }
}

/// Runs gitmoor without a cluster.
async fn gitmoor(arguments: &[&str]) -> Ran {
    ran(command(arguments)).await
}

/// Runs gitmoor against a control plane.
pub async fn gitmoor_on(plane: &ControlPlane, arguments: &[&str]) -> Ran {
    gitmoor_as(&plane.kubeconfig, arguments).await
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gitmoor"));
    command.args(arguments).stdin(Stdio::null());
    command.env("KUBECONFIG", "/nowhere").env_remove("POD_NAMESPACE").env_remove("GITMOOR_LOG");
    command
}

async fn ran(mut command: Command) -> Ran {
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let ran = Ran {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    };
    canary::search("on the standard output", &ran.out);
    canary::search("on the standard error", &ran.err);
    ran
}

/// Runs gitmoor with a kubeconfig.
pub async fn gitmoor_as(kubeconfig: &Path, arguments: &[&str]) -> Ran {
    let mut command = command(arguments);
    command.env("KUBECONFIG", kubeconfig);
    ran(command).await
}

/// Writes a manifest as YAML.
fn write(folder: &Path, path: &str, manifest: &Value) {
    let place = folder.join(path);
    std::fs::create_dir_all(place.parent().unwrap()).unwrap();
    std::fs::write(place, serde_yaml::to_string(manifest).unwrap()).unwrap();
}
