//! Servers that list what no Git would: names that are made to hurt, refs that lead nowhere, lies about tags, and lists without
//! end. Each is told over HTTP and in the place of ssh.

use std::path::Path;

use gitmoor::model::Follow;
use gitmoor::source::Wanted;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::*;
use crate::support::repository::git;
use crate::support::speech::{Speech, packet};

const HURTFUL: [&str; 9] = [
    "-upload-pack=touch",
    "../../../x",
    ".git/config",
    "refs/heads/../../../config",
    "refs/heads/.git/niam",
    "refs/heads/a\u{7}\u{1b}[31m",
    "refs/heads/-oProxyCommand=touch",
    "refs/gitmoor/tracked",
    "refs/heads/\u{202e}niam",
];

/// A repository whose contents the server gives out, whatever it lists.
struct Truth {
    repository: Repository,
    _folder: TempDir,
    head: String,
}

impl Truth {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let repository = Repository::new(&folder.path().join("x.git")).with_file("apps/shop.yaml", "name: shop\n");
        let head = repository.git(&["rev-parse", "HEAD"]);
        Self { repository, _folder: folder, head }
    }

    /// The server lists these, where HEAD stands for the commit that there is.
    fn lists(&self, lines: &[impl AsRef<str>]) -> Speech {
        let lines: Vec<_> =
            lines.iter().map(|line| line.as_ref().replacen("HEAD ", &format!("{} ", self.head), 1)).collect();
        Speech::of(&self.repository).listing(&lines)
    }

    fn main(&self) -> String {
        format!("{} refs/heads/main\n", self.head)
    }
}

/// Why it cannot be read, none where it can; the same over both.
async fn check(what: &str, speech: &Speech, follow: &Value, expected: &str) {
    let speaker = speech.over_http().await;
    let place = TempDir::new().unwrap();
    for url in [&*speaker.url, "git@git.test:x.git"] {
        let cache = TempDir::new().unwrap();
        let options = SourceOptions {
            ssh_command: speech.as_ssh(place.path(), speech.all_but(0)),
            ..SourceOptions::new(cache.path().join("deep/down/cache"))
        };
        let follow = Follow::of(Some(&serde_json::from_value(follow.clone()).unwrap())).unwrap();
        let wanted = Wanted { url, follow, timeout: PATIENCE, keys: "", who: "" };
        let source = Sources::new(options).open_wanted(wanted).unwrap();
        let fetched = timeout(PATIENCE, source.fetch(None, &whole())).await.expect("it ends by itself");
        match fetched {
            Ok(_) => assert_eq!(expected, "none", "{what} {url}"),
            Err(error) => {
                assert_eq!(error.reason(), expected, "{what} {url}: {error}");
                let said = error.to_string();
                assert!(said.len() < 2_000 && !said.chars().any(char::is_control), "{what}: {said:?}");
            }
        }
        let found: Vec<_> = names(cache.path());
        let hurtful = found.iter().filter(|name| ["touch", "niam", "\u{7}"].iter().any(|part| name.contains(part)));
        assert_eq!(hurtful.collect::<Vec<_>>(), [""; 0], "{what}");
        let beside: Vec<_> = std::fs::read_dir(cache.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(beside, ["deep"], "{what}: nothing is written beside the cache");
    }
}

fn names(folder: &Path) -> Vec<String> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            found.push(path.display().to_string());
            if path.is_dir() {
                folders.push(path);
            }
        }
    }
    found
}

fn branch() -> Value {
    json!({"branch": "main"})
}

#[tokio::test]
async fn names_that_hurt_are_passed_over() {
    let truth = Truth::new();
    let mut lines: Vec<_> = HURTFUL.map(|name| format!("HEAD {name}\n")).to_vec();
    lines.push(format!("HEAD refs/heads/{}\n", "a".repeat(65_000)));
    lines.push(truth.main());
    check("beside main", &truth.lists(&lines), &branch(), "none").await;
    lines.pop();
    check("without main", &truth.lists(&lines), &branch(), "RefNotFound").await;
    check("as versions", &truth.lists(&lines), &json!({"semver": "*"}), "RefNotFound").await;
}

#[tokio::test]
async fn versions_that_no_git_would_list_are_none() {
    let truth = Truth::new();
    let long = format!("HEAD refs/tags/v9.0.0+{}\n", "9".repeat(60_000));
    let odd = ["HEAD refs/tags/v9.0.0+x.lock\n", &long, "HEAD refs/tags/v9.0.0\u{7}\n"];
    check("alone", &truth.lists(&odd), &json!({"semver": ">=1"}), "RefNotFound").await;
    let good = [&odd[..], &["HEAD refs/tags/v1.2.3\n"]].concat();
    check("beside one", &truth.lists(&good), &json!({"semver": ">=1"}), "none").await;
}

#[tokio::test]
async fn refs_that_lead_nowhere_are_not_there_and_loops_are_not_walked() {
    let truth = Truth::new();
    let check = async |lines: &[&str], expected: &str| check(lines[0], &truth.lists(lines), &branch(), expected).await;
    check(&["unborn HEAD symref-target:refs/heads/nowhere\n"], "RefNotFound").await;
    check(&["unborn refs/heads/main symref-target:refs/heads/main\n"], "RefNotFound").await;
    check(&["HEAD refs/heads/main symref-target:refs/heads/main\n"], "none").await;
    check(&["HEAD HEAD symref-target:HEAD\n", "HEAD refs/heads/main symref-target:../../x\n"], "none").await;
    check(&["HEAD HEAD symref-target:refs/gitmoor/tracked\n", &truth.main()], "none").await;
    let missing = format!("{} refs/heads/main\n", "7".repeat(40));
    check(&[&missing], "Corrupt").await;
}

