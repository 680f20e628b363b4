//! URLs that are taken, and those that are refused.

use super::*;

fn check(text: &str, expected: Result<&str, &str>) {
    let found = parse_url(text, true, Some(Path::new("/srv/dev")));
    match (found, expected) {
        (Ok(url), Ok(identity)) => assert_eq!(url.identity(), identity, "{text}"),
        (Err(error), Err(part)) => {
            let message = error.to_string();
            assert!(message.contains(part), "{text}: {message}");
            assert!(!message.contains("s3cret"), "{text}: {message}");
            assert_eq!(error.reason(), "UrlRefused");
        }
        (found, expected) => panic!("{text}: {found:?}, expected {expected:?}"),
    }
}

#[test]
fn urls_of_repositories_are_read() {
    check("https://git.example.com/acme/deploy.git", Ok("https://git.example.com/acme/deploy.git"));
    check("HTTPS://git.example.com/acme/deploy/", Ok("https://git.example.com/acme/deploy"));
    check("http://127.0.0.1:8080/x.git", Ok("http://127.0.0.1:8080/x.git"));
    check(
        "ssh://git@git.example.com:2222/acme/x.git",
        Ok("ssh://Some(\"git\")@git.example.com:Some(2222)//acme/x.git"),
    );
    check("ssh://git.example.com/~me/x.git", Ok("ssh://None@git.example.com:None/~me/x.git"));
    check("git@git.example.com:acme/x.git", Ok("ssh://Some(\"git\")@git.example.com:None/acme/x.git"));
    check("file:///srv/git/x%20y.git", Ok("file:///srv/git/x y.git"));
    check("dir:///srv/dev/acme", Ok("file:///srv/dev/acme"));
}

#[test]
fn what_could_be_taken_for_an_option_or_a_program_is_refused() {
    check("--upload-pack=touch", Err("dash"));
    check("ext::sh -c touch", Err("spaces"));
    check("ext::sh", Err("remote helpers"));
    check("fd::17", Err("remote helpers"));
    check("git://example.com/x", Err("encrypted"));
    check("ftp://example.com/x", Err("scheme"));
    check("ssh://-oProxyCommand=touch/x", Err("refused"));
    check("ssh://-x@example.com/x", Err("user"));
    check("-oProxyCommand=x@example.com:x", Err("dash"));
    check("git@-oProxyCommand=x:x", Err("host"));
    check("git@example.com:-x", Err("dash"));
    check("git@example.com:", Err("path"));
    check("https://example.com/x\ny", Err("control"));
    check("ssh://example.com/x%0ay", Err("control"));
    check("dir:///srv/dev/x%1by", Err("control"));
    check("dir:///srv/dev/x%+ay", Err("escapes"));
    check("/srv/git/x.git", Err("bare path"));
    check("../x", Err("bare path"));
    check("", Err("bare path"));
}

#[test]
fn secrets_in_urls_are_refused_and_not_repeated() {
    check("https://me:s3cret@example.com/x", Err("https://example.com/x"));
    check("https://s3cret@example.com/x", Err("credentials"));
    check("https://me:s3cret/@example.com/x", Err("refused"));
    check("ssh://git:s3cret@example.com/x", Err("credentials"));
    check("git:s3cret@example.com:x", Err("refused"));
    check("git:s3/cret@example.com:s3cret@x", Err("refused"));
    check("me:/s3cret@example.com:x", Err("example.com:x"));
    check("a/b:s3cret@example.com:x", Err("bare path"));
    check("me you:s3cret@https://example.com/x", Err("spaces"));
    check("https://example.com/x?token=s3cret", Err("no ?"));
    check("gopher://s3cret@example.com/x", Err("gopher://example.com/x"));
}

#[test]
fn local_places_need_leave() {
    let refused = |text, file, dir: Option<&str>| parse_url(text, file, dir.map(Path::new)).unwrap_err().to_string();
    assert!(refused("file:///srv/x", false, None).contains("--allow-file-urls"));
    assert!(refused("dir:///srv/dev", true, None).contains("--watch"));
    assert!(refused("dir:///srv/other", true, Some("/srv/dev")).contains("not under"));
    assert!(refused("dir:///srv/dev/../other", true, Some("/srv/dev")).contains(".."));
    assert!(refused("dir:///srv/dev/%2e%2e/other", true, Some("/srv/dev")).contains(".."));
    assert!(refused("dir://srv/dev", true, Some("/srv/dev")).contains("absolute"));
    assert!(refused("file://host/srv/x", true, None).contains("absolute"));
}

#[test]
fn what_one_server_is_told_no_other_is() {
    let check = |one: &str, other: &str, expected: bool| assert_eq!(same_server(one, other), expected, "{one} {other}");
    check("https://git.example.com/a.git", "https://GIT.example.com/b/c", true);
    check("https://git.example.com/a", "https://git.example.com:8443/a", false);
    check("https://git.example.com/a", "http://git.example.com/a", false);
    check("https://git.example.com/a", "https://git.example.com.evil.example/a", false);
    check("git@git.example.com:a", "ssh://git@git.example.com:22/a", true);
    check("git@git.example.com:a", "ssh://git@git.example.com:2222/a", false);
    check("git@git.example.com:a", "https://git.example.com/a", false);
    check("nothing", "nothing", false);
}
