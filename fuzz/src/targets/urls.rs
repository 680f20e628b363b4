//! URLs of sources, names of refs, ranges of versions, and how long a server wants to be left alone.

use std::path::{Component, Path};
use std::time::Duration;

use gitmoor::api::gitsync::GitRef;
use gitmoor::model::reference::VersionRange;
use gitmoor::model::{Follow, LONGEST_REST, retry_after};
use gitmoor::source::{SourceOptions, Sources, parse_url, same_server};

const PASSWORD: &str = "s3cret-w0rd";

pub fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut lines = text.splitn(2, '\n');
    let (first, second) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    url(first);
    hidden(first, second);
    range(first, second);
    reference(first);
    let now = "2026-01-02T03:04:05Z".parse().expect("it is a time");
    let rest = retry_after(&text, now);
    assert!(rest.is_none_or(|rest| !rest.is_zero() && rest <= LONGEST_REST), "{rest:?}");
}

fn url(text: &str) {
    match parse_url(text, true, Some(Path::new("/srv/dev"))) {
        Ok(url) => {
            let shown = url.to_string();
            assert!(!text.starts_with('-') && !shown.chars().any(char::is_control), "{shown:?}");
            assert!(shown.contains("://") && !shown.contains("://-"), "{shown:?}");
            // Escapes may make it longer than what is read.
            if shown.starts_with("http") && shown.len() <= 2_048 {
                assert!(
                    !shown.contains('@') || shown.split('/').nth(2).is_some_and(|host| !host.contains('@')),
                    "{shown}"
                );
                let again = parse_url(&shown, false, None).expect("what is shown can be read").to_string();
                assert_eq!(again, shown);
                assert!(same_server(text, &shown), "{text} {shown}");
            }
            if shown.starts_with("dir:") {
                let path = Path::new(shown.trim_start_matches("dir://"));
                let climbs = path.components().any(|part| part == Component::ParentDir);
                assert!(path.starts_with("/srv/dev") && !climbs, "{shown}");
            }
        }
        Err(error) => {
            let said = error.to_string();
            assert!(said.len() < 2_000 && !said.chars().any(char::is_control), "{said:?}");
        }
    }
}

/// A password in a URL is refused wherever it stands, and never repeated.
fn hidden(before: &str, after: &str) {
    // What is at its end would be a longer password, and what repeats it is no secret.
    if before.contains(PASSWORD) || after.contains(PASSWORD) {
        return;
    }
    let after = after.replace('@', "");
    for text in [
        format!("https://{before}:{PASSWORD}@{after}"),
        format!("ssh://{before}:{PASSWORD}@{after}"),
        format!("{before}:{PASSWORD}@{after}"),
    ] {
        match parse_url(&text, false, None) {
            // It came to stand in a path, where it is no password.
            Ok(url) => assert!(before.contains(['@', '/', '\\']), "{url} is taken"),
            Err(error) => assert!(!error.to_string().contains(PASSWORD), "{error}"),
        }
    }
}

fn range(text: &str, tags: &str) {
    let Ok(range) = VersionRange::parse(text) else { return };
    let shown = range.to_string();
    assert_eq!(VersionRange::parse(&shown).as_ref(), Ok(&range), "{shown}");
    let tags: Vec<_> = tags.lines().chain(["v1.2.3", "2.0.0-rc.1", "v0.0.1+b"]).collect();
    let highest = range.highest(tags.iter().copied());
    assert!(highest.is_none_or(|highest| tags.contains(&highest)));
    assert_eq!(highest, range.highest(tags.iter().rev().copied()), "the order does not matter");
}

fn reference(text: &str) {
    let sources = Sources::new(SourceOptions::new("/nonexistent/gitmoor"));
    let opened = sources.open("https://git.example.com/x.git", text, Duration::from_secs(1));
    let odd = text.starts_with(['-', '/'])
        || text.ends_with(['/', '.'])
        || text.is_empty()
        || [".lock/", "..", "@{", "//", "/."].iter().any(|odd| text.contains(odd))
        || text.ends_with(".lock")
        || text.starts_with('.')
        || text.chars().any(|letter| letter.is_ascii_control() || " ~^:?*[\\".contains(letter));
    assert!(opened.is_err() || !odd, "{text:?} is asked for");
    let commit = GitRef { commit: Some(text.to_owned()), ..GitRef::default() };
    if let Ok(follow) = Follow::of(Some(&commit)) {
        assert_eq!(follow.to_string().len(), 40);
    }
}
