//! Programs of others, built from their sources by hack/program.

use std::collections::HashMap;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use crate::support::plane::root;

/// Builds the program of a folder of hack/ once; `None` where tests are skipped.
pub fn built(name: &'static str) -> Option<PathBuf> {
    static BUILT: Mutex<Option<HashMap<&str, Result<PathBuf, String>>>> = Mutex::new(None);
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    let answer = built.get_or_insert_default().entry(name).or_insert_with(|| {
        let output = Command::new(root().join("hack/program")).arg(name).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        if output.status.success() { Ok(text(&output.stdout).into()) } else { Err(text(&output.stderr)) }
    });
    match answer {
        Ok(program) => Some(program.clone()),
        Err(why) if std::env::var_os("CI").is_none() => {
            eprintln!("SKIPPED, THIS TEST PROVED NOTHING: hack/program {name} cannot be built.\n{why}");
            None
        }
        Err(why) => panic!("hack/program {name} cannot be built: {why}"),
    }
}
