//! Git over a child process: OpenSSH for ssh, `git upload-pack` for `file://`. The child is ours from the start, so
//! that a deadline ends it wherever it hangs, and so that no setting of a user, a machine or a repository adds to it.

use std::io::{self, Read};
use std::process::{ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use gix::protocol::transport::Protocol;
use gix::protocol::transport::client::git::{ConnectMode, blocking_io::Connection};

use super::attempt::printable;
use super::papers::Papers;
use super::{Attempt, Target};
use crate::source::url::Place;
use crate::source::{HostKey, SourceError};

/// How much of a child's complaints is kept.
const MAX_COMPLAINT: u64 = 8 << 10;
/// How long to wait for the complaints of a child that has ended.
const COMPLAINT_WAIT: Duration = Duration::from_secs(1);

/// A child that speaks Git's protocol.
pub(super) struct Process {
    attempt: Arc<Attempt>,
    pipes: Option<(ChildStdout, ChildStdin)>,
    complaint: Receiver<String>,
    name: String,
    /// What it reads of us; gone when this is.
    papers: Option<Papers>,
}

impl Process {
    /// Starts it under the attempt's deadline.
    pub fn start(target: &Target, attempt: &Arc<Attempt>) -> Result<Self, SourceError> {
        let current = target.way.current();
        let papers = current.access.ssh.as_ref().map(|ssh| Papers::of(target, ssh)).transpose()?;
        let mut command = command(target, papers.as_ref())?;
        let name = command.get_program().to_string_lossy().into_owned();
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(|error| {
                SourceError::Unsupported { url: attempt.url(), why: format!("`{name}` cannot be run: {error}") }
            })?;
        let pipes = child.stdout.take().zip(child.stdin.take());
        let complaint = listen(child.stderr.take());
        attempt.adopt(child);
        Ok(Self { attempt: attempt.clone(), pipes, complaint, name, papers })
    }

    /// The transport for gix.
    pub fn connect(&mut self) -> gix::Result<Connection<Counted, ChildStdin>> {
        let (stdout, stdin) =
            self.pipes.take().ok_or_else(|| gix::Error::from_error(io::Error::from(io::ErrorKind::BrokenPipe)))?;
        let read = Counted { inner: stdout, attempt: self.attempt.clone() };
        // Only the protocol's first line would name the path, and a process has none.
        let host = None::<(String, Option<u16>)>;
        Ok(Connection::new(read, stdin, Protocol::V2, "/", host, ConnectMode::Process, false))
    }

    /// Ends it. After a failure its last words may tell the cause.
    pub fn end(self, failed: bool) {
        if !self.attempt.is_stopped() {
            // Its pipes are closed: it says what it has to say and ends with its own children; only then is it ended.
            let said = self.complaint.recv_timeout(COMPLAINT_WAIT).unwrap_or_default();
            if failed && let Some(cause) = cause(&self.attempt, &self.name, &said, self.papers.is_some()) {
                self.attempt.fail(cause);
            }
        }
        self.attempt.end_child();
    }
}

/// Reads complaints to the end, so that the child never blocks on them, and keeps the first.
fn listen(stderr: Option<ChildStderr>) -> Receiver<String> {
    let (say, said) = mpsc::channel();
    if let Some(mut stderr) = stderr {
        std::thread::spawn(move || {
            let mut kept = Vec::new();
            // What cannot be read cannot be told.
            stderr.by_ref().take(MAX_COMPLAINT).read_to_end(&mut kept).ok();
            io::copy(&mut stderr, &mut io::sink()).ok();
            say.send(String::from_utf8_lossy(&kept).into_owned()).ok();
        });
    }
    said
}

/// What a child's complaints mean; `known` where a Secret says who reads. None where it said nothing.
fn cause(attempt: &Attempt, name: &str, said: &str, known: bool) -> Option<SourceError> {
    let url = attempt.url();
    let lower = said.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    if let Some(what) = HostKey::in_words(&lower) {
        return Some(SourceError::HostKeyRefused { url, what });
    }
    if has(&["permission denied (", "too many authentication failures", "no supported authentication"]) {
        let told =
            if known { SourceError::CredentialsRefused { url } } else { SourceError::AuthenticationRequired { url } };
        return Some(told);
    }
    if has(&["not appear to be a git repository", "repository not found", "not a git repository", "could not be found"])
    {
        return Some(SourceError::RepositoryNotFound { url });
    }
    let why = printable(said);
    (!why.is_empty()).then(|| SourceError::TransportFailed { url, why: format!("`{name}` said: {why}") })
}

fn command(target: &Target, papers: Option<&Papers>) -> Result<Command, SourceError> {
    let mut command = match &target.url.place {
        Place::Ssh { .. } => ssh(target, papers)?,
        Place::File(path) => {
            let mut command = Command::new("git");
            command.arg("upload-pack").arg("--").arg(path);
            command
        }
        Place::Http { .. } | Place::Folder(_) => {
            return Err(SourceError::Unsupported { url: target.url.to_string(), why: "no process reads it".into() });
        }
    };
    for (name, _) in std::env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"GIT_") {
            command.env_remove(name);
        }
    }
    command.env_remove("SSH_ASKPASS").env_remove("DISPLAY");
    command.env("GIT_PROTOCOL", "version=2").env("GIT_TERMINAL_PROMPT", "0").env("LC_ALL", "C");
    Ok(command)
}

