//! The page, as flags.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use http::HeaderName;

use super::listen::{Listen, address};
use crate::app::PageOptions;
use crate::page::access::Access;
use crate::page::asked::ProxyHeaders;
use crate::server::TlsFiles;

/// The page's listener.
#[derive(Debug, Clone, Args)]
pub struct PageArgs {
    /// Where the page and its API are, as in 127.0.0.1:8082. Default: nowhere, and there is no listener. `none` is nowhere,
    /// too.
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    pub page: Option<Listen>,
    /// How the page knows who is looking. Each viewer sees the namespaces that they may read in the cluster.
    #[arg(long, value_enum, default_value_t = PageAccess::Open, requires = "page", ignore_case = true)]
    pub page_access: PageAccess,
    /// File with what the proxy proves itself with, of at least 16 bytes. It sends it in the header
    /// X-Gitmoor-Proxy-Secret.
    #[arg(long, value_name = "FILE", requires = "page")]
    pub page_proxy_secret_file: Option<PathBuf>,
    /// File with the certificate that the page is served with, in PEM, and those between it and an authority. A file that
    /// changes counts within seconds.
    #[arg(long, value_name = "FILE", requires = "page", requires = "page_tls_key")]
    pub page_tls_cert: Option<PathBuf>,
    /// File with the key of that certificate, in PEM.
    #[arg(long, value_name = "FILE", requires = "page_tls_cert")]
    pub page_tls_key: Option<PathBuf>,
    /// File with authorities, in PEM. Who connects needs a certificate of one of them, and is the proxy then, without a
    /// secret. Take an authority of its own for it.
    #[arg(long, value_name = "FILE", requires = "page_tls_cert")]
    pub page_client_ca: Option<PathBuf>,
    /// Header in which the proxy names the user.
    #[arg(long, value_name = "NAME", default_value = "X-Forwarded-User", requires = "page", value_parser = header)]
    pub page_user_header: HeaderName,
    /// Header in which the proxy names the user's groups, separated by commas.
    #[arg(long, value_name = "NAME", default_value = "X-Forwarded-Groups", requires = "page", value_parser = header)]
    pub page_groups_header: HeaderName,
}

/// How the page knows who is looking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PageAccess {
    /// It does not ask. On loopback addresses only: for this machine, and for kubectl port-forward.
    #[value(name = "Open")]
    Open,
    /// By a token of the cluster, which the API server is asked about.
    #[value(name = "Token")]
    Token,
    /// By what a proxy says that proves itself.
    #[value(name = "Proxy")]
    Proxy,
}

impl PageArgs {
    /// How the page is served, if it is.
    pub fn options(&self) -> Option<PageOptions> {
        Some(PageOptions {
            address: self.page?.0?,
            access: match self.page_access {
                PageAccess::Open => Access::Open,
                PageAccess::Token => Access::Token,
                PageAccess::Proxy => Access::Proxy,
            },
            proxy: ProxyHeaders {
                user: self.page_user_header.clone(),
                groups: self.page_groups_header.clone(),
                ..ProxyHeaders::default()
            },
            proxy_secret: self.page_proxy_secret_file.clone(),
            tls: self.tls(),
        })
    }

    fn tls(&self) -> Option<TlsFiles> {
        let (certificate, key) = (self.page_tls_cert.clone()?, self.page_tls_key.clone()?);
        Some(TlsFiles { certificate, key, clients: self.page_client_ca.clone() })
    }
}

fn header(text: &str) -> Result<HeaderName, String> {
    text.parse().map_err(|_| "not a name of a header".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::super::{Cli, Command};
    use super::*;

    fn options(flags: &[&str]) -> Option<PageOptions> {
        let cli = Cli::try_parse_from(["gitmoor", "run"].iter().chain(flags)).unwrap();
        let Command::Run(args) = cli.command else { unreachable!() };
        args.page.options()
    }

    #[test]
    fn there_is_a_page_only_where_it_is_asked_for() {
        assert!(options(&[]).is_none() && options(&["--page", "none"]).is_none());
        let page = options(&["--page", "127.0.0.1:8082"]).unwrap();
        assert_eq!((page.access, page.address.port()), (Access::Open, 8082));
        assert!(page.check().is_ok());
        let flags = ["--page", "0.0.0.0:8082", "--page-access", "token", "--page-user-header", "X-User"];
        let page = options(&flags).unwrap();
        assert_eq!((page.access, page.proxy.user.as_str()), (Access::Token, "x-user"));
        assert!(Cli::try_parse_from(["gitmoor", "run", "--page-access", "Token"]).is_err());
    }

    #[test]
    fn what_would_let_anybody_in_is_found_at_the_start() {
        let refused = |flags: &[&str]| options(flags).unwrap().check().unwrap_err().to_string();
        assert!(refused(&["--page", "0.0.0.0:8082"]).contains("GM480"));
        let proxy = ["--page", "0.0.0.0:8082", "--page-access", "Proxy"];
        assert!(refused(&proxy).contains("--page-proxy-secret-file"));
        let file = tempfile::NamedTempFile::new().unwrap();
        let with = [&proxy[..], &["--page-proxy-secret-file", file.path().to_str().unwrap()]].concat();
        std::fs::write(file.path(), "short\n").unwrap();
        assert!(refused(&with).contains("fewer than 16 bytes"));
        std::fs::write(file.path(), "0123456789abcdef\n").unwrap();
        assert!(options(&with).unwrap().check().is_ok());
        std::fs::remove_file(file.path()).unwrap();
        assert!(refused(&with).contains("cannot read"));
        let tls = ["--page", "0.0.0.0:8082", "--page-tls-cert", "c", "--page-tls-key", "k", "--page-client-ca", "ca"];
        assert!(options(&[&tls[..], &["--page-access", "Proxy"]].concat()).unwrap().check().is_ok());
        assert!(refused(&[&tls[..], &["--page-access", "Token"]].concat()).contains("--page-client-ca is for"));
        let parse = |flags: &[&str]| Cli::try_parse_from(["gitmoor", "run"].iter().chain(flags)).is_ok();
        assert!(parse(&tls[..6]) && !parse(&tls[..4]), "a certificate without a key");
        assert!(!parse(&["--page", "0.0.0.0:8082", "--page-client-ca", "ca"]), "authorities without TLS");
    }
}
