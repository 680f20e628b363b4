//! What Secrets of each kind come to, and what is said of those that come to nothing.

use super::*;
use crate::source::parse_url;

const HTTPS: &str = "https://git.example.com/acme/deploy.git";
const SSH: &str = "git@git.example.com:acme/deploy.git";
const KNOWN_HOSTS: &str = "git.example.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIxxx\n";

/// Made for these tests by `ssh-keygen` and `openssl`; they open nothing.
const KEY: &str = "\
-----BEGIN OPENSSH PRIVATE KEY-----\n\
b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW\n\
QyNTUxOQAAACAqqDPsX1dVQ+vM6VfXA1mUnbNCHXr46lqPtv8ZwDl0AAAAAIimZ52opmed\n\
qAAAAAtzc2gtZWQyNTUxOQAAACAqqDPsX1dVQ+vM6VfXA1mUnbNCHXr46lqPtv8ZwDl0AA\n\
AAAEDnIBjaV4MOg0MAEt8z57dx4B9NB3Ar9NVP0WORwSvdsiqoM+xfV1VD68zpV9cDWZSd\n\
s0IdevjqWo+2/xnAOXQAAAAAAAECAwQF\n\
-----END OPENSSH PRIVATE KEY-----\n";
const LOCKED_KEY: &str = "\
-----BEGIN OPENSSH PRIVATE KEY-----\n\
b3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAAGYmNyeXB0AAAAGAAAABA/1s2TJb\n\
ZdLvwcE0hX8kuOAAAAAQAAAAEAAAAzAAAAC3NzaC1lZDI1NTE5AAAAIKSOyE8xDYK1cYqY\n\
e6acmaCmXmrxSG2854r5YObsfHDfAAAAkDibor+oVL+IIknxt6ax699cPNx68o/bAzfB6R\n\
o/+5lvITYV03DaSg34t6JrK+M/OweIfXKUAoBA5XDAF101WvnaqipbX5Rmp5oJFynUkVi/\n\
WOtU5MJwGeT7t4YQ10amEJJ20dYtF5A4Y7Uujlh6BtW4MRchztcTxsM7zZGTY8/ouA90Ww\n\
VF9s3IHkmWBPEg+Q==\n\
-----END OPENSSH PRIVATE KEY-----\n";
const OLD_LOCKED_KEY: &str = "\
-----BEGIN EC PRIVATE KEY-----\n\
Proc-Type: 4,ENCRYPTED\n\
DEK-Info: AES-128-CBC,D6430CFE2AA30AED1C18B215DE2A0B67\n\
\n\
FWXOs0oL80uKgUfiGIGUMjwCv4v5xEZL59yadF7jC139waBP1xv5vKtXqZYqBpOA\n\
DI0C0ehtvH+8MnFLRRqhPCsNAvLawFA12Rrhw1R6WKeingLyALLQKdcFUwttzBq1\n\
+MUFHMPlVCoKyOrY46MzAl0S0FDkursNBsSK1v1ijbM=\n\
-----END EC PRIVATE KEY-----\n";
const TLS_KEY: &str = "\
-----BEGIN PRIVATE KEY-----\n\
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgxhiOGUWlyrCidO2i\n\
8s3tJHzIWEkwNaMIv+E6AjZsVA6hRANCAAQo1tqne1x8f2hGW0SDevUxPMCEsMDE\n\
P2ftWs9Q1K6JEgNoTJg/R0IySTqAHBwKwWYkBOQ+3lFrFlQg19zr+odE\n\
-----END PRIVATE KEY-----\n";
const TLS_CERTIFICATE: &str = "\
-----BEGIN CERTIFICATE-----\n\
MIIBdjCCARugAwIBAgIUINVZJknlMXHgraopuCigzWlpHvwwCgYIKoZIzj0EAwIw\n\
DzENMAsGA1UEAwwEdGVzdDAgFw0yNjExMjcxOTM3MzVaGA8yMTI2MTEwMzE5Mzcz\n\
NVowDzENMAsGA1UEAwwEdGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABCjW\n\
2qd7XHx/aEZbRIN69TE8wISwwMQ/Z+1az1DUrokSA2hMmD9HQjJJOoAcHArBZiQE\n\
5D7eUWsWVCDX3Ov6h0SjUzBRMB0GA1UdDgQWBBS6PR+lM6WLG7Fq8uxZBj43ypmM\n\
kjAfBgNVHSMEGDAWgBS6PR+lM6WLG7Fq8uxZBj43ypmMkjAPBgNVHRMBAf8EBTAD\n\
AQH/MAoGCCqGSM49BAMCA0kAMEYCIQCqytriZ/fpyqLXGLZWlMvVWVboHPIbAC4I\n\
HwfXnZMfswIhAJ2E61dMoZ3Z89ozzvg/gvxvZ6Q0KWHkMUU4f6k1X/wn\n\
-----END CERTIFICATE-----\n";

