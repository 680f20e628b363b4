//! Which failed tests of the suite are run once more, by `hack/again`: none that may have found a race.

use std::process::Command;

use crate::support::plane::root;

/// What a run in which these failed tests are run again says: their names, or nothing where the failure stands.
fn check(failed: &[&str], again: &[&str]) {
    let folder = tempfile::TempDir::new().unwrap();
    let log = folder.path().join("suite.log");
    let listed: String = failed.iter().map(|name| format!("    {name}\n")).collect();
    let output = |name: &&str| format!("---- {name} stdout ----\nthread panicked\n\n");
    let outputs: String = failed.iter().map(output).collect();
    let text = format!(
        "test a::b ... ok\n\nfailures:\n\n{outputs}\nfailures:\n{listed}\ntest result: FAILED. 1 passed; 1 failed\n"
    );
    std::fs::write(&log, text).unwrap();
    let run = Command::new(root().join("hack/again")).arg(&log).output().unwrap();
    let said = String::from_utf8(run.stdout).unwrap();
    assert_eq!(said.lines().collect::<Vec<_>>(), again, "{failed:?}");
    assert_eq!(run.status.success(), !again.is_empty(), "{failed:?}");
}

#[test]
fn a_few_failed_tests_are_run_again_and_more_are_no_accident() {
    check(&["page::a_row"], &["page::a_row"]);
    check(&["daemon::b", "daemon::a", "git::c"], &["daemon::a", "daemon::b", "git::c"]);
    check(&["a::a", "a::b", "a::c", "a::d"], &[]);
    check(&[], &[]);
}

#[test]
fn a_race_that_was_found_is_a_finding() {
    for firm in ["chaos::a_story", "daemon::crashes::a_kill", "daemon::leader::a_hand_over"] {
        check(&[firm], &[]);
        check(&["page::a_row", firm], &[]);
    }
    check(&["daemon::leaders_page::a", "daemon::a_chaos::b"], &["daemon::a_chaos::b", "daemon::leaders_page::a"]);
}
