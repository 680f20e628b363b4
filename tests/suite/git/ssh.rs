//! Repositories over the real OpenSSH. The client starts the server itself, as its proxy: no port is taken, and
//! nothing is left running.

use std::path::Path;
use std::process::Command;

use gitmoor::model::Ancestry;
use gitmoor::source::{Ancestor, Lines, Secrets};

use super::*;
use crate::support::git_server::skip;

const SSHD: &str = "/usr/sbin/sshd";

/// Keys and settings of a server and a client.
struct Ssh {
    dir: TempDir,
    user: String,
}

impl Ssh {
    fn new() -> Option<Self> {
        if !Path::new(SSHD).exists() {
            return skip("OpenSSH's server is not installed");
        }
        // As root it wants this empty folder, which an init script would make; as another user it does not care.
        std::fs::create_dir_all("/run/sshd").ok();
        let dir = TempDir::new().unwrap();
        let path = dir.path().display();
        for (key, passphrase) in [("host", ""), ("client", ""), ("stranger", ""), ("locked", "open sesame")] {
            let file = dir.path().join(key);
            run(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", passphrase, "-f"]).arg(file));
        }
        let user = run(Command::new("id").arg("-un"));
        let public = |key: &str| std::fs::read_to_string(dir.path().join(key).with_extension("pub")).unwrap();
        std::fs::write(dir.path().join("authorized"), public("client") + &public("locked")).unwrap();
        let server = format!(
            "HostKey {path}/host\nAuthorizedKeysFile {path}/authorized\nStrictModes no\nUsePAM no\nPidFile none\n\
             PasswordAuthentication no\nKbdInteractiveAuthentication no\nAcceptEnv GIT_PROTOCOL\n"
        );
        std::fs::write(dir.path().join("sshd_config"), server).unwrap();
        let host = std::fs::read_to_string(dir.path().join("host.pub")).unwrap();
        std::fs::write(dir.path().join("known"), format!("git.test {host}")).unwrap();
        std::fs::write(dir.path().join("unknown"), "").unwrap();
        Some(Self { dir, user })
    }

    /// A source that reads with a key and knows some hosts.
    fn source(&self, place: &str, key: &str, known: &str) -> Source {
        let path = self.dir.path().display();
        let client = format!(
            "ProxyCommand {SSHD} -i -f {path}/sshd_config -E {path}/log\nIdentityFile {path}/{key}\n\
             IdentitiesOnly yes\nIdentityAgent none\nUserKnownHostsFile {path}/{known}\nGlobalKnownHostsFile none\n"
        );
        let config = self.dir.path().join(format!("ssh_config_{key}_{known}"));
        std::fs::write(&config, client).unwrap();
        let mut options = SourceOptions::new(self.dir.path().join(format!("cache_{key}_{known}")));
        options.ssh_command = vec!["ssh".into(), "-F".into(), config.to_str().unwrap().into()];
        let url = place.replace("USER", &self.user).replace("DIR", &path.to_string());
        Sources::new(options).open(&url, "main", PATIENCE).unwrap()
    }
}

impl Ssh {
    fn file(&self, name: &str) -> String {
        std::fs::read_to_string(self.dir.path().join(name)).unwrap()
    }

    /// A source that is reached by what a Secret says, and by nothing that this machine's user has.
    fn introduced(&self, keys: &[(&str, &str)]) -> Source {
        let path = self.dir.path().display();
        let mut options = SourceOptions::new(self.dir.path().join("cache"));
        let server = format!("ProxyCommand={SSHD} -i -f {path}/sshd_config -E {path}/log");
        options.ssh_command = ["ssh", "-o", &server].map(str::to_owned).to_vec();
        let url = format!("{}@git.test:{path}/x.git", self.user);
        let source = Sources::new(options).open(&url, "main", PATIENCE).unwrap();
        let keys = keys.iter().map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_vec())).collect();
        source.reach_by(Secrets { secret: Some(&keys), proxy: None }).unwrap();
        source
    }
}

#[tokio::test]
async fn a_secret_with_a_key_opens_a_repository() {
    let Some(ssh) = Ssh::new() else { return };
    Repository::new(&ssh.dir.path().join("x.git")).with_file("a.yaml", "a: 1\n");
    let (known, client, locked) = (ssh.file("known"), ssh.file("client"), ssh.file("locked"));
    for keys in [
        &[("identity", &*client), ("known_hosts", &*known)][..],
        &[("identity", client.trim_end()), ("known_hosts", known.trim_end()), ("identity.pub", "ignored")],
        &[("identity", &locked), ("known_hosts", &known), ("password", "open sesame")],
    ] {
        assert_eq!(paths(&*fetch(&ssh.introduced(keys)).await), ["a.yaml"]);
    }
    let left: Vec<_> =
        std::fs::read_dir(ssh.dir.path().join("cache")).unwrap().map(|entry| entry.unwrap().path()).collect();
    for file in left.iter().filter(|path| path.is_file()) {
        assert_eq!(std::fs::read(file).unwrap(), b"", "{} is left behind", file.display());
    }
}

