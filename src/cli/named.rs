//! By which name this program was called: as itself, or by kubectl as a plugin, which calls `kubectl-gitmoor`.

use std::ffi::OsStr;
use std::path::Path;

use clap::{Command, CommandFactory};

use super::Cli;

/// The file that kubectl looks for.
const PLUGIN: &str = "kubectl-gitmoor";

/// The command line, as it is called by that name: what it says of its use is what a person types.
pub fn command(called: Option<&OsStr>) -> Command {
    let stem = called.and_then(|called| Path::new(called).file_stem());
    let command = Cli::command();
    if stem == Some(OsStr::new(PLUGIN)) { command.bin_name("kubectl gitmoor") } else { command }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_its_use_is_what_a_person_types() {
        let check = |called: &str, expected: &str| {
            let mut command = command(Some(OsStr::new(called)));
            command.build();
            let said = command.find_subcommand_mut("status").unwrap().render_usage().to_string();
            assert!(said.contains(&format!("Usage: {expected} status")), "{called}: {said}");
        };
        check("gitmoor", "gitmoor");
        check("/usr/local/bin/gitmoor", "gitmoor");
        check("/home/me/.krew/bin/kubectl-gitmoor", "kubectl gitmoor");
    }
}
