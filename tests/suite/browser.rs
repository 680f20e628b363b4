//! The page's own code: its pure modules in Node, and all of it in a real browser. `tests/browser` has the tests; here they
//! are run, against a made-up daemon and against a real one.

mod real;

use std::process::{Command, Output};

use crate::support::git_server::skip;
use crate::support::plane::root;

/// Runs Node in tests/browser. None, and a word about it, where it cannot.
pub fn node(arguments: &[&str], environment: &[(&str, &str)]) -> Option<Output> {
    let folder = root().join("tests/browser");
    let mut command = Command::new("node");
    command.current_dir(folder).args(arguments).envs(environment.iter().copied());
    let Ok(output) = command.output() else { return skip("there is no node: hack/setup test") };
    Some(output)
}

/// The same with a browser to drive.
pub fn browser(arguments: &[&str], environment: &[(&str, &str)]) -> Option<Output> {
    is_there()?;
    node(arguments, environment)
}

/// Whether there is a browser, and what drives it.
pub fn is_there() -> Option<()> {
    if !root().join("tests/browser/node_modules/playwright-core").exists() {
        return skip("the tests of the page are not installed: npm ci --prefix tests/browser");
    }
    let programs = ["chromium", "chromium-browser", "google-chrome"];
    let found = programs.iter().any(|name| Command::new(name).arg("--version").output().is_ok());
    if found { Some(()) } else { skip("there is no chromium: hack/setup test") }
}

/// Fails with what was printed, unless all of it passed.
pub fn passed(output: &Output) {
    let (out, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}\n{errors}");
    let ran = out.lines().find_map(|line| line.trim_start_matches(['#', 'ℹ', ' ']).strip_prefix("pass ")?.parse().ok());
    assert!(ran > Some(0_u32), "nothing ran:\n{out}\n{errors}");
}

#[test]
fn the_pages_pure_modules_hold_without_a_browser() {
    if let Some(output) = node(&["--test", "unit/"], &[]) {
        passed(&output);
    }
}

#[test]
fn the_page_holds_in_a_browser_against_a_made_up_daemon() {
    if let Some(output) = browser(&["--test", "contract.test.mjs", "made_up.test.mjs"], &[]) {
        passed(&output);
    }
}