#[tokio::test]
async fn a_secret_that_is_wrong_opens_nothing_over_ssh() {
    let Some(ssh) = Ssh::new() else { return };
    Repository::new(&ssh.dir.path().join("x.git")).with_file("a.yaml", "a");
    let (known, client, stranger) = (ssh.file("known"), ssh.file("client"), ssh.file("stranger"));
    // The key of another server, under the name of this one.
    let impostor = format!("git.test {}", ssh.file("stranger.pub"));
    let elsewhere = known.replace("git.test", "other.test");
    let revoked = format!("@revoked {known}");
    // A key that was never seen, one that has changed and one that nobody may use are three things to do.
    for (identity, known, expected, said) in [
        (&stranger, &known, "CredentialsRefused", "refuses the credentials of the Secret"),
        (&client, &impostor, "HostKeyRefused", "is not the one in known_hosts: another server may be answering"),
        (&client, &elsewhere, "HostKeyRefused", "is not known: known_hosts has none of that kind for it"),
        (&client, &revoked, "HostKeyRefused", "is refused: it was revoked"),
    ] {
        let error =
            ssh.introduced(&[("identity", identity), ("known_hosts", known)]).fetch(None, &whole()).await.unwrap_err();
        assert_eq!((error.reason(), error.is_transient()), (expected, false), "{error}");
        assert!(error.to_string().contains(said), "{said}: {error}");
    }
}

#[tokio::test]
async fn a_hosts_certificate_counts_by_the_authority_that_signed_it_its_name_and_its_time() {
    let Some(ssh) = Ssh::new() else { return };
    Repository::new(&ssh.dir.path().join("x.git")).with_file("a.yaml", "a: 1\n");
    let path = ssh.dir.path();
    run(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(path.join("ca")));
    let config = ssh.file("sshd_config") + &format!("HostCertificate {}/host-cert.pub\n", path.display());
    std::fs::write(path.join("sshd_config"), config).unwrap();
    let check = async |name: &str, time: &str, authority: &str, expected: &str| {
        let sign = ["-q", "-s", "ca", "-I", "host", "-h", "-n", name, "-V", time, "host.pub"];
        run(Command::new("ssh-keygen").current_dir(path).args(sign));
        let known = format!("@cert-authority git.test {}", ssh.file(authority));
        let source = ssh.introduced(&[("identity", &ssh.file("client")), ("known_hosts", &known)]);
        assert_eq!(reason(&source).await, expected, "{name} {time} {authority}");
    };
    check("git.test", "always:forever", "ca.pub", "none").await;
    check("git.test", "always:forever", "stranger.pub", "HostKeyRefused").await;
    check("other.test", "always:forever", "ca.pub", "HostKeyRefused").await;
    check("git.test", "20200101:20200102", "ca.pub", "HostKeyRefused").await;
}

#[tokio::test]
async fn a_repository_is_read_over_ssh() {
    let Some(ssh) = Ssh::new() else { return };
    let repository = Repository::new(&ssh.dir.path().join("it's.git")).with_file("a.yaml", "a: 1\n");
    for place in ["ssh://USER@git.test/DIR/it's.git", "USER@git.test:DIR/it's.git"] {
        let source = ssh.source(place, "client", "known");
        let first = fetch(&source).await;
        assert_eq!(paths(&first), ["a.yaml"]);
        assert!(is_unchanged(&source, &first.revision).await);
        repository.write("a.yaml", place);
        repository.commit("more");
        let second = changed(source.fetch(Some(&first.revision), &whole()).await);
        assert_eq!(content(&source, &second, "a.yaml").await, place);
    }
}

#[tokio::test]
async fn history_and_commits_are_read_over_ssh() {
    let Some(ssh) = Ssh::new() else { return };
    let repository = Repository::new(&ssh.dir.path().join("x.git")).with_file("a.yaml", "a: 1\n");
    let source = ssh.source("USER@git.test:DIR/x.git", "client", "known");
    history_and_commits_are_read(&repository, &source).await;
}