fn secret(keys: &[(&str, &str)]) -> SecretData {
    keys.iter().map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_vec())).collect()
}

fn read(url: &str, keys: &[(&str, &str)]) -> Result<Access, SecretFault> {
    let (url, secret) = (parse_url(url, false, None).unwrap(), secret(keys));
    let read = Access::of(&url, Secrets { secret: Some(&secret), proxy: None });
    // Whatever comes of it, no value is printed.
    let printed = format!("{:?}", read.as_ref().map_err(|(_, fault)| fault.to_string()));
    for (_, value) in keys.iter().filter(|(key, value)| *key != "username" && value.len() > 3) {
        assert!(!printed.contains(value.trim()), "{printed}");
    }
    read.map_err(|(of, fault)| {
        assert_eq!(of, Of::Secret);
        fault
    })
}

#[test]
fn a_server_over_http_is_told_who_reads() {
    let check = |keys: &[(&str, &str)], expected: Option<&str>| {
        let access = read(HTTPS, keys).unwrap();
        let said = access.http.and_then(|http| http.authorization).map(|Hidden(said)| said);
        assert_eq!(said.as_deref(), expected, "{keys:?}");
    };
    check(&[("username", "ada"), ("password", "p4ssword")], Some("Basic YWRhOnA0c3N3b3Jk"));
    check(&[("username", "ada\n"), ("password", "p4ssword\r\n")], Some("Basic YWRhOnA0c3N3b3Jk"));
    check(&[("username", "ada"), ("password", "p:4")], Some("Basic YWRhOnA6NA=="));
    check(&[("bearerToken", "t0ken\n")], Some("Bearer t0ken"));
    check(&[("ca.crt", TLS_CERTIFICATE)], None);
    check(&[("caFile", TLS_CERTIFICATE), ("certFile", TLS_CERTIFICATE), ("keyFile", TLS_KEY)], None);
    // Keys for ssh count for nothing here.
    check(&[("bearerToken", "t0ken"), ("identity", "odd"), ("known_hosts", "")], Some("Bearer t0ken"));
}

#[test]
fn certificates_are_read_from_both_kinds_of_keys() {
    let check = |keys: &[(&str, &str)], ca: bool, identity: bool| {
        let http = read(HTTPS, keys).unwrap().http.unwrap();
        assert_eq!((http.ca.is_some(), http.identity.is_some()), (ca, identity));
    };
    check(&[("ca.crt", TLS_CERTIFICATE)], true, false);
    check(&[("tls.crt", TLS_CERTIFICATE), ("tls.key", TLS_KEY)], false, true);
    check(&[("certFile", TLS_CERTIFICATE), ("keyFile", TLS_KEY), ("caFile", TLS_CERTIFICATE)], true, true);
}

#[test]
fn a_server_over_ssh_is_shown_a_key_without_passphrase() {
    let check = |keys: &[(&str, &str)]| {
        let keys = [keys, &[("known_hosts", KNOWN_HOSTS), ("identity.pub", "ssh-ed25519 AAAA ada")]].concat();
        let ssh = read(SSH, &keys).unwrap().ssh.unwrap();
        let key = ssh_key::PrivateKey::from_openssh(&ssh.identity.0).unwrap();
        assert!(!key.is_encrypted());
        assert!(ssh.identity.0.ends_with(b"-----\n") && ssh.known_hosts.0 == KNOWN_HOSTS.as_bytes());
    };
    check(&[("identity", KEY)]);
    check(&[("identity", KEY.trim_end())]);
    check(&[("identity", &KEY.replace('\n', "\r\n"))]);
    // A passphrase that nothing asks for does no harm.
    check(&[("identity", KEY), ("password", "open sesame")]);
    check(&[("identity", LOCKED_KEY), ("password", "open sesame")]);
    check(&[("identity", LOCKED_KEY), ("password", "open sesame\n")]);
    let other = TLS_KEY;
    let access = read(SSH, &[("identity", other), ("known_hosts", KNOWN_HOSTS)]).unwrap();
    assert_eq!(access.ssh.unwrap().identity.0, other.as_bytes(), "OpenSSH is the judge of other kinds");
}

/// The key that is named, whether it is missing, and a part of what is said.
#[track_caller]
fn refused(url: &str, keys: &[(&str, &str)], key: &str, is_missing: bool, part: &str) {
    let fault = read(url, keys).unwrap_err();
    let (found, missing) = match &fault {
        SecretFault::KeyMissing { key, .. } => (*key, true),
        SecretFault::KeyMalformed { key, .. } => (*key, false),
    };
    assert_eq!((found, missing), (key, is_missing), "{fault}");
    assert!(fault.to_string().contains(part), "{fault}");
}

