//! The first five minutes are played: the commands of docs/start.md, in order, in a shell, against a real cluster.
//!
//! Only names are others: the page's namespace and repository stand for those of the test.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use regex::Regex;

use super::page::Page;
use crate::support::scene::Scene;
use crate::support::{eventually, holds};

const URL: &str = "https://git.example.com/acme/deploy.git";
/// Commands that only look: what they show may take a moment, and a person looks again.
const LOOKS: [&str; 5] = ["gitmoor status", "gitmoor tree", "gitmoor drift", "gitmoor history", "gitmoor approve"];

#[tokio::test]
async fn the_first_five_minutes_are_as_the_page_says() {
    let Some(scene) = Scene::new("shop").await else { return };
    scene.commit(&[("README.md", "what runs in the shop".into())]);
    // The page makes its namespace itself.
    let namespace = format!("{}-start", scene.namespace);
    let shell = Shell::new(&scene, &namespace);
    let page = Page::read("docs/start.md");
    let mut played = 0;
    for block in &page.blocks {
        let text = block.text.replace("shop", &namespace);
        if let Some(file) = block.note.strip_prefix("file: ") {
            fs::create_dir_all(shell.at().join(file).parent().unwrap()).unwrap();
            fs::write(shell.at().join(file), text.replace(URL, &scene.url)).unwrap();
        }
        let Some(rest) = block.note.strip_prefix("runs") else { continue };
        let last: i32 = rest.rsplit_once("exits ").map_or(0, |(_, code)| code.parse().unwrap());
        let steps = steps(&text.replace(URL, scene.repository.bare.to_str().unwrap()));
        for (index, (command, expected)) in steps.iter().enumerate() {
            let code = if index + 1 == steps.len() { last } else { 0 };
            shell.plays(command, expected, code).await;
            played += 1;
        }
    }
    assert!(played > 15, "only {played} commands were run: is the page still read?");
}

/// Commands with what they print.
fn steps(text: &str) -> Vec<(String, String)> {
    let mut steps: Vec<(String, String)> = Vec::new();
    for line in text.lines() {
        match (line.strip_prefix("$ "), steps.last_mut()) {
            (Some(command), _) => steps.push((command.into(), String::new())),
            (None, Some((_, expected))) => expected.push_str(&format!("{line}\n")),
            (None, None) => panic!("a block begins with a command: {line}"),
        }
    }
    steps
}

/// Whether something was printed as a page says, where `…` stands for anything: in a line, or for lines.
fn fits(expected: &str, printed: &str) -> bool {
    let lines = expected.trim_end().lines().map(|line| match line.trim() {
        "…" => "(?:.*\n)*".to_owned(),
        line => format!("{}\n", line.split('…').map(words).collect::<Vec<_>>().join(".*")),
    });
    let pattern = format!("^{}$", lines.collect::<String>());
    Regex::new(&pattern)
        .unwrap()
        .is_match(&printed.trim().lines().map(|line| format!("{}\n", line.trim())).collect::<String>())
}

/// Words of a line; how far apart they stand does not matter, for that follows from the longest name.
fn words(text: &str) -> String {
    let blank = Regex::new(r"\s+").unwrap();
    blank.split(text).map(regex::escape).collect::<Vec<_>>().join(r"\s+")
}

/// A person's shell: it remembers where it is.
struct Shell {
    home: tempfile::TempDir,
    env: Vec<(&'static str, String)>,
}

impl Shell {
    fn new(scene: &Scene, namespace: &str) -> Self {
        let home = tempfile::TempDir::new().unwrap();
        fs::write(home.path().join(".at"), home.path().display().to_string()).unwrap();
        let plane = scene.kube.plane;
        let programs = [PathBuf::from(env!("CARGO_BIN_EXE_gitmoor")), plane.kubectl.clone()];
        let folders = programs.iter().map(|program| program.parent().unwrap().display().to_string());
        let path = folders.chain(std::env::var("PATH")).collect::<Vec<_>>().join(":");
        let env = vec![
            ("PATH", path),
            ("HOME", home.path().display().to_string()),
            ("KUBECONFIG", plane.kubeconfig.display().to_string()),
            ("KUBECACHEDIR", plane.kubectl_cache.display().to_string()),
            ("KUBERC", "off".into()),
            ("POD_NAMESPACE", namespace.into()),
            ("GIT_CONFIG_NOSYSTEM", "1".into()),
            ("GIT_AUTHOR_NAME", "Ada Lovelace".into()),
            ("GIT_AUTHOR_EMAIL", "ada@example.com".into()),
            ("GIT_COMMITTER_NAME", "Ada Lovelace".into()),
            ("GIT_COMMITTER_EMAIL", "ada@example.com".into()),
        ];
        Self { home, env }
    }

    /// Where it is.
    fn at(&self) -> PathBuf {
        fs::read_to_string(self.home.path().join(".at")).unwrap().trim().into()
    }

    /// Runs a command that prints this and exits so.
    async fn plays(&self, command: &str, expected: &str, code: i32) {
        let again = LOOKS.iter().any(|look| command.starts_with(look));
        if again {
            eventually(&format!("`{command}` prints\n{expected}"), async || {
                let (exited, printed) = self.run(command).await;
                holds(exited == code && fits(expected, &printed), format!("{exited}\n{printed}"))
            })
            .await;
            return;
        }
        let (exited, printed) = self.run(command).await;
        assert_eq!(exited, code, "{command}\n{printed}");
        assert!(fits(expected, &printed), "`{command}` printed\n{printed}\nand not\n{expected}");
    }

    async fn run(&self, command: &str) -> (i32, String) {
        let script = format!("{{ {command}\n}} 2>&1; code=$?; pwd >\"$HOME/.at\"; exit $code");
        let mut shell = Command::new("bash");
        shell.args(["-c", &script]).current_dir(self.at()).envs(self.env.iter().map(|(name, value)| (*name, value)));
        let output = tokio::task::spawn_blocking(move || shell.output().unwrap()).await.unwrap();
        (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

#[test]
fn what_is_printed_is_compared_line_by_line() {
    for (expected, printed, good) in [
        ("a\n", "a\n", true),
        ("", "", true),
        ("", "a\n", false),
        ("a … c\n", "a  b c\n", true),
        ("…\nc\n", "a\nb\nc\n", true),
        ("…\nc\n", "a\nb\n", false),
        ("a b\n", "a    b\n", true),
        ("a.c\n", "abc\n", false),
    ] {
        assert_eq!(fits(expected, printed), good, "{expected:?} {printed:?}");
    }
}
