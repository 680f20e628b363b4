//! What comes from outside, one function per kind of input. Each takes any bytes and panics where something is said or done that
//! must never be: more than that nothing panics, it holds bounds, that the same is answered twice, that places are within the
//! input, that what is accepted goes all the way, and that no secret is repeated.
//!
//! `make fuzz` runs them under libFuzzer, and `tests/suite/fuzz.rs` over the corpus and some thousand mutations of it.

mod choices;
mod ignores;
mod managed_fields;
mod manifests;
mod overrides;
mod page;
mod round_trip;
mod secrets;
mod signatures;
mod urls;
mod webhooks;

use std::path::{Path, PathBuf};

/// One kind of input.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// As it is called in commands, and its folder in `fuzz/corpus`.
    pub name: &'static str,
    /// What it must hold.
    pub run: fn(&[u8]),
    /// Folders of the repository whose files are good inputs, too.
    pub seeds: &'static [&'static str],
    /// Words that mean something in such an input.
    pub words: &'static [&'static str],
}

/// All of them.
pub const TARGETS: [Target; 10] = [
    Target {
        name: "manifests",
        run: manifests::run,
        seeds: &["examples", "tests/golden/diagnostics"],
        words: &[
            "apiVersion: gitmoor.dev/v1alpha1\n",
            "kind: MicroService\n",
            "kind: GitSync\n",
            "metadata: {name: a}\n",
            "spec:\n",
            "  image: a:1\n",
            "  env: [{name: A, value: $(B)}]\n",
            "---\n",
            "&a ",
            "*a",
            "<<: ",
            "!!str ",
            "\u{feff}",
            "\u{2028}",
            "{",
            "[",
            "|\n",
            "\"\\u0000\"",
        ],
    },
    Target {
        name: "webhooks",
        run: webhooks::run,
        seeds: &["tests/payloads"],
        words: &[
            "x-github-event: push\n",
            "x-gitlab-event: Push Hook\n",
            "x-event-key: repo:push\n",
            "x-hub-signature-256: sha256=",
            "webhook-signature: v1,",
            "webhook-timestamp: ",
            "authorization: Basic ",
            "content-type: application/x-www-form-urlencoded\n",
            "payload=",
            "{\"ref\":\"refs/heads/main\"}",
            "\n\n",
            "[[[[[[[[",
        ],
    },
    Target {
        name: "urls",
        run: urls::run,
        seeds: &[],
        words: &[
            "https://",
            "ssh://",
            "git@",
            "file:///",
            "ext::",
            "%2e%2e/",
            "%0a",
            "-oProxyCommand=",
            ":",
            "@",
            "/",
            "?",
            "#",
            "||",
            ">=1.2",
            "<2",
            "^1",
            "~1.2.3",
            "1.x",
            "-rc.1",
            ".lock",
            "..",
            "@{",
            "*",
        ],
    },
    Target {
        name: "ignores",
        run: ignores::run,
        seeds: &[],
        words: &["*", "**", "!", "/", "\\", "[a-z]", "[", "]", "?", "#", "\n", "\0", "[name=web]", "~1", "apps/"],
    },
    Target {
        name: "managed_fields",
        run: managed_fields::run,
        seeds: &[],
        words: &[
            "\"f:spec\"",
            "\"k:{\\\"name\\\":\\\"a\\\"}\"",
            "\"v:1\"",
            "\"i:0\"",
            "\".\"",
            "{",
            "}",
            "[",
            "]",
            ":",
            ",",
            "\"manager\"",
            "\"operation\"",
            "\"Apply\"",
            "\"time\"",
            "\"fieldsV1\"",
            "\"subresource\"",
        ],
    },
    Target { name: "round_trip", run: round_trip::run, seeds: &[], words: &["\0\u{1}", "\u{7f}"] },
    Target {
        name: "overrides",
        run: overrides::run,
        seeds: &[],
        words: &[
            "\"$patch\"",
            "\"replace\"",
            "\"delete\"",
            "\"metadata\"",
            "\"labels\"",
            "\"selector\"",
            "\"template\"",
            "\"containers\"",
            "null",
            "{",
            "}",
            "[",
            "]",
            "\"app.kubernetes.io/name\"",
        ],
    },
    Target {
        name: "signatures",
        run: signatures::run,
        seeds: &["tests/golden/signatures/objects", "tests/golden/signatures/keys"],
        words: &[
            "gpgsig ",
            "gpgsig-sha256 ",
            "\n ",
            "-----BEGIN PGP SIGNATURE-----\n",
            "-----END PGP SIGNATURE-----\n",
            "-----BEGIN SSH SIGNATURE-----\n",
            "-----BEGIN PGP PUBLIC KEY BLOCK-----\n",
            "ssh-ed25519 ",
            "namespaces=\"git\" ",
            "valid-before=\"20200101\" ",
            "tag v1\n",
        ],
    },
    Target {
        name: "page",
        run: page::run,
        seeds: &[],
        words: &[
            "q=",
            "&namespace=",
            "&health=Ready",
            "&drift=true",
            "&limit=7",
            "&continue=shop/a",
            "%",
            "%00",
            "/api/v1/services/",
            "../",
            "\n",
            "authorization: Bearer ",
            "cookie: gitmoor-token=",
            "{\"token\": \"",
        ],
    },
    Target {
        name: "secrets",
        run: secrets::run,
        seeds: &["tests/golden/signatures/keys"],
        words: &[
            "-----BEGIN OPENSSH PRIVATE KEY-----\n",
            "-----BEGIN CERTIFICATE-----\n",
            "-----BEGIN PRIVATE KEY-----\n",
            "-----END PRIVATE KEY-----\n",
            "socks5h://",
            "http://u:p@",
            "\0",
            "\n",
        ],
    },
];

/// Runs one by its name.
pub fn run(name: &str, data: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name).unwrap_or_else(|| panic!("{name} is no target"));
    (target.run)(data);
}

/// The root of the repository, whichever package this is compiled in.
pub fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let above = package.parent().filter(|_| package.ends_with("fuzz"));
    above.unwrap_or(package).to_owned()
}