#[test]
fn a_secret_that_is_of_no_use_over_http_says_which_key() {
    refused(HTTPS, &[], "password", true, "bearerToken");
    refused(HTTPS, &[("identity", KEY), ("known_hosts", KNOWN_HOSTS)], "password", true, "nothing in it is for https");
    refused(HTTPS, &[("token", "t0ken")], "password", true, "nothing in it is for https");
    refused(HTTPS, &[("username", "ada")], "password", true, "goes with it");
    refused(HTTPS, &[("username", "ada"), ("password", "")], "password", true, "goes with it");
    refused(HTTPS, &[("username", "ada"), ("password", "\n")], "password", true, "goes with it");
    refused(HTTPS, &[("password", "s3cret")], "username", true, "goes with it");
    refused(HTTPS, &[("username", "a:da"), ("password", "s3cret")], "username", false, "colon");
    refused(HTTPS, &[("bearerToken", "t0\nken")], "bearerToken", false, "line breaks");
    refused(HTTPS, &[("bearerToken", "t0ken"), ("username", "ada")], "bearerToken", false, "remove either");
    refused(HTTPS, &[("ca.crt", "no PEM")], "ca.crt", false, "certificate");
    refused(HTTPS, &[("caFile", TLS_KEY)], "caFile", false, "certificate");
    refused(HTTPS, &[("tls.crt", TLS_CERTIFICATE)], "tls.key", true, "goes with it");
    refused(HTTPS, &[("keyFile", TLS_KEY)], "tls.crt", true, "goes with it");
    refused(HTTPS, &[("tls.crt", "odd"), ("tls.key", TLS_KEY)], "tls.crt", false, "certificate");
    refused(HTTPS, &[("tls.crt", TLS_CERTIFICATE), ("tls.key", "odd")], "tls.key", false, "private key");
}

#[test]
fn a_secret_that_is_of_no_use_over_ssh_says_which_key() {
    let known = ("known_hosts", KNOWN_HOSTS);
    refused(SSH, &[("username", "ada"), ("password", "s3cret")], "identity", true, "private key");
    refused(SSH, &[("identity", KEY)], "known_hosts", true, "ssh-keyscan");
    refused(SSH, &[("identity", KEY), ("known_hosts", "# none\n")], "known_hosts", false, "no line");
    refused(SSH, &[("identity", "c2VjcmV0"), known], "identity", false, "no private key");
    refused(SSH, &[("identity", LOCKED_KEY), known], "password", true, "passphrase");
    refused(
        SSH,
        &[("identity", LOCKED_KEY), known, ("password", "wrong one")],
        "password",
        false,
        "not the passphrase",
    );
    refused(SSH, &[("identity", OLD_LOCKED_KEY), known, ("password", "open sesame")], "identity", false, "old format");
}

#[test]
fn a_proxy_has_an_address_and_perhaps_a_user() {
    let read = |url: &str, keys: &[(&str, &str)]| {
        let (url, proxy) = (parse_url(url, false, None).unwrap(), secret(keys));
        Access::of(&url, Secrets { secret: None, proxy: Some(&proxy) }).map(|access| access.proxy.unwrap())
    };
    for address in ["http://proxy.example.com:3128", "https://proxy.example.com", "socks5://10.0.0.1:1080\n"] {
        let proxy = read(HTTPS, &[("address", address)]).unwrap();
        assert_eq!((proxy.address.0.as_str(), proxy.user), (address.trim(), None));
    }
    let known = read(HTTPS, &[("address", "http://proxy:1"), ("username", "ada"), ("password", "s3cret")]).unwrap();
    assert_eq!(known.user.map(|(user, password)| (user.0, password.0)), Some(("ada".into(), "s3cret".into())));

    let refused = |url: &str, keys: &[(&str, &str)], part: &str| {
        let (of, fault) = read(url, keys).unwrap_err();
        let fault = fault.to_string();
        assert!(of == Of::Proxy && fault.contains(part) && !fault.contains("s3cret"), "{fault}");
    };
    refused(HTTPS, &[("username", "ada")], "\"address\"");
    refused(HTTPS, &[("address", "proxy.example.com")], "no URL");
    refused(HTTPS, &[("address", "ftp://proxy.example.com")], "scheme");
    refused(HTTPS, &[("address", "http://ada:s3cret@proxy.example.com")], "credentials");
    refused(HTTPS, &[("address", "http://proxy:1"), ("password", "s3cret")], "\"username\"");
    refused(SSH, &[("address", "http://proxy:1")], "neither https nor http");
}

#[test]
fn only_credentials_over_http_can_be_overheard() {
    let check = |url: &str, keys: &[(&str, &str)], expected: bool| {
        let parsed = parse_url(url, false, None).unwrap();
        assert_eq!(read(url, keys).unwrap().is_told_in_clear(&parsed), expected, "{url} {keys:?}");
    };
    let bearer = [("bearerToken", "t0ken")];
    check("http://git.example.com/a.git", &bearer, true);
    check(HTTPS, &bearer, false);
    check("http://git.example.com/a.git", &[("ca.crt", TLS_CERTIFICATE)], false);
}
