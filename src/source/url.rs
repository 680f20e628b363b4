//! URLs of sources, checked once: what comes out of [`parse_url`] is safe to hand to a program or a server.
//! A URL that carries a secret is refused, and its user information is never repeated.

use std::fmt;
use std::path::{Component, Path, PathBuf};

use super::SourceError;

const MAX_LEN: usize = 2048;

/// A checked URL. Printed, it has no user information.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SourceUrl {
    pub(super) place: Place,
    shown: String,
}

/// Where a source is and how it is reached.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Place {
    /// A repository over http or https.
    Http { url: String },
    /// A repository over ssh.
    Ssh { user: Option<String>, host: String, port: Option<u16>, path: String },
    /// A repository on this machine.
    File(PathBuf),
    /// A folder on this machine.
    Folder(PathBuf),
}

impl SourceUrl {
    /// Whether it names a local folder (`dir://`).
    pub fn is_folder(&self) -> bool {
        matches!(self.place, Place::Folder(_))
    }

    /// Tells two repositories apart, whatever they are called in messages.
    pub(super) fn identity(&self) -> String {
        match &self.place {
            Place::Http { url } => url.clone(),
            Place::Ssh { user, host, port, path } => format!("ssh://{user:?}@{host}:{port:?}/{path}"),
            Place::File(path) | Place::Folder(path) => format!("file://{}", path.display()),
        }
    }
}

impl fmt::Display for SourceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

/// Whether two URLs lead to the same server in the same way: what one of them is told the other may be told.
pub fn same_server(one: &str, other: &str) -> bool {
    let server = |text: &str| match parse_place(text, false, None).ok()? {
        Place::Http { url } => {
            let (scheme, rest) = url.split_once("://")?;
            let authority = rest.split('/').next().unwrap_or_default();
            Some(format!("{scheme}://{authority}").to_ascii_lowercase())
        }
        Place::Ssh { host, port, .. } => Some(format!("ssh://{}:{}", host.to_ascii_lowercase(), port.unwrap_or(22))),
        Place::File(_) | Place::Folder(_) => None,
    };
    server(one).is_some_and(|one| server(other).as_ref() == Some(&one))
}

/// Checks a URL: https, http, ssh, `git@host:path`; `file://` with `allow_file`; `dir://` for folders under `allow_dir`.
pub fn parse_url(text: &str, allow_file: bool, allow_dir: Option<&Path>) -> Result<SourceUrl, SourceError> {
    let place = parse_place(text, allow_file, allow_dir)
        .map_err(|why| SourceError::UrlRefused { url: redact(text), why: why.into() })?;
    let shown = match &place {
        Place::Http { url } => url.clone(),
        Place::Ssh { host, port: Some(port), path, .. } => {
            format!("ssh://{host}:{port}/{}", path.trim_start_matches('/'))
        }
        Place::Ssh { host, port: None, path, .. } => format!("ssh://{host}/{}", path.trim_start_matches('/')),
        Place::File(path) => format!("file://{}", path.display()),
        Place::Folder(path) => format!("dir://{}", path.display()),
    };
    Ok(SourceUrl { place, shown })
}

fn parse_place(text: &str, allow_file: bool, allow_dir: Option<&Path>) -> Result<Place, &'static str> {
    if text.len() > MAX_LEN {
        return Err("it is longer than 2048 bytes");
    }
    if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err("it has spaces or control characters; write them as %20 and the like");
    }
    if text.starts_with('-') {
        return Err("it starts with a dash, like an option");
    }
    if let Some((scheme, rest)) = text.split_once("://") {
        return match scheme.to_ascii_lowercase().as_str() {
            "https" | "http" => http(text),
            "ssh" => ssh(text),
            "file" if allow_file => Ok(Place::File(local(text)?)),
            "file" => Err("file:// is read only where the operator allows it (--allow-file-urls)"),
            "dir" => folder(rest, allow_dir),
            "git" => Err("git:// is neither encrypted nor says who answers; use https:// or ssh://"),
            _ => Err("its scheme is not read; use https://, http:// or ssh://"),
        };
    }
    if text.contains("::") {
        return Err("remote helpers are not run; use https://, http:// or ssh://");
    }
    scp_like(text)
}

fn http(text: &str) -> Result<Place, &'static str> {
    let url = reqwest::Url::parse(text).map_err(|_| "it cannot be parsed")?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("credentials do not belong in a URL; remove everything between :// and @");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("a repository's URL has no ? and no #");
    }
    if url.host_str().is_none_or(|host| host.starts_with('-')) {
        return Err("its host is missing or starts with a dash");
    }
    Ok(Place::Http { url: url.as_str().trim_end_matches('/').to_owned() })
}