#[tokio::test]
async fn a_tag_is_of_what_its_object_names() {
    let truth = Truth::new();
    truth.repository.git(&["tag", "-a", "-m", "one", "v1.0.0"]);
    let tag = truth.repository.git(&["rev-parse", "v1.0.0"]);
    truth.repository.commit("later");
    let later = truth.repository.git(&["rev-parse", "HEAD"]);
    truth.repository.push(&["refs/tags/v1.0.0"]);
    for follow in [json!({"tag": "v1.0.0"}), json!({"semver": "*"}), json!({"name": "refs/tags/v1.0.0"})] {
        let check = async |peeled: &str, expected: &str| {
            let line = format!("{tag} refs/tags/v1.0.0 peeled:{peeled}\n");
            check(peeled, &truth.lists(&[line]), &follow, expected).await;
        };
        check(&truth.head, "none").await;
        check(&later, "NotGit").await;
        check(&"7".repeat(40), "NotGit").await;
    }
}

#[tokio::test]
async fn a_list_that_cannot_be_read_is_no_damage_of_the_cache() {
    let truth = Truth::new();
    for (what, raw) in [
        ("no id", packet(b"zz refs/heads/main\n")),
        ("no name", packet(truth.head.as_bytes())),
        ("an attribute that nobody knows", packet(format!("{} refs/heads/main a:b\n", truth.head).as_bytes())),
        ("no packet", b"<!DOCTYPE html>".to_vec()),
        ("a packet that is too long", b"fff5x".to_vec()),
    ] {
        let speech = Speech::of(&truth.repository).listing_raw(&[raw, b"0000".to_vec()].concat());
        check(what, &speech, &branch(), "NotGit").await;
    }
}

#[tokio::test]
async fn lists_are_bounded_by_bytes_and_by_number() {
    let truth = Truth::new();
    let many: Vec<u8> =
        (0..300_000).flat_map(|number| packet(format!("{number:040x} refs/tags/v{number}\n").as_bytes())).collect();
    let long = packet(format!("{} refs/heads/{}\n", truth.head, "a".repeat(65_000)).as_bytes()).repeat(1_100);
    for (lines, expected) in [(many, "TooManyRefs"), (long, "TooLarge")] {
        let lines = [lines, packet(truth.main().as_bytes()), b"0000".to_vec()].concat();
        check(expected, &Speech::of(&truth.repository).listing_raw(&lines), &branch(), expected).await;
    }
}

#[tokio::test]
async fn what_a_server_says_in_place_of_an_answer_is_passed_on() {
    let truth = Truth::new();
    let words = "ERR \u{1b}[31mthis repository\nis being moved\u{7}";
    let listing = Speech::of(&truth.repository).listing_raw(&packet(words.as_bytes()));
    check("in place of refs", &listing, &branch(), "ServerRefused").await;
    for words in [words.as_bytes(), b"\x03fatal: out of memory"] {
        let answer = [packet(b"packfile\n"), packet(words), b"0000".to_vec()].concat();
        check(
            "in place of a pack",
            &truth.lists(&[truth.main()]).instead_of_a_pack(&answer),
            &branch(),
            "ServerRefused",
        )
        .await;
    }
    let speaker = listing.over_http().await;
    let cache = TempDir::new().unwrap();
    let source = Sources::new(SourceOptions::new(cache.path())).open(&speaker.url, "main", PATIENCE).unwrap();
    let error = source.fetch(None, &whole()).await.unwrap_err();
    assert!(error.to_string().ends_with("says: [31mthis repository is being moved") && error.is_transient(), "{error}");
}

#[tokio::test]
async fn what_is_named_by_another_hash_is_refused_by_name() {
    let truth = Truth::new();
    let speech = Speech::of(&truth.repository).by_hash("sha256");
    let lines = [format!("{} refs/heads/main\n", "7".repeat(64))];
    check("sha256", &speech.listing(&lines), &branch(), "Unsupported").await;

    let Some(server) = GitServer::start(&[]) else { return };
    let real = server.repository("sha256.git");
    std::fs::remove_dir_all(&real.bare).unwrap();
    std::fs::create_dir_all(&real.bare).unwrap();
    git(&real.bare, &["init", "--quiet", "--bare", "--object-format=sha256", "--initial-branch=main", "."]);
    let tree = git(&real.bare, &["write-tree"]);
    let commit = git(&real.bare, &["commit-tree", "-m", "x", &tree]);
    git(&real.bare, &["update-ref", "refs/heads/main", &commit]);
    let cache = TempDir::new().unwrap();
    let open = |url: &str, options: SourceOptions| Sources::new(options).open(url, "main", PATIENCE).unwrap();
    let local = SourceOptions { allow_file: true, ..SourceOptions::new(cache.path().join("local")) };
    for source in [
        open(&server.url("sha256.git"), SourceOptions::new(cache.path().join("http"))),
        open(&format!("file://{}", real.bare.display()), local),
    ] {
        let error = source.fetch(None, &whole()).await.unwrap_err();
        assert!(error.reason() == "Unsupported" && error.to_string().contains("SHA-256"), "{error}");
    }
}
