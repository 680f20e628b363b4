//! An authority of a test's own, and the certificates that it gives. It is made by openssl.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

/// An authority that nobody trusts by itself.
pub struct Authority {
    folder: TempDir,
}

impl Authority {
    pub fn new() -> Self {
        let authority = Self { folder: TempDir::new().unwrap() };
        let config = "[req]\ndistinguished_name = dn\nprompt = no\n[dn]\nCN = test\n\
             [authority]\nbasicConstraints = critical,CA:TRUE\nkeyUsage = critical,keyCertSign\n\
             subjectKeyIdentifier = hash\n\
             [leaf]\nbasicConstraints = critical,CA:FALSE\nsubjectAltName = IP:127.0.0.1\n\
             extendedKeyUsage = serverAuth,clientAuth\n";
        fs::write(authority.file("config"), config).unwrap();
        authority.make("ca", &["-extensions", "authority"]);
        authority
    }

    /// A file of it: `ca.crt`, and those of what it gave.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Gives a certificate for 127.0.0.1, for servers and clients alike: NAME.crt and NAME.key.
    pub fn give(&self, name: &str) {
        self.give_to(name, "test");
    }

    /// The same to somebody of that name.
    pub fn give_to(&self, name: &str, whom: &str) {
        let (ca, key) = (self.file("ca.crt"), self.file("ca.key"));
        let by = ["-extensions", "leaf", "-CA", ca.to_str().unwrap(), "-CAkey", key.to_str().unwrap()];
        self.make(name, &[&by[..], &["-subj", &format!("/CN={whom}")]].concat());
    }

    /// A client that trusts it, and shows the certificate of that name where one is given.
    pub fn client(&self, shows: Option<&str>) -> reqwest::Client {
        let read = |name: &str| fs::read(self.file(name)).unwrap();
        let mut builder = reqwest::Client::builder()
            .tls_certs_only([reqwest::Certificate::from_pem(&read("ca.crt")).unwrap()])
            .pool_max_idle_per_host(0);
        if let Some(name) = shows {
            let both = [read(&format!("{name}.crt")), read(&format!("{name}.key"))].concat();
            builder = builder.identity(reqwest::Identity::from_pem(&both).unwrap());
        }
        builder.build().unwrap()
    }

    fn make(&self, name: &str, more: &[&str]) {
        let mut command = Command::new("openssl");
        command.args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
        ]);
        command.arg("-config").arg(self.file("config")).args(more);
        command
            .arg("-keyout")
            .arg(self.file(&format!("{name}.key")))
            .arg("-out")
            .arg(self.file(&format!("{name}.crt")));
        let output = command.output().unwrap_or_else(|error| panic!("this test needs openssl: {error}"));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}