/// What needs more than the newest commit of a branch, by a child process.
pub async fn history_and_commits_are_read(repository: &Repository, source: &Source) {
    let first = fetch(source).await.revision.commit().unwrap();
    let from = Ancestor { commit: first, time: Some("2026-01-02T03:04:05Z".parse().unwrap()) };
    let more = |minute: u32| {
        repository.write("a.yaml", &format!("a: {minute}\n"));
        repository.commit_at("more", &format!("2026-01-02T04:{minute:02}:00Z"))
    };
    let hexes: Vec<String> = (0..3).map(more).collect();
    repository.push(&["HEAD:refs/heads/main"]);
    let tip = fetch(source).await.revision.commit().unwrap();
    assert_eq!(source.descends(from, tip).await.unwrap(), Ancestry::Yes);
    let rewritten = Ancestor { commit: commit(&"7".repeat(40)), ..from };
    assert_eq!(source.descends(rewritten, tip).await.unwrap(), Ancestry::No);
    let lines = Lines { commit: tip, path: "a.yaml".into(), first: 1, last: 1 };
    assert_eq!(source.last_touched(lines).await.unwrap().unwrap().commit, tip);
    let snapshot = source.at(commit(&hexes[1]), &whole()).await.unwrap();
    assert_eq!(content(source, &snapshot, "a.yaml").await, "a: 1\n");
    let error = source.at(rewritten.commit, &whole()).await.unwrap_err();
    assert_eq!((error.reason(), error.is_transient()), ("CommitNotFound", false), "{error}");
    repository.push(&["HEAD~1:refs/pull/1/head"]);
    assert_eq!(source.peek("refs/pull/1/head", &whole()).await.unwrap().revision.commit(), Some(commit(&hexes[1])));
}

#[tokio::test]
async fn the_history_of_a_line_is_read_over_ssh() {
    let Some(ssh) = Ssh::new() else { return };
    let repository = Repository::new(&ssh.dir.path().join("x.git")).with_file("a.yaml", "a: 1\nb: 1\n");
    let first = repository.git(&["rev-parse", "HEAD"]);
    for minute in 0..30 {
        repository.write("a.yaml", &format!("a: 1\nb: {minute}\n"));
        repository.commit_at("more", &format!("2026-01-02T04:{minute:02}:00Z"));
    }
    repository.push(&["HEAD:refs/heads/main"]);
    let source = ssh.source("USER@git.test:DIR/x.git", "client", "known");
    let tip = fetch(&source).await.revision.commit().unwrap();
    let lines = Lines { commit: tip, path: "a.yaml".into(), first: 1, last: 1 };
    let found = source.last_touched(lines).await.unwrap().unwrap();
    assert_eq!((found.commit.to_string(), found.or_earlier), (first, false));
}

#[tokio::test]
async fn refusals_over_ssh_have_reasons() {
    let Some(ssh) = Ssh::new() else { return };
    Repository::new(&ssh.dir.path().join("x.git")).with_file("a.yaml", "a");
    let check = async |place: &str, key: &str, known: &str, expected: &str| {
        let error = ssh.source(place, key, known).fetch(None, &whole()).await.unwrap_err();
        assert_eq!(error.reason(), expected, "{error}");
    };
    check("USER@git.test:DIR/x.git", "stranger", "known", "AuthenticationRequired").await;
    check("USER@git.test:DIR/x.git", "client", "unknown", "HostKeyRefused").await;
    check("USER@git.test:DIR/none.git", "client", "known", "RepositoryNotFound").await;
}

#[tokio::test]
async fn a_client_that_hangs_ends_with_the_deadline() {
    let cache = TempDir::new().unwrap();
    let mut options = SourceOptions::new(cache.path());
    // What a client would get as arguments is $0 and on for this script.
    options.ssh_command = vec!["sh".into(), "-c".into(), "exec sleep 3600".into()];
    let sources = Sources::new(options.clone());
    let source = sources.open("git@git.test:x.git", "main", Duration::from_millis(300)).unwrap();
    assert_eq!(reason(&source).await, "Timeout");

    options.ssh_command = vec!["/nonexistent/ssh".into()];
    let source = Sources::new(options).open("git@git.test:x.git", "main", PATIENCE).unwrap();
    assert_eq!(reason(&source).await, "Unsupported");
}

#[tokio::test]
async fn a_client_goes_with_the_caller() {
    let dir = TempDir::new().unwrap();
    let (_guard, mut changes) = gitmoor::source::watch(dir.path()).unwrap();
    let pid = dir.path().join("pid");
    let mut options = SourceOptions::new(dir.path().join(".cache"));
    options.ssh_command = vec!["sh".into(), "-c".into(), format!("echo $$ > {}; exec sleep 3600", pid.display())];
    let source = Sources::new(options).open("git@git.test:x.git", "main", PATIENCE).unwrap();
    let whole = whole();
    tokio::select! {
        fetched = source.fetch(None, &whole) => panic!("{fetched:?}"),
        changed = changes.recv() => changed.unwrap(),
    }
    // It waits for the worker that the caller left.
    source.forget().await.unwrap();
    let pid = std::fs::read_to_string(pid).unwrap();
    assert!(!Path::new("/proc").join(pid.trim()).exists(), "the client {pid} is still there");
}

fn run(command: &mut Command) -> String {
    let done = command.output().unwrap();
    assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap().trim_end().to_owned()
}
