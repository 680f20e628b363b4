//! The command line as people and pipelines use it: exit codes, text and JSON of the real program.

mod installing;
mod offline;
mod online;

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::support::canary;

/// What a command did.
struct Done {
    code: i32,
    out: String,
    err: String,
}

impl Done {
    /// Its standard output as JSON.
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}{}", self.out, self.err))
    }
}

/// Runs the program against a cluster; without one, none can be reached.
async fn gitmoor(kubeconfig: Option<&Path>, arguments: &[&str]) -> Done {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gitmoor"));
    let nowhere = Path::new("/nonexistent/kubeconfig");
    command.args(arguments).env("KUBECONFIG", kubeconfig.unwrap_or(nowhere)).env_remove("POD_NAMESPACE");
    let Output { status, stdout, stderr } =
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let text = |bytes| {
        let text = String::from_utf8(bytes).unwrap();
        canary::search("on the output", &text);
        text
    };
    Done { code: status.code().unwrap(), out: text(stdout), err: text(stderr) }
}