fn ssh(text: &str) -> Result<Place, &'static str> {
    let url = reqwest::Url::parse(text).map_err(|_| "it cannot be parsed")?;
    if url.password().is_some() {
        return Err("credentials do not belong in a URL; remove the colon and the password before @");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("a repository's URL has no ? and no #");
    }
    let user = (!url.username().is_empty()).then(|| url.username().to_owned());
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let path = percent_decode(url.path())?;
    // `/~someone/x` is relative to a home, as Git reads it.
    let path = if path.starts_with("/~") { path[1..].to_owned() } else { path };
    checked_ssh(user, host, url.port(), path)
}

fn scp_like(text: &str) -> Result<Place, &'static str> {
    let (authority, path) =
        text.split_once(':').ok_or("it is neither a URL nor of the form git@host:path; a bare path is not read")?;
    if authority.contains('/') {
        return Err("it is neither a URL nor of the form git@host:path; a bare path is not read");
    }
    if !authority.contains('@') && path.contains('@') {
        return Err("it looks like user:password@host:path, and credentials do not belong in a URL");
    }
    let (user, host) = authority.rsplit_once('@').map_or((None, authority), |(user, host)| (Some(user), host));
    checked_ssh(user.map(str::to_owned), host.to_owned(), None, path.to_owned())
}

fn checked_ssh(user: Option<String>, host: String, port: Option<u16>, path: String) -> Result<Place, &'static str> {
    let plain = |text: &str, more: &str| {
        !text.is_empty()
            && !text.starts_with('-')
            && text.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c) || more.contains(c))
    };
    if user.as_deref().is_some_and(|user| !plain(user, "+")) {
        return Err("its user has characters that a user's name has not");
    }
    if !plain(&host, ":") {
        return Err("its host has characters that a host's name has not");
    }
    if path.is_empty() || path == "/" || path.starts_with('-') {
        return Err("its path is missing or starts with a dash");
    }
    if path.chars().any(char::is_control) {
        return Err("its path has control characters");
    }
    Ok(Place::Ssh { user, host, port, path })
}

fn local(text: &str) -> Result<PathBuf, &'static str> {
    let url = reqwest::Url::parse(text).map_err(|_| "it cannot be parsed")?;
    let path = url.to_file_path().map_err(|()| "it needs an absolute path on this machine: file:///path")?;
    if path.as_os_str().as_encoded_bytes().iter().any(u8::is_ascii_control) {
        return Err("its path has control characters");
    }
    Ok(path)
}

fn folder(rest: &str, allow_dir: Option<&Path>) -> Result<Place, &'static str> {
    let root = allow_dir.ok_or("dir:// is for development and read only where the operator allows it (--watch)")?;
    let path = PathBuf::from(percent_decode(rest)?);
    if !path.is_absolute() {
        return Err("it needs an absolute path: dir:///path");
    }
    if path.components().any(|part| part == Component::ParentDir) {
        return Err("its path has `..`");
    }
    if path.as_os_str().as_encoded_bytes().iter().any(u8::is_ascii_control) {
        return Err("its path has control characters");
    }
    if !path.starts_with(root) {
        return Err("its folder is not under the one that the operator allows (--watch)");
    }
    Ok(Place::Folder(path))
}

fn percent_decode(text: &str) -> Result<String, &'static str> {
    const BAD: &str = "its %-escapes are not UTF-8 text";
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        if first == b'%' {
            let (digits, tail) = tail.split_at_checked(2).ok_or(BAD)?;
            let digits = std::str::from_utf8(digits).map_err(|_| BAD)?;
            // A sign is none of a number's digits here.
            let plain = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
            bytes.push(u8::from_str_radix(digits, 16).ok().filter(|_| plain).ok_or(BAD)?);
            rest = tail;
        } else {
            bytes.push(first);
            rest = tail;
        }
    }
    String::from_utf8(bytes).map_err(|_| BAD)
}

/// A refused text without user information and without characters that could disturb a terminal or a log.
fn redact(text: &str) -> String {
    // What stands before a later :// is no scheme, and may be anything.
    let is_scheme = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || "+.-".contains(c));
    let split = text.split_once("://").filter(|(scheme, _)| is_scheme(scheme));
    let (scheme, rest) = split.map_or(("", text), |(scheme, rest)| (&text[..scheme.len() + 3], rest));
    // A password may hold any character, so all before the last @ goes, were it past the first slash.
    let rest = rest.rsplit('@').next().unwrap_or_default();
    let query = rest.find(['?', '#']).unwrap_or(rest.len());
    scheme.chars().chain(rest[..query].chars()).filter(|c| !c.is_control()).take(200).collect()
}

#[cfg(test)]
mod tests;