fn ssh(target: &Target, papers: Option<&Papers>) -> Result<Command, SourceError> {
    let unsupported = |why: &str| SourceError::Unsupported { url: target.url.to_string(), why: why.into() };
    let Place::Ssh { user, host, port, path } = &target.url.place else { return Err(unsupported("it is not ssh")) };
    let Some((program, first)) = target.shared.options.ssh_command.split_first() else {
        return Err(unsupported("no SSH client is configured"));
    };
    let mut command = Command::new(program);
    command.args(first).args(["-T", "-x", "-a"]);
    let settings = [
        "BatchMode=yes",
        "StrictHostKeyChecking=yes",
        "ClearAllForwardings=yes",
        "PermitLocalCommand=no",
        // A shared connection would outlive the deadline.
        "ControlMaster=no",
        "ControlPath=none",
        "SendEnv=GIT_PROTOCOL",
        "ServerAliveInterval=15",
    ];
    for setting in settings {
        command.args(["-o", setting]);
    }
    command.args(["-o", &format!("ConnectTimeout={}", target.timeout.as_secs().clamp(1, 30))]);
    if let Some(papers) = papers {
        papers.show(&mut command);
    }
    if let Some(port) = port {
        command.args(["-p", &port.to_string()]);
    }
    if let Some(user) = user {
        command.args(["-l", user]);
    }
    let quoted = path.replace('\'', r"'\''");
    command.args(["--", host, &format!("git-upload-pack '{quoted}'")]);
    Ok(command)
}

/// Counts what a child sends.
pub(super) struct Counted {
    inner: ChildStdout,
    attempt: Arc<Attempt>,
}

impl Read for Counted {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.attempt.waits();
        let amount = self.inner.read(into)?;
        self.attempt.count(&into[..amount])?;
        Ok(amount)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Slowest;

    #[test]
    fn complaints_are_understood() {
        let attempt = Attempt::new("ssh://h/x".into(), 1, Slowest::default());
        let check = |said: &str, expected: Option<&str>| {
            assert_eq!(cause(&attempt, "ssh", said, false).map(|cause| cause.reason()), expected, "{said}");
        };
        let denied = cause(&attempt, "ssh", "git@h: Permission denied (publickey).", true);
        assert_eq!(denied.map(|cause| cause.reason()), Some("CredentialsRefused"));
        check("git@h: Permission denied (publickey).\r\n", Some("AuthenticationRequired"));
        check("No ED25519 host key is known for h\nHost key verification failed.", Some("HostKeyRefused"));
        check("fatal: '/x' does not appear to be a git repository", Some("RepositoryNotFound"));
        check("ERROR: Repository not found.", Some("RepositoryNotFound"));
        check("ssh: connect to host h port 22: Connection refused", Some("TransportFailed"));
        check("", None);
    }
}
